//! A scan that can be trusted: under faults, drift, outages, hostile targets and interruptions.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod outage;
mod properties;
mod resume;
mod safety;
mod support;
mod transport;
