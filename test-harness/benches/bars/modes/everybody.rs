//! The commonest set-up by hand, and a server for it: one group of all users, one group of all devices, and at most one
//! binding, from the first to the second. Nobody is privileged, so all that the binding adds is its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Result;

/// The key that the server gets; it accepts any.
pub(super) const KEY: &str = "0000000000000000000000000000000000000000";
/// The devices.
pub(super) const DEVICES: u64 = 40;

/// A running server. It stops when it is dropped.
pub(super) struct Everybody {
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Everybody {
    /// Serves an organisation with some users, who are bound to the devices or not.
    pub(super) async fn start(users: u64, bound: bool) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = axum::Router::new().fallback(answer).with_state(Arc::new(Organization { users, bound }));
        Ok(Self { address, task: tokio::spawn(axum::serve(listener, router).into_future()) })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Everybody {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Organization {
    users: u64,
    bound: bool,
}

/// A kind of object, by the word in paths and ids.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    User = 1,
    UserGroup,
    System,
    SystemGroup,
}

impl Kind {
    /// The ObjectId of an object.
    fn id(self, index: u64) -> String {
        format!("5f{:02x}{index:020x}", self as u8)
    }

    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::UserGroup => "user_group",
            Self::System => "system",
            Self::SystemGroup => "system_group",
        }
    }

    fn edge_to(self, index: u64) -> Value {
        json!({ "attributes": null, "to": { "attributes": null, "id": self.id(index), "type": self.name() } })
    }
}

/// Answers as the two versions of the API do. What is not known is empty.
async fn answer(State(organization): State<Arc<Organization>>, uri: Uri) -> Response {
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let query = Query::of(&uri);
    let Organization { users, bound } = *organization;
    match path[..] {
        ["api", "systemusers"] => v1(&query, users, user),
        ["api", "systems"] => v1(&query, DEVICES, device),
        ["api", "v2", "usergroups"] => v2(&query, 1, |_| group(Kind::UserGroup, "Everybody")),
        ["api", "v2", "systemgroups"] => v2(&query, 1, |_| group(Kind::SystemGroup, "All devices")),
        ["api", "v2", "usergroups", _] => Json(group(Kind::UserGroup, "Everybody")).into_response(),
        ["api", "v2", "systemgroups", _] => Json(group(Kind::SystemGroup, "All devices")).into_response(),
        ["api", "v2", "usergroups", _, "members"] => v2(&query, users, |index| Kind::User.edge_to(index)),
        ["api", "v2", "systemgroups", _, "members"] => v2(&query, DEVICES, |index| Kind::System.edge_to(index)),
        ["api", "v2", "systems", _, "memberof"] => v2(
            &query,
            1,
            |_| json!({ "id": Kind::SystemGroup.id(0), "type": "system_group", "compiledAttributes": {}, "paths": [] }),
        ),
        ["api", "v2", "usergroups", _, "associations"] if bound && query.targets(Kind::SystemGroup) => {
            v2(&query, 1, |_| Kind::SystemGroup.edge_to(0))
        }
        ["api", "v2", "systemgroups", _, "associations"] if bound && query.targets(Kind::UserGroup) => {
            v2(&query, 1, |_| Kind::UserGroup.edge_to(0))
        }
        ["api", "v2", ..] => v2(&query, 0, |_| Value::Null),
        _ => v1(&query, 0, |_| Value::Null),
    }
}

fn user(index: u64) -> Value {
    json!({
        "_id": Kind::User.id(index), "username": format!("user{index}"), "email": format!("user{index}@example.org"),
        "firstname": "User", "lastname": index.to_string(), "activated": true, "suspended": false, "state": "ACTIVATED",
        "account_locked": false, "sudo": false, "passwordless_sudo": false, "totp_enabled": true,
        "mfa": { "configured": true, "exclusion": false }, "admin": null, "created": "2020-01-01T00:00:00.000Z",
    })
}

fn device(index: u64) -> Value {
    json!({
        "_id": Kind::System.id(index), "displayName": format!("Device {index}"), "hostname": format!("device-{index}"),
        "os": "Ubuntu", "osFamily": "linux", "active": true, "created": "2020-01-01T00:00:00.000Z",
    })
}

fn group(kind: Kind, name: &str) -> Value {
    json!({ "id": kind.id(0), "name": name, "type": kind.name(), "attributes": {}, "membershipMethod": "STATIC" })
}

/// The part of a query that matters.
#[derive(Default)]
struct Query {
    skip: u64,
    limit: u64,
    targets: String,
}

impl Query {
    fn of(uri: &Uri) -> Self {
        let mut query = Self { limit: 100, ..Self::default() };
        for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            match &*name {
                "skip" => query.skip = value.parse().unwrap_or(0),
                "limit" => query.limit = value.parse().unwrap_or(100),
                "targets" => query.targets += &format!("{value},"),
                _ => {}
            }
        }
        query
    }

    fn targets(&self, kind: Kind) -> bool {
        self.targets.split(',').any(|target| target == kind.name())
    }

    fn rows(&self, total: u64, row: impl Fn(u64) -> Value) -> Vec<Value> {
        (self.skip.min(total)..(self.skip + self.limit).min(total)).map(row).collect()
    }
}

fn v1(query: &Query, total: u64, row: impl Fn(u64) -> Value) -> Response {
    Json(json!({ "totalCount": total, "results": query.rows(total, row) })).into_response()
}

fn v2(query: &Query, total: u64, row: impl Fn(u64) -> Value) -> Response {
    let headers = [(HeaderName::from_static("x-total-count"), total.to_string())];
    (headers, Json(query.rows(total, row))).into_response()
}
