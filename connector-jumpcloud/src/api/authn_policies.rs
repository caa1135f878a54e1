//! Conditional access: policies, `GET /api/v2/authn/policies`, the lists of addresses that they name,
//! `GET /api/v2/iplists`, and whether an identity provider is set up, `GET /api/v2/identity-providers`.

use connector_api::{Attributes, ConnectorError};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Id, lenient, own_id};
use crate::client::{Call, Client, Identified, Listing, Meter, listing};

/// Lists the policies, in the order that JumpCloud keeps.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/v2/authn/policies"), limit)
}

/// Lists the lists of addresses.
pub(crate) fn list_ip_lists(limit: u64) -> Listing {
    listing(Call::get("/api/v2/iplists"), limit)
}

/// Whether an identity provider is set up, to which some logins are routed. The list is not published.
pub(crate) async fn has_identity_provider(client: &Client, meter: &Meter) -> Result<bool, ConnectorError> {
    let answer: Value = client.json(meter, Call::get("/api/v2/identity-providers")).await?;
    let listed = answer.get("identityProviders").or_else(|| answer.get("results")).unwrap_or(&answer);
    // A list that was cut short may have left one out.
    if answer.get("totalCount").and_then(Value::as_u64).is_some_and(|total| total > 0) {
        return Ok(true);
    }
    Ok(match listed {
        Value::Array(providers) => !providers.is_empty(),
        Value::Null => false,
        // An empty list may be left out.
        Value::Object(fields) => fields.keys().any(|name| name != "totalCount"),
        _ => true,
    })
}

/// A policy, definition `AuthnPolicy`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AuthnPolicy {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    #[serde(flatten, deserialize_with = "kept", serialize_with = "lenient::ser_fields")]
    pub(crate) fields: Attributes,
}

/// The fields that are kept.
const KEPT: [&str; 8] = ["conditions", "description", "disabled", "effect", "monitorOnly", "name", "targets", "type"];

fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    lenient::only(&KEPT, deserializer)
}

impl Identified for AuthnPolicy {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

/// A list of addresses, definition `IPList`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IpList {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) name: Option<String>,
    /// Addresses, networks and ranges; `None` if one of them could not be read.
    #[serde(default = "no_texts", deserialize_with = "texts")]
    pub(crate) ips: Option<Vec<String>>,
}

/// An empty list may be left out.
#[expect(clippy::unnecessary_wraps, reason = "it is the default of a field")]
fn no_texts() -> Option<Vec<String>> {
    Some(Vec::new())
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(no_texts());
    }
    Ok(value.as_array().and_then(|all| all.iter().map(|one| one.as_str().map(str::to_owned)).collect()))
}

impl Identified for IpList {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}
