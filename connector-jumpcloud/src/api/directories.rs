//! Directories and network services that users are provisioned to: `GET /api/v2/directories` (V2, definition
//! `Directory`: LDAP, Google Workspace, Microsoft 365, Active Directory) and `GET /api/radiusservers` (V1, definition
//! `radiusserver`).

use serde::Deserialize;

use super::kind::Kind;
use super::{Id, lenient, own_id};
use crate::client::{Call, Identified, Listing, listing};

/// Lists directories, which the endpoint does not sort.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/v2/directories"), limit)
}

/// Lists RADIUS servers. Their shared secrets are never read: only the named fields are requested.
pub(crate) fn list_radius_servers(limit: u64) -> Listing {
    let call = Call::get("/api/radiusservers").query("fields", "_id name mfa networkSourceIp");
    listing(call, limit).by_id("_id")
}

/// A directory or a RADIUS server; of the latter only these fields are kept.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Directory {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) name: Option<String>,
    /// `active_directory`, `g_suite`, `ldap_server`, `office_365` or `workday`; entered for RADIUS servers.
    #[serde(default, rename = "type", deserialize_with = "lenient::de_text")]
    pub(crate) kind: Option<String>,
    /// Whether a RADIUS server asks for a second factor: `DISABLED`, `ENABLED`, `REQUIRED` or `ALWAYS`.
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) mfa: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) network_source_ip: Option<String>,
}

impl Identified for Directory {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

/// A RADIUS server; its rows do not include a kind.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct RadiusServer(Directory);

impl Identified for RadiusServer {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.0.id
    }
}

impl From<RadiusServer> for Directory {
    fn from(RadiusServer(server): RadiusServer) -> Self {
        Self { kind: Some(Kind::RadiusServer.word().to_owned()), ..server }
    }
}

impl Directory {
    /// Its kind in the graph; `None` if users cannot be bound to it.
    pub(crate) fn graph_kind(&self) -> Option<Kind> {
        match self.kind.as_deref() {
            Some("active_directory") => Some(Kind::ActiveDirectory),
            Some("g_suite") => Some(Kind::GSuite),
            Some("ldap_server") => Some(Kind::LdapServer),
            Some("office_365") => Some(Kind::Office365),
            Some("radius_server") => Some(Kind::RadiusServer),
            _ => None,
        }
    }
}
