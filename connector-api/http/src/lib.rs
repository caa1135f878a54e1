#![doc = include_str!("../README.md")]
//!
//! # Listings
//!
//! | pages are asked for by | short way | row by row | whole when |
//! |---|---|---|---|
//! | offset and limit | [`list_offset`](HttpClient::list_offset) | [`PageReader`] | pages are linked by shared rows, and totals agree |
//! | the id of the last row | [`list_cursor`](HttpClient::list_cursor) | [`ChainReader`] | the target says so, or a page is empty |
//! | the header `Link` | [`list_links`](HttpClient::list_links) | [`ChainReader`] | a page has no next link |
//! | a token | [`list_tokens`](HttpClient::list_tokens) | [`ChainReader`] | a page has no token |
//!
//! Where a target counts its rows, each of them brings as many, or fails as `inconsistent_listing`. None returns a part of a
//! list. A [`PageShape`] says how a page is written; [`Row`] is one of which everything is kept, and a type of your own is a row
//! once it is [`identified!`].
//!
//! # Signing in
//!
//! [`Auth::header`] puts a key into a header, [`Auth::bearer`] a token; [`Auth::renewed`] fetches a token from a
//! [`TokenSource`], such as [`ClientCredentials`], renews it before it ends, and once more when it is refused.
//!
//! # What an answer means
//!
//! Each failed attempt gets one [`Verdict`], where the answer is read: an error with its remedy, and what comes [`Next`].
//! [`Words`] alone take an answer for what HTTP says. A target that means something else by it implements [`Target`] and
//! builds its verdicts out of the parts of a [`Refusal`]:
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
//!                 refusal.forbidden("the token lacks a scope", "give the token the scope users:read")
//!             }
//!             _ => refusal.standard(),
//!         }
//!     }
//! }
//! ```
//!
//! # What it sees to
//!
//! - HTTPS alone, but for [loopback](is_loopback). Redirects are never followed, nor links to another origin: the credential
//!   would travel along.
//! - A proxy that is named is used or refused. The platform's certificates are trusted, and the operator's.
//! - One pace for all requests of a client, which follows what the target serves; retries within a budget.
//! - Bodies are bounded before they are parsed. Halves of characters in JSON are no error.
//! - What a target says becomes one short printable line, in which no secret is left.

mod address;
mod auth;
mod body;
mod builder;
mod call;
mod client;
mod clock;
mod malformed;
mod meter;
mod options;
mod pace;
mod paging;
mod proxy;
mod refusal;
mod retry;
mod surrogates;
mod target;
mod text;
mod transport;
mod unanswered;
mod verdict;
mod words;

pub use bytes::Bytes;
pub use connector_api;
pub use reqwest::{StatusCode, header};
pub use url::Url;

pub use address::{is_loopback, origin};
pub use auth::{Auth, ClientCredentials, Exchange, Token, TokenSource};
pub use builder::ClientBuilder;
pub use call::{Answer, Call, Service, segment};
pub use client::{HttpClient, is_absent};
pub use clock::Clock;
pub use meter::{Meter, Reading};
pub use options::ClientOptions;
pub use paging::chain::ChainReader;
pub use paging::offset::{Gap, Listing, ListingStats, Offsets, PageReader, TotalsWitness, inconsistent};
pub use paging::page::{Page, PageShape};
pub use paging::row::{Identified, Row, RowId};
pub use refusal::{Asked, Form, Refusal, Said, refused_here};
pub use retry::RetryPolicy;
pub use target::Target;
pub use text::Scrubber;
pub use verdict::{Next, Verdict};
pub use words::Words;
