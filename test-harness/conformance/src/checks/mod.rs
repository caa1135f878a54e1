//! The checks themselves, one file for each subject; the list of all of them is in `table.rs`.

pub(super) mod choices;
pub(super) mod completeness;
pub(super) mod connection;
pub(super) mod descriptor;
pub(super) mod flow;
pub(super) mod form;
pub(super) mod interruption;
pub(super) mod origin;
pub(super) mod rows;
pub(super) mod secrecy;
pub(super) mod settings;
