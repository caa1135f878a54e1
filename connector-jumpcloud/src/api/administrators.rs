//! Console administrators: `GET /api/users` (V1; not in the published list of operations), objects as `userreturn`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Id, lenient};
use crate::client::{Call, Identified, Listing};

/// Lists the console's administrators.
pub(crate) fn list(limit: u64) -> Listing {
    Listing::new(Call::get("/api/users"), limit).sorted()
}

/// A console administrator. What has no field of its own is in `rest`, as it came.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Administrator {
    #[serde(alias = "_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) email: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) firstname: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) lastname: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) role: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) role_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_texts")]
    pub(crate) role_names: Vec<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) suspended: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) enable_multi_factor: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) totp_enrolled: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) api_key_set: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) api_key_updated_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) created: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) password_updated_at: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl Identified for Administrator {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Administrator {
    /// The names of the administrator's roles as they come, each once.
    pub(crate) fn roles(&self) -> Vec<&str> {
        let mut roles: Vec<&str> = self.role_names.iter().chain(&self.role_name).map(String::as_str).collect();
        if roles.is_empty() {
            roles.extend(self.role.as_deref());
        }
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}
