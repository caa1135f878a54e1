//! Text of the target that would run in a spreadsheet, or steer a terminal.

use std::path::Path;

use connector_api::{
    Access, AccessLevel, Account, AccountKind, AccountLink, Binding, ConnectorError, Credential, Descriptor, ErrorCode,
    Group, Membership, Policy, PolicyEffect, Reason, ReasonKind, Record, Resource, RowType, ScanLedger, ScanSummary,
    Section, SectionDescription, SectionReport, SectionStatus, Severity, SystemConfig,
};
use connector_store::{Ended, Exception, Fence, Hold, Location, Start, Store};
use jiff::Timestamp;

use crate::support::{file_of, harness, run};

fn descriptor() -> Descriptor {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let mut descriptor = Descriptor::new("Toy", "Toy", "1.0.0");
    descriptor.sections = vec![
        describe(Section::USERS).core().owning([RowType::new("account", "user")]),
        describe(Section::GROUPS).owning([RowType::new("group", "CREW")]),
        describe(Section::MEMBERSHIPS).owning([RowType::new("membership", "CREW")]),
        describe(Section::SYSTEMS).owning([RowType::new("resource", "system")]),
        describe(Section::GRANTS).owning(RowType::several("binding", ["accountToResource", "groupToResource"])),
        describe(Section::CONDITIONAL_ACCESS).owning([RowType::new("policy", "signIn")]),
    ];
    descriptor
}

/// An organisation in which every text begins as `odd` says. What differs between two steps is new, gone and changed.
fn organisation(odd: &str, step: u32) -> Vec<Record> {
    let text = |of: &str| format!("{odd}{of}");
    let account = |id: &str| {
        let mut account = Account::new(id, text(&format!("account {id}")));
        account.display_name = Some(text("display name"));
        account.email = Some(text("address"));
        account.department = Some(text(&format!("department {step}")));
        account.attributes = [("note", text(&format!("note {step}")).into())].into();
        let mut reason = Reason::new("power", ReasonKind::Privilege, Severity::High, text("message"), text("remedy"));
        reason.subject = Some(text("subject"));
        account.reasons = vec![reason];
        account
    };
    let (mut one, two, either) = (account("1"), account("2"), account(&format!("{}", 3 + step)));
    one.links = vec![AccountLink::new("2", AccountKind::USER, text("evidence"))];
    let (mut staff, mut web) = (Group::new("7", "CREW", text("group")), Resource::new("8", "system", text("resource")));
    staff.reasons = one.reasons.clone();
    staff.description = Some(text(&format!("description {step}")));
    web.reasons = one.reasons.clone();
    web.os = Some(text("os"));
    let mut policy = Policy::new("9", "signIn", text("policy"), PolicyEffect::DENY);
    policy.description = Some(text(&format!("description {step}")));
    let of_group = Binding::new(&staff, &web).with_access(Access::new(AccessLevel::Use, text("login")));
    let of_account = Binding::new(&two, &web).with_access(Access::new(AccessLevel::Administer, text("sudo")));
    let members = [Membership::new(&one, &staff), Membership::new(&either, &staff)];
    let mut rows: Vec<Record> = [one, two, either].map(Record::from).to_vec();
    rows.extend([staff.into(), web.into(), policy.into(), of_group.into()]);
    rows.extend(members.map(Record::from));
    if step == 1 {
        rows.push(of_account.into());
    }
    rows
}

fn summary(descriptor: &Descriptor, config: &SystemConfig, failed: Option<ConnectorError>) -> ScanSummary {
    let mut ledger = ScanLedger::start(descriptor, config);
    for described in &descriptor.sections {
        let status = match &failed {
            Some(error) if described.section == Section::USERS => SectionStatus::Incomplete { error: error.clone() },
            _ => SectionStatus::Complete,
        };
        ledger.close(SectionReport::new(described.section, status));
    }
    ledger.finish(Ok(())).unwrap_or_else(|failure| failure.into_summary())
}

/// A file of such rows. Their ids are odd, too.
pub fn rows(odd: &str) -> String {
    let config = SystemConfig::new("Toy", "toy", Credential::from_secret("hunter2")).with_name(odd);
    let mut summary = serde_json::to_value(summary(&descriptor(), &config, None)).unwrap();
    summary["record"] = "summary".into();
    let rows = organisation(odd, 1).into_iter().map(|row| serde_json::to_value(row).unwrap());
    let with_odd_ids = |mut row: serde_json::Value| {
        odd_ids(&mut row, odd);
        row
    };
    file_of(rows.map(with_odd_ids).chain([summary]).collect())
}

fn odd_ids(value: &mut serde_json::Value, odd: &str) {
    use serde_json::Value;
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Value::String(id) if name.ends_with("xternalId") => *id = format!("{odd}{id}"),
            _ => odd_ids(value, odd),
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| odd_ids(item, odd)),
        _ => {}
    }
}

/// A store with two published runs, one that is held, one that failed, and an exception that has expired.
fn store(file: &Path, odd: &str) -> String {
    let location = Location::sqlite(file);
    let descriptor = descriptor();
    let config = SystemConfig::new("Toy", "toy", Credential::from_secret("hunter2")).with_name("hq");
    // One connection for all scans: a process that another test starts may hold the lock of a file that was just closed.
    let mut store = Store::open(&location).unwrap();
    let mut scan = |rows: &[Record], failed: Option<ConnectorError>, hold: Hold| {
        let (now, fence) = (Timestamp::now(), Fence::Own);
        let start = Start { name: "hq", descriptor: &descriptor, config: &config, fence, now, fresh: true };
        let mut scan = std::mem::replace(&mut store, Store::in_memory().unwrap()).begin(start).unwrap();
        scan.stage(rows).unwrap();
        let (kept, ended) = scan.publish_and_keep(&summary(&descriptor, &config, failed), hold, &[]).unwrap();
        store = kept;
        ended
    };
    let anything = Hold { above_percent: 100, at_least: 0 };
    for step in [0, 1] {
        let ended = scan(&organisation(odd, step), None, anything);
        assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
    }
    let ended = scan(&organisation(odd, 1)[1..], None, Hold { above_percent: 0, at_least: 0 });
    assert!(matches!(ended, Ended::Held { .. }), "{ended:?}");
    let error = ConnectorError::new(ErrorCode::ServerError, format!("{odd}failed"), format!("{odd}look"));
    let ended = scan(&organisation(odd, 1), Some(error), anything);
    assert!(matches!(ended, Ended::Failed { .. }), "{ended:?}");
    let system = store.systems().unwrap().remove(0);
    let mut ids = Vec::new();
    store
        .findings(&system, 2, &mut |finding| {
            ids.push(finding.id);
            Ok(())
        })
        .unwrap();
    let except = |(at, id): (usize, &String)| {
        let expires = Timestamp::now() + jiff::SignedDuration::from_hours(if at == 0 { -1 } else { 1 });
        Exception { id: id.clone(), reason: "agreed".to_owned(), expires, by: Some("ada".to_owned()) }
    };
    store.except(&system, 2, &ids.iter().take(2).enumerate().map(except).collect::<Vec<_>>()).unwrap();
    // Earlier versions took any text.
    let sql = "update finding_exception set reason = ?1 || reason, accepted_by = ?1 || accepted_by";
    assert_eq!(rusqlite::Connection::open(file).unwrap().execute(sql, [odd]).unwrap(), 2);
    location.to_string()
}

/// The questions whose answers contain text of the target.
const QUESTIONS: &[&[&str]] = &[
    &["history"],
    &["diff"],
    &["why", "1"],
    &["why", "1", "--linked"],
    &["who", "8"],
    &["who", "8", "--linked"],
    &["findings"],
];

/// The cells of a sheet.
fn cells(sheet: &str) -> Vec<String> {
    let sheet = sheet.trim_start_matches('\u{feff}');
    let mut sheet = csv::ReaderBuilder::new().has_headers(false).from_reader(sheet.as_bytes());
    let rows: Vec<csv::StringRecord> = sheet.records().map(Result::unwrap).collect();
    assert!(rows.len() > 1, "{rows:?}");
    rows.iter().flat_map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn no_cell_of_any_sheet_is_a_formula_whatever_the_target_calls_things() {
    for odd in ["=", "+", "-", "@", "\t=", "\r="] {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder.path().join("kept.db"), odd);
        let check = |what: &str, cells: Vec<String>| {
            let begins = |cell: &&String| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            assert_eq!(cells.iter().find(begins), None, "{odd:?} in {what}");
            assert!(cells.iter().any(|cell| cell.starts_with(&format!("'{odd}"))), "{odd:?} is not in {what}");
        };
        for question in QUESTIONS {
            let answer = run(&mut harness([question, &["--format", "csv", "--store", &store][..]].concat()));
            assert_eq!(answer.code, 0, "{answer:?}");
            // Names of what a held scan would remove stand within a text.
            if question[0] != "history" || answer.stdout.contains(&format!(",{odd}")) {
                check(&format!("{question:?}"), cells(&answer.stdout));
            }
        }
        let sheets = folder.path().join("sheets");
        let exported = run(harness(["export", "--store", &store, "--format", "csv", "--output"]).arg(&sheets));
        assert_eq!(exported.code, 0, "{exported:?}");
        for kind in ["accounts", "groups", "memberships", "resources", "bindings", "policies"] {
            let sheet = std::fs::read_to_string(sheets.join(kind).with_extension("csv")).unwrap();
            check(kind, cells(&sheet));
        }
    }
}

#[test]
fn no_text_of_the_target_steers_the_terminal_or_makes_lines_of_its_own() {
    let steers = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    for odd in ["\u{1b}[31m", "\u{9b}31m", "line\nCRITICAL", "\u{202e}", "\r\u{7}", "\u{1b}]0;title\u{7}"] {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder.path().join("kept.db"), odd);
        let forget = &["store", "forget", "--linked", "--person", "1"][..];
        let unknown = &["why", "nobody\u{1b}[31m"][..];
        let commands = QUESTIONS.iter().copied().chain([forget, &["store", "forget", "--person", "1"], unknown]);
        for command in commands {
            for columns in [None, Some("60")] {
                let mut harness = harness([command, &["--store", &store][..]].concat());
                if let Some(columns) = columns {
                    harness.env("COLUMNS", columns);
                }
                let answer = run(&mut harness);
                assert_eq!(answer.code, if command == unknown { 2 } else { 0 }, "{command:?}: {answer:?}");
                for text in [&answer.stdout, &answer.stderr] {
                    assert_eq!(text.find(steers), None, "{odd:?} in {command:?}: {text:?}");
                    assert!(!text.lines().any(|line| line.starts_with("CRITICAL")), "{command:?}: {text}");
                }
            }
        }
    }
}
