//! What is to be listed, in which order, and what it costs.

use super::totals_witness::{MOST_PAGES, TotalsWitness};
use crate::call::Call;
use crate::paging::page::PageShape;

/// The order in which a target lists rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By id, which never changes: what comes later in the list is never moved to the front.
    Id,
    /// By name, which may repeat and change.
    Name,
    /// The target's own.
    Unsorted,
}

/// How a target takes windows of a list, and how it answers them. Start from [`Offsets::of`] and name what differs.
#[derive(Debug, Clone, Copy)]
pub struct Offsets {
    /// The parameter that says where a window begins.
    pub skip: &'static str,
    /// The parameter that says how many rows it has.
    pub limit: &'static str,
    /// The parameter that says which field to sort by.
    pub sort: &'static str,
    /// What `skip` is for the first row: 0, or 1 where rows are counted from one.
    pub first: u64,
    /// The shape of a page.
    pub page: PageShape,
}

impl Offsets {
    /// Windows by `offset`, counted from zero, and `limit`, sorted by `sort`.
    pub const fn of(page: PageShape) -> Self {
        Self { skip: "offset", limit: "limit", sort: "sort", first: 0, page }
    }
}

/// What is to be listed by offset.
#[derive(Debug, Clone)]
pub struct Listing {
    pub(super) call: Call,
    pub(super) offsets: Offsets,
    pub(super) limit: u64,
    pub(super) order: Order,
    /// Whether the target may count records that it does not give out.
    pub(super) nulls: bool,
}

impl Listing {
    /// A listing in pages of `limit` rows in the target's own order. A target may give fewer; it must not be asked for more
    /// than it takes.
    pub fn new(offsets: Offsets, call: Call, limit: u64) -> Self {
        let call = call.query(offsets.limit, limit.to_string());
        Self { call, offsets, limit, order: Order::Unsorted, nulls: false }
    }

    /// The same listing sorted by the field of its id. Ids never change, so it is the order to ask for where there is one.
    pub fn by_id(mut self, field: &'static str) -> Self {
        self.call = self.call.sorted(self.offsets.sort, field);
        self.order = Order::Id;
        self
    }

    /// The same listing sorted by a field that can repeat and change, such as a name.
    pub fn by_name(mut self, field: &'static str) -> Self {
        self.call = self.call.sorted(self.offsets.sort, field);
        self.order = Order::Name;
        self
    }

    /// The same listing of edges, in which null records may stand for edges that are not given out.
    pub fn of_edges(mut self) -> Self {
        self.nulls = true;
        self
    }

    /// The requests that a listing of `rows` rows takes: each page brings `limit - 1` new rows, and the last one must
    /// end short.
    pub fn requests(rows: u64, limit: u64) -> u64 {
        if rows < limit { 1 } else { 1 + (rows - limit).div_euclid(stride(limit)) + 1 }
    }

    /// The requests that many lists of a kind take, of the given lengths: of those that are a few full pages, most end by
    /// their totals.
    pub fn requests_of_many(lengths: &[u64], limit: u64) -> u64 {
        let full = lengths.iter().filter(|rows| is_full_pages(**rows, limit)).count() as u64;
        lengths.iter().map(|rows| Self::requests(*rows, limit)).sum::<u64>() - TotalsWitness::believed(full)
    }

    /// Whether a list of `rows` rows is a few full pages, which take a request or two more than they are.
    pub(super) fn is_full_pages(&self, rows: u64) -> bool {
        is_full_pages(rows, self.limit)
    }
}

fn is_full_pages(rows: u64, limit: u64) -> bool {
    rows > 0 && rows.is_multiple_of(limit) && rows <= MOST_PAGES * limit
}

/// How far one page starts behind the one before.
pub(super) fn stride(limit: u64) -> u64 {
    limit.max(2) - 1
}
