//! What stands after a scan is what the plan says.

use connector_api::{
    Access, AccessLevel, Account, AccountKind, Binding, Group, LastLogin, Membership, Outcome, Record, Resource,
    Section,
};
use connector_store::{At, Ended, RunState};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, comparable, rows_at, scan, seeds, system};

on_both!(
    the_rows_after_each_run_are_those_of_the_plan_applied_to_vectors,
    a_failed_scan_changes_only_the_list_of_runs,
    a_binding_that_now_ends_stands_once_whichever_of_its_two_sections_was_read,
    the_end_of_a_membership_is_as_old_as_the_section_that_fills_it_in,
    a_scan_that_did_not_read_everything_makes_no_versions_where_nothing_changed,
    an_id_that_comes_back_does_not_bring_its_former_login,
);

/// The rows after scans that did not read some sections, against the plan applied in memory.
fn assert_applied(backend: &Backend, scans: Vec<(Vec<Record>, &[Section])>) {
    let descriptor = descriptor();
    let mut expected = Vec::new();
    for (step, (rows, not_read)) in scans.into_iter().enumerate() {
        let summary = crate::support::summary(&descriptor, not_read);
        let Ended::Published { run, .. } = scan(backend, &descriptor, &rows, &summary, ANYTHING) else { panic!() };
        expected = summary.replacement(&descriptor).apply(expected, rows).unwrap();
        let found = rows_at(&mut backend.open(), run, &descriptor);
        assert_rows(&found, &comparable(&expected, &descriptor), format!("step {step}, without {not_read:?}"));
    }
}

fn a_binding_that_now_ends_stands_once_whichever_of_its_two_sections_was_read(backend: &Backend) {
    let (account, resource) = (Account::new("1", "ada"), Resource::new("1", "system", "box"));
    let access = Access::of_word(AccessLevel::Administer, "sudo");
    let rows = |ends: bool| {
        let mut binding = Binding::new(&account, &resource).with_access(access.clone());
        binding.expires_at = ends.then(|| "2026-03-03T09:00:00Z".parse().unwrap());
        vec![account.clone().into(), resource.clone().into(), binding.into()]
    };
    assert_applied(
        backend,
        vec![
            (rows(false), &[]),
            (rows(true), &[Section::GRANTS]),
            (rows(false), &[Section::GRANTS]),
            (rows(true), &[Section::TEMPORARY_ACCESS]),
            (rows(true), &[]),
            (rows(false), &[Section::TEMPORARY_ACCESS]),
            (rows(true), &[Section::TEMPORARY_ACCESS, Section::GRANTS]),
        ],
    );
}

fn login(service: &str) -> Option<LastLogin> {
    let mut login = LastLogin::default();
    login.service = Some(service.into());
    Some(login)
}

fn a_scan_that_did_not_read_everything_makes_no_versions_where_nothing_changed(backend: &Backend) {
    let descriptor = descriptor();
    let rows = |service: Option<&str>| {
        let (mut ada, mut bob) = (Account::new("1", "ada"), Account::new("2", "bob"));
        ada.kind = AccountKind::ADMINISTRATOR;
        for account in [&mut ada, &mut bob] {
            account.display_name = Some("Known".into());
            account.attributes = [("desk", "4".into()), ("seen", "x".into())].into();
            account.last_login = service.and_then(login);
        }
        vec![Record::from(ada), bob.into()]
    };
    let mut unread: Vec<&[Section]> = vec![&[], &[Section::ADMINISTRATORS], &[Section::GRANTS]];
    unread.extend([&[Section::LAST_LOGIN], &[][..]]);
    for (at, not_read) in unread.into_iter().enumerate() {
        let service = at.checked_sub(1).map(|at| format!("sso{at}"));
        let summary = crate::support::summary(&descriptor, not_read);
        let ended = scan(backend, &descriptor, &rows(service.as_deref()), &summary, ANYTHING);
        let Ended::Published { changes, .. } = ended else { panic!("{ended:?}") };
        assert!(at == 0 || changes.0.is_empty(), "{at}, without {not_read:?}: {changes:?}");
    }
}

fn an_id_that_comes_back_does_not_bring_its_former_login(backend: &Backend) {
    let descriptor = descriptor();
    let mut known = Account::new("1", "ada");
    known.last_login = login("sso");
    let again = Account::new("1", "ada");
    let whole = crate::support::summary(&descriptor, &[]);
    for rows in [vec![known.into()], vec![], vec![again.clone().into()]] {
        scan(backend, &descriptor, &rows, &whole, ANYTHING);
    }
    let mut store = backend.open();
    let system = system(&mut store);
    let run = store.run_at(&system, At::Now).unwrap();
    assert_eq!(store.find(&system, run, "account", "1").unwrap(), [Record::from(again)]);
}

fn the_end_of_a_membership_is_as_old_as_the_section_that_fills_it_in(backend: &Backend) {
    let (account, group) = (Account::new("1", "ada"), Group::new("1", "CREW", "crew"));
    let rows = |ends: Option<&str>, direct: bool| {
        let mut membership = Membership::new(&account, &group);
        membership.expires_at = ends.map(|ends| ends.parse().unwrap());
        membership.request_id = ends.map(str::to_owned);
        membership.direct = direct;
        vec![account.clone().into(), group.clone().into(), membership.into()]
    };
    let (one, two) = (Some("2026-03-03T09:00:00Z"), Some("2026-04-04T09:00:00Z"));
    assert_applied(
        backend,
        vec![
            (rows(one, true), &[]),
            (rows(None, true), &[Section::TEMPORARY_ACCESS]),
            (rows(None, false), &[Section::TEMPORARY_ACCESS]),
            (rows(two, true), &[Section::MEMBERSHIPS]),
            (rows(None, true), &[Section::MEMBERSHIPS]),
            (rows(None, true), &[]),
        ],
    );
}

/// Every run of a changing organisation, read in part, against the plan applied in memory.
fn the_rows_after_each_run_are_those_of_the_plan_applied_to_vectors(backend: &Backend) {
    let descriptor = descriptor();
    // All seeds in one store, one after the other: of the same system, as if it had been replaced.
    let mut expected: Vec<Record> = Vec::new();
    let mut snapshots = Vec::new();
    for seed in seeds(6) {
        let mut organisation = Organisation::new(seed);
        for step in 0..8 {
            (0..step * 3).for_each(|_| organisation.change());
            let (rows, summary) = organisation.scan(&descriptor);
            let ended = scan(backend, &descriptor, &rows, &summary, ANYTHING);
            let plan = summary.replacement(&descriptor);
            expected = plan.apply(expected, rows).unwrap();
            match ended {
                Ended::Published { run, .. } => snapshots.push((seed, step, run, comparable(&expected, &descriptor))),
                Ended::Failed { .. } => assert_eq!(summary.outcome, Outcome::Failed, "SEED={seed}, step {step}"),
                other => panic!("SEED={seed}, step {step}: {other:?}"),
            }
        }
    }
    let mut store = backend.open();
    for (seed, step, run, expected) in snapshots {
        assert_rows(&rows_at(&mut store, run, &descriptor), &expected, format!("SEED={seed}, step {step}, run {run}"));
    }
}

fn a_failed_scan_changes_only_the_list_of_runs(backend: &Backend) {
    let descriptor = descriptor();
    let mut organisation = Organisation::new(1);
    let whole = crate::support::summary(&descriptor, &[]);
    let rows = organisation.whole();
    let Ended::Published { run, .. } = scan(backend, &descriptor, &rows, &whole, ANYTHING) else { panic!() };
    let failed = crate::support::summary(&descriptor, &[connector_api::Section::USERS]);
    assert_eq!(failed.outcome, Outcome::Failed);
    let ended = scan(backend, &descriptor, &rows[..3], &failed, ANYTHING);
    assert!(matches!(ended, Ended::Failed { can_resume: false, .. }), "{ended:?}");
    let mut store = backend.open();
    let system = system(&mut store);
    assert_eq!(store.run_at(&system, At::Now).unwrap(), run);
    assert_rows(&rows_at(&mut store, run, &descriptor), &comparable(&rows, &descriptor), "after the failed one");
    let states: Vec<RunState> = store.runs(&system).unwrap().iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Failed, RunState::Published]);
}
