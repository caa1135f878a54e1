//! What acts: systems are added by a form, tested, scanned, cancelled and accepted.

use std::time::Duration;

use axum::http::StatusCode;
use connector_api::{CancellationToken, Edition};
use futures_util::StreamExt;

use crate::organisation::{login, rows};
use crate::site::{Answer, Site, keep, lead};
use crate::whole;

pub const SECRET: &str = "hunter2-of-the-form";

/// The fields of a system that is right.
pub fn right<'a>(name: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("os-type", "Whole"),
        ("name", name),
        ("hostname", "whole.example"),
        ("credential.password", SECRET),
        ("attributes.order", "byId"),
        ("attributes.patterns", "a\r\nb"),
        ("then", "save"),
    ];
    fields.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    fields.extend_from_slice(more);
    fields
}

pub async fn site() -> Site {
    Site::of(whole::registry(), Edition::Enterprise).await
}

pub fn address(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.headers["location"].to_str().unwrap().to_owned()
}

/// Adds a system and starts a scan of it.
async fn scan(site: &Site, name: &str, more: &[(&str, &str)]) {
    address(&site.post("/system", &right(name, more)).await);
    address(&site.post("/scan", &[("system", name)]).await);
}

/// Reads what a page follows until its end.
async fn follow(site: &Site, path: &str) -> String {
    let request = site.request(path).body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(site.router.clone(), request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    let mut text = String::new();
    while let Some(Ok(part)) = events.next().await {
        text += &String::from_utf8_lossy(&part);
    }
    text
}

#[tokio::test]
async fn each_error_stands_at_its_field_and_in_the_list_and_entries_are_kept_but_for_secrets() {
    let site = site().await;
    let wrong = [
        ("hostname", ""),
        ("port", "99999"),
        ("attributes.users", "many"),
        ("attributes.labels", "{"),
        ("attributes.order", "byName"),
        ("attributes.proxy", "\u{200b}x"),
    ];
    let answer = site.post("/system", &right("lab", &wrong)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let page = answer.body;
    assert!(page.contains("5 settings need a change"), "{page}");
    for id in ["hostname", "port", "attributes-users", "attributes-labels", "attributes-proxy"] {
        assert!(
            page.contains(&format!("href=\"#{id}\"")) && page.contains(&format!("id=\"{id}-error\"")),
            "{id}: {page}"
        );
        assert!(page.contains(&format!("aria-describedby=\"{id}-error {id}-hint\" aria-invalid=\"true\"")), "{id}");
    }
    assert!(page.contains("value=\"lab\"") && page.contains("value=\"many\"") && page.contains("value=\"99999\""));
    assert!(page.contains("value=\"byName\" checked"), "a choice is kept");
    assert!(page.contains("<details class=\"group\" open>"), "a folded group with an error is open");
    assert!(!page.contains(SECRET));
    assert!(site.page("/").await.contains("No system is set up here"));
}

#[tokio::test]
async fn what_the_connector_itself_refuses_stands_at_the_field_that_it_names() {
    let site = site().await;
    let page = site.post("/system", &right("lab", &[("hostname", "a b")])).await.body;
    assert!(page.contains("1 setting needs a change") && page.contains("id=\"hostname-error\""), "{page}");
    assert!(page.contains("Hostname: has a space: leave it out."), "{page}");
}

#[tokio::test]
async fn a_system_is_a_file_without_its_secret_and_an_empty_secret_keeps_it() {
    let site = site().await;
    let added =
        site.post("/system", &right("lab / 1", &[("attributes.users", "5"), ("attributes.proxy", "http://x")])).await;
    assert_eq!(address(&added), "/scan?system=lab+%2F+1");
    let file = std::fs::read_to_string(site.folder.path().join("systems/lab%20%2f%201.json")).unwrap();
    assert!(file.contains("\"users\": 5") && !file.contains("order"), "defaults are not stored: {file}");
    assert!(!file.contains(SECRET) && !file.contains("http://x") && file.contains("\"entered\""), "{file}");
    let form = site.page("/system?system=lab+%2F+1").await;
    assert!(!form.contains(SECRET) && form.contains("It is set; leave the field empty to keep it"), "{form}");
    let changed = right("ignored", &[("credential.password", ""), ("attributes.users", "6")]);
    address(&site.post("/system?system=lab+%2F+1", &changed).await);
    address(&site.post("/test", &[("system", "lab / 1")]).await);
    let again = site.post("/system", &right("lab / 1", &[])).await.body;
    assert!(again.contains("Another system has this name"), "{again}");
}

#[tokio::test]
async fn an_edition_without_connectors_offers_none_and_says_why() {
    let site = Site::of(whole::registry(), Edition::Community).await;
    let page = site.page("/system").await;
    assert!(
        lead(&page).contains("The Community edition has no connector") && lead(&page).contains("Pro and Enterprise")
    );
    let refused = site.post("/system", &right("lab", &[])).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("edition_not_supported"), "{}", refused.body);
}

#[tokio::test]
async fn a_test_shows_each_check_with_its_remedy_saves_nothing_and_can_be_saved() {
    let site = site().await;
    let tested = site.post("/system", &right("lab", &[("then", "test")])).await;
    let page = address(&tested);
    let events = follow(&site, &page.replace("/test?", "/test/events?")).await;
    assert!(events.contains("event: part") && events.trim_end().ends_with("event: end\ndata: over"), "{events}");
    assert!(events.contains("Ask &lt;b&gt;somebody&lt;/b&gt;.") && events.contains("unauthorized"), "{events}");
    let shown = site.page(&page).await;
    assert_eq!(lead(&shown), "The connection does not work: 1 check failed.");
    assert!(!shown.contains(SECRET));
    assert!(site.page("/").await.contains("No system is set up here"));
    let draft = page.split_once("draft=").unwrap().1;
    let form = site.page(&format!("/system?draft={draft}")).await;
    assert!(form.contains("value=\"lab\"") && !form.contains(SECRET));
    assert_eq!(address(&site.post("/test/save", &[("draft", draft)]).await), "/scan?system=lab");
    assert_eq!(site.get(&page).await.status, StatusCode::NOT_FOUND, "a saved draft is forgotten");
}

#[tokio::test]
async fn a_scan_is_followed_to_its_end_and_its_plan_is_held_against_fact() {
    let site = site().await;
    scan(&site, "lab", &[("attributes.users", "30")]).await;
    let events = follow(&site, "/scan/events?system=lab").await;
    assert!(events.contains("event: said\ndata: The scan has ended."), "{events}");
    let page = site.page("/scan?system=lab").await;
    assert_eq!(lead(&page), "Complete and taken over: 30 accounts new.");
    assert!(page.contains("Planned requests") && page.contains("taken over as run 1"), "{page}");
    assert!(site.page("/privileged?system=lab").await.contains("lab"));
}

#[tokio::test]
async fn a_running_scan_shows_its_sections_refuses_a_second_one_and_is_cancelled() {
    let site = site().await;
    scan(&site, "lab", &[("attributes.users", "5"), ("attributes.waits", "true")]).await;
    let running = async {
        loop {
            let page = site.page("/scan?system=lab").await;
            // The connector is asked on a task of its own.
            if page.contains("Reading") {
                return page;
            }
            tokio::task::yield_now().await;
        }
    };
    let page = tokio::time::timeout(Duration::from_secs(30), running).await.unwrap();
    assert_eq!(lead(&page), "7 requests so far; how many there will be is not known.");
    assert!(page.contains("data-label=\"Refused\">3<") && page.contains("data-label=\"Waited\">2 s<"), "{page}");
    assert!(page.contains("href=\"/scan?system=lab\">Reload"), "it works without scripts");
    assert!(site.page("/").await.contains("Watch scan"));
    let second = site.post("/scan", &[("system", "lab")]).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(second.body.contains("This system is being scanned already."), "{}", second.body);
    let followed = follow(&site, "/scan/events?system=lab");
    let cancelled = async {
        address(&site.post("/scan/cancel", &[("system", "lab")]).await);
    };
    let (events, ()) = tokio::join!(followed, cancelled);
    assert!(events.contains("event: end"), "{events}");
    let page = site.page("/scan?system=lab").await;
    assert_eq!(lead(&page), "Cancelled: nothing was changed.");
    assert!(page.contains("<code>cancelled</code>") && !page.contains("note bad"), "{page}");
    let home = site.page("/").await;
    assert!(home.contains("Cancelled</span>") && !lead(&home).contains("failed"), "{home}");
}

#[tokio::test]
async fn a_system_whose_newest_scan_was_cancelled_by_somebody_needs_nobody() {
    let site = site().await;
    scan(&site, "lab", &[("attributes.users", "5")]).await;
    follow(&site, "/scan/events?system=lab").await;
    let waits = right("lab", &[("attributes.waits", "true"), ("credential.password", "")]);
    address(&site.post("/system?system=lab", &waits).await);
    address(&site.post("/scan", &[("system", "lab")]).await);
    let followed = follow(&site, "/scan/events?system=lab");
    tokio::join!(followed, site.post("/scan/cancel", &[("system", "lab")]));
    assert_eq!(lead(&site.page("/").await), "1 system. None needs you.");
}

#[tokio::test]
async fn the_end_of_the_server_cancels_scans_and_waits_for_them() {
    let site = site().await;
    scan(&site, "lab", &[("attributes.waits", "true")]).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(30), site.console.end_with(&cancel)).await;
    assert!(ended.is_ok());
    assert_eq!(lead(&site.page("/scan?system=lab").await), "Cancelled: nothing was changed.");
    let refused = site.post("/scan", &[("system", "lab")]).await;
    assert!(refused.body.contains("cancelled"), "nothing starts any more: {}", refused.body);
}

#[tokio::test]
async fn a_held_scan_shows_what_it_would_remove_and_is_accepted() {
    let site = site().await;
    scan(&site, "lab", &[("attributes.users", "60")]).await;
    follow(&site, "/scan/events?system=lab").await;
    let fewer = right("lab", &[("attributes.users", "20"), ("credential.password", "")]);
    address(&site.post("/system?system=lab", &fewer).await);
    address(&site.post("/scan", &[("system", "lab")]).await);
    follow(&site, "/scan/events?system=lab").await;
    let page = site.page("/scan?system=lab").await;
    assert_eq!(lead(&page), "Held: it would remove 40 of 60 rows of users. Nothing was changed.");
    assert!(page.contains("Accept and remove 40 rows") && page.contains("(67 %)"), "{page}");
    address(&site.post("/scan/accept", &[("system", "lab"), ("run", "2")]).await);
    let page = site.page("/scan?system=lab").await;
    assert_eq!(lead(&page), "Complete and taken over: 40 accounts gone.");
    let again = site.post("/scan/accept", &[("system", "lab"), ("run", "2")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.body.contains("not held"), "{}", again.body);
    for (system, run) in [("lab", "99"), ("other", "2")] {
        let unknown = site.post("/scan/accept", &[("system", system), ("run", run)]).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{system} {run}: {}", unknown.body);
    }
}

#[tokio::test]
async fn a_name_that_is_no_line_to_be_read_is_refused_at_its_field() {
    let site = site().await;
    for (name, why) in [
        ("a\0b".to_owned(), "Must not have the character U+0000, which cannot be seen."),
        ("a\nb".to_owned(), "Must be one line."),
        ("a\u{202e}b".to_owned(), "Must not have the character U+202E, which cannot be seen."),
        ("x".repeat(201), "Must have at most 200 characters."),
        (" ".to_owned(), "Must not be empty."),
    ] {
        let page = site.post("/system", &right(&name, &[])).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("id=\"name-error\"") && page.body.contains(why), "{why}: {}", page.body);
    }
    assert!(site.page("/").await.contains("No system is set up here"));
}

#[tokio::test]
async fn of_two_drafts_of_one_name_the_second_does_not_replace_the_first() {
    let site = site().await;
    let tested = async |host: &str| {
        let page = address(&site.post("/system", &right("lab", &[("then", "test"), ("hostname", host)])).await);
        page.split_once("draft=").unwrap().1.to_owned()
    };
    let (first, second) = (tested("first.example").await, tested("second.example").await);
    address(&site.post("/test/save", &[("draft", &first)]).await);
    let refused = site.post("/test/save", &[("draft", &second)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("Another system has this name."), "{}", refused.body);
    assert!(site.page("/").await.contains("first.example"));
}

#[tokio::test]
async fn what_cannot_be_done_as_things_stand_says_so_and_what_is_not_there_says_that() {
    let site = site().await;
    std::fs::write(site.folder.path().join("systems/hand.toml"), "name = 'hand'\nosType = 'Whole'\nhostname = 'h'\n")
        .unwrap();
    let by_hand = site.get("/system?system=hand").await;
    assert_eq!(by_hand.status, StatusCode::CONFLICT);
    assert!(by_hand.body.contains("wrote by hand"), "{}", by_hand.body);
    for path in ["/scan", "/test"] {
        let unknown = site.post(path, &[("system", "nobody")]).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{path}: {}", unknown.body);
        // It has no pass phrase.
        let unfinished = site.post(path, &[("system", "hand")]).await;
        assert_eq!(unfinished.status, StatusCode::CONFLICT, "{path}: {}", unfinished.body);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_that_others_can_read_by_now_is_no_page_that_is_missing() {
    use std::os::unix::fs::PermissionsExt;
    let site = site().await;
    let file = site.folder.path().join("store.db");
    keep(&site.location, "toy", 1, &rows(1, login()), &[]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let page = site.get("/privileged").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.body.contains("Other users can read or write") && page.body.contains("chmod 600"), "{}", page.body);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    site.page("/privileged").await;
}

#[tokio::test]
async fn a_folder_of_systems_that_cannot_be_read_is_no_page_that_is_missing() {
    let site = site().await;
    std::fs::remove_dir(site.folder.path().join("systems")).unwrap();
    let page = site.get("/").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.body);
    assert!(page.body.contains("cannot be read"), "{}", page.body);
}

#[cfg(feature = "fleet")]
#[tokio::test]
async fn a_store_without_a_fleet_says_how_to_have_one() {
    let site = site().await;
    let page = site.get("/fleet").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(page.lead(), "The store that is shown here has no fleet.");
    assert!(page.body.contains("harness fleet init --store postgres://"), "{}", page.body);
}
