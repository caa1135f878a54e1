//! Rows that come twice, are long, or change in what does not identify them.

use connector_api::{
    Access, AccessLevel, Account, Binding, Checkpoint, Group, Membership, PathStep, Policy, PolicyEffect, Record,
    Resource,
};
use connector_store::{At, Change, Ended, Hold};
use jiff::Timestamp;
use serde_json::json;

use crate::backend::{Backend, on_both};
use crate::organisation::descriptor;
use crate::support::{ANYTHING, assert_rows, begin, comparable, config, rows_at, scan, summary, system};

on_both!(
    of_rows_that_are_sent_twice_the_last_one_counts,
    what_was_sent_before_a_checkpoint_stands_though_it_was_replaced_after_it,
    names_and_ids_of_any_length_are_kept_and_found,
    a_binding_whose_level_changes_is_changed_and_not_removed,
    an_end_in_the_distant_past_is_kept_as_the_first_moment_of_the_year_1,
);

/// The rows of one version: each has other content, under the same keys.
fn version(number: u32) -> Vec<Record> {
    let mut ada = Account::new("1", "ada");
    ada.display_name = Some(format!("Ada {number}"));
    let crew = Group::new("2", "CREW", format!("Crew {number}"));
    let mut web = Resource::new("3", "system", "web");
    web.os = Some(format!("os {number}"));
    let plain = Account::new("4", "eve");
    let mut ways = Vec::new();
    for (account, has_way) in [(&ada, number.is_multiple_of(2)), (&plain, !number.is_multiple_of(2))] {
        let mut membership = Membership::new(account, &crew);
        if has_way {
            membership.via = vec![PathStep::new("CREW", "9", format!("inner {number}"))];
        }
        ways.push(membership);
    }
    // One whose account has no row.
    let mut nobody = Membership::new(&Account::new("5", "nobody"), &crew);
    nobody.username = format!("nobody {number}");
    ways.push(nobody);
    let level = [AccessLevel::Use, AccessLevel::Write, AccessLevel::Administer][number as usize % 3];
    let mut binding = Binding::new(&ada, &web).with_access(Access::of_word(level, "member"));
    binding.request_id = Some("r".into());
    let policy = Policy::new("6", "signIn", format!("policy {number}"), PolicyEffect::DENY);
    let mut rows: Vec<Record> = vec![ada.into(), plain.into(), crew.into()];
    rows.extend(ways.into_iter().map(Record::from));
    rows.extend([web.into(), binding.into(), policy.into()]);
    rows
}

/// A row that makes the store write what it has.
fn long_row() -> Record {
    let mut account = Account::new("long", "long");
    account.description = Some("x".repeat(5 << 20));
    account.into()
}

fn of_rows_that_are_sent_twice_the_last_one_counts(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    let mut first = 0;
    // Within one batch, in several, and of versions that stand already.
    for (at, (versions, is_apart)) in
        [(&[1, 2][..], false), (&[1, 2, 1], true), (&[3, 1], true), (&[2, 3, 1], false), (&[4, 5], true)]
            .into_iter()
            .enumerate()
    {
        let mut scan = begin(backend, &descriptor);
        let last = versions.last().copied().unwrap();
        for number in versions {
            let apart = if is_apart { vec![long_row()] } else { Vec::new() };
            scan.stage(&[version(*number), apart].concat()).unwrap();
        }
        let Ended::Published { run, changes } = scan.publish(&whole, ANYTHING).unwrap() else { panic!() };
        let mut expected = version(last);
        expected.extend(is_apart.then(long_row));
        let mut store = backend.open();
        let found = rows_at(&mut store, run, &descriptor);
        assert_rows(&found, &comparable(&expected, &descriptor), format!("{versions:?}, apart: {is_apart}"));
        let count = |kind: &str| changes.0.get(kind).copied().unwrap_or_default();
        let counts = json!([count("account"), count("membership"), count("binding")]);
        let none = json!({"new": 0, "changed": 0, "gone": 0});
        match at {
            0 => {
                first = run;
                assert_eq!((count("account").new, count("membership").new, count("binding").new), (2, 3, 1));
            }
            2 => assert_eq!(counts, json!([none, none, none]), "nothing has changed"),
            _ => assert_eq!((count("membership").new, count("binding").new, count("binding").gone), (0, 0, 0)),
        }
        if at == 1 {
            assert_eq!((count("binding").changed, count("membership").changed), (1, 2), "{changes:?}");
        }
    }
    // No version is there twice, and the first run is as it was.
    let doubled = "select count(*) from (select from_id, to_id, from_run from binding_version \
                   group by from_id, to_id, from_run having count(*) > 1) d";
    assert_eq!(backend.table(doubled), ["0"]);
    let found = rows_at(&mut backend.open(), first, &descriptor);
    assert_rows(&found, &comparable(&version(2), &descriptor), "the first run");
}

fn what_was_sent_before_a_checkpoint_stands_though_it_was_replaced_after_it(backend: &Backend) {
    let descriptor = descriptor();
    let mut first = begin(backend, &descriptor);
    first.stage(&version(1)).unwrap();
    first.checkpoint(&Checkpoint::new(&descriptor, &config(), Timestamp::now(), std::sync::Arc::new(1))).unwrap();
    first.stage(&version(2)).unwrap();
    first.stage(&[long_row()]).unwrap();
    drop(first);
    let mut second = begin(backend, &descriptor);
    assert!(second.take_resume().is_some());
    let mut staged = 0;
    second
        .staged(&mut |_| {
            staged += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(staged, version(1).len());
    let Ended::Published { run, .. } = second.publish(&summary(&descriptor, &[]), ANYTHING).unwrap() else { panic!() };
    let mut store = backend.open();
    let system = system(&mut store);
    let mut keys = Vec::new();
    store
        .records(&system, run, &mut |record| {
            keys.push(record.key());
            Ok(())
        })
        .unwrap();
    keys.sort();
    let mut expected: Vec<_> = version(1).iter().map(Record::key).collect();
    expected.sort();
    assert_eq!(keys, expected);
}

/// Text that cannot be made shorter.
fn long(seed: u64, end: &str) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.alphanumeric()).take(9000).collect::<String>() + end
}

fn names_and_ids_of_any_length_are_kept_and_found(backend: &Backend) {
    let descriptor = descriptor();
    let mut account = Account::new(long(1, "a"), long(2, ""));
    account.email = Some(long(3, "@example.com"));
    let mut other = Account::new(long(1, "b"), long(2, "."));
    other.display_name = Some(long(4, ""));
    let group = Group::new(long(5, ""), "CREW", long(6, ""));
    let resource = Resource::new(long(7, ""), "system", long(8, ""));
    let policy = Policy::new(long(9, ""), "signIn", long(10, ""), PolicyEffect::DENY);
    let binding = Binding::new(&group, &resource).with_access(Access::of_word(AccessLevel::Use, "login"));
    let rows: Vec<Record> = vec![
        account.clone().into(),
        other.clone().into(),
        group.clone().into(),
        Membership::new(&account, &group).into(),
        resource.into(),
        binding.into(),
        policy.into(),
    ];
    for turn in 1..=2 {
        let ended = scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
        let Ended::Published { run, changes } = ended else { panic!("{ended:?}") };
        assert_eq!(changes.0.is_empty(), turn == 2, "{turn}");
        assert_rows(
            &rows_at(&mut backend.open(), run, &descriptor),
            &comparable(&rows, &descriptor),
            format!("turn {turn}"),
        );
    }
    let mut store = backend.open();
    let system = system(&mut store);
    let run = store.run_at(&system, At::Now).unwrap();
    for called in [&account.external_id, &account.username, account.email.as_ref().unwrap()] {
        let found = store.find(&system, run, "account", &called.to_uppercase()).unwrap();
        let found = if found.is_empty() { store.find(&system, run, "account", called).unwrap() } else { found };
        assert_eq!(found, [Record::from(account.clone())]);
        assert_eq!(store.ever_called(&system, called).unwrap().len(), 1);
    }
    assert_eq!(store.why(&system, run, &account.external_id).unwrap().len(), 1);
}

fn a_binding_whose_level_changes_is_changed_and_not_removed(backend: &Backend) {
    let descriptor = descriptor();
    let rows = |access: Access| {
        let web = Resource::new("web", "system", "web");
        let mut rows: Vec<Record> = Vec::new();
        let accounts: Vec<Account> = (0..30).map(|id| Account::new(id.to_string(), format!("user{id}"))).collect();
        rows.extend(accounts.iter().cloned().map(Record::from));
        rows.push(web.clone().into());
        rows.extend(accounts.iter().map(|account| Binding::new(account, &web).with_access(access.clone()).into()));
        rows
    };
    let whole = summary(&descriptor, &[]);
    let hold = Hold { above_percent: 0, at_least: 1 };
    let accesses = [
        Access::of_word(AccessLevel::Use, "member"),
        Access::of_word(AccessLevel::Administer, "member"),
        // Another word is another binding, but nobody loses the access.
        Access::of_word(AccessLevel::Use, "login"),
    ];
    for (at, access) in accesses.into_iter().enumerate() {
        let ended = scan(backend, &descriptor, &rows(access), &whole, hold);
        let Ended::Published { run, changes } = ended else { panic!("{at}: {ended:?}") };
        let counts = serde_json::to_value(changes.0["binding"]).unwrap();
        let expected = [(30, 0, 0), (0, 30, 0), (30, 0, 30)][at];
        assert_eq!(counts, json!({"new": expected.0, "changed": expected.1, "gone": expected.2}));
        if at == 0 {
            continue;
        }
        // The list of runs says what the difference says.
        let mut store = backend.open();
        let system = system(&mut store);
        let mut found = (0, 0, 0);
        store
            .diff(&system, run - 1, run, &mut |change| {
                match change {
                    Change::New(_) => found.0 += 1,
                    Change::Gone(_) => found.2 += 1,
                    _ => found.1 += 1,
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(found, expected);
    }
}

fn an_end_in_the_distant_past_is_kept_as_the_first_moment_of_the_year_1(backend: &Backend) {
    let descriptor = descriptor();
    let with_end = |end: Timestamp| -> Vec<Record> {
        let (ada, crew, web) =
            (Account::new("1", "ada"), Group::new("2", "CREW", "Crew"), Resource::new("3", "system", "web"));
        let (mut membership, mut binding) = (Membership::new(&ada, &crew), Binding::new(&ada, &web));
        (membership.expires_at, binding.expires_at) = (Some(end), Some(end));
        vec![ada.into(), crew.into(), web.into(), membership.into(), binding.into()]
    };
    let kept = comparable(&with_end("0001-01-01T00:00:00Z".parse().unwrap()), &descriptor);
    for (at, end) in [Timestamp::MIN, "-004713-01-01T00:00:00Z".parse().unwrap()].into_iter().enumerate() {
        let ended = scan(backend, &descriptor, &with_end(end), &summary(&descriptor, &[]), ANYTHING);
        let Ended::Published { run, changes } = ended else { panic!("{ended:?}") };
        // The second is the same as the first.
        assert_eq!(changes.0.is_empty(), at == 1, "{changes:?}");
        assert_rows(&rows_at(&mut backend.open(), run, &descriptor), &kept, end);
    }
    let exception = connector_store::Exception {
        id: "0123456789ab".into(),
        reason: "known".into(),
        expires: Timestamp::MIN,
        by: None,
    };
    let mut store = backend.open();
    let hq = system(&mut store);
    store.import_exceptions(&hq, &[exception]).unwrap();
    assert_eq!(store.exceptions(&hq).unwrap()[0].expires.to_string(), "0001-01-01T00:00:00Z");
}
