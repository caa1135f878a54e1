//! Reads the rows that stood after a run.

use std::borrow::Cow;

use connector_api::{Access, Account, Binding, ConnectorError, Group, Membership, NodeKind, NodeRef, PathStep, Record};

use crate::body;
use crate::database::{Connection, Row};
use crate::kinds::{self, KINDS};

/// Receives rows one by one.
pub type EachRecord<'a> = &'a mut dyn FnMut(Record) -> Result<(), ConnectorError>;

/// The condition that a version of the table `#` stood after run `?2`.
const STOOD: &str = "#.from_run <= ?2 and (#.to_run is null or #.to_run > ?2)";

/// Passes on the rows of a system after a run, in the order of their kinds: accounts, groups, memberships, resources,
/// bindings. Volatile fields are as last seen.
pub(crate) fn records(
    db: &mut dyn Connection,
    system: i64,
    run: i64,
    each: EachRecord<'_>,
) -> Result<(), ConnectorError> {
    for kind in KINDS {
        let sql = format!(
            "select v.body, f.body from {}_version v left join volatile_fields f on f.object = v.object \
             where v.system = ?1 and {} order by v.object",
            kind.word,
            STOOD.replace('#', "v")
        );
        db.query(&sql, &[system.into(), run.into()], &mut |row| each(body::record(row.word(0)?, row.text(1)?)?))?;
        if kind.word == "group" {
            memberships(db, system, run, each)?;
        }
    }
    bindings(db, system, run, each)
}

/// An object's name after a run, or its last one before, if it was gone by then.
fn name(kind: &str, object: &str, version: &str) -> String {
    format!(
        "coalesce({version}.name, (select x.name from {kind}_version x where x.object = {object} and x.from_run <= ?2 \
         order by x.from_run desc limit 1), '')"
    )
}

fn memberships(db: &mut dyn Connection, system: i64, run: i64, each: EachRecord<'_>) -> Result<(), ConnectorError> {
    let sql = format!(
        "select ao.external_id, {account}, go.external_id, go.type, {group}, w.direct, w.steps \
         from membership_version m join object ao on ao.id = m.account_id join object go on go.id = m.group_id \
         left join account_version a on a.object = m.account_id and {a_stood} \
         left join group_version g on g.object = m.group_id and {g_stood} \
         left join via w on w.id = m.via where m.system = ?1 and {m_stood}",
        account = name("account", "m.account_id", "a"),
        group = name("group", "m.group_id", "g"),
        a_stood = STOOD.replace('#', "a"),
        g_stood = STOOD.replace('#', "g"),
        m_stood = STOOD.replace('#', "m"),
    );
    db.query(&sql, &[system.into(), run.into()], &mut |row| each(membership(row)?.into()))
}

fn membership(row: &dyn Row) -> Result<Membership, ConnectorError> {
    let account = Account::new(row.word(0)?, row.word(1)?);
    let group = Group::new(row.word(2)?, row.word(3)?, row.word(4)?);
    let mut membership = Membership::new(&account, &group);
    if let Some(direct) = row.boolean(5)? {
        membership.direct = direct;
        membership.via = steps(row.word(6)?)?;
    }
    Ok(membership)
}

fn steps(json: &str) -> Result<Vec<PathStep>, ConnectorError> {
    serde_json::from_str(json).map_err(|error| {
        ConnectorError::internal("the store has a path that this version cannot read").with_source(error)
    })
}

fn bindings(db: &mut dyn Connection, system: i64, run: i64, each: EachRecord<'_>) -> Result<(), ConnectorError> {
    let sql = format!(
        "select t.from_kind, t.from_type, f.external_id, t.to_kind, t.to_type, o.external_id, t.level, t.word, \
         t.expires_at, t.request_id from binding_version b join terms t on t.id = b.terms \
         join object f on f.id = b.from_id join object o on o.id = b.to_id where b.system = ?1 and {}",
        STOOD.replace('#', "b")
    );
    db.query(&sql, &[system.into(), run.into()], &mut |row| each(binding(row, 0)?.into()))
}

/// Reads a binding from ten columns.
pub(crate) fn binding(row: &dyn Row, first: usize) -> Result<Binding, ConnectorError> {
    let mut binding = Binding::new(end(row, first)?, end(row, first + 3)?);
    if let (Some(level), Some(word)) = (row.integer(first + 6)?, row.text(first + 7)?) {
        let level = kinds::level_of(level).ok_or_else(|| kinds::unknown("binding"))?;
        binding.access = Some(Access::new(level, Cow::Owned(word.to_owned())));
    }
    binding.expires_at = row.time(first + 8)?;
    binding.request_id = row.owned(first + 9)?;
    Ok(binding)
}

fn end(row: &dyn Row, first: usize) -> Result<NodeRef, ConnectorError> {
    let word = row.word(first)?;
    let kind = [NodeKind::Account, NodeKind::Group, NodeKind::Resource].into_iter().find(|kind| kind.as_str() == word);
    let kind = kind.ok_or_else(|| kinds::unknown(word))?;
    Ok(NodeRef::new(kind, row.word(first + 1)?, row.word(first + 2)?))
}
