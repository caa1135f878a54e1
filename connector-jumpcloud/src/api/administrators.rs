//! Console administrators: `GET /api/users` (V1; not in the published list of operations), objects as `userreturn`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Id, Object, lenient};
use crate::client::{Call, Identified, Listing};

/// Lists the console's administrators.
pub(crate) fn list(limit: u64) -> Listing {
    Listing::new(Call::get("/api/users"), limit).sorted()
}

/// A console administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Administrator(pub(crate) Object);

impl Identified for Administrator {
    fn id(&self) -> &Id {
        &self.0.id
    }
}

impl Administrator {
    pub(crate) fn email(&self) -> Option<&str> {
        self.0.text("email")
    }

    /// The names of the administrator's roles as they come, each once: `roleNames` and `roleName`, else what `role`
    /// says, which is a name with some organisations and an id with others.
    pub(crate) fn roles(&self) -> Vec<&str> {
        let names = self.0.fields.get("roleNames").and_then(Value::as_array).into_iter().flatten();
        let mut roles: Vec<&str> = names.filter_map(Value::as_str).chain(self.0.text("roleName")).collect();
        roles.retain(|role| !role.is_empty());
        if roles.is_empty() {
            roles.extend(self.0.text("role"));
        }
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// When the API key was made, if there is one.
    pub(crate) fn api_key_made_at(&self) -> Option<Timestamp> {
        let of_hash = || self.0.fields.get("apiKeyHash").and_then(|hash| hash.get("createdAt"));
        let made = self.0.time("apiKeyUpdatedAt").or_else(|| of_hash().and_then(lenient::time));
        made.filter(|_| self.0.flag("apiKeySet") != Some(false))
    }
}
