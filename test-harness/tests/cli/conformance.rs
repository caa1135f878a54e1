//! `harness conformance`, from outside.

use std::process::Output;

use serde_json::Value;

use crate::support::harness;

fn conformance(arguments: &[&str]) -> Output {
    harness(["conformance"]).args(arguments).output().unwrap()
}

#[test]
fn the_report_of_a_sound_connector_has_every_test_and_ends_well() {
    let output = conformance(&["--os-type", "Scim", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["passed"], true);
    assert_eq!(report["tests"].as_array().unwrap().len(), connector_conformance::suite().len());
}

#[test]
fn an_unknown_os_type_is_refused_with_the_nearest() {
    let output = conformance(&["--os-type", "scim"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error[invalid_config]") && said.contains("did you mean `Scim`?"), "{said}");
}
