//! Organisations: `GET /api/organizations` (V1), all that the credential may see. Takes no `x-org-id`.

use serde::Deserialize;

use super::{Id, lenient, own_id};
use crate::client::{Call, Identified, Listing};

/// Lists the organisations that the credential may see.
pub(crate) fn list(limit: u64) -> Listing {
    Listing::new(Call::get("/api/organizations").without_org(), limit).by_id()
}

/// One organisation.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    #[serde(default, alias = "name", deserialize_with = "lenient::de_text")]
    pub(crate) display_name: Option<String>,
}

impl Identified for Organization {
    type Wire = Self;

    fn id(&self) -> &Id {
        &self.id
    }
}
