//! Listens, and serves the pages: a bounded number of connections, headers within a bounded time, a tidy end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use connector_api::{CancellationToken, ConnectorError};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::connections::{Connections, Phase, Seat, Until};

/// Connections that are open at the same time.
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
        self.serve_at_most(CONNECTIONS, router, cancel).await;
    }

    async fn serve_at_most(self, most: usize, router: Router, cancel: CancellationToken) {
        let (connections, open) = (Connections::new(most), GracefulShutdown::new());
        loop {
            let accepted = async {
                // Out of file descriptors, or the client is gone already.
                let Ok((stream, _)) = self.listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    return None;
                };
                Some((stream, connections.enter().await))
            };
            let accepted = tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                accepted = accepted => accepted,
            };
            let Some((stream, seat)) = accepted else { continue };
            let _ = stream.set_nodelay(true);
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .max_buf_size(HEADER_BYTES)
                .serve_connection(TokioIo::new(stream), seated(router.clone(), Arc::clone(&seat)));
            let connection = open.watch(connection);
            tokio::spawn(async move {
                // A connection ends with an error whenever a browser leaves: nothing to report.
                let _ = seat.close.run_until_cancelled(connection).await;
            });
        }
        // Nobody new is accepted from here on.
        drop(self.listener);
        let _ = tokio::time::timeout(GRACE, open.shutdown()).await;
    }
}

/// The pages for one connection, whose place knows what it is doing.
fn seated(
    router: Router,
    seat: Arc<Seat>,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> {
    let pages = TowerToHyperService::new(router);
    service_fn(move |request: Request<Incoming>| {
        let seat = Arc::clone(&seat);
        let request = request.map(|body| {
            if body.is_end_stream() {
                seat.pass(Phase::Working);
                return Body::empty();
            }
            Body::new(Until::end_of(body, &seat, Phase::Working))
        });
        let response = pages.call(request);
        async move {
            let response = response.await?;
            seat.pass(Phase::Sending);
            Ok(response.map(|body| Body::new(Until::end_of(body, &seat, Phase::Waiting))))
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn connect(address: SocketAddr, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn is_closed(stream: &mut TcpStream) -> bool {
        stream.read(&mut [0; 1]).await.map_or(true, |bytes| bytes == 0)
    }

    /// Reads a response to the end of the page.
    async fn answer(stream: &mut TcpStream) {
        let mut answer = Vec::new();
        while !answer.ends_with(b"Here.") {
            answer.push(stream.read_u8().await.unwrap());
        }
    }

    #[tokio::test]
    async fn connections_that_send_no_whole_request_keep_nobody_out() {
        let server = Server::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = server.address();
        let router =
            Router::new().route("/", get(async || "Here.")).route("/form", post(async |_: axum::body::Bytes| "Sent."));
        let cancel = CancellationToken::new();
        let served = tokio::spawn(server.serve_at_most(3, router, cancel.clone()));
        // Each is served first, so the server has them in this order.
        let whole = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        let mut begun = connect(address, whole).await;
        answer(&mut begun).await;
        begun.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        let mut sending = connect(address, whole).await;
        answer(&mut sending).await;
        sending.write_all(b"POST /form HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
        let mut idle = connect(address, whole).await;
        answer(&mut idle).await;
        let mut later = Vec::new();
        for oldest in [&mut begun, &mut sending] {
            let mut next = connect(address, whole).await;
            answer(&mut next).await;
            assert!(is_closed(oldest).await);
            later.push(next);
        }
        // It has not waited longest, so it is still there.
        idle.write_all(whole.as_bytes()).await.unwrap();
        answer(&mut idle).await;
        cancel.cancel();
        served.await.unwrap();
    }
}
