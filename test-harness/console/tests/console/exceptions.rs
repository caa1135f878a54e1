//! Findings are accepted for a time.

use axum::http::StatusCode;
use connector_store::{Exception, Store};

use crate::act::address;
use crate::organisation::{login, rows};
use crate::site::{Site, lead};

#[tokio::test]
async fn a_finding_is_accepted_for_a_time_with_a_reason_and_withdrawn() {
    let site = Site::with(&[rows(8, login())]).await;
    let findings = site.page("/findings?system=toy").await;
    let id = findings.split("/exception?").nth(1).unwrap().split("id=").nth(1).unwrap()[..12].to_owned();
    let path = format!("/exception?system=toy&id={id}");
    let wrong = [("then", "accept"), ("reason", "a\0"), ("until", "2026-11-25"), ("by", "Ada\u{202e}")];
    let wrong = site.post(&path, &wrong).await;
    for said in ["id=\"reason-error\"", "U+0000", "This day is over: choose a later one.", "id=\"by-error\"", "U+202E"]
    {
        assert!(wrong.body.contains(said), "{said}: {}", wrong.body);
    }
    let right = [("then", "accept"), ("reason", "agreed <b>"), ("until", "2027-01-31")];
    assert!(address(&site.post(&path, &right).await).starts_with("/findings"));
    let findings = site.page("/findings?system=toy").await;
    assert!(findings.contains("agreed &lt;b&gt;") && findings.contains("Change or withdraw"), "{findings}");
    let form = site.page(&path).await;
    assert!(form.contains("value=\"2027-01-31\""), "{form}");
    address(&site.post(&path, &[("then", "withdraw")]).await);
    assert!(!site.page("/findings?system=toy").await.contains("agreed &lt;b&gt;"));
}

#[tokio::test]
async fn an_exception_that_ends_within_a_day_says_when_and_saving_it_unchanged_changes_nothing() {
    let site = Site::with(&[rows(8, login())]).await;
    let findings = site.page("/findings?system=toy").await;
    let id = findings.split("/exception?").nth(1).unwrap().split("id=").nth(1).unwrap()[..12].to_owned();
    let path = format!("/exception?system=toy&id={id}");
    let mut store = Store::open(&site.location).unwrap();
    let system = store.systems().unwrap().remove(0);
    let mut accept = |expires: &str| {
        let (reason, expires) = ("agreed".to_owned(), expires.parse().unwrap());
        store.except(&system, 1, &[Exception { id: id.clone(), reason, expires, by: None }]).unwrap();
    };
    accept("2026-11-26T18:30:05.5Z");
    let findings = site.page("/findings?system=toy").await;
    assert!(findings.contains("Accepted</span> until <time datetime=\"2026-11-26T18:30:05Z\">"), "{findings}");
    let form = site.page(&path).await;
    assert!(form.contains("type=\"datetime-local\" step=\"1\" value=\"2026-11-26T18:30:05\""), "{form}");
    let unchanged = [("then", "accept"), ("reason", "agreed"), ("until", "2026-11-26T18:30:05")];
    address(&site.post(&path, &unchanged).await);
    let of = |location| {
        let mut store = Store::open(location).unwrap();
        let system = store.systems().unwrap().remove(0);
        store.exceptions(&system).unwrap().remove(0).expires.to_string()
    };
    assert_eq!(of(&site.location), "2026-11-26T18:30:05.5Z");
    // One that is over is not prolonged by saving it as it is.
    accept("2026-11-26T08:00:00Z");
    let findings = site.page("/findings?system=toy").await;
    assert!(findings.contains("Exception</span> ended at <time datetime=\"2026-11-26T08:00:00Z\">"), "{findings}");
    let form = site.page(&path).await;
    assert!(form.contains("value=\"2026-11-26T08:00:00\""), "{form}");
    let refused = site.post(&path, &[("then", "accept"), ("reason", "agreed"), ("until", "2026-11-26T08:00:00")]).await;
    assert!(refused.body.contains("This time is over: choose a later one."), "{}", refused.body);
    assert_eq!(of(&site.location), "2026-11-26T08:00:00Z");
}

#[tokio::test]
async fn the_page_of_an_exception_is_about_the_finding_and_not_about_its_address() {
    let site = Site::with(&[rows(8, login())]).await;
    let findings = site.page("/findings?system=toy&severity=critical").await;
    let id = findings.split("/exception?").nth(1).unwrap().split("id=").nth(1).unwrap()[..12].to_owned();
    let page = site.page(&format!("/exception?system=toy&id={id}&code=no_such_kind")).await;
    let lead = lead(&page);
    assert!(lead.starts_with(&format!("Sudo on systems {id} on user user0006 of toy.")), "{lead}");
    let unknown = site.get("/exception?system=toy&id=0123456789ab&code=sudo_on_systems").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.body.contains("There is no finding 0123456789ab as of run 1."), "{}", unknown.body);
}

#[tokio::test]
async fn a_finding_that_does_not_exist_cannot_be_accepted() {
    let site = Site::with(&[rows(8, login())]).await;
    let right = [("then", "accept"), ("reason", "agreed"), ("until", "2027-01-31")];
    let refused = site.post("/exception?system=toy&id=0123456789ab", &right).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert!(refused.body.contains("There is no finding 0123456789ab as of run 1."), "{}", refused.body);
    let mut store = Store::open(&site.location).unwrap();
    let system = store.systems().unwrap().remove(0);
    assert!(store.exceptions(&system).unwrap().is_empty());
}

#[tokio::test]
async fn an_exception_is_looked_at_as_of_another_scan_on_the_same_page() {
    let site = Site::with(&[rows(8, login()), rows(9, login())]).await;
    let findings = site.page("/findings?system=toy").await;
    let id = findings.split("/exception?").nth(1).unwrap().split("id=").nth(1).unwrap()[..12].to_owned();
    let page = site.page(&format!("/exception?system=toy&id={id}&code=sudo_on_systems")).await;
    let form = page.split("class=\"where\"").nth(1).unwrap().split("<form").nth(1).unwrap();
    let form = form.split("</form>").next().unwrap();
    assert!(form.contains("action=\"/exception\""), "{form}");
    for (name, value) in [("system", "toy"), ("id", &id), ("code", "sudo_on_systems")] {
        assert!(form.contains(&format!("name=\"{name}\" value=\"{value}\"")), "{name}: {form}");
    }
    assert_eq!(site.get(&format!("/exception?system=toy&id={id}&at=1")).await.status, StatusCode::OK);
}
