//! What a server, a database and a role are set to.

use std::net::{Ipv4Addr, TcpListener};

use connector_api::{Account, ErrorCode, Record, Retry};
use connector_store::{Ended, Location, Start, Store};
use postgres::{Client, NoTls};

use crate::backend::Backend;
use crate::cluster::{Cluster, required};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, begin, config, scan, start, summary};

fn users() -> Vec<Record> {
    vec![Account::new("1", "ada").into()]
}

fn name(backend: &Backend) -> String {
    backend.url.as_ref().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[test]
fn the_isolation_of_a_database_changes_nothing_for_what_writes_to_a_store() {
    let Some(backend) = Backend::postgres() else { return };
    drop(backend.open());
    // Numbers are reserved in statements of their own, runs within a transaction.
    let function = "create function checked() returns trigger language plpgsql as 'begin \
                    if current_setting(''transaction_isolation'') <> ''read committed'' then raise exception ''%'', \
                    current_setting(''transaction_isolation''); end if; return new; end'";
    backend.run(function);
    for table in ["counter", "run"] {
        backend.run(&format!(
            "create trigger checked before insert or update on {table} for each row execute function checked()"
        ));
    }
    backend.run(&format!("alter database {} set default_transaction_isolation = 'serializable'", name(&backend)));
    let ended = scan(&backend, &descriptor(), &users(), &summary(&descriptor(), &[]), ANYTHING);
    assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
}

#[test]
fn limits_of_a_server_are_no_defects() {
    let Some(backend) = Backend::postgres() else { return };
    drop(backend.open());
    let mut other = Client::connect(backend.url.as_ref().unwrap(), NoTls).unwrap();
    other.batch_execute("begin; lock table counter in access exclusive mode").unwrap();
    for setting in ["statement_timeout", "lock_timeout"] {
        let url = format!("{}?options=-c%20{setting}%3D50", backend.url.as_ref().unwrap());
        let mut store = Store::open(&url.parse::<Location>().unwrap()).unwrap();
        let error = store.clear_remains().unwrap_err();
        assert_eq!((error.code, error.retry), (ErrorCode::Sink, Retry::Later), "{setting}: {error}");
        assert!(error.message.contains("timeout"), "{error}");
    }
}

#[test]
fn ports_that_fit_no_hosts_are_a_matter_of_the_url() {
    let location: Location = "postgres://ada@127.0.0.1/kept?port=1,2,3".parse().unwrap();
    for error in [Store::open(&location).unwrap_err(), Store::open_to_read(&location).unwrap_err()] {
        assert_eq!((error.code, error.retry), (ErrorCode::InvalidConfig, Retry::Never), "{error}");
        assert!(error.remedy.contains("HOST:PORT"), "{error:?}");
    }
}

#[test]
fn an_option_that_the_server_does_not_know_is_a_matter_of_the_url() {
    let Some(backend) = Backend::postgres() else { return };
    for option in ["-c%20statement_timeout%3Dsoon", "-c%20no_such_setting%3D1", "nonsense"] {
        let url = format!("{}?options={option}", backend.url.as_ref().unwrap());
        let error = Store::open(&url.parse::<Location>().unwrap()).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidConfig, "{error}");
        assert!(error.remedy.contains("options"), "{error:?}");
    }
}

#[test]
fn the_server_knows_how_much_stands_before_a_scan_is_compared_with_it() {
    let Some(backend) = Backend::postgres() else { return };
    drop(backend.open());
    let tables = ["membership_version", "binding_version"];
    for table in tables {
        backend.run(&format!("alter table {table} set (autovacuum_enabled = false)"));
    }
    let (descriptor, mut organisation) = (descriptor(), Organisation::new(3));
    for _ in 0..2 {
        // In one transaction, nobody counts.
        let mut scan = begin(&backend, &descriptor);
        scan.stage(&organisation.whole()).unwrap();
        scan.publish(&summary(&descriptor, &[]), ANYTHING).unwrap();
    }
    let mut client = Client::connect(backend.url.as_ref().unwrap(), NoTls).unwrap();
    for table in tables {
        let sql = "select reltuples from pg_class where oid = to_regclass($1::text)";
        let expected: f32 = client.query_one(sql, &[&table]).unwrap().get(0);
        let stands: i64 = client.query_one(&format!("select count(*) from {table}"), &[]).unwrap().get(0);
        assert!(stands > 0 && expected as i64 == stands, "{table}: {expected} of {stands}");
    }
}

#[test]
fn a_database_that_lacks_letters_is_refused() {
    let Some(backend) = Backend::postgres() else { return };
    let latin = format!("latin_{}", name(&backend));
    backend.run(&format!("create database {latin} encoding 'LATIN1' template template0"));
    let url = backend.url.as_ref().unwrap().replace(&name(&backend), &latin);
    let error = Store::open(&url.parse::<Location>().unwrap()).map(drop).unwrap_err();
    assert!(error.code == ErrorCode::InvalidConfig && error.message.contains("LATIN1"), "{error}");
}

#[test]
fn migrations_of_another_program_are_left_alone() {
    let Some(backend) = Backend::postgres() else { return };
    backend.run("create table migration (id integer)");
    for opened in [Store::open(&backend.location).map(drop), Store::open_to_read(&backend.location).map(drop)] {
        let error = opened.unwrap_err();
        assert!(error.code == ErrorCode::InvalidConfig && error.message.contains("another program"), "{error}");
    }
}

#[test]
fn stores_in_two_schemas_of_a_database_do_not_wait_for_each_other() {
    let Some(backend) = Backend::postgres() else { return };
    backend.run("create schema one; create schema two");
    let url = |schema: &str| format!("{}?options=-c%20search_path%3D{schema}", backend.url.as_ref().unwrap());
    let (descriptor, config) = (descriptor(), config());
    let open = |schema: &str| Store::open(&url(schema).parse::<Location>().unwrap()).unwrap();
    let first = open("one").begin(start(&descriptor, &config)).unwrap();
    let other = Start { name: "branch", ..start(&descriptor, &config) };
    drop(open("two").begin(other).unwrap());
    let error = open("one").begin(start(&descriptor, &config)).map(drop).unwrap_err();
    assert!(error.message.contains("another scan of hq is running"), "{error}");
    drop(first);
}

#[test]
fn a_server_notices_within_two_minutes_that_a_host_has_vanished() {
    // The server cannot choose a free port itself, and a socket has no such settings.
    let start = || {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        Cluster::start_with(port, "listen_addresses = '127.0.0.1'\n", &[]).map(|cluster| (cluster, port))
    };
    let Some((_cluster, port)) = required(start) else { return };
    let url = format!("postgres://tests@127.0.0.1:{port}/postgres?sslmode=disable");
    let location: Location = url.parse().unwrap();
    drop(Store::open(&location).unwrap());
    let mut other = Client::connect(&url, NoTls).unwrap();
    let settings = ["idle", "interval", "count"].map(|name| format!("current_setting(''tcp_keepalives_{name}'')"));
    other
        .batch_execute(&format!(
            "create table seen (seconds integer); create function see() returns trigger language plpgsql as 'begin insert into \
             seen values ({}::integer + {}::integer * {}::integer); return new; end'; \
             create trigger see before insert on run for each row execute function see()",
            settings[0], settings[1], settings[2]
        ))
        .unwrap();
    let (descriptor, config) = (descriptor(), config());
    drop(Store::open(&location).unwrap().begin(crate::support::start(&descriptor, &config)).unwrap());
    let seconds: i32 = other.query_one("select seconds from seen", &[]).unwrap().get(0);
    assert_eq!(seconds, 120);
}
