//! Organisations: `GET /api/organizations` (V1), all that the credential can access. Sent without `x-org-id`.

use connector_api::ConnectorError;
use serde::Deserialize;

use super::users::SYSTEM_USERS;
use super::{Id, lenient, own_id};
use crate::client::{Call, Client, Identified, Listing, Meter, listing, page};

/// Lists the organisations that the credential can access.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/organizations").bare(), limit).by_id("_id")
}

/// The organisation that the first listed user's row names: `GET /api/systemusers?limit=1`.
pub(crate) async fn of_first_user(client: &Client, meter: &Meter) -> Result<Option<Id>, ConnectorError> {
    #[derive(Deserialize)]
    struct User {
        #[serde(flatten, with = "own_id")]
        id: Id,
        #[serde(default, deserialize_with = "lenient::de_text")]
        organization: Option<String>,
    }
    impl Identified for User {
        type Wire = Self;
        type Id = Id;

        fn id(&self) -> &Id {
            &self.id
        }
    }
    let page = client.fetch(meter, &Call::get(SYSTEM_USERS).query("limit", "1"), page::<User>).await?;
    Ok(page.rows.into_iter().find_map(|user| user.organization?.parse().ok()))
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

impl Organization {
    /// Whether it has this id, ignoring case.
    pub(crate) fn is(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id: Id| id == self.id)
    }
}

impl Identified for Organization {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}
