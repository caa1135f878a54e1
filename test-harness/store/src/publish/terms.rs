//! The types of bindings, as the table `terms` has them.

use connector_api::{Binding, ConnectorError, NodeKind, NodeRef};
use jiff::Timestamp;

use crate::database::Row;

/// The columns that decide the type of a binding with the terms `t`.
pub(super) const COLUMNS: &str = "t.from_kind, t.from_type, t.to_kind, t.to_type, t.expires_at is not null";

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
