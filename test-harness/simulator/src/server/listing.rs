//! One page of a collection.

use std::ops::Range;

use serde_json::Value;

use super::answer::Answer;
use super::query::{Query, SortKey};
use crate::behaviour::NullForm;
use crate::faults::{Effect, Strikes, TotalFault};
use crate::organization::Dice;
use crate::wire::{self, Fields, Object};

/// Writes the row at a position.
pub(crate) type RowWriter<'a> = Box<dyn Fn(u64, &mut Object<'_>) + Send + Sync + 'a>;

/// Rows that can be counted, and written one by one.
pub(crate) struct Collection<'a> {
    /// How many rows there are.
    pub(crate) count: u64,
    /// The field that holds the id, in whose order the rows stand; empty when they stand in no order.
    pub(crate) id_field: &'static str,
    /// Writes the row at a position.
    pub(crate) write: RowWriter<'a>,
    /// What filters and sort keys see of the row at a position, where that is more than the row holds.
    pub(crate) whole: Option<RowWriter<'a>>,
    /// Records between the rows that are counted and not given out.
    pub(crate) nulls: Nulls,
}

/// Null records of a list of edges.
#[derive(Debug, Default)]
pub(crate) struct Nulls {
    /// Where they stand among all records, ascending.
    pub(crate) positions: Vec<u64>,
    /// What an answer holds in their place.
    pub(crate) form: NullForm,
}

impl Nulls {
    /// The row that stands at a position among all records, if it is none of these.
    fn row_at(&self, position: u64) -> Option<u64> {
        self.positions.binary_search(&position).err().map(|before| position - before as u64)
    }

    /// What stands in the place of a null record, unless nothing does.
    fn text(&self) -> Option<&'static [u8]> {
        Some(match self.form {
            NullForm::LeftOut => return None,
            NullForm::Null => b"null",
            NullForm::NullTo => br#"{"attributes":null,"to":null}"#,
            NullForm::NullId => br#"{"attributes":null,"to":{"attributes":null,"id":null,"type":"user"}}"#,
            NullForm::EmptyId => br#"{"attributes":null,"to":{"attributes":null,"id":"","type":"user"}}"#,
        })
    }
}

impl<'a> Collection<'a> {
    /// A collection over things in memory.
    pub(crate) fn of<T: Send + Sync + 'a>(
        items: Vec<T>,
        id_field: &'static str,
        write: impl Fn(&T, &mut Object<'_>) + Send + Sync + 'a,
    ) -> Self {
        Self::new(items.len() as u64, id_field, move |position, object| write(&items[position as usize], object))
    }

    /// A collection of `count` rows.
    pub(crate) fn new(
        count: u64,
        id_field: &'static str,
        write: impl Fn(u64, &mut Object<'_>) + Send + Sync + 'a,
    ) -> Self {
        Self { count, id_field, write: Box::new(write), whole: None, nulls: Nulls::default() }
    }

    fn value(&self, position: u64, fields: &Fields) -> Value {
        let mut row = Vec::new();
        let write = self.whole.as_ref().unwrap_or(&self.write);
        Object::write(&mut row, Some(fields), |object| write(position, object));
        serde_json::from_slice(&row).unwrap_or_default()
    }

    /// The page that a query asks for.
    pub(crate) fn page(&self, query: &Query, strikes: &Strikes) -> Page {
        let order = self.order(query, strikes);
        let no_nulls = Nulls::default();
        let nulls = if matches!(order, Order::Chosen(_)) { &no_nulls } else { &self.nulls };
        let order = if strikes.has(&Effect::DuplicateRows) { order.with_duplicates() } else { order };
        let count = order.count();
        let window = window(query, count, strikes);
        let mut rows = Vec::with_capacity((window.end - window.start) as usize * 256);
        let records = window.map(|position| nulls.row_at(order.index(position)));
        let given = records.filter(|row| row.is_some() || nulls.text().is_some());
        wire::list(&mut rows, given, |out, row| match row {
            Some(row) => Object::write(out, Some(&query.fields), |object| (self.write)(row, object)),
            None => out.extend_from_slice(nulls.text().unwrap_or_default()),
        });
        Page { rows, total: total(count, strikes) }
    }

    fn order(&self, query: &Query, strikes: &Strikes) -> Order {
        let count = self.count + self.nulls.positions.len() as u64;
        let by_id = |key: &SortKey| !self.id_field.is_empty() && key.field == self.id_field;
        match query.sort.first() {
            _ if !query.filter.is_empty() => self.sorted(query),
            None if strikes.has(&Effect::Unsorted) => {
                Order::Rotated { count, by: Dice::thrown(strikes.seed, strikes.ordinal, 1).below(count) }
            }
            None => Order::Natural(count),
            Some(key) if by_id(key) && key.descending => Order::Reversed(count),
            Some(key) if by_id(key) => Order::Natural(count),
            Some(_) => self.sorted(query),
        }
    }

    /// Looks at every row: for small organisations.
    fn sorted(&self, query: &Query) -> Order {
        let fields = query.looked_at();
        let mut rows: Vec<(u64, Value)> = (0..self.count)
            .map(|position| (position, self.value(position, &fields)))
            .filter(|(_, row)| query.admits(row))
            .collect();
        rows.sort_by(|(_, a), (_, b)| query.order(a, b));
        Order::Chosen(rows.into_iter().map(|(position, _)| position).collect())
    }
}

/// Which row stands where.
enum Order {
    Natural(u64),
    Reversed(u64),
    Rotated {
        count: u64,
        by: u64,
    },
    Chosen(Vec<u64>),
    /// Every tenth row twice.
    Duplicated(Box<Order>),
}

impl Order {
    fn with_duplicates(self) -> Self {
        Self::Duplicated(Box::new(self))
    }

    fn count(&self) -> u64 {
        match self {
            Self::Natural(count) | Self::Reversed(count) | Self::Rotated { count, .. } => *count,
            Self::Chosen(rows) => rows.len() as u64,
            Self::Duplicated(order) => order.count() + order.count() / 10,
        }
    }

    fn index(&self, position: u64) -> u64 {
        match self {
            Self::Natural(_) => position,
            Self::Reversed(count) => count - 1 - position,
            Self::Rotated { count, by } => (position + by) % count,
            Self::Chosen(rows) => rows[position as usize],
            Self::Duplicated(order) => order.index(position / 11 * 10 + (position % 11).min(9)),
        }
    }
}

fn window(query: &Query, count: u64, strikes: &Strikes) -> Range<u64> {
    let mut skip = query.skip;
    if strikes.has(&Effect::RepeatPage) {
        skip = skip.saturating_sub(query.limit);
    }
    if strikes.has(&Effect::IgnoreSkip) {
        skip = 0;
    }
    let start = skip.min(count);
    let mut rows = query.limit.min(count - start);
    if strikes.has(&Effect::ShortPage) {
        rows = rows.div_ceil(2);
    }
    if strikes.has(&Effect::EmptyPage) {
        rows = 0;
    }
    start..start + rows
}

fn total(count: u64, strikes: &Strikes) -> Option<u64> {
    let mut total = count;
    for effect in strikes.iter() {
        match effect {
            Effect::Total(TotalFault::None) => return None,
            Effect::Total(TotalFault::Off(by)) => total = total.saturating_add_signed(*by),
            Effect::Total(TotalFault::Moving) => total += strikes.ordinal,
            _ => {}
        }
    }
    Some(total)
}

/// Rows as a JSON array, and how many there are in all.
pub(crate) struct Page {
    rows: Vec<u8>,
    total: Option<u64>,
}

impl Page {
    /// As V1 answers: `{"totalCount", "results"}`.
    pub(crate) fn enveloped(self) -> Answer {
        let mut body = Vec::with_capacity(self.rows.len() + 64);
        body.push(b'{');
        if let Some(total) = self.total {
            body.extend_from_slice(format!("\"totalCount\":{total},").as_bytes());
        }
        body.extend_from_slice(b"\"results\":");
        body.extend_from_slice(&self.rows);
        body.push(b'}');
        Answer::ok(body)
    }

    /// As V2 answers: a bare array, and the total in a header.
    pub(crate) fn bare(self) -> Answer {
        let mut answer = Answer::ok(self.rows);
        if let Some(total) = self.total {
            answer.header("x-total-count", total);
        }
        answer
    }
}
