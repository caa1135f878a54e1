//! The check of the computed access against JumpCloud's own traversals.

use crate::support::console::{Console, Content, id};
use crate::support::{Scanned, connect, scan, simulated, small, start};
use connector_api::{Outcome, ScanPlan, ScanRequest, Section, SectionStatus, SystemConfig};
use jumpcloud_simulator::organization::{Kind, Node};
use jumpcloud_simulator::{Behaviour, Simulator, SimulatorOptions};
use serde_json::{Value, json};

async fn simulator(differences: &[&str]) -> Simulator {
    simulated_with(differences, small()).await
}

/// The same with few users: some own a device on which a group of theirs makes them administrators.
async fn of_owners(differences: &[&str]) -> Simulator {
    simulated_with(differences, SimulatorOptions { users: 14, groups: 16, systems: 60, ..small() }).await
}

async fn simulated_with(differences: &[&str], options: SimulatorOptions) -> Simulator {
    let behaviour = differences.iter().fold(Behaviour::observed(), |behaviour, one| behaviour.with(one).unwrap());
    start(SimulatorOptions { behaviour, events: Some(0), ..options }).await
}

fn verifying(system: SystemConfig, number: u16) -> SystemConfig {
    system.with_attribute("verifyGrants", number)
}

/// The notes of the check.
fn notes(scanned: &Scanned) -> Vec<String> {
    let notes = &scanned.summary.section(Section::GRANTS).unwrap().notes;
    notes.iter().filter(|note| note.contains("JumpCloud")).cloned().collect()
}

/// The warnings of the check.
fn warnings(scanned: &Scanned) -> Vec<String> {
    let warnings = &scanned.summary.warnings;
    warnings.iter().filter(|warning| warning.starts_with("verifyGrants: ")).cloned().collect()
}

async fn planned(system: SystemConfig) -> ScanPlan {
    connect(system).unwrap().plan(&ScanRequest::default()).await.unwrap().unwrap()
}

#[tokio::test]
async fn nothing_differs_where_jumpcloud_computes_access_as_the_scan_does() {
    for differences in [&[][..], &["path-attributes=sudo", "path-start=given"], &["null-edges=5%"]] {
        let simulator = simulator(differences).await;
        let scanned = scan(verifying(simulated(&simulator), 1000)).await;
        let [note] = &notes(&scanned)[..] else { panic!("{differences:?}: {:#?}", notes(&scanned)) };
        let applications = simulator.organization().census(Kind::Application).count();
        let objects = format!("of 40 devices and {applications} applications: of ");
        assert!(note.contains(&objects) && note.ends_with(" accesses, none differs"), "{note}");
        assert_eq!(warnings(&scanned), [""; 0], "there is nothing to warn of");
        let report = scanned.summary.section(Section::GRANTS).unwrap();
        // Null records cost requests beyond the plan, in lists of bindings as well.
        let is_quiet = differences != ["null-edges=5%"];
        assert!(!is_quiet || report.planned_requests == Some(report.requests), "{differences:?}: {report:#?}");
        assert_eq!(scanned.status(Section::GRANTS), &SectionStatus::Complete);
        let asked = simulator.requests();
        assert!(asked.of("systems.users") >= 40 && asked.of("applications.users") >= applications, "{asked:?}");
    }
}

#[tokio::test]
async fn a_direct_right_that_supersedes_is_found_named_and_changes_no_row() {
    let simulator = of_owners(&["direct-right=supersedes"]).await;
    let truth = simulator.organization();
    let system = simulated(&simulator);
    let (plain, scanned) = (scan(system.clone()).await, scan(verifying(system.clone(), 3)).await);
    assert_eq!(plain.records, scanned.records);
    assert!(notes(&plain).is_empty(), "{:?}", notes(&plain));
    // Those that can show it come first, so a few are enough.
    let notes = notes(&scanned);
    let differing = || notes.iter().filter(|note| note.starts_with("device "));
    assert!(notes[0].contains(" of 3 devices and 3 applications: of ") && notes[0].ends_with(" differ"), "{notes:#?}");
    assert!(differing().count() > 0, "{notes:#?}");
    for note in differing() {
        assert!(note.contains(": JumpCloud reports ") && note.contains(", the scan computes sudo"), "{note}");
        let device = truth.systems().find(|device| note.contains(&device.id)).unwrap();
        let user = truth.users().find(|user| note.contains(&user.id)).unwrap();
        let group = truth.reached(Node::new(Kind::User, user.index), Kind::System);
        let reached = group.iter().find(|reached| reached.node.index == device.index).unwrap();
        assert!(reached.direct && reached.sudo.enabled, "{note}");
        assert!(note.contains(&user.username), "{note}");
    }
    assert_eq!(scanned.summary.outcome, Outcome::Complete);
    let again = scan(verifying(system, 3)).await;
    assert_eq!(self::notes(&again), notes, "the choice is the same each time");
}

#[tokio::test]
async fn notes_stay_few_however_many_accesses_differ() {
    let simulator = of_owners(&["direct-right=supersedes"]).await;
    let scanned = scan(verifying(simulated(&simulator), 1000)).await;
    let notes = &scanned.summary.section(Section::GRANTS).unwrap().notes;
    let [warning] = &warnings(&scanned)[..] else { panic!("{:?}", scanned.summary.warnings) };
    let counts = notes[0].rsplit_once(": of ").unwrap().1;
    let (all, differ) = counts.trim_end_matches(" differ").split_once(" accesses, ").unwrap();
    assert!(
        warning.contains(&format!("{differ} of {all} compared accesses differ from what JumpCloud reports")),
        "{notes:#?}: {warning}"
    );
    assert!(notes[0].ends_with(" differ") && notes.len() <= 12, "{notes:#?}");
    let honest = scan(verifying(simulated(&of_owners(&[]).await), 1000)).await;
    assert_eq!(warnings(&honest), [""; 0]);
    assert!(self::notes(&honest)[0].ends_with(" accesses, none differs"), "{:#?}", self::notes(&honest));
}

#[tokio::test]
async fn nothing_is_asked_unless_the_operator_wants_it_and_the_plan_says_what_it_costs() {
    let simulator = simulator(&[]).await;
    let system = simulated(&simulator);
    scan(system.clone()).await;
    assert_eq!(simulator.requests().of("systems.users") + simulator.requests().of("applications.users"), 0);
    let of_grants = |plan: &ScanPlan| {
        plan.sections
            .iter()
            .find(|line| line.section == Section::GRANTS)
            .map(|line| (line.requests, line.because.clone()))
    };
    let (without, _) = of_grants(&planned(system.clone()).await).unwrap();
    let (with, because) = of_grants(&planned(verifying(system.clone(), 5)).await).unwrap();
    assert!(because.contains("to verify them"), "{because}");
    let made = scan(verifying(system, 5)).await.summary.section(Section::GRANTS).unwrap().requests;
    // How long the lists are is estimated from a few.
    assert!((10..=20).contains(&(with - without)) && made.abs_diff(with) <= 4, "{without}, {with}, made {made}");
}

/// Two users: one bound to the device directly, both in a group that is bound with sudo; and an application.
fn content(users: &Value, of_application: &Value) -> Content {
    let sudo = json!({"sudo": {"enabled": true, "withoutPassword": false}});
    let member = |number: u64| json!({"to": {"id": id(number), "type": "user"}});
    Content::default()
        .list("/api/systemusers", [1, 2].map(|number| json!({"_id": id(number), "username": format!("u{number}")})))
        .list(
            "/api/v2/usergroups",
            [json!({"id": id(10), "name": "Ops", "attributes": {}, "membershipMethod": "STATIC"})],
        )
        .list(&format!("/api/v2/usergroups/{}/members", id(10)), [member(1), member(2)])
        .list("/api/systems", [json!({"_id": id(30), "displayName": "srv \"1\""})])
        .list("/api/applications", [json!({"_id": id(50), "displayLabel": "Wiki"})])
        .edges(&format!("/api/v2/systems/{}/associations?targets=user_group", id(30)), "user_group", [(&*id(10), sudo)])
        .edges(&format!("/api/v2/systems/{}/associations?targets=user", id(30)), "user", [(&*id(1), json!(null))])
        .edges(
            &format!("/api/v2/applications/{}/associations?targets=user_group", id(50)),
            "user_group",
            [(&*id(10), json!(null))],
        )
        .list(&format!("/api/v2/systems/{}/users", id(30)), users.as_array().unwrap().clone())
        .list(&format!("/api/v2/applications/{}/users", id(50)), of_application.as_array().unwrap().clone())
}

fn row(number: u64, sudo: bool) -> Value {
    json!({"id": id(number), "type": "user", "paths": [], "compiledAttributes": {"sudo": {"enabled": sudo, "withoutPassword": false}}})
}

async fn noted(users: &Value, of_application: &Value) -> Vec<String> {
    let console: Console = content(users, of_application).serve().await;
    notes(&scan(verifying(console.system(), 1)).await)
}

#[tokio::test]
async fn users_and_levels_that_only_one_side_has_are_named_with_their_ids() {
    let both = json!([{"id": id(1), "type": "user"}, {"id": id(2), "type": "user", "compiledAttributes": null}]);
    let same = noted(&json!([row(1, true), row(2, true)]), &both).await;
    let compared = "compared with JumpCloud's traversals of 1 device and 1 application";
    assert_eq!(same, [format!("{compared}: of 4 accesses, none differs")]);
    let device = format!(r#"device "srv \"1\"" ({})"#, id(30));
    assert_eq!(
        noted(&json!([row(1, false), row(99, true)]), &json!([{"id": id(1)}])).await,
        [
            format!("{compared}: of 5 accesses, 4 differ"),
            format!("{device}, user \"u1\" ({}): JumpCloud reports login, the scan computes sudo", id(1)),
            format!("{device}, user {}: JumpCloud reports sudo, the scan computes no access", id(99)),
            format!("{device}, user \"u2\" ({}): JumpCloud reports no access, the scan computes sudo", id(2)),
            format!(
                "application \"Wiki\" ({}), user \"u2\" ({}): JumpCloud reports no access, the scan computes login",
                id(50),
                id(2)
            ),
        ]
    );
    // Without compiled attributes, there is no level to compare.
    assert_eq!(noted(&both, &both).await[0], format!("{compared}: of 4 accesses, 1 differs"), "null gives nothing");
}

#[tokio::test]
async fn what_a_users_own_flags_allow_is_no_difference_whether_it_is_compiled_or_not() {
    let own = |users: Value| {
        let user = json!({"_id": id(1), "username": "u1", "sudo": true, "passwordless_sudo": true});
        content(&users, &json!([])).list("/api/systemusers", [user, json!({"_id": id(2), "username": "u2"})])
    };
    let passwordless = json!({"id": id(1), "compiledAttributes": {"sudo": {"enabled": true, "withoutPassword": true}}});
    for users in [json!([row(1, true), row(2, true)]), json!([passwordless, row(2, true)])] {
        let console = own(users.clone()).serve().await;
        let notes = notes(&scan(verifying(console.system(), 1)).await);
        assert!(!notes.iter().any(|note| note.starts_with("device")), "{users}: {notes:#?}");
    }
}

#[tokio::test]
async fn a_check_that_is_refused_or_fails_changes_nothing_but_is_reported() {
    let path = format!("/api/v2/systems/{}/users", id(30));
    for (status, words) in [(403, "ended early"), (500, "ended early"), (404, "0 devices")] {
        let console = content(&json!([]), &json!([])).answer(&path, status, json!({"message": "no"})).serve().await;
        let system = console.system().with_attribute("retryWaitMilliseconds", 1).with_attribute("attempts", 2);
        let scanned = scan(verifying(system, 1)).await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{status}");
        let said = [notes(&scanned), warnings(&scanned)].concat();
        assert!(said.iter().any(|text| text.contains(words)), "{status}: {said:#?}");
        let early = warnings(&scanned).iter().any(|warning| warning.contains("ended early"));
        assert_eq!(early, status != 404, "what was deleted is no fault: {said:#?}");
        assert!(status == 404 || !notes(&scanned).iter().any(|note| note.contains("differ")), "nothing was compared");
        assert!(scanned.bindings().count() > 0);
    }
}

#[tokio::test]
async fn access_that_is_not_complete_is_not_compared() {
    let console =
        content(&json!([]), &json!([])).answer("/api/applications", 500, json!({"message": "no"})).serve().await;
    let system = console.system().with_attribute("retryWaitMilliseconds", 1).with_attribute("attempts", 2);
    let scanned = scan(verifying(system, 1)).await;
    let nothing = "verifyGrants: nothing was compared with JumpCloud's traversals, because";
    assert_eq!(warnings(&scanned), [format!("{nothing} applications is not complete")]);
    assert!(
        !console
            .asked()
            .iter()
            .any(|asked| asked.path.ends_with("/users") && asked.path.starts_with("/api/v2/systems/"))
    );
    let left_out = content(&json!([]), &json!([])).serve().await;
    let scanned = scan(verifying(left_out.system(), 1).with_attribute("includeGrants", false)).await;
    assert_eq!(warnings(&scanned), [format!("{nothing} grants is skipped")]);
    let scanned = scan(left_out.system().with_attribute("includeGrants", false)).await;
    assert_eq!(warnings(&scanned), [""; 0], "nobody asked for it");
    assert!(!left_out.asked().iter().any(|asked| asked.path.starts_with("/api/v2/systems/")));
}
