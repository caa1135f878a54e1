//! Parts of pages that follow something: the server sends them anew, as events that htmx puts in their place.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
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

/// The part of the newest state: it is made once, however many follow.
pub(crate) struct Newest<T>(Mutex<Option<(Arc<T>, Arc<Part>)>>);

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Newest<T> {
    /// Returns the part of a state, made by `show` if it was not made yet.
    pub(crate) fn part(&self, state: &Arc<T>, show: impl FnOnce(&T) -> Part) -> Arc<Part> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((of, part)) if Arc::ptr_eq(of, state) => Arc::clone(part),
            _ => {
                let part = Arc::new(show(state));
                *made = Some((Arc::clone(state), Arc::clone(&part)));
                part
            }
        }
    }
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
    S: Fn(&Arc<T>) -> Arc<Part> + Send + 'static,
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

impl<T, S: Fn(&Arc<T>) -> Arc<Part>> Following<T, S> {
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
        let part = (self.show)(&state);
        self.is_over = part.is_last;
        // They are taken from the end.
        if part.is_last {
            // Browsers drop an event without content.
            self.waiting.push(Event::default().event("end").data("over"));
        }
        if let Some(said) = part.said.as_ref().filter(|said| self.said.as_ref() != Some(said)) {
            self.waiting.push(Event::default().event("said").data(said));
            self.said = Some(said.clone());
        }
        Some(Event::default().event("part").data(&part.content.0))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use maud::html;

    use super::*;

    #[test]
    fn a_state_is_shown_once_for_all_who_follow_it() {
        let (newest, made) = (Newest::<u8>::default(), Cell::new(0));
        let show = |state: &u8| {
            made.set(made.get() + 1);
            Part { content: html! { (state) }, said: None, is_last: false }
        };
        let (first, second) = (Arc::new(1), Arc::new(2));
        for _ in 0..50 {
            assert_eq!(newest.part(&first, show).content.0, "1");
        }
        assert_eq!(made.get(), 1);
        assert_eq!(newest.part(&second, show).content.0, "2");
        // Somebody slow may still ask for an earlier one.
        assert_eq!(newest.part(&first, show).content.0, "1");
        assert_eq!(made.get(), 3);
    }
}
