//! Directories and network services that users are provisioned to: `GET /api/v2/directories` (V2, definition
//! `Directory`: LDAP, Google Workspace, Microsoft 365, Active Directory) and `GET /api/radiusservers` (V1, definition
//! `radiusserver`).

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::kind::Kind;
use super::{Id, lenient, own_id};
use crate::client::{Call, Identified, Listing, listing};

/// Lists directories, which the endpoint does not sort.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/v2/directories"), limit)
}

/// The fields of a RADIUS server that are requested.
const RADIUS_FIELDS: &str =
    "_id name mfa networkSourceIp authIdp userPasswordEnabled userCertEnabled deviceCertEnabled requireTlsAuth";

/// Lists RADIUS servers. Their shared secrets are never read: only the named fields are requested.
pub(crate) fn list_radius_servers(limit: u64) -> Listing {
    let call = Call::get("/api/radiusservers").query("fields", RADIUS_FIELDS);
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
    #[serde(default, deserialize_with = "de_object")]
    pub(crate) default_domain: DefaultDomain,
    #[serde(default, rename = "oAuthStatus", deserialize_with = "de_object")]
    pub(crate) oauth_status: OAuthStatus,
    /// Who checks the passwords of a RADIUS server.
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) auth_idp: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) user_password_enabled: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) user_cert_enabled: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) device_cert_enabled: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) require_tls_auth: Option<bool>,
}

/// The default domain of a directory.
#[derive(Debug, Clone, Default, Deserialize, serde::Serialize)]
pub(crate) struct DefaultDomain {
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) domain: Option<String>,
}

/// Whether JumpCloud may still change the accounts in a directory.
#[derive(Debug, Clone, Default, Deserialize, serde::Serialize)]
pub(crate) struct OAuthStatus {
    /// Why not, such as `invalid_grant`. What is no text is none: `false` is no error.
    #[serde(default, deserialize_with = "de_only_text")]
    pub(crate) error: Option<String>,
}

/// A text that is not empty; anything else is absent.
fn de_only_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
}

/// An object; anything else is an empty one.
fn de_object<'de, T: Default + DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Value::deserialize(deserializer).map(|value| serde_json::from_value(value).unwrap_or_default())
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
    /// Its name, else its id.
    pub(crate) fn shown_name(&self) -> Cow<'_, str> {
        self.name.as_deref().map_or_else(|| self.id.to_string().into(), Cow::Borrowed)
    }

    /// Whether a RADIUS server lets users in by a certificate, and by nothing else.
    pub(crate) fn takes_certificates_alone(&self) -> bool {
        let takes_certificates = [self.user_cert_enabled, self.device_cert_enabled].contains(&Some(true));
        let asks_for_second_factor = matches!(self.mfa.as_deref(), Some("ENABLED" | "REQUIRED" | "ALWAYS"));
        takes_certificates && self.user_password_enabled == Some(false) && !asks_for_second_factor
    }

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
