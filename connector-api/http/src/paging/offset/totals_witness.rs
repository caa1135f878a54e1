//! Whether the totals of one kind of list may be taken at their word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Lists of full pages that are proven whole before another ends by its total.
const PROVEN_FIRST: u64 = 64;
/// After that, one in this many is still proven.
const PROVEN_EVERY: u64 = 8;
/// A longer list is always proven: the requests that this takes are few compared with its own.
pub(super) const MOST_PAGES: u64 = 5;

/// What is known of the totals of one kind of list, such as the members of all groups, shared by their readers.
///
/// A list of exactly one page shows that it ends there only by one more request. Where hundreds of lists are of such a
/// size, the first of them are proven, then one in eight, and the others end by their totals *for the time being*: at the
/// end their reader's caller asks [`TotalsWitness::holds`]. Had any list of the kind shifted, changed, fallen short or held more
/// than it counts, all those lists are read again and proven.
#[derive(Debug, Clone, Default)]
pub struct TotalsWitness(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    proven: AtomicU64,
    refuted: AtomicBool,
}

impl TotalsWitness {
    /// How many of `lists` lists of full pages end by their totals.
    pub fn believed(lists: u64) -> u64 {
        (0..lists).filter(|at| !must_prove(*at)).count() as u64
    }

    /// Whether one more list of full pages may end by its total, for the time being.
    pub(super) fn vouches(&self) -> bool {
        let at = self.0.asked.fetch_add(1, Relaxed);
        !must_prove(at) && !self.0.refuted.load(Relaxed)
    }

    /// A list of full pages was proven to be as long as its total.
    pub(super) fn prove(&self) {
        self.0.proven.fetch_add(1, Relaxed);
    }

    /// Something odd was seen in a list of the kind.
    pub(super) fn refute(&self) {
        self.0.refuted.store(true, Relaxed);
    }

    /// Whether the totals that were taken at their word may be: what was proven proved right, and nothing was odd.
    pub fn holds(&self) -> bool {
        !self.0.refuted.load(Relaxed) && self.0.proven.load(Relaxed) >= PROVEN_FIRST / 2
    }
}

/// Whether the list of full pages that comes at this place, counted from zero, is proven.
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
