//! The types of bindings, as the table `terms` has them.

use connector_api::{Binding, ConnectorError, NodeKind, NodeRef};
use jiff::Timestamp;

use crate::database::{Connection, Row};

/// The columns that decide the type of a binding with the terms `t`.
pub(super) const COLUMNS: &str = "t.from_kind, t.from_type, t.to_kind, t.to_type, t.expires_at is not null";

/// The condition that bindings with the terms `t` and `u` between the same ends have one identity: they differ at most in
/// level and expiry.
pub(super) const SAME: &str = "u.from_type = t.from_type and u.to_type = t.to_type \
    and u.word is not distinct from t.word and u.request_id is not distinct from t.request_id";

/// Whether the system has terms that one binding may have one after the other.
pub(super) fn are_ambiguous(db: &mut dyn Connection, system: i64) -> Result<bool, ConnectorError> {
    let sql = "select count(*) from terms where system = ?1 \
               group by from_kind, from_type, to_kind, to_type, word, request_id having count(*) > 1 limit 1";
    Ok(db.first(sql, &[system.into()], |row| row.number(0))?.is_some())
}

/// Reads a binding of the type that [`COLUMNS`] say; `None` if an end is of a kind of a later version.
pub(super) fn read(row: &dyn Row, first: usize) -> Result<Option<Binding>, ConnectorError> {
    let (Some(from), Some(to)) = (end(row, first)?, end(row, first + 2)?) else { return Ok(None) };
    let mut binding = Binding::new(from, to);
    let expires = row.boolean(first + 4)? == Some(true);
    binding.expires_at = expires.then_some(Timestamp::UNIX_EPOCH);
    Ok(Some(binding))
}

fn end(row: &dyn Row, first: usize) -> Result<Option<NodeRef>, ConnectorError> {
    let word = row.word(first)?;
    let kind = [NodeKind::Account, NodeKind::Group, NodeKind::Resource].into_iter().find(|kind| kind.as_str() == word);
    let of_type = row.word(first + 1)?;
    Ok(kind.map(|kind| NodeRef::new(kind, of_type, "?")))
}
