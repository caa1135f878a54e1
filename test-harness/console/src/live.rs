//! Parts of pages that follow something: the server sends them anew, as events that htmx puts in their place.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use maud::Markup;
use tokio::sync::watch;

use crate::console::Console;
use crate::guard;

/// How often a line without content shows that the connection is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a part shows of a state.
pub(crate) struct Part {
    /// The part.
    pub(crate) content: Markup,
    /// A sentence for those who listen, when something worth it has happened. It is said once.
    pub(crate) said: Option<String>,
    /// Whether nothing follows.
    pub(crate) is_last: bool,
}

/// What is left to send.
struct Following<T, S> {
    states: watch::Receiver<Arc<T>>,
    show: S,
    waiting: Vec<Event>,
    said: Option<String>,
    is_first: bool,
    is_over: bool,
    console: Arc<Console>,
    key: Option<String>,
}

/// Follows a state: the event `part` whenever it changes, `said` with a sentence, and at the end `end`. It ends with the
/// session, too. A reader that is slow gets the newest state.
pub(crate) fn follow<T, S>(
    console: &Arc<Console>,
    headers: &HeaderMap,
    states: watch::Receiver<Arc<T>>,
    show: S,
) -> Response
where
    T: Send + Sync + 'static,
    S: Fn(&T) -> Part + Send + 'static,
{
    let key = guard::key(console, headers).map(str::to_owned);
    let following = Following {
        states,
        show,
        waiting: Vec::new(),
        said: None,
        is_first: true,
        is_over: false,
        console: Arc::clone(console),
        key,
    };
    let events = stream::unfold(following, async |mut following| {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

impl<T, S: Fn(&T) -> Part> Following<T, S> {
    async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.waiting.pop() {
            return Some(event);
        }
        if self.is_over || !self.key.as_deref().is_some_and(|key| self.console.sessions.is_open(key)) {
            return None;
        }
        if !std::mem::take(&mut self.is_first) && self.states.changed().await.is_err() {
            return None;
        }
        let state = Arc::clone(&self.states.borrow_and_update());
        let Part { content, said, is_last } = (self.show)(&state);
        self.is_over = is_last;
        // They are taken from the end.
        if is_last {
            // Browsers drop an event without content.
            self.waiting.push(Event::default().event("end").data("over"));
        }
        if let Some(said) = said.filter(|said| self.said.as_ref() != Some(said)) {
            self.waiting.push(Event::default().event("said").data(&said));
            self.said = Some(said);
        }
        Some(Event::default().event("part").data(content.into_string()))
    }
}
