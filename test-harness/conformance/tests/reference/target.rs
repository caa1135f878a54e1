//! The target's responses, and how the connector interprets them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use connector_api::secrecy::ExposeSecret;
use connector_api::{Connector, ConnectorError, ErrorCode, Retry, Section};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Breakage;
use super::connector::ReferenceConnector;

impl<const BREAKAGE: usize> ReferenceConnector<BREAKAGE> {
    /// Makes one request to the target.
    pub(super) async fn answer(&self, section: Section) -> Result<(), ConnectorError> {
        let error = |code| Err(ConnectorError::new(code, "so it is", "change it"));
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        match self.config.hostname.as_str() {
            "refused" if self.is(Breakage::CallsRefusedTimeout) => error(ErrorCode::Timeout),
            "refused" => error(ErrorCode::Connect),
            "unauthorized" if self.is(Breakage::CallsUnauthorizedForbidden) => error(ErrorCode::Forbidden),
            "unauthorized" if self.is(Breakage::LeaksInError) => {
                Err(self.indiscreet(ConnectorError::new(ErrorCode::Unauthorized, "it is refused", "change it")))
            }
            "unauthorized" => error(ErrorCode::Unauthorized),
            "forbidden" if self.is(Breakage::CallsForbiddenUnauthorized) => error(ErrorCode::Unauthorized),
            "forbidden" => error(ErrorCode::Forbidden),
            "wrongcertificate" if self.is(Breakage::TrustsAnyCertificate) => Ok(()),
            "wrongcertificate" => error(ErrorCode::Tls),
            "hangs" if self.is(Breakage::NeverTimesOut) => std::future::pending().await,
            "hangs" => match timeout(Duration::from_secs(15), std::future::pending()).await {
                Ok(never) => never,
                Err(_) => error(ErrorCode::Timeout),
            },
            other if other.contains("-127.0.0.1:") => self.lead_astray(other).await,
            transient if transient.starts_with("transient-") && request % 3 == 1 => {
                Err(ConnectorError::new(ErrorCode::ServerError, "it failed in passing", "try again")
                    .with_retry(Retry::Later))
            }
            fails if fails.strip_prefix("fails-") == Some(section.as_str()) => {
                let failed = ConnectorError::new(ErrorCode::ServerError, "so it is", "change it");
                let leaks = self.is(Breakage::LeaksInOptionalSection) && !Self::describe().is_core(section);
                Err(if leaks { self.indiscreet(failed) } else { failed })
            }
            _ => Ok(()),
        }
    }

    /// Returns the same error with the secret in it.
    pub(super) fn indiscreet(&self, error: ConnectorError) -> ConnectorError {
        error.context(self.config.credential.secret().expose_secret())
    }

    /// Behaves as the breakage requires towards a target that leads to another server. The host name contains the
    /// scenario's name, followed by that server's address.
    async fn lead_astray(&self, hostname: &str) -> Result<(), ConnectorError> {
        let (scenario, address) = hostname.split_once('-').unwrap_or_default();
        match (scenario, Self::BREAKAGE) {
            ("plainhttp", Breakage::SpeaksPlainHttp)
            | ("redirects", Breakage::FollowsRedirects)
            | ("foreignnextlink", Breakage::FollowsForeignLinks) => {
                let secret = self.config.credential.secret().expose_secret();
                let asked = async {
                    let mut connection = TcpStream::connect(address).await?;
                    connection.write_all(format!("GET / HTTP/1.1\r\nx-key: {secret}\r\n\r\n").as_bytes()).await?;
                    connection.read_to_end(&mut Vec::new()).await
                };
                asked.await.map(drop).map_err(|_| ConnectorError::internal("the trap does not answer"))
            }
            ("foreignnextlink", Breakage::IgnoresForeignLinks) => Ok(()),
            _ => Err(ConnectorError::new(ErrorCode::UnexpectedRedirect, "it leads elsewhere", "look who answers")),
        }
    }
}
