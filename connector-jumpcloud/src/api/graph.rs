//! Edges of JumpCloud's graph: members (`GET /api/v2/{usergroups|systemgroups}/{id}/members`) and associations
//! (`GET /api/v2/{users|usergroups|systems|systemgroups|applications|…}/{id}/associations?targets=T`), both answering
//! lists of `GraphConnection`. Neither has a `sort` parameter.

use connector_api::Access;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Id, lenient};
use crate::client::{Call, Identified, Listing};

/// A kind of thing in the graph, as the word in `type` and `targets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    User,
    UserGroup,
    System,
    SystemGroup,
    Application,
    LdapServer,
    GSuite,
    Office365,
    ActiveDirectory,
    RadiusServer,
}

impl Kind {
    /// The word in `type` and `targets`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::UserGroup => "user_group",
            Self::System => "system",
            Self::SystemGroup => "system_group",
            Self::Application => "application",
            Self::LdapServer => "ldap_server",
            Self::GSuite => "g_suite",
            Self::Office365 => "office_365",
            Self::ActiveDirectory => "active_directory",
            Self::RadiusServer => "radius_server",
        }
    }

    /// The first part of its paths.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::UserGroup => "usergroups",
            Self::System => "systems",
            Self::SystemGroup => "systemgroups",
            Self::Application => "applications",
            Self::LdapServer => "ldapservers",
            Self::GSuite => "gsuites",
            Self::Office365 => "office365s",
            Self::ActiveDirectory => "activedirectories",
            Self::RadiusServer => "radiusservers",
        }
    }
}

/// One user group, device group, device or application by itself: it is there or it is not.
pub(crate) fn one(kind: Kind, id: &Id) -> Call {
    match kind {
        Kind::User => Call::get(format!("/api/systemusers/{id}")),
        Kind::System | Kind::Application | Kind::RadiusServer => Call::get(format!("/api/{}/{id}", kind.path())),
        _ => Call::get(format!("/api/v2/{}/{id}", kind.path())),
    }
}

/// Lists a group's direct members.
pub(crate) fn members(group: Kind, id: &Id, limit: u64) -> Listing {
    Listing::new(Call::get(format!("/api/v2/{}/{id}/members", group.path())), limit)
}

/// Lists the things of one kind that something is directly bound to.
pub(crate) fn associations(of: Kind, id: &Id, targets: Kind, limit: u64) -> Listing {
    let call = Call::get(format!("/api/v2/{}/{id}/associations", of.path())).query("targets", targets.word());
    Listing::new(call, limit)
}

/// The far end of an edge, definition `GraphConnection`, and what the edge carries.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) id: Id,
    pub(crate) kind: String,
    /// The level that `attributes.sudo` gives.
    pub(crate) access: Access,
}

impl Identified for Edge {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl<'de> Deserialize<'de> for Edge {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            to: To,
            #[serde(default)]
            attributes: Option<Value>,
        }
        #[derive(Deserialize)]
        struct To {
            id: Id,
            #[serde(default, rename = "type", deserialize_with = "lenient::de_text")]
            kind: Option<String>,
            #[serde(default)]
            attributes: Option<Value>,
        }
        let wire = Wire::deserialize(deserializer)?;
        let access = sudo(wire.attributes.as_ref()).max(sudo(wire.to.attributes.as_ref()));
        Ok(Self { id: wire.to.id, kind: wire.to.kind.unwrap_or_default(), access })
    }
}

/// The level that graph attributes give: `{"sudo":{"enabled":true,"withoutPassword":false}}`.
pub(crate) fn sudo(attributes: Option<&Value>) -> Access {
    let Some(sudo) = attributes.and_then(|attributes| attributes.get("sudo")) else { return Access::Login };
    let set = |name| sudo.get(name).and_then(lenient::flag).unwrap_or(false);
    match (set("enabled"), set("withoutPassword")) {
        (false, _) => Access::Login,
        (true, false) => Access::Sudo,
        (true, true) => Access::SudoWithoutPassword,
    }
}
