//! A small organisation with odd names, and the summary of a scan of it.

use connector_api::{
    Access, AccessLevel, Account, Binding, Descriptor, Field, Group, Membership, Mfa, Reason, ReasonKind, Record,
    Resource, RowType, ScanLedger, ScanSummary, Section, SectionDescription, SectionReport, SectionStatus, Severity,
    SystemConfig,
};

pub const SCRIPT: &str = "<script>alert(document.cookie)</script>";
pub const REVERSED: &str = "invoice-\u{202e}fdp.exe";
pub const BROKEN: &str = "Bobby\r\nTables \"'&";

pub fn descriptor() -> Descriptor {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let mut descriptor = Descriptor::new("Toy", "Toy", "1.0.0");
    descriptor.sections = vec![
        describe(Section::USERS).core().owning([RowType::new("account", "user")]),
        describe(Section::GROUPS).core().owning([RowType::new("group", "CREW")]),
        describe(Section::MEMBERSHIPS).core().owning([RowType::new("membership", "CREW")]),
        describe(Section::SYSTEMS).owning([RowType::new("resource", "system"), RowType::new("resource", "rack")]),
        describe(Section::GRANTS).owning(RowType::several("binding", ["accountToResource", "groupToResource"])),
        describe(Section::of("nesting")).owning(RowType::several("binding", ["resourceToResource"])),
        // It keeps no rows: they are computed again.
        describe(Section::PRIVILEGED_GRANTS)
            .drawn_from([Section::GRANTS])
            .owning([RowType::new("grant", "privileged")]),
    ];
    descriptor.volatile = vec![Field::new("account", "lastLogin")];
    descriptor.accesses = vec![login(), sudo(), without_password()];
    descriptor
}

pub fn login() -> Access {
    Access::of_word(AccessLevel::Use, "login")
}

pub fn sudo() -> Access {
    Access::of_word(AccessLevel::Administer, "sudo")
}

pub fn without_password() -> Access {
    Access::of_word(AccessLevel::Administer, "sudoWithoutPassword")
}

/// The summary of a scan in which all sections are complete but those given.
pub fn summary(config: &SystemConfig, not_whole: &[Section]) -> ScanSummary {
    let descriptor = descriptor();
    let mut ledger = ScanLedger::start(&descriptor, config);
    for described in &descriptor.sections {
        let status = match not_whole.contains(&described.section) {
            true => SectionStatus::Incomplete {
                error: connector_api::ConnectorError::new(
                    connector_api::ErrorCode::ServerError,
                    "the target answered 503",
                    "try again later",
                ),
            },
            false => SectionStatus::Complete,
        };
        ledger.close(SectionReport::new(described.section, status));
    }
    ledger.finish(Ok(())).unwrap_or_else(|failure| failure.into_summary())
}

fn reason(severity: Severity) -> Reason {
    Reason::new(
        "sudo_on_systems",
        ReasonKind::Privilege,
        severity,
        format!("is administrator because of {REVERSED}"),
        "check who needs this",
    )
}

/// `users` accounts, every second of them privileged, three with odd names; a group that all are in, bound with `access` to a
/// rack with two devices; one account that is also bound to a device itself.
pub fn rows(users: usize, access: Access) -> Vec<Record> {
    let mut rows = Vec::<Record>::new();
    let names = [SCRIPT, REVERSED, BROKEN];
    let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let mut accounts = Vec::new();
    for number in 0..users {
        let name = names.get(number).map_or_else(|| format!("user{number:04}"), |name| (*name).to_owned());
        let mut account = Account::new(format!("id/{number:04}"), name);
        account.display_name = Some(names[number % 3].to_owned());
        account.email = Some(format!("User{number:04}@Example.com"));
        account.enabled = Some(number % 5 != 4);
        let mut mfa = Mfa::default();
        mfa.configured = Some(number % 3 == 0);
        account.mfa = Some(mfa);
        if number % 2 == 0 {
            account.reasons = vec![reason(severities[number / 2 % 4])];
        }
        accounts.push(account);
    }
    let group = Group::new("g?1", "CREW", SCRIPT);
    let rack = {
        let mut rack = Resource::new("r&1", "rack", "Rack <b>");
        rack.container = true;
        rack
    };
    let devices = [Resource::new("d=1", "system", REVERSED), Resource::new("d2", "system", "srv-2")];
    rows.extend(accounts.iter().cloned().map(Record::from));
    rows.push(group.clone().into());
    rows.extend(accounts.iter().map(|account| Membership::new(account, &group).into()));
    rows.push(rack.clone().into());
    rows.extend(devices.iter().cloned().map(Record::from));
    rows.push(Binding::new(&group, &rack).with_access(access).into());
    rows.push(Binding::new(&accounts[0], &devices[0]).with_access(login()).into());
    rows.extend(devices.iter().map(|device| Binding::new(device, &rack).into()));
    rows
}
