//! The difference of accounts, groups, resources and policies.
//!
//! The rows that stand and the staged ones are read side by side, both by the number of their object. Where nothing is kept,
//! their digests decide. Where something is, [`Replacement::apply`](connector_api::Replacement::apply) makes the new row out
//! of the two.

use std::collections::{BTreeMap, VecDeque};

use connector_api::{ConnectorError, Record};

use super::{Changes, Context, Counts};
use crate::body;
use crate::database::{Connection, Value};
use crate::kinds::{self, KINDS, Kind, Place};
use crate::tables::DELTA_OBJECT;

/// Rows that are read at once.
const PAGE: i64 = 1000;
/// Rows of the difference that are written at once.
const WRITE: usize = 10_000;
/// Rows that are merged at once, with their content in memory.
const MERGE: usize = 250;

/// The layer of a row as scanned, and of one that was merged with what stood.
const SCANNED: i64 = 0;
const MERGED: i64 = 1;

/// A row without its content.
struct Outline {
    object: i64,
    /// The run since which it stands; 0 for a staged row.
    since: i64,
    row_type: String,
    hash: Vec<u8>,
    volatile: Option<Vec<u8>>,
}

/// What happens to one object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Step {
    closes: Option<i64>,
    opens: Option<i64>,
    volatile: Option<i64>,
}

/// What the difference of one kind does at all.
#[derive(Debug, Clone, Copy, Default)]
struct Touched {
    closes: bool,
    opens: bool,
    volatile: bool,
}

/// What the differences of all kinds do, in the order of [`KINDS`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Prepared([Touched; KINDS.len()]);

/// Writes the differences of all kinds and counts them.
pub(super) fn prepare(
    db: &mut dyn Connection,
    context: &Context<'_>,
    changes: &mut Changes,
) -> Result<Prepared, ConnectorError> {
    let (mut prepared, mut steps) = (Prepared::default(), Vec::new());
    for (kind, touched) in KINDS.iter().zip(&mut prepared.0) {
        let mut difference = Difference::new(context, kind, steps);
        difference.prepare(db)?;
        changes.0.insert(kind.word.to_owned(), difference.counts);
        *touched = difference.touched;
        steps = difference.steps;
    }
    write(db, &mut steps)?;
    Ok(prepared)
}

fn write(db: &mut dyn Connection, steps: &mut Vec<Value>) -> Result<(), ConnectorError> {
    let steps = std::mem::take(steps);
    if steps.is_empty() { Ok(()) } else { db.transaction(|db| db.insert(DELTA_OBJECT, &steps)) }
}

/// Makes the difference of one kind.
struct Difference<'a> {
    context: &'a Context<'a>,
    kind: &'static Kind,
    counts: Counts,
    touched: Touched,
    /// Values for [`DELTA_OBJECT`] that are not written yet, also of kinds before.
    steps: Vec<Value>,
    /// Both sides of what must be merged.
    pairs: Vec<(Outline, Outline)>,
}

impl<'a> Difference<'a> {
    fn new(context: &'a Context<'a>, kind: &'static Kind, steps: Vec<Value>) -> Self {
        Self { context, kind, counts: Counts::default(), touched: Touched::default(), steps, pairs: Vec::new() }
    }

    fn prepare(&mut self, db: &mut dyn Connection) -> Result<(), ConnectorError> {
        let word = self.kind.word;
        // Both sides of the join begin where the page does: a server does not conclude that, and may read one from its start.
        let mut standing = Pages::new(
            self.context.system,
            format!(
                "select v.object, v.from_run, v.type, v.hash, f.hash from {word}_version v \
                 left join volatile_fields f on f.object = v.object and f.object > ?2 \
                 where v.system = ?1 and v.to_run is null and v.object > ?2 order by v.object limit ?3"
            ),
        );
        standing.is_at_end = self.context.base.is_none();
        let mut staged = Pages::new(
            self.context.run,
            format!(
                "select object, 0, type, hash, volatile_hash from {} \
                 where run = ?1 and layer = 0 and object > ?2 order by object limit ?3",
                self.kind.staged.name
            ),
        );
        loop {
            let (known, scanned) = match (standing.peek(db)?, staged.peek(db)?) {
                (None, None) => break,
                (Some(known), Some(scanned)) if known == scanned => (standing.next(), staged.next()),
                (Some(known), Some(scanned)) if scanned < known => (None, staged.next()),
                (None, Some(_)) => (None, staged.next()),
                (Some(_), _) => (standing.next(), None),
            };
            match (known, scanned) {
                (Some(known), Some(scanned)) => self.both(known, scanned),
                (Some(known), None) => self.not_scanned(&known),
                (None, Some(scanned)) => self.not_known(&scanned),
                (None, None) => {}
            }
            if self.pairs.len() >= MERGE {
                self.merge(db)?;
            }
            if self.steps.len() >= WRITE * DELTA_OBJECT.columns.len() {
                write(db, &mut self.steps)?;
            }
        }
        self.merge(db)
    }

    fn not_known(&mut self, scanned: &Outline) {
        if !self.context.keeps(self.kind.word, &scanned.row_type) {
            self.counts.new += 1;
            // Also where it has none: those of a former row with this id must not come back with it.
            self.step(scanned.object, Step { closes: None, opens: Some(SCANNED), volatile: Some(SCANNED) });
        }
    }

    fn not_scanned(&mut self, known: &Outline) {
        if !self.context.keeps(self.kind.word, &known.row_type) {
            self.counts.gone += 1;
            self.step(known.object, Step { closes: Some(known.since), ..Step::default() });
        }
    }

    fn both(&mut self, known: Outline, scanned: Outline) {
        let (is_same, has_same_fields) = (known.hash == scanned.hash, known.volatile == scanned.volatile);
        if is_same && has_same_fields {
            return;
        }
        let keeps = |row: &Outline| self.context.keeps(self.kind.word, &row.row_type);
        if !self.context.plan.kept_sections.is_empty() || keeps(&known) || keeps(&scanned) {
            self.pairs.push((known, scanned));
            return;
        }
        self.counts.changed += u64::from(!is_same);
        let volatile = (!has_same_fields).then_some(SCANNED);
        let closes = (!is_same).then_some(known.since);
        self.step(known.object, Step { closes, opens: closes.map(|_| SCANNED), volatile });
    }

    fn step(&mut self, object: i64, step: Step) {
        let Step { closes, opens, volatile } = step;
        self.touched.closes |= closes.is_some();
        self.touched.opens |= opens.is_some();
        self.touched.volatile |= volatile.is_some();
        let (run, word) = (self.context.run, self.kind.word);
        self.steps.extend([run.into(), word.into(), object.into(), closes.into(), opens.into(), volatile.into()]);
    }

    /// Merges pairs of rows as the plan says.
    fn merge(&mut self, db: &mut dyn Connection) -> Result<(), ConnectorError> {
        let pairs = std::mem::take(&mut self.pairs);
        let mut merged = Vec::new();
        // What is between two pairs is read with them: only those that are near each other are read at once.
        for near in pairs.chunk_by(|(one, _), (two, _)| one.object / PAGE == two.object / PAGE) {
            self.merge_near(db, near, &mut merged)?;
        }
        if merged.is_empty() { Ok(()) } else { db.transaction(|db| db.insert(self.kind.staged, &merged)) }
    }

    /// Merges pairs of which the first and the last are near each other.
    fn merge_near(
        &mut self,
        db: &mut dyn Connection,
        pairs: &[(Outline, Outline)],
        merged: &mut Vec<Value>,
    ) -> Result<(), ConnectorError> {
        let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else { return Ok(()) };
        let range = (first.0.object, last.0.object);
        let (mut known_rows, mut scanned_rows) = (self.known_rows(db, range)?, self.scanned_rows(db, range)?);
        for (known, scanned) in pairs {
            let row = |rows: &mut BTreeMap<i64, Record>| rows.remove(&known.object).into_iter().collect::<Vec<_>>();
            let rows =
                self.context.plan.apply(row(&mut known_rows), row(&mut scanned_rows)).map_err(|error| {
                    ConnectorError::internal("a kept field does not fit its row").with_source(error)
                })?;
            let Some(row) = rows.into_iter().next() else {
                self.not_scanned(known);
                continue;
            };
            let body = self.context.fields.body(&row)?;
            let volatile = body.volatile.as_ref().map(|volatile| &volatile.hash);
            let is_as_scanned = body.hash == scanned.hash && volatile == scanned.volatile.as_ref();
            let layer = if is_as_scanned { SCANNED } else { MERGED };
            let opens = (body.hash != known.hash).then_some(layer);
            let step = Step {
                closes: opens.map(|_| known.since),
                opens,
                volatile: (volatile != known.volatile.as_ref()).then_some(layer),
            };
            if step == Step::default() {
                continue;
            }
            self.counts.changed += u64::from(opens.is_some());
            self.step(known.object, step);
            if !is_as_scanned {
                let object = known.object as u32;
                let place = Place { run: self.context.run, object, layer: MERGED, part: 0 };
                kinds::push(merged, place, &row, body)?;
            }
        }
        Ok(())
    }

    fn known_rows(&self, db: &mut dyn Connection, range: (i64, i64)) -> Result<BTreeMap<i64, Record>, ConnectorError> {
        let sql = format!(
            "select v.object, v.body, f.body from {}_version v left join volatile_fields f on f.object = v.object \
             and f.object >= ?2 and f.object <= ?3 where v.system = ?1 and v.to_run is null and v.object >= ?2 and v.object <= ?3",
            self.kind.word
        );
        records(db, &sql, self.context.system, range)
    }

    fn scanned_rows(
        &self,
        db: &mut dyn Connection,
        range: (i64, i64),
    ) -> Result<BTreeMap<i64, Record>, ConnectorError> {
        let sql = format!(
            "select object, body, volatile from {} where run = ?1 and layer = 0 and object >= ?2 and object <= ?3",
            self.kind.staged.name
        );
        records(db, &sql, self.context.run, range)
    }
}

fn records(
    db: &mut dyn Connection,
    sql: &str,
    of: i64,
    (first, last): (i64, i64),
) -> Result<BTreeMap<i64, Record>, ConnectorError> {
    let mut records = BTreeMap::new();
    db.query(sql, &[of.into(), first.into(), last.into()], &mut |row| {
        records.insert(row.number(0)?, body::record(row.word(1)?, row.text(2)?)?);
        Ok(())
    })?;
    Ok(records)
}

/// Rows in the order of their objects, read page by page.
struct Pages {
    of: i64,
    sql: String,
    page: VecDeque<Outline>,
    last: i64,
    is_at_end: bool,
}

impl Pages {
    fn new(of: i64, sql: String) -> Self {
        Self { of, sql, page: VecDeque::new(), last: 0, is_at_end: false }
    }

    /// Returns the object of the next row.
    fn peek(&mut self, db: &mut dyn Connection) -> Result<Option<i64>, ConnectorError> {
        if self.page.is_empty() && !self.is_at_end {
            let rows = db.rows(&self.sql, &[self.of.into(), self.last.into(), PAGE.into()], |row| {
                Ok(Outline {
                    object: row.number(0)?,
                    since: row.number(1)?,
                    row_type: row.word(2)?.to_owned(),
                    hash: row.bytes(3)?.unwrap_or_default().to_vec(),
                    volatile: row.bytes(4)?.map(<[u8]>::to_vec),
                })
            })?;
            self.is_at_end = (rows.len() as i64) < PAGE;
            self.last = rows.last().map_or(self.last, |row| row.object);
            self.page = rows.into();
        }
        Ok(self.page.front().map(|row| row.object))
    }

    fn next(&mut self) -> Option<Outline> {
        self.page.pop_front()
    }
}

/// Applies the difference of all kinds, within the publishing transaction.
pub(super) fn apply(db: &mut dyn Connection, context: &Context<'_>, prepared: &Prepared) -> Result<(), ConnectorError> {
    let (run, both) = ([context.run.into()], [context.run.into(), context.system.into()]);
    for (kind, touched) in KINDS.iter().zip(&prepared.0) {
        let (word, staged, shared) = (kind.word, kind.staged.name, kind.shared);
        let of_kind = format!("d.run = ?1 and d.kind = '{word}'");
        let close = format!(
            "update {word}_version as v set to_run = ?1 from delta_object d \
             where {of_kind} and d.closes is not null and v.object = d.object and v.from_run = d.closes"
        );
        if touched.closes {
            db.execute(&close, &run)?;
        }
        let columns = shared.split(", ").map(|column| format!("s.{column}")).collect::<Vec<_>>().join(", ");
        let open = format!(
            "insert into {word}_version (object, system, from_run, {shared}) \
             select s.object, ?2, ?1, {columns} from delta_object d \
             join {staged} s on s.run = d.run and s.layer = d.opens and s.object = d.object where {of_kind}"
        );
        if touched.opens {
            db.execute(&open, &both)?;
        }
        if !touched.volatile {
            continue;
        }
        let changing = format!(
            "from delta_object d join {staged} s on s.run = d.run and s.layer = d.volatile and s.object = d.object \
             where {of_kind}"
        );
        let forget = format!(
            "delete from volatile_fields where object in (select s.object {changing} and s.volatile_hash is null)"
        );
        // Before the first snapshot, none is known.
        if context.base.is_some() {
            db.execute(&forget, &run)?;
        }
        let overwrite = format!(
            "insert into volatile_fields (object, hash, body) \
             select s.object, s.volatile_hash, s.volatile {changing} and s.volatile_hash is not null \
             on conflict (object) do update set hash = excluded.hash, body = excluded.body"
        );
        db.execute(&overwrite, &run)?;
    }
    Ok(())
}
