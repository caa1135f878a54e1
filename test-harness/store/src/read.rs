//! Reads the rows that stood after a run.

use std::borrow::Cow;

use connector_api::{Access, Account, Binding, ConnectorError, Group, Membership, NodeKind, NodeRef, Record};

use crate::body;
use crate::database::{Connection, Row};
use crate::kinds::{self, KINDS};
use crate::way;

/// Receives rows one by one.
pub type EachRecord<'a> = &'a mut dyn FnMut(Record) -> Result<(), ConnectorError>;

/// The condition that a version of the table `#` stood after run `?2`.
const STOOD: &str = "#.from_run <= ?2 and (#.to_run is null or #.to_run > ?2)";

/// Passes on the rows of a system after a run, in the order of their kinds: accounts, groups, memberships, resources,
/// bindings, policies. Volatile fields are as last seen.
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
        match kind.word {
            "group" => memberships(db, system, run, each)?,
            "resource" => bindings(db, system, run, each)?,
            _ => {}
        }
    }
    Ok(())
}

/// Passes on the staged rows of a run as they were scanned, in the order of their kinds.
pub(crate) fn staged(db: &mut dyn Connection, run: i64, each: EachRecord<'_>) -> Result<(), ConnectorError> {
    for kind in KINDS {
        let sql =
            format!("select body, volatile from {} where run = ?1 and layer = 0 order by object", kind.staged.name);
        db.query(&sql, &[run.into()], &mut |row| each(body::record(row.word(0)?, row.text(1)?)?))?;
        if kind.word == "group" {
            let sql = "select ao.external_id, coalesce(p.username, a.name, ''), go.external_id, go.type, \
                       coalesce(p.group_name, g.name, ''), v.direct, v.steps, v.expires_at, v.request_id \
                       from staged_membership n \
                       join object ao on ao.id = n.account_id join object go on go.id = n.group_id \
                       left join staged_membership_name p on p.run = ?1 and p.group_id = n.group_id \
                       and p.account_id = n.account_id and p.part = (select max(x.part) from staged_membership_name x \
                       where x.run = ?1 and x.group_id = n.group_id and x.account_id = n.account_id) \
                       left join staged_account a on a.run = ?1 and a.layer = 0 and a.object = n.account_id \
                       left join staged_group g on g.run = ?1 and g.layer = 0 and g.object = n.group_id \
                       left join via v on v.id = n.via where n.run = ?1 order by n.part";
            db.query(sql, &[run.into()], &mut |row| each(membership(row, 0)?.into()))?;
        }
        if kind.word == "resource" {
            let tables = BINDINGS.replace("binding_version", "staged_binding");
            let sql = format!("select {BINDING} from {tables} where n.run = ?1 order by n.part");
            db.query(&sql, &[run.into()], &mut |row| each(binding(row, 0)?.into()))?;
        }
    }
    Ok(())
}

/// The columns of a membership. `#` is the run as of which the account and the group are named.
pub(crate) const MEMBERSHIP: &str = "ao.external_id, coalesce(p.username, a.name, ''), go.external_id, go.type, \
    coalesce(p.group_name, g.name, ''), v.direct, v.steps, v.expires_at, v.request_id";

/// The tables that they come from: `n` is the version of the membership.
pub(crate) const MEMBERSHIPS: &str = "membership_version n \
    join object ao on ao.id = n.account_id join object go on go.id = n.group_id \
    left join membership_name p on p.system = n.system and p.group_id = n.group_id and p.account_id = n.account_id \
    and p.from_run <= # and (p.to_run is null or p.to_run > #) \
    left join account_version a on a.object = n.account_id and a.from_run <= # and (a.to_run is null or a.to_run > #) \
    left join group_version g on g.object = n.group_id and g.from_run <= # and (g.to_run is null or g.to_run > #) \
    left join via v on v.id = n.via";

fn memberships(db: &mut dyn Connection, system: i64, run: i64, each: EachRecord<'_>) -> Result<(), ConnectorError> {
    let (columns, tables) = (MEMBERSHIP.replace('#', "?2"), MEMBERSHIPS.replace('#', "?2"));
    let sql = format!("select {columns} from {tables} where n.system = ?1 and {}", STOOD.replace('#', "n"));
    db.query(&sql, &[system.into(), run.into()], &mut |row| each(membership(row, 0)?.into()))
}

/// Returns the number of an object that was ever seen. With it, an index leads to the rows about it in their order.
pub(crate) fn object(
    db: &mut dyn Connection,
    system: i64,
    kind: &str,
    of_type: &str,
    external_id: &str,
) -> Result<Option<i64>, ConnectorError> {
    let sql = "select id from object where system = ?1 and kind = ?2 and type = ?3 and external_id = ?4";
    db.first(sql, &[system.into(), kind.into(), of_type.into(), external_id.into()], |row| row.number(0))
}

/// Returns how many accounts are in a group of this type and id, or `most` if there are more.
pub(crate) fn members(
    db: &mut dyn Connection,
    system: i64,
    run: i64,
    (group_type, external_id): (&str, &str),
    most: u64,
) -> Result<u64, ConnectorError> {
    let Some(group) = object(db, system, "group", group_type, external_id)? else { return Ok(0) };
    let sql = format!(
        "select count(*) from (select 1 from membership_version n where n.system = ?1 and {} and n.group_id = ?3 \
         limit ?4) counted",
        STOOD.replace('#', "n")
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let count = db.first(&sql, &[system.into(), run.into(), group.into(), most.into()], |row| row.number(0))?;
    Ok(count.unwrap_or_default().unsigned_abs())
}

/// Returns the memberships of a group of this type and id, each with whether its account has a row.
pub(crate) fn memberships_of(
    db: &mut dyn Connection,
    system: i64,
    run: i64,
    (group_type, external_id): (&str, &str),
) -> Result<Vec<(Membership, bool)>, ConnectorError> {
    let Some(group) = object(db, system, "group", group_type, external_id)? else { return Ok(Vec::new()) };
    let (columns, tables) = (MEMBERSHIP.replace('#', "?2"), MEMBERSHIPS.replace('#', "?2"));
    let stood = STOOD.replace('#', "n");
    let sql = format!("select {columns}, a.object from {tables} where n.system = ?1 and {stood} and n.group_id = ?3");
    db.rows(&sql, &[system.into(), run.into(), group.into()], |row| {
        Ok((membership(row, 0)?, row.integer(9)?.is_some()))
    })
}

/// Reads a membership from nine columns.
pub(crate) fn membership(row: &dyn Row, first: usize) -> Result<Membership, ConnectorError> {
    let account = Account::new(row.word(first)?, row.word(first + 1)?);
    let group = Group::new(row.word(first + 2)?, row.word(first + 3)?, row.word(first + 4)?);
    let mut membership = Membership::new(&account, &group);
    way::read(row, first + 5, &mut membership)?;
    Ok(membership)
}

/// The columns of a binding.
pub(crate) const BINDING: &str = "t.from_kind, t.from_type, f.external_id, t.to_kind, t.to_type, e.external_id, \
    t.level, t.word, t.expires_at, t.request_id";

/// The tables that they come from: `n` is the version of the binding.
pub(crate) const BINDINGS: &str = "binding_version n join terms t on t.id = n.terms \
    join object f on f.id = n.from_id join object e on e.id = n.to_id";

fn bindings(db: &mut dyn Connection, system: i64, run: i64, each: EachRecord<'_>) -> Result<(), ConnectorError> {
    let stood = STOOD.replace('#', "n");
    let sql = format!("select {BINDING} from {BINDINGS} where n.system = ?1 and {stood}");
    db.query(&sql, &[system.into(), run.into()], &mut |row| each(binding(row, 0)?.into()))
}

/// Reads a binding from ten columns.
pub(crate) fn binding(row: &dyn Row, first: usize) -> Result<Binding, ConnectorError> {
    let mut binding = Binding::new(end(row, first)?, end(row, first + 3)?);
    binding.access = access(row, first + 6)?;
    binding.expires_at = row.time(first + 8)?;
    binding.request_id = row.owned(first + 9)?;
    Ok(binding)
}

/// Reads an access from two columns.
pub(crate) fn access(row: &dyn Row, first: usize) -> Result<Option<Access>, ConnectorError> {
    let (Some(level), Some(word)) = (row.integer(first)?, row.text(first + 1)?) else { return Ok(None) };
    let level = kinds::level_of(level).ok_or_else(|| kinds::unknown("binding"))?;
    Ok(Some(Access::new(level, Cow::Owned(word.to_owned()))))
}

fn end(row: &dyn Row, first: usize) -> Result<NodeRef, ConnectorError> {
    let word = row.word(first)?;
    let kind = [NodeKind::Account, NodeKind::Group, NodeKind::Resource].into_iter().find(|kind| kind.as_str() == word);
    let kind = kind.ok_or_else(|| kinds::unknown(word))?;
    Ok(NodeRef::new(kind, row.word(first + 1)?, row.word(first + 2)?))
}
