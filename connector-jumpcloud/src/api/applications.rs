//! Applications: `GET /api/applications` (V1), definition `application`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Id, lenient};
use crate::client::{Call, Identified, Listing};

/// Lists applications.
pub(crate) fn list(limit: u64) -> Listing {
    Listing::new(Call::get("/api/applications"), limit).sorted()
}

/// An application. What has no field of its own is in `rest`, as it came.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Application {
    #[serde(alias = "_id")]
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
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl Identified for Application {
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
