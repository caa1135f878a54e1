//! Console administrators: `GET /api/users` (V1; not in the published list of operations), objects as `userreturn`.

use connector_api::{AccountCredential, Attributes, CredentialKind};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Id, lenient, own_id, secrets};
use crate::client::{Call, Identified, Listing, listing};

/// Lists the console's administrators.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/users"), limit).by_id("_id")
}

/// A console administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Administrator {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    /// Every field as received, except those that may hold a secret.
    #[serde(flatten, deserialize_with = "kept", serialize_with = "lenient::ser_fields")]
    pub(crate) fields: Attributes,
}

/// Of the API key only its times, and the beginning by which an administrator knows it, are kept.
fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    let mut fields = Map::deserialize(deserializer)?;
    let key = fields.remove("apiKeyHash");
    secrets::remove(&mut fields);
    if let Some(Value::Object(mut key)) = key {
        key.retain(|name, value| match value {
            Value::String(text) if name == "prefix" => {
                *text = text.chars().take(PREFIX).collect();
                true
            }
            // Whether it expires is not known if the end cannot be read, which differs from no end.
            value => name == "expireAt" || name == "createdAt" || secrets::is_harmless(value),
        });
        fields.insert("apiKeyHash".to_owned(), key.into());
    }
    Ok(fields.into_iter().collect())
}

impl Identified for Administrator {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

impl Administrator {
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        lenient::flag(&self.fields.get(name)?)
    }

    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        lenient::time(&self.fields.get(name)?)
    }

    pub(crate) fn email(&self) -> Option<String> {
        self.text("email")
    }

    /// The administrator's roles, from `roles` with `roleNames`, and `role` with `roleName`. In some organisations `role` is
    /// an id, in others a name. Each role is listed once, by its id if it has one.
    pub(crate) fn roles(&self) -> Vec<Role> {
        let (ids, names) = (self.texts("roles"), self.texts("roleNames"));
        let mut given: Vec<Role> = if ids.len() == names.len() {
            ids.into_iter().zip(names).map(|(id, name)| Role::of(Some(id), Some(name))).collect()
        } else {
            let ids = ids.into_iter().map(|id| Role::of(Some(id), None));
            ids.chain(names.into_iter().map(|name| Role::of(None, Some(name)))).collect()
        };
        given.push(Role::of(self.text("role"), self.text("roleName")));
        let mut roles: Vec<Role> = Vec::new();
        for role in given.into_iter().filter(|role| *role != Role::default()) {
            let same = |known: &&mut Role| match (&known.id, &role.id) {
                (Some(known), Some(id)) => known == id,
                _ => known.name.is_some() && known.name == role.name,
            };
            match roles.iter_mut().find(same) {
                Some(known) => {
                    known.id = known.id.take().or(role.id);
                    known.name = known.name.take().or(role.name);
                }
                None => roles.push(role),
            }
        }
        // A single id and a single name, in two places, belong to the same role.
        if let [Role { id: None, name }, Role { id, name: None }] | [Role { id, name: None }, Role { id: None, name }] =
            &mut roles[..]
        {
            roles = vec![Role { id: id.take(), name: name.take() }];
        }
        roles
    }

    /// The texts of a list that are not empty.
    fn texts(&self, name: &str) -> Vec<String> {
        match self.fields.get(name) {
            Some(Value::Array(texts)) => {
                let texts = texts.iter().filter_map(Value::as_str).filter(|text| !text.is_empty());
                texts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// When the API key was made, if there is one.
    pub(crate) fn api_key_made_at(&self) -> Option<Timestamp> {
        let of_hash = || lenient::time(self.fields.get("apiKeyHash")?.get("createdAt")?);
        let made = self.time("apiKeyUpdatedAt").or_else(of_hash);
        made.filter(|_| self.flag("apiKeySet") != Some(false))
    }

    /// The API key, if there is one.
    fn any_api_key(&self) -> Option<ApiKey> {
        // An empty object means none.
        let hash = self.fields.get("apiKeyHash").filter(|hash| hash.as_object().is_some_and(|hash| !hash.is_empty()));
        let made_at = self.api_key_made_at();
        let is_set = self.flag("apiKeySet").unwrap_or(made_at.is_some() || hash.is_some());
        let end = hash.as_ref().map(|hash| hash.get("expireAt").unwrap_or(&Value::Null));
        let expiry = end.map_or(Expiry::Unknown, Expiry::of);
        is_set.then_some(ApiKey { made_at, expiry })
    }

    /// The API key, if there is one and the administrator may use it.
    pub(crate) fn api_key(&self) -> Option<ApiKey> {
        self.any_api_key().filter(|_| self.flag("apiKeyAllowed") != Some(false))
    }

    /// The API key in rows, if there is one.
    pub(crate) fn credential(&self, now: Timestamp) -> Option<AccountCredential> {
        let ApiKey { made_at, expiry } = self.any_api_key()?;
        let mut row = AccountCredential::new(CredentialKind::API_KEY);
        row.identifier = match self.fields.get("apiKeyHash").as_ref().and_then(|hash| hash.get("prefix")?.as_str()) {
            Some(prefix) if !prefix.is_empty() => Some(prefix.chars().take(PREFIX).collect()),
            _ => None,
        };
        row.created_at = made_at;
        (row.expires_at, row.never_expires) = expiry.in_row();
        let has_expired = matches!(expiry, Expiry::At(end) if end <= now);
        let is_suspended = self.flag("suspended") == Some(true);
        row.usable = if has_expired || is_suspended { Some(false) } else { self.flag("apiKeyAllowed") };
        Some(row)
    }
}

/// How many characters of an API key are kept, whatever a list gives.
const PREFIX: usize = 8;

/// A role of the console.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Role {
    /// In lower case.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
}

impl Role {
    /// A role from a text that may be its id, and its name.
    fn of(id: Option<String>, name: Option<String>) -> Self {
        match id {
            Some(id) if is_id(&id) => Self { id: Some(role_id(&id)), name },
            other => Self { id: None, name: name.or(other) },
        }
    }
}

/// The id of a role as it is compared: in lower case, unless it is another text, such as a name.
pub(crate) fn role_id(text: &str) -> String {
    if is_id(text) { text.to_lowercase() } else { text.to_owned() }
}

/// Whether a text is an id: 24 hexadecimal digits, or a UUID.
fn is_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    let dashes = text.bytes().filter(|byte| *byte == b'-').count();
    digits + dashes == text.len() && matches!((digits, dashes), (24, 0) | (32, 0 | 4))
}

/// An administrator's API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiKey {
    pub(crate) made_at: Option<Timestamp>,
    pub(crate) expiry: Expiry,
}

/// When a credential expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Expiry {
    At(Timestamp),
    Never,
    /// The target does not report it.
    Unknown,
}

impl Expiry {
    /// From a field: `null` means never, as does an empty text and the first day of the first year.
    pub(crate) fn of(end: &Value) -> Self {
        match end {
            Value::Null => Self::Never,
            Value::String(text) if text.is_empty() || text.starts_with("0001-01-01") => Self::Never,
            end => lenient::time(end).map_or(Self::Unknown, Self::At),
        }
    }

    /// `expiresAt` and `neverExpires` of a credential in rows.
    pub(crate) fn in_row(self) -> (Option<Timestamp>, Option<bool>) {
        match self {
            Self::At(end) => (Some(end), None),
            Self::Never => (None, Some(true)),
            Self::Unknown => (None, None),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const ID: &str = "5c3536e9e0a6840c99e3d1a1";

    fn administrator(fields: &Value) -> Administrator {
        let mut fields = fields.clone();
        fields["_id"] = json!("5f0000000000000000000001");
        serde_json::from_str(&fields.to_string()).unwrap()
    }

    #[test]
    fn a_role_is_known_by_its_id_and_has_the_name_that_comes_with_it() {
        let role =
            |id: Option<&str>, name: Option<&str>| Role { id: id.map(str::to_owned), name: name.map(str::to_owned) };
        for (fields, roles) in [
            (
                json!({"role": ID, "roleName": "Manager", "roles": [ID], "roleNames": ["Manager"]}),
                vec![role(Some(ID), Some("Manager"))],
            ),
            (json!({"role": ID.to_uppercase()}), vec![role(Some(ID), None)]),
            (json!({"role": "Owner"}), vec![role(None, Some("Owner"))]),
            (json!({"role": ID, "roleNames": ["Manager"]}), vec![role(Some(ID), Some("Manager"))]),
            (
                json!({"role": ID, "roleNames": ["A", "B"]}),
                vec![role(None, Some("A")), role(None, Some("B")), role(Some(ID), None)],
            ),
            (
                json!({"roleNames": ["Manager", "Help Desk"], "roleName": "Manager"}),
                vec![role(None, Some("Manager")), role(None, Some("Help Desk"))],
            ),
            (json!({"role": "", "roleName": null, "roles": "none"}), vec![]),
        ] {
            assert_eq!(administrator(&fields).roles(), roles, "{fields}");
        }
    }

    #[test]
    fn a_key_that_is_not_set_or_not_allowed_is_none() {
        let key = |fields: Value| administrator(&fields).api_key().map(|key| key.expiry);
        let hash =
            |expiry: Value| json!({"apiKeySet": true, "apiKeyHash": {"createdAt": "2020-01-01", "expireAt": expiry}});
        assert_eq!(key(json!({})), None);
        assert_eq!(key(json!({"apiKeyUpdatedAt": "2020-01-01T00:00:00Z"})), Some(Expiry::Unknown));
        assert_eq!(key(json!({"apiKeySet": false, "apiKeyUpdatedAt": "2020-01-01T00:00:00Z"})), None);
        assert_eq!(key(json!({"apiKeySet": true, "apiKeyAllowed": false})), None);
        assert_eq!(key(json!({"apiKeySet": true, "apiKeyHash": {"createdAt": "2020-01-01"}})), Some(Expiry::Never));
        assert_eq!(key(hash(Value::Null)), Some(Expiry::Never));
        assert_eq!(key(hash(json!("2027-01-01T00:00:00Z"))), Some(Expiry::At("2027-01-01T00:00:00Z".parse().unwrap())));
        assert_eq!(key(hash(json!("some day"))), Some(Expiry::Unknown));
        assert_eq!(key(hash(json!("0001-01-01T00:00:00Z"))), Some(Expiry::Never));
        assert_eq!(key(json!({"apiKeyHash": {}})), None, "an empty object means none");
        assert_eq!(key(json!({"apiKeySet": true, "apiKeyHash": {}})), Some(Expiry::Unknown));
        let now = "2026-11-26T00:00:00Z".parse().unwrap();
        let usable = |suspended: bool| {
            let fields = json!({"apiKeySet": true, "apiKeyAllowed": true, "suspended": suspended});
            administrator(&fields).credential(now).unwrap().usable
        };
        assert_eq!([false, true].map(usable), [Some(true), Some(false)]);
    }
}
