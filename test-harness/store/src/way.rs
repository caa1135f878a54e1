//! How an account is a member of a group: whether directly, through which groups, until when, and by which request.
//!
//! Nearly all memberships are direct and for good. The others have the number of an entry in the table `via`.

use connector_api::{ConnectorError, Membership};
use jiff::Timestamp;

use crate::database::{Connection, Row, Value, kept_micros};
use crate::tables::VIA;

/// What identifies an entry of one system.
pub(crate) type Key<'a> = (bool, &'a str, Option<i64>, Option<&'a str>);

/// The columns of an entry, which is `v`.
pub(crate) const COLUMNS: &str = "v.direct, v.steps, v.expires_at, v.request_id";

/// The entry of one membership.
pub(crate) struct Way<'a> {
    membership: &'a Membership,
    steps: String,
    /// As [`kept_micros`].
    ends: Option<i64>,
}

impl<'a> Way<'a> {
    /// Returns the entry that a membership needs; `None` if it is direct and for good.
    pub(crate) fn of(membership: &'a Membership) -> Result<Option<Self>, ConnectorError> {
        let Membership { direct, via, expires_at, request_id, .. } = membership;
        if *direct && via.is_empty() && expires_at.is_none() && request_id.is_none() {
            return Ok(None);
        }
        let steps = serde_json::to_string(via)
            .map_err(|error| ConnectorError::internal("a path cannot be stored as JSON").with_source(error))?;
        Ok(Some(Self { membership, steps, ends: expires_at.map(kept_micros) }))
    }

    pub(crate) fn key(&self) -> Key<'_> {
        (self.membership.direct, &self.steps, self.ends, self.membership.request_id.as_deref())
    }

    /// Returns the values of [`COLUMNS`].
    pub(crate) fn values(&self) -> [Value; 4] {
        let ends = self.ends.and_then(|ends| Timestamp::from_microsecond(ends).ok());
        let (direct, request) = (self.membership.direct, self.membership.request_id.as_deref());
        [direct.into(), self.steps.as_str().into(), ends.into(), request.into()]
    }

    /// Returns the number of the entry, which is added if it is new.
    pub(crate) fn number(&self, db: &mut dyn Connection, system: i64) -> Result<i64, ConnectorError> {
        let [direct, steps, ends, request] = self.values();
        let sql = "select min(id) from via where system = ?1 and direct = ?2 and steps = ?3 \
                   and expires_at is not distinct from ?4 and request_id is not distinct from ?5";
        let values = [system.into(), direct.clone(), steps.clone(), ends.clone(), request.clone()];
        if let Some(known) = db.first(sql, &values, |row| row.integer(0))?.flatten() {
            return Ok(known);
        }
        let number = db.numbers("via", 1)?;
        db.insert(VIA, &[number.into(), system.into(), direct, steps, ends, request])?;
        Ok(number)
    }
}

/// Reads the key of an entry from [`COLUMNS`].
pub(crate) fn key(row: &dyn Row, first: usize) -> Result<Key<'_>, ConnectorError> {
    let ends = row.time(first + 2)?.map(Timestamp::as_microsecond);
    Ok((row.boolean(first)?.unwrap_or_default(), row.word(first + 1)?, ends, row.text(first + 3)?))
}

/// Makes a membership what [`COLUMNS`] say: nothing if it has no entry.
pub(crate) fn read(row: &dyn Row, first: usize, membership: &mut Membership) -> Result<(), ConnectorError> {
    (membership.direct, membership.via) = match row.boolean(first)? {
        None => (true, Vec::new()),
        Some(direct) => {
            let steps = serde_json::from_str(row.word(first + 1)?).map_err(|error| {
                ConnectorError::internal("the store has a path that this version cannot read").with_source(error)
            })?;
            (direct, steps)
        }
    };
    membership.expires_at = row.time(first + 2)?;
    membership.request_id = row.owned(first + 3)?;
    Ok(())
}
