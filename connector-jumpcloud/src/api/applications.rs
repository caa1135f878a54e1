//! Applications: `GET /api/applications` (V1), definition `application`.

use connector_api::Attributes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::sent_attributes::{self, SentAttribute, SentAttributes, de_sent};
use super::{Id, lenient, own_id};
use crate::client::{Call, Identified, Listing, listing};

/// Lists applications.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/applications"), limit).by_id("_id")
}

/// Lists only the ids of applications.
pub(crate) fn list_ids(limit: u64) -> Listing {
    listing(Call::get("/api/applications").query("fields", "_id"), limit).by_id("_id")
}

/// The additional fields that are kept. The others describe the appearance.
const KEPT: [&str; 5] = ["description", "organization", "parentApp", "sso", "ssoUrl"];
/// The fields of `sso` that are kept.
const KEPT_OF_SSO: [&str; 5] = ["beta", "hidden", "idpCertExpirationAt", "jit", "type"];

/// An application.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Application {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) display_label: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) active: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) created: Option<Timestamp>,
    /// Its configuration, of which only this is kept: the rest may contain private keys.
    #[serde(default)]
    pub(crate) config: SentAttributes,
    /// The attributes that are also in the row itself.
    #[serde(default, deserialize_with = "de_sent")]
    pub(crate) database_attributes: Vec<SentAttribute>,
    #[serde(flatten, deserialize_with = "kept", serialize_with = "lenient::ser_fields")]
    pub(crate) rest: Attributes,
}

fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    let mut fields = lenient::only(&KEPT, deserializer)?.to_map();
    if let Some(Value::Object(sso)) = fields.get_mut("sso") {
        sso.retain(|name, _| KEPT_OF_SSO.contains(&name.as_str()));
    }
    fields.retain(|_, value| !sent_attributes::holds_key(value));
    Ok(fields.into())
}

impl Identified for Application {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

impl Application {
    /// The name to show.
    pub(crate) fn label(&self) -> &str {
        let label = self.display_label.as_deref().or(self.display_name.as_deref()).or(self.name.as_deref());
        label.unwrap_or_default()
    }
}
