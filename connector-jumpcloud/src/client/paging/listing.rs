//! What is to be listed, in which order, and what it costs.

use super::witness::{MOST_PAGES, Witness};
use crate::client::Call;

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

/// What is to be listed.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(super) call: Call,
    pub(super) limit: u64,
    pub(super) order: Order,
    /// Whether the target may count records that it does not give out.
    pub(super) nulls: bool,
}

impl Listing {
    /// A listing in pages of `limit` rows, at most 100, in the target's own order.
    pub(crate) fn new(call: Call, limit: u64) -> Self {
        Self { call: call.query("limit", limit.to_string()), limit, order: Order::Unsorted, nulls: false }
    }

    /// The same listing sorted by id, as JumpCloud advises for V1.
    pub(crate) fn by_id(mut self) -> Self {
        self.call = self.call.sorted("_id");
        self.order = Order::Id;
        self
    }

    /// The same listing sorted by name, the only order that V2 takes for groups.
    pub(crate) fn by_name(mut self) -> Self {
        self.call = self.call.sorted("name");
        self.order = Order::Name;
        self
    }

    /// The same listing of edges, in which null records may stand for edges that are not given out.
    pub(crate) fn of_edges(mut self) -> Self {
        self.nulls = true;
        self
    }

    /// The requests that a listing of `rows` rows takes: each page brings `limit - 1` new rows, and the last one must
    /// end short.
    pub(crate) fn requests(rows: u64, limit: u64) -> u64 {
        if rows < limit { 1 } else { 1 + (rows - limit).div_euclid(stride(limit)) + 1 }
    }

    /// The requests that many lists of a kind take, of the given lengths: of those that are a few full pages, most end by
    /// their totals.
    pub(crate) fn requests_of_many(lengths: &[u64], limit: u64) -> u64 {
        let full = lengths.iter().filter(|rows| is_full_pages(**rows, limit)).count() as u64;
        lengths.iter().map(|rows| Self::requests(*rows, limit)).sum::<u64>() - Witness::believed(full)
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
