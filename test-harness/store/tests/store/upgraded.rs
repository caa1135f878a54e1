//! A store of the version before, with a history and an interrupted scan.

use connector_api::{Account, Checkpoint, Group, Membership, Record};
use connector_store::{At, Ended};
use jiff::Timestamp;

use crate::backend::{Backend, on_both};
use crate::organisation::descriptor;
use crate::support::{ANYTHING, assert_rows, begin, comparable, config, rows_at, scan, summary, system};

on_both!(a_store_of_the_version_before_goes_on);

/// What takes the tables of this version back to those of the version before.
const BACK: [&str; 2] = [
    "drop table sqlite_stat1; \
     drop table run_figures; drop index account_linked; drop index account_raises; drop index account_privileged; drop index account_worst; drop index group_worst; \
     drop index resource_worst; drop index account_name_begins; drop index group_name_begins; \
     drop index resource_name_begins; drop index policy_name_begins; drop index account_email_begins; \
     drop index object_id_begins; \
     drop table staged_membership; \
     create table staged_membership (run integer not null, group_id integer not null, account_id integer not null, \
     via integer, part integer not null, primary key (run, group_id, account_id)) without rowid; \
     drop table staged_membership_name; \
     create table staged_membership_name (run integer not null, group_id integer not null, account_id integer not null, \
     username text not null, group_name text not null, part integer not null, \
     primary key (run, group_id, account_id)) without rowid; \
     drop table staged_binding; \
     create table staged_binding (run integer not null, from_id integer not null, to_id integer not null, \
     terms integer not null, part integer not null, primary key (run, from_id, to_id, terms)) without rowid; \
     alter table delta_membership drop column part; alter table delta_binding drop column part; \
     alter table finding_exception drop column accepted_by; \
     drop table checkpoint; create table checkpoint (run integer primary key references run (id), body text not null); \
     delete from migration where version >= 4",
    "drop table run_figures; drop index account_linked; drop index account_raises; drop index account_privileged; drop index account_worst; drop index group_worst; \
     drop index resource_worst; drop index account_name_begins; drop index group_name_begins; \
     drop index resource_name_begins; drop index policy_name_begins; drop index account_email_begins; \
     drop index object_id_begins; \
     drop index object_identity, object_external_id, account_name, account_email, group_name, resource_name, policy_name; \
     alter table object add unique (system, kind, type, external_id); \
     create index account_name on account_version (system, name_key); \
     create index account_email on account_version (system, email_key) where email_key is not null; \
     create index group_name on group_version (system, name_key); \
     create index resource_name on resource_version (system, name_key); \
     create index policy_name on policy_version (system, name_key); \
     alter table delta_membership drop column part; alter table delta_binding drop column part; \
     alter table finding_exception drop column accepted_by; \
     alter table checkpoint drop column piece; alter table checkpoint add primary key (run); \
     delete from migration where version >= 4",
];

fn a_store_of_the_version_before_goes_on(backend: &Backend) {
    let descriptor = descriptor();
    let rows = |name: &str| -> Vec<Record> {
        let (ada, crew) = (Account::new("1", name), Group::new("2", "CREW", "Crew"));
        vec![ada.clone().into(), crew.clone().into(), Membership::new(&ada, &crew).into()]
    };
    let whole = summary(&descriptor, &[]);
    scan(backend, &descriptor, &rows("ada"), &whole, ANYTHING);
    backend.run(BACK[usize::from(backend.url.is_some())]);
    backend.run(
        "insert into finding_exception (system, finding, reason, expires_at) \
         values (1, '0123456789ab', 'known', '2031-03-03T09:00:00.000000Z')",
    );
    let staged = "insert into run (id, system, state, fence, attempt, part, described, started_at, cleared) \
                  values (2, 1, 'staging', 1, 1, 1, '{}', '2026-03-03T09:00:00.000000Z', false); \
                  update counter set next = 3 where name = 'run'; \
                  insert into staged_membership (run, group_id, account_id, part) values (2, 2, 1, 0)";
    backend.run(staged);
    let checkpoint = Checkpoint::new(&descriptor, &config(), Timestamp::now(), std::sync::Arc::new(1));
    let body = serde_json::to_string(&checkpoint).unwrap().replace('\'', "''");
    backend.run(&format!("insert into checkpoint (run, body) values (2, '{body}')"));

    let mut second = begin(backend, &descriptor);
    assert!(second.take_resume().is_some() && second.run() == 2);
    second.stage(&rows("eve")[..2]).unwrap();
    let Ended::Published { changes, .. } = second.publish(&whole, ANYTHING).unwrap() else { panic!() };
    assert_eq!(changes.0.keys().collect::<Vec<_>>(), ["account"], "{changes:?}");
    let mut store = backend.open();
    for (run, name) in [(1, "ada"), (2, "eve")] {
        assert_rows(&rows_at(&mut store, run, &descriptor), &comparable(&rows(name), &descriptor), name);
    }
    let hq = system(&mut store);
    assert_eq!(store.run_at(&hq, At::Now).unwrap(), 2);
    let known = store.exceptions(&hq).unwrap();
    assert_eq!((known[0].reason.as_str(), known[0].by.as_deref()), ("known", None));
    assert_eq!(backend.table("select count(*) from access_now where not enabled"), ["0"]);
}
