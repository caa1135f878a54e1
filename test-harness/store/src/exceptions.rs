//! Findings that somebody accepted for a time.

use std::collections::BTreeMap;

use connector_api::ConnectorError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::database::Connection;
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
        if self.reason.trim().is_empty() {
            return Err(ConnectorError::invalid_config(
                format!("the exception of finding {} has no reason", self.id),
                "say in `reason` why the finding is accepted",
            ));
        }
        if self.reason.chars().count() > MAX_REASON {
            return Err(ConnectorError::invalid_config(
                format!("the reason of the exception of finding {} is longer than {MAX_REASON} characters", self.id),
                "say it in one line, and keep the rest where it can be referred to",
            ));
        }
        if self.by.as_ref().is_some_and(|by| by.trim().is_empty()) {
            return Err(ConnectorError::invalid_config(
                format!("the exception of finding {} is accepted by nobody", self.id),
                "say in `by` who accepts it, or leave it out",
            ));
        }
        Ok(())
    }
}

impl Store {
    /// Adds exceptions to a system, and replaces those of the same findings. All of them are added, or none.
    ///
    /// # Errors
    /// `invalid_config` for an id that no finding can have, without a reason or with too long a one, or accepted by an empty name; `sink` if the store cannot be written.
    pub fn except(&mut self, system: &System, exceptions: &[Exception]) -> Result<(), ConnectorError> {
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
    fn a_reason_has_an_end() {
        let exception = |length| {
            let (id, reason) = ("0123456789ab".to_owned(), "ä".repeat(length));
            Exception { id, reason, expires: Timestamp::UNIX_EPOCH, by: None }
        };
        exception(MAX_REASON).check().unwrap();
        assert!(exception(MAX_REASON + 1).check().unwrap_err().message.contains("1000 characters"));
    }
}
