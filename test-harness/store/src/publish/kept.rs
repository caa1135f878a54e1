//! Which edges stay as they are because a section was not complete.
//!
//! A membership is kept with its own type, with its group's and with its account. All of these are part of what identifies
//! it, so the known and the scanned one are always kept together. A binding is kept with its own type and those of its ends;
//! its own type depends on whether it expires, which does not identify it.

use connector_api::{Account, Action, ConnectorError, Group, Membership};

use super::{Context, terms};
use crate::database::Connection;
use crate::tables::KEPT;

/// The ids of accounts and groups in the table `kept`.
pub(super) const OBJECT: &str = "object";
/// The ids of terms there.
pub(super) const TERMS: &str = "terms";

/// The condition that a group has members, before the run or in it.
const WITH_MEMBERS: &str = " and (exists (select 1 from membership_version m where m.system = ?2 and m.group_id = object.id \
    and m.to_run is null) or id in (select group_id from staged_membership where run = ?1))";

/// What of the table `kept` there is for the run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    /// Accounts and groups.
    pub(super) objects: bool,
    /// Terms.
    pub(super) terms: bool,
}

/// Writes what is kept.
pub(super) fn prepare(db: &mut dyn Connection, context: &Context<'_>) -> Result<Kept, ConnectorError> {
    let mut objects = 0;
    let standing = "from account_version where system = ?2 and to_run is null";
    let account_types = types(db, &format!("select distinct type {}", standing.replace("?2", "?1")), context.system)?;
    for kept in account_types.iter().filter(|row_type| context.keeps("account", row_type)) {
        let sql = format!("insert into kept (run, what, id) select ?1, 'object', object {standing} and type = ?3");
        objects += db.execute(&sql, &[context.run.into(), context.system.into(), kept.as_str().into()])?;
    }
    let groups = "from object where system = ?2 and kind = 'group'";
    // Groups without members keep nothing. Of many, it takes longer to find out.
    let with_members = if context.is_small { WITH_MEMBERS } else { "" };
    let group_types = types(db, &format!("select distinct type {}", groups.replace("?2", "?1")), context.system)?;
    for kept in group_types.iter().filter(|group_type| keeps_memberships(context, group_type)) {
        let sql =
            format!("insert into kept (run, what, id) select ?1, 'object', id {groups} and type = ?3{with_members}");
        objects += db.execute(&sql, &[context.run.into(), context.system.into(), kept.as_str().into()])?;
    }
    let mut kept = Vec::new();
    let sql = format!("select {}, t.id from terms t where t.system = ?1", terms::COLUMNS);
    db.query(&sql, &[context.system.into()], &mut |row| {
        // A kind of a later version stays, whatever it is.
        let is_kept = terms::read(row, 0)?.is_none_or(|binding| context.plan.of_row(&binding.into()) == Action::Keep);
        if is_kept {
            kept.extend([context.run.into(), TERMS.into(), row.number(5)?.into()]);
        }
        Ok(())
    })?;
    if !kept.is_empty() {
        db.transaction(|db| db.insert(KEPT, &kept))?;
    }
    Ok(Kept { objects: objects > 0, terms: !kept.is_empty() })
}

fn types(db: &mut dyn Connection, sql: &str, system: i64) -> Result<Vec<String>, ConnectorError> {
    db.rows(sql, &[system.into()], |row| row.word(0).map(str::to_owned))
}

/// Whether memberships in groups of this type are kept, whosever they are.
fn keeps_memberships(context: &Context<'_>, group_type: &str) -> bool {
    let membership = Membership::new(&Account::new("?", "?"), &Group::new("?", group_type, "?"));
    context.plan.of_row(&membership.into()) == Action::Keep
}
