//! Answers that are odd, and what becomes of a scan that gets them.

use std::time::{Duration, Instant};

use crate::support::console::{Content, id};
use crate::support::{core_alone, scan, try_scan};
use connector_api::{ErrorCode, Section, SectionStatus};
use serde_json::json;

#[tokio::test]
async fn half_a_character_in_a_text_or_a_name_of_a_field_costs_nothing_else() {
    let user = r#"{"_id":"000000000000000000000001","username":"ada","displayname":"Ada \ud83d","company":"\ude00!",
        "department":"\ud83d\ude00 \\ud83d","od\ud83dd":"kept"}"#;
    let group = r#"{"id":"000000000000000000000002","name":"Ops \ud83d","type":"user_group"}"#;
    let list = |row: &str| format!(r#"{{"totalCount":1,"results":[{row}]}}"#);
    let console = Content::default()
        .page("/api/systemusers", 200, &list(user))
        .page("/api/v2/usergroups", 200, &list(group))
        .page("/api/v2/usergroups/000000000000000000000002", 200, group)
        .serve()
        .await;
    let scanned = scan(core_alone(console.system())).await;
    let account = scanned.named("ada");
    assert_eq!(account.display_name.as_deref(), Some("Ada \u{fffd}"));
    assert_eq!(account.department.as_deref(), Some("😀 \\ud83d"));
    let attributes = serde_json::to_value(&account.attributes).unwrap();
    assert_eq!((&attributes["company"], &attributes["od\u{fffd}d"]), (&json!("\u{fffd}!"), &json!("kept")));
    assert_eq!(scanned.groups().next().unwrap().name, "Ops \u{fffd}");
}

#[tokio::test]
async fn an_address_that_is_blocked_ends_the_scan_at_once_whichever_section_hears_it() {
    const BLOCK: &str = "<html><h1>403</h1>your IP has been blocked due to suspected abuse</html>";
    let user = json!({"_id": id(1), "username": "ada"});
    for path in ["/api/users", "/api/systems", "/insights/directory/v1/events", "/api/v2/usergroups"] {
        let console = Content::default().list("/api/systemusers", [user.clone()]).page(path, 403, BLOCK).serve().await;
        let failure = try_scan(console.system().with_attribute("concurrency", 1)).await.unwrap_err();
        assert_eq!(failure.error().code, ErrorCode::AddressBlocked, "{path}: {failure}");
        assert!(failure.error().remedy.contains("unblocked"), "{failure:?}");
        let asked = console.asked();
        assert_eq!(asked.last().unwrap().path, path, "nothing is asked behind it");
        assert_eq!(asked.iter().filter(|request| request.path == path).count(), 1);
    }
}

#[tokio::test]
async fn a_date_to_come_back_at_is_a_second_ahead_whatever_this_servers_clock_says() {
    let headers = [("date", "Fri, 01 Jan 2100 00:00:00 GMT"), ("retry-after", "Fri, 01 Jan 2100 00:00:01 GMT")];
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .first("/api/v2/usergroups", 429, &headers, "")
        .serve()
        .await;
    let began = Instant::now();
    let scanned = scan(core_alone(console.system())).await;
    assert_eq!(*scanned.status(Section::GROUPS), SectionStatus::Complete);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}
