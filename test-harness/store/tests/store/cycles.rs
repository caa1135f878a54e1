//! Groups that are members of each other: whoever is asked, the highest level over all ways is the answer.

use std::collections::{BTreeMap, BTreeSet};

use connector_access::RowsBuilder;
use connector_api::{Access, AccessLevel, Binding, Grant, Group, Principal, Raises, Record};
use connector_store::{Ended, Store, System};
use fastrand::Rng;

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, scan, seeds, summary, system};

on_both!(in_cycles_of_groups_every_question_has_the_same_answer);

/// The level of each account or group on each resource.
type Levels = BTreeSet<[String; 4]>;

/// Groups that are put into each other.
const GROUPS: usize = 8;

/// Puts groups into each other at random, and has some of them raise.
fn tangle(rows: &mut Vec<Record>, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let mut groups: Vec<Group> = Vec::new();
    for row in rows.iter_mut() {
        let Record::Group(group) = row else { continue };
        let access = [(AccessLevel::Write, "write"), (AccessLevel::Administer, "sudo")];
        let (level, word) = access[random.usize(..2)];
        group.raises = (random.u8(..3) == 0).then(|| Raises::new(Access::of_word(level, word), ["system"]));
        groups.push((**group).clone());
    }
    // Among a few groups: with more, there are more ways than can be looked through.
    groups.truncate(GROUPS);
    let mut known: BTreeSet<String> = rows.iter().map(|row| row.key().to_string()).collect();
    for _ in 0..groups.len() {
        let [one, other] = [random.usize(..groups.len()), random.usize(..groups.len())].map(|at| &groups[at]);
        for (from, to) in [(one, other), (other, one)].into_iter().take(random.usize(1..=2)) {
            let row = Record::from(Binding::new(from, to));
            if from != to && known.insert(row.key().to_string()) {
                rows.push(row);
            }
        }
    }
}

fn level(grant: &Grant) -> [String; 4] {
    let who = match &grant.principal {
        Principal::Account { external_id, .. } => external_id.clone(),
        Principal::Group { group_type, external_id, .. } => format!("{group_type} {external_id}"),
        other => panic!("{other:?}"),
    };
    let resource = &grant.resource;
    [who, resource.resource_type.clone(), resource.external_id.clone(), grant.access.level.to_string()]
}

/// What each account and group is said to reach.
fn why(store: &mut Store, system: &System, run: i64, rows: &[Record]) -> Levels {
    let mut levels = Levels::new();
    for row in rows {
        let grants = match row {
            Record::Account(account) => store.why(system, run, &account.external_id),
            Record::Group(group) => store.group_grants(system, run, (&group.group_type, &group.external_id)),
            _ => continue,
        };
        levels.extend(grants.unwrap().iter().map(level));
    }
    levels
}

/// Who is said to reach each resource.
fn who(store: &mut Store, system: &System, run: i64, rows: &[Record]) -> Levels {
    let mut levels = Levels::new();
    for row in rows {
        let Record::Resource(resource) = row else { continue };
        let who = store.who(system, run, &resource.resource_type, &resource.external_id, 1000).unwrap();
        levels.extend(who.grants.iter().map(level));
    }
    levels
}

fn in_cycles_of_groups_every_question_has_the_same_answer(backend: &Backend) {
    let (descriptor, mut twice) = (descriptor(), BTreeMap::<bool, u64>::new());
    for seed in seeds(3) {
        let mut organisation = Organisation::new(seed);
        organisation.crowd();
        let mut rows = organisation.whole();
        tangle(&mut rows, seed);
        let Ended::Published { run, .. } = scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING)
        else {
            panic!("SEED={seed}: the scan was not published");
        };
        let mut all = RowsBuilder::new(&descriptor.accesses);
        rows.iter().for_each(|row| all.enter(row));
        let mut grants = Levels::new();
        for grant in all.finish().all_grants() {
            for path in &grant.via {
                let distinct: BTreeSet<_> =
                    path.steps.iter().map(|step| (&step.group_type, &step.external_id)).collect();
                *twice.entry(distinct.len() < path.steps.len()).or_default() += 1;
            }
            grants.insert(level(&grant));
        }
        let mut store = backend.open();
        let system = system(&mut store);
        assert_eq!(why(&mut store, &system, run, &rows), grants, "SEED={seed}");
        assert_eq!(who(&mut store, &system, run, &rows), grants, "SEED={seed}");
        let of_accounts: Levels = grants.into_iter().filter(|[who, ..]| !who.contains(' ')).collect();
        for view in ["access_now".to_owned(), format!("access_at where run = {run}")] {
            let sql = format!("select account_external_id, resource_type, resource_external_id, level from {view}");
            let found = backend
                .read(&sql)
                .into_iter()
                .map(|row| <[String; 4]>::try_from(row.into_iter().flatten().collect::<Vec<_>>()).unwrap());
            assert_eq!(found.collect::<Levels>(), of_accounts, "SEED={seed}, {view}");
        }
    }
    assert!(twice[&true] > 20 && twice[&false] > 500, "{twice:?}");
}
