//! One reading of a listing from the first row to the last.

use std::collections::HashMap;

use super::RowId;

/// Where a list of edges gives no row although its total promises some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Behind the last row: every window up to the total brought rows.
    Tail,
    /// In a whole window.
    Window,
}

/// One reading from the first row to the last.
#[derive(Debug)]
pub(super) struct Pass<I> {
    pub(super) number: u8,
    /// Where the next page starts.
    pub(super) next: u64,
    /// Places of the last window that held no row.
    pub(super) vacant: u64,
    /// Rows that the last page promised in all.
    pub(super) promised: u64,
    /// The smallest and the largest promise.
    pub(super) totals: Option<(u64, u64)>,
    /// The rows of the last page that held any.
    pub(super) tail: Vec<I>,
    /// Pages taken so far.
    pub(super) pages: u64,
    /// Different rows so far.
    pub(super) rows: u64,
    /// Of these, rows that no earlier pass brought.
    pub(super) fresh: u64,
    /// Of these, rows that the pass before brought.
    pub(super) kept: u64,
    /// How many times more than once a row stands in a single page.
    pub(super) repeated: HashMap<I, u64>,
    /// Pages in a row that brought nothing.
    pub(super) idle: u32,
    /// Windows without a row that were passed over.
    pub(super) passed_over: u64,
    /// A page had to be linked by other than its first row, and the ids are in no order that makes this safe.
    pub(super) shifted: bool,
    /// The next page is a look behind the last row, where nothing should be.
    pub(super) behind: bool,
    /// The next page follows a window without a row, so there is nothing that it could be linked to.
    pub(super) loose: bool,
    /// Where no row was given although the total promises some.
    pub(super) gap: Option<Gap>,
    /// Where the last window ends that brought rows.
    pub(super) covered: u64,
    /// The total is taken at its word, and the pages share no row.
    pub(super) on_trust: bool,
    /// So far each row's id was greater than those before it.
    pub(super) descends: bool,
    pub(super) greatest: Option<I>,
}

/// What one pass brought, for the next one to be held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    rows: u64,
    totals: Option<(u64, u64)>,
}

impl<I: RowId> Pass<I> {
    /// A pass of this number, at its beginning.
    pub(super) fn begin(number: u8) -> Self {
        Self {
            number,
            next: 0,
            vacant: 0,
            promised: 0,
            totals: None,
            tail: Vec::new(),
            pages: 0,
            rows: 0,
            fresh: 0,
            kept: 0,
            repeated: HashMap::new(),
            idle: 0,
            passed_over: 0,
            shifted: false,
            behind: false,
            loose: false,
            gap: None,
            covered: 0,
            on_trust: false,
            descends: false,
            greatest: None,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        Outcome { rows: self.rows, totals: self.totals }
    }

    /// Rows received, each as often as the list itself holds it.
    pub(super) fn length(&self) -> u64 {
        self.rows + self.repeated.values().sum::<u64>()
    }

    /// Whether this pass brought what the one before did, under one and the same total, if any.
    pub(super) fn is_alike(&self, before: Option<Outcome>) -> bool {
        self.fresh == 0
            && self.kept == self.rows
            && self.totals.is_none_or(|(low, high)| low == high)
            && before == Some(self.outcome())
    }

    /// Notes rows that stand in one page more than once: the listing itself has them so often.
    pub(super) fn note_repeated(&mut self, ids: &[I]) {
        if ids.is_sorted_by(|a, b| a < b) {
            return;
        }
        let mut ids: Vec<&I> = ids.iter().collect();
        ids.sort_unstable();
        for same in ids.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
            let more = self.repeated.entry(same[0].clone()).or_default();
            *more = (*more).max(same.len() as u64 - 1);
        }
    }

    /// Enters whether the ids still ascend.
    pub(super) fn note_order(&mut self, ids: &[I]) {
        if self.descends {
            return;
        }
        // A page may begin with rows of the one before.
        let new = ids.iter().skip_while(|id| self.greatest.as_ref().is_some_and(|greatest| *id <= greatest));
        self.descends = !ids.is_sorted();
        self.greatest = new.last().cloned().or(self.greatest.take());
    }
}
