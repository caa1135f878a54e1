//! Who is privileged, who reaches what and why, what changed.

use crate::organisation::{login, rows, sudo};
use crate::served::{Own, demo};
use crate::tab::{Look, Tab};
use crate::tour::make_report;

fn signed_in() -> Option<Tab> {
    Tab::signed_in(demo(), Look::default())
}

#[test]
fn the_worst_account_opens_with_its_ways_as_a_list_and_a_picture() {
    let Some(tab) = signed_in() else { return };
    tab.follow("Privileged");
    tab.shows("The most severe first");
    let worst = tab.evaluate("read(document.querySelector('tbody th a').innerText)").as_str().unwrap().to_owned();
    tab.follow(&worst);
    tab.shows("What it reaches");
    let other = tab.evaluate("document.querySelector('#thing option:not([selected])')?.text");
    if let Some(other) = other.as_str() {
        tab.choose("Another thing", other);
        tab.follow("Show why");
        tab.shows(&format!("Why {worst} reaches {}", other.trim_end_matches('…')));
    }
    let [ways, drawn, boxes] = [
        "document.querySelectorAll('ol.way-list > li').length",
        "document.querySelectorAll('svg.ways g > path').length",
        "document.querySelectorAll('svg.ways rect.box').length",
    ]
    .map(|count| tab.evaluate(count).as_u64().unwrap());
    assert!(ways >= 1 && drawn == ways && boxes >= 2, "{ways} ways, {drawn} drawn, {boxes} boxes");
    let size = tab.evaluate("document.querySelector('svg.ways').getBoundingClientRect().height");
    assert!(size.as_f64().unwrap() > 50.0, "the picture is {size} high");
    tab.shows("strongest");
}

#[test]
fn a_filtered_list_is_a_link_and_the_back_button_leads_to_it() {
    let Some(tab) = signed_in() else { return };
    tab.follow("Privileged");
    let all = tab.evaluate("document.querySelectorAll('tbody tr').length").as_u64().unwrap();
    tab.choose("Severity", "Critical");
    tab.choose("Second factor", "Not set up");
    tab.follow("Filter");
    let severities = "[...document.querySelectorAll('tbody .severity')].map((it) => read(it.innerText).toLowerCase())";
    let shown = tab.evaluate(severities);
    let shown = shown.as_array().unwrap();
    assert!(!shown.is_empty() && shown.len() < all as usize && shown.iter().all(|one| one == "critical"), "{shown:?}");
    let filtered = tab.address();
    assert!(filtered.contains("severity=critical") && filtered.contains("factor=notSetUp"), "{filtered}");
    assert_eq!(tab.evaluate("field('Severity').value"), "critical", "the choice is kept");
    tab.follow(tab.evaluate("name(document.querySelector('tbody th a'))").as_str().unwrap());
    tab.shows("What it reaches");
    tab.back();
    assert_eq!(tab.address(), filtered);
    // Somebody else opens the link.
    let other = signed_in().unwrap();
    other.go(&filtered);
    assert_eq!(other.evaluate(severities), serde_json::Value::from(shown.clone()));
}

#[test]
fn a_search_leads_from_the_beginning_of_a_name_to_its_page() {
    let Some(tab) = signed_in() else { return };
    tab.fill("Search accounts", "maria.k");
    tab.follow("Search");
    tab.shows("rows begin with maria.k");
    tab.follow("maria.keller");
    tab.shows("Second factor");
    tab.shows("What it reaches");
}

#[test]
fn two_scans_are_compared_and_an_earlier_one_is_shown_as_it_was() {
    let scans = [rows(10, login()), rows(14, login()), rows(12, sudo())];
    let own = Own::with(&scans);
    let Some(tab) = Tab::signed_in(&own, Look::default()) else { return };
    tab.follow("Changes");
    tab.shows("1 account or group got more access, 2 got less or are gone.");
    tab.shows("a group, is now administrator on 2 devices; before: sign in.");
    let first = tab.evaluate("[...field('From scan').options].at(-1).text").as_str().unwrap().to_owned();
    let second = tab.evaluate("[...field('From scan').options].at(-2).text").as_str().unwrap().to_owned();
    tab.choose("From scan", &first);
    tab.choose("To scan", &second);
    tab.follow("Compare");
    tab.shows("4 accounts and groups got more access");
    tab.shows("user0013 is a new account.");
    tab.follow("Privileged");
    tab.shows("7 of 14 accounts hold privileges");
    tab.shows("Earlier scan");
    let latest = tab.evaluate("[...field('Show as of').options][0].text").as_str().unwrap().to_owned();
    tab.choose("Show as of", &latest);
    tab.follow("Show");
    tab.shows("6 of 12 accounts hold privileges");
    tab.hides("Earlier scan");
}

#[test]
fn a_finding_is_accepted_for_a_time_and_its_errors_stand_at_the_fields() {
    let own = Own::with(&[rows(4, login())]);
    let Some(tab) = Tab::signed_in(&own, Look::default()) else { return };
    tab.follow("Findings");
    tab.follow("Accept for a time");
    tab.follow("Accept finding");
    tab.shows("This needs a change");
    tab.shows("Say why the finding is accepted.");
    tab.fill("Reason", "The owner knows, ticket 4711");
    tab.choose_day("Accepted until", "2099-12-31");
    tab.follow("Accept finding");
    tab.shows("Accepted until the end of 31 Dec 2099: The owner knows, ticket 4711");
    tab.shows("1 exception is recorded");
    tab.follow("Change or withdraw the exception");
    assert_eq!(tab.value("Reason"), "The owner knows, ticket 4711");
    tab.follow("Withdraw exception");
    tab.hides("ticket 4711");
}

#[test]
fn times_are_shown_in_the_readers_zone_and_the_foot_says_so() {
    let own = Own::with(&[rows(4, login())]);
    let zone = "America/St_Johns";
    let Some(tab) = Tab::signed_in(&own, Look { zone, ..Look::default() }) else { return };
    tab.shows(&format!("Times are in your zone, {zone}; days are UTC."));
    let times = tab.evaluate(
        "[...document.querySelectorAll('time[data-local]')].map((it) => [it.dateTime, it.textContent, it.title])",
    );
    let times = times.as_array().unwrap();
    assert!(!times.is_empty());
    for time in times {
        let [at, shown, title] = [0, 1, 2].map(|part| time[part].as_str().unwrap());
        let at: jiff::Timestamp = at.parse().unwrap();
        let text = |zone: &str| at.in_tz(zone).unwrap().strftime("%-d %b %Y, %H:%M").to_string();
        assert_eq!(shown.replace("Sept", "Sep"), text(zone));
        assert_eq!(title, format!("{} UTC", text("UTC")));
    }
}

#[test]
fn a_report_opens_from_a_file_without_an_error_or_a_request() {
    let demo = demo();
    let Some(mut tab) = Tab::open(demo, Look::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    tab.go_to_file(&make_report(&demo.store, folder.path()));
    tab.shows("Access report of demo");
    assert_eq!(tab.requests().len(), 1, "nothing but the file itself is asked for");
    let styled = tab.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse");
    assert_eq!(styled, "collapse", "its policy lets its own stylesheet pass");
    tab.click("Findings of demo");
    let places = "[...document.querySelectorAll('a[href]')].map((it) => it.getAttribute('href')).filter((it) => !document.querySelector(it))";
    assert_eq!(tab.evaluate(places), serde_json::json!([]), "every link leads to a place in the file");
    assert!(tab.evaluate("document.querySelectorAll('svg.ways').length").as_u64().unwrap() > 10);
}
