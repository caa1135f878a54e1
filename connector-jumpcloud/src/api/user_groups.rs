//! User groups: `GET /api/v2/usergroups` and `GET /api/v2/usergroups/{id}`, definition `UserGroup`.

use connector_api::{Attributes, ConnectorError};
use serde::Deserialize;

use super::graph;
use super::kind::Kind;
use super::{Id, IdOnly, lenient, own_id, secrets};
use crate::client::{Call, Client, Identified, Listing, Meter, listing, page};

/// Lists user groups.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/v2/usergroups"), limit).by_name("name")
}

/// Lists the ids of the user groups that match a filter, written `field:operator:value`.
pub(crate) fn list_filtered(filter: &str, limit: u64) -> Listing {
    listing(Call::get("/api/v2/usergroups").query("filter", filter), limit).by_name("name")
}

/// A single user group, `GET /api/v2/usergroups/{id}`, with the fields that the list was observed to omit.
pub(crate) fn one(id: &Id) -> Call {
    graph::one(Kind::UserGroup, id)
}

/// Requests the smallest list to see whether a credential is accepted: unlike `/api/organizations`, it is open to service
/// accounts.
pub(crate) async fn prove(client: &Client, meter: &Meter) -> Result<(), ConnectorError> {
    let call = Call::get("/api/v2/usergroups").query("limit", "1");
    client.fetch(meter, &call, page::<IdOnly>).await.map(drop)
}

/// A user group. Other fields are in `rest`, as received.
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
    #[serde(flatten, deserialize_with = "secrets::de_others", serialize_with = "lenient::ser_fields")]
    pub(crate) rest: Attributes,
}

impl UserGroup {
    /// The name by which rows refer to it: its own, or its id.
    pub(crate) fn shown_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }
}

impl Identified for UserGroup {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

impl UserGroup {
    /// Whether the row omits what makes a group privileged, or its membership method.
    pub(crate) fn lacks_details(&self) -> bool {
        self.membership_method.is_none() || self.rest.get("attributes").is_none()
    }
}
