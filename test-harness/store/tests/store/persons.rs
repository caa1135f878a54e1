//! Who reaches a resource, with the accounts that links join as one person.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{
    Access, AccessLevel, Account, AccountKind, AccountLink, Binding, Grant, Group, Membership, Principal, Record,
    Resource,
};
use connector_store::{Ended, WhoLinked};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, scan, seeds, summary, system};

on_both!(
    accounts_that_links_join_are_one_person_and_equal_names_are_not,
    persons_are_the_accounts_that_the_links_of_all_rows_join,
);

fn account(id: &str, name: &str, kind: AccountKind) -> Account {
    let mut account = Account::new(id, name);
    account.kind = kind;
    account.display_name = Some("Ada Byron".into());
    account.email = Some("ada@example.com".into());
    account
}

fn accounts_that_links_join_are_one_person_and_equal_names_are_not(backend: &Backend) {
    let rows = |linked: bool| {
        let ada = account("1", "ada", AccountKind::USER);
        let mut administrator = account("2", "ada#2", AccountKind::ADMINISTRATOR);
        let mut local = account("3", "ada@web-1", AccountKind::USER);
        let namesake = account("4", "ada#4", AccountKind::USER);
        if linked {
            administrator.links = vec![AccountLink::new("1", AccountKind::USER, "sharedEmail")];
            local.links = vec![AccountLink::new("2", AccountKind::ADMINISTRATOR, "sameLocalName")];
        }
        let (staff, web) = (Group::new("7", "CREW", "Staff"), Resource::new("8", "system", "web-1"));
        let sudo = Access::of_word(AccessLevel::Administer, "sudo");
        let of_group = Binding::new(&staff, &web).with_access(Access::of_word(AccessLevel::Use, "login"));
        let members = [Membership::new(&ada, &staff), Membership::new(&namesake, &staff)].map(Record::from);
        let bindings = [of_group, Binding::new(&local, &web).with_access(sudo)].map(Record::from);
        let accounts = [ada, administrator, local, namesake].map(Record::from);
        [accounts.to_vec(), vec![staff.into(), web.into()], members.to_vec(), bindings.to_vec()].concat()
    };
    let descriptor = descriptor();
    for linked in [false, true] {
        let ended = scan(backend, &descriptor, &rows(linked), &summary(&descriptor, &[]), ANYTHING);
        assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
    }
    let mut store = backend.open();
    let system = system(&mut store);
    let joined = |who: &WhoLinked| -> Vec<Vec<String>> {
        let person = |accounts: &Vec<connector_store::LinkedAccount>| {
            let account = |linked: &connector_store::LinkedAccount| {
                let with = linked.linked_with.as_deref().unwrap_or("nothing");
                format!("{} with {with} {}", linked.account.external_id, linked.evidence)
            };
            accounts.iter().map(account).collect()
        };
        who.accounts.iter().map(person).collect()
    };
    let reach = |who: &WhoLinked| -> BTreeSet<(String, String)> {
        let of = |grant: &Grant| (grant.principal.name().to_owned(), grant.access.word.to_string());
        who.who.grants.iter().map(of).collect()
    };
    let set = |words: &[(&str, &str)]| words.iter().map(|(name, word)| ((*name).into(), (*word).into())).collect();

    let before = store.who_linked(&system, 1, "system", "8", 1000).unwrap();
    assert_eq!((before.persons, before.who.accounts), (3, 3));
    assert_eq!(joined(&before), [["3 with nothing "], ["1 with nothing "], ["4 with nothing "]]);
    let now = store.who_linked(&system, 2, "system", "8", 1000).unwrap();
    assert_eq!((now.persons, now.who.accounts), (2, 3));
    let ada = ["3 with nothing ", "2 with 3 sameLocalName", "1 with 2 sharedEmail"].map(str::to_owned).to_vec();
    assert_eq!(joined(&now), [ada.clone(), vec!["4 with nothing ".to_owned()]]);
    assert_eq!(reach(&now), set(&[("Staff", "login"), ("ada", "login"), ("ada@web-1", "sudo"), ("ada#4", "login")]));
    // A person is never shown in part.
    let first = store.who_linked(&system, 2, "system", "8", 1).unwrap();
    assert_eq!((first.persons, first.who.accounts, joined(&first)), (2, 3, vec![ada]));
    assert_eq!(reach(&first), set(&[("Staff", "login"), ("ada", "login"), ("ada@web-1", "sudo")]));
}

/// The accounts that links join with each one, itself included, by all rows.
fn components(rows: &[Record]) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    let accounts = || {
        rows.iter().filter_map(|row| match row {
            Record::Account(account) => Some(account),
            _ => None,
        })
    };
    for account in accounts() {
        let ids = account.links.iter().map(|link| &link.external_id).chain([&account.external_id]);
        let joined: BTreeSet<String> =
            ids.flat_map(|id| all.get(id).cloned().unwrap_or_else(|| BTreeSet::from([id.clone()]))).collect();
        joined.iter().for_each(|id| drop(all.insert(id.clone(), joined.clone())));
    }
    all
}

/// Links some accounts with others, one of which has no row.
fn link_some(rows: &mut [Record], seed: u64) {
    let id = |row: &Record| match row {
        Record::Account(account) => Some(account.external_id.clone()),
        _ => None,
    };
    let mut ids: Vec<String> = rows.iter().filter_map(id).collect();
    ids.push("missing".into());
    let mut random = fastrand::Rng::with_seed(seed);
    for row in rows {
        let Record::Account(account) = row else { continue };
        let other = random.choice(&ids).unwrap();
        if random.u8(..3) == 0 && *other != account.external_id {
            account.links = vec![AccountLink::new(&**other, AccountKind::USER, "sharedEmail")];
        }
    }
}

fn persons_are_the_accounts_that_the_links_of_all_rows_join(backend: &Backend) {
    let descriptor = descriptor();
    let mut fewer = 0;
    for seed in seeds(3) {
        let mut organisation = Organisation::new(seed);
        organisation.crowd();
        let mut rows = organisation.whole();
        link_some(&mut rows, seed);
        let ended = scan(backend, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
        let Ended::Published { run, .. } = ended else { panic!("{ended:?}") };
        let mut store = backend.open();
        let system = system(&mut store);
        let components = components(&rows);
        let with_row: BTreeSet<&str> = rows
            .iter()
            .filter_map(|row| match row {
                Record::Account(account) => Some(account.external_id.as_str()),
                _ => None,
            })
            .collect();
        for row in &rows {
            let Record::Resource(resource) = row else { continue };
            let (of_type, id) = (&resource.resource_type, &resource.external_id);
            let all = store.who(&system, run, of_type, id, 10_000).unwrap();
            let linked = store.who_linked(&system, run, of_type, id, 10_000).unwrap();
            let context = format!("SEED={seed}, {of_type} {id}");
            assert_eq!(linked.who, all, "{context}");
            let reaching = all.grants.iter().filter_map(|grant| match &grant.principal {
                Principal::Account { external_id, .. } => Some(external_id),
                _ => None,
            });
            let expected: BTreeSet<BTreeSet<&str>> = reaching
                .map(|id| components[id].iter().map(String::as_str).filter(|id| with_row.contains(id)).collect())
                .collect();
            let found: BTreeSet<BTreeSet<&str>> = linked
                .accounts
                .iter()
                .map(|person| person.iter().map(|linked| linked.account.external_id.as_str()).collect())
                .collect();
            assert_eq!(found, expected, "{context}");
            assert_eq!((linked.persons, linked.accounts.len()), (found.len() as u64, found.len()), "{context}");
            fewer += linked.who.accounts - linked.persons;
            let few = store.who_linked(&system, run, of_type, id, 2).unwrap();
            assert_eq!((few.persons, few.accounts.len()), (linked.persons, found.len().min(2)), "{context}");
        }
    }
    assert!(fewer > 0, "no two accounts of a person reach the same");
}
