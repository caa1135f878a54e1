//! The pages as a browser gets them, without one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod act;
mod exceptions;
mod guards;
mod lists;
mod names;
mod organisation;
mod replaced;
mod report;
mod secrets;
mod site;
mod socket;
mod truth;
mod whole;

// Keeps the connector linked, so that the registry finds it.
use connector_scim as _;
