//! What a page did that no page may do.

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel};
use chromiumoxide::cdp::browser_protocol::network::EventRequestWillBeSent;
use chromiumoxide::cdp::browser_protocol::page::EventJavascriptDialogOpening;
use chromiumoxide::cdp::js_protocol::runtime::{ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown};
use chromiumoxide::listeners::EventStream;
use futures_util::{FutureExt, StreamExt};

/// The events of a page that have come and were not looked at yet.
pub struct Watch {
    logged: EventStream<EventEntryAdded>,
    called: EventStream<EventConsoleApiCalled>,
    thrown: EventStream<EventExceptionThrown>,
    dialogs: EventStream<EventJavascriptDialogOpening>,
    requests: EventStream<EventRequestWillBeSent>,
}

impl Watch {
    pub async fn of(page: &Page) -> Self {
        Self {
            logged: page.event_listener().await.unwrap(),
            called: page.event_listener().await.unwrap(),
            thrown: page.event_listener().await.unwrap(),
            dialogs: page.event_listener().await.unwrap(),
            requests: page.event_listener().await.unwrap(),
        }
    }

    /// The addresses that were requested since the last call.
    pub fn requests(&mut self) -> Vec<String> {
        drain(&mut self.requests, |event| Some(event.request.url.clone()))
    }

    /// What went wrong since the last call: errors in the console, violations of the policy, dialogs.
    pub fn faults(&mut self) -> Vec<String> {
        let mut faults = drain(&mut self.logged, |event| {
            let entry = &event.entry;
            let of = entry.url.as_deref().unwrap_or_default();
            (entry.level == LogEntryLevel::Error).then(|| format!("error: {} ({of})", entry.text))
        });
        faults.extend(drain(&mut self.called, |event| {
            let is_error = matches!(event.r#type, ConsoleApiCalledType::Error | ConsoleApiCalledType::Assert);
            is_error.then(|| format!("console: {:?}", event.args.iter().map(|arg| &arg.value).collect::<Vec<_>>()))
        }));
        faults.extend(drain(&mut self.thrown, |event| Some(format!("exception: {:?}", event.exception_details))));
        faults.extend(drain(&mut self.dialogs, |event| Some(format!("dialog: {}", event.message))));
        faults
    }
}

fn drain<T: chromiumoxide::cdp::IntoEventKind + Unpin>(
    events: &mut EventStream<T>,
    read: impl Fn(&T) -> Option<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        found.extend(read(&event));
    }
    found
}
