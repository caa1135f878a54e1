//! Those who only read: what they may do, and what they ask of groups and containers.

use std::collections::{BTreeMap, BTreeSet};

use connector_access::{AccessRows, RowsBuilder};
use connector_api::{AccessLevel, Binding, Grant, Membership, NodeKind, NodeRef, Record};
use connector_store::pages::Counted;
use connector_store::{At, Location, Store};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, scan, seeds, several, summary, system};

on_both!(
    a_store_of_an_earlier_version_is_not_changed_by_who_reads_it,
    who_reaches_what_is_inside_a_container_through_it_follows_from_the_other_rows_alone,
    a_group_has_its_members_and_what_they_reach_through_it,
);

fn a_store_of_an_earlier_version_is_not_changed_by_who_reads_it(backend: &Backend) {
    let location = &backend.location;
    if backend.url.is_some() {
        let error = Store::open_to_read(location).map(drop).unwrap_err();
        assert!(error.message.contains("empty"), "{error:?}");
    }
    drop(backend.open());
    Store::open_to_read(location).unwrap();
    backend.run("delete from migration where version = (select max(version) from migration)");
    let versions = || backend.read("select cast(max(version) as text) from migration");
    let before = versions();
    let error = Store::open_to_read(location).map(drop).unwrap_err();
    assert!(error.remedy.contains("harness scan --store"), "{error:?}");
    assert_eq!(versions(), before);
}

#[test]
fn a_role_that_may_only_read_can_ask_everything() {
    let Some(backend) = Backend::postgres() else { return };
    let descriptor = descriptor();
    for seed in [1, 2] {
        let rows = Organisation::new(seed).whole();
        scan(&backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
    }
    backend.run(
        "create role only_reads login; grant usage on schema public to only_reads; \
         grant select on all tables in schema public to only_reads",
    );
    let url = backend.url.as_ref().unwrap().replace("tests@", "only_reads@");
    let mut store = Store::open_to_read(&url.parse::<Location>().unwrap()).unwrap();
    store.pin().unwrap();
    let system = system(&mut store);
    let run = store.run_at(&system, At::Now).unwrap();
    assert_eq!(store.runs(&system).unwrap().len(), 2);
    store.sections(run).unwrap();
    let (mut rows, mut changes, mut findings) = (Vec::new(), 0, 0);
    let each = &mut |row| {
        rows.push(row);
        Ok(())
    };
    store.records(&system, run, each).unwrap();
    let count = &mut |_| {
        changes += 1;
        Ok(())
    };
    store.diff(&system, 1, run, count).unwrap();
    store.diff_access(&system, 1, run, count).unwrap();
    let count = &mut |_| {
        findings += 1;
        Ok(())
    };
    store.findings(&system, run, count).unwrap();
    assert!(rows.len() > 20 && changes > 5 && findings > 0, "{} {changes} {findings}", rows.len());
    store.exceptions(&system).unwrap();
    store.disabled_accounts(&system, run).unwrap();
    for row in rows {
        match row {
            Record::Account(account) => {
                store.why(&system, run, &account.external_id).unwrap();
                store.linked(&system, Some(run), &account.external_id).unwrap();
                store.find(&system, run, "account", &account.username).unwrap();
            }
            Record::Group(group) => {
                store.why_group(&system, run, &group.group_type, &group.external_id).unwrap();
                store.memberships_of(&system, run, &group.group_type, &group.external_id).unwrap();
            }
            Record::Resource(resource) => {
                let (of_type, id) = (&resource.resource_type, &resource.external_id);
                store.who(&system, run, of_type, id, 9).unwrap();
                store.who_linked(&system, run, of_type, id, 9).unwrap();
                store.who_through(&system, run, of_type, id, 9).unwrap();
            }
            _ => {}
        }
    }
    // It can write nothing.
    assert!(backend.refuses("only_reads", "delete from run"));
}

fn rows_of(store: &mut Store, run: i64) -> Vec<Record> {
    let (system, mut rows) = (system(store), Vec::new());
    let each = &mut |row| {
        rows.push(row);
        Ok(())
    };
    store.records(&system, run, each).unwrap();
    rows
}

fn access_rows<'a>(rows: impl IntoIterator<Item = &'a Record>) -> AccessRows {
    let mut all = RowsBuilder::new(&[]);
    rows.into_iter().for_each(|row| all.enter(row));
    all.finish()
}

fn principal(grant: &Grant) -> String {
    format!("{} {}", grant.principal.kind().as_str(), grant.principal.external_id())
}

/// What follows from one end of bindings, over and over.
fn following(from: &NodeRef, bindings: &[&Binding], next: impl Fn(&Binding) -> (NodeRef, NodeRef)) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(one) = open.pop() {
        for binding in bindings.iter().filter(|row| row.from.kind == NodeKind::Resource) {
            let (here, there) = next(binding);
            if here == one && found.insert(format!("{there:?}")) {
                open.push(there);
            }
        }
    }
    found
}

fn who_reaches_what_is_inside_a_container_through_it_follows_from_the_other_rows_alone(backend: &Backend) {
    let (mut compared, mut administer) = (0, 0);
    for seed in seeds(2) {
        several(backend, seed, |_| {});
        let mut store = backend.open();
        let system = system(&mut store);
        let run = store.run_at(&system, At::Now).unwrap();
        let rows = rows_of(&mut store, run);
        let bindings = rows.iter().filter_map(|row| match row {
            Record::Binding(row) => Some(&**row),
            _ => None,
        });
        let bindings: Vec<&Binding> = bindings.collect();
        let containers = rows.iter().filter_map(|row| match row {
            Record::Resource(row) if row.container => Some(row),
            _ => None,
        });
        for container in containers {
            let this = NodeRef::new(NodeKind::Resource, &container.resource_type, &container.external_id);
            let around = following(&this, &bindings, |row| (row.from.clone(), row.to.clone()));
            let inside = following(&this, &bindings, |row| (row.to.clone(), row.from.clone()));
            let is = |of: &BTreeSet<String>, end: &NodeRef| *end == this || of.contains(&format!("{end:?}"));
            let leads_through = |row: &Binding| match (&row.from.kind, &row.to.kind) {
                (NodeKind::Resource, _) => is(&inside, &row.from) && is(&inside, &row.to) || is(&around, &row.from),
                (_, NodeKind::Resource) => is(&around, &row.to),
                _ => true,
            };
            let kept = rows.iter().filter(|row| !matches!(row, Record::Binding(row) if !leads_through(row)));
            let mut expected = BTreeMap::<String, AccessLevel>::new();
            for grant in access_rows(kept).all_grants() {
                let resource = &grant.resource;
                let of = NodeRef::new(NodeKind::Resource, &resource.resource_type, &resource.external_id);
                if inside.contains(&format!("{of:?}")) && of != this {
                    let level = expected.entry(principal(&grant)).or_insert(grant.access.level);
                    *level = (*level).max(grant.access.level);
                }
            }
            let found =
                store.who_through(&system, run, &container.resource_type, &container.external_id, usize::MAX).unwrap();
            let levels: BTreeMap<String, AccessLevel> =
                found.who.grants.iter().map(|grant| (principal(grant), grant.access.level)).collect();
            assert_eq!(levels, expected, "SEED={seed}, {}", container.name);
            assert!(found.who.grants.iter().all(|grant| grant.resource.external_id == container.external_id));
            compared += levels.len();
            administer += levels.values().filter(|level| **level == AccessLevel::Administer).count();
        }
    }
    assert!(compared > 20 && administer > 0, "{compared} {administer}");
}

fn a_group_has_its_members_and_what_they_reach_through_it(backend: &Backend) {
    several(backend, 5, |_| {});
    let mut store = backend.open();
    let system = system(&mut store);
    let run = store.run_at(&system, At::Now).unwrap();
    let rows = rows_of(&mut store, run);
    let all = access_rows(&rows);
    let mut compared = 0;
    for row in &rows {
        let Record::Group(group) = row else { continue };
        let (of_type, id) = (&group.group_type, &group.external_id);
        let members = store.memberships_of(&system, run, of_type, id).unwrap();
        let is_account =
            |id: &str| rows.iter().any(|row| matches!(row, Record::Account(account) if account.external_id == id));
        let is_known = |membership: &Membership| is_account(&membership.account_external_id);
        assert!(members.members.iter().all(is_known) && !members.without_row.iter().any(is_known));
        let in_it = members.members.len() + members.without_row.len();
        let counted = store.members_counted(&system, run, (of_type, id), u64::MAX).unwrap();
        assert_eq!(counted, Counted::All(in_it as u64));
        let found = store.why_group(&system, run, of_type, id).unwrap();
        let resources = |grants: &[Grant]| -> BTreeSet<String> {
            grants.iter().map(|grant| format!("{} {}", grant.resource.external_id, grant.access.level)).collect()
        };
        let expected = all.group(of_type, id).map(|subject| all.grants(subject)).unwrap_or_default();
        assert_eq!(resources(&found), resources(&expected));
        compared += found.len() + in_it;
    }
    assert!(compared > 20, "{compared}");
    let disabled = store.disabled_accounts(&system, run).unwrap();
    for row in &rows {
        if let Record::Account(account) = row {
            assert_eq!(disabled.contains(&account.external_id), account.enabled == Some(false));
        }
    }
}
