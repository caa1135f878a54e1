//! What a page shows: answers that are bounded, paged by key, and read by an index.

mod evidence;
mod figures;
mod members;
mod object;
mod place;
mod privileged;
mod search;
mod standing;

use connector_api::ConnectorError;

use crate::database::{Connection, Value};
use crate::store::System;

pub use evidence::{FindingFilter, Subject};
pub(crate) use figures::keep as keep_figures;
pub use figures::{Factor, Figures};
pub use members::{Counted, Member, WhoPage};
pub use object::Stood;
pub use place::RunHead;
pub use privileged::{PrivilegedAccount, PrivilegedFilter};
pub use standing::{Need, Standing, StandingKey};

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PageOf<T> {
    /// The rows that were found.
    pub rows: Vec<T>,
    /// Where the next page begins, if there may be more.
    pub next: Option<RowKey>,
}

/// Where a page of rows ends: the rank of the last row and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowKey {
    rank: i64,
    object: i64,
}

impl RowKey {
    /// Writes it for an address.
    pub fn to_text(self) -> String {
        format!("{}.{}", self.rank, self.object)
    }

    /// Reads it from an address.
    pub fn from_text(text: &str) -> Option<Self> {
        let (rank, object) = text.split_once('.')?;
        // What the columns of both databases can hold.
        let number = |text: &str| text.parse::<i32>().ok().filter(|number| *number >= 0).map(i64::from);
        Some(Self { rank: number(rank)?, object: number(object)? })
    }
}

/// The column of volatile fields after a run. Only those as last seen are kept: they are of the run that stands, and are not
/// known as of an earlier one.
fn volatile(system: &System, run: i64) -> &'static str {
    if system.published_run == Some(run) { "f.body" } else { "cast(null as text)" }
}

/// Rows that are looked at for one page. Filters that match few of them end a page early, and the next one goes on.
const LOOKED_AT: usize = 4_000;

/// The most rows that are read at once.
const BATCH: usize = 250;

/// Reads a page: for one rank after the other the rows by their numbers, as long as `keep` has room. A row is what `keep` makes
/// of the number, the body and the volatile fields.
///
/// `ranks` has the SQL that selects these, with the parameters system, run, last number and how many. An empty one is passed
/// over.
fn page<T>(
    db: &mut dyn Connection,
    of: [Value; 2],
    ranks: &[String],
    after: Option<RowKey>,
    limit: usize,
    mut keep: impl FnMut(i64, &str, Option<&str>) -> Result<Option<T>, ConnectorError>,
) -> Result<PageOf<T>, ConnectorError> {
    let (mut rows, mut looked_at) = (Vec::new(), 0);
    // Without a filter, this is all that a page needs.
    let mut batch_size = (limit + 1).min(BATCH);
    let start = after.map_or(0, |key| key.rank);
    for (rank, sql) in (0_i64..).zip(ranks).skip(start as usize) {
        if sql.is_empty() {
            continue;
        }
        let mut last = after.filter(|key| key.rank == rank).map_or(0, |key| key.object);
        loop {
            let parameters = [of[0].clone(), of[1].clone(), last.into(), (batch_size as i64).into()];
            let batch =
                db.rows(sql, &parameters, |row| Ok((row.number(0)?, row.word(1)?.to_owned(), row.owned(2)?)))?;
            let is_end = batch.len() < batch_size;
            batch_size = BATCH;
            for (object, body, volatile) in batch {
                if rows.len() == limit || looked_at == LOOKED_AT {
                    return Ok(PageOf { rows, next: Some(RowKey { rank, object: last }) });
                }
                looked_at += 1;
                last = object;
                rows.extend(keep(object, &body, volatile.as_deref())?);
            }
            if is_end {
                break;
            }
        }
    }
    Ok(PageOf { rows, next: None })
}
