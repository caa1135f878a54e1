//! The commands of a fleet, one after the other.

use jumpcloud_simulator::{Organization, Simulator, SimulatorOptions};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::fleet::{Fleet, signal};
use crate::support::{harness, run};

#[tokio::test(flavor = "multi_thread")]
async fn systems_are_added_scanned_shown_and_asked_about() {
    let Some(fleet) = Fleet::new() else { return };
    let options = SimulatorOptions { users: 60, groups: 5, systems: 5, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await.unwrap();
    fleet.credentials(&[("acme", simulator.api_key()), ("wrong", "5f3ac2hunter2")]);
    let url = simulator.url();
    let csv = format!(
        "name,hostname,credential,priority,schedule,attributes.includeLastLogin\n\
                       branch,{url},acme,7,every 6h,false\nlocked-out,{url},wrong,,,\n"
    );
    std::fs::write(fleet.path("systems.csv"), csv).unwrap();

    let added = fleet.json(&["add", "hq", "--hostname", &url, "--credential", "acme", "--cap", "2"]);
    assert_eq!((&added["added"], &added["changed"]), (&1.into(), &0.into()));
    let added = fleet.json(&["add", "--csv", fleet.path("systems.csv").to_str().unwrap()]);
    assert_eq!(added["added"], 2);
    let list = fleet.json(&["list"]);
    assert_eq!(list[0]["system"], "branch");
    assert_eq!((&list[0]["priority"], &list[0]["schedule"]), (&7.into(), &"every 6h".into()));
    let attributes = fleet.sql("select attributes from fleet.system where name = 'branch'");
    assert_eq!(attributes, [r#"{"includeLastLogin": false}"#]);

    assert_eq!(fleet.json(&["enqueue", "--all"])["requested"], 3);
    let mut worker = fleet.worker("log", &["--lease", "5s"]);
    let ended = |status: &serde_json::Value| status["runs"]["complete"] == 2 && status["runs"]["failed"] == 1;
    let status = fleet.until("two complete and one failed", ended);
    assert_eq!(
        (&status["failed"][0]["system"], &status["failed"][0]["code"]),
        (&"locked-out".into(), &"unauthorized".into())
    );
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", worker.0.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    signal(&worker, Signal::SIGTERM);
    assert!(worker.0.wait().unwrap().success());

    let text = fleet.run(&["status"]);
    for part in ["3 systems, 0 workers", "2 complete, 0 held, 1 failed", "locked-out", "unauthorized: "] {
        assert!(text.stdout.contains(part), "{part}: {text:?}");
    }
    let text = fleet.run(&["list"]);
    assert!(text.stdout.lines().count() == 4 && text.stdout.contains("complete"), "{text:?}");
    let sheet = fleet.run(&["list", "--format", "csv"]);
    assert!(sheet.stdout.contains("\r\nbranch,JumpCloud,"), "{sheet:?}");
    let users_now = "select system, count(*) from account_now where kind = 'user' group by 1 order by 1";
    assert_eq!(fleet.sql(users_now), ["branch|60", "hq|60"]);
    let log = std::fs::read_to_string(fleet.path("log")).unwrap();
    assert!(log.contains(r#""system":"branch""#) && log.contains(r#""run":"#), "{log}");
    fleet.assert_hides(simulator.api_key());
    fleet.assert_hides("5f3ac2hunter2");

    let none = fleet.run(&["enqueue", "nowhere"]);
    none.assert_error(2, "invalid_config", "fleet list");
    assert_eq!(fleet.json(&["retry", "--all"])["requested"], 1);
    assert_eq!(fleet.json(&["cancel", "locked-out"])["cancelled"], 1);

    // Out of the fleet, but not out of the store, until the command that is printed has removed it there.
    fleet.run(&["remove", "hq", "brnach"]).assert_error(2, "invalid_config", "did you mean branch?");
    let removed = fleet.run(&["remove", "branch"]);
    let forget = r#"harness store forget --system --name "branch""#;
    assert!(removed.code == 0 && removed.stdout.starts_with("1 system removed, 0 runs cancelled."), "{removed:?}");
    assert!(removed.stdout.lines().any(|line| line.trim() == forget), "{removed:?}");
    assert_eq!(fleet.sql(users_now), ["branch|60", "hq|60"]);
    let mut forget = harness(["store", "forget", "--system", "--name", "branch", "--yes"]);
    assert_eq!(run(forget.env("ORBISID_STORE", &fleet.url)).code, 0);
    assert_eq!(fleet.sql(users_now), ["hq|60"]);
    let removed = fleet.json(&["remove", "hq"]);
    assert_eq!(removed, json!({ "systems": ["hq"], "cancelled": 0, "kept": ["hq"] }));
    fleet.json(&["remove", "locked-out"]);
    assert_eq!(fleet.json(&["remove", "--credential", "acme"]), json!({ "credential": "acme" }));
    assert_eq!(fleet.json(&["list"]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_organisations_of_a_provider_are_added_and_scanned() {
    let Some(fleet) = Fleet::new() else { return };
    let options =
        SimulatorOptions { users: 20, groups: 4, systems: 4, organizations: 3, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await.unwrap();
    fleet.credentials(&[("msp", simulator.api_key())]);
    let credentials = fleet.path("credentials.toml");
    let url = simulator.url();
    let add = ["add", "msp", "--all-organizations", "--credential", "msp", "--hostname", &url, "--cap", "2"];
    let add = [&add[..], &["--set", "includeLastLogin=false", "--credentials", credentials.to_str().unwrap()]].concat();
    let listed = fleet.json(&add);
    assert_eq!((&listed["organizations"], &listed["added"], &listed["gone"]), (&3.into(), &3.into(), &0.into()));
    let text = fleet.run(&add);
    assert!(text.stdout.contains("3 organisations") && text.stdout.contains("may see only some"), "{text:?}");
    let systems = fleet.sql("select name from fleet.system order by organization");
    let named = |organization: &std::sync::Arc<Organization>| {
        let id = organization.organization_id();
        let name = organization.listed_name().unwrap_or_else(|| id.clone());
        (id, format!("msp / {name}"))
    };
    let mut expected: Vec<(String, String)> = simulator.organizations().iter().map(named).collect();
    expected.sort();
    assert_eq!(systems, expected.into_iter().map(|(_, name)| name).collect::<Vec<_>>());
    assert_eq!(fleet.json(&["enqueue", "--all"])["requested"], 3);
    let _worker = fleet.worker("log", &["--listen", "127.0.0.1:0"]);
    fleet.until("all complete", |status| status["runs"]["complete"] == 3);
    let users = fleet.sql("select count(*) from account_now where kind = 'user' group by system");
    assert_eq!(users, ["20", "20", "20"]);
    fleet.assert_hides(simulator.api_key());
    fleet.run(&add[..add.len() - 2]).assert_error(2, "invalid_config", "--help");

    let acme = &systems[0];
    let keep_out = format!(r#"harness fleet exclude "{acme}""#);
    fleet.run(&["remove", acme]).assert_error(2, "invalid_config", &keep_out);
    assert_eq!(fleet.json(&["exclude", acme])["systems"], json!([acme]));
    let text = fleet.run(&add);
    assert!(text.stdout.contains("0 added, 2 changed, 1 kept out; 0 no longer listed"), "{text:?}");
    assert_eq!(fleet.json(&["list", "--excluded"])[0]["system"], *acme);
    let sheet = fleet.run(&["list", "--excluded", "--format", "csv"]);
    assert!(sheet.stdout.contains("system,provider,organization,excludedAt\r\n"), "{sheet:?}");
    let table = fleet.run(&["list", "--excluded"]);
    assert!(table.stdout.contains("ORGANISATION") && table.stdout.contains("msp"), "{table:?}");
    fleet.run(&["include", "nobody"]).assert_error(2, "invalid_config", "fleet list --excluded");
    let text = fleet.run(&["include", acme]);
    assert!(text.code == 0 && text.stdout.starts_with("1 organisation excluded no longer"), "{text:?}");
    fleet.until("added again", |status| status["systems"] == 3);

    fleet.run(&["remove", "msp"]).assert_error(2, "invalid_config", r#"harness fleet remove --provider "msp""#);
    let removed = fleet.json(&["remove", "--provider", "msp"]);
    assert_eq!(removed["systems"].as_array().unwrap().len(), 3);
    assert!(fleet.sql("select 1 from fleet.provider").is_empty());
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_added() {
    let Some(fleet) = Fleet::new() else { return };
    let file = |name: &str, text: &str| {
        std::fs::write(fleet.path(name), text).unwrap();
        fleet.path(name).to_str().unwrap().to_owned()
    };
    let short = file("short.csv", "name,credential\nhq\n");
    let column = file("column.csv", "name,key\nhq,5f3ac2hunter2\n");
    let number = file("number.csv", "name,credential,port\nhq,acme,70000\n");
    let second = file("second.csv", "name,credential\nhq,acme\n,acme\n");
    for (arguments, help) in [
        (vec!["add"], "--csv"),
        (vec!["remove"], "--help"),
        (vec!["exclude"], "--help"),
        (vec!["remove", "hq", "--provider", "msp"], "--help"),
        (vec!["add", "hq"], "--credential"),
        (vec!["add", "hq", "--credential", "acme", "--schedule", "at noon"], "0 3 * * 1-5"),
        (vec!["add", "hq", "--credential", "acme", "--os-type", "JumpClod"], "JumpCloud"),
        (vec!["add", "hq", "--credential", "acme", "--set", "jumpcloudOrgID=1"], "harness describe"),
        (vec!["add", "--csv", &short], "one line for each system"),
        (vec!["add", "--csv", &column], "a key does not belong here"),
        (vec!["add", "--csv", &number], "correct the cell"),
        (vec!["add", "--csv", &second], "name it"),
        (vec!["worker", "--credentials", "/nowhere.toml"], "check the path"),
        (vec!["worker", "--credentials", &short, "--lease", "0s"], "--help"),
    ] {
        let ended = fleet.run(&arguments);
        ended.assert_error(2, "invalid_config", help);
        ended.assert_hides("5f3ac2hunter2");
    }
    assert!(fleet.sql("select 1 from fleet.system").is_empty());
    let mut file = fleet.command(&["init"]);
    file.env("ORBISID_STORE", format!("sqlite:{}", fleet.path("short.csv").display()));
    run(&mut file).assert_error(2, "invalid_config", "postgres://");
}
