#![doc = include_str!("../README.md")]
//!
//! # The graph
//!
//! [`Graph::reach`] walks from one account or group, [`Reverse::who`] to one resource, and [`Graph::all`] from each subject
//! in turn.
//!
//! A [`Graph`] identifies everything by an index and keeps an edge in a few bytes, so it can hold millions of accounts.
//! [`AccessRows`] builds one from a scan's rows and puts names on the grants. This crate does no I/O and knows no
//! target's words.
//!
//! # Sign-ins
//! [`SignInPolicies`] applies policies to one account and what it signs in to: whether a second factor protects it.
//!
//! # Paths
//! A path leads from an account up through groups. Groups that are members of each other have the same members, so each of
//! them gives what the others raise: a path passes a group twice where no other path gives as much.
//!
//! Such groups also make more paths than can be listed. So for one subject the nearest [`WAYS`] are followed and, in
//! addition, the nearest path to every group and the nearest of those that give more. The set of reached resources and the
//! strength of access are therefore always right; only the number of further paths is a lower bound.

mod graph;
mod lists;
mod names;
mod path;
mod raises;
mod rank;
mod rows;
mod sign_in;
mod walk;

pub use connector_api;

pub use graph::{Bound, Graph, Parts, Subject, Target};
pub use lists::Lists;
pub use names::{Name, Names};
pub use path::{Naming, Path, Paths};
pub use raises::Raise;
pub use rank::Rank;
pub use rows::{AccessRows, RowsBuilder};
pub use sign_in::{Applicant, SignInPolicies};
pub use walk::above::Above;
pub use walk::from_subject::{Reach, Reached};
pub use walk::to_resource::{Reverse, Who};
pub use walk::ways::{End, WAYS};
