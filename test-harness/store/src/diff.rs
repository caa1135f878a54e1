//! The difference of two runs: the versions that begin or end between them. Nothing else is read.

use connector_api::{ConnectorError, Record};

use crate::body;
use crate::database::{Connection, Value};
use crate::diff_access;
use crate::kinds::KINDS;
use crate::read;
use crate::store::{Store, System};
use crate::way;

/// One row that differs between two runs. Volatile fields do not count, and are not there.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// It was not there before.
    New(Record),
    /// It is no longer there.
    Gone(Record),
    /// It has another content.
    Changed {
        /// The row before.
        before: Record,
        /// The row after.
        after: Record,
    },
}

impl Change {
    /// Returns the row, after the change if it is still there.
    pub fn record(&self) -> &Record {
        match self {
            Self::New(record) | Self::Gone(record) | Self::Changed { after: record, .. } => record,
        }
    }
}

/// Receives changes one by one.
pub type EachChange<'a> = &'a mut dyn FnMut(Change) -> Result<(), ConnectorError>;

/// A version of the table `#` that stood after run `?2`, and after run `?3`.
const BEFORE: &str = "#.from_run <= ?2 and (#.to_run is null or #.to_run > ?2)";
const AFTER: &str = "#.from_run <= ?3 and (#.to_run is null or #.to_run > ?3)";
/// One that stands after `?3` and did not after `?2`, and the reverse, both by an index.
const BEGUN: &str = "#.system = ?1 and #.from_run > ?2 and #.from_run <= ?3 and (#.to_run is null or #.to_run > ?3)";
const ENDED: &str = "#.system = ?1 and #.to_run > ?2 and #.to_run <= ?3 and #.from_run <= ?2";

fn of(condition: &str, table: &str) -> String {
    condition.replace('#', table)
}

/// Two runs of one system, the earlier first.
pub(crate) struct Between {
    pub(crate) system: i64,
    pub(crate) before: i64,
    pub(crate) after: i64,
}

impl Between {
    /// # Errors
    /// `invalid_config` if the first run is the later one.
    pub(crate) fn new(system: i64, before: i64, after: i64) -> Result<Self, ConnectorError> {
        if before > after {
            let message = format!("run {before} is later than run {after}");
            return Err(ConnectorError::invalid_config(message, "name the earlier run first"));
        }
        Ok(Self { system, before, after })
    }

    /// Passes on what differs, in the order of the kinds of rows.
    pub(crate) fn changes(&self, db: &mut dyn Connection, each: EachChange<'_>) -> Result<(), ConnectorError> {
        for kind in KINDS {
            self.objects(db, kind.word, each)?;
            match kind.word {
                "group" => self.memberships(db, each)?,
                "resource" => self.bindings(db, each)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn parameters(&self) -> [Value; 3] {
        [self.system.into(), self.before.into(), self.after.into()]
    }

    fn objects(&self, db: &mut dyn Connection, word: &str, each: EachChange<'_>) -> Result<(), ConnectorError> {
        let begun = format!(
            "select n.body, o.body from {word}_version n \
             left join {word}_version o on o.object = n.object and {} where {} and n.hash is distinct from o.hash \
             order by n.object",
            of(BEFORE, "o"),
            of(BEGUN, "n")
        );
        db.query(&begun, &self.parameters(), &mut |row| {
            let after = body::record(row.word(0)?, None)?;
            let Some(before) = row.text(1)? else { return each(Change::New(after)) };
            let before = body::record(before, None)?;
            // Two texts of one content.
            if before == after { Ok(()) } else { each(Change::Changed { before, after }) }
        })?;
        let ended = format!(
            "select o.body from {word}_version o where {} and not exists (\
             select 1 from {word}_version n where n.object = o.object and {}) order by o.object",
            of(ENDED, "o"),
            of(AFTER, "n")
        );
        db.query(&ended, &self.parameters(), &mut |row| each(Change::Gone(body::record(row.word(0)?, None)?)))
    }

    fn memberships(&self, db: &mut dyn Connection, each: EachChange<'_>) -> Result<(), ConnectorError> {
        let same = "system = n.system and #.group_id = n.group_id and #.account_id = n.account_id";
        let begun = format!(
            "select {}, {}, o.from_run is not null from {} \
             left join membership_version o on o.{} and {} left join via w on w.id = o.via \
             where {} and (o.from_run is null or o.via is distinct from n.via)",
            read::MEMBERSHIP.replace('#', "?3"),
            of("#.direct, #.steps, #.expires_at, #.request_id", "w"),
            read::MEMBERSHIPS.replace('#', "?3"),
            of(same, "o"),
            of(BEFORE, "o"),
            of(BEGUN, "n")
        );
        db.query(&begun, &self.parameters(), &mut |row| {
            let after = read::membership(row, 0)?;
            if row.boolean(13)? != Some(true) {
                return each(Change::New(after.into()));
            }
            let mut before = after.clone();
            way::read(row, 9, &mut before)?;
            if before == after {
                // One way with two numbers.
                return Ok(());
            }
            each(Change::Changed { before: before.into(), after: after.into() })
        })?;
        let ended = format!(
            "select {} from {} where {} and not exists (select 1 from membership_version x where x.{} and {})",
            read::MEMBERSHIP.replace('#', "?2"),
            read::MEMBERSHIPS.replace('#', "?2"),
            of(ENDED, "n"),
            of(same, "x"),
            of(AFTER, "x")
        );
        db.query(&ended, &self.parameters(), &mut |row| each(Change::Gone(read::membership(row, 0)?.into())))
    }

    fn bindings(&self, db: &mut dyn Connection, each: EachChange<'_>) -> Result<(), ConnectorError> {
        // Bindings of one identity may have different terms: another level, or another expiry.
        let same = "x.system = n.system and x.from_id = n.from_id and x.to_id = n.to_id and u.from_type = t.from_type \
                    and u.to_type = t.to_type and u.word is not distinct from t.word \
                    and u.request_id is not distinct from t.request_id";
        let others = format!("select {} from binding_version x join terms u on u.id = x.terms where {same}", "#");
        let begun = format!(
            "select {}, ({} and {} limit 1) from {} where {}",
            read::BINDING,
            others.replace('#', "u.id"),
            of(BEFORE, "x"),
            read::BINDINGS,
            of(BEGUN, "n")
        );
        let mut changed = Vec::new();
        db.query(&begun, &self.parameters(), &mut |row| {
            let after = read::binding(row, 0)?;
            match row.integer(10)? {
                None => each(Change::New(after.into())),
                Some(terms) => {
                    changed.push((terms, after));
                    Ok(())
                }
            }
        })?;
        for (terms, after) in changed {
            let mut before = after.clone();
            let sql = "select level, word, expires_at from terms where id = ?1";
            let known = db.first(sql, &[terms.into()], |row| Ok((read::access(row, 0)?, row.time(2)?)))?;
            (before.access, before.expires_at) = known.unwrap_or_default();
            if before != after {
                each(Change::Changed { before: before.into(), after: after.into() })?;
            }
        }
        let ended = format!(
            "select {} from {} where {} and not exists ({} and {})",
            read::BINDING,
            read::BINDINGS,
            of(ENDED, "n"),
            others.replace('#', "1"),
            of(AFTER, "x")
        );
        db.query(&ended, &self.parameters(), &mut |row| each(Change::Gone(read::binding(row, 0)?.into())))
    }
}

impl Store {
    /// Passes on what differs between two published runs, in the order of the kinds of rows. The time it takes is
    /// proportional to the difference.
    ///
    /// # Errors
    /// `invalid_config` if the first run is the later one; `sink` if the store cannot be read; any error of `each`.
    pub fn diff(&mut self, system: &System, from: i64, to: i64, each: EachChange<'_>) -> Result<(), ConnectorError> {
        let between = Between::new(system.id, from, to)?;
        self.reading(|db| between.changes(db, each))
    }

    /// Passes on the [`Grant`](connector_api::Grant)s that differ between two published runs: another level or word of the strongest access, or
    /// another end of the whole. First those of groups, then those of accounts, each one after the other.
    ///
    /// Only accounts and groups that a changed row is about are looked at. What the members of a group gain and lose because
    /// the group does, or because something was put into what it is bound to, is passed on as grants of the group alone.
    ///
    /// # Errors
    /// As for [`diff`](Self::diff).
    pub fn diff_access(
        &mut self,
        system: &System,
        from: i64,
        to: i64,
        each: EachChange<'_>,
    ) -> Result<(), ConnectorError> {
        let between = Between::new(system.id, from, to)?;
        self.reading(|db| diff_access::changes(db, &between, &mut |_| Ok(()), each))
    }

    /// Passes on what [`diff`](Self::diff) does, then what [`diff_access`](Self::diff_access) does, and reads the rows that differ
    /// only once for both.
    ///
    /// # Errors
    /// As for [`diff`](Self::diff).
    pub fn diff_with_access(
        &mut self,
        system: &System,
        (from, to): (i64, i64),
        each_row: EachChange<'_>,
        each_grant: EachChange<'_>,
    ) -> Result<(), ConnectorError> {
        let between = Between::new(system.id, from, to)?;
        self.reading(|db| diff_access::changes(db, &between, each_row, each_grant))
    }
}
