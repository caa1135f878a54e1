//! Loopback servers that no connector can, or may, work with. Usable by any fixture; they run as long as the test's
//! runtime.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::fixture::{NoTarget, Scenario};
use super::trap::Trap;

/// Starts the server of a scenario that needs no real target (nobody listens, nothing responds, the certificate is
/// wrong, or the trap takes the target's place) and returns its address. `None` for any other scenario.
///
/// # Errors
/// Returns [`NoTarget::Broken`] if loopback has no free port.
pub async fn stand_in(scenario: Scenario, trap: &Trap) -> Result<Option<String>, NoTarget> {
    Ok(Some(match scenario {
        Scenario::PlainHttp => trap.elsewhere(),
        Scenario::Redirects => format!("http://{}", redirecting(trap.address()).await.map_err(NoTarget::broken)?),
        Scenario::Refused => format!("http://{}", deserted().await.map_err(NoTarget::broken)?),
        Scenario::Hangs => format!("http://{}", silent().await.map_err(NoTarget::broken)?),
        Scenario::WrongCertificate => format!("https://{}", untrusted().await.map_err(NoTarget::broken)?),
        _ => return Ok(None),
    }))
}

/// Returns an address where nobody listens. The port stays reserved, so that nobody else gets it meanwhile.
///
/// # Errors
/// Returns an error if loopback has no free port.
pub async fn deserted() -> io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        let _taken = socket;
        std::future::pending::<()>().await;
    });
    Ok(address)
}

/// Starts a server that accepts connections and never responds.
///
/// # Errors
/// Returns an error if loopback has no free port.
pub async fn silent() -> io::Result<SocketAddr> {
    let listener = listener().await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    Ok(address)
}

/// Starts a TLS server with a self-signed certificate for its own address. It closes the connection of a client that
/// trusts it.
///
/// # Errors
/// Returns an error if loopback has no free port or no certificate can be made.
pub async fn untrusted() -> io::Result<SocketAddr> {
    let listener = listener().await?;
    let address = listener.local_addr()?;
    let acceptor = self_signed()?;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { acceptor.accept(connection).await.map(drop) });
        }
    });
    Ok(address)
}

/// Starts a server that redirects each request to the same path at `to`, with the same method.
///
/// # Errors
/// Returns an error if loopback has no free port.
pub async fn redirecting(to: SocketAddr) -> io::Result<SocketAddr> {
    let listener = listener().await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head = request_head(&mut connection).await;
                let path = head.split_whitespace().nth(1).unwrap_or("/");
                let answer = format!(
                    "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{to}{path}\r\ncontent-length: 0\r\n\
                     connection: close\r\n\r\n"
                );
                connection.write_all(answer.as_bytes()).await
            });
        }
    });
    Ok(address)
}

/// Reads a request up to the end of its headers, or of the connection.
pub(super) async fn request_head(connection: &mut TcpStream) -> String {
    const LONGEST: usize = 64 * 1024;
    let (mut head, mut part) = (Vec::new(), [0; 4096]);
    while head.len() < LONGEST && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match connection.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(read) => head.extend_from_slice(&part[..read]),
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

pub(super) async fn listener() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

fn self_signed() -> io::Result<TlsAcceptor> {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).map_err(io::Error::other)?;
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![signed.cert.der().clone()], key))
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
