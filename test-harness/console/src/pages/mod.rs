//! The pages: one file each, and one line here.
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

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use connector_api::ConnectorError;

use self::act::act;
use crate::assets;
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

pub(crate) fn routes() -> Router<Arc<Console>> {
    let router = Router::new();
    #[cfg(feature = "fleet")]
    let router = router.route("/fleet", page(fleet::show)).route("/fleet/events", get(fleet::events));
    router
        .route("/", page(systems::show))
        .route("/privileged", page(privileged::show))
        .route("/findings", page(findings::show))
        .route("/changes", page(changes::show))
        .route("/charts", page(charts::show))
        .route("/search", page(search::show))
        .route("/connectors", page(connectors::list))
        .route("/connector", page(connectors::show))
        .route("/account", page(account::show))
        .route("/group", page(group::show))
        .route("/resource", page(resource::show))
        .route("/system", page(system_form::show).merge(act(system_form::send)))
        .route("/test", page(test_connection::show).merge(act(test_connection::start)))
        .route("/test/save", act(test_connection::save))
        .route("/test/events", get(test_connection::events))
        .route("/scan", page(scan::show).merge(act(scan::start)))
        .route("/scan/cancel", act(scan::cancel))
        .route("/scan/accept", act(scan::accept))
        .route("/scan/events", get(scan::events))
        .route("/exception", page(exceptions::show).merge(act(exceptions::send)))
        .route("/sign-in", get(sign_in::form).post(sign_in::exchange))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/static/{name}", get(assets::show))
        .route("/{*path}", page(missing))
}

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

async fn missing(_: Visit) -> Result<Page, Failure> {
    Err(Failure::not_found())
}
