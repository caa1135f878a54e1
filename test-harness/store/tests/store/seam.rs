//! Scans that are interrupted, that meet another one, or that remove too much.

use connector_api::{
    Access, AccessLevel, Account, Checkpoint, Descriptor, ErrorCode, Grant, Group, Membership, Principal, Record,
    ResourceRef, Section,
};
use connector_store::{At, Ended, Fence, Hold, Mode, RunState, Scan, Start, Store};
use jiff::{SignedDuration, Timestamp};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, begin, comparable, config, rows_at, scan, start, summary, system};

on_both!(
    an_interrupted_scan_goes_on_from_its_last_checkpoint_and_drops_the_rows_after_it,
    a_large_checkpoint_comes_back_as_it_was_and_a_smaller_one_replaces_all_of_it,
    what_an_interrupted_scan_staged_is_read_back_and_a_checkpoint_after_grants_is_not_kept,
    a_failed_scan_with_a_checkpoint_goes_on_and_what_comes_after_it_is_not_resumed_again,
    a_scan_that_is_refused_leaves_the_interrupted_one_as_it_was_and_other_settings_say_why_it_goes,
    a_checkpoint_that_is_too_old_or_not_wanted_is_dropped_with_its_rows,
    a_scan_runs_on_a_thread_that_may_block_and_may_be_dropped_on_any,
    of_two_scans_of_one_system_the_second_is_refused_by_name,
    a_later_lease_takes_the_system_over_and_the_earlier_can_neither_stage_nor_publish,
    what_is_no_lease_uses_up_no_number_of_leases,
    two_systems_are_scanned_at_once_into_one_store,
    a_scan_that_removes_too_much_changes_nothing_until_it_is_accepted,
    a_few_rows_may_go_whatever_their_share,
    a_held_run_ends_when_a_later_one_is_published,
    a_section_that_was_not_read_is_as_old_as_the_run_that_read_it,
    a_section_that_the_connector_no_longer_has_is_as_old_as_its_last_run,
    a_quiet_scan_makes_no_versions_and_a_row_that_is_sent_twice_stands_once,
    one_name_does_not_stand_for_two_kinds_of_system,
    a_text_that_a_database_cannot_keep_stops_neither_scans_nor_views,
);

/// Users of a small organisation.
fn users(ids: std::ops::Range<u32>) -> Vec<Record> {
    ids.map(|id| Account::new(id.to_string(), format!("user{id}")).into()).collect()
}

fn checkpoint(descriptor: &Descriptor, now: Timestamp, at: u32) -> Checkpoint {
    Checkpoint::new(descriptor, &config(), now, std::sync::Arc::new(at))
}

fn published(ended: Ended) -> i64 {
    match ended {
        Ended::Published { run, .. } => run,
        other => panic!("{other:?}"),
    }
}

fn resumed(scan: &mut Scan) -> Option<u64> {
    scan.take_resume().map(|checkpoint| checkpoint.state.read().unwrap())
}

fn states(store: &mut Store) -> Vec<RunState> {
    let system = system(store);
    store.runs(&system).unwrap().iter().map(|run| run.state).collect()
}

fn a_large_checkpoint_comes_back_as_it_was_and_a_smaller_one_replaces_all_of_it(backend: &Backend) {
    let descriptor = descriptor();
    // Some of its characters are of several bytes, whichever of them begins a piece.
    let large: Vec<String> = (0..300_000).map(|at| format!("é\u{0}\u{1f980}\"{at}")).collect();
    let small = vec!["small".to_owned()];
    for state in [&large, &small] {
        let mut scan = begin(backend, &descriptor);
        scan.stage(&users(0..10)).unwrap();
        let state = std::sync::Arc::new(state.clone());
        scan.checkpoint(&Checkpoint::new(&descriptor, &config(), Timestamp::now(), state.clone())).unwrap();
        drop(scan);
        let checkpoint = begin(backend, &descriptor).take_resume().unwrap();
        assert!(checkpoint.state.read::<Vec<String>>().unwrap() == *state);
    }
}

fn an_interrupted_scan_goes_on_from_its_last_checkpoint_and_drops_the_rows_after_it(backend: &Backend) {
    let descriptor = descriptor();
    let mut first = begin(backend, &descriptor);
    assert_eq!(resumed(&mut first), None);
    for (at, ids) in [(0, 0..10), (1, 10..20)] {
        first.stage(&users(ids)).unwrap();
        first.checkpoint(&checkpoint(&descriptor, Timestamp::now(), at)).unwrap();
    }
    first.stage(&users(20..30)).unwrap();
    // Written but after the checkpoint.
    first.stage(&[long_row()]).unwrap();
    drop(first);
    let mut second = begin(backend, &descriptor);
    assert_eq!(resumed(&mut second), Some(1));
    second.stage(&users(40..50)).unwrap();
    let run = published(second.publish(&summary(&descriptor, &[]), ANYTHING).unwrap());
    let expected: Vec<Record> = users(0..20).into_iter().chain(users(40..50)).collect();
    let mut store = backend.open();
    assert_rows(&rows_at(&mut store, run, &descriptor), &comparable(&expected, &descriptor), "after the resumed scan");
    let system = system(&mut store);
    let runs = store.runs(&system).unwrap();
    assert_eq!((runs.len(), runs[0].attempt), (1, 2));
}

fn what_an_interrupted_scan_staged_is_read_back_and_a_checkpoint_after_grants_is_not_kept(backend: &Backend) {
    let descriptor = descriptor();
    let rows = Organisation::new(4).whole();
    let mut first = begin(backend, &descriptor);
    first.stage(&rows).unwrap();
    first.checkpoint(&checkpoint(&descriptor, Timestamp::now(), 1)).unwrap();
    let (ada, ship) = (Principal::account("1", "ada"), ResourceRef::new("2", "system", "Endurance"));
    first.stage(&[Grant::new(ada, ship, Access::of_word(AccessLevel::Use, "login")).into()]).unwrap();
    first.checkpoint(&checkpoint(&descriptor, Timestamp::now(), 2)).unwrap();
    drop(first);
    let mut second = begin(backend, &descriptor);
    assert_eq!(resumed(&mut second), Some(1));
    let mut staged = Vec::new();
    second
        .staged(&mut |row| {
            staged.push(row);
            Ok(())
        })
        .unwrap();
    assert_rows(&comparable(&staged, &descriptor), &comparable(&rows, &descriptor), "staged");
    let with_logins = |rows: &[Record]| {
        let login = |row: &&Record| matches!(row, Record::Account(account) if account.last_login.is_some());
        rows.iter().filter(login).count()
    };
    assert!(
        with_logins(&staged) > 0 && with_logins(&staged) == with_logins(&rows),
        "volatile fields are staged as well"
    );
}

/// A row that makes the store write what it has.
fn long_row() -> Record {
    let mut account = Account::new("long", "long");
    account.description = Some("x".repeat(5 << 20));
    account.into()
}

fn a_failed_scan_with_a_checkpoint_goes_on_and_what_comes_after_it_is_not_resumed_again(backend: &Backend) {
    let descriptor = descriptor();
    let mut first = begin(backend, &descriptor);
    first.stage(&users(0..10)).unwrap();
    first.checkpoint(&checkpoint(&descriptor, Timestamp::now(), 7)).unwrap();
    let ended = first.publish(&summary(&descriptor, &[Section::USERS]), ANYTHING).unwrap();
    assert!(matches!(ended, Ended::Failed { can_resume: true, .. }), "{ended:?}");
    let mut second = begin(backend, &descriptor);
    assert_eq!(resumed(&mut second), Some(7));
    published(second.publish(&summary(&descriptor, &[]), ANYTHING).unwrap());
    let mut third = begin(backend, &descriptor);
    assert_eq!(resumed(&mut third), None);
    third.discard("the operator changed his mind").unwrap();
    assert_eq!(states(&mut backend.open()), [RunState::Discarded, RunState::Published]);
}

fn a_scan_that_is_refused_leaves_the_interrupted_one_as_it_was_and_other_settings_say_why_it_goes(backend: &Backend) {
    let descriptor = descriptor();
    let mut first = begin(backend, &descriptor);
    first.stage(&users(0..10)).unwrap();
    first.checkpoint(&checkpoint(&descriptor, Timestamp::now(), 7)).unwrap();
    drop(first);
    let mut refused = begin(backend, &descriptor);
    assert_eq!(resumed(&mut refused), Some(7));
    let mut failed = summary(&descriptor, &[Section::USERS]);
    failed.error = Some(Checkpoint::rejected("a section is skipped").with_remedy("to resume, do not skip it"));
    refused.publish(&failed, ANYTHING).unwrap();
    let mut again = begin(backend, &descriptor);
    assert_eq!((resumed(&mut again), again.discarded()), (Some(7), None));
    let mut staged = 0;
    let count = &mut |_| {
        staged += 1;
        Ok(())
    };
    again.staged(count).unwrap();
    assert_eq!(staged, 10);
    drop(again);
    let mut newer = descriptor.clone();
    newer.version = "another".into();
    let mut anew = begin(backend, &newer);
    assert_eq!(resumed(&mut anew), None);
    assert!(anew.discarded().unwrap().contains("version"), "{:?}", anew.discarded());
}

fn a_checkpoint_that_is_too_old_or_not_wanted_is_dropped_with_its_rows(backend: &Backend) {
    let descriptor = descriptor();
    let config = config();
    let now = Timestamp::now();
    let old = now - SignedDuration::from_hours(25);
    for (made, fresh) in [(old, false), (now, true)] {
        let mut first = begin(backend, &descriptor);
        first.stage(&users(0..10)).unwrap();
        first.checkpoint(&checkpoint(&descriptor, made, 1)).unwrap();
        drop(first);
        let again = Start { fresh, now: Timestamp::now(), ..start(&descriptor, &config) };
        let mut second = backend.open().begin(again).unwrap();
        assert_eq!(resumed(&mut second), None);
        second.stage(&users(3..5)).unwrap();
        let run = published(second.publish(&summary(&descriptor, &[]), ANYTHING).unwrap());
        let rows = rows_at(&mut backend.open(), run, &descriptor);
        assert_rows(&rows, &comparable(&users(3..5), &descriptor), "nothing of the first");
    }
    let mut store = backend.open();
    let system = system(&mut store);
    let runs = store.runs(&system).unwrap();
    assert!(runs[1].reason.as_ref().unwrap().contains("from the beginning"), "{runs:?}");
    assert!(runs[3].reason.as_ref().unwrap().contains("too old"), "{runs:?}");
}

fn a_scan_runs_on_a_thread_that_may_block_and_may_be_dropped_on_any(backend: &Backend) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let location = backend.location.clone();
    runtime.block_on(async {
        let begun = tokio::task::spawn_blocking(move || {
            let descriptor = descriptor();
            let mut scan = Store::open(&location).unwrap().begin(start(&descriptor, &config())).unwrap();
            scan.stage(&users(0..3)).unwrap();
            scan
        });
        drop(begun.await.unwrap());
    });
    // Its reservation ended with it.
    begin(backend, &descriptor()).discard("enough").unwrap();
}

fn of_two_scans_of_one_system_the_second_is_refused_by_name(backend: &Backend) {
    let descriptor = descriptor();
    let mut first = begin(backend, &descriptor);
    let error = backend.open().begin(start(&descriptor, &config())).unwrap_err();
    assert!(error.message.contains("hq") && error.message.contains("running"), "{error}");
    first.stage(&users(0..3)).unwrap();
    published(first.publish(&summary(&descriptor, &[]), ANYTHING).unwrap());
    published(begin(backend, &descriptor).publish(&summary(&descriptor, &[]), ANYTHING).unwrap());
}

fn a_later_lease_takes_the_system_over_and_the_earlier_can_neither_stage_nor_publish(backend: &Backend) {
    let descriptor = descriptor();
    let config = config();
    let lease = |number| {
        let start = Start { fence: Fence::Lease(number), ..start(&descriptor, &config) };
        backend.open().begin(start)
    };
    let mut first = lease(5).unwrap();
    first.stage(&users(0..3)).unwrap();
    first.checkpoint(&checkpoint(&descriptor, Timestamp::now(), 1)).unwrap();
    let mut second = lease(6).unwrap();
    assert_eq!(resumed(&mut second), Some(1));
    let error = lease(6).unwrap_err();
    assert!(error.code == ErrorCode::Sink && error.message.contains("lease 6 of hq"), "{error}");
    let error = first.checkpoint(&checkpoint(&descriptor, Timestamp::now(), 2)).unwrap_err();
    assert!(error.message.contains("another scan of it has started since"), "{error}");
    let error = first.publish(&summary(&descriptor, &[]), ANYTHING).unwrap_err();
    assert!(error.message.contains("another scan of it has started since"), "{error}");
    let run = published(second.publish(&summary(&descriptor, &[]), ANYTHING).unwrap());
    let rows = rows_at(&mut backend.open(), run, &descriptor);
    assert_rows(&rows, &comparable(&users(0..3), &descriptor), "of the second lease");
}

fn what_is_no_lease_uses_up_no_number_of_leases(backend: &Backend) {
    let descriptor = descriptor();
    let config = config();
    let lease = |number| {
        let start = Start { fence: Fence::Lease(number), ..start(&descriptor, &config) };
        backend.open().begin(start)
    };
    let whole = summary(&descriptor, &[]);
    published(lease(5).unwrap().publish(&whole, ANYTHING).unwrap());
    let mut store = backend.open();
    let hq = system(&mut store);
    store.prune(&hq, Timestamp::now(), Mode::Apply).unwrap();
    drop(store);
    published(begin(backend, &descriptor).publish(&whole, ANYTHING).unwrap());
    published(lease(6).unwrap().publish(&whole, ANYTHING).unwrap());
    // The highest number that there is.
    published(lease(i64::MAX).unwrap().publish(&whole, ANYTHING).unwrap());
    published(begin(backend, &descriptor).publish(&whole, ANYTHING).unwrap());
    assert!(lease(i64::MAX).unwrap_err().message.contains("was used since"));
}

fn two_systems_are_scanned_at_once_into_one_store(backend: &Backend) {
    let descriptor = descriptor();
    let config = config();
    let named = |name| backend.open().begin(Start { name, ..start(&descriptor, &config) }).unwrap();
    let (mut one, mut two) = (named("hq"), named("branch"));
    for at in 0..5 {
        // One is ahead of the other, and both know an account of each id.
        one.stage(&users(at * 10..at * 10 + 10)).unwrap();
        one.checkpoint(&checkpoint(&descriptor, Timestamp::now(), at)).unwrap();
        two.stage(&users(at * 3..at * 3 + 3)).unwrap();
        two.checkpoint(&checkpoint(&descriptor, Timestamp::now(), at)).unwrap();
    }
    let two = published(two.publish(&summary(&descriptor, &[]), ANYTHING).unwrap());
    let one = published(one.publish(&summary(&descriptor, &[]), ANYTHING).unwrap());
    let mut store = backend.open();
    assert_rows(&rows_at(&mut store, one, &descriptor), &comparable(&users(0..50), &descriptor), "hq");
    let branch = store.systems().unwrap().into_iter().find(|system| system.name == "branch").unwrap();
    let mut rows = 0;
    store
        .records(&branch, two, &mut |_| {
            rows += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(rows, 15);
}

fn a_scan_that_removes_too_much_changes_nothing_until_it_is_accepted(backend: &Backend) {
    let descriptor = descriptor();
    let crew = Group::new("g", "CREW", "Crew");
    let members = |ids: std::ops::Range<u32>| {
        let accounts: Vec<Account> = ids.map(|id| Account::new(id.to_string(), format!("user{id}"))).collect();
        let memberships = accounts.iter().map(|account| Membership::new(account, &crew).into());
        let memberships: Vec<Record> = memberships.collect();
        let accounts = accounts.into_iter().map(Record::from);
        accounts.chain([crew.clone().into()]).chain(memberships).collect::<Vec<Record>>()
    };
    let whole = summary(&descriptor, &[]);
    let first = published(scan(backend, &descriptor, &members(0..50), &whole, Hold::default()));
    let ended = scan(backend, &descriptor, &members(0..39), &whole, Hold::default());
    let Ended::Held { run, removals } = ended else { panic!("{ended:?}") };
    let sections: Vec<_> = removals.iter().map(|one| (one.section.as_str(), one.rows, one.removed)).collect();
    assert_eq!(sections, [("memberships", 50, 11), ("users", 50, 11)]);
    assert!(removals[1].examples.iter().all(|name| name.starts_with("user")), "{removals:?}");
    assert!(removals[0].examples[0].ends_with(" in Crew"), "{removals:?}");
    let mut store = backend.open();
    let hq = system(&mut store);
    assert_eq!(store.run_at(&hq, At::Now).unwrap(), first);
    assert_rows(&rows_at(&mut store, first, &descriptor), &comparable(&members(0..50), &descriptor), "before");
    assert_eq!(store.runs(&hq).unwrap()[0].removals, removals);
    assert_eq!(published(store.accept(&hq, run).unwrap()), run);
    assert_rows(&rows_at(&mut store, run, &descriptor), &comparable(&members(0..39), &descriptor), "accepted");
    assert_rows(&rows_at(&mut store, first, &descriptor), &comparable(&members(0..50), &descriptor), "as of the first");
    let error = store.accept(&hq, run).unwrap_err();
    assert!(error.message.contains("is published, not held"), "{error}");
    assert!(store.accept(&hq, run + 100).unwrap_err().message.contains("has no run"));
}

fn a_few_rows_may_go_whatever_their_share(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    for (ids, is_held) in [(0..20, false), (0..11, false), (0..1, true)] {
        let ended = scan(backend, &descriptor, &users(ids.clone()), &whole, Hold::default());
        assert_eq!(matches!(ended, Ended::Held { .. }), is_held, "{ids:?}: {ended:?}");
    }
}

fn a_held_run_ends_when_a_later_one_is_published(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    published(scan(backend, &descriptor, &users(0..50), &whole, Hold::default()));
    let Ended::Held { run, .. } = scan(backend, &descriptor, &users(0..1), &whole, Hold::default()) else { panic!() };
    published(scan(backend, &descriptor, &users(0..51), &whole, Hold::default()));
    let mut store = backend.open();
    assert_eq!(states(&mut store), [RunState::Published, RunState::Discarded, RunState::Published]);
    let system = system(&mut store);
    assert!(store.accept(&system, run).unwrap_err().message.contains("is discarded, not held"));
}

fn a_section_that_was_not_read_is_as_old_as_the_run_that_read_it(backend: &Backend) {
    let descriptor = descriptor();
    let mut organisation = Organisation::new(3);
    let rows = organisation.whole();
    let first = summary(&descriptor, &[]);
    let one = published(scan(backend, &descriptor, &rows, &first, ANYTHING));
    let two = summary(&descriptor, &[Section::SYSTEMS]);
    let two = published(scan(backend, &descriptor, &rows, &two, ANYTHING));
    let mut store = backend.open();
    let sections = store.sections(two).unwrap();
    let state = |section: Section| sections.iter().find(|state| state.section == section).unwrap();
    let systems = state(Section::SYSTEMS);
    assert_eq!((systems.status.as_str(), systems.code.as_deref()), ("incomplete", Some("server_error")));
    assert_eq!(systems.as_of_run, Some(one));
    let micros = |time: Timestamp| time.as_microsecond();
    assert_eq!(systems.as_of.map(micros), Some(micros(first.started_at)));
    assert_eq!((state(Section::USERS).as_of_run, state(Section::USERS).in_part), (Some(two), false));
    assert!(state(Section::GRANTS).in_part);
}

fn a_section_that_the_connector_no_longer_has_is_as_old_as_its_last_run(backend: &Backend) {
    let mut descriptor = descriptor();
    let rows = Organisation::new(3).whole();
    let one = published(scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING));
    descriptor.sections.retain(|described| described.section != Section::SYSTEMS);
    let mut store = backend.open();
    for _ in 0..2 {
        let run = published(scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING));
        let sections = store.sections(run).unwrap();
        let systems = sections.iter().find(|state| state.section == Section::SYSTEMS).unwrap();
        assert_eq!((systems.status.as_str(), systems.as_of_run), ("unreported", Some(one)));
    }
}

fn a_quiet_scan_makes_no_versions_and_a_row_that_is_sent_twice_stands_once(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    let mut organisation = Organisation::new(5);
    for _ in 0..3 {
        let rows = organisation.whole();
        // Logins differ each time.
        let twice: Vec<Record> = rows.iter().flat_map(|row| [row.clone(), row.clone()]).collect();
        let ended = scan(backend, &descriptor, &twice, &whole, ANYTHING);
        let Ended::Published { run, changes } = ended else { panic!("{ended:?}") };
        let rows = comparable(&rows, &descriptor);
        assert_rows(&rows_at(&mut backend.open(), run, &descriptor), &rows, "once");
        assert!(changes.0.is_empty() || run == 1, "{changes:?}");
    }
}

fn one_name_does_not_stand_for_two_kinds_of_system(backend: &Backend) {
    let descriptor = descriptor();
    drop(begin(backend, &descriptor));
    let mut other = descriptor;
    other.os_type = "Other".into();
    let error = backend.open().begin(start(&other, &config())).unwrap_err();
    assert!(error.message.contains("hq of OS Type Toy, not Other"), "{error}");
    let (config, nameless) = (config(), " ");
    let error = backend.open().begin(Start { name: nameless, ..start(&other, &config) }).unwrap_err();
    assert!(error.message.contains("needs a name"), "{error}");
}

fn a_text_that_a_database_cannot_keep_stops_neither_scans_nor_views(backend: &Backend) {
    let descriptor = descriptor();
    let mut account = Account::new("1\0", "a\0da");
    account.attributes = [("note\0", "\0".into())].into();
    for run in 1..=2 {
        let ended = scan(backend, &descriptor, &[account.clone().into()], &summary(&descriptor, &[]), ANYTHING);
        let Ended::Published { changes, .. } = ended else { panic!("{ended:?}") };
        assert_eq!(changes.0.is_empty(), run == 2, "{changes:?}");
    }
    let found = backend.read("select external_id, username from account_now");
    assert_eq!(found, [["1\u{fffd}", "a\u{fffd}da"].map(|text| Some(text.to_owned()))]);
}
