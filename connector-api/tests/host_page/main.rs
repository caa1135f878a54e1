//! What the page for hosts says that a snapshot does after each scan, with the code that it prints.
#![allow(missing_docs, clippy::unwrap_used)]

use connector_api::{
    Account, AccountKind, Credential, ErrorCode, RowType, ScanLedger, SectionDescription, SystemConfig,
};

include!("snapshot.rs");

#[test]
fn the_page_prints_the_code_that_is_tested_here() {
    let block = format!("```rust\n{}```\n", include_str!("snapshot.rs"));
    assert!(
        include_str!("../../docs/host.md").contains(&block),
        "docs/host.md does not have tests/host_page/snapshot.rs"
    );
}

#[test]
fn a_complete_scan_replaces_everything() {
    let (snapshot, summary) = after_a_complete_scan();
    assert_eq!(snapshot.rows, [user("ada"), user("bob"), administrator("root")]);
    for section in [Section::USERS, Section::ADMINISTRATORS] {
        assert_eq!(snapshot.as_of[&section], summary.started_at);
    }
}

#[test]
fn what_a_scan_could_not_read_keeps_its_rows_and_its_time() {
    let (mut snapshot, first) = after_a_complete_scan();
    let summary = snapshot.take(scan(Read::UsersOnly), vec![user("ada")], &descriptor()).unwrap();
    assert_eq!(snapshot.rows, [administrator("root"), user("ada")]);
    assert_eq!(snapshot.as_of[&Section::ADMINISTRATORS], first.started_at);
    assert_eq!(snapshot.as_of[&Section::USERS], summary.started_at);
}

#[test]
fn a_failed_scan_changes_nothing() {
    let (mut snapshot, first) = after_a_complete_scan();
    let summary = snapshot.take(scan(Read::AdministratorsOnly), vec![administrator("root")], &descriptor()).unwrap();
    assert!(summary.error.is_some());
    assert_eq!(snapshot.rows, [user("ada"), user("bob"), administrator("root")]);
    assert!(snapshot.as_of.values().all(|time| *time == first.started_at));
}

/// What a scan can read.
#[derive(Clone, Copy, PartialEq)]
enum Read {
    Everything,
    UsersOnly,
    AdministratorsOnly,
}

fn after_a_complete_scan() -> (Snapshot, ScanSummary) {
    let mut snapshot = Snapshot::default();
    let rows = vec![user("ada"), user("bob"), administrator("root")];
    let summary = snapshot.take(scan(Read::Everything), rows, &descriptor()).unwrap();
    (snapshot, summary)
}

fn descriptor() -> Descriptor {
    let describe = |section: Section, of: &str| {
        SectionDescription::new(section, section.as_str(), "", "", "").owning([RowType::new("account", of)])
    };
    let mut descriptor = Descriptor::new("Toy", "Toy", "1.0.0");
    descriptor.sections =
        vec![describe(Section::USERS, "user").core(), describe(Section::ADMINISTRATORS, "administrator")];
    descriptor
}

fn scan(read: Read) -> Result<ScanSummary, ScanFailure> {
    let mut ledger = ScanLedger::start(&descriptor(), &SystemConfig::new("Toy", "toy", Credential::default()));
    for (section, refused) in [(Section::USERS, Read::AdministratorsOnly), (Section::ADMINISTRATORS, Read::UsersOnly)] {
        if read == refused {
            ledger.close_incomplete(section, ConnectorError::new(ErrorCode::Forbidden, "403", "give the right"));
        } else {
            ledger.close(section.into());
        }
    }
    ledger.finish(Ok(()))
}

fn user(id: &str) -> Record {
    Account::new(id, id).into()
}

fn administrator(id: &str) -> Record {
    let mut account = Account::new(id, id);
    account.kind = AccountKind::ADMINISTRATOR;
    account.into()
}
