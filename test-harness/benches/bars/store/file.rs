//! A store in a file of SQLite, against a bare program that inserts the same rows into the same tables.

use std::path::Path;
use std::time::{Duration, Instant};

use connector_api::Record;
use connector_store::{Location, Store};
use rusqlite::{Connection, params};

use super::organisation::{DAY, HASH, Numbers, Organisation, VOLATILE};
use crate::Result;
use crate::bar::{Bar, Bound};

pub(super) fn measure(users: u32) -> Result<Vec<Bar>> {
    let organisation = Organisation { users };
    let folder = tempfile::tempdir()?;
    let bare = folder.path().join("bare.db");
    Store::open(&Location::sqlite(&bare))?;
    let inserted = insert(&bare, organisation)?;
    eprintln!("  prepared inserts: {:.1} s", inserted.as_secs_f64());
    let location = Location::sqlite(folder.path().join("store.db"));
    let first = organisation.keep(&location, 0)?;
    let next = organisation.keep(&location, DAY)?;
    let what = format!("{users} users, {} memberships", organisation.memberships());
    let [first, next, inserted] = [first.wall, next.wall, inserted].map(|wall| wall.as_secs_f64());
    Ok(vec![
        Bar::new(format!("first load of {what}, SQLite, against inserts"), first, inserted, "s", Bound::AtMost(3.0)),
        Bar::new("the next scan of the same with 0.5 % changed", next, first, "s", Bound::AtMost(2.0)),
    ])
}

/// Inserts all rows of the first scan, in one transaction. Returns the time that it took.
fn insert(path: &Path, organisation: Organisation) -> Result<Duration> {
    let began = Instant::now();
    let mut connection = Connection::open(path)?;
    // As the store does.
    connection.execute_batch("pragma synchronous = full; pragma cache_size = -16384")?;
    let all = connection.transaction()?;
    let numbers = Numbers(organisation);
    {
        let mut object =
            all.prepare("insert into object (id, system, kind, type, external_id) values (?1, 1, ?2, ?3, ?4)")?;
        let mut account = all.prepare(
            "insert into account_version (object, system, from_run, type, name, name_key, display_name, email, email_key, \
             hash, body) values (?1, 1, 1, 'user', ?2, ?2, ?3, ?4, ?4, ?5, ?6)",
        )?;
        let mut volatile = all.prepare("insert into volatile_fields (object, hash, body) values (?1, ?2, ?3)")?;
        for id in 0..organisation.users {
            let number = numbers.account(id)?;
            let mut row = organisation.account(id, 0);
            row.last_login_at = None;
            let body = serde_json::to_string(&Record::from(row.clone()))?;
            object.execute(params![number, "account", "", row.external_id])?;
            account.execute(params![number, row.username, row.display_name, row.email, HASH, body])?;
            volatile.execute(params![number, HASH, VOLATILE])?;
        }
        let columns = "object, system, from_run, type, name, name_key, hash, body";
        let mut group = all.prepare(&format!(
            "insert into group_version ({columns}, privileged) values (?1, 1, 1, ?2, ?3, ?3, ?4, ?5, false)"
        ))?;
        let mut device = all.prepare(&format!(
            "insert into resource_version ({columns}, container) values (?1, 1, 1, ?2, ?3, ?3, ?4, ?5, false)"
        ))?;
        for id in 0..organisation.groups() {
            let (number, row) = (numbers.group(id)?, organisation.group(id));
            let body = serde_json::to_string(&Record::from(row.clone()))?;
            object.execute(params![number, "group", row.group_type, row.external_id])?;
            group.execute(params![number, row.group_type, row.name, HASH, body])?;
            let (number, row) = (numbers.device(id)?, organisation.device(id));
            let body = serde_json::to_string(&Record::from(row.clone()))?;
            object.execute(params![number, "resource", row.resource_type, row.external_id])?;
            device.execute(params![number, row.resource_type, row.name, HASH, body])?;
        }
        let mut membership = all
            .prepare("insert into membership_version (system, group_id, account_id, from_run) values (1, ?1, ?2, 1)")?;
        let mut binding = all.prepare(
            "insert into binding_version (system, from_id, to_id, terms, from_run) values (1, ?1, ?2, 1, 1)",
        )?;
        for id in 0..organisation.groups() {
            let group = numbers.group(id)?;
            for member in organisation.members(id, 0) {
                membership.execute(params![group, numbers.account(member)?])?;
            }
            for bound in organisation.bound(id, 0) {
                binding.execute(params![group, numbers.device(bound)?])?;
            }
        }
    }
    all.commit()?;
    Ok(began.elapsed())
}
