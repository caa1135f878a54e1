//! The names in memberships.
//!
//! A membership has the names that its account and its group have, so these are not stored with it. Where that is not so,
//! they are, in the table `membership_name`: if a membership is kept while the account or the group gets another name, or if
//! it was read and one of the two has no row.

use connector_api::ConnectorError;

use super::Context;
use super::kept::Kept;
use crate::database::Connection;

/// In the table `kept`: objects that get another name, or lose their row.
const RENAMED: &str = "renamed";
/// Objects whose name in the scan is not the one that they get.
const MISNAMED: &str = "misnamed";

/// The condition that the membership `#` is kept.
const IS_KEPT: &str = "(#.group_id in (select id from kept where run = ?1 and what = 'object') \
    or #.account_id in (select id from kept where run = ?1 and what = 'object'))";

/// Writes the difference, and returns whether there is one. Those of objects and what is kept are there.
pub(super) fn prepare(db: &mut dyn Connection, context: &Context<'_>, kept: Kept) -> Result<bool, ConnectorError> {
    let misnamed = misnamed(db, context, "account")? + misnamed(db, context, "group")?;
    let mut changes = scanned(db, context, misnamed > 0)?;
    if kept.objects && renamed(db, context, "account")? + renamed(db, context, "group")? > 0 {
        changes += known(db, context)?;
    }
    Ok(changes > 0)
}

/// Finds what the scan names in a way that does not become that of its row: its type is not taken. Returns how many.
fn misnamed(db: &mut dyn Connection, context: &Context<'_>, kind: &str) -> Result<u64, ConnectorError> {
    let mut found = 0;
    let sql = format!("select distinct type from staged_{kind} where run = ?1 and layer = 0");
    let types = db.rows(&sql, &[context.run.into()], |row| row.word(0).map(str::to_owned))?;
    for row_type in types.iter().filter(|row_type| context.keeps(kind, row_type)) {
        let sql = format!(
            "insert into kept (run, what, id) select ?1, '{MISNAMED}', s.object from staged_{kind} s \
             left join delta_object d on d.run = ?1 and d.kind = '{kind}' and d.object = s.object \
             left join staged_{kind} t on t.run = ?1 and t.layer = d.opens and t.object = s.object \
             left join {kind}_version v on v.object = s.object and v.to_run is null \
             where s.run = ?1 and s.layer = 0 and s.type = ?2 and coalesce(t.name, v.name) is distinct from s.name"
        );
        found += db.execute(&sql, &[context.run.into(), row_type.as_str().into()])?;
    }
    Ok(found)
}

/// The names of memberships that were read, and the end of those that are not needed any more. Returns how many there are, and
/// how many of the former stand already.
fn scanned(db: &mut dyn Connection, context: &Context<'_>, is_any_misnamed: bool) -> Result<u64, ConnectorError> {
    let both = [context.run.into(), context.system.into()];
    let not_kept = |table: &str| format!("not {}", IS_KEPT.replace('#', table));
    let standing = "membership_name p on p.system = ?2 and p.group_id = s.group_id and p.account_id = s.account_id \
                    and p.to_run is null";
    let named = format!(
        "insert into delta_membership_name (run, group_id, account_id, username, group_name, opens, closes) \
         select ?1, s.group_id, s.account_id, s.username, s.group_name, true, p.from_run \
         from staged_membership_name s left join {standing} where s.run = ?1 and {} and s.part = (\
         select max(x.part) from staged_membership_name x \
         where x.run = ?1 and x.group_id = s.group_id and x.account_id = s.account_id)",
        not_kept("s")
    );
    let mut begin = db.execute(&named, &both)?;
    if is_any_misnamed {
        let among = format!("(select id from kept where run = ?1 and what = '{MISNAMED}')");
        let named = format!(
            "insert into delta_membership_name (run, group_id, account_id, username, group_name, opens, closes) \
             select ?1, s.group_id, s.account_id, min(a.name), min(g.name), true, min(p.from_run) \
             from staged_membership s \
             join staged_account a on a.run = ?1 and a.layer = 0 and a.object = s.account_id \
             join staged_group g on g.run = ?1 and g.layer = 0 and g.object = s.group_id \
             left join {standing} where s.run = ?1 and (s.account_id in {among} or s.group_id in {among}) and {} \
             and not exists (select 1 from delta_membership_name d \
             where d.run = ?1 and d.group_id = s.group_id and d.account_id = s.account_id) \
             group by s.group_id, s.account_id",
            not_kept("s")
        );
        begin += db.execute(&named, &both)?;
    }
    let ended = format!(
        "insert into delta_membership_name (run, group_id, account_id, username, group_name, opens, closes) \
         select ?1, p.group_id, p.account_id, null, null, false, p.from_run from membership_name p \
         where p.system = ?2 and p.to_run is null and {} and not exists (select 1 from delta_membership_name d \
         where d.run = ?1 and d.group_id = p.group_id and d.account_id = p.account_id)",
        not_kept("p")
    );
    let ends = db.execute(&ended, &both)?;
    if begin == 0 {
        return Ok(ends);
    }
    let same = "delete from delta_membership_name where run = ?1 and opens and exists (\
                select 1 from membership_name p where p.system = ?2 and p.to_run is null \
                and p.group_id = delta_membership_name.group_id and p.account_id = delta_membership_name.account_id \
                and p.username = delta_membership_name.username and p.group_name = delta_membership_name.group_name)";
    db.execute(same, &both)?;
    Ok(begin + ends)
}

fn renamed(db: &mut dyn Connection, context: &Context<'_>, kind: &str) -> Result<u64, ConnectorError> {
    let sql = format!(
        "insert into kept (run, what, id) select ?1, '{RENAMED}', d.object from delta_object d \
         join {kind}_version v on v.object = d.object and v.from_run = d.closes \
         left join staged_{kind} t on t.run = ?1 and t.layer = d.opens and t.object = d.object \
         where d.run = ?1 and d.kind = '{kind}' and t.name is distinct from v.name"
    );
    db.execute(&sql, &[context.run.into()])
}

/// The names of memberships that are kept as they are.
fn known(db: &mut dyn Connection, context: &Context<'_>) -> Result<u64, ConnectorError> {
    let among = format!("(select id from kept where run = ?1 and what = '{RENAMED}')");
    let sql = format!(
        "insert into delta_membership_name (run, group_id, account_id, username, group_name, opens, closes) \
         select ?1, m.group_id, m.account_id, a.name, g.name, true, null from membership_version m \
         join account_version a on a.object = m.account_id and a.to_run is null \
         join group_version g on g.object = m.group_id and g.to_run is null \
         where m.system = ?2 and m.to_run is null and (m.account_id in {among} or m.group_id in {among}) and {} \
         and not exists (select 1 from membership_name p where p.system = ?2 and p.to_run is null \
         and p.group_id = m.group_id and p.account_id = m.account_id)",
        IS_KEPT.replace('#', "m")
    );
    db.execute(&sql, &[context.run.into(), context.system.into()])
}

/// Applies the difference, within the publishing transaction.
pub(super) fn apply(db: &mut dyn Connection, context: &Context<'_>) -> Result<(), ConnectorError> {
    let both = [context.run.into(), context.system.into()];
    let close = "update membership_name as p set to_run = ?1 from delta_membership_name d \
                 where d.run = ?1 and d.closes is not null and p.system = ?2 and p.group_id = d.group_id \
                 and p.account_id = d.account_id and p.from_run = d.closes";
    db.execute(close, &both)?;
    let open = "insert into membership_name (system, group_id, account_id, from_run, username, group_name) \
                select ?2, d.group_id, d.account_id, ?1, d.username, d.group_name from delta_membership_name d \
                where d.run = ?1 and d.opens";
    db.execute(open, &both)?;
    Ok(())
}
