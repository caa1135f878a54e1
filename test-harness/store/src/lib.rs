#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! [`Store::begin`] opens a [`Scan`]: it [stages](Scan::stage) rows and [checkpoints](Scan::checkpoint), and
//! [publishes](Scan::publish) them in one step. Everything is SQL that runs on both databases. What differs between them is
//! behind one small internal trait, `Connection`.
//!
//! Accounts, groups, resources and policies are *objects*: each has a number for good, and versions from one run to another.
//! Memberships and bindings are rows of such numbers. So a day on which nothing changes adds nothing but a line to the list
//! of runs, and the difference of two runs is the versions that begin or end between them.

mod archive;
mod body;
mod copy;
mod database;
mod dictionary;
mod diff;
mod diff_access;
mod exceptions;
#[cfg(test)]
mod faults;
mod find;
mod findings;
mod groups;
mod identity;
mod kinds;
mod links;
mod location;
mod maintenance;
mod migrate;
mod nul;
mod open_stores;
pub mod pages;
#[cfg(feature = "postgres")]
mod password_file;
mod persons;
#[cfg(feature = "postgres")]
mod postgres;
mod publish;
mod reach;
mod reaching;
mod read;
mod runs;
mod scan;
mod sqlite;
mod store;
mod tables;
#[cfg(feature = "postgres")]
mod tls;
mod way;

pub use archive::StoreArchive;
pub use copy::Copied;
pub use diff::{Change, EachChange};
pub use exceptions::{Exception, MAX_REASON};
pub use findings::{EachFinding, Finding};
pub use groups::GroupMembers;
pub use links::LinkedAccount;
pub use location::Location;
pub use maintenance::{ForgottenAccounts, ForgottenSystem, KnownAccount, Mode, Pruned};
pub use open_stores::OpenStores;
pub use persons::WhoLinked;
#[cfg(feature = "postgres")]
pub use postgres::Server;
pub use publish::{Changes, Counts, Ended, Hold, Removal};
pub use reach::Who;
pub use reach::through::WhoThrough;
pub use read::EachRecord;
pub use runs::{Run, RunState};
pub use scan::{Fence, Scan, Start};
pub use store::{At, SectionState, Store, System};
