//! Evidence of whether the totals of one kind of list can be trusted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The number of lists of full pages that are proven before any other ends by its total.
const PROVEN_FIRST: u64 = 64;
/// After that, one in this many is still proven.
const PROVEN_EVERY: u64 = 8;
/// Longer lists, in pages, are always proven: this takes few requests compared with their own.
pub(super) const MOST_PAGES: u64 = 5;

/// Evidence about the totals of one kind of list, such as the members of all groups, shared by their readers.
///
/// For a list of exactly one page, only one more request can show that it ends there. If hundreds of lists have such a
/// size, the first of them are proven, then one in eight. The others end by their totals *provisionally*: at the end,
/// the caller must ask [`TotalsWitness::holds`]. If any list of the kind shifted, changed, fell short or had more rows
/// than its total, all those lists must be read again and proven.
#[derive(Debug, Clone, Default)]
pub struct TotalsWitness(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    proven: AtomicU64,
    refuted: AtomicBool,
}

impl TotalsWitness {
    /// Returns how many of `lists` lists of full pages end by their totals.
    pub fn believed(lists: u64) -> u64 {
        (0..lists).filter(|at| !must_prove(*at)).count() as u64
    }

    /// Returns whether one more list of full pages may end by its total, provisionally.
    pub(super) fn vouches(&self) -> bool {
        let at = self.0.asked.fetch_add(1, Relaxed);
        !must_prove(at) && !self.0.refuted.load(Relaxed)
    }

    /// Records that a list of full pages was proven to be as long as its total.
    pub(super) fn prove(&self) {
        self.0.proven.fetch_add(1, Relaxed);
    }

    /// Records that something was odd in a list of the kind.
    pub(super) fn refute(&self) {
        self.0.refuted.store(true, Relaxed);
    }

    /// Returns whether the trusted totals can be accepted: enough were proven right, and nothing was odd.
    pub fn holds(&self) -> bool {
        !self.0.refuted.load(Relaxed) && self.0.proven.load(Relaxed) >= PROVEN_FIRST / 2
    }
}

/// Returns whether the list of full pages at this position, counted from zero, must be proven.
fn must_prove(at: u64) -> bool {
    at < PROVEN_FIRST || at.is_multiple_of(PROVEN_EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_hold_after_enough_proofs_and_never_after_one_lie() {
        let witness = TotalsWitness::default();
        let lists = 500;
        let believed = (0..lists).filter(|_| witness.vouches()).count() as u64;
        assert_eq!(believed, TotalsWitness::believed(lists));
        assert!(believed > 350 && !witness.holds(), "nothing is proven yet");
        (0..lists - believed).for_each(|_| witness.prove());
        assert!(witness.holds());
        witness.refute();
        assert!(!witness.holds() && (0..100).all(|_| !witness.vouches()));
    }

    #[test]
    fn few_lists_are_all_proven() {
        assert_eq!(TotalsWitness::believed(64), 0);
    }
}
