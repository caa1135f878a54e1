//! What pages read, against all rows.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{AccessLevel, Grant, Principal, Record, Section, Severity};
use connector_store::pages::{Counted, Factor, FindingFilter, Need, PrivilegedFilter, StandingKey};
use connector_store::{Store, System};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, scan, several, summary, system};

on_both!(
    privileged_accounts_come_by_pages_the_most_severe_first,
    counts_follow_from_those_of_the_run_before,
    findings_come_by_pages_and_are_all_there,
    a_search_finds_what_begins_with_a_text,
    members_and_those_who_reach_a_thing_come_by_pages,
    systems_come_by_pages_the_most_urgent_first,
    counts_are_made_again_after_an_account_is_forgotten,
);

/// A store with several runs, and the runs.
fn store(backend: &Backend, seed: u64) -> (Store, System, Vec<i64>) {
    let mut runs = Vec::new();
    several(backend, seed, |run| runs.push(run));
    let mut store = backend.open();
    let system = system(&mut store);
    (store, system, runs)
}

fn rows(store: &mut Store, system: &System, run: i64) -> Vec<Record> {
    let mut rows = Vec::new();
    store
        .records(system, run, &mut |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
    rows
}

fn privileged_accounts_come_by_pages_the_most_severe_first(backend: &Backend) {
    let (mut store, system, runs) = store(backend, 3);
    let mut many = Vec::new();
    for run in runs.iter().copied() {
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let page = store.privileged(&system, run, &PrivilegedFilter::default(), after, 3).unwrap();
            assert!(page.rows.len() <= 3);
            found.extend(page.rows.into_iter().map(|row| row.account));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(found.is_sorted_by_key(|account| std::cmp::Reverse(account.severity())));
        let ids: BTreeSet<String> = found.iter().map(|account| account.external_id.clone()).collect();
        let all = rows(&mut store, &system, run);
        let expected: BTreeSet<String> = all
            .iter()
            .filter_map(|row| match row {
                Record::Account(account) if account.severity().is_some() => Some(account.external_id.clone()),
                _ => None,
            })
            .collect();
        assert_eq!((found.len(), &ids), (expected.len(), &expected));
        many.push(expected.len() as u64);
        let over_time = store.privileged_over_time(&system, run, 10).unwrap();
        assert_eq!(over_time.iter().map(|(_, many)| *many).collect::<Vec<_>>(), many, "run {run}");
    }
    // Also where they were not counted yet, such as by an earlier version.
    backend.run("delete from run_figures where run % 2 = 0");
    let over_time = store.privileged_over_time(&system, runs[runs.len() - 1], 3).unwrap();
    assert_eq!(over_time.iter().map(|(_, many)| *many).collect::<Vec<_>>(), many[many.len() - 3..]);
    assert!(over_time.is_sorted_by_key(|(started_at, _)| *started_at));
}

fn counts_follow_from_those_of_the_run_before(backend: &Backend) {
    let (mut store, system, runs) = store(backend, 4);
    for run in runs {
        let (figures, all) = (store.figures(&system, run).unwrap(), rows(&mut store, &system, run));
        let accounts: Vec<_> = all
            .iter()
            .filter_map(|row| if let Record::Account(account) = row { Some(account) } else { None })
            .collect();
        assert_eq!(figures.accounts(), accounts.len() as u64);
        let privileged = accounts.iter().filter(|account| account.severity().is_some()).count();
        assert_eq!(figures.privileged(), privileged as u64);
        for enabled in [Some(true), Some(false), None] {
            for factor in Factor::ALL {
                let of = accounts.iter().filter(|account| account.enabled == enabled && Factor::of(account) == *factor);
                assert_eq!(figures.accounts_by(enabled, *factor), of.count() as u64);
            }
        }
        let mut findings = BTreeMap::<Severity, u64>::new();
        store
            .findings(&system, run, &mut |finding| {
                *findings.entry(finding.reason.severity).or_default() += 1;
                Ok(())
            })
            .unwrap();
        for severity in [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
            assert_eq!(figures.findings(severity), findings.get(&severity).copied().unwrap_or(0), "{severity}");
        }
        let groups: u64 = figures.things("group").iter().map(|(_, many)| many).sum();
        assert_eq!(groups, all.iter().filter(|row| matches!(row, Record::Group(_))).count() as u64);
    }
}

fn findings_come_by_pages_and_are_all_there(backend: &Backend) {
    let (mut store, system, runs) = store(backend, 5);
    for run in runs {
        let mut expected = BTreeMap::new();
        store
            .findings(&system, run, &mut |finding| {
                expected.insert(finding.id.clone(), (finding.since_run, finding.reason.severity));
                Ok(())
            })
            .unwrap();
        let (mut after, mut found, mut worst) = (None, BTreeMap::new(), Vec::new());
        loop {
            let page = store.findings_page(&system, run, &FindingFilter::default(), after, 4).unwrap();
            for subject in page.rows {
                worst.push(subject.findings[0].reason.severity);
                found.extend(
                    subject.findings.into_iter().map(|one| (one.id.clone(), (one.since_run, one.reason.severity))),
                );
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected);
        assert!(worst.is_sorted_by_key(|severity| std::cmp::Reverse(*severity)), "{worst:?}");
        let filter = FindingFilter { severity: Some(Severity::High), ..FindingFilter::default() };
        let high = store.findings_page(&system, run, &filter, None, 1000).unwrap();
        let many: usize = high.rows.iter().map(|subject| subject.findings.len()).sum();
        assert_eq!(many, expected.values().filter(|(_, severity)| *severity == Severity::High).count());
    }
}

fn a_search_finds_what_begins_with_a_text(backend: &Backend) {
    let (mut store, system, runs) = store(backend, 6);
    let run = *runs.last().unwrap();
    let all = rows(&mut store, &system, run);
    for begins in ["U", "user1", "USER", "1", "9", "user%", "_", "é", ""] {
        let key = begins.to_lowercase();
        let expected: BTreeSet<&str> = all
            .iter()
            .filter_map(|row| match row {
                Record::Account(row) => {
                    let email = row.email.as_deref().unwrap_or_default().to_lowercase();
                    let is_found = row.username.to_lowercase().starts_with(&key)
                        || email.starts_with(&key)
                        || row.external_id.starts_with(begins);
                    (is_found && !begins.is_empty()).then_some(row.external_id.as_str())
                }
                _ => None,
            })
            .collect();
        let found = store.search(&system, run, "account", begins, 10_000).unwrap();
        let found: BTreeSet<&str> = found
            .iter()
            .filter_map(|row| if let Record::Account(row) = row { Some(row.external_id.as_str()) } else { None })
            .collect();
        assert_eq!(found, expected, "{begins}");
        assert!(store.search(&system, run, "account", begins, 2).unwrap().len() <= 2);
    }
}

fn members_and_those_who_reach_a_thing_come_by_pages(backend: &Backend) {
    let (mut store, system, runs) = store(backend, 7);
    let all = runs.iter().flat_map(|run| rows(&mut store, &system, *run).into_iter().map(|row| (*run, row)));
    for (run, row) in all.collect::<Vec<_>>() {
        match row {
            Record::Group(group) => {
                let key = (group.group_type.as_str(), group.external_id.as_str());
                let (mut after, mut found) = (None, BTreeSet::new());
                loop {
                    let page = store.members_page(&system, run, key, after, 2).unwrap();
                    let ids = page.rows.iter().map(|member| member.membership.account_external_id.clone());
                    ids.for_each(|id| assert!(found.insert(id)));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                let many = found.len() as u64;
                for most in [0, 1, many, u64::MAX] {
                    let expected = if many > most { Counted::MoreThan(most) } else { Counted::All(many) };
                    assert_eq!(store.members_counted(&system, run, key, most).unwrap(), expected);
                }
            }
            Record::Resource(thing) => {
                let key = (thing.resource_type.as_str(), thing.external_id.as_str());
                let whole = store.who(&system, run, key.0, key.1, 10_000).unwrap();
                let (mut after, mut found) = (None, Vec::new());
                loop {
                    let page = store.who_page(&system, run, key, after, (2, u64::MAX)).unwrap();
                    assert_eq!(page.accounts, Counted::All(whole.accounts));
                    found.extend(accounts(&page.grants));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                let levels: Vec<_> = found.iter().map(|(level, _)| *level).collect();
                assert!(levels.is_sorted_by(|one, two| one >= two), "{levels:?}");
                for limit in 0..found.len() {
                    let page = store.who_page(&system, run, key, None, (2, limit as u64)).unwrap();
                    assert_eq!(page.accounts, Counted::MoreThan(limit as u64));
                    let some = store.who(&system, run, key.0, key.1, limit).unwrap();
                    assert_eq!(BTreeSet::from_iter(accounts(&some.grants)), found[..limit].iter().cloned().collect());
                }
                let mut all = accounts(&whole.grants);
                for list in [&mut found, &mut all] {
                    list.sort();
                }
                assert_eq!((found.len() as u64, &found), (whole.accounts, &all));
            }
            Record::Account(account) => {
                let stood = store.stood(&system, run, ("account", "", &account.external_id)).unwrap().unwrap();
                let mut expected = *account;
                if system.published_run != Some(run) {
                    // As of an earlier run, what changes by itself is not known.
                    expected.last_login = None;
                    let mut attributes = expected.attributes.to_map();
                    attributes.remove("tries");
                    expected.attributes = attributes.into();
                }
                assert_eq!(stood.record, Record::from(expected));
            }
            _ => {}
        }
    }
}

/// The accounts of an answer, with their levels.
fn accounts(grants: &[Grant]) -> Vec<(AccessLevel, String)> {
    let of = |grant: &Grant| match &grant.principal {
        Principal::Account { external_id, .. } => Some((grant.access.level, external_id.clone())),
        _ => None,
    };
    grants.iter().filter_map(of).collect()
}

fn systems_come_by_pages_the_most_urgent_first(backend: &Backend) {
    let (descriptor, mut organisation) = (descriptor(), Organisation::new(9));
    let rows = organisation.whole();
    scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
    let mut store = backend.open();
    assert_eq!(store.needs().unwrap(), [(Need::Nothing, 1)]);
    let first = store.standings(None, 10).unwrap();
    assert_eq!((first.len(), first[0].need), (1, Need::Nothing));
    assert_eq!(first[0].published.unwrap().id, first[0].newest.as_ref().unwrap().id);
    let key = StandingKey::from_text(&first[0].key().to_text()).unwrap();
    assert_eq!(store.standings(Some(&key), 10).unwrap(), []);
    drop(store);
    scan(backend, &descriptor, &rows, &summary(&descriptor, &[Section::SYSTEMS]), ANYTHING);
    let mut store = backend.open();
    assert_eq!(store.needs().unwrap(), [(Need::Look, 1)]);
    assert_eq!(store.system_called(None).unwrap().unwrap().name, "hq");
    assert!(store.system_called(Some("no")).unwrap().is_none());
}

fn counts_are_made_again_after_an_account_is_forgotten(backend: &Backend) {
    let (mut store, system, runs) = store(backend, 10);
    let run = *runs.last().unwrap();
    let before = store.figures(&system, run).unwrap().accounts();
    let all = rows(&mut store, &system, run);
    let id =
        all.iter().find_map(|row| if let Record::Account(row) = row { Some(row.external_id.clone()) } else { None });
    let known = store.ever_called(&system, &id.unwrap()).unwrap();
    assert_eq!(known.len(), 1);
    let ids: Vec<String> = known.iter().map(|known| known.external_id.clone()).collect();
    store.forget_accounts(&system, &ids, connector_store::Mode::Apply).unwrap();
    assert_eq!(store.figures(&system, run).unwrap().accounts(), before - 1);
}
