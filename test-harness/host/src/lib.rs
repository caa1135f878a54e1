#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! A [`Registry`](connector_api::Registry) finds the connector, [`system_file`] reads a stored configuration, [`run`] tests
//! the connection or scans, and [`output`] writes the rows. With a [`checkpoint`] an interrupted scan continues where it
//! stopped. The command line is a thin layer over this.

pub mod checkpoint;
mod conflicts;
pub mod digest;
pub mod files;
pub mod live;
mod nearest;
mod organization_names;
pub mod output;
pub mod progress;
pub mod run;
pub mod sanitize;
pub mod secret;
mod sink;
pub mod stored_system;
pub mod system_file;
pub mod systems;
pub mod text_file;
pub mod typed;
pub mod words;

pub use conflicts::check_output;
pub use nearest::{by_likeness, nearest};
pub use organization_names::organization_system;
