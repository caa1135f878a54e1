//! `harness scan --plan`.

use std::collections::BTreeSet;

use jumpcloud_simulator::SimulatorOptions;
use serde_json::Value;

use crate::support::{run, scan, small};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_the_requests_of_each_section() {
    let simulator = small(SimulatorOptions::default()).await;
    let table = run(&mut scan(&simulator, &["--plan"]));
    assert!(table.code == 0 && table.stdout.contains("memberships"), "{table:?}");
    let json = run(&mut scan(&simulator, &["--plan", "--format", "json"]));
    let plan: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(plan["sections"][0]["section"], "users");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_fits_the_width_and_its_sentences_are_whole() {
    let simulator = small(SimulatorOptions::default()).await;
    let printed = |columns: Option<&str>| {
        let mut command = scan(&simulator, &["--plan", "--set", "effectiveGrants=all"]);
        columns.map(|columns| command.env("COLUMNS", columns));
        let ended = run(&mut command);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.stdout
    };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let whole = printed(None);
    for columns in [60, 80, 140] {
        let table = printed(Some(&columns.to_string()));
        assert!(table.lines().all(|line| line.chars().count() <= columns), "{columns}:\n{table}");
        assert_eq!(words(&table), words(&whole), "{columns}:\n{table}");
    }
}
