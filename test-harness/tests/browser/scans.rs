//! Scans as they run, and what becomes of them.

use std::time::Duration;

use connector_api::Edition;
use jumpcloud_simulator::{Simulator, SimulatorOptions};

use crate::chromium::RUNTIME;
use crate::served::Own;
use crate::tab::{Look, Tab};

/// Adds a system of the connector whose scans do what its settings say, and starts a scan.
fn scan_whole(tab: &Tab, users: &str, waits: bool) {
    tab.go("/system?os-type=Whole");
    tab.fill("Name", "lab");
    tab.fill("Host name", "whole.example");
    tab.fill("Pass phrase", "open sesame");
    tab.fill("Users", users);
    if waits {
        tab.click("Waits");
    }
    tab.follow("Save without testing");
    tab.follow("Scan now");
}

#[test]
fn a_scan_is_seen_going_without_reloading_until_its_result_takes_its_place() {
    let own = Own::start(Edition::Enterprise);
    let Some(tab) = Tab::signed_in(&own, Look::default()) else { return };
    let options = SimulatorOptions { users: 120, latency: Duration::from_millis(40), ..SimulatorOptions::default() };
    let simulator = RUNTIME.block_on(Simulator::start(options)).unwrap();
    tab.go("/system?os-type=JumpCloud");
    tab.fill("Name", "headquarters");
    tab.fill("Host name", &simulator.url());
    tab.fill("JumpCloud API key", simulator.api_key());
    tab.follow("Save without testing");
    tab.follow("Scan now");
    tab.shows("Scanning headquarters");
    // A page that is loaded again forgets this.
    tab.evaluate("window.marked = true");
    tab.shows("of the planned requests are done");
    tab.until("a section that was read", "/[1-9]\\d* of \\d+ sections are read/.test(document.body.innerText)");
    tab.shows("Complete and taken over: ");
    tab.shows("Sections: plan and fact");
    assert_eq!(tab.evaluate("window.marked"), true, "the page was not loaded again");
    tab.shows("Pace: ");
    tab.follow("Privileged accounts");
    tab.shows("accounts hold privileges.");
}

/// Has a page count the streams of events that it opens and closes from now on.
const COUNT: &str = "
    window.begun = 0;
    window.ended = 0;
    const Real = EventSource;
    window.EventSource = class extends Real {
        constructor(...of) { super(...of); window.begun += 1; }
    };
    const close = Real.prototype.close;
    Real.prototype.close = function () { window.ended += 1; close.call(this); };
    window.hide = (is) => {
        Object.defineProperty(document, 'hidden', { get: () => is, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    };
";

#[test]
fn a_tab_that_nobody_sees_keeps_no_connection_and_follows_again_when_it_is_seen() {
    let own = Own::start(Edition::Enterprise);
    let Some(tab) = Tab::signed_in(&own, Look::default()) else { return };
    scan_whole(&tab, "5", true);
    tab.shows("7 requests so far; how many there will be is not known.");
    tab.inject(COUNT);
    let counts = || [tab.evaluate("window.begun"), tab.evaluate("window.ended")];
    tab.evaluate("hide(true)");
    assert_eq!(counts(), [0, 1], "the only stream is closed");
    tab.evaluate("hide(true)");
    assert_eq!(counts(), [0, 1]);
    tab.evaluate("hide(false)");
    tab.evaluate("hide(false)");
    assert_eq!(counts(), [1, 1], "one stream is opened again");
    // Somebody else cancels it: only the new stream can show that.
    tab.evaluate(
        "fetch('/scan/cancel', { method: 'POST', body: new URLSearchParams(new FormData(document.querySelector('form[action=\"/scan/cancel\"]'))) }).then(() => 1)",
    );
    tab.shows("Cancelled: nothing was changed.");
    tab.evaluate("hide(true)");
    tab.evaluate("hide(false)");
    assert_eq!(tab.evaluate("window.begun"), 1, "what has ended is not followed again");
}

#[test]
fn a_scan_is_cancelled() {
    let own = Own::start(Edition::Enterprise);
    let Some(tab) = Tab::signed_in(&own, Look::default()) else { return };
    scan_whole(&tab, "5", true);
    tab.shows("Scanning lab");
    tab.shows("7 requests so far; how many there will be is not known.");
    tab.follow("Cancel scan");
    tab.shows("Cancelled: nothing was changed.");
    tab.shows("cancelled");
    tab.shows("Scan again");
}

#[test]
fn a_scan_that_would_remove_too_much_is_held_until_somebody_accepts_it() {
    let own = Own::start(Edition::Enterprise);
    let Some(tab) = Tab::signed_in(&own, Look::default()) else { return };
    scan_whole(&tab, "60", false);
    tab.shows("Complete and taken over: 60 accounts new.");
    tab.go("/system?system=lab");
    tab.fill("Users", "20");
    tab.follow("Save without testing");
    tab.follow("Scan again");
    tab.shows("Held: it would remove 40 of 60 rows of users. Nothing was changed.");
    tab.follow("Systems");
    tab.shows("1 system. 1 needs you: one scan is held.");
    tab.go("/scan?system=lab");
    tab.follow("Accept and remove 40 rows");
    tab.shows("Complete and taken over: 40 accounts gone.");
    tab.follow("Systems");
    tab.shows("1 system. None needs you.");
}
