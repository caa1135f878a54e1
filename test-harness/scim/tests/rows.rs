//! What a scan makes of users and groups.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use connector_api::{
    Account, Connector, ConnectorError, Credential, Group, Membership, Record, ScanRequest, ScanSink, ScanSummary,
    Section, SystemConfig, async_trait,
};
use connector_scim::ScimConnector;
use connector_scim::testing::{Fault, ScimServer};
use serde_json::{Value, json};

#[derive(Default)]
struct Rows(Mutex<Vec<Record>>);

#[async_trait]
impl ScanSink for Rows {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// What a scan of a service provider with these users and groups finds.
struct Found {
    accounts: Vec<Account>,
    groups: Vec<Group>,
    memberships: Vec<Membership>,
    /// Which group is in which.
    nested: Vec<(String, String)>,
    summary: ScanSummary,
}

async fn scan(users: Vec<Value>, groups: Vec<Value>) -> Found {
    let server = ScimServer::start("token", users, groups, Fault::None).await.unwrap();
    let connector =
        ScimConnector::try_from(SystemConfig::new("Scim", server.url, Credential::from_secret("token"))).unwrap();
    let rows = Arc::new(Rows::default());
    let summary = connector.scan(ScanRequest::default(), rows.clone()).await.unwrap();
    let mut found =
        Found { accounts: Vec::new(), groups: Vec::new(), memberships: Vec::new(), nested: Vec::new(), summary };
    for row in rows.0.lock().unwrap().drain(..) {
        match row {
            Record::Account(account) => found.accounts.push(*account),
            Record::Group(group) => found.groups.push(*group),
            Record::Membership(membership) => found.memberships.push(*membership),
            Record::Binding(binding) => found.nested.push((binding.from.external_id, binding.to.external_id)),
            other => panic!("{other:?}"),
        }
    }
    found
}

fn user(more: Value) -> Value {
    let mut user = json!({"id": "1", "userName": "ada"});
    user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    user
}

#[tokio::test]
async fn a_display_name_falls_back_step_by_step_to_the_user_name() {
    let name = json!({"formatted": "Ada L.", "givenName": "Ada", "familyName": "Lovelace"});
    for (given, shown) in [
        (json!({"displayName": "A", "name": name}), "A"),
        (json!({"displayName": " ", "name": name}), "Ada L."),
        (json!({"name": {"givenName": "Ada", "familyName": "L"}}), "Ada L"),
        (json!({"displayName": null}), "ada"),
    ] {
        let found = scan(vec![user(given)], Vec::new()).await;
        assert_eq!(found.accounts[0].display_name.as_deref(), Some(shown));
    }
}

#[tokio::test]
async fn the_primary_mail_is_taken_before_the_first() {
    for (emails, email) in [
        (json!([{"value": "a@x"}, {"value": "b@x", "primary": true}]), Some("b@x")),
        (json!([{"value": "a@x"}]), Some("a@x")),
        (json!([]), None),
    ] {
        let found = scan(vec![user(json!({"emails": emails}))], Vec::new()).await;
        assert_eq!(found.accounts[0].email.as_deref(), email);
    }
}

#[tokio::test]
async fn members_of_inner_groups_come_with_their_way_and_circles_end() {
    let group = |id: &str, members: &[&str]| {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        json!({"id": id, "displayName": id, "members": members})
    };
    let groups = vec![group("a", &["b"]), group("b", &["c", "a"]), group("c", &["1", "x"])];
    let found = scan(vec![user(json!({}))], groups).await;
    let ways: Vec<(&str, Vec<&str>)> = found
        .memberships
        .iter()
        .map(|row| (row.group_name.as_str(), row.via.iter().map(|step| step.name.as_str()).collect()))
        .collect();
    assert_eq!(ways, [("a", vec!["c", "b"]), ("b", vec!["c"]), ("c", vec![])]);
    assert!(found.memberships.iter().all(|row| row.direct == row.via.is_empty()));
    let pair = |inner: &str, outer: &str| (inner.to_owned(), outer.to_owned());
    assert_eq!(found.nested, [pair("b", "a"), pair("c", "b"), pair("a", "b")]);
    let report = found.summary.section(Section::MEMBERSHIPS).unwrap();
    let examples: Vec<&str> = report.dangling_examples.iter().map(|example| example.to.as_str()).collect();
    assert_eq!((report.dangling, examples), (1, vec!["member x"]), "the group that names it reports it");
}

#[tokio::test]
async fn a_group_is_privileged_by_its_name() {
    let groups = vec![json!({"id": "1", "displayName": "Domain ADMINS"}), json!({"id": "2", "displayName": "Staff"})];
    let found = scan(Vec::new(), groups).await;
    assert_eq!(found.groups[0].reasons[0].message, "its name contains \"admin\"");
    assert!(found.groups[0].privileged && !found.groups[1].privileged);
}
