//! What changes something: a form is sent, and another page answers.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, post};
use maud::Render;

use super::Answer;
use crate::console::Console;
use crate::entries::Entries;
use crate::failure::Failure;
use crate::frame::Page;
use crate::link::Link;
use crate::visit::Visit;

/// Serves what a form of a page sends, and what went wrong with it within the frame of a page.
pub(super) fn act<A, F>(
    work: impl Fn(Visit, Entries) -> F + Clone + Send + Sync + 'static,
) -> MethodRouter<Arc<Console>>
where
    A: Into<Answer>,
    F: Future<Output = Result<A, Failure>> + Send,
{
    post(async move |visit: Visit, entries: Entries| {
        let (page, status) = match work(visit.clone(), entries).await.map(Into::into) {
            Ok(Answer::Other(response)) => return response,
            // Browsers report any other status of a page as an error of the page.
            Ok(Answer::Page(page)) => (*page, axum::http::StatusCode::OK),
            Err(failure) => {
                let content = failure.content();
                (Page { title: failure.title().to_owned(), entry: "", place: None, content }, failure.status())
            }
        };
        page.document(&visit, status).await
    })
}

/// Sends the browser to a page, which it then loads: going back or loading again sends no form twice.
pub(super) fn go_to(link: &Link) -> Response {
    // The address within a page is escaped for HTML.
    let address = link.render().0.replace("&amp;", "&");
    Redirect::to(&address).into_response()
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Other(response)
    }
}
