//! One pass over a list, from the first row to the last.

use std::collections::HashMap;

use super::RowId;

/// Where rows that its total counts are missing from a list of edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// After the last row: every window up to the total had rows.
    Tail,
    /// In at least one whole window.
    Window,
}

/// The state of one pass.
#[derive(Debug)]
pub(super) struct Pass<I> {
    pub(super) number: u8,
    /// The start of the next page.
    pub(super) next: u64,
    /// Positions in the last window without a row.
    pub(super) vacant: u64,
    /// The total reported by the last page.
    pub(super) promised: u64,
    /// The smallest and the largest total.
    pub(super) totals: Option<(u64, u64)>,
    /// The ids of the last page that had any rows.
    pub(super) tail: Vec<I>,
    /// Pages so far.
    pub(super) pages: u64,
    /// Distinct rows so far.
    pub(super) rows: u64,
    /// Null records in its pages.
    pub(super) nulls: u64,
    /// Rows that no earlier pass had.
    pub(super) fresh: u64,
    /// Rows that the previous pass had, too.
    pub(super) kept: u64,
    /// How many additional times a row occurs within a single page.
    pub(super) repeated: HashMap<I, u64>,
    /// Consecutive pages without a new row.
    pub(super) idle: u32,
    /// Windows without a row that were skipped.
    pub(super) passed_over: u64,
    /// A page was linked by a row other than its first, and the order of ids does not make this safe.
    pub(super) shifted: bool,
    /// The next page is a look past the last row, where nothing should be.
    pub(super) behind: bool,
    /// The next page follows a window without a row, so there is nothing to link it to.
    pub(super) loose: bool,
    /// Where rows are missing that the total promises.
    pub(super) gap: Option<Gap>,
    /// The end of the last window that had new rows.
    pub(super) covered: u64,
    /// The total is trusted, and pages share no row.
    pub(super) on_trust: bool,
    /// Whether the ids do not ascend throughout.
    pub(super) descends: bool,
    pub(super) greatest: Option<I>,
}

/// The result of one pass, for comparison with the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    rows: u64,
    totals: Option<(u64, u64)>,
}

impl<I: RowId> Pass<I> {
    /// Starts the pass of this number.
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
            nulls: 0,
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

    /// Returns the number of rows received, each counted as often as the list itself contains it.
    pub(super) fn length(&self) -> u64 {
        self.rows + self.repeated.values().sum::<u64>()
    }

    /// Returns whether this pass and the previous one had the same rows and the same total, if any.
    pub(super) fn is_alike(&self, before: Option<Outcome>) -> bool {
        self.fresh == 0
            && self.kept == self.rows
            && self.totals.is_none_or(|(low, high)| low == high)
            && before == Some(self.outcome())
    }

    /// Records rows that occur more than once in one page: the list itself contains them that often.
    pub(super) fn note_repeated(&mut self, ids: &[I]) {
        let mut ids: Vec<&I> = ids.iter().collect();
        ids.sort_unstable();
        for same in ids.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
            let more = self.repeated.entry(same[0].clone()).or_default();
            *more = (*more).max(same.len() as u64 - 1);
        }
    }

    /// Records whether the ids still ascend.
    pub(super) fn note_order(&mut self, ids: &[I]) {
        if self.descends {
            return;
        }
        // A page may begin with rows of the previous one.
        let new = ids.iter().skip_while(|id| self.greatest.as_ref().is_some_and(|greatest| *id <= greatest));
        self.descends = !ids.is_sorted();
        self.greatest = new.last().cloned().or(self.greatest.take());
    }
}
