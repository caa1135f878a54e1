//! Devices: `GET /api/systems` (V1), definition `JcSystem`, and their groups: `GET /api/v2/systemgroups` (V2).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Id, lenient};
use crate::client::{Call, Identified, Listing};

/// Lists devices.
pub(crate) fn list(limit: u64) -> Listing {
    Listing::new(Call::get("/api/systems"), limit).sorted()
}

/// Lists groups of devices.
pub(crate) fn list_groups(limit: u64) -> Listing {
    Listing::new(Call::get("/api/v2/systemgroups"), limit).sorted()
}

/// A device. What has no field of its own is in `rest`, as it came.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct System {
    #[serde(alias = "_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) display_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) hostname: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) os: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) version: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) serial_number: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) active: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) last_contact: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) created: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl Identified for System {
    fn id(&self) -> &Id {
        &self.id
    }
}

/// A group of devices, definition `SystemGroup`.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SystemGroup {
    #[serde(alias = "_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) name: Option<String>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl Identified for SystemGroup {
    fn id(&self) -> &Id {
        &self.id
    }
}
