//! What a server keeps of rows that were removed, and who may clear it.

use connector_api::{Account, ErrorCode, Record};
use connector_store::{Location, Mode, Store};
use jiff::Timestamp;

use crate::backend::Backend;
use crate::organisation::descriptor;
use crate::support::{ANYTHING, scan, summary, system};

const ROBERT: &str = "robert.tables";

fn with_robert() -> Option<Backend> {
    let backend = Backend::postgres()?;
    let descriptor = descriptor();
    let rows: Vec<Record> = ["ada", ROBERT].iter().map(|name| Account::new(*name, *name).into()).collect();
    scan(&backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
    Some(backend)
}

fn open_as(backend: &Backend, role: &str) -> Store {
    let url = backend.url.as_ref().unwrap().replace("tests@", &format!("{role}@"));
    Store::open(&url.parse::<Location>().unwrap()).unwrap()
}

/// The tables of the store that were not written anew since they were created.
fn not_written_anew(backend: &Backend) -> Vec<String> {
    backend.table(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' \
         and relname <> 'migration' and pg_relation_filenode(oid) = oid order by 1",
    )
}

fn marks(backend: &Backend) -> Vec<String> {
    backend.table("select count(*) from counter where name = 'remains'")
}

/// Makes the tables those of a new role, which is no superuser, and returns its name.
fn owned_by_role(backend: &Backend) -> String {
    let owner = format!("owner_{}", backend.url.as_ref().unwrap().rsplit('/').next().unwrap());
    backend.run(&format!("create role {owner} login; grant all on schema public to {owner}"));
    for table in backend.table("select tablename from pg_tables where schemaname = 'public'") {
        backend.run(&format!("alter table {table} owner to {owner}"));
    }
    owner
}

#[test]
fn whoever_may_vacuum_the_tables_clears_them_whoever_owns_them_and_whatever_the_first_schema_is() {
    for first_schema in [false, true] {
        let Some(backend) = with_robert() else { return };
        let owner = owned_by_role(&backend);
        let user = if first_schema { owner.clone() } else { "tests".to_owned() };
        if first_schema {
            backend.run(&format!("create schema {owner} authorization {owner}"));
        }
        let mut store = open_as(&backend, &user);
        let hq = system(&mut store);
        store.forget_accounts(&hq, &[ROBERT.into()], Mode::Apply).unwrap();
        assert_eq!(not_written_anew(&backend), Vec::<String>::new(), "as {user}");
        assert_eq!(marks(&backend), ["0"]);
    }
}

#[test]
fn a_role_that_may_not_clear_the_tables_removes_nothing() {
    let Some(backend) = with_robert() else { return };
    let name = backend.url.as_ref().unwrap().rsplit('/').next().unwrap().to_owned();
    let role = format!("writes_{name}");
    backend.run(&format!(
        "create role {role} login; grant usage on schema public to {role}; \
         grant select, insert, update, delete on all tables in schema public to {role}"
    ));
    let mut store = open_as(&backend, &role);
    let hq = system(&mut store);
    let forgotten = store.forget_accounts(&hq, &[ROBERT.into()], Mode::Preview).unwrap();
    assert_eq!(forgotten.standing, 1);
    let error = store.forget_accounts(&hq, &[ROBERT.into()], Mode::Apply).unwrap_err();
    assert!(error.code == ErrorCode::Sink && error.message.contains(&role), "{error}");
    assert!(error.remedy.contains("owns"), "{error:?}");
    assert_eq!(backend.table("select name from account_version order by 1"), ["ada", ROBERT]);
    assert_eq!(marks(&backend), ["0"]);
}

#[test]
fn what_somebody_can_still_read_stays_marked_until_they_have_ended_and_it_is_cleared() {
    let Some(backend) = with_robert() else { return };
    let mut reader = postgres::Client::connect(backend.url.as_ref().unwrap(), postgres::NoTls).unwrap();
    // Sessions of others are seen by everybody.
    let mut store = open_as(&backend, &owned_by_role(&backend));
    let hq = system(&mut store);
    reader
        .batch_execute("set application_name = 'report'; begin isolation level repeatable read; select 1 from pg_class")
        .unwrap();
    let error = store.forget_accounts(&hq, &[ROBERT.into()], Mode::Apply).unwrap_err();
    assert!(error.message.contains("the remains of what was removed") && error.message.contains("report"), "{error}");
    assert!(error.remedy.contains("run the same command again"), "{error:?}");
    assert_eq!(backend.table("select name from account_version"), ["ada"]);
    assert_eq!(marks(&backend), ["1"]);
    // What only counts has removed nothing, and says nothing of it.
    store.prune(&hq, Timestamp::now(), Mode::Preview).unwrap();
    reader.batch_execute("commit").unwrap();
    store.clear_remains().unwrap();
    assert_eq!(marks(&backend), ["0"]);
    assert_eq!(not_written_anew(&backend), Vec::<String>::new());
}
