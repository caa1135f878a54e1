#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! [`Console`] holds what all pages share, [`Server`] listens and serves them. A request passes the guards (`guard`: host,
//! origin, session, time), then one page of the table in `pages`. A page reads from the store on a thread that may block, and
//! returns a `Page`: title, place, content. The frame around it is the same for all (`frame`).
//!
//! Text from a target enters a page through `text` alone: escaped, isolated, and with what cannot be seen written out.

mod assets;
mod connections;
mod console;
mod drafts;
mod entries;
mod failure;
#[cfg(feature = "fleet")]
mod fleet;
mod frame;
mod guard;
mod link;
mod live;
mod pages;
mod plot;
mod report;
mod scans;
mod server;
mod session;
mod sheet;
mod stores;
mod text;
mod visit;
mod ways;
mod words;

pub use console::{Announce, Console, Settings};
pub use report::report;
pub use server::Server;
