//! Organisations: `GET /api/organizations` (V1), all that the credential can access, and `GET /api/organizations/{id}`, one
//! with its settings. Both are sent without `x-org-id`.

use connector_api::ConnectorError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::password_policies::PasswordRules;
use super::users::SYSTEM_USERS;
use super::{Id, lenient, own_id};
use crate::client::{Call, Client, Identified, Listing, Meter, listing, page};

/// Lists the organisations that the credential can access.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/organizations").bare(), limit).by_id("_id")
}

/// The first organisations of the list, at most two: enough to see whether there is only one.
pub(crate) async fn first_two(client: &Client, meter: &Meter) -> Result<Vec<Organization>, ConnectorError> {
    let call = Call::get("/api/organizations").query("limit", "2").bare();
    Ok(client.fetch(meter, &call, page::<Organization>).await?.rows)
}

/// One organisation with its settings.
pub(crate) async fn one(client: &Client, meter: &Meter, id: &Id) -> Result<WholeOrganization, ConnectorError> {
    client.json(meter, Call::get(format!("/api/organizations/{id}")).bare()).await
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

/// One organisation with its settings, definition `organization`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WholeOrganization {
    #[serde(flatten)]
    pub(crate) organization: Organization,
    #[serde(default, deserialize_with = "lenient::de_object")]
    settings: Map<String, Value>,
}

/// The features of an organisation whose state its settings have.
const FEATURES: [&str; 3] = ["systemInsights", "directoryInsights", "directoryInsightsPremium"];

impl WholeOrganization {
    /// Whether a second factor is required of every administrator: `settings.requireAdminMFA`.
    pub(crate) fn requires_admin_mfa(&self) -> Option<bool> {
        lenient::flag(self.settings.get("requireAdminMFA")?)
    }

    /// The rules for passwords, `settings.passwordPolicy`. They apply only if `passwordCompliance` is `custom`; an answer
    /// without this word has no other rules.
    pub(crate) fn password_rules(&self) -> Option<PasswordRules> {
        let compliance = self.settings.get("passwordCompliance").and_then(Value::as_str);
        let rules = self.settings.get("passwordPolicy").and_then(Value::as_object)?;
        compliance.is_none_or(|word| word == "custom").then(|| PasswordRules::of(rules))
    }

    /// The features of which the settings say whether they are on: `settings.features.NAME.enabled`.
    pub(crate) fn features(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let features = self.settings.get("features");
        FEATURES.into_iter().filter_map(move |name| Some((name, lenient::flag(features?.get(name)?.get("enabled")?)?)))
    }
}
