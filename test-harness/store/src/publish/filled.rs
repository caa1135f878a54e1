//! Fields of memberships that a section of its own fills in, such as when they expire: what
//! [`Replacement::apply`](connector_api::Replacement::apply) makes of the known and the scanned membership.
//!
//! Only memberships that differ are looked at, and each pair of entries in `via` once.

use connector_api::{Account, AccountKind, Action, ConnectorError, Group, Membership, Record};

use super::Context;
use crate::database::{Connection, Value};
use crate::way::{self, Way};

/// The known and the scanned entry of some memberships in groups of one type.
struct Pair {
    group_type: String,
    known: Option<i64>,
    scanned: Option<i64>,
    rows: [Record; 2],
}

/// Corrects the prepared difference. `unless_kept` is the condition that the membership `#` is not kept.
pub(super) fn memberships(
    db: &mut dyn Connection,
    context: &Context<'_>,
    unless_kept: &str,
) -> Result<(), ConnectorError> {
    let mut fields = context.plan.fields.iter().filter(|field| field.field.record == "membership").peekable();
    if fields.peek().is_none() {
        return Ok(());
    }
    if fields.clone().any(|field| field.action == Action::Keep) {
        merged(db, context)?;
    }
    if fields.any(|field| field.action == Action::Replace) && !unless_kept.is_empty() {
        kept(db, context, unless_kept)?;
    }
    Ok(())
}

/// Memberships that were read, of which fields are kept.
fn merged(db: &mut dyn Connection, context: &Context<'_>) -> Result<(), ConnectorError> {
    let from = "from delta_membership d join membership_version k on k.system = ?2 and k.group_id = d.group_id \
                and k.account_id = d.account_id and k.from_run = d.closes \
                join object o on o.id = d.group_id";
    let of = "where d.run = ?1 and d.opens and d.closes is not null";
    for pair in pairs(db, context, &format!("{from} {of}"), "d.via")? {
        let [known, scanned] = pair.rows;
        let via = number(db, context, vec![known], scanned)?;
        if via == pair.scanned {
            continue;
        }
        let ids = "run = ?1 and opens and closes is not null and via is not distinct from ?5 and exists (\
             select 1 from membership_version k join object o on o.id = k.group_id where k.system = ?2 \
             and k.group_id = delta_membership.group_id and k.account_id = delta_membership.account_id \
             and k.from_run = delta_membership.closes and o.type = ?3 and k.via is not distinct from ?4)";
        let mut parameters: Vec<Value> = vec![context.run.into(), context.system.into(), pair.group_type.into()];
        parameters.extend([pair.known.into(), pair.scanned.into()]);
        if via == pair.known {
            db.execute(&format!("delete from delta_membership where {ids}"), &parameters)?;
        } else {
            parameters.push(Value::Integer(-via.unwrap_or(0)));
            // Negative until all pairs are done: what one of them makes must not be taken for another.
            db.execute(&format!("update delta_membership set via = ?6 where {ids}"), &parameters)?;
        }
    }
    let done = "update delta_membership set via = nullif(-via, 0) where run = ?1 and via <= 0";
    db.execute(done, &[context.run.into()])?;
    Ok(())
}

/// Memberships that are kept, of which fields were read.
fn kept(db: &mut dyn Connection, context: &Context<'_>, unless_kept: &str) -> Result<(), ConnectorError> {
    let from = format!(
        "from staged_membership s join membership_version k on k.system = ?2 and k.group_id = s.group_id \
         and k.account_id = s.account_id and k.to_run is null join object o on o.id = s.group_id \
         where s.run = ?1 and k.via is distinct from s.via and not (true {})",
        unless_kept.replace('#', "s")
    );
    for pair in pairs(db, context, &from, "s.via")? {
        let [known, scanned] = pair.rows;
        // Kept, whatever decides that: its account, of no type that a section owns, is.
        let mut account = Account::new("?", "?");
        account.kind = AccountKind::new("?");
        let via = number(db, context, vec![account.into(), known], scanned)?;
        if via != pair.known {
            let sql = format!(
                "insert into delta_membership (run, group_id, account_id, via, opens, closes, part) \
                 select ?1, k.group_id, k.account_id, ?6, true, k.from_run, s.part {from} \
                 and o.type = ?3 and k.via is not distinct from ?4 and s.via is not distinct from ?5"
            );
            let mut parameters: Vec<Value> = vec![context.run.into(), context.system.into(), pair.group_type.into()];
            parameters.extend([pair.known.into(), pair.scanned.into(), via.into()]);
            db.execute(&sql, &parameters)?;
        }
    }
    Ok(())
}

fn pairs(
    db: &mut dyn Connection,
    context: &Context<'_>,
    from: &str,
    scanned: &str,
) -> Result<Vec<Pair>, ConnectorError> {
    let columns = |table: &str| way::COLUMNS.replace("v.", &format!("{table}."));
    let sql = format!(
        "select p.type, p.known, p.scanned, {}, {} from (select distinct o.type, k.via as known, {scanned} as scanned \
         {from}) p left join via w on w.id = p.known left join via x on x.id = p.scanned",
        columns("w"),
        columns("x")
    );
    db.rows(&sql, &[context.run.into(), context.system.into()], |row| {
        let group_type = row.word(0)?.to_owned();
        let plain = Membership::new(&Account::new("?", "?"), &Group::new("?", &*group_type, "?"));
        let mut rows = [plain.clone(), plain];
        way::read(row, 3, &mut rows[0])?;
        way::read(row, 7, &mut rows[1])?;
        let (known, scanned) = (row.integer(1)?, row.integer(2)?);
        Ok(Pair { group_type, known, scanned, rows: rows.map(Record::from) })
    })
}

/// The entry of what the plan makes of the two.
fn number(
    db: &mut dyn Connection,
    context: &Context<'_>,
    known: Vec<Record>,
    scanned: Record,
) -> Result<Option<i64>, ConnectorError> {
    let rows = context
        .plan
        .apply(known, vec![scanned])
        .map_err(|error| ConnectorError::internal("a membership cannot hold what is filled in").with_source(error))?;
    let membership = rows.iter().find_map(|row| match row {
        Record::Membership(membership) => Some(membership),
        _ => None,
    });
    let membership = membership.ok_or_else(|| ConnectorError::internal("a membership is neither kept nor taken"))?;
    Way::of(membership)?.map(|way| way.number(db, context.system)).transpose()
}
