//! Places on loopback that no connector can work with, for any fixture. They last as long as the test's runtime.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;

/// An address where nobody listens. The port stays taken, so that nobody else is given it meanwhile.
///
/// # Errors
/// When loopback has no free port.
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

/// An address where connections are accepted, and nothing is ever answered.
///
/// # Errors
/// When loopback has no free port.
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

/// An address that speaks TLS with a certificate for it that it signed itself, and hangs up on whoever trusts it.
///
/// # Errors
/// When loopback has no free port, or no certificate can be made.
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

async fn listener() -> io::Result<TcpListener> {
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
