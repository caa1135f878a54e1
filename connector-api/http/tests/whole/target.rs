//! A small Acme organisation over HTTP, with faults.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde_json::{Value, json};

use crate::support::{Reply, Request, Server, status};

pub const TOKEN: &str = "acme-token-51c0";
pub const USERS: usize = 1030;
pub const GROUPS: usize = 3;
pub const APPLICATIONS: usize = 2;

/// What is wrong with the target.
pub enum Fault {
    None,
    /// Every call gets this status.
    All(u16),
    /// Every call to such a list gets it.
    On(&'static str),
    /// Every third call gets 503.
    InPassing,
    /// The link to the next page leads there.
    NextLink(String),
}

pub fn user_id(user: usize) -> String {
    format!("u{user:04}")
}

pub fn is_active(user: usize) -> bool {
    !user.is_multiple_of(7)
}

/// Contains characters that must be escaped in a path.
pub fn group_id(group: usize) -> String {
    format!("g/{group}")
}

/// The members of a group that are users. The group has one more member that is not a user.
pub fn members(group: usize) -> impl Iterator<Item = usize> {
    (0..USERS).filter(move |user| user % (group + 2) == 0)
}

pub fn application_id(application: usize) -> String {
    format!("a{application}")
}

/// Starts the target; the fault decides which calls fail.
pub async fn start(fault: Fault) -> Server {
    let calls = AtomicU32::new(0);
    Server::start(move |request| {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if request.authorization.as_deref() != Some(&format!("Bearer {TOKEN}")) {
            let said = request.authorization.as_deref().unwrap_or_default();
            return status(401, json!({"message": format!("{said} is not known")}).to_string());
        }
        match &fault {
            Fault::All(code) => return status(*code, r#"{"message":"not allowed"}"#),
            Fault::On(list) if path.ends_with(list) => return status(500, r#"{"message":"broken"}"#),
            Fault::InPassing if calls.fetch_add(1, Relaxed) % 3 == 1 => return status(503, ""),
            _ => {}
        }
        let Some(rows) = rows(path) else { return status(404, "") };
        page(request, &fault, rows, query)
    })
    .await
}

/// Returns the rows of a list.
fn rows(path: &str) -> Option<Vec<Value>> {
    let users = |id: String| json!({"id": id});
    Some(match path.strip_prefix("/api/v1")?.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["users"] => (0..USERS)
            .map(|user| {
                let state = if is_active(user) { "ACTIVE" } else { "SUSPENDED" };
                json!({"id": user_id(user), "login": format!("user{user}"), "status": state})
            })
            .collect(),
        ["groups"] => {
            (0..GROUPS).map(|group| json!({"id": group_id(group), "name": format!("Group {group}")})).collect()
        }
        ["groups", group, "members"] => {
            let group = (0..GROUPS).find(|at| group_id(*at).replace('/', "%2F") == group)?;
            members(group).map(user_id).chain(["nobody".to_owned()]).map(users).collect()
        }
        ["applications"] => (0..APPLICATIONS)
            .map(|at| json!({"id": application_id(at), "label": format!("Application {at}")}))
            .collect(),
        ["applications", _, "access"] => {
            let of = |user: String, level: &str| json!({"user": user, "level": level});
            vec![of(user_id(3), "use"), of(user_id(3), "admin"), of("nobody".to_owned(), "use")]
        }
        _ => return None,
    })
}

/// Returns the page that a call requests, with the link to the next one.
fn page(request: &Request, fault: &Fault, rows: Vec<Value>, query: &str) -> Reply {
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let (limit, after) = (parameter("limit").unwrap_or(100), parameter("after").unwrap_or(0));
    let body = Value::from(rows.iter().skip(after).take(limit).cloned().collect::<Vec<_>>()).to_string();
    let next = after + limit;
    let link = (next < rows.len()).then(|| {
        let own = format!("http://{}", request.headers["host"].to_str().unwrap());
        let base = if let Fault::NextLink(base) = fault { base } else { &own };
        let path = request.path.split('?').next().unwrap_or_default();
        ("link", format!("<{base}{path}?limit={limit}&after={next}>; rel=\"next\""))
    });
    (200, link, body)
}
