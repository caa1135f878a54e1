//! What is asked of the kept runs.

use std::collections::BTreeMap;

use connector_api::{Account, Record};
use connector_store::{At, Change, Ended};
use serde_json::Value;

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, comparable, scan, seeds, summary, system};

on_both!(the_difference_of_any_two_runs_is_that_of_their_rows, somebody_is_found_by_id_name_and_address_in_any_case);

fn by_key(rows: &[Record]) -> BTreeMap<String, Value> {
    let descriptor = descriptor();
    let json = |row: &Record| comparable(std::slice::from_ref(row), &descriptor).remove(0);
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
    assert!(store.run_at(&system, At::Time(earlier)).unwrap_err().message.contains("by then"));
}
