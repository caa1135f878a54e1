//! The strength of accesses.

/// The strength of an access: its position in a table of accesses, weakest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u32);
