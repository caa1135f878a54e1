//! The attributes that are a choice of words.

use std::fmt;

use connector_api::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Authentication {
    /// An administrator's API key.
    #[default]
    #[schemars(title = "API key")]
    ApiKey,
    /// A service account's client ID and secret.
    #[schemars(title = "Service account")]
    ServiceAccount,
}

/// Which list of users to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum UsersEndpoint {
    /// The first of the two that is served and lists anybody.
    #[default]
    #[schemars(title = "Automatic")]
    Auto,
    /// The newer list.
    #[schemars(title = "/api/v2/users")]
    V2,
    /// The older list.
    #[schemars(title = "/api/systemusers")]
    Systemusers,
}

/// Where to read the details of groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum GroupDetails {
    /// From the list where it has them, else from each group.
    #[default]
    #[schemars(title = "Automatic")]
    Auto,
    /// No group is read by itself.
    #[schemars(title = "From the list alone")]
    List,
    /// One request per group.
    #[schemars(title = "From each group")]
    Each,
    /// Only the groups that filters find are read.
    #[schemars(title = "By filters")]
    Filtered,
}

/// Which effective grants are rows. Each is a set of whole sections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EffectiveGrants {
    /// What accounts reach with more than use, or for a limited time.
    #[default]
    #[schemars(title = "Privileged or temporary")]
    Privileged,
    /// What all accounts and groups reach.
    #[schemars(title = "All")]
    All,
    /// None. Bindings and memberships are still rows, and evidence is the same.
    #[schemars(title = "Bindings only")]
    None,
}

impl EffectiveGrants {
    /// The sections that it leaves out.
    pub(super) const fn left_out(self) -> &'static [Section] {
        match self {
            Self::Privileged => &[Section::OTHER_GRANTS],
            Self::All => &[],
            Self::None => &[Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS],
        }
    }
}

/// The word in the settings.
impl fmt::Display for GroupDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
