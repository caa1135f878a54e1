#![doc = include_str!("../README.md")]
//!
//! # The graph
//!
//! [`Graph::reach`] walks from one account or group, [`Reverse::who`] to one resource, and [`Graph::all`] from each subject
//! in turn.
//!
//! A [`Graph`] knows everything by its index and each edge by a few bytes, so that it bears millions of accounts;
//! [`AccessRows`] makes one of a scan's rows, and grants with names of what it answers. Nothing here does I/O or knows a
//! target's words.
//!
//! # Ways
//! A way leads from an account up through groups, and passes none twice. Groups that are members of each other make more
//! ways than anybody can list, so of one subject's the nearest [`WAYS`] are followed, and in addition, to every group, the
//! nearest way and the nearest of those that give more than it. What is reached, and how strongly, is therefore always
//! right; only the number of further paths is a lower bound.

mod graph;
mod lists;
mod names;
mod path;
mod raises;
mod rank;
mod rows;
mod walk;

pub use connector_api;

pub use graph::{Bound, Graph, Parts, Subject, Target};
pub use lists::Lists;
pub use names::{Name, Names};
pub use path::{Naming, Path, Paths};
pub use raises::Raise;
pub use rank::Rank;
pub use rows::{AccessRows, RowsBuilder};
pub use walk::from_subject::{Reach, Reached};
pub use walk::to_resource::{Reverse, Who};
pub use walk::ways::{End, WAYS};
