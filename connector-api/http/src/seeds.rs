//! The seeds of tests with random targets.

use std::ops::Range;

/// Returns this many seeds, or as many as `CASES` sets, or only `SEED`. A test prints the seed that it fails with.
pub(crate) fn seeds(cases: u64) -> Range<u64> {
    let set = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match set("SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + set("CASES").unwrap_or(cases),
    }
}
