//! Copies a whole store into another one, of any kind.

use connector_api::ConnectorError;

use crate::database::ColumnType::{Boolean, Bytes, Integer, Long, Text, Time};
use crate::database::{ColumnType, Connection, Row, Table, Value};
use crate::kinds::KINDS;
use crate::store::Store;
use crate::tables;

/// Values that are written at once.
const BATCH: usize = 64 * 1024;

/// Names the columns of a table.
macro_rules! table {
    ($name:literal: $($column:literal $of_type:ident),*) => {
        Table { name: $name, columns: &[$(($column, $of_type)),*] }
    };
}

/// Every table with content, so that each comes after those that it refers to.
pub(crate) const TABLES: &[Table] = &[
    table!("counter": "name" Text, "next" Integer),
    table!("system":
        "id" Integer, "name" Text, "os_type" Text, "fence" Long, "lease" Long, "published_run" Integer, "oldest_run" Integer
    ),
    table!("run":
        "id" Integer, "system" Integer, "state" Text, "fence" Long, "attempt" Integer, "part" Integer, "prepared"
        Integer, "described" Text, "started_at" Time, "ended_at" Time, "outcome" Text, "summary" Text, "changes" Text, "removals" Text,
        "reason" Text, "cleared" Boolean
    ),
    table!("checkpoint": "run" Integer, "piece" Integer, "body" Text),
    table!("section_state":
        "run" Integer, "section" Text, "status" Text, "code" Text, "as_of" Time, "as_of_run" Integer, "in_part"
        Boolean
    ),
    tables::OBJECT,
    tables::VIA,
    tables::TERMS,
    table!("volatile_fields": "object" Integer, "hash" Bytes, "body" Text),
    table!("account_version":
        "object" Integer, "system" Integer, "from_run" Integer, "to_run" Integer, "type" Text, "name" Text,
        "name_key" Text, "display_name" Text, "email" Text, "email_key" Text, "enabled" Boolean, "admin" Boolean,
        "severity" Integer, "raises_level" Integer, "raises_word" Text, "raises_types" Text, "hash" Bytes, "body"
        Text
    ),
    table!("group_version":
        "object" Integer, "system" Integer, "from_run" Integer, "to_run" Integer, "type" Text, "name" Text,
        "name_key" Text, "severity" Integer, "privileged" Boolean, "raises_level" Integer, "raises_word" Text,
        "raises_types" Text, "hash" Bytes, "body" Text
    ),
    table!("resource_version":
        "object" Integer, "system" Integer, "from_run" Integer, "to_run" Integer, "type" Text, "name" Text,
        "name_key" Text, "container" Boolean, "hash" Bytes, "body" Text
    ),
    table!("policy_version":
        "object" Integer, "system" Integer, "from_run" Integer, "to_run" Integer, "type" Text, "name" Text,
        "name_key" Text, "hash" Bytes, "body" Text
    ),
    table!("membership_version":
        "system" Integer, "group_id" Integer, "account_id" Integer, "from_run" Integer, "to_run" Integer, "via"
        Integer
    ),
    table!("membership_name":
        "system" Integer, "group_id" Integer, "account_id" Integer, "from_run" Integer, "to_run" Integer, "username"
        Text, "group_name" Text
    ),
    table!("binding_version":
        "system" Integer, "from_id" Integer, "to_id" Integer, "terms" Integer, "from_run" Integer, "to_run" Integer
    ),
    KINDS[0].staged,
    KINDS[1].staged,
    KINDS[2].staged,
    KINDS[3].staged,
    tables::STAGED_MEMBERSHIP,
    tables::STAGED_MEMBERSHIP_NAME,
    tables::STAGED_BINDING,
    tables::DELTA_OBJECT,
    table!("delta_membership":
        "run" Integer, "group_id" Integer, "account_id" Integer, "via" Integer, "opens" Boolean, "closes" Integer,
        "part" Integer
    ),
    table!("delta_membership_name":
        "run" Integer, "group_id" Integer, "account_id" Integer, "username" Text, "group_name" Text, "opens"
        Boolean, "closes" Integer
    ),
    table!("delta_binding":
        "run" Integer, "from_id" Integer, "to_id" Integer, "terms" Integer, "opens" Boolean, "closes" Integer,
        "part" Integer
    ),
    tables::KEPT,
    table!("finding_exception": "system" Integer, "finding" Text, "reason" Text, "expires_at" Time,
        "accepted_by" Text),
];

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Systems.
    pub systems: u64,
    /// Rows of all tables.
    pub rows: u64,
}

impl Store {
    /// Copies everything into an empty store, with the same numbers of runs: histories, what is held, what is unfinished, and
    /// exceptions. All of it is copied, or nothing: after an error the other store is as empty as before. What other
    /// programs write to this store meanwhile is not copied.
    ///
    /// # Errors
    /// `invalid_config` if the other store is not empty; `sink` if this one cannot be read or the other one not written.
    pub fn copy_into(&mut self, other: &mut Self) -> Result<Copied, ConnectorError> {
        let into = other.writing();
        let copied = self.reading(|from| {
            into.transaction(|into| {
                into.own_schema()?;
                copy(from, into)
            })
        })?;
        into.analyze(&TABLES.iter().map(|table| table.name).collect::<Vec<_>>())?;
        Ok(copied)
    }
}

fn copy(from: &mut dyn Connection, into: &mut dyn Connection) -> Result<Copied, ConnectorError> {
    let is_used = "select id from system limit 1";
    if into.first(is_used, &[], |row| row.number(0))?.is_some() {
        return Err(ConnectorError::invalid_config(
            "the store to copy into is not empty",
            "copy into a new file or a new database",
        ));
    }
    // What a new store has already.
    into.execute("delete from counter", &[])?;
    let mut copied = Copied::default();
    for table in TABLES {
        let mut values = Vec::new();
        let mut rows = 0;
        from.query(&format!("select {} from {}", table.names(), table.name), &[], &mut |row| {
            for (at, (_, of_type)) in table.columns.iter().enumerate() {
                values.push(value(row, at, *of_type)?);
            }
            rows += 1;
            if values.len() >= BATCH {
                into.insert(*table, &values)?;
                values.clear();
            }
            Ok(())
        })?;
        into.insert(*table, &values)?;
        copied.rows += rows;
        if table.name == "system" {
            copied.systems = rows;
        }
    }
    Ok(copied)
}

fn value(row: &dyn Row, at: usize, of_type: ColumnType) -> Result<Value, ConnectorError> {
    Ok(match of_type {
        Integer | Long => row.integer(at)?.into(),
        Boolean => row.boolean(at)?.into(),
        Text => row.text(at)?.into(),
        Bytes => row.bytes(at)?.map(<[u8]>::to_vec).into(),
        Time => row.time(at)?.into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_column_of_every_table_is_copied() {
        let mut store = Store::in_memory().unwrap();
        // The figures of runs are counted again.
        let sql = "select m.name || '.' || c.name from sqlite_master m, pragma_table_info(m.name) c \
                   where m.type = 'table' and m.name not in ('migration', 'run_figures') and m.name not like 'sqlite_%'";
        let columns = store.database.rows(sql, &[], |row| Ok(row.word(0)?.to_owned())).unwrap();
        let copied =
            TABLES.iter().flat_map(|table| table.columns.iter().map(|(column, _)| format!("{}.{column}", table.name)));
        assert_eq!(copied.collect::<BTreeSet<_>>(), columns.into_iter().collect());
    }
}
