//! User groups: `GET /api/v2/usergroups`, definition `UserGroup`.

use connector_api::{Attributes, ConnectorError};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Id, lenient, own_id};
use crate::client::{Call, Client, Identified, Listing, Meter, Page};

/// Lists user groups.
pub(crate) fn list(limit: u64) -> Listing {
    Listing::new(Call::get("/api/v2/usergroups"), limit).sorted()
}

/// Shows by the smallest list whether a credential is accepted: unlike `/api/organizations`, it is refused to nobody for
/// being a service account.
pub(crate) async fn prove(client: &Client, meter: &Meter) -> Result<(), ConnectorError> {
    let call = Call::get("/api/v2/usergroups").query("limit", "1");
    client.json(meter, call).await.map(|_: Page<IgnoredAny>| ())
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
