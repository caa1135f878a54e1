//! A server to which no connector may connect. It counts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_api::secrecy::SecretString;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::bad_servers;
use super::secret;

/// How long to wait for the request of a connection that was made.
const GRACE: Duration = Duration::from_millis(50);

/// A server on loopback that accepts every request, counts it and responds successfully. It runs as long as the test's
/// runtime.
///
/// A fixture uses it as the place to which a careless connector would be led: see
/// [`Target::with_trap`](crate::Target::with_trap).
#[derive(Debug, Clone)]
pub struct Trap {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
    heard: Arc<Mutex<String>>,
    came: Arc<Notify>,
}

impl Trap {
    /// Starts the server.
    ///
    /// # Errors
    /// Returns an error if loopback has no free port.
    pub async fn start() -> io::Result<Self> {
        let listener = bad_servers::listener().await?;
        let trap = Self {
            address: listener.local_addr()?,
            visits: Arc::default(),
            heard: Arc::default(),
            came: Arc::default(),
        };
        let caught = trap.clone();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                caught.visits.fetch_add(1, Ordering::Relaxed);
                let caught = caught.clone();
                tokio::spawn(async move {
                    let head = bad_servers::request_head(&mut connection).await;
                    caught.heard.lock().unwrap_or_else(PoisonError::into_inner).push_str(&head);
                    caught.came.notify_one();
                    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]").await
                });
            }
        });
        Ok(trap)
    }

    /// Returns the server's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the same server as a plain HTTP address that is not loopback, although it only leads to this machine.
    pub fn elsewhere(&self) -> String {
        format!("http://0.0.0.0:{}", self.address.port())
    }

    /// Returns the number of connections made to it.
    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }

    /// Describes the connections for a failure: their number, and whether a secret was sent. `None` if there were none.
    /// A connection counts even if it was closed before the response.
    pub(super) async fn caught(&self, secrets: &[SecretString]) -> Option<String> {
        let _ = timeout(GRACE, self.came.notified()).await;
        let visits = self.visits();
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = if secret::shown_in(secrets, &heard).is_some() { ", with the secret" } else { "" };
        (visits > 0).then(|| format!("{visits} connections to it{secret}"))
    }
}
