//! The pages: one file each, and one line in the table of their addresses (`routes`).
//!
//! A page is a function from a [`Visit`] to a [`Page`]: it reads with [`Visit::read_at`], and what goes wrong becomes a page
//! as well. One that changes something is a `post`, whose form has [`frame::form_token`](crate::frame::form_token): the guards
//! have checked it before.

mod account;
mod account_facts;
mod act;
mod changes;
mod charts;
mod choice;
mod connectors;
mod exceptions;
mod fields;
mod findings;
#[cfg(feature = "fleet")]
mod fleet;
mod group;
mod paging;
mod privileged;
mod reach;
pub(crate) mod report;
mod resource;
mod routes;
mod rows;
mod scan;
mod scan_live;
mod scan_result;
mod search;
mod set_up;
mod sign_in;
mod system_form;
mod systems;
mod test_connection;

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

use connector_api::ConnectorError;

pub(crate) use self::routes::router;
use crate::console::Console;
use crate::failure::Failure;
use crate::frame::Page;
use crate::sheet::Sheet;
use crate::visit::Visit;

/// An entry of the navigation: its path and title.
pub(crate) type Entry = (&'static str, &'static str);

/// The entries of the navigation.
pub(crate) const NAVIGATION: &[Entry] = &[
    ("/", "Systems"),
    ("/privileged", "Privileged"),
    ("/findings", "Findings"),
    ("/changes", "Changes"),
    ("/charts", "Charts"),
    ("/connectors", "Connectors"),
];

/// The entry that follows where the store has a fleet.
pub(crate) const FLEET: Entry = ("/fleet", "Fleet");

/// What a page answers.
pub(crate) enum Answer {
    Page(Box<Page>),
    /// A file, or another address.
    Other(Response),
}

impl Answer {
    /// A file that the browser saves.
    pub(crate) fn file(name: &str, sheet: Sheet) -> Result<Self, ConnectorError> {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
        ];
        Ok(Self::Other((headers, sheet.finish()?).into_response()))
    }
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        Self::Page(Box::new(page))
    }
}

/// Serves a page, and what went wrong with it within the same frame.
fn page<A, F>(show: impl Fn(Visit) -> F + Clone + Send + Sync + 'static) -> MethodRouter<Arc<Console>>
where
    A: Into<Answer>,
    F: Future<Output = Result<A, Failure>> + Send,
{
    get(async move |visit: Visit| {
        let (page, status) = match show(visit.clone()).await.map(Into::into) {
            Ok(Answer::Other(response)) => return response,
            Ok(Answer::Page(page)) => (*page, StatusCode::OK),
            Err(failure) => {
                let content = failure.content();
                (Page { title: failure.title().to_owned(), entry: "", place: None, content }, failure.status())
            }
        };
        page.document(&visit, status).await
    })
}
