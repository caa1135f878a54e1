//! Ctrl-C and SIGTERM: the first cancels the scan, the second ends the program at once.

use std::process;

use connector_api::{CancellationToken, ConnectorError};

use super::print;

/// A token that the first Ctrl-C or SIGTERM cancels. A second one ends the program.
pub(super) fn cancel_on_signal() -> Result<CancellationToken, ConnectorError> {
    let cannot = |error: std::io::Error| ConnectorError::internal(format!("cannot listen for signals: {error}"));
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let mut signals = Signals::listen().map_err(cannot)?;
    tokio::spawn(async move {
        signals.next().await;
        token.cancel();
        signals.next().await;
        print::error(&ConnectorError::cancelled());
        process::exit(130);
    });
    Ok(cancel)
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
