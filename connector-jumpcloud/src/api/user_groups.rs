//! User groups: `GET /api/v2/usergroups`, definition `UserGroup`.

use connector_api::Attributes;
use serde::Deserialize;

use super::{Id, lenient, own_id};
use crate::client::{Call, Identified, Listing};

/// Lists user groups.
pub(crate) fn list(limit: u64) -> Listing {
    Listing::new(Call::get("/api/v2/usergroups"), limit).sorted()
}

/// A user group. What has no field of its own is in `rest`, as it came.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
pub(crate) struct UserGroup {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) description: Option<String>,
    /// `NOTSET`, `STATIC`, `DYNAMIC_REVIEW_REQUIRED` or `DYNAMIC_AUTOMATED`.
    #[serde(default, rename = "membershipMethod", deserialize_with = "lenient::de_text")]
    pub(crate) membership_method: Option<String>,
    #[serde(flatten, serialize_with = "lenient::ser_fields")]
    pub(crate) rest: Attributes,
}

impl Identified for UserGroup {
    fn id(&self) -> &Id {
        &self.id
    }
}
