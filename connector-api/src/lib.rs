//! The contract between an identity-governance host and the connectors that discover accounts and entitlements on
//! target systems.
//!
//! A *host* collects the connectors that are compiled into it ([`Registry::discover`]), shows each one's
//! [`Descriptor`] and configuration form, makes a [`Connector`] from a [`SystemConfig`], tests the connection, and
//! scans: [`Record`]s stream into the host's [`ScanSink`], and a [`ScanSummary`] says how completely each
//! [`Section`] was read. A *connector* implements [`Connector`] and submits a [`Registration`].
//!
//! # A connector
//!
//! ```
//! use connector_api::*;
//!
//! struct Hello(SystemConfig);
//!
//! fn descriptor() -> Descriptor {
//!     Descriptor {
//!         os_type: "Hello".into(),
//!         display_name: "Hello".into(),
//!         description: "Knows one account.".into(),
//!         version: "1.0.0".into(),
//!         system_type: "Application".into(),
//!         default_scan_priority: 500,
//!         default_port: 443,
//!         editions: vec![Edition::Pro, Edition::Enterprise],
//!         config_schema: schemars::json_schema!({"type": "object", "additionalProperties": false}),
//!         ..Descriptor::default()
//!     }
//! }
//!
//! #[async_trait]
//! impl Connector for Hello {
//!     fn describe(&self) -> Descriptor {
//!         descriptor()
//!     }
//!
//!     async fn test_connection(&self) -> ConnectionReport {
//!         ConnectionReport { checks: vec![Check::passed("connect", self.0.hostname.as_str(), Default::default())] }
//!     }
//!
//!     async fn scan(&self, _: ScanRequest, sink: std::sync::Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
//!         let mut scan = ScanLedger::start(&self.describe(), &self.0);
//!         let ada = Account { external_id: "1".into(), username: "ada".into(), ..Account::default() };
//!         let sent = sink.records(vec![ada.into()]).await;
//!         for section in [Section::Users, Section::Groups, Section::Memberships] {
//!             scan.close(SectionReport::new(section, SectionStatus::Complete));
//!         }
//!         scan.finish(sent)
//!     }
//! }
//!
//! inventory::submit! {
//!     Registration { descriptor, factory: |config| Ok(Box::new(Hello(config))) }
//! }
//!
//! # fn main() -> Result<(), ConnectorError> {
//! let registry = Registry::discover()?;
//! let system = SystemConfig::new("Hello", "localhost", Credential::default());
//! assert!(registry.connect(system.clone(), Edition::Community).is_err());
//! let connector = registry.connect(system, Edition::Pro)?;
//! assert_eq!(connector.describe().os_type, "Hello");
//! # Ok(())
//! # }
//! ```
//!
//! # The promise
//!
//! A host may read a missing account as a removed one, so a scan never presents a truncated list as a whole one.
//! [`Section::Users`], [`Section::Groups`] and [`Section::Memberships`] are core: when one is not
//! [`SectionStatus::Complete`], [`Connector::scan`] fails, whatever it streamed before. An optional section may fail
//! and the scan still ends well, marked [`Outcome::Incomplete`]. [`ScanSummary::judge`] is that rule.
//!
//! # Secrets
//!
//! A [`Credential`] keeps its secret in a [`secrecy::SecretString`]: it is zeroed when dropped and shows neither in
//! `Debug` nor when serialised. Errors, records and checkpoints never carry one.
//!
//! # Features
//!
//! `mock`: `MockConnector` and `MockScanSink`, for tests of hosts and connectors.

#[doc = include_str!("../docs/tutorial.md")]
pub mod tutorial {}

mod check;
mod checkpoint;
mod config;
mod connector;
mod descriptor;
mod error;
mod ledger;
#[cfg(feature = "mock")]
mod mock;
mod record;
mod registry;
mod scan;

pub use async_trait::async_trait;
pub use inventory;
pub use schemars;
pub use secrecy;
pub use tokio_util::sync::CancellationToken;

pub use check::{Check, CheckStatus, ConnectionReport};
pub use checkpoint::Checkpoint;
pub use config::{Credential, SystemConfig, nearest};
pub use connector::{Connector, Organization};
pub use descriptor::{
    CredentialField, CredentialMapping, Descriptor, Discovery, Edition, Protocol, TroubleshootingRow,
};
pub use error::{ConnectorError, ErrorCode, Retry};
pub use ledger::ScanLedger;
#[cfg(feature = "mock")]
pub use mock::{MockConnector, MockScanSink};
pub use record::{
    Access, AccessPath, Account, AccountKind, AccountLink, AccountType, Attributes, Grant, Group, LastLogin,
    Membership, Mfa, PasswordFacts, PathStep, Principal, Reason, Record, Resource, ResourceRef,
};
pub use registry::{Registration, Registry};
pub use scan::{
    DanglingReference, Outcome, Progress, ScanFailure, ScanPlan, ScanRequest, ScanSink, ScanSummary, Section,
    SectionPlan, SectionReport, SectionStatus, Stage,
};
