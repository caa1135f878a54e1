//! Findings that somebody accepted for a time.

use std::collections::BTreeMap;

use connector_api::ConnectorError;
use connector_host::typed::{self, MAX_NAME};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::database::Connection;
use crate::findings;
use crate::store::{Store, System};

/// The most characters that the reason of an [`Exception`] can have.
pub const MAX_REASON: usize = 1000;

/// A finding that somebody accepted, until a time. Afterwards it counts again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exception {
    /// The [id](crate::Finding::id) of the finding.
    pub id: String,
    /// Why it is accepted, in one line of at most [`MAX_REASON`] characters.
    pub reason: String,
    /// Until when, UTC.
    pub expires: Timestamp,
    /// The name of who accepted it; `None` if that was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Exception {
    /// Returns whether it has ended by a time.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires <= now
    }

    fn check(&self) -> Result<(), ConnectorError> {
        let is_id = self.id.len() == 12 && self.id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return Err(ConnectorError::invalid_config(
                "an exception has something else than the id of a finding: twelve hexadecimal digits",
                "use ids as `harness findings` shows them",
            ));
        }
        typed::check(&format!("the reason of the exception of finding {}", self.id), &self.reason, MAX_REASON)?;
        if let Some(by) = &self.by {
            typed::check(&format!("the name of who accepts finding {}", self.id), by, MAX_NAME)?;
        }
        Ok(())
    }
}

impl Store {
    /// Adds exceptions of findings that stand after a run, and replaces those of the same findings. All of them are added, or none.
    ///
    /// # Errors
    /// As for [`import_exceptions`](Self::import_exceptions), and `invalid_config` for an id that no finding has then.
    pub fn except(&mut self, system: &System, run: i64, exceptions: &[Exception]) -> Result<(), ConnectorError> {
        let ids = exceptions.iter().map(|exception| exception.id.as_str()).collect();
        let unknown = self.reading(|db| findings::unknown(db, system.id, run, ids))?;
        match unknown {
            None => self.import_exceptions(system, exceptions),
            Some(id) => Err(ConnectorError::invalid_config(
                format!("there is no finding {id} as of run {run}"),
                "use the id of a finding that is listed, as `harness findings` shows it",
            )),
        }
    }

    /// Adds exceptions that were exported, and replaces those of the same findings. All of them are added, or none. Their findings
    /// may not stand at the moment.
    ///
    /// # Errors
    /// `invalid_config` for an id that no finding can have, and for a reason or a name that has a
    /// [`problem`](connector_host::typed::problem); `sink` if the store cannot be written.
    pub fn import_exceptions(&mut self, system: &System, exceptions: &[Exception]) -> Result<(), ConnectorError> {
        exceptions.iter().try_for_each(Exception::check)?;
        self.writing().transaction(|db| {
            for Exception { id, reason, expires, by } in exceptions {
                let sql = "insert into finding_exception (system, finding, reason, expires_at, accepted_by) \
                           values (?1, ?2, ?3, ?4, ?5) on conflict (system, finding) do update set \
                           reason = excluded.reason, expires_at = excluded.expires_at, accepted_by = excluded.accepted_by";
                let (reason, by) = (reason.trim().into(), by.as_deref().map(str::trim).into());
                db.execute(sql, &[system.id.into(), id.as_str().into(), reason, (*expires).into(), by])?;
            }
            Ok(())
        })
    }

    /// Withdraws the exception of a finding: it counts again. There may be none.
    ///
    /// # Errors
    /// `sink` if the store cannot be written.
    pub fn withdraw(&mut self, system: &System, id: &str) -> Result<(), ConnectorError> {
        let sql = "delete from finding_exception where system = ?1 and finding = ?2";
        self.database.execute(sql, &[system.id.into(), id.into()]).map(|_| ())
    }

    /// Returns the exceptions of a system, by the ids of their findings, with those that have expired.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn exceptions(&mut self, system: &System) -> Result<Vec<Exception>, ConnectorError> {
        all(&mut *self.database, system.id).map(|all| all.into_values().collect())
    }
}

/// Returns the exceptions of a system by the ids of their findings.
pub(crate) fn all(db: &mut dyn Connection, system: i64) -> Result<BTreeMap<String, Exception>, ConnectorError> {
    let sql =
        "select finding, reason, expires_at, accepted_by from finding_exception where system = ?1 order by finding";
    let rows = db.rows(sql, &[system.into()], |row| {
        let expires = row.time(2)?.unwrap_or_default();
        Ok(Exception { id: row.word(0)?.to_owned(), reason: row.word(1)?.to_owned(), expires, by: row.owned(3)? })
    })?;
    Ok(rows.into_iter().map(|exception| (exception.id.clone(), exception)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_reason_and_a_name_are_each_one_line_with_an_end() {
        let checked = |reason: &str, by: &str| {
            let (id, by) = ("0123456789ab".to_owned(), Some(by.to_owned()));
            Exception { id, reason: reason.to_owned(), expires: Timestamp::UNIX_EPOCH, by }.check()
        };
        checked(&"ä".repeat(MAX_REASON), "ada").unwrap();
        for (reason, by, why) in [
            (&*"ä".repeat(MAX_REASON + 1), "ada", "at most 1000 characters"),
            (" ", "ada", "must not be empty"),
            ("agreed\nnot", "ada", "must be one line"),
            ("agreed\0", "ada", "U+0000"),
            ("agreed \u{202e}", "ada", "U+202E"),
            ("agreed", "ada\u{1b}[2J", "U+001B"),
            ("agreed", "", "must not be empty"),
        ] {
            assert!(checked(reason, by).unwrap_err().message.contains(why), "{reason:?} {by:?}");
        }
    }
}
