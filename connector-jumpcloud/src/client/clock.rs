//! One clock for everything, so that a test which pauses the runtime's time pauses all of it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Wall-clock time that moves with the runtime's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    wall: Timestamp,
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self::starting_at(Timestamp::now())
    }

    pub(crate) fn starting_at(wall: Timestamp) -> Self {
        Self { wall, origin: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.wall.saturating_add(self.elapsed()).unwrap_or(self.wall)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}
