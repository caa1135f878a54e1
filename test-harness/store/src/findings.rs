//! Evidence of privilege and risk as a list, with the run since which each stands.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{ConnectorError, DecidingSetting, Reason, Record};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::body;
use crate::database::Connection;
use crate::exceptions::{self, Exception};

/// One piece of evidence on one account, group or resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The same in every run that has the finding: twelve hexadecimal digits.
    pub id: String,
    /// The account, group or resource, without volatile fields.
    pub record: Record,
    /// The evidence, with its severity and remedy.
    pub reason: Reason,
    /// The first run of those in a row that have the finding, whatever its wording and severity.
    pub since_run: i64,
    /// When the scan of that run started, UTC.
    pub since: Timestamp,
    /// Until when it is accepted and why, if it is or was.
    pub exception: Option<Exception>,
}

impl Finding {
    /// Returns whether an exception holds at a time.
    pub fn is_excepted(&self, now: Timestamp) -> bool {
        self.exception.as_ref().is_some_and(|exception| !exception.is_expired(now))
    }
}

/// Receives findings one by one.
pub type EachFinding<'a> = &'a mut dyn FnMut(Finding) -> Result<(), ConnectorError>;

/// The kinds of rows that evidence is about.
const KINDS: [&str; 3] = ["account", "group", "resource"];

/// Findings whose history is looked up at once.
const BATCH: usize = 500;

/// Passes on the findings of a system after a run, in no particular order.
pub(crate) fn findings(
    db: &mut dyn Connection,
    system: i64,
    run: i64,
    each: EachFinding<'_>,
) -> Result<(), ConnectorError> {
    let exceptions = exceptions::all(db, system)?;
    let each: EachFinding<'_> = &mut |mut finding| {
        finding.exception = exceptions.get(&finding.id).cloned();
        each(finding)
    };
    for kind in KINDS {
        let (mut last, mut starts) = (0, Starts::default());
        loop {
            let rows = batch(db, kind, (system, run), last)?;
            let Some((object, ..)) = rows.last() else { break };
            last = *object;
            for (object, from_run, record) in rows {
                of_row(db, kind, object, (from_run, &mut starts), record, each)?;
            }
        }
    }
    Ok(())
}

/// Returns the finding of a system with this id after a run.
pub(crate) fn one(db: &mut dyn Connection, system: i64, run: i64, id: &str) -> Result<Option<Finding>, ConnectorError> {
    for kind in KINDS {
        let mut last = 0;
        loop {
            let rows = batch(db, kind, (system, run), last)?;
            let Some((object, ..)) = rows.last() else { break };
            last = *object;
            let row = rows.into_iter().find(|(.., record)| ids(record).iter().any(|known| known == id));
            let Some((object, from_run, record)) = row else { continue };
            let mut found = None;
            of_row(db, kind, object, (from_run, &mut Starts::default()), record, &mut |finding| {
                if finding.id == id {
                    found = Some(finding);
                }
                Ok(())
            })?;
            if let Some(finding) = &mut found {
                finding.exception = exceptions::all(db, system)?.remove(id);
            }
            return Ok(found);
        }
    }
    Ok(None)
}

/// Returns the first of these ids that no finding of a system has after a run.
pub(crate) fn unknown(
    db: &mut dyn Connection,
    system: i64,
    run: i64,
    mut ids: BTreeSet<&str>,
) -> Result<Option<String>, ConnectorError> {
    for kind in KINDS {
        let mut last = 0;
        while !ids.is_empty() {
            let rows = batch(db, kind, (system, run), last)?;
            let Some((object, ..)) = rows.last() else { break };
            last = *object;
            for id in rows.iter().flat_map(|(.., record)| self::ids(record)) {
                ids.remove(id.as_str());
            }
        }
    }
    Ok(ids.first().map(|id| (*id).to_owned()))
}

/// Returns some rows of a kind that have evidence after a run, in the order of their numbers: the number, since which run they are
/// so, and the row.
fn batch(
    db: &mut dyn Connection,
    kind: &str,
    (system, run): (i64, i64),
    after: i64,
) -> Result<Vec<(i64, i64, Record)>, ConnectorError> {
    let sql = format!(
        "select v.object, v.from_run, v.body from {kind}_version v where v.system = ?1 and v.from_run <= ?2 \
         and (v.to_run is null or v.to_run > ?2) and v.object > ?3 and v.body like '%\"reasons\":%' \
         order by v.object limit {BATCH}"
    );
    db.rows(&sql, &[system.into(), run.into(), after.into()], |row| {
        Ok((row.number(0)?, row.number(1)?, body::record(row.word(2)?, None)?))
    })
}

/// When the scans of runs started: most findings stand since one of a few runs.
pub(crate) type Starts = BTreeMap<i64, Timestamp>;

pub(crate) fn of_row(
    db: &mut dyn Connection,
    kind: &str,
    object: i64,
    (from_run, starts): (i64, &mut Starts),
    record: Record,
    each: EachFinding<'_>,
) -> Result<(), ConnectorError> {
    let reasons = reasons(&record).to_vec();
    let mut since: Vec<i64> = vec![from_run; reasons.len()];
    let mut open: Vec<usize> = (0..reasons.len()).collect();
    let sql = format!(
        "select v.from_run, v.to_run, v.body from {kind}_version v where v.object = ?1 and v.from_run < ?2 \
         order by v.from_run desc"
    );
    let (mut begins, mut is_over) = (from_run, open.is_empty());
    db.query(&sql, &[object.into(), from_run.into()], &mut |row| {
        // A gap, in which the row was not there, ends all of them.
        is_over |= open.is_empty() || row.integer(1)? != Some(begins);
        if is_over {
            return Ok(());
        }
        begins = row.number(0)?;
        let before = body::record(row.word(2)?, None)?;
        open.retain(|at| self::reasons(&before).iter().any(|reason| reason.key() == reasons[*at].key()));
        open.iter().for_each(|at| since[*at] = begins);
        Ok(())
    })?;
    for (reason, since_run) in reasons.into_iter().zip(since) {
        let since = match starts.get(&since_run) {
            Some(start) => *start,
            None => {
                let sql = "select started_at from run where id = ?1";
                let start = db.first(sql, &[since_run.into()], |row| row.time(0))?.flatten().unwrap_or_default();
                *starts.entry(since_run).or_insert(start)
            }
        };
        let id = id(&record, &reason);
        each(Finding { id, record: record.clone(), reason, since_run, since, exception: None })?;
    }
    Ok(())
}

pub(crate) fn reasons(record: &Record) -> &[Reason] {
    match record {
        Record::Account(account) => &account.reasons,
        Record::Group(group) => &group.reasons,
        Record::Resource(resource) => &resource.reasons,
        _ => &[],
    }
}

/// Returns the ids of the findings of a row.
pub(crate) fn ids(record: &Record) -> Vec<String> {
    reasons(record).iter().map(|reason| id(record, reason)).collect()
}

fn id(record: &Record, reason: &Reason) -> String {
    let (code, subject, setting) = reason.key();
    let mut digest = Sha256::new();
    let setting = setting.map(|DecidingSetting { name, value, .. }| [name.as_str(), value.as_str()]);
    let parts = [Some(record.key().as_str().to_owned()), Some(code.to_owned()), subject.map(str::to_owned)];
    for part in parts.into_iter().chain(setting.into_iter().flatten().map(|part| Some(part.to_owned()))) {
        // The length keeps one part from looking like two.
        let part = part.unwrap_or_default();
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
