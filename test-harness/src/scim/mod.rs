//! A connector to any SCIM 2.0 service provider (RFC 7643, RFC 7644): users, groups and their members.
//!
//! It is small on purpose, and shows what a connector is made of: what it says of itself (here), how it talks to its
//! target ([`client`]), what it makes of the answers ([`directory`]), and the scan ([`connector`]). A [`server`] with
//! faults on demand and a [`fixture`] put it through the conformance suite.

mod client;
mod connector;
mod directory;
mod fixture;
mod server;

use connector_api::{
    CredentialField, CredentialMapping, Descriptor, Discovery, Edition, ErrorCode, Protocol, Registration, Section,
    TroubleshootingRow, inventory, schemars,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub use connector::ScimConnector;
pub use fixture::ScimFixture;
pub use server::{Fault, ScimServer};

inventory::submit! { REGISTRATION }

/// How the connector is registered.
pub const REGISTRATION: Registration =
    Registration { descriptor, factory: |config| Ok(Box::new(ScimConnector::new(config)?)) };

/// The type of every group.
const GROUP_TYPE: &str = "SCIM_GROUP";

/// `system.attributes` of a SCIM service provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Options {
    /// The path under which the service provider answers, before `/Users`.
    #[schemars(title = "Base path")]
    scim_base_path: String,
    /// How many resources to ask for at once. The service provider may give fewer.
    #[schemars(title = "Page size", range(min = 1, max = 1000))]
    scim_page_size: usize,
    /// How often to repeat a request that failed in passing.
    #[schemars(title = "Retries", range(min = 0, max = 10))]
    scim_retries: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { scim_base_path: "/scim/v2".into(), scim_page_size: 100, scim_retries: 5 }
    }
}

fn descriptor() -> Descriptor {
    let discovery = |section, data: &str, source: &str| Discovery {
        section,
        data: data.into(),
        source: source.into(),
        cost: "one request per page".into(),
    };
    let row = |code, symptom: &str, likely_cause: &str, resolution: &str| TroubleshootingRow {
        code,
        symptom: symptom.into(),
        likely_cause: likely_cause.into(),
        resolution: resolution.into(),
    };
    Descriptor {
        os_type: "Scim".into(),
        display_name: "SCIM 2.0".into(),
        description: "Discovers users, groups and members of any SCIM 2.0 service provider.".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        system_type: "Directory Service".into(),
        default_scan_priority: 10,
        default_port: 443,
        default_hostname: None,
        protocols: vec![Protocol { name: "SCIM 2.0 (HTTPS)".into(), port: 443, notes: "RFC 7644".into() }],
        editions: vec![Edition::Pro, Edition::Enterprise],
        credential: CredentialMapping {
            username: None,
            password: CredentialField { meaning: "bearer token".into(), required: true },
        },
        required_permissions: vec!["Read users".into(), "Read groups".into()],
        discovers: vec![
            discovery(Section::Users, "Users with name, primary e-mail and state", "/Users"),
            discovery(Section::Groups, "Groups, privileged ones marked by their name", "/Groups"),
            discovery(Section::Memberships, "Members, of groups inside groups too", "/Groups"),
        ],
        emits: vec![GROUP_TYPE.into()],
        configuration_steps: vec![
            "Create a bearer token that may read users and groups.".into(),
            "Enter the service provider's host name, and the token as password.".into(),
        ],
        troubleshooting: vec![
            row(ErrorCode::Unauthorized, "401", "The token is wrong or has expired.", "Create a new token."),
            row(ErrorCode::Forbidden, "403", "The token may not read.", "Let it read users and groups."),
            row(ErrorCode::NotFound, "404", "The base path is another one.", "Set `scimBasePath`."),
        ],
        config_schema: schemars::schema_for!(Options),
    }
}
