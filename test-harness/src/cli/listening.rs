//! Which address a scan uses for a simulator, and when to warn that other machines can reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use connector_api::{ConnectorError, ErrorCode};

/// The loopback address at which a scan on this machine reaches it. `None` if there is none: a scan refuses plain HTTP on
/// any other address, and the certificate is only for loopback.
pub(super) fn scannable(address: SocketAddr) -> Option<SocketAddr> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    ip.is_loopback().then(|| SocketAddr::new(ip, address.port()))
}

/// A warning if other machines can reach it.
pub(super) fn warning(address: SocketAddr) -> Option<ConnectorError> {
    if address.ip().is_loopback() {
        return None;
    }
    let at =
        if address.ip().is_unspecified() { "every address of this machine".to_owned() } else { address.to_string() };
    Some(ConnectorError::new(
        ErrorCode::InsecureEndpoint,
        format!("the simulator listens on {at}, so other machines can reach it"),
        format!("use --listen 127.0.0.1:{} to accept only this machine", address.port()),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_that_others_reach_is_warned_of_and_scanned_at_loopback_or_not_at_all() {
        for (address, scanned, warned) in [
            ("127.0.0.1:80", Some("127.0.0.1:80"), false),
            ("127.9.0.1:80", Some("127.9.0.1:80"), false),
            ("[::1]:80", Some("[::1]:80"), false),
            ("0.0.0.0:80", Some("127.0.0.1:80"), true),
            ("[::]:80", Some("[::1]:80"), true),
            ("192.0.2.1:80", None, true),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(scannable(address), scanned.map(|address| address.parse().unwrap()), "{address}");
            assert_eq!(warning(address).is_some(), warned, "{address}");
        }
    }
}
