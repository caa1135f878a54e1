//! Connections: accepted, encrypted, served, and reset when that is ordered.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Service;

/// Serves until it is dropped, and all connections with it.
pub(crate) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, service: Arc<Service>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, tls.clone(), Arc::clone(&service)));
            }
            // Out of file descriptors, or the client is gone already.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, service: Arc<Service>) {
    // Answers are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let stream = Connection { stream, reset: Arc::clone(&reset) };
    match tls {
        None => serve_requests(stream, service, reset).await,
        Some(acceptor) => {
            // A client that refuses the certificate goes away here, as it should.
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_requests(stream, service, reset).await;
            }
        }
    }
}

async fn serve_requests<S>(stream: S, service: Arc<Service>, reset: Arc<AtomicBool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |request| {
        let (service, reset) = (Arc::clone(&service), Arc::clone(&reset));
        async move {
            let answer = service.answer(request).await;
            reset.fetch_or(answer.is_err(), Ordering::Relaxed);
            answer
        }
    });
    // A connection ends with an error whenever a client leaves or a fault breaks it: nothing to report.
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
}

/// A TCP connection that can end with a reset.
struct Connection {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.reset.load(Ordering::Relaxed) {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        Poll::Ready(Ok(()))
    }
}
