//! The kinds of rows that are objects: which table has them, and which of their facts are columns.

use connector_api::{AccessLevel, ConnectorError, Raises, Record, Severity};

use crate::body::Body;
use crate::database::ColumnType::{Boolean, Bytes, Integer, Text};
use crate::database::{ColumnType, Table, Value};

/// One kind of objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// Its word, as in `record` of a row.
    pub(crate) word: &'static str,
    /// Its table of staged rows.
    pub(crate) staged: Table,
    /// The columns that versions and staged rows share, with commas.
    pub(crate) shared: &'static str,
}

type Columns = &'static [(&'static str, ColumnType)];

/// Names the columns of a kind once, for both uses.
macro_rules! kind {
    ($word:literal, $table:literal $(, $column:literal: $of_type:ident)*) => {{
        const COLUMNS: Columns = &[
            ("run", Integer), ("object", Integer), ("layer", Integer), ("part", Integer),
            ("type", Text), ("name", Text), ("name_key", Text),
            $(($column, $of_type),)*
            ("hash", Bytes), ("body", Text), ("volatile_hash", Bytes), ("volatile", Text),
        ];
        Kind {
            word: $word,
            staged: Table { name: $table, columns: COLUMNS },
            shared: concat!("type, name, name_key, ", $($column, ", ",)* "hash, body"),
        }
    }};
}

/// Every kind, in the order in which a scan sends them.
pub(crate) const KINDS: &[Kind] = &[
    kind!(
        "account", "staged_account", "display_name": Text, "email": Text, "email_key": Text, "enabled": Boolean,
        "admin": Boolean, "severity": Integer, "raises_level": Integer, "raises_word": Text, "raises_types": Text
    ),
    kind!(
        "group", "staged_group", "severity": Integer, "privileged": Boolean, "raises_level": Integer,
        "raises_word": Text, "raises_types": Text
    ),
    kind!("resource", "staged_resource", "container": Boolean),
    kind!("policy", "staged_policy"),
];

impl Kind {
    /// Returns the kind with this word.
    pub(crate) fn of(word: &str) -> Result<&'static Self, ConnectorError> {
        KINDS.iter().find(|kind| kind.word == word).ok_or_else(|| unknown(word))
    }
}

/// Where a row is staged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) run: i64,
    pub(crate) object: u32,
    pub(crate) layer: i64,
    pub(crate) part: i64,
}

/// Adds the values of a row's columns, in the order of its kind's staged table.
pub(crate) fn push(values: &mut Vec<Value>, place: Place, record: &Record, body: Body) -> Result<(), ConnectorError> {
    let name = match record {
        Record::Account(account) => &account.username,
        Record::Group(group) => &group.name,
        Record::Resource(resource) => &resource.name,
        Record::Policy(policy) => &policy.name,
        other => return Err(unknown(other.kind())),
    };
    let Place { run, object, layer, part } = place;
    values.extend([run.into(), object.into(), layer.into(), part.into()]);
    values.extend([Value::Text(record.row_type().into_owned()), name.as_str().into(), key(name).into()]);
    match record {
        Record::Account(account) => {
            let email = account.email.as_deref();
            values.extend([account.display_name.as_deref().into(), email.into(), email.map(key).into()]);
            values.extend([account.enabled.into(), account.admin.into(), severity(account.severity())]);
            values.extend(raises(account.raises.as_ref()));
        }
        Record::Group(group) => {
            values.extend([severity(group.severity()), group.privileged.into()]);
            values.extend(raises(group.raises.as_ref()));
        }
        Record::Resource(resource) => values.push(resource.container.into()),
        _ => {}
    }
    let (volatile_hash, volatile) = body.volatile.map(|volatile| (volatile.hash, volatile.text)).unzip();
    values.extend([body.hash.into(), body.text.into(), volatile_hash.into(), volatile.into()]);
    Ok(())
}

/// Returns a name as it is looked up: in lower case.
pub(crate) fn key(name: &str) -> String {
    name.to_lowercase()
}

fn severity(severity: Option<Severity>) -> Value {
    severity.map(|severity| severity as i64 + 1).into()
}

/// The number of the highest level.
pub(crate) const HIGHEST: i64 = AccessLevel::Administer as i64 + 1;

/// Returns the number of a level in columns.
pub(crate) fn level(level: AccessLevel) -> i64 {
    level as i64 + 1
}

/// Returns the level with this number.
pub(crate) fn level_of(number: i64) -> Option<AccessLevel> {
    [AccessLevel::Use, AccessLevel::Write, AccessLevel::Administer].into_iter().find(|known| level(*known) == number)
}

fn raises(raises: Option<&Raises>) -> [Value; 3] {
    let Some(raises) = raises else { return [Value::Null, Value::Null, Value::Null] };
    let types = serde_json::Value::from(raises.resource_types.clone()).to_string();
    [level(raises.access.level).into(), raises.access.word.as_ref().into(), types.into()]
}

/// The error of a row that this version has no table for.
pub(crate) fn unknown(kind: &str) -> ConnectorError {
    ConnectorError::internal(format!("the store has no place for rows of kind {kind}"))
}
