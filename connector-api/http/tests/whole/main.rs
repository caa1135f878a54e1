//! A whole connector on this crate, as a new author would write it, in less than 200 lines: `connector.rs`.
#![allow(missing_docs, clippy::unwrap_used)]

mod connector;
#[path = "../support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};

use connector_api::{
    ConnectorError, Credential, Edition, ErrorCode, Record, Registry, ScanRequest, ScanSink, Section, SystemConfig,
    async_trait,
};
use support::{Request, Server, status};

#[derive(Default)]
struct Rows(Mutex<Vec<Record>>);

#[async_trait]
impl ScanSink for Rows {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// Users in two pages, one group, one member who is known and one who is not.
fn answer(request: &Request, base: &str) -> support::Reply {
    if request.authorization.as_deref() != Some("Bearer token") {
        return status(401, r#"{"message":"unknown token"}"#);
    }
    let (path, query) = request.path.split_once('?').unwrap();
    match (path, query.contains("after=1")) {
        ("/api/v1/users", false) => {
            let next = format!("<{base}/api/v1/users?limit=200&after=1>; rel=\"next\"");
            (200, Some(("link", next)), r#"[{"id":"1","login":"ada","status":"ACTIVE"}]"#.to_owned())
        }
        ("/api/v1/users", true) => support::ok(r#"[{"id":"2","login":"bob","status":"SUSPENDED"}]"#),
        ("/api/v1/groups", _) => support::ok(r#"[{"id":"a/b","name":"Ops"}]"#),
        ("/api/v1/groups/a%2Fb/members", _) => support::ok(r#"[{"id":"2"},{"id":"9"}]"#),
        _ => status(404, ""),
    }
}

async fn target(base: Option<&'static str>) -> Server {
    Server::start(move |request| {
        let own = format!("http://{}", request.headers["host"].to_str().unwrap());
        answer(request, base.unwrap_or(&own))
    })
    .await
}

fn system(server: &Server, token: &'static str) -> SystemConfig {
    SystemConfig::new("Acme", server.url.clone(), Credential::from_secret(token))
}

#[tokio::test]
async fn a_whole_connector_takes_less_than_200_lines_and_finds_everything() {
    assert!(include_str!("connector.rs").lines().count() < 200);
    let server = target(None).await;
    let connector = Registry::discover().unwrap().connect(system(&server, "token"), Edition::Pro).unwrap();
    let rows = Arc::new(Rows::default());
    let summary = connector.scan(ScanRequest::default(), rows.clone()).await.unwrap();
    let found: Vec<String> = rows
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|row| match row {
            Record::Account(account) => format!("{} {:?}", account.username, account.enabled.unwrap()),
            Record::Group(group) => format!("{} of {}", group.name, group.member_count.unwrap()),
            Record::Membership(row) => format!("{} in {}", row.username, row.group_name),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, ["ada true", "bob false", "Ops of 1", "bob in Ops"]);
    assert_eq!(summary.section(Section::USERS).unwrap().records, 2);
}

#[tokio::test]
async fn it_names_a_refused_token_and_a_link_to_a_foreign_host() {
    let server = target(None).await;
    let connector = Registry::discover().unwrap().connect(system(&server, "another"), Edition::Pro).unwrap();
    let report = connector.test_connection().await;
    let error = report.first_error().unwrap();
    assert_eq!(error.code, ErrorCode::Unauthorized);
    assert!(error.remedy.contains("the API token") && !format!("{error:?}").contains("another"), "{error:?}");

    let server = target(Some("https://evil.example")).await;
    let connector = Registry::discover().unwrap().connect(system(&server, "token"), Edition::Pro).unwrap();
    let failure = connector.scan(ScanRequest::default(), Arc::new(Rows::default())).await.unwrap_err();
    assert!(format!("{failure:?}").contains("evil.example"), "{failure:?}");
    assert_eq!(server.asked_for("/api/v1/users"), 1);
}
