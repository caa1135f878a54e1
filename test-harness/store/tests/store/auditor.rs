//! The page of questions: its SQL runs as it is on both databases, and its answers are right.

use connector_api::{
    Access, AccessLevel, Account, Binding, Descriptor, Field, Group, LastLogin, Membership, Policy, PolicyEffect,
    Protection, Reason, ReasonKind, Record, Resource, RowType, Section, SectionDescription, Severity, SignIn,
    SignInResult,
};
use connector_store::{Ended, Start};

use crate::backend::{Backend, on_both};
use crate::cluster::real_part;
use crate::support::{ANYTHING, config, start, summary};

on_both!(each_question_of_the_page_has_its_answer);

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/questions.md");

/// The SQL under each heading of the page, which is not there where the crate stands alone.
fn questions() -> Option<Vec<(String, String)>> {
    let page = real_part("page of questions", std::fs::read_to_string(PAGE).ok())?;
    let sections = page.split("\n## ").skip(1);
    let sql = sections.filter_map(|section| {
        let (heading, text) = section.split_once('\n')?;
        let (_, sql) = text.split_once("```sql\n")?;
        Some((heading.to_owned(), sql.split_once("```")?.0.trim_end().trim_end_matches(';').to_owned()))
    });
    Some(sql.collect())
}

fn descriptor() -> Descriptor {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let mut descriptor = Descriptor::new("Toy", "Toy", "1.0.0");
    descriptor.sections = vec![
        describe(Section::USERS).core().owning([RowType::new("account", "user")]),
        describe(Section::GROUPS).owning([RowType::new("group", "CREW")]),
        describe(Section::MEMBERSHIPS).owning([RowType::new("membership", "CREW")]),
        describe(Section::SYSTEMS).owning([RowType::new("resource", "system")]),
        describe(Section::GRANTS).owning(RowType::several("binding", ["accountToResource", "groupToResource"])),
        describe(Section::TEMPORARY_ACCESS).owning(RowType::several("binding", ["temporaryAccountToResource"])),
        describe(Section::CONDITIONAL_ACCESS).owning([RowType::new("policy", "signIn")]),
        describe(Section::LAST_LOGIN),
    ];
    descriptor.volatile = vec![Field::new("account", "lastLogin")];
    descriptor
}

/// An account that is privileged, if it has a severity.
fn account(name: &str, enabled: bool, severity: Option<Severity>, sign_in: SignInResult, login: &str) -> Account {
    let mut account = Account::new(format!("id of {name}"), name);
    account.enabled = Some(enabled);
    let reason = |severity| Reason::new("power", ReasonKind::Privilege, severity, "is administrator", "look");
    account.reasons = severity.map(reason).into_iter().collect();
    let mut protection = Protection::default();
    protection.portal = Some(SignIn::new(sign_in, "by the policies"));
    account.protection = Some(protection);
    let mut last = LastLogin::default();
    last.succeeded_at = Some(login.parse().unwrap());
    account.last_login = Some(last);
    account
}

/// The organisation on the days of three scans.
fn scans() -> [(&'static str, Vec<Record>); 3] {
    let (open, guarded) = (SignInResult::OPEN, SignInResult::SECOND_FACTOR);
    let lately = "2026-03-01T08:00:00Z";
    let maria = account("maria.keller", true, Some(Severity::Critical), open.clone(), lately);
    let jon = account("jon.berg", true, Some(Severity::High), guarded.clone(), "2025-11-11T08:00:00Z");
    let eve = account("eve.gone", false, Some(Severity::Low), open, lately);
    let tom = account("tom.new", true, None, guarded, lately);
    let (mut admins, staff) = (Group::new("1", "CREW", "Domain Admins"), Group::new("2", "CREW", "Staff"));
    admins.privileged = true;
    let (web, old) = (Resource::new("1", "system", "web-1"), Resource::new("2", "system", "old-1"));
    let sudo = Access::of_word(AccessLevel::Administer, "sudo");
    let login = Access::of_word(AccessLevel::Use, "login");
    let by_admins = Binding::new(&admins, &web).with_access(sudo.clone());
    let by_staff = Binding::new(&staff, &old).with_access(login);
    let mut for_a_while = Binding::new(&tom, &web).with_access(sudo);
    for_a_while.expires_at = Some("2026-03-20T12:00:00Z".parse().unwrap());
    for_a_while.request_id = Some("r1".into());
    let mut watched = Policy::new("1", "signIn", "Watched", PolicyEffect::DENY);
    (watched.enabled, watched.monitor_only) = (Some(true), Some(true));
    let mut strict = Policy::new("2", "signIn", "Strict", PolicyEffect::REQUIRE_SECOND_FACTOR);
    (strict.enabled, strict.monitor_only) = (Some(true), Some(false));
    let member = |account: &Account, group: &Group| Record::from(Membership::new(account, group));
    let always = |accounts: &[&Account]| {
        let mut rows: Vec<Record> = accounts.iter().map(|account| Record::from((*account).clone())).collect();
        rows.extend([Record::from(admins.clone()), staff.clone().into()]);
        rows
    };
    let things = |rest: Vec<Binding>| {
        let mut rows: Vec<Record> = vec![web.clone().into(), old.clone().into()];
        rows.extend(rest.into_iter().map(Record::from));
        rows.extend([Record::from(watched.clone()), strict.clone().into()]);
        rows
    };
    let at = |parts: [Vec<Record>; 3]| parts.concat();
    [
        (
            "2026-03-02T09:00:00Z",
            at([
                always(&[&maria, &jon, &eve]),
                vec![member(&maria, &staff), member(&jon, &admins), member(&eve, &staff)],
                things(vec![by_admins.clone(), by_staff.clone()]),
            ]),
        ),
        (
            "2026-03-04T09:00:00Z",
            at([
                always(&[&maria, &jon, &eve]),
                vec![member(&maria, &admins), member(&jon, &admins), member(&eve, &staff)],
                things(vec![by_admins.clone(), by_staff.clone()]),
            ]),
        ),
        (
            "2026-03-06T09:00:00Z",
            at([
                always(&[&maria, &jon, &eve, &tom]),
                vec![member(&maria, &admins), member(&eve, &staff)],
                things(vec![by_admins, by_staff, for_a_while]),
            ]),
        ),
    ]
}

/// The answers, line by line.
fn answer(question: &str) -> &'static [&'static str] {
    match question {
        "1." => &["jon.berg|high|is administrator", "maria.keller|critical|is administrator"],
        "2." => &["maria.keller|critical|open|"],
        "3." => &["maria.keller", "tom.new"],
        "4." => &["system|old-1|use"],
        "5." => &["tom.new|web-1|administer|2026-03-20 12:00"],
        "6." => &["new|account|tom.new|", "new|binding|tom.new|web-1", "gone|membership|jon.berg|Domain Admins"],
        "7." => &["maria.keller|Domain Admins|2", "tom.new|web-1|3"],
        "8." => &["eve.gone|old-1|use"],
        "9." => &["jon.berg|high"],
        "10." => &["Watched|deny"],
        "Before" => &["lastLogin|incomplete|2026-03-04 09:00"],
        other => panic!("a question without an answer: {other}"),
    }
}

fn each_question_of_the_page_has_its_answer(backend: &Backend) {
    let Some(questions) = questions() else { return };
    let (descriptor, config) = (descriptor(), config());
    for (at, rows) in scans() {
        let start = Start { now: at.parse().unwrap(), ..start(&descriptor, &config) };
        let mut scan = backend.open().begin(start).unwrap();
        scan.stage(&rows).unwrap();
        let not_whole: &[Section] = if at > "2026-03-05" { &[Section::LAST_LOGIN] } else { &[] };
        let mut summary = summary(&descriptor, not_whole);
        summary.started_at = at.parse().unwrap();
        assert!(matches!(scan.publish(&summary, ANYTHING).unwrap(), Ended::Published { .. }));
    }
    let mut asked = 0;
    for (heading, sql) in &questions {
        let first = heading.split(' ').next().unwrap();
        if first == "Metabase," {
            // As the role that it creates, all questions have the same answers.
            if backend.url.is_some() {
                backend.run(sql);
                for (heading, sql) in questions.iter().filter(|(heading, _)| !heading.starts_with("Metabase")) {
                    assert_answer(heading, &backend.table_as("auditor", sql));
                }
                assert!(backend.refuses("auditor", "select name from account_version"));
            }
            continue;
        }
        assert_answer(heading, &backend.table(sql));
        // Of the first scan nothing is new, whenever it was.
        assert_answer(heading, &backend.table(&sql.replace("c.at >= '2026-03-04'", "c.at >= '2026-01-01'")));
        asked += 1;
    }
    assert_eq!(asked, 11);
}

fn assert_answer(heading: &str, found: &[String]) {
    assert_eq!(found, answer(heading.split(' ').next().unwrap()), "{heading}");
}
