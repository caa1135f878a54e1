//! Ctrl-C and SIGTERM: the first cancels the work, the second ends the program at once. Before the work starts, the first
//! does.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{io, process, thread};

use connector_api::{CancellationToken, ConnectorError};

use super::print;

/// What to say of work that a second signal may find done, or half done.
type Words = Box<dyn Fn() -> Option<ConnectorError> + Send>;

static WORDS: Mutex<Option<Words>> = Mutex::new(None);

/// Sets what is said if the program is ended at once from now on. Where `words` has nothing to say, the work was cancelled.
pub(super) fn say_at_end(words: impl Fn() -> Option<ConnectorError> + Send + 'static) {
    *WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(words));
}

fn ending() -> ConnectorError {
    let words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    words.as_ref().and_then(|words| words()).unwrap_or_else(ConnectorError::cancelled)
}

/// A program that reads its settings: a signal ends it at once, since a file may be a pipe that nobody writes to.
pub(super) struct Starting {
    cancel: CancellationToken,
    works: Arc<AtomicBool>,
}

/// Listens for signals, on a thread of its own: the others may wait for a file.
pub(super) fn listen() -> Result<Starting, ConnectorError> {
    let cannot = |error: io::Error| ConnectorError::internal(format!("cannot listen for signals: {error}"));
    let cancel = CancellationToken::new();
    let works = Arc::new(AtomicBool::new(false));
    let starting = Starting { cancel: cancel.clone(), works: Arc::clone(&works) };
    let (listens, ready) = mpsc::channel();
    let wait = move || -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut signals = Signals::listen()?;
            let _ = listens.send(());
            signals.next().await;
            if works.load(Relaxed) {
                cancel.cancel();
                signals.next().await;
            }
            print::error(&ending());
            process::exit(130)
        })
    };
    let thread = thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(cannot)?;
    // The sender is dropped without a message only if the thread ends.
    if ready.recv().is_err() {
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked"))).map_err(cannot)?;
    }
    Ok(starting)
}

impl Starting {
    /// Starts the work: from now on, the first signal cancels the token.
    pub(super) fn cancel_on_signal(self) -> CancellationToken {
        self.works.store(true, Relaxed);
        self.cancel
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
