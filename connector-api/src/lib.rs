// The first definition of a link is the one that counts: this one here, and that of the README where it is read by itself.
//! [tutorial]: crate::tutorial
//!
#![doc = include_str!("../README.md")]
//!
//! # The life of a scan
//!
//! 1. The host discovers the [`Registry`] at start-up, shows the connectors of its [`Edition`], and draws the form of
//!    [`Descriptor::config_schema`] by its [groups](Descriptor::form_groups).
//! 2. [`Registry::connect`] checks edition and settings and makes the [`Connector`]. It reports every problem with its
//!    path and the nearest known name. The target has not been contacted yet.
//! 3. [`Connector::test_connection`] makes one [`Check`] for each thing that a scan needs, within some 20 seconds. It
//!    does not return an error: each problem is a failed check with its code and remedy.
//! 4. [`Connector::plan`] estimates, if the connector can, the requests that a scan would make.
//! 5. [`Connector::scan`] reads the target and streams [`Record`]s: accounts, groups, memberships, resources, bindings,
//!    grants. Everything else that the target reports of them goes into their [`Attributes`]. The connector awaits
//!    every call of the [`ScanSink`], so a slow host slows the scan and memory stays bounded. The sink also receives
//!    [`Progress`]. Cancelling the [`CancellationToken`] of the [`ScanRequest`] ends the scan within a second.
//! 6. A host that asks for checkpoints gets a [`Checkpoint`] whenever a section has been read. Passed back as
//!    [`ScanRequest::resume`], it lets an interrupted scan resume without reading that section again. A checkpoint of
//!    another connector or other settings, or one that is too old, is refused.
//! 7. The [`ScanSummary`] reports how completely each [`Section`] was read and what it cost. Only a scan that ends well
//!    may replace what the host knew before.
//!
//! # The promise
//!
//! A host may read a missing account as a removed one, so a scan never presents a truncated list as a complete one.
//! The sections that a [`Descriptor`] calls core ([`Section::USERS`], [`Section::GROUPS`] and [`Section::MEMBERSHIPS`] are
//! in all of them) must be complete: if one is not [`SectionStatus::Complete`], [`Connector::scan`] fails, whatever it
//! streamed before. An optional section may fail and the scan still ends well, marked [`Outcome::Incomplete`].
//! [`ScanSummary::judge`] is that rule. What of a host's snapshot such a scan replaces, and what stays as it was, is a plan:
//! [`ScanSummary::replacement`]. The page for [hosts](host) goes through it section by section.
//!
//! # Errors
//!
//! A [`ConnectorError`] keeps three questions apart: what happened ([`ErrorCode`], a stable word, and one line), what
//! the operator does next (`remedy`), and whether a retry can help ([`Retry`]). It is made once, where the fact is
//! known. On its way up it only gains the place ([`ConnectorError::context`]). Text from the target is cleaned before
//! it enters a message.
//!
//! # Secrets
//!
//! A [`Credential`] keeps its secret in a [`secrecy::SecretString`]: it is zeroed when dropped, and neither `Debug` nor
//! serialisation shows it. Errors, records and checkpoints never contain one.
//!
//! # Testing
//!
//! The crate `connector-conformance` holds any connector to all of this, one named test for each claim. The
//! [tutorial] ends with it. A host's tests use `MockConnector`, a connector's `MockScanSink`.

// The whole documentation is that with all features.
#![cfg_attr(not(feature = "host"), allow(rustdoc::broken_intra_doc_links))]

// Its code is tested as a whole crate, not block by block. Links lead to files where it is read by itself, and here to this.
/// [`Account`]: crate::Account
/// [`Descriptor::evidence`]: crate::Descriptor::evidence
/// [`Descriptor`]: crate::Descriptor
/// [`FormGroup`]: crate::FormGroup
/// [`Group`]: crate::Group
/// [`Reason`]: crate::Reason
/// [`Registry::discover`]: crate::Registry::discover
/// [`ScanLedger::core`]: crate::ScanLedger::core
/// [`ScanLedger`]: crate::ScanLedger
/// [`ScanSink::checkpoint`]: crate::ScanSink::checkpoint
/// [`Section::LAST_LOGIN`]: crate::Section::LAST_LOGIN
/// [`optional`]: crate::ScanLedger::optional
/// [`scan`]: crate::Connector::scan
/// [`send`]: crate::send
/// [`settings_schema`]: crate::settings_schema
/// [`test_connection`]: crate::Connector::test_connection
#[cfg_attr(not(doctest), doc = include_str!("../docs/tutorial.md"))]
pub mod tutorial {}

/// [`CancellationToken`]: crate::CancellationToken
/// [`Checkpoint::verify`]: crate::Checkpoint::verify
/// [`Checkpoint`]: crate::Checkpoint
/// [`Descriptor::owner`]: crate::Descriptor::owner
/// [`Descriptor::sections`]: crate::Descriptor::sections
/// [`Descriptor::tuning`]: crate::Descriptor::tuning
/// [`Descriptor::volatile`]: crate::Descriptor::volatile
/// [`Outcome`]: crate::Outcome
/// [`Replacement::apply`]: crate::Replacement::apply
/// [`Replacement`]: crate::Replacement
/// [`ScanSink::progress`]: crate::ScanSink::progress
/// [`ScanSink::records`]: crate::ScanSink::records
/// [`ScanSink`]: crate::ScanSink
/// [`ScanSummary::judge`]: crate::ScanSummary::judge
/// [`ScanSummary`]: crate::ScanSummary
/// [`SectionDescription::drawn_from`]: crate::SectionDescription::drawn_from
/// [`SectionDescription::fills_in`]: crate::SectionDescription::fills_in
/// [`SectionDescription::owns`]: crate::SectionDescription::owns
/// [`core`]: crate::SectionDescription::core
/// [`described`]: crate::ScanSummary::described
/// [`fields`]: crate::Replacement::fields
/// [`keeps_reason`]: crate::Replacement::keeps_reason
/// [`kept_in_part`]: crate::Replacement::kept_in_part
/// [`of_row`]: crate::Replacement::of_row
/// [`replacement`]: crate::ScanSummary::replacement
/// [`rows`]: crate::Replacement::rows
/// [`verify`]: crate::ScanSummary::verify
#[doc = include_str!("../docs/host.md")]
pub mod host {}

mod attributes;
mod checkpoint;
mod config;
mod connection_report;
mod connector;
mod descriptor;
mod error;
mod form;
mod graph_description;
mod ledger;
#[cfg(feature = "mock")]
mod mock;
mod plan;
mod reason;
mod record;
mod registration;
#[cfg(feature = "host")]
mod registry;
mod replacement;
mod row_type;
mod scan;
mod schema;
mod section;
mod section_description;
mod section_report;
mod send;
mod summary;
#[cfg(feature = "host")]
mod validate;

pub use async_trait::async_trait;
pub use inventory;
pub use jiff;
pub use schemars;
pub use secrecy;
pub use serde_json;
pub use tokio_util::sync::CancellationToken;

pub use attributes::{AttributeNames, Attributes};
pub use checkpoint::{Checkpoint, CheckpointState};
pub use config::{Credential, Fingerprint, SystemConfig};
pub use connection_report::{Check, CheckStatus, ConnectionReport, EachCheck};
pub use connector::{Connector, Organization};
pub use descriptor::{
    CredentialField, CredentialMapping, Descriptor, Edition, EvidenceRow, Protocol, TroubleshootingRow,
};
pub use error::{ConnectorError, ErrorCode, Retry};
pub use form::FormGroup;
pub use graph_description::{GraphDescription, GraphLink, GraphNode};
pub use ledger::ScanLedger;
#[cfg(feature = "mock")]
pub use mock::{MockConnector, MockScanSink};
pub use plan::{RowEstimate, ScanPlan, SectionPlan};
pub use reason::{DecidingSetting, Reason, ReasonKind, Severity};
pub use record::{
    Access, AccessLevel, AccessPath, Account, AccountCredential, AccountFilter, AccountKind, AccountLink, AccountType,
    Binding, CredentialCreator, CredentialKind, Grant, Group, LastLogin, Membership, Mfa, NodeKind, NodeRef,
    PasswordFacts, PathStep, Policy, PolicyEffect, PolicySubjects, PolicyTargets, Principal, Protection, Raises,
    Record, RecordKey, Resource, ResourceRef, SignIn, SignInKind, SignInResult, SignInTarget,
};
pub use registration::Registration;
#[cfg(feature = "host")]
pub use registry::Registry;
pub use replacement::{Action, FieldReplacement, Replacement, RowReplacement};
pub use row_type::{Field, RowType};
pub use scan::{Progress, ScanRequest, ScanSink, Stage};
pub use schema::{SCHEMA_FORMATS, rows_schema, settings_schema};
pub use section::Section;
pub use section_description::SectionDescription;
pub use section_report::{DanglingReference, SectionReport, SectionStatus};
pub use send::send;
pub use summary::{Outcome, ScanFailure, ScanSummary};
#[cfg(feature = "host")]
pub use validate::Problem;
