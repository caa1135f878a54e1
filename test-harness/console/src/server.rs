//! Listens, and serves the pages: a bounded number of connections, headers within a bounded time, a tidy end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use connector_api::{CancellationToken, ConnectorError};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections that are open at the same time. Others wait in the system's queue.
const CONNECTIONS: usize = 256;

/// How long the headers of a request may take, and how long a connection may be idle.
const HEADERS: Duration = Duration::from_secs(15);

/// The most bytes of headers.
const HEADER_BYTES: usize = 32 * 1024;

/// How long the pages that are under way at the end may still take.
const GRACE: Duration = Duration::from_secs(5);

/// A listening address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens at an address; port 0 chooses a free port.
    ///
    /// # Errors
    /// `invalid_config` if the address cannot be had.
    pub async fn listen(address: SocketAddr) -> Result<Self, ConnectorError> {
        let cannot = |error: std::io::Error| {
            ConnectorError::invalid_config(
                format!("cannot listen on {address}: {error}"),
                "choose another port with --listen, such as 127.0.0.1:0 for a free one",
            )
        };
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Self { listener, address })
    }

    /// Returns the address, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is cancelled. Pages that are under way then still end, within five seconds.
    pub async fn serve(self, router: Router, cancel: CancellationToken) {
        let (permits, open) = (Arc::new(Semaphore::new(CONNECTIONS)), GracefulShutdown::new());
        loop {
            let accepted = async {
                let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
                // Out of file descriptors, or the client is gone already.
                match self.listener.accept().await {
                    Ok((stream, _)) => Some((permit, stream)),
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        None
                    }
                }
            };
            let accepted = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                accepted = accepted => accepted,
            };
            let Some((permit, stream)) = accepted else { continue };
            let _ = stream.set_nodelay(true);
            let router = router.clone();
            let service = tower_service(router);
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .max_buf_size(HEADER_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            let connection = open.watch(connection);
            tokio::spawn(async move {
                // A connection ends with an error whenever a browser leaves: nothing to report.
                let _ = connection.await;
                drop(permit);
            });
        }
        // Nobody new is accepted from here on.
        drop(self.listener);
        let _ = tokio::time::timeout(GRACE, open.shutdown()).await;
    }
}

fn tower_service(
    router: Router,
) -> impl hyper::service::Service<Request<Incoming>, Response = axum::response::Response, Error = Infallible, Future: Send>
{
    TowerToHyperService::new(router)
}
