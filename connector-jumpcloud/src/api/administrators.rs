//! Console administrators: `GET /api/users` (V1; not in the published list of operations), objects as `userreturn`.

use connector_api::Attributes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Id, lenient, own_id};
use crate::client::{Call, Identified, Listing};

/// Lists the console's administrators.
pub(crate) fn list(limit: u64) -> Listing {
    Listing::new(Call::get("/api/users"), limit).by_id()
}

/// A console administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Administrator {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    /// Every field as it came.
    #[serde(flatten, serialize_with = "lenient::ser_fields")]
    pub(crate) fields: Attributes,
}

impl Identified for Administrator {
    type Wire = Self;

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

    /// The names of the administrator's roles as they come, each once: `roleNames` and `roleName`, else what `role`
    /// says, which is a name with some organisations and an id with others.
    pub(crate) fn roles(&self) -> Vec<String> {
        let names = match self.fields.get("roleNames") {
            Some(Value::Array(names)) => names,
            _ => Vec::new(),
        };
        let names = names.iter().filter_map(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned);
        let mut roles: Vec<String> = names.chain(self.text("roleName")).collect();
        if roles.is_empty() {
            roles.extend(self.text("role"));
        }
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// When the API key was made, if there is one.
    pub(crate) fn api_key_made_at(&self) -> Option<Timestamp> {
        let of_hash = || lenient::time(self.fields.get("apiKeyHash")?.get("createdAt")?);
        let made = self.time("apiKeyUpdatedAt").or_else(of_hash);
        made.filter(|_| self.flag("apiKeySet") != Some(false))
    }
}
