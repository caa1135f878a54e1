//! The connections that are open, as many as may be. When somebody comes who finds no room, one that keeps the server waiting is
//! closed: those that are idle, or have not sent a whole request, cannot keep others out.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use connector_api::CancellationToken;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

/// What a connection is doing. Those come first that are closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It has not sent a whole request, or none since the last response.
    Waiting,
    /// A response is being sent: its reader may be slow, or follow something for hours.
    Sending,
    /// A response is being made. Such a connection is not closed: what it asked for is bounded in time.
    Working,
}

/// All connections.
pub(crate) struct Connections {
    most: usize,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    /// Counts all that happens: an order without a clock.
    now: u64,
    open: BTreeMap<u64, Open>,
}

struct Open {
    phase: Phase,
    since: u64,
    close: CancellationToken,
}

/// The place of one connection, which ends with it.
pub(crate) struct Seat {
    number: u64,
    /// Cancelled when the connection has to make room.
    pub(crate) close: CancellationToken,
    connections: Arc<Connections>,
}

impl Connections {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, inner: Mutex::default(), changed: Notify::new() })
    }

    /// Takes a place. Waits only while a response is being made on all of them. One caller at a time may wait.
    pub(crate) async fn enter(self: &Arc<Self>) -> Arc<Seat> {
        loop {
            if let Some(seat) = self.try_enter() {
                return seat;
            }
            self.changed.notified().await;
        }
    }

    fn try_enter(self: &Arc<Self>) -> Option<Arc<Seat>> {
        let mut inner = self.inner();
        if inner.open.len() >= self.most {
            let closable = inner.open.iter().filter(|(_, open)| open.phase != Phase::Working);
            let oldest = closable.min_by_key(|(_, open)| (open.phase, open.since)).map(|(number, _)| *number)?;
            inner.open.remove(&oldest)?.close.cancel();
        }
        let (number, close) = (inner.tick(), CancellationToken::new());
        inner.open.insert(number, Open { phase: Phase::Waiting, since: number, close: close.clone() });
        Some(Arc::new(Seat { number, close, connections: Arc::clone(self) }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }
}

impl Seat {
    /// Goes on to another phase.
    pub(crate) fn pass(&self, phase: Phase) {
        let mut inner = self.connections.inner();
        let since = inner.tick();
        // One that was closed is no longer there.
        if let Some(open) = inner.open.get_mut(&self.number) {
            (open.phase, open.since) = (phase, since);
        }
        drop(inner);
        self.connections.changed.notify_one();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.inner().open.remove(&self.number);
        self.connections.changed.notify_one();
    }
}

/// A body whose end begins another phase of its connection.
pub(crate) struct Until<B> {
    body: B,
    seat: Arc<Seat>,
    then: Phase,
}

impl<B> Until<B> {
    pub(crate) fn end_of(body: B, seat: &Arc<Seat>, then: Phase) -> Self {
        Self { body, seat: Arc::clone(seat), then }
    }
}

impl<B> Drop for Until<B> {
    fn drop(&mut self) {
        self.seat.pass(self.then);
    }
}

impl<B: Body + Unpin> Body for Until<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn seats<const MANY: usize>() -> (Arc<Connections>, [Arc<Seat>; MANY]) {
        let connections = Connections::new(MANY);
        let seats = std::array::from_fn(|_| connections.try_enter().unwrap());
        (connections, seats)
    }

    #[test]
    fn the_one_that_has_waited_longest_makes_room() {
        let (connections, [first, second, third]) = seats();
        // It was served in between, and waits only since then.
        first.pass(Phase::Working);
        first.pass(Phase::Sending);
        first.pass(Phase::Waiting);
        let _fourth = connections.try_enter().unwrap();
        let closed = [&first, &second, &third].map(|seat| seat.close.is_cancelled());
        assert_eq!(closed, [false, true, false]);
        // The end of one that was closed frees nobody else's place.
        drop(second);
        let _fifth = connections.try_enter().unwrap();
        assert!(third.close.is_cancelled() && !first.close.is_cancelled());
    }

    #[test]
    fn one_that_is_being_sent_to_is_closed_only_after_those_that_wait() {
        let (connections, [sent, waiting]) = seats();
        sent.pass(Phase::Sending);
        let later = connections.try_enter().unwrap();
        assert!(waiting.close.is_cancelled() && !sent.close.is_cancelled());
        later.pass(Phase::Working);
        let _last = connections.try_enter().unwrap();
        assert!(sent.close.is_cancelled() && !later.close.is_cancelled());
    }

    #[tokio::test]
    async fn while_a_response_is_made_on_all_of_them_the_next_one_waits() {
        let (connections, [one, other]) = seats();
        [&one, &other].iter().for_each(|seat| seat.pass(Phase::Working));
        assert!(connections.try_enter().is_none());
        let (entered, ()) = tokio::join!(connections.enter(), async { other.pass(Phase::Sending) });
        assert!(other.close.is_cancelled() && !one.close.is_cancelled() && !entered.close.is_cancelled());
        // A place that is free closes nobody.
        drop(entered);
        let _next = connections.enter().await;
        assert!(!one.close.is_cancelled());
    }
}
