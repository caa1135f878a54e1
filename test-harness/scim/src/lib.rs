#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! It is small on purpose, and shows the parts of a connector: the descriptor (`descriptor.json`), the conversion of
//! responses to records (`directory`), and the scan (`connector`). `connector-http` talks to the target.

mod connector;
mod directory;
#[cfg(feature = "testing")]
pub mod testing;

use connector_api::{Registration, inventory, schemars};
use schemars::JsonSchema;
use serde::Deserialize;

pub use connector::ScimConnector;

inventory::submit! { Registration::of::<ScimConnector>() }

/// The attributes of a SCIM 2.0 service provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schemars(title = "SCIM 2.0 system attributes")]
struct Options {
    /// The path before /Users and /Groups.
    #[schemars(title = "Base path")]
    scim_base_path: String,
    /// How many resources to request per page. The service provider may return fewer.
    #[schemars(title = "Page size", range(min = 2, max = 1000))]
    scim_page_size: u64,
    /// How often to repeat a request that failed for a passing reason.
    #[schemars(title = "Retries", range(min = 0, max = 10))]
    scim_retries: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { scim_base_path: "/scim/v2".into(), scim_page_size: 100, scim_retries: 5 }
    }
}
