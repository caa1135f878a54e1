//! Requests on the runtime's threads, so that large responses are parsed concurrently.

use connector_api::ConnectorError;
use tokio::task::JoinHandle;

/// A request in flight, aborted when nobody waits for it any more.
#[derive(Debug)]
pub struct Task<T>(JoinHandle<Result<T, ConnectorError>>);

impl<T: Send + 'static> Task<T> {
    /// Starts a request.
    pub fn spawn(request: impl Future<Output = Result<T, ConnectorError>> + Send + 'static) -> Self {
        Self(tokio::spawn(request))
    }
}

impl<T> Task<T> {
    /// Waits for the request and returns what it returned.
    ///
    /// # Errors
    /// Returns the request's error, or `internal` if it panicked.
    pub async fn result(mut self) -> Result<T, ConnectorError> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) => Err(ConnectorError::internal(format!("the task of a request failed: {error}"))),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
