//! Ctrl-C and SIGTERM: the first cancels the work, the second ends the program at once. Before the work starts, the first
//! does.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use connector_api::{CancellationToken, ConnectorError};

use super::print;

/// A program that reads its settings: a signal ends it at once, since a file may be a pipe that nobody writes to.
pub(super) struct Starting {
    cancel: CancellationToken,
    works: Arc<AtomicBool>,
}

/// Listens for signals.
pub(super) fn listen() -> Result<Starting, ConnectorError> {
    let cannot = |error: std::io::Error| ConnectorError::internal(format!("cannot listen for signals: {error}"));
    let cancel = CancellationToken::new();
    let works = Arc::new(AtomicBool::new(false));
    let starting = Starting { cancel: cancel.clone(), works: Arc::clone(&works) };
    let mut signals = Signals::listen().map_err(cannot)?;
    tokio::spawn(async move {
        signals.next().await;
        if works.load(Relaxed) {
            cancel.cancel();
            signals.next().await;
        }
        print::error(&ConnectorError::cancelled());
        process::exit(130);
    });
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
    fn listen() -> std::io::Result<Self> {
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
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
