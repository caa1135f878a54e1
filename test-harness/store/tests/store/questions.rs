//! What is asked of the kept runs.

use std::collections::BTreeMap;

use connector_access::{Reverse, RowsBuilder};
use connector_api::{Account, Grant, Principal, Reason, ReasonKind, Record, Severity};
use connector_store::{At, Change, Ended};
use serde_json::Value;

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, comparable, scan, seeds, summary, system};

on_both!(
    the_difference_of_any_two_runs_is_that_of_their_rows,
    somebody_is_found_by_id_name_and_address_in_any_case,
    a_finding_stands_since_the_first_of_the_runs_in_a_row_that_have_it,
    what_an_account_reaches_and_who_reaches_a_resource_is_what_all_rows_say,
);

fn by_key(rows: &[Record]) -> BTreeMap<String, Value> {
    let descriptor = descriptor();
    let json = |row: &Record| {
        let mut row = comparable(std::slice::from_ref(row), &descriptor).remove(0);
        // Another name of an account or group is no change of its memberships.
        for name in ["username", "groupName"] {
            if row["record"] == "membership" {
                row[name] = "".into();
            }
        }
        row
    };
    rows.iter().map(|row| (row.key().to_string(), json(row))).collect()
}

fn the_difference_of_any_two_runs_is_that_of_their_rows(backend: &Backend) {
    let (descriptor, mut runs) = (descriptor(), Vec::new());
    for seed in seeds(2) {
        let mut organisation = Organisation::new(seed);
        for step in 0..5 {
            (0..step * 10).for_each(|_| organisation.change());
            let rows = organisation.whole();
            let ended = scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
            let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
            runs.push((run, by_key(&rows)));
        }
    }
    let mut store = backend.open();
    let system = system(&mut store);
    let mut differences = 0;
    for (at, (from, before)) in runs.iter().enumerate() {
        for (to, after) in &runs[at..] {
            let mut found = Vec::new();
            store
                .diff(&system, *from, *to, &mut |change| {
                    let key = change.record().key().to_string();
                    let json = |record: Record| by_key(&[record]).remove(&key);
                    found.push(match change {
                        Change::New(record) => (None, json(record)),
                        Change::Gone(record) => (json(record), None),
                        Change::Changed { before, after } => (json(before), json(after)),
                        other => panic!("{other:?}"),
                    });
                    Ok(())
                })
                .unwrap();
            let keys = before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>();
            let pairs = keys.into_iter().map(|key| (before.get(key).cloned(), after.get(key).cloned()));
            let expected = pairs.filter(|(before, after)| before != after);
            let json = |pairs: Vec<(Option<Value>, Option<Value>)>| {
                pairs.into_iter().map(|pair| serde_json::to_value(pair).unwrap()).collect::<Vec<_>>()
            };
            let (found, expected) = (json(found), json(expected.collect()));
            assert_rows(&found, &expected, format!("from run {from} to run {to}"));
            differences += found.len();
        }
    }
    assert!(differences > 100, "{differences}");
    assert!(store.diff(&system, runs[1].0, runs[0].0, &mut |_| Ok(())).unwrap_err().message.contains("is later than"));
}

fn somebody_is_found_by_id_name_and_address_in_any_case(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    let account = |id: &str, name: &str, email: &str| {
        let mut account = Account::new(id, name);
        account.email = Some(email.into());
        Record::from(account)
    };
    let first = vec![account("1", "Ada.Länd", "ada@Example.com"), account("ada@example.com", "eve", "eve@example.com")];
    let second = vec![account("1", "ada.byron", "ada@Example.com")];
    scan(backend, &descriptor, &first, &whole, ANYTHING);
    scan(backend, &descriptor, &second, &whole, ANYTHING);
    let mut store = backend.open();
    let system = system(&mut store);
    let runs = store.runs(&system).unwrap();
    let mut find = |run: i64, called: &str| {
        let found = store.find(&system, run, "account", called).unwrap();
        found.iter().map(|row| row.key().to_string()).collect::<Vec<_>>()
    };
    let (before, now) = (runs[1].id, runs[0].id);
    assert_eq!(find(before, "ADA.LÄND"), ["account/1"]);
    assert_eq!(find(before, "ada@example.com"), ["account/ada@example.com", "account/1"]);
    assert_eq!(find(now, "ada@example.com"), ["account/1"]);
    assert!(find(now, "ada.länd").is_empty() && find(before, "ada.byron").is_empty());
    assert_eq!(find(now, "1"), ["account/1"]);
    assert_eq!(store.run_at(&system, At::Run(before)).unwrap(), before);
    assert_eq!(store.run_at(&system, At::Time(runs[1].started_at)).unwrap(), before);
    let earlier = runs[1].started_at - jiff::SignedDuration::from_secs(1);
    assert_eq!(store.run_at(&system, At::Before(now)).unwrap(), before);
    for (at, message) in [
        (At::Time(earlier), format!("no run of hq was published by {earlier}")),
        (At::Run(now + 1), format!("hq has no run {}", now + 1)),
        (At::Before(before), format!("no run of hq before run {before} was published")),
    ] {
        assert_eq!(store.run_at(&system, at).unwrap_err().message, message);
    }
}

fn what_an_account_reaches_and_who_reaches_a_resource_is_what_all_rows_say(backend: &Backend) {
    let descriptor = descriptor();
    let (mut ways, mut hidden) = (0, 0);
    for seed in seeds(3) {
        let mut organisation = Organisation::new(seed);
        organisation.crowd();
        let rows = organisation.whole();
        let ended = scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
        let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
        let mut all = RowsBuilder::new(&descriptor.accesses);
        rows.iter().for_each(|row| all.enter(row));
        let all = all.finish();
        let mut store = backend.open();
        let system = system(&mut store);
        let sorted = |mut grants: Vec<Grant>| {
            grants.sort_by_cached_key(|grant| Record::from(grant.clone()).key());
            // Equally long ways come in the order of the rows, which the store does not keep.
            for grant in &mut grants {
                grant.via.sort_by_cached_key(|way| serde_json::to_string(way).unwrap());
            }
            grants
        };
        for row in &rows {
            match row {
                Record::Account(account) => {
                    let id = &account.external_id;
                    let expected = all.account(id).map(|account| all.grants(account)).unwrap_or_default();
                    ways += expected.iter().map(|grant| grant.via.len()).sum::<usize>();
                    let found = store.why(&system, run, id).unwrap();
                    assert_eq!(sorted(found), sorted(expected), "SEED={seed}, account {id}");
                }
                Record::Resource(resource) => {
                    let (of_type, id) = (&resource.resource_type, &resource.external_id);
                    let reverse = Reverse::of(all.graph());
                    let at = all.resource(of_type, id).unwrap();
                    let expected: Vec<Grant> = all.grants_to(&reverse, at).collect();
                    let is_account = |grant: &&Grant| matches!(grant.principal, Principal::Account { .. });
                    let accounts = expected.iter().filter(is_account).count();
                    let found = store.who(&system, run, of_type, id, 1000).unwrap();
                    assert_eq!(sorted(found.grants), sorted(expected), "SEED={seed}, {of_type} {id}");
                    assert_eq!(found.accounts, accounts as u64, "SEED={seed}, {of_type} {id}");
                    if !resource.container {
                        let few = store.who(&system, run, of_type, id, 1).unwrap();
                        assert_eq!(few.accounts, accounts as u64, "SEED={seed}, {of_type} {id}");
                        assert_eq!(few.grants.iter().filter(is_account).count(), accounts.min(1));
                        hidden += accounts.saturating_sub(1);
                    }
                }
                _ => {}
            }
        }
        assert!(store.why(&system, run, "nobody").unwrap_err().message.contains("no such account"));
    }
    assert!(ways > 20 && hidden > 5, "{ways} ways, {hidden} accounts that are only counted");
}

fn a_finding_stands_since_the_first_of_the_runs_in_a_row_that_have_it(backend: &Backend) {
    let descriptor = descriptor();
    let whole = summary(&descriptor, &[]);
    let with = |reasons: &[(&str, &str)]| {
        let reason = |(code, message): &(&str, &str)| {
            Reason::new(*code, ReasonKind::Privilege, Severity::High, *message, "look")
        };
        let mut account = Account::new("1", "ada");
        account.reasons = reasons.iter().map(reason).collect();
        vec![Record::from(account)]
    };
    let scans = [
        with(&[("power", "on 1 device")]),
        with(&[("power", "on 2 devices"), ("stale", "is stale")]),
        with(&[("power", "on 2 devices")]),
        vec![Account::new("2", "eve").into()],
        with(&[("power", "on 2 devices")]),
        with(&[("power", "on 2 devices"), ("stale", "is stale")]),
        with(&[("stale", "is stale"), ("power", "on 3 devices")]),
    ];
    let mut found = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for rows in &scans {
        let ended = scan(backend, &descriptor, rows, &whole, ANYTHING);
        let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
        let mut store = backend.open();
        let system = system(&mut store);
        let mut findings = Vec::new();
        store
            .findings(&system, run, &mut |finding| {
                ids.insert(finding.id);
                findings.push((finding.reason.code, finding.since_run));
                Ok(())
            })
            .unwrap();
        findings.sort();
        found.push(findings);
    }
    let expected: [&[(&str, i64)]; 7] = [
        &[("power", 1)],
        &[("power", 1), ("stale", 2)],
        &[("power", 1)],
        &[],
        &[("power", 5)],
        &[("power", 5), ("stale", 6)],
        &[("power", 5), ("stale", 6)],
    ];
    let found: Vec<Vec<(&str, i64)>> =
        found.iter().map(|run| run.iter().map(|(code, since)| (code.as_str(), *since)).collect()).collect();
    assert_eq!(found, expected);
    assert_eq!(ids.len(), 2, "a finding has one id in all runs: {ids:?}");
}
