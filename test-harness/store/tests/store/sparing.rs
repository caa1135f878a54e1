//! What scans of many small systems save: checkpoints that are stored later, one transaction, stores that stay open.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{Account, Checkpoint, Descriptor, ErrorCode, Group, Membership, Record, Section};
use connector_host::run::Archive;
use connector_store::{Ended, OpenStores, Scan, StoreArchive};
use jiff::{Timestamp, ToSpan};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, begin, comparable, config, rows_at, start, summary};

on_both!(
    a_checkpoint_that_is_stored_later_parts_the_rows_before_it_from_those_after,
    one_of_many_scans_stores_a_checkpoint_only_after_a_while_or_if_it_does_not_become_whole,
    a_large_scan_stores_each_checkpoint_at_once,
    what_is_published_in_one_transaction_leaves_nothing_staged,
    a_store_that_stays_open_is_used_again_unless_it_was_lost_or_is_of_a_later_version,
);

fn checkpoint(descriptor: &Descriptor, at: u32) -> Checkpoint {
    Checkpoint::new(descriptor, &config(), Timestamp::now(), Arc::new(at))
}

fn resumed(scan: &mut Scan) -> Option<u64> {
    scan.take_resume().map(|checkpoint| checkpoint.state.read().unwrap())
}

fn staged(scan: &mut Scan) -> Vec<Record> {
    let mut rows = Vec::new();
    let each = &mut |row| {
        rows.push(row);
        Ok(())
    };
    scan.staged(each).unwrap();
    rows
}

fn users(count: usize) -> Vec<Record> {
    (0..count).map(|id| Account::new(id.to_string(), format!("user{id}")).into()).collect()
}

fn checkpoints(backend: &Backend) -> Vec<String> {
    backend.table("select run from checkpoint")
}

/// Of a membership that comes again after the checkpoint, the one before it counts when the scan goes on.
fn a_checkpoint_that_is_stored_later_parts_the_rows_before_it_from_those_after(backend: &Backend) {
    let descriptor = descriptor();
    let (ada, crew) = (Account::new("1", "ada"), Group::new("2", "CREW", "Crew"));
    let for_good = Membership::new(&ada, &crew);
    let mut until = for_good.clone();
    until.expires_at = Some(Timestamp::now() + 24.hours());
    let before: Vec<Record> = vec![ada.into(), crew.into(), for_good.into()];
    let mut first = begin(backend, &descriptor);
    first.stage(&before).unwrap();
    first.defer_checkpoint(&checkpoint(&descriptor, 1)).unwrap();
    first.stage(&[until.into(), Account::new("3", "bob").into()]).unwrap();
    assert!(checkpoints(backend).is_empty());
    let ended = first.publish(&summary(&descriptor, &[Section::USERS]), ANYTHING).unwrap();
    assert!(matches!(ended, Ended::Failed { can_resume: true, .. }), "{ended:?}");
    let mut second = begin(backend, &descriptor);
    assert_eq!(resumed(&mut second), Some(1));
    assert_rows(&comparable(&staged(&mut second), &descriptor), &comparable(&before, &descriptor), "before it");
    // One that is stored at once takes the place of one that is not yet.
    second.defer_checkpoint(&checkpoint(&descriptor, 2)).unwrap();
    second.stage(&users(1)).unwrap();
    second.checkpoint(&checkpoint(&descriptor, 3)).unwrap();
    drop(second);
    assert_eq!(resumed(&mut begin(backend, &descriptor)), Some(3));
}

fn one_of_many_scans_stores_a_checkpoint_only_after_a_while_or_if_it_does_not_become_whole(backend: &Backend) {
    let descriptor = descriptor();
    let stores = Arc::new(OpenStores::new(&backend.location));
    let begin = |every| {
        let scan = stores.take().unwrap().begin(start(&descriptor, &config())).unwrap();
        StoreArchive::of_many(scan, ANYTHING, every, &stores)
    };
    let long = Duration::from_secs(3600);
    let mut archive = begin(Duration::ZERO);
    archive.records(&users(5)).unwrap();
    archive.checkpoint(&checkpoint(&descriptor, 1)).unwrap();
    assert_eq!(checkpoints(backend).len(), 1);
    assert!(!archive.end(&summary(&descriptor, &[])).unwrap());

    let mut archive = begin(long);
    archive.records(&users(5)).unwrap();
    archive.checkpoint(&checkpoint(&descriptor, 2)).unwrap();
    assert!(checkpoints(backend).is_empty());
    assert!(archive.end(&summary(&descriptor, &[Section::USERS])).unwrap(), "it can go on");
    assert_eq!(checkpoints(backend).len(), 1);

    let mut archive = begin(long);
    let mut rows = Vec::new();
    let each = &mut |row| {
        rows.push(row);
        Ok(())
    };
    assert_eq!(archive.resume(each).unwrap().unwrap().state.read::<u64>().unwrap(), 2);
    assert_eq!(rows.len(), 5);
    assert!(!archive.end(&summary(&descriptor, &[])).unwrap());
    assert!(checkpoints(backend).is_empty());
}

fn a_large_scan_stores_each_checkpoint_at_once(backend: &Backend) {
    let descriptor = descriptor();
    let stores = Arc::new(OpenStores::new(&backend.location));
    let scan = stores.take().unwrap().begin(start(&descriptor, &config())).unwrap();
    let mut archive = StoreArchive::of_many(scan, ANYTHING, Duration::from_secs(3600), &stores);
    let rows = users(5_000);
    rows.chunks(1_000).for_each(|batch| archive.records(batch).unwrap());
    archive.checkpoint(&checkpoint(&descriptor, 1)).unwrap();
    assert_eq!(checkpoints(backend).len(), 1);
    assert!(!archive.end(&summary(&descriptor, &[])).unwrap());
    assert_eq!(backend.table("select count(*) from account_now"), ["5000"]);
}

fn what_is_published_in_one_transaction_leaves_nothing_staged(backend: &Backend) {
    let descriptor = descriptor();
    let rows = Organisation::new(4).whole();
    let mut scan = begin(backend, &descriptor);
    scan.stage(&rows).unwrap();
    let whole = summary(&descriptor, &[]);
    let (mut store, ended) = scan.publish_at_once(&whole, ANYTHING).unwrap();
    let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
    assert_rows(&rows_at(&mut store, run, &descriptor), &comparable(&rows, &descriptor), "published");
    for table in ["staged_account", "staged_membership", "staged_binding", "delta_object", "delta_membership", "kept"] {
        assert_eq!(backend.table(&format!("select count(*) from {table}")), ["0"], "{table}");
    }
    assert_eq!(backend.table("select count(*) from run where cleared"), ["1"]);
}

fn a_store_that_stays_open_is_used_again_unless_it_was_lost_or_is_of_a_later_version(backend: &Backend) {
    let stores = OpenStores::new(&backend.location);
    let mut pids = Vec::new();
    let mut use_one = |backend: &Backend| {
        let mut store = stores.take().unwrap();
        assert!(store.systems().unwrap().is_empty());
        if backend.url.is_some() {
            let sql = "select pid::text from pg_stat_activity where application_name = 'connector-store' \
                       and datname = current_database()";
            pids.push(backend.table(sql));
        }
        stores.give_back(store);
    };
    use_one(backend);
    use_one(backend);
    if backend.url.is_some() {
        backend.run(
            "select pg_terminate_backend(pid, 60000) from pg_stat_activity where application_name = 'connector-store' \
             and datname = current_database()",
        );
    }
    use_one(backend);
    if let [first, second, third] = &pids[..] {
        assert!(first.len() == 1 && first == second && third.len() == 1 && first != third, "{pids:?}");
    }
    backend.run("insert into migration (version, name) values (999, 'of a later version')");
    let error = stores.take().unwrap_err();
    assert!(error.code == ErrorCode::InvalidConfig && error.message.contains("999"), "{error}");
}
