//! What one connection holds, sees and loses.

use connector_api::{Account, ConnectorError, ErrorCode, Policy, PolicyEffect, Record};
use connector_store::{At, Ended, Mode, RunState, Store};
use jiff::{Timestamp, ToSpan};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, begin, comparable, config, rows_at, scan, start, summary, system};

on_both!(
    a_store_that_stays_open_reserves_nothing_once_its_work_is_done,
    a_scan_that_lost_rows_takes_no_more_and_is_not_published,
    an_answer_reads_one_state_whatever_is_published_meanwhile,
    answers_of_a_pinned_store_agree_until_something_is_written,
);

fn a_store_that_stays_open_reserves_nothing_once_its_work_is_done(backend: &Backend) {
    let (descriptor, config) = (descriptor(), config());
    let whole = summary(&descriptor, &[]);
    let can_scan = || drop(backend.open().begin(start(&descriptor, &config)).unwrap());
    let scan = begin(backend, &descriptor);
    let (mut store, ended) = scan.publish_and_keep(&whole, ANYTHING, &[]).unwrap();
    assert!(matches!(ended, Ended::Published { .. }));
    can_scan();
    let hq = system(&mut store);
    let cutoff = Timestamp::now() - 24.hours();
    store.prune(&hq, cutoff, Mode::Preview).unwrap();
    can_scan();
    store.prune(&hq, cutoff, Mode::Apply).unwrap();
    can_scan();
    store.forget_accounts(&hq, &["nobody".into()], Mode::Apply).unwrap_err();
    can_scan();
    // A scan that fails, or cannot begin, ends with its connection.
    let failed = crate::support::with_statuses(&descriptor, |_| connector_api::SectionStatus::Skipped);
    drop(begin(backend, &descriptor).publish(&failed, ANYTHING));
    can_scan();
    let mut other = descriptor.clone();
    other.os_type = "Other".into();
    backend.open().begin(start(&other, &config)).unwrap_err();
    can_scan();
    store.forget_system(&hq, Mode::Apply).unwrap();
    can_scan();
}

fn users(ids: std::ops::Range<u32>) -> Vec<Record> {
    ids.map(|id| Account::new(id.to_string(), format!("user{id}")).into()).collect()
}

fn a_scan_that_lost_rows_takes_no_more_and_is_not_published(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    scan(backend, &descriptor, &users(0..3), &whole, ANYTHING);
    let mut long = Account::new("long", "long");
    long.description = Some("x".repeat(5 << 20));
    let long = Record::from(long);
    let mut scan = begin(backend, &descriptor);
    scan.stage(&users(0..5)).unwrap();
    backend.run("alter table staged_account rename to elsewhere");
    scan.stage(std::slice::from_ref(&long)).unwrap_err();
    backend.run("alter table elsewhere rename to staged_account");
    let refused = |done: Result<(), ConnectorError>| {
        let error = done.unwrap_err();
        assert!(error.code == ErrorCode::Internal && error.message.contains("lacks rows"), "{error}");
    };
    refused(scan.stage(&users(5..6)));
    let checkpoint = connector_api::Checkpoint::new(&descriptor, &config(), Timestamp::now(), std::sync::Arc::new(1));
    refused(scan.checkpoint(&checkpoint));
    refused(scan.publish(&whole, ANYTHING).map(drop));
    let mut store = backend.open();
    let hq = system(&mut store);
    let run = store.run_at(&hq, At::Now).unwrap();
    assert_rows(&rows_at(&mut store, run, &descriptor), &comparable(&users(0..3), &descriptor), "as before");
    // The next one is whole.
    let ended = crate::support::scan(backend, &descriptor, &users(0..5), &whole, ANYTHING);
    assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
}

/// An account and a policy whose position changes by itself.
fn at_position(position: u64) -> Vec<Record> {
    let mut policy = Policy::new("1", "signIn", "policy", PolicyEffect::DENY);
    policy.position = Some(position);
    vec![Account::new("1", "ada").into(), policy.into()]
}

fn an_answer_reads_one_state_whatever_is_published_meanwhile(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    scan(backend, &descriptor, &at_position(1), &whole, ANYTHING);
    let mut store = backend.open();
    let hq = system(&mut store);
    let mut rows = Vec::new();
    store
        .records(&hq, 1, &mut |row| {
            if rows.is_empty() {
                scan(backend, &descriptor, &at_position(2), &whole, ANYTHING);
            }
            rows.push(row);
            Ok(())
        })
        .unwrap();
    assert_eq!(rows, at_position(1));
    rows.clear();
    store
        .records(&hq, 2, &mut |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
    assert_eq!(rows, at_position(2));
}

fn answers_of_a_pinned_store_agree_until_something_is_written(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    let mut organisation = Organisation::new(5);
    scan(backend, &descriptor, &organisation.whole(), &whole, ANYTHING);
    let mut store = backend.open();
    let hq = system(&mut store);
    store.pin().unwrap();
    let answer = |store: &mut Store| {
        let states: Vec<RunState> = store.runs(&hq).unwrap().iter().map(|run| run.state).collect();
        (store.run_at(&hq, At::Now).unwrap(), states, store.exceptions(&hq).unwrap().len())
    };
    let before = answer(&mut store);
    (0..20).for_each(|_| organisation.change());
    scan(backend, &descriptor, &organisation.whole(), &whole, ANYTHING);
    assert_eq!(answer(&mut store), before);
    assert_eq!(rows_at(&mut store, 1, &descriptor), rows_at(&mut backend.open(), 1, &descriptor));
    // It writes on top of the newest state, and reads that afterwards.
    let exception = connector_store::Exception {
        id: "0123456789ab".into(),
        reason: "known".into(),
        expires: Timestamp::now() + 24.hours(),
        by: Some("ada".into()),
    };
    store.import_exceptions(&hq, &[exception]).unwrap();
    let (run, states, exceptions) = answer(&mut store);
    assert_eq!((run, states.len(), exceptions), (2, 2, 1));
    store.pin().unwrap();
    store.unpin();
    let mut scan = store.begin(start(&descriptor, &config())).unwrap();
    scan.stage(&organisation.whole()).unwrap();
    assert!(matches!(scan.publish(&whole, ANYTHING).unwrap(), Ended::Published { .. }));
}
