//! Every page, in each state worth looking at.

use std::path::Path;
use std::process::Command;

use connector_api::Edition;

use crate::fleet::Fleet;
use crate::organisation::{login, rows};
use crate::served::{Own, demo};
use crate::tab::{Look, Tab};

/// What each page is looked at with: two sizes, light and dark.
pub const LOOKS: [Look; 4] =
    [look(1280, 800, false), look(1280, 800, true), look(360, 740, false), look(360, 740, true)];

const fn look(width: u32, height: u32, is_dark: bool) -> Look {
    Look { width, height, is_dark, has_scripts: true, zone: "UTC" }
}

/// Is shown a page, its name, and how it is looked at.
pub type Each<'a> = &'a mut dyn FnMut(&Tab, &str, Look);

/// Leads through all pages; `None` where there is no browser.
pub fn tour(each: Each<'_>) -> Option<()> {
    reading(each)?;
    setting_up(each);
    accepting(each);
    fleet(each);
    report(each);
    Some(())
}

fn look_at(tab: &Tab, name: &str, each: Each<'_>) {
    for look in LOOKS {
        tab.change_look(look);
        each(tab, name, look);
    }
    tab.change_look(LOOKS[0]);
}

/// The first link of a page that leads to pages of a kind.
fn link(tab: &Tab, kind: &str) -> String {
    let found = tab.evaluate(&format!("document.querySelector('main a[href^=\"{kind}?\"]')?.getAttribute('href')"));
    found.as_str().unwrap_or_else(|| panic!("no {kind} in {}", tab.text())).to_owned()
}

fn reading(each: Each<'_>) -> Option<()> {
    let mut tab = Tab::signed_in(demo(), LOOKS[0])?;
    tab.expect("status of 404");
    for (name, path) in [
        ("systems", "/"),
        ("privileged", "/privileged"),
        ("findings", "/findings"),
        ("changes", "/changes"),
        ("charts", "/charts"),
        ("connectors", "/connectors"),
        ("connector", "/connector?id=JumpCloud"),
        ("search", "/search?q=s"),
        ("search-script", "/search?q=%3Cscript"),
        ("search-long", "/search?q=A+name+of+three"),
        ("search-nothing", "/search?q=nobody+is+called+so"),
        ("filtered-nothing", "/privileged?severity=info"),
        ("error", "/account?id=nobody"),
    ] {
        tab.go(path);
        look_at(&tab, name, each);
    }
    tab.go("/privileged");
    let account = link(&tab, "/account");
    tab.go("/search?q=Production");
    let group = link(&tab, "/group");
    tab.go("/search?q=srv");
    let resource = link(&tab, "/resource");
    for (name, path) in [("account", account), ("group", group), ("resource", resource)] {
        tab.go(&path);
        look_at(&tab, name, each);
    }
    tab.follow("Sign out");
    look_at(&tab, "sign-in", each);
    Some(())
}

/// A system from the empty store to a scan that is held.
fn setting_up(each: Each<'_>) {
    let own = Own::start(Edition::Enterprise);
    let Some(mut tab) = Tab::signed_in(&own, LOOKS[0]) else { return };
    look_at(&tab, "systems-empty", each);
    tab.expect("status of 404");
    tab.go("/privileged");
    look_at(&tab, "privileged-empty", each);
    tab.go("/system");
    look_at(&tab, "add-choose", each);
    tab.go("/system?os-type=JumpCloud");
    look_at(&tab, "add", each);
    tab.fill("Port", "99999");
    tab.follow("Save without testing");
    look_at(&tab, "add-wrong", each);
    tab.go("/system?os-type=Whole");
    for (label, text) in [("Name", "lab"), ("Host name", "whole.example"), ("Pass phrase", "x"), ("Users", "60")] {
        tab.fill(label, text);
    }
    tab.follow("Test connection");
    tab.shows("1 check failed");
    look_at(&tab, "test", each);
    tab.follow("Save system");
    look_at(&tab, "scan-not-yet", each);
    tab.follow("Scan now");
    tab.shows("Complete and taken over");
    look_at(&tab, "scan", each);
    let change = |label: &str, users: &str| {
        tab.go("/system?system=lab");
        tab.fill("Users", users);
        tab.click(label);
        tab.follow("Save without testing");
        tab.follow("Scan again");
    };
    change("Users", "20");
    tab.shows("Held: ");
    look_at(&tab, "scan-held", each);
    change("Waits", "60");
    tab.shows("7 requests so far");
    look_at(&tab, "scan-live", each);
    tab.go("/");
    look_at(&tab, "systems-scanning", each);
}

fn accepting(each: Each<'_>) {
    let own = Own::with(&[rows(40, login()), rows(30, login()), rows(33, login())]);
    let Some(tab) = Tab::signed_in(&own, LOOKS[0]) else { return };
    tab.go("/changes");
    look_at(&tab, "changes-odd-names", each);
    tab.go("/findings");
    tab.follow("Accept for a time");
    look_at(&tab, "exception", each);
    tab.fill("Reason", "The owner knows");
    tab.choose_day("Accepted until", "2099-12-31");
    tab.follow("Accept finding");
    look_at(&tab, "findings-excepted", each);
    tab.follow("Change or withdraw the exception");
    look_at(&tab, "exception-known", each);
    tab.go("/account?id=id%2F0000");
    look_at(&tab, "account-odd-names", each);
}

fn fleet(each: Each<'_>) {
    let Some(fleet) = Fleet::start() else { return };
    let Some(tab) = Tab::signed_in(&fleet.own, LOOKS[0]) else { return };
    tab.go("/fleet");
    tab.shows("2 need you");
    look_at(&tab, "fleet", each);
}

fn report(each: Each<'_>) {
    let demo = demo();
    let Some(mut tab) = Tab::open(demo, LOOKS[0]) else { return };
    let folder = tempfile::tempdir().unwrap();
    tab.go_to_file(&make_report(&demo.store, folder.path()));
    // All of its accounts are alike, and very long together.
    tab.evaluate("[...document.querySelectorAll('main > .live')].slice(6).forEach((part) => part.remove())");
    look_at(&tab, "report", each);
}

/// Writes the report of a store into a folder.
pub fn make_report(store: &str, folder: &Path) -> std::path::PathBuf {
    let file = folder.join("report.html");
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    let ended = command.args(["report", "--store", store, "--output"]).arg(&file).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    file
}
