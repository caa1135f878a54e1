//! Without scripts, and without a mouse.

use connector_api::Edition;

use crate::organisation::{login, rows};
use crate::served::{Own, demo};
use crate::tab::{Look, Tab};

#[test]
fn without_scripts_systems_are_added_scanned_and_cancelled_and_pages_read() {
    let own = Own::start(Edition::Enterprise);
    let look = Look { has_scripts: false, ..Look::default() };
    let Some(tab) = Tab::signed_in(&own, look) else { return };
    tab.shows("Times are UTC.");
    tab.follow("Add system");
    tab.click("Whole <of it>");
    tab.follow("Continue");
    tab.fill("Name", "lab");
    tab.fill("Host name", "whole.example");
    tab.fill("Pass phrase", "open sesame");
    tab.click("Waits");
    tab.follow("Test connection");
    tab.follow_until("Reload", "1 check failed");
    tab.follow("Save system");
    tab.follow("Scan now");
    tab.shows("Scanning lab");
    tab.follow_until("Reload", "7 requests so far");
    tab.follow("Cancel scan");
    tab.follow_until("Reload", "Cancelled: nothing was changed.");
    let own = Own::with(&[rows(8, login()), rows(9, login())]);
    let tab = Tab::signed_in(&own, look).unwrap();
    tab.follow("Privileged");
    tab.choose("Severity", "High");
    tab.follow("Filter");
    tab.follow("user0004");
    tab.shows("1 way");
    tab.follow("Changes");
    tab.shows("1 account or group got more access.");
    tab.follow("Findings");
    tab.follow("Accept for a time");
    tab.fill("Reason", "agreed");
    tab.choose_day("Accepted until", "2099-12-31");
    tab.follow("Accept finding");
    tab.shows("agreed");
    tab.follow("Sign out");
    tab.shows("Open the address that the server printed last");
}

#[test]
fn a_system_is_added_with_the_keyboard_alone() {
    let own = Own::start(Edition::Enterprise);
    let Some(tab) = Tab::signed_in(&own, Look::default()) else { return };
    tab.press("Tab");
    assert_eq!(tab.evaluate("name(document.activeElement)"), "Skip to content", "it comes first");
    tab.press("Enter");
    tab.tab_to("Add system");
    tab.enter();
    tab.tab_to("JumpCloud");
    tab.press("ArrowDown");
    tab.press("ArrowDown");
    tab.tab_to("Continue");
    tab.enter();
    for (label, text) in [("Name", "lab"), ("Host name", "whole.example"), ("Pass phrase", "right"), ("Users", "x")] {
        tab.tab_to(label);
        tab.evaluate("void document.activeElement.select()");
        tab.type_text(text);
    }
    tab.tab_to("Save without testing");
    tab.enter();
    tab.shows("1 setting needs a change");
    // From the list of errors straight to the field.
    tab.tab_to("Users: ");
    tab.press("Enter");
    tab.tab_to("Pass phrase");
    tab.type_text("right");
    tab.tab_to("Users");
    tab.evaluate("void document.activeElement.select()");
    tab.type_text("4");
    tab.enter();
    tab.shows("The connection does not work");
}

#[test]
fn a_search_and_its_result_are_reached_with_the_keyboard_alone() {
    let Some(tab) = Tab::signed_in(demo(), Look::default()) else { return };
    tab.follow("Privileged");
    tab.tab_to("Search accounts");
    tab.type_text("maria.k");
    tab.enter();
    tab.shows("rows begin with maria.k");
    tab.tab_to("maria.keller");
    assert_eq!(
        tab.evaluate("getComputedStyle(document.activeElement).outlineStyle"),
        "solid",
        "one sees where the focus is"
    );
    tab.enter();
    tab.shows("What it reaches");
}
