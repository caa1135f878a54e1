//! Which effective grants are rows, and what stays the same whichever are.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{ErrorCode, Grant, Outcome, Record, Section, SystemConfig};
use jumpcloud_simulator::SimulatorOptions;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::bindings::assert_makes;
use crate::support::console::{Content, id};
use crate::support::{Scanned, scan, simulated, small, start};

const MODES: [&str; 3] = ["privileged", "all", "none"];

pub(crate) async fn in_mode(system: &SystemConfig, mode: &str) -> Scanned {
    scan(system.clone().with_attribute("effectiveGrants", mode)).await
}

fn status(scanned: &Scanned, section: Section) -> &'static str {
    scanned.status(section).as_str()
}

pub(crate) fn text(row: &impl serde::Serialize) -> String {
    serde_json::to_string(row).unwrap()
}

fn grants(scanned: &Scanned) -> Vec<String> {
    scanned.grants().map(text).collect()
}

fn but_grants(scanned: &Scanned) -> Vec<String> {
    scanned.records.iter().filter(|record| !matches!(record, Record::Grant(_))).map(text).collect()
}

/// Scans in each mode: which sections are complete, that all other rows are the same to the byte and in the same order,
/// and that these make the grants of all, row for row. Returns the scan with all grants.
async fn assert_modes(system: &SystemConfig, context: &str) -> Scanned {
    let all = in_mode(system, "all").await;
    for mode in MODES {
        let context = format!("{context}, {mode}");
        let scanned = if mode == "all" { all.clone() } else { in_mode(system, mode).await };
        let statuses = [Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS].map(|section| status(&scanned, section));
        let (expected, is_row): (_, fn(&Grant) -> bool) = match mode {
            "all" => (["complete", "complete"], |_| true),
            "privileged" => (["complete", "skipped"], Grant::is_privileged),
            _ => (["skipped", "skipped"], |_| false),
        };
        assert_eq!(statuses, expected, "{context}");
        let expected: Vec<String> = all.grants().filter(|grant| is_row(grant)).map(text).collect();
        assert_eq!(grants(&scanned), expected, "{context}");
        let (found, expected) = (but_grants(&scanned), but_grants(&all));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{context}");
        }
        assert_eq!(found.len(), expected.len(), "{context}");
        assert_makes(&scanned, &all, &context);
    }
    all
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// The seeds of a property: `CASES` many, or `SEED` alone.
fn seeds() -> std::ops::Range<u64> {
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CASES").unwrap_or(12),
    }
}

/// What occurs in the grants of the organisations that were drawn.
#[derive(Debug, Default)]
struct Occurs {
    privileged: usize,
    other: usize,
    raised: usize,
    nested: usize,
    in_device_groups: usize,
}

impl Occurs {
    fn count(&mut self, scanned: &Scanned) {
        let paths = || scanned.grants().flat_map(|grant| &grant.via);
        let privileged = scanned.grants().filter(|grant| grant.is_privileged()).count();
        self.privileged += privileged;
        self.other += scanned.grants().count() - privileged;
        self.raised += paths().filter(|path| path.raised_by.is_some()).count();
        self.nested += paths().filter(|path| path.steps.len() > 2).count();
        self.in_device_groups +=
            paths().filter(|path| path.steps.iter().any(|step| step.group_type == "systemGroup")).count();
    }

    #[track_caller]
    fn assert_everything_does(&self) {
        let Self { privileged, other, raised, nested, in_device_groups } = *self;
        let counts = [privileged, other, raised, nested, in_device_groups];
        assert!(number("SEED").is_some() || number("CASES") == Some(0) || !counts.contains(&0), "{self:?}");
    }
}

/// `CASES=500 cargo test -p connector-jumpcloud --test discovery effective_grants` draws five hundred organisations of each
/// kind; a failure names the `SEED` that draws its own again, alone.
#[tokio::test]
async fn each_mode_is_a_set_of_whole_sections_changes_no_other_row_and_these_make_all_grants_again() {
    let mut occurs = Occurs::default();
    for seed in seeds() {
        let dice = &mut ChaCha8Rng::seed_from_u64(seed);
        let (users, groups, systems) = (dice.random_range(0..150), dice.random_range(0..40), dice.random_range(0..60));
        let options = SimulatorOptions { seed, users, groups, systems, events: Some(20), ..small() };
        let simulator = start(options).await;
        occurs.count(&assert_modes(&simulated(&simulator), &format!("SEED={seed}")).await);
    }
    occurs.assert_everything_does();
}

/// A graph as no administrator would draw it: groups in each other in cycles, several ways to everything, and sudo on
/// users, groups and bindings alike.
fn tangle(seed: u64) -> Content {
    const USERS: std::ops::Range<u64> = 0..7;
    const GROUPS: std::ops::Range<u64> = 10..17;
    const SYSTEMS: std::ops::Range<u64> = 20..26;
    const SYSTEM_GROUPS: std::ops::Range<u64> = 30..33;
    const APPLICATIONS: std::ops::Range<u64> = 40..42;
    let dice = &mut ChaCha8Rng::seed_from_u64(seed);
    let share = dice.random_range(0.05..0.4);
    let sudo = |dice: &mut ChaCha8Rng| {
        let sudo = json!({"sudo": {"enabled": dice.random_bool(0.6), "withoutPassword": dice.random_bool(0.4)}});
        if dice.random_bool(0.5) { sudo } else { json!(null) }
    };
    let mut pairs = |from: std::ops::Range<u64>, to: std::ops::Range<u64>| -> Vec<(u64, u64, Value)> {
        let all = from.flat_map(|from| to.clone().map(move |to| (from, to))).filter(|(from, to)| from != to);
        let all: Vec<_> = all.collect();
        all.into_iter().filter(|_| dice.random_bool(share)).map(|(from, to)| (from, to, json!(null))).collect()
    };
    let mut members = vec![
        ("usergroups", "user", pairs(GROUPS, USERS)),
        ("usergroups", "user_group", pairs(GROUPS, GROUPS)),
        ("systemgroups", "system", pairs(SYSTEM_GROUPS, SYSTEMS)),
    ];
    let mut bindings = Vec::new();
    for (kind, path, to) in [
        ("system", "systems", SYSTEMS),
        ("system_group", "systemgroups", SYSTEM_GROUPS),
        ("application", "applications", APPLICATIONS),
    ] {
        bindings.push((("user", "users"), (kind, path), pairs(USERS, to.clone())));
        bindings.push((("user_group", "usergroups"), (kind, path), pairs(GROUPS, to)));
    }
    let mut lists: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let edge =
        |kind: &str, to: u64, attributes: &Value| json!({"attributes": attributes, "to": {"id": id(to), "type": kind}});
    for (path, kind, pairs) in members.drain(..) {
        for (of, member, none) in pairs {
            lists.entry(format!("/api/v2/{path}/{}/members", id(of))).or_default().push(edge(kind, member, &none));
        }
    }
    // Whichever end is asked.
    for ((from_kind, from_path), (to_kind, to_path), pairs) in bindings {
        for (from, to, _) in pairs {
            let attributes = sudo(dice);
            let at = |path: &str, number| format!("/api/v2/{path}/{}/associations", id(number));
            lists.entry(at(from_path, from)).or_default().push(edge(to_kind, to, &attributes));
            lists.entry(at(to_path, to)).or_default().push(edge(from_kind, from, &attributes));
        }
    }
    let user = |number: u64| {
        let (sudo, passwordless) = (dice.random_bool(0.3), dice.random_bool(0.3));
        json!({"_id": id(number), "username": format!("u{number}"), "sudo": sudo, "passwordless_sudo": passwordless})
    };
    let users: Vec<Value> = USERS.map(user).collect();
    let groups: Vec<Value> = GROUPS
        .map(|number| json!({"id": id(number), "name": format!("g{number}"), "attributes": sudo(dice)}))
        .collect();
    let content = lists.into_iter().fold(Content::default(), |content, (path, rows)| content.list(&path, rows));
    content
        .list("/api/systemusers", users)
        .list("/api/v2/usergroups", groups)
        .list("/api/systems", SYSTEMS.map(|number| json!({"_id": id(number), "hostname": format!("h{number}")})))
        .list(
            "/api/v2/systemgroups",
            SYSTEM_GROUPS.map(|number| json!({"id": id(number), "name": format!("s{number}")})),
        )
        .list(
            "/api/applications",
            APPLICATIONS.map(|number| json!({"_id": id(number), "displayLabel": format!("a{number}")})),
        )
}

#[tokio::test]
async fn the_modes_agree_in_graphs_full_of_cycles_and_ways_too() {
    let (mut occurs, mut cut) = (Occurs::default(), 0);
    for seed in seeds() {
        let console = tangle(seed).serve().await;
        let all = assert_modes(&console.system(), &format!("SEED={seed}")).await;
        occurs.count(&all);
        cut += all.grants().filter(|grant| grant.more_paths > 0).count();
    }
    occurs.assert_everything_does();
    assert!(number("SEED").is_some() || cut > 0, "more ways than are shown occur");
}

#[tokio::test]
async fn privileged_grants_are_the_default() {
    let simulator = start(small()).await;
    let mut system = simulated(&simulator);
    system.attributes.shift_remove("effectiveGrants");
    assert_eq!(grants(&scan(system.clone()).await), grants(&in_mode(&system, "privileged").await));
}

#[tokio::test]
async fn without_bindings_there_are_no_effective_grants_whatever_the_mode() {
    let simulator = start(small()).await;
    for mode in MODES {
        let scanned = in_mode(&simulated(&simulator).with_attribute("includeGrants", false), mode).await;
        for section in [Section::GRANTS, Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS] {
            assert_eq!(status(&scanned, section), "skipped", "{mode}: {section}");
        }
    }
}

/// The status of the sections of effective grants, and how many rows each has.
pub(crate) fn ended(scanned: &Scanned) -> [(&'static str, u64); 2] {
    [Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS]
        .map(|section| (status(scanned, section), scanned.summary.section(section).unwrap().records))
}

#[tokio::test]
async fn a_limit_ends_a_section_of_effective_grants_as_incomplete_and_nothing_else() {
    let simulator = start(small()).await;
    let system = simulated(&simulator);
    let all = in_mode(&system, "all").await;
    let [(_, privileged), (_, other)] = ended(&all);
    assert!(1 < privileged && privileged < other);
    // The border of each section in each mode: as many as the limit allows, and one more.
    for (mode, limit, expected) in [
        ("all", other, [("complete", privileged), ("complete", other)]),
        ("all", other - 1, [("complete", privileged), ("incomplete", other - 1)]),
        ("all", privileged, [("complete", privileged), ("incomplete", privileged)]),
        ("all", privileged - 1, [("incomplete", privileged - 1), ("incomplete", privileged - 1)]),
        ("privileged", privileged, [("complete", privileged), ("skipped", 0)]),
        ("privileged", privileged - 1, [("incomplete", privileged - 1), ("skipped", 0)]),
        ("privileged", 1, [("incomplete", 1), ("skipped", 0)]),
        ("none", 1, [("skipped", 0), ("skipped", 0)]),
    ] {
        let context = format!("{mode}, at most {limit}");
        let limited = in_mode(&system.clone().with_attribute("effectiveGrantsLimit", limit), mode).await;
        assert_eq!(ended(&limited), expected, "{context}");
        assert_eq!(but_grants(&limited), but_grants(&all), "{context}");
        let sent: BTreeSet<String> = grants(&limited).into_iter().collect();
        assert!(sent.is_subset(&grants(&all).into_iter().collect()), "{context}");
        let whole = expected.iter().all(|(status, _)| *status != "incomplete");
        assert_eq!(limited.summary.outcome, if whole { Outcome::Complete } else { Outcome::Incomplete }, "{context}");
        for report in &limited.summary.sections {
            let Some(error) = report.status.error() else { continue };
            assert_eq!((error.code, report.status.as_str()), (ErrorCode::LimitExceeded, "incomplete"), "{context}");
            assert!(error.message.contains(&limit.to_string()), "{context}: {error}");
            let smaller = if report.section == Section::OTHER_GRANTS { "to privileged or none" } else { "to none" };
            for part in ["raise effectiveGrantsLimit", "effectiveGrants ", smaller] {
                assert!(error.remedy.contains(part), "{context}: {}", error.remedy);
            }
        }
    }
}
