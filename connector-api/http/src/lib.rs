//! What every connector over HTTP stands on.

mod address;
mod auth;
mod body;
mod builder;
mod call;
mod client;
mod clock;
mod meter;
mod options;
mod pace;
mod page;
mod paging;
mod proxy;
mod refusal;
mod retry;
mod seen;
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
pub use call::{Answer, Call, Service};
pub use client::{HttpClient, is_absent};
pub use clock::Clock;
pub use meter::{Meter, Reading};
pub use options::ClientOptions;
pub use page::{Page, PageShape};
pub use paging::{Gap, Identified, Listing, ListingStats, Offsets, PageReader, RowId, Witness, inconsistent};
pub use refusal::{Asked, Form, Refusal, Said, refused_here};
pub use retry::RetryPolicy;
pub use target::Target;
pub use text::Scrubber;
pub use verdict::{Next, Verdict};
pub use words::Words;
