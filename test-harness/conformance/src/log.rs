//! Capturing the log, for tests that examine it.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Level};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// A subscriber that is interested in nothing but always exists. `tracing` decides whether anybody is interested in an
/// event when it first occurs in a process. As long as only one subscriber exists, `tracing` asks only the one of the
/// current thread: a thread without one would disable the event for the capturing thread, too.
static SILENT: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// Captures everything that this thread logs, at every level, until it is dropped. The log of other threads, such as
/// those of other tests, is not captured: so the code under test must run on this thread, as on a single-threaded Tokio
/// runtime.
#[derive(Debug)]
pub struct CapturedLog {
    written: Buffer,
    _default: DefaultGuard,
}

impl CapturedLog {
    /// Starts capturing.
    #[must_use]
    pub fn start() -> Self {
        LazyLock::force(&SILENT);
        let written = Buffer::default();
        let writer = written.clone();
        let default = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish()
            .set_default();
        Self { written, _default: default }
    }

    /// Returns what has been logged so far, one line per event.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.lock()).into_owned()
    }
}

#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_holds_what_its_own_thread_logs_and_nothing_else() {
        fn say(who: &str) {
            tracing::trace!(who, "said");
        }
        let log = CapturedLog::start();
        // The first thread to log the event has no subscriber, the second has its own.
        std::thread::scope(|scope| {
            scope.spawn(|| say("nobody's")).join().map_err(|_| "panicked")?;
            scope.spawn(|| {
                let other = CapturedLog::start();
                say("the other's");
                assert!(other.text().contains("the other's"));
            });
            Ok::<_, &str>(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
        say("mine");
        assert!(log.text().contains("who=\"mine\""), "{}", log.text());
        assert!(!log.text().contains("nobody's") && !log.text().contains("the other's"), "{}", log.text());
    }
}
