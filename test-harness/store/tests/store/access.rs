//! What differs in who reaches what.

use std::collections::{BTreeMap, BTreeSet};

use connector_access::{AccessRows, RowsBuilder};
use connector_api::{Grant, Principal, Record};
use connector_store::pages::Counted;
use connector_store::{Change, Ended, Store};
use fastrand::Rng;

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, scan, seeds, several, system};

on_both!(
    what_differs_in_access_is_what_the_rows_of_both_runs_say,
    the_members_of_a_group_are_counted_as_of_a_run,
    those_who_reach_a_thing_are_counted_without_accounts_that_have_no_row,
);

/// What one principal reaches: the access and its end, by resource.
type Reached = BTreeMap<String, String>;

/// The principals and what they reach, and the groups that each account is in, directly or through others.
struct Everything {
    reached: BTreeMap<String, Reached>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

fn principal(grant: &Grant) -> String {
    match &grant.principal {
        Principal::Account { external_id, .. } => format!("account {external_id}"),
        Principal::Group { group_type, external_id, .. } => format!("group {group_type} {external_id}"),
        other => panic!("{other:?}"),
    }
}

fn resource(grant: &Grant) -> String {
    format!("{} {}", grant.resource.resource_type, grant.resource.external_id)
}

fn access(grant: &Grant) -> String {
    format!("{:?} {:?}", grant.access, grant.expires_at)
}

fn everything(store: &mut Store, run: i64) -> Everything {
    let (system, mut rows) = (system(store), Vec::new());
    store
        .records(&system, run, &mut |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
    let mut all = RowsBuilder::new(&[]);
    rows.iter().for_each(|row| all.enter(row));
    let all: AccessRows = all.finish();
    let mut reached = BTreeMap::<String, Reached>::new();
    for grant in all.all_grants() {
        reached.entry(principal(&grant)).or_default().insert(resource(&grant), access(&grant));
    }
    let mut above = BTreeMap::<String, BTreeSet<String>>::new();
    for row in &rows {
        match row {
            Record::Membership(row) if row.direct => {
                let group = format!("group {} {}", row.group_type, row.group_external_id);
                above.entry(format!("account {}", row.account_external_id)).or_default().insert(group);
            }
            Record::Binding(row) if row.to.kind.as_str() == "group" => {
                let [from, to] = [&row.from, &row.to].map(|end| format!("group {} {}", end.node_type, end.external_id));
                above.entry(from).or_default().insert(to);
            }
            _ => {}
        }
    }
    let mut groups = BTreeMap::new();
    for account in above.keys().filter(|key| key.starts_with("account ")) {
        let (mut all, mut next) = (BTreeSet::new(), vec![account.clone()]);
        while let Some(one) = next.pop() {
            let above = above.get(&one).into_iter().flatten();
            next.extend(above.filter(|group| all.insert((*group).clone())).cloned());
        }
        groups.insert(account.clone(), all);
    }
    Everything { reached, groups }
}

fn what_differs_in_access_is_what_the_rows_of_both_runs_say(backend: &Backend) {
    let (mut own, mut through_groups) = (0, 0);
    for seed in seeds(3) {
        let mut runs = Vec::new();
        several(backend, seed, |run| runs.push(run));
        let mut store = backend.open();
        let system = system(&mut store);
        for pair in runs.windows(2) {
            let context = format!("SEED={seed}, runs {pair:?}");
            let [before, after] = [pair[0], pair[1]].map(|run| everything(&mut store, run));
            let mut found = BTreeMap::<String, BTreeSet<String>>::new();
            store
                .diff_access(&system, pair[0], pair[1], &mut |change| {
                    let of = |record: &Record| match record {
                        Record::Grant(grant) => (**grant).clone(),
                        other => panic!("{other:?}"),
                    };
                    let (one, two) = match &change {
                        Change::New(record) => (None, Some(of(record))),
                        Change::Gone(record) => (Some(of(record)), None),
                        Change::Changed { before, after } => (Some(of(before)), Some(of(after))),
                        other => panic!("{other:?}"),
                    };
                    let grant = one.as_ref().or(two.as_ref()).unwrap();
                    let (who, what) = (principal(grant), resource(grant));
                    let expected = [&before, &after].map(|all| all.reached.get(&who).and_then(|all| all.get(&what)));
                    let shown = [one.as_ref().map(access), two.as_ref().map(access)];
                    assert_eq!([shown[0].as_ref(), shown[1].as_ref()], expected, "{context}, {who}, {what}");
                    assert!(found.entry(who.clone()).or_default().insert(what), "{context}, {who} twice");
                    Ok(())
                })
                .unwrap();
            // Each difference of an account is passed on as its own, or as that of a group that it is in.
            let accounts = before.reached.keys().chain(after.reached.keys()).filter(|who| who.starts_with("account "));
            for account in accounts.collect::<BTreeSet<_>>() {
                let of = |all: &Everything| all.reached.get(account).cloned().unwrap_or_default();
                let (one, two) = (of(&before), of(&after));
                let resources = one.keys().chain(two.keys()).filter(|key| one.get(*key) != two.get(*key));
                for what in resources.collect::<BTreeSet<_>>() {
                    let has = |who: &String| found.get(who).is_some_and(|all| all.contains(what));
                    let mut groups = [&before, &after].into_iter().filter_map(|all| all.groups.get(account)).flatten();
                    if has(account) {
                        own += 1;
                    } else {
                        assert!(groups.any(has), "{context}: {account} and {what} are missing");
                        through_groups += 1;
                    }
                }
            }
        }
    }
    assert!(own > 20 && through_groups > 5, "{own} of accounts, {through_groups} through groups");
}

fn the_members_of_a_group_are_counted_as_of_a_run(backend: &Backend) {
    let mut runs = Vec::new();
    several(backend, 5, |run| runs.push(run));
    let mut store = backend.open();
    let system = system(&mut store);
    let mut counted = 0;
    for run in runs {
        let mut members = BTreeMap::<(String, String), u64>::new();
        store
            .records(&system, run, &mut |row| {
                if let Record::Membership(row) = row {
                    *members.entry((row.group_type, row.group_external_id)).or_default() += 1;
                }
                Ok(())
            })
            .unwrap();
        for ((group_type, id), expected) in members {
            let found = store.members_counted(&system, run, (&group_type, &id), u64::MAX).unwrap();
            assert_eq!(found, Counted::All(expected), "run {run}, {id}");
            counted += expected;
        }
        assert_eq!(store.members_counted(&system, run, ("CREW", "none"), 9).unwrap(), Counted::All(0));
    }
    assert!(counted > 100, "{counted}");
}

fn those_who_reach_a_thing_are_counted_without_accounts_that_have_no_row(backend: &Backend) {
    let (descriptor, mut lacking) = (descriptor(), 0);
    for seed in seeds(4) {
        let (mut organisation, mut random) = (Organisation::new(seed), Rng::with_seed(seed));
        organisation.crowd();
        let mut runs = Vec::new();
        while runs.len() < 4 {
            (0..30).for_each(|_| organisation.change());
            let (mut rows, summary) = organisation.scan(&descriptor);
            let all = rows.len();
            // Some lose their row while they stay in groups, and get it back in a later scan.
            rows.retain(|row| !matches!(row, Record::Account(_)) || random.u8(..) > 80);
            lacking += all - rows.len();
            if let Ended::Published { run, .. } = scan(backend, &descriptor, &rows, &summary, ANYTHING) {
                runs.push(run);
            }
        }
        let mut store = backend.open();
        let system = system(&mut store);
        for run in runs {
            let all = everything(&mut store, run);
            let accounts = all.reached.iter().filter(|(who, _)| who.starts_with("account "));
            let mut expected = BTreeMap::<&str, u64>::new();
            for what in accounts.flat_map(|(_, reached)| reached.keys()) {
                *expected.entry(what).or_default() += 1;
            }
            for (what, expected) in expected {
                let (of_type, id) = what.split_once(' ').unwrap();
                let who = store.who(&system, run, of_type, id, 1).unwrap();
                assert_eq!(who.accounts, expected, "SEED={seed}, run {run}, {what}");
            }
        }
    }
    assert!(lacking > 100, "{lacking}");
}
