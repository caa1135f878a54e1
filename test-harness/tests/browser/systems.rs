//! Systems are added by a form that follows from their connector alone, and tested.

use connector_api::Edition;
use connector_scim::testing::{Fault, ScimServer};
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use serde_json::json;

use crate::chromium::RUNTIME;
use crate::served::Own;
use crate::tab::{Look, Tab};

const WRONG: &str = "a-secret-that-is-wrong";

/// A server of its own, and the form for a connector.
fn form(os_type: &str) -> Option<(Own, Tab)> {
    let own = Own::start(Edition::Enterprise);
    let tab = Tab::signed_in(&own, Look::default())?;
    tab.shows("No system is set up here.");
    tab.follow("Add system");
    tab.click(os_type);
    tab.follow("Continue");
    tab.shows("Settings that are left as they are have a default that works.");
    Some((own, tab))
}

/// What a form with errors shows: the list of errors has the focus, and leads to the fields.
#[track_caller]
fn assert_wrong(tab: &Tab, title: &str, fields: &[(&str, &str)]) {
    tab.shows(title);
    assert_eq!(tab.evaluate("document.activeElement.id"), "errors", "the list of errors has the focus");
    for (label, why) in fields {
        tab.click(&format!("{label}: {why}"));
        let focused = tab.evaluate(&format!(
            "document.activeElement === field({label:?}) || location.hash === '#' + field({label:?})?.id"
        ));
        assert_eq!(focused, true, "{label} is led to");
        let described = tab.evaluate(&format!(
            "(field({label:?}).getAttribute('aria-describedby') ?? '').split(' ').map((id) => read(document.getElementById(id)?.innerText))"
        ));
        assert!(described[0].as_str().is_some_and(|text| text.contains(why)), "{label}: {described}");
        assert_eq!(tab.evaluate(&format!("field({label:?}).ariaInvalid")), "true", "{label}");
    }
}

#[test]
fn a_jumpcloud_system_is_added_wrong_then_right_tested_and_saved() {
    let Some((_own, tab)) = form("JumpCloud") else { return };
    tab.fill("Name", "headquarters");
    tab.fill("Host name", "");
    tab.fill("Port", "99999");
    tab.fill("JumpCloud API key", WRONG);
    tab.follow("Test connection");
    assert_wrong(
        &tab,
        "2 settings need a change",
        &[("Host name", "Must not be empty"), ("Port", "Must be from 1 to 65535")],
    );
    assert_eq!((tab.value("Name").as_str(), tab.value("Port").as_str()), ("headquarters", "99999"));
    assert_eq!(tab.value("JumpCloud API key"), "", "a secret is not sent back");
    assert!(!tab.evaluate("document.documentElement.outerHTML").as_str().unwrap().contains(WRONG));
    let simulator = RUNTIME.block_on(Simulator::start(SimulatorOptions { users: 30, ..Default::default() })).unwrap();
    tab.fill("Host name", &simulator.url());
    tab.fill("Port", "");
    tab.fill("JumpCloud API key", WRONG);
    tab.follow("Test connection");
    tab.shows("The connection does not work");
    tab.shows("Failed");
    tab.shows("unauthorized");
    tab.follow("Change settings");
    assert_eq!(tab.value("Host name"), simulator.url());
    tab.fill("JumpCloud API key", simulator.api_key());
    tab.follow("Test connection");
    tab.shows("The connection works");
    let checks = tab.evaluate("document.querySelectorAll('.checks > li').length").as_u64().unwrap();
    assert!(checks > 3, "{checks} checks");
    tab.shows("Nothing is saved by a test.");
    tab.follow("Save system");
    tab.shows("Not scanned yet.");
    tab.follow("Systems");
    tab.shows("headquarters");
    tab.shows("Scan now");
}

#[test]
fn a_scim_system_has_its_own_form_and_a_passing_test() {
    let Some((_own, tab)) = form("SCIM 2.0") else { return };
    let users = vec![json!({"id": "1", "userName": "ann", "active": true})];
    let server = RUNTIME.block_on(ScimServer::start("token-of-scim", users, Vec::new(), Fault::None)).unwrap();
    assert_eq!(tab.value("Base path"), "/scim/v2");
    tab.fill("Name", "directory");
    tab.fill("Host name", &server.url);
    tab.click("Paging and retries");
    tab.fill("Page size", "1");
    tab.fill("Bearer token", WRONG);
    tab.follow("Save without testing");
    assert_wrong(&tab, "1 setting needs a change", &[("Page size", "")]);
    tab.shows("Paging and retries – 3 settings, 1 changed, 1 error".replace("3 settings", "2 settings").as_str());
    tab.fill("Page size", "50");
    tab.fill("Bearer token", "token-of-scim");
    tab.follow("Test connection");
    tab.shows("The connection works");
    tab.follow("Save system");
    tab.shows("Scan of directory");
}

#[test]
fn the_form_of_any_connector_follows_from_its_schema() {
    let Some((_own, tab)) = form("Whole <of it>") else { return };
    tab.fill("Name", "lab");
    tab.fill("Host name", "whole.example");
    tab.fill("Pass phrase", WRONG);
    tab.fill("Users", "many");
    tab.click("By name");
    tab.click("Odd");
    tab.fill("Labels", "{");
    tab.follow("Save without testing");
    assert_wrong(&tab, "2 settings need a change", &[("Users", ""), ("Labels", "")]);
    assert_eq!((tab.value("Users").as_str(), tab.value("Labels").as_str()), ("many", "{"));
    assert_eq!(tab.evaluate("document.querySelector('[name=\"attributes.order\"]:checked').value"), "byName");
    assert_eq!(tab.evaluate("document.querySelector('details.group').open"), true, "a group with an error is open");
    tab.fill("Users", "3");
    tab.fill("Labels", "{\"team\": \"red\"}");
    tab.fill("Pass phrase", "right");
    tab.follow("Test connection");
    tab.shows("The connection does not work: 1 check failed.");
    tab.shows("Ask <b>somebody</b>.");
    tab.follow("Save system");
    tab.follow("Scan now");
    tab.shows("Complete and taken over: 3 accounts new.");
}

#[test]
fn the_community_edition_offers_no_connector_and_says_which_do() {
    let own = Own::start(Edition::Community);
    let Some(tab) = Tab::signed_in(&own, Look::default()) else { return };
    tab.follow("Add system");
    tab.shows("The Community edition has no connector: ");
    tab.shows("JumpCloud is part of Pro and Enterprise");
    assert_eq!(tab.evaluate("document.querySelectorAll('main input, main button').length"), 0);
}
