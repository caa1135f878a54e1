#![doc = include_str!("../README.md")]
//!
//! # Lists
//!
//! | paging by | complete list | page by page | complete when |
//! |---|---|---|---|
//! | offset and limit | [`list_offset`](HttpClient::list_offset) | [`PageReader`] | pages are linked by shared rows, and totals agree |
//! | the id of the last row | [`list_cursor`](HttpClient::list_cursor) | [`ChainReader`] | the target reports the end, or a page is empty |
//! | the header `Link` | [`list_links`](HttpClient::list_links) | [`ChainReader`] | a page has no next link |
//! | a token | [`list_tokens`](HttpClient::list_tokens) | [`ChainReader`] | a page has no token |
//!
//! If a target reports the number of rows, each of these returns as many or fails as `inconsistent_listing`. None
//! returns a part of a list. A [`PageShape`] describes the JSON of a page. [`Row`] keeps the whole JSON object; your
//! own type becomes a row by [`identified!`].
//!
//! # Signing in
//!
//! [`Auth::header`] puts a key into a header, [`Auth::bearer`] a token. [`Auth::renewed`] fetches a token from a
//! [`TokenSource`], such as [`ClientCredentials`], and renews it before it expires, and once if it is refused.
//!
//! # The meaning of responses
//!
//! Each failed attempt gets one [`Verdict`] when its response is read: an error with its remedy, and what to do
//! [`Next`]. [`Words`] alone interpret a response as HTTP defines it. A target with its own meanings implements
//! [`Target`] and builds its verdicts from the parts of a [`Refusal`]:
//!
//! ```
//! use connector_http::{Refusal, Target, Verdict, Words};
//!
//! #[derive(Debug)]
//! struct Example;
//!
//! impl Target for Example {
//!     fn words(&self) -> &Words {
//!         &Words::DEFAULT
//!     }
//!
//!     fn judge(&self, refusal: &Refusal<'_>) -> Verdict {
//!         match refusal.status.as_u16() {
//!             403 if refusal.said.words.contains("scope") => {
//!                 refusal.forbidden("the token does not have a scope", "give the token the scope users:read")
//!             }
//!             _ => refusal.standard(),
//!         }
//!     }
//! }
//! ```
//!
//! # What the client takes care of
//!
//! - HTTPS only, except to [loopback](is_loopback). Redirects are never followed, nor are links to another origin,
//!   since they would send the credential there.
//! - A configured proxy is used, or refused as an error, but never bypassed. The platform's certificates are trusted,
//!   and the operator's.
//! - All requests of a client share one pace, which adapts to what the target serves; retries have a budget.
//! - Bodies are bounded before they are parsed. Lone surrogates in JSON are replaced.
//! - Text from the target becomes one short printable line without any secret.

mod address;
mod auth;
mod body;
mod builder;
mod call;
mod certificates;
mod client;
mod clock;
mod concurrency;
mod malformed;
mod meter;
mod options;
mod pace;
mod paging;
mod proxy;
mod refusal;
mod retry;
#[cfg(test)]
mod seeds;
mod surrogates;
mod target;
mod task;
mod text;
mod transport;
mod unanswered;
mod verdict;
mod words;

pub use bytes::Bytes;
pub use connector_api;
pub use reqwest::{StatusCode, header};
pub use url::Url;

pub use address::{endpoint, is_loopback, origin};
pub use auth::{Auth, ClientCredentials, Exchange, Token, TokenSource};
pub use builder::ClientBuilder;
pub use call::{Answer, Call, Service, segment};
pub use client::{HttpClient, is_absent};
pub use clock::Clock;
pub use concurrency::Concurrency;
pub use meter::{Meter, Reading};
pub use options::ClientOptions;
pub use paging::chain::ChainReader;
pub use paging::offset::{Gap, Listing, ListingStats, Offsets, PageReader, TotalsWitness, inconsistent};
pub use paging::page::{Page, PageShape};
pub use paging::row::{Identified, Row, RowId};
pub use refusal::{Asked, Block, Form, Refusal, Said, refused_here};
pub use retry::RetryPolicy;
pub use target::Target;
pub use task::Task;
pub use text::{Scrubber, grouped};
pub use verdict::{Next, Verdict};
pub use words::Words;
