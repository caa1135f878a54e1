//! How strong an access is.

/// How much an access allows: its place in a table of accesses, the weakest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u32);
