//! Requests for temporary access: `GET /api/v2/approvalflowrequest`, definition
//! `jumpcloud.ingresso.GetAllWorkflowAccessRequestResponse`, and `GET /api/v2/accessrequests`, which lists what single
//! requests answer as `jumpcloud.ingresso.GetAccessRequestResponse`. The latter list is not published and rarely served.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::graph::sudo;
use super::kind::Kind;
use super::lenient;
use super::level::Level;
use crate::client::{Call, Identified, Listing, listing};

/// Lists the requests that went through an approval flow.
pub(crate) fn list_of_flows(limit: u64) -> Listing {
    listing(Call::get("/api/v2/approvalflowrequest"), limit)
}

/// Lists what was granted, with or without an approval flow.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/v2/accessrequests"), limit)
}

/// A request for temporary access, from either list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) id: String,
    /// Other ids under which the other list may have it.
    aliases: Vec<String>,
    pub(crate) state: State,
    /// The id of the user who gets the access.
    pub(crate) user: Option<String>,
    /// The id of the user who asked.
    asked_by: Option<String>,
    /// The kind of the resource; the target's word if it is not known.
    pub(crate) kind: Option<Result<Kind, String>>,
    /// The id of the resource.
    pub(crate) resource: Option<String>,
    /// The id of the group by which the user gets the access.
    pub(crate) temp_group: Option<String>,
    /// The level on a device; the target's word if it is not known.
    pub(crate) level: Option<Result<Level, String>>,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It was approved and not revoked since.
    Granted,
    /// It is not decided yet, was refused or has ended.
    NotGranted,
    /// A word that is not known; empty if there is none.
    Unknown(String),
}

impl State {
    fn of(word: Option<String>) -> Self {
        let word = word.unwrap_or_default();
        match plain(&word).as_str() {
            "approved" | "autoapproved" | "granted" | "active" => Self::Granted,
            "pending" | "requested" | "new" | "denied" | "rejected" | "declined" | "canceled" | "cancelled"
            | "expired" | "revoked" | "error" | "failed" => Self::NotGranted,
            _ => Self::Unknown(word),
        }
    }
}

impl Request {
    /// Whether the access exists at a time, as far as the request says so. One without an end is not temporary.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        self.state == State::Granted
            && self.starts_at.is_none_or(|start| start <= now)
            && self.expires_at.is_some_and(|end| end > now)
    }

    /// The ids by which either list may have it.
    fn ids(&self) -> impl Iterator<Item = &str> {
        [&self.id].into_iter().chain(&self.aliases).map(String::as_str)
    }

    /// What one user asked for until when: two requests of which this is equal are one, even if they share no id.
    fn asked(&self) -> Option<Asked> {
        Some((self.asked_by.clone()?, self.resource.clone()?, self.expires_at?))
    }

    /// Enters what the other list has of the same request. What was granted, and whether it still is, is known better there.
    fn update(&mut self, granted: Self) {
        if granted.state != State::Unknown(String::new()) {
            self.state = granted.state;
        }
        self.user = granted.user.or(self.user.take());
        self.kind = granted.kind.or(self.kind.take());
        self.resource = granted.resource.or(self.resource.take());
        self.temp_group = granted.temp_group.or(self.temp_group.take());
        self.level = granted.level.or(self.level.take());
        self.expires_at = granted.expires_at.or(self.expires_at);
    }
}

/// Who asked, for which resource, and until when.
type Asked = (String, String, Timestamp);

/// The requests of both lists, each once, in the order of their ids.
pub(crate) fn merged(of_flows: Vec<FlowRequest>, granted: Vec<AccessRequest>) -> Vec<Request> {
    let mut all: Vec<Request> = of_flows.into_iter().map(|request| request.0).collect();
    let (mut by_id, mut by_asked) = (HashMap::<String, usize>::new(), HashMap::<Asked, usize>::new());
    for (at, request) in all.iter().enumerate() {
        for id in request.ids() {
            by_id.entry(id.to_owned()).or_insert(at);
        }
        if let Some(asked) = request.asked() {
            by_asked.entry(asked).or_insert(at);
        }
    }
    for AccessRequest(request) in granted {
        let by_id = request.ids().find_map(|id| by_id.get(id));
        match by_id.or_else(|| by_asked.get(&request.asked()?)) {
            Some(&at) => all[at].update(request),
            None => all.push(request),
        }
    }
    all.sort_by(|one, other| one.id.cmp(&other.id));
    all
}

/// A request in `/approvalflowrequest`, definition `jumpcloud.ingresso.WorkflowAccessRequest`.
#[derive(Debug, Clone)]
pub(crate) struct FlowRequest(pub(crate) Request);

/// A request in `/accessrequests`, definition `jumpcloud.ingresso.GetAccessRequestResponse`.
#[derive(Debug, Clone)]
pub(crate) struct AccessRequest(pub(crate) Request);

impl<'de> Deserialize<'de> for FlowRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields(Map::deserialize(deserializer)?);
        let starts_at = fields.time("sessionStartDate");
        let lasts = || fields.duration("approvedDuration").or_else(|| fields.duration("requestedDuration"));
        let is_timed = fields.0.get("timeBasedAccess").and_then(lenient::flag) != Some(false);
        let request = Request {
            id: fields.id("id", "requestor"),
            aliases: fields.texts(&["runId"]),
            state: State::of(fields.text("status")),
            user: fields.text("requestor"),
            asked_by: fields.text("requestor"),
            kind: fields.kind(),
            resource: fields.text("resourceId"),
            // `group` is plain text, like `department`: it need not be the group that gives the access.
            temp_group: None,
            level: fields.text("devicePermissionLevel").map(level),
            starts_at,
            expires_at: fields
                .time("expirationDate")
                .or_else(|| starts_at?.checked_add(lasts()?).ok())
                .filter(|_| is_timed),
        };
        Ok(Self(request))
    }
}

impl<'de> Deserialize<'de> for AccessRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields(Map::deserialize(deserializer)?);
        let request = Request {
            id: fields.id("accessId", "requestorId"),
            aliases: fields.text("jobId").into_iter().flat_map(|job| [decoded(&job), Some(job)]).flatten().collect(),
            state: State::of(fields.text("accessState")),
            // Who asks for somebody else does not get the access.
            user: fields.text("onBehalfOfUserId").or_else(|| fields.text("requestorId")),
            asked_by: fields.text("requestorId").or_else(|| fields.text("onBehalfOfUserId")),
            kind: fields.kind(),
            resource: fields.text("resourceId"),
            temp_group: fields.text("tempGroupId"),
            level: fields
                .0
                .get("additionalAttributes")
                .and_then(attributes)
                .map(|attributes| Ok(sudo(Some(&attributes)))),
            starts_at: None,
            expires_at: fields.time("expiry"),
        };
        Ok(Self(request))
    }
}

impl Identified for FlowRequest {
    type Wire = Self;
    type Id = String;

    fn id(&self) -> &String {
        &self.0.id
    }
}

impl Identified for AccessRequest {
    type Wire = Self;
    type Id = String;

    fn id(&self) -> &String {
        &self.0.id
    }
}

/// The fields of a request as they came.
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&self, field: &str) -> Option<String> {
        lenient::text(self.0.get(field)?.clone())
    }

    fn texts(&self, fields: &[&str]) -> Vec<String> {
        fields.iter().filter_map(|field| self.text(field)).collect()
    }

    fn time(&self, field: &str) -> Option<Timestamp> {
        self.0.get(field).and_then(lenient::time)
    }

    /// The id; without one, what distinguishes the request.
    fn id(&self, field: &str, user: &str) -> String {
        let rest = [
            user,
            "onBehalfOfUserId",
            "resourceType",
            "resourceId",
            "sessionStartDate",
            "expiry",
            "expirationDate",
            "createdAt",
        ];
        self.text(field).or_else(|| self.text("id")).unwrap_or_else(|| self.texts(&rest).join("/"))
    }

    /// A duration: a number of seconds, also as `3600s`.
    fn duration(&self, field: &str) -> Option<SignedDuration> {
        let text = self.text(field)?;
        let seconds: i64 = text.strip_suffix('s').unwrap_or(&text).parse().ok()?;
        (seconds > 0).then(|| SignedDuration::from_secs(seconds))
    }

    fn kind(&self) -> Option<Result<Kind, String>> {
        let word = self.text("resourceType")?;
        Some(match plain(&word).as_str() {
            "device" | "devices" | "system" | "systems" => Ok(Kind::System),
            "devicegroup" | "systemgroup" => Ok(Kind::SystemGroup),
            "application" | "applications" | "app" | "ssoapplication" => Ok(Kind::Application),
            "group" | "usergroup" => Ok(Kind::UserGroup),
            other => Kind::of_word(|known| plain(known) == other).filter(|kind| *kind != Kind::User).ok_or(word),
        })
    }
}

/// The level that a word allows on a device.
fn level(word: String) -> Result<Level, String> {
    let plain = plain(&word);
    let has = |part: &str| plain.contains(part);
    match () {
        () if has("passwordless") || has("withoutpassword") || has("nopasswd") => Ok(Level::SudoWithoutPassword),
        () if has("admin") || has("sudo") || has("root") => Ok(Level::Sudo),
        () if has("standard") || has("login") || has("noelevated") || plain == "user" || plain == "none" => {
            Ok(Level::Login)
        }
        () => Err(word),
    }
}

/// The text of a field of bytes, which JSON has in Base64.
fn decoded(bytes: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(bytes.trim()).ok()?).ok().filter(|text| !text.is_empty())
}

/// A word in lower case, without what separates its parts.
fn plain(word: &str) -> String {
    word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `additionalAttributes`: an object, or one as text, also in Base64.
fn attributes(value: &Value) -> Option<Value> {
    let object = |text: &[u8]| serde_json::from_slice::<Value>(text).ok().filter(Value::is_object);
    match value {
        Value::Object(_) => Some(value.clone()),
        Value::String(text) => object(text.as_bytes()).or_else(|| object(&STANDARD.decode(text.trim()).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn flow(wire: Value) -> Request {
        serde_json::from_value::<FlowRequest>(wire).unwrap().0
    }

    fn granted(wire: Value) -> Request {
        serde_json::from_value::<AccessRequest>(wire).unwrap().0
    }

    #[test]
    fn the_level_of_an_access_request_is_read_from_an_object_and_from_base64() {
        let base64 = "eyJzdWRvIjogeyJlbmFibGVkIjogdHJ1ZSwgIndpdGhvdXRQYXNzd29yZCI6IGZhbHNlfX0=";
        for (attributes, expected) in [
            (json!({"sudo": {"enabled": true, "withoutPassword": true}}), Some(Ok(Level::SudoWithoutPassword))),
            (json!(base64), Some(Ok(Level::Sudo))),
            (json!(r#"{"sudo":{"enabled":true}}"#), Some(Ok(Level::Sudo))),
            (json!({}), Some(Ok(Level::Login))),
            (json!(""), None),
            (json!("not base64!"), None),
            (json!([1]), None),
            (json!(null), None),
        ] {
            assert_eq!(
                granted(json!({"accessId": "a", "additionalAttributes": attributes})).level,
                expected,
                "{attributes}"
            );
        }
    }

    #[test]
    fn the_words_of_flows_are_read_however_they_are_written() {
        let levels = ["ADMIN", "Passwordless Sudo", "admin_without_password", "STANDARD_USER", "guru"];
        let read: Vec<_> = levels.iter().map(|word| level((*word).to_owned())).collect();
        let expected = [
            Ok(Level::Sudo),
            Ok(Level::SudoWithoutPassword),
            Ok(Level::SudoWithoutPassword),
            Ok(Level::Login),
            Err("guru".to_owned()),
        ];
        assert_eq!(read, expected);
        let kind = |word: &str| flow(json!({"id": "1", "resourceType": word})).kind.unwrap();
        assert_eq!(
            [kind("Device"), kind("system_group"), kind("SSO_APPLICATION"), kind("USER_GROUP"), kind("ldap_server")],
            [Kind::System, Kind::SystemGroup, Kind::Application, Kind::UserGroup, Kind::LdapServer].map(Ok)
        );
        assert_eq!((kind("vault"), kind("user")), (Err("vault".to_owned()), Err("user".to_owned())));
        let state = |word: Value| flow(json!({"id": "1", "status": word})).state;
        assert_eq!([state(json!("APPROVED")), state(json!("Auto_Approved"))], [State::Granted, State::Granted]);
        assert_eq!([state(json!("Canceled")), state(json!("expired"))], [State::NotGranted, State::NotGranted]);
        assert_eq!(
            [state(json!("LIMBO")), state(json!(null))],
            ["LIMBO", ""].map(|word| State::Unknown(word.to_owned()))
        );
    }

    #[test]
    fn a_request_is_in_force_from_its_start_until_its_end() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let request = |more: Value| {
            let mut wire = json!({"id": "1", "status": "approved", "sessionStartDate": "2026-05-01T00:00:00Z"});
            wire.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            flow(wire)
        };
        let one = request(json!({"expirationDate": "2026-05-02T00:00:00Z"}));
        let at = ["2026-04-30T23:59:59Z", "2026-05-01T00:00:00Z", "2026-05-01T23:59:59Z", "2026-05-02T00:00:00Z"];
        assert_eq!(at.map(|now| one.is_in_force(time(now))), [false, true, true, false]);
        for (duration, end) in [
            (json!("3600s"), Some("2026-05-01T01:00:00Z")),
            (json!(60), Some("2026-05-01T00:01:00Z")),
            (json!("2 hours"), None),
            (json!(-1), None),
        ] {
            assert_eq!(request(json!({"approvedDuration": duration})).expires_at, end.map(time), "{duration}");
        }
        let untimed = request(json!({"timeBasedAccess": false, "expirationDate": "2026-05-02T00:00:00Z"}));
        assert!(!untimed.is_in_force(time("2026-05-01T12:00:00Z")));
    }

    #[test]
    fn a_request_in_both_lists_counts_once_and_what_was_granted_is_known_better() {
        let flows = || {
            vec![FlowRequest(flow(
                json!({"id": "f2", "runId": "j9", "requestor": "u", "resourceId": "d", "status": "approved",
                "devicePermissionLevel": "admin", "expirationDate": "2026-05-02T00:00:00Z"}),
            ))]
        };
        for (access, count) in [
            (json!({"accessId": "f2", "accessState": "revoked"}), 1),
            (json!({"accessId": "a1", "jobId": "j9", "accessState": "revoked"}), 1),
            (
                json!({"accessId": "a1", "requestorId": "u", "resourceId": "d", "expiry": "2026-05-02T00:00:00Z", "accessState": "revoked"}),
                1,
            ),
            (
                json!({"accessId": "a1", "requestorId": "u", "resourceId": "d", "expiry": "2026-05-03T00:00:00Z", "accessState": "revoked"}),
                2,
            ),
            (json!({"id": 7, "accessState": "granted"}), 2),
            (json!({"accessId": "a1", "jobId": "ajk=", "accessState": "revoked"}), 1),
            (
                json!({"accessId": "a1", "requestorId": "u", "onBehalfOfUserId": "v", "resourceId": "d", "expiry": "2026-05-02T00:00:00Z", "accessState": "revoked"}),
                1,
            ),
        ] {
            let all = merged(flows(), vec![AccessRequest(granted(access.clone()))]);
            assert_eq!(all.len(), count, "{access}");
            let one = all.iter().find(|one| one.id == "f2").unwrap();
            let (state, level) = if count == 1 { (State::NotGranted, 1) } else { (State::Granted, 1) };
            assert_eq!((&one.state, one.level.iter().count()), (&state, level), "{access}");
        }
    }

    #[test]
    fn long_histories_are_merged_without_comparing_each_request_with_each_other() {
        let count = 20_000;
        let row = |name: &str, number: u64, end: &str| json!({name: format!("{name}{number}"), end: "2026-05-02T00:00:00Z", "requestor": "u", "requestorId": "u", "resourceId": format!("d{number}")});
        let flows = (0..count).map(|number| FlowRequest(flow(row("id", number, "expirationDate")))).collect();
        let other = (0..count).map(|number| AccessRequest(granted(row("accessId", number, "expiry")))).collect();
        let all = merged(flows, other);
        assert_eq!(all.len() as u64, count);
        assert!(all.iter().all(|one| one.id.starts_with("id")));
    }

    #[test]
    fn a_request_without_an_id_is_distinguished_by_what_it_asks_for() {
        let id = |more: Value| granted(more).id;
        let rows = [json!({"onBehalfOfUserId": "u"}), json!({"onBehalfOfUserId": "v"}), json!({"resourceId": "d"})];
        let ids: std::collections::BTreeSet<String> = rows.map(id).into_iter().collect();
        assert!(ids.len() == 3 && !ids.contains(""), "{ids:?}");
    }
}
