#![allow(clippy::unwrap_used)]
use super::*;
use crate::record::Resource;
use crate::{
    Access, AccessLevel, Account, Binding, ConnectorError, Credential, ErrorCode, Grant, Group, LastLogin, Membership,
    NodeKind, NodeRef, Principal, ReasonKind, ResourceRef, ScanLedger, SectionDescription, SectionReport, Severity,
    SystemConfig,
};

fn descriptor() -> Descriptor {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let administrators = describe(Section::ADMINISTRATORS).owning([RowType::new("account", "administrator")]);
    let logins = describe(Section::LAST_LOGIN)
        .filling_in([Field::new("account", "lastLogin"), Field::new("account", "attributes.seen")]);
    let users = describe(Section::USERS).core().owning([RowType::new("account", "user")]);
    Descriptor { sections: vec![users, administrators, logins], ..Descriptor::default() }
}

/// The summary of a scan in which every section is complete but those given with their status; `None` means not
/// reported.
fn summary(not_whole: &[(Section, Option<SectionStatus>)]) -> ScanSummary {
    let system = SystemConfig::new("Toy", "toy", Credential::default());
    let mut ledger = ScanLedger::start(&descriptor(), &system);
    for section in [Section::USERS, Section::ADMINISTRATORS, Section::LAST_LOGIN] {
        let status = not_whole.iter().find(|(one, _)| *one == section);
        let status = status.map_or(Some(SectionStatus::Complete), |(_, status)| status.clone());
        if let Some(status) = status {
            ledger.close(SectionReport::new(section, status));
        }
    }
    ledger.finish(Ok(())).unwrap_or_else(|failure| failure.into_summary())
}

fn broken() -> ConnectorError {
    ConnectorError::new(ErrorCode::ServerError, "503", "try again")
}

fn administrator(id: &str) -> Record {
    let mut account = Account::new(id, id);
    account.kind = crate::AccountKind::ADMINISTRATOR;
    account.into()
}

fn user(id: &str) -> Account {
    Account::new(id, id)
}

fn ids(rows: &[Record]) -> Vec<&str> {
    rows.iter()
        .filter_map(|record| if let Record::Account(one) = record { Some(&*one.external_id) } else { None })
        .collect()
}

#[test]
fn the_rows_of_a_section_that_is_not_complete_are_kept_whatever_the_status() {
    let known = || vec![user("ada").into(), user("gone").into(), administrator("root")];
    let scanned = || vec![user("ada").into(), user("new").into()];
    let statuses = [
        Some(SectionStatus::Incomplete { error: broken() }),
        Some(SectionStatus::Unavailable { error: broken() }),
        Some(SectionStatus::Skipped),
        Some(SectionStatus::Unknown),
        None,
    ];
    for status in statuses {
        let plan = summary(&[(Section::ADMINISTRATORS, status.clone())]).replacement(&descriptor());
        let rows = plan.apply(known(), scanned()).unwrap();
        assert_eq!(ids(&rows), ["root", "ada", "new"], "{status:?}");
    }
    let plan = summary(&[]).replacement(&descriptor());
    assert_eq!(ids(&plan.apply(known(), scanned()).unwrap()), ["ada", "new"]);
}

#[test]
fn a_failed_scan_replaces_nothing() {
    let plan = summary(&[(Section::USERS, Some(SectionStatus::Skipped))]).replacement(&descriptor());
    let rows = plan.apply(vec![user("ada").into()], vec![user("new").into()]).unwrap();
    assert_eq!(ids(&rows), ["ada"]);
}

#[test]
fn what_a_section_fills_in_and_what_was_drawn_from_it_stays_when_it_was_not_read() {
    let reason =
        |code: &str, section| Reason::new(code, ReasonKind::Risk, Severity::Low, "is so", "look").drawn_from([section]);
    let mut known = user("ada");
    known.last_login = Some(LastLogin { service: Some("sso".into()), ..LastLogin::default() });
    known.display_name = Some("Ada".into());
    known.reasons = vec![reason("never_logged_in", Section::LAST_LOGIN), reason("old", Section::USERS)];
    known.attributes = serde_json::from_value(serde_json::json!({"seen": 1, "colour": "red"})).unwrap();
    let status = Some(SectionStatus::Incomplete { error: broken() });
    let plan = summary(&[(Section::LAST_LOGIN, status)]).replacement(&descriptor());
    let rows = plan.apply(vec![known.clone().into()], vec![user("ada").into()]).unwrap();
    let [Record::Account(ada)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(ada.last_login, known.last_login);
    assert_eq!(ada.display_name, None, "what the users themselves say is new");
    assert_eq!(serde_json::to_value(&ada.attributes).unwrap(), serde_json::json!({"seen": 1}));
    assert_eq!(ada.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>(), ["never_logged_in"]);
}

#[test]
fn a_field_inside_an_object_stays_on_rows_of_its_type_alone() {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let owns = ["user", "administrator"].map(|kind| RowType::new("account", kind));
    let required = Field::new("account", "mfa.required").of_type("administrator");
    let sections = vec![describe(Section::USERS).owning(owns), describe(Section::ORGANIZATION).filling_in([required])];
    let descriptor = Descriptor { sections, ..Descriptor::default() };
    let mut ledger = ScanLedger::start(&descriptor, &SystemConfig::new("Toy", "toy", Credential::default()));
    ledger.close(Section::USERS.into());
    ledger.close(SectionReport::new(Section::ORGANIZATION, SectionStatus::Skipped));
    let plan = ledger.finish(Ok(())).unwrap().replacement(&descriptor);
    let account = |id: &str, kind, required, configured| {
        let mut account = user(id);
        account.kind = kind;
        let mut mfa = crate::Mfa::default();
        (mfa.required, mfa.configured) = (required, configured);
        account.mfa = (mfa != crate::Mfa::default()).then_some(mfa);
        Record::from(account)
    };
    let (of_users, of_administrators) = (crate::AccountKind::USER, crate::AccountKind::ADMINISTRATOR);
    let known = vec![
        account("ada", of_users.clone(), Some(true), Some(false)),
        account("root", of_administrators.clone(), Some(true), Some(false)),
        account("ops", of_administrators.clone(), Some(true), None),
    ];
    let scanned = vec![
        account("ada", of_users.clone(), Some(false), Some(true)),
        account("root", of_administrators.clone(), None, Some(true)),
        account("ops", of_administrators.clone(), None, None),
    ];
    let rows = plan.apply(known, scanned).unwrap();
    let expected = [
        account("ada", of_users, Some(false), Some(true)),
        account("root", of_administrators.clone(), Some(true), Some(true)),
        account("ops", of_administrators, Some(true), None),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn evidence_on_a_resource_stays_with_its_section_as_that_on_an_account_does() {
    let reason =
        |code: &str, section| Reason::new(code, ReasonKind::Risk, Severity::Low, "is so", "look").drawn_from([section]);
    let mut known = Resource::new("1", "system", "box");
    known.reasons = vec![reason("old_login", Section::LAST_LOGIN), reason("old", Section::USERS)];
    let mut scanned = Resource::new("1", "system", "box");
    scanned.reasons = vec![reason("new", Section::USERS)];
    assert_eq!(scanned.severity(), Some(Severity::Low));
    let status = Some(SectionStatus::Incomplete { error: broken() });
    let plan = summary(&[(Section::LAST_LOGIN, status)]).replacement(&descriptor());
    let Record::Resource(merged) = plan.merge(&known.into(), scanned.into()).unwrap() else { panic!("another kind") };
    assert_eq!(merged.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>(), ["new", "old_login"]);
}

#[test]
fn no_key_stands_twice_when_a_row_moves_from_a_kept_type_to_a_replaced_one() {
    let mut kept = user("ada");
    kept.kind = crate::AccountKind::ADMINISTRATOR;
    let plan = summary(&[(Section::ADMINISTRATORS, Some(SectionStatus::Skipped))]).replacement(&descriptor());
    let rows = plan.apply(vec![kept.into()], vec![user("ada").into()]).unwrap();
    assert_eq!(rows, [Record::from(user("ada"))]);
}

#[test]
fn a_row_that_changed_into_a_kept_type_is_not_gone() {
    let plan = summary(&[(Section::ADMINISTRATORS, Some(SectionStatus::Skipped))]).replacement(&descriptor());
    let rows = plan.apply(vec![user("ada").into()], vec![administrator("ada")]).unwrap();
    assert_eq!(rows, [administrator("ada")]);
}

#[test]
fn what_an_account_has_is_kept_with_it() {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let sections = vec![
        describe(Section::USERS).owning([RowType::new("account", "user")]),
        describe(Section::SERVICE_ACCOUNTS).owning([RowType::new("account", "serviceAccount")]),
        describe(Section::MEMBERSHIPS).owning([RowType::new("membership", "CREW")]),
    ];
    let descriptor = Descriptor { sections, ..Descriptor::default() };
    let mut ledger = ScanLedger::start(&descriptor, &SystemConfig::new("Toy", "toy", Credential::default()));
    ledger.close(SectionReport::new(Section::SERVICE_ACCOUNTS, SectionStatus::Skipped));
    [Section::USERS, Section::MEMBERSHIPS].into_iter().for_each(|section| ledger.close(section.into()));
    let plan = ledger.finish(Ok(())).unwrap().replacement(&descriptor);
    let mut robot = user("robot");
    robot.kind = crate::AccountKind::SERVICE_ACCOUNT;
    let member = |account: &Account| Record::from(Membership::new(account, &Group::new("g", "CREW", "Crew")));
    let known = vec![robot.clone().into(), user("ada").into(), member(&robot), member(&user("ada"))];
    let after = plan.apply(known, vec![user("ada").into()]).unwrap();
    assert_eq!(after, [robot.clone().into(), user("ada").into(), member(&robot)]);
}

#[test]
fn a_row_that_names_one_of_a_kept_type_is_kept_itself() {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let sections = vec![
        describe(Section::SYSTEMS).owning([RowType::new("resource", "system")]),
        describe(Section::APPLICATIONS).owning([RowType::new("resource", "application")]),
        describe(Section::GRANTS)
            .drawn_from([Section::SYSTEMS, Section::APPLICATIONS])
            .owning(RowType::several("binding", ["accountToResource"])),
        describe(Section::OTHER_GRANTS).owning(RowType::several("grant", ["other"])),
    ];
    let descriptor = Descriptor { sections, ..Descriptor::default() };
    let mut ledger = ScanLedger::start(&descriptor, &SystemConfig::new("Toy", "toy", Credential::default()));
    ledger.close(SectionReport::new(Section::SYSTEMS, SectionStatus::Skipped));
    for section in [Section::APPLICATIONS, Section::GRANTS, Section::OTHER_GRANTS] {
        ledger.close(section.into());
    }
    let plan = ledger.finish(Ok(())).unwrap().replacement(&descriptor);
    let binding = |of: &str| {
        let end = |kind, node_type| NodeRef::new(kind, node_type, "1");
        Record::from(Binding::new(end(NodeKind::Account, "user"), end(NodeKind::Resource, of)))
    };
    let grant = |of: &str| {
        let access = Access::of_word(AccessLevel::Use, "login");
        Record::from(Grant::new(Principal::account("1", "ada"), ResourceRef::new("1", of, "it"), access))
    };
    let known = ["system", "application"].into_iter().flat_map(|of| [binding(of), grant(of)]).collect();
    assert_eq!(plan.apply(known, Vec::new()).unwrap(), [binding("system"), grant("system")]);
    assert_eq!(plan.kept_in_part, [Section::GRANTS]);
}

#[test]
fn the_words_of_a_reason_stay_while_their_section_is_not_read_and_it_is_still_so() {
    let power = |message: &str| {
        let reason = Reason::new("power", ReasonKind::Privilege, Severity::High, message, "look");
        reason.drawn_from([Section::USERS]).with_details_from([Section::LAST_LOGIN])
    };
    let with = |reasons| {
        let mut account = user("ada");
        account.reasons = reasons;
        Record::from(account)
    };
    let plan = summary(&[(Section::LAST_LOGIN, Some(SectionStatus::Skipped))]).replacement(&descriptor());
    let known = || vec![with(vec![power("on 3 devices")])];
    let still = plan.apply(known(), vec![with(vec![power("not known on how many")])]).unwrap();
    assert_eq!(still, known());
    let mut at_worst = power("not known on how many");
    at_worst.severity = Severity::Critical;
    assert_eq!(plan.apply(known(), vec![with(vec![at_worst])]).unwrap(), known());
    assert_eq!(plan.apply(known(), vec![with(Vec::new())]).unwrap(), [with(Vec::new())]);
}

#[test]
fn a_risk_is_as_severe_as_a_privilege_makes_it_that_is_new_while_a_section_was_not_read() {
    let reason = |code: &str, kind, severity| {
        let reason = Reason::new(code, kind, severity, "is so", "look").drawn_from([Section::USERS]);
        if code == "sudo" { reason.drawn_from([Section::LAST_LOGIN]) } else { reason }
    };
    let low = || reason("group", ReasonKind::Privilege, Severity::Low);
    let counted = |severity| reason("without_mfa", ReasonKind::Risk, severity).with_details_from([Section::LAST_LOGIN]);
    let decided = |severity| reason("exempt", ReasonKind::Risk, severity).drawn_from([Section::LAST_LOGIN]);
    let with = |reasons: &[Reason]| {
        let mut account = user("ada");
        account.reasons = reasons.to_vec();
        Record::from(account)
    };
    let known = || vec![with(&[counted(Severity::Medium), decided(Severity::Medium), low()])];
    let plan = summary(&[(Section::LAST_LOGIN, Some(SectionStatus::Skipped))]).replacement(&descriptor());
    for code in ["sudo", "everywhere"] {
        let high = reason(code, ReasonKind::Privilege, Severity::High);
        let scanned = with(&[counted(Severity::Critical), decided(Severity::Critical), high, low()]);
        assert_eq!(plan.apply(known(), vec![scanned.clone()]).unwrap(), [scanned], "{code}");
    }
    // What is kept is not lowered by what the scan did not read.
    let high = reason("sudo", ReasonKind::Privilege, Severity::High);
    let known = || vec![with(&[counted(Severity::Critical), high.clone()])];
    let less = with(&[counted(Severity::Medium), low()]);
    let Record::Account(ada) = &plan.apply(known(), vec![less]).unwrap()[0] else { panic!("another kind") };
    let severities: Vec<_> = ada.reasons.iter().map(|reason| (&*reason.code, reason.severity)).collect();
    assert_eq!(
        severities[..],
        [("without_mfa", Severity::Critical), ("sudo", Severity::High), ("group", Severity::Low)]
    );
}

#[test]
fn a_reason_of_what_was_not_read_stands_once_as_it_was_known() {
    let power = |message: &str, subject: &str| {
        let reason = Reason::new("power", ReasonKind::Privilege, Severity::High, message, "look");
        reason.about(subject).drawn_from([Section::USERS, Section::LAST_LOGIN])
    };
    let with = |reasons| {
        let mut account = user("ada");
        account.reasons = reasons;
        account
    };
    let known = with(vec![power("on 3 devices", "g1")]);
    let scanned = with(vec![power("not known on how many", "g1"), power("not known on how many", "g2")]);
    let plan = summary(&[(Section::LAST_LOGIN, Some(SectionStatus::Skipped))]).replacement(&descriptor());
    let rows = plan.apply(vec![known.into()], vec![scanned.into()]).unwrap();
    let [Record::Account(ada)] = &rows[..] else { panic!("{rows:?}") };
    let mut messages: Vec<&str> = ada.reasons.iter().map(|reason| reason.message.as_str()).collect();
    messages.sort_unstable();
    assert_eq!(messages, ["not known on how many", "on 3 devices"]);
}

#[test]
fn a_kept_row_takes_what_a_whole_section_filled_in_and_an_absent_value_is_no_reason_to_drop_a_new_one() {
    let login = |service: &str| Some(LastLogin { service: Some(service.into()), ..LastLogin::default() });
    let as_administrator = |service| {
        let mut account = user("root");
        account.kind = crate::AccountKind::ADMINISTRATOR;
        account.last_login = login(service);
        account
    };
    let plan = summary(&[(Section::ADMINISTRATORS, Some(SectionStatus::Skipped))]).replacement(&descriptor());
    let rows = plan.apply(vec![as_administrator("old").into()], vec![as_administrator("new").into()]).unwrap();
    let [Record::Account(root)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(root.last_login, login("new"));

    let mut scanned = user("ada");
    scanned.last_login = login("first");
    let plan = summary(&[(Section::LAST_LOGIN, Some(SectionStatus::Skipped))]).replacement(&descriptor());
    let rows = plan.apply(vec![user("ada").into()], vec![scanned.clone().into()]).unwrap();
    assert_eq!(rows, [Record::from(scanned)]);
}
