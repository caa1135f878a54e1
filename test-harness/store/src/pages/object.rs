//! One account, group or resource, and since when it is known.

use connector_api::{ConnectorError, Record};
use jiff::Timestamp;

use super::volatile;
use crate::body;
use crate::store::{Store, System};

/// A row as it stood after a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stood {
    /// The row, with volatile fields if the run is the one that stands: only the last ones are kept.
    pub record: Record,
    /// When the scan of the first kept run with it started, UTC.
    pub first_scanned: Timestamp,
    /// That run.
    pub first_run: i64,
}

impl Store {
    /// Returns the row with this identity after a run: its kind, its type (that of an account is not looked at), its id.
    ///
    /// # Errors
    /// `internal` for a kind that is no object; `sink` if the store cannot be read.
    pub fn stood(
        &mut self,
        system: &System,
        run: i64,
        (kind, of_type, external_id): (&str, &str, &str),
    ) -> Result<Option<Stood>, ConnectorError> {
        let kind = crate::kinds::Kind::of(kind)?.word;
        let of_type = if kind == "account" { "" } else { of_type };
        let volatile = volatile(system, run);
        let sql = format!(
            "select v.body, {volatile}, r.id, r.started_at from object o \
             join {kind}_version v on v.object = o.id and v.from_run <= ?2 and (v.to_run is null or v.to_run > ?2) \
             left join volatile_fields f on f.object = o.id \
             left join run r on r.id = (select min(b.from_run) from {kind}_version b where b.object = o.id) \
             where o.system = ?1 and o.kind = ?3 and o.type = ?4 and o.external_id = ?5"
        );
        let parameters = [system.id.into(), run.into(), kind.into(), of_type.into(), external_id.into()];
        self.database.first(&sql, &parameters, |row| {
            Ok(Stood {
                record: body::record(row.word(0)?, row.text(1)?)?,
                first_run: row.integer(2)?.unwrap_or_default(),
                first_scanned: row.time(3)?.unwrap_or_default(),
            })
        })
    }
}
