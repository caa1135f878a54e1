//! Attempts without a response: a name that does not resolve, a connection that is refused or lost, a handshake that
//! fails, a proxy that does not let it through.

use std::error::Error as StdError;
use std::io;

use connector_api::{ConnectorError, ErrorCode};
use url::Url;

use super::address::is_loopback;
use super::refusal::proxy_wants_password;
use super::text::{Cause, Scrubber};
use super::verdict::Verdict;
use super::words::Words;

/// The number of attempts at a name that was never resolved, and at a proxy that refuses.
const FEW_ATTEMPTS: u32 = 2;

/// A failure to resolve a name.
#[derive(Debug)]
pub(super) struct DnsError {
    pub(super) name: String,
    /// Whether it was resolved before, so that it exists.
    pub(super) known: bool,
    pub(super) error: io::Error,
}

impl std::fmt::Display for DnsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for DnsError {}

/// Judges an attempt at `url`, through `proxy` if there is one, that got no response or whose response broke off.
pub(super) fn of_no_answer(
    error: &reqwest::Error,
    url: &Url,
    proxy: Option<&str>,
    scrub: &Scrubber,
    words: &Words,
) -> Verdict {
    let Verdict { error: judged, next } = judge(error, url, proxy, words);
    Verdict { error: judged.with_source(Cause::of(error, scrub)), next }
}

fn judge(error: &reqwest::Error, url: &Url, proxy: Option<&str>, words: &Words) -> Verdict {
    let host = url.host_str().unwrap_or_default();
    let tunnel = tunnel_error(error);
    let tls = cause::<rustls::Error>(error).filter(|_| error.is_connect());
    // With a proxy, any failure before the target's own handshake is the proxy's.
    let at_proxy = proxy.filter(|_| error.is_connect() && (tunnel.is_some() || tls.is_none()));
    let (peer, reach) = match (at_proxy, proxy) {
        (Some(proxy), _) => (
            format!("the proxy {proxy}"),
            format!("check {}, and that the proxy is running and accepts this server", words.proxy_setting()),
        ),
        (None, Some(proxy)) => (
            format!("{host} through the proxy {proxy}"),
            format!("ensure that the proxy can reach {host} and does not close the connection"),
        ),
        (None, None) => {
            (host.to_owned(), format!("ensure that this server can reach {host}, directly or through a proxy"))
        }
    };
    if let Some(dns) = cause::<DnsError>(error) {
        return unresolved(dns, at_proxy, words);
    }
    match (tunnel.as_deref(), proxy) {
        (Some("proxy authorization required"), Some(proxy)) => {
            return Verdict::fail(proxy_wants_password(proxy, words));
        }
        (Some("unsuccessful"), Some(proxy)) => return refused_by_proxy(proxy, url),
        _ => {}
    }
    if let Some(tls) = tls {
        return Verdict::fail(handshake_failed(tls, url, &peer, at_proxy, words));
    }
    let new = |code, message: String| Verdict::retry(ConnectorError::new(code, message, reach.as_str()), None);
    if error.is_timeout() {
        return new(ErrorCode::Timeout, format!("{peer} did not answer in time"));
    }
    let why = Scrubber::default().line(&innermost(error));
    match (error.is_connect(), tunnel) {
        (true, Some(tunnel)) if tunnel != UNDERLYING => {
            new(ErrorCode::Connect, format!("{peer} did not connect to {host}: {tunnel}"))
        }
        (true, _) => new(ErrorCode::Connect, format!("no connection to {peer}: {why}")),
        (false, _) => {
            let error = ConnectorError::new(
                ErrorCode::Connect,
                format!("the connection to {peer} was lost: {why}"),
                words.fewer_connections(&reach),
            );
            Verdict::retry(error, None)
        }
    }
}

/// Judges a failed name lookup. An unknown name gets a second attempt only; a name that was resolved before gets all
/// attempts.
fn unresolved(dns: &DnsError, proxy: Option<&str>, words: &Words) -> Verdict {
    let DnsError { name, known, error } = dns;
    let (whose, remedy) = match proxy {
        Some(proxy) => (format!("the proxy {proxy}"), format!("check {} and this server's DNS", words.proxy_setting())),
        None => {
            (format!("the name {name}"), "check this name in the system's settings, and this server's DNS".to_owned())
        }
    };
    let error = ConnectorError::new(ErrorCode::Dns, format!("{whose} could not be resolved: {error}"), remedy);
    Verdict::retry(error, (!known).then_some(FEW_ATTEMPTS))
}

fn refused_by_proxy(proxy: &str, url: &Url) -> Verdict {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let error = ConnectorError::new(
        ErrorCode::Connect,
        format!("the proxy {proxy} refused to connect to {host}:{port}"),
        format!("allow {host}:{port} on the proxy; its log shows why it refused"),
    );
    Verdict::retry(error, Some(FEW_ATTEMPTS))
}

fn handshake_failed(
    error: &rustls::Error,
    url: &Url,
    peer: &str,
    proxy: Option<&str>,
    words: &Words,
) -> ConnectorError {
    // The error may list all names in a certificate.
    let why = Scrubber::default().line(&error.to_string());
    let new = |message: String, remedy: String| ConnectorError::new(ErrorCode::Tls, message, remedy);
    if matches!(error, rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) {
        let port = url.port_or_known_default().unwrap_or_default();
        let (message, remedy) = match proxy {
            Some(_) => (
                format!("{peer} does not speak TLS: this port speaks plain HTTP"),
                format!("write {} with http://", words.proxy_name()),
            ),
            None if is_loopback(url) => (
                format!("port {port} of {peer} does not speak TLS: this port speaks plain HTTP"),
                "write http:// before the host name, which is allowed on this machine".to_owned(),
            ),
            None => (
                format!("port {port} of {peer} does not speak TLS: this port speaks plain HTTP"),
                "set the port on which it speaks HTTPS, usually 443".to_owned(),
            ),
        };
        return new(message, remedy);
    }
    new(format!("the TLS handshake with {peer} failed: {why}"), handshake_remedy(error, words))
}

fn handshake_remedy(error: &rustls::Error, words: &Words) -> String {
    use rustls::CertificateError as Certificate;
    let remedy = match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                "renew the target's certificate, or correct this server's clock"
            }
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "correct this server's clock if it is behind; otherwise wait until the target's certificate is valid"
            }
            Certificate::UnknownIssuer => return words.trust(),
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "use the host name that the certificate was issued for"
            }
            _ => "check the target's certificate",
        },
        _ => "check that the target speaks TLS 1.2 or newer, and that nothing on the way alters the connection",
    };
    remedy.to_owned()
}

/// Part of the error of a tunnel that has no connection to the proxy itself.
const UNDERLYING: &str = "failed to create underlying connection";

/// Returns the HTTP client's message about the tunnel through a proxy. Its error type is not public.
fn tunnel_error(error: &reqwest::Error) -> Option<String> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(tunnel) = error.to_string().strip_prefix("tunnel error: ") {
            return Some(tunnel.to_owned());
        }
        next = error.source();
    }
    None
}

fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn innermost(error: &dyn StdError) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, Error};

    use super::*;

    #[test]
    fn each_fault_of_a_certificate_has_its_own_remedy() {
        let words = Words { ca_bundle: Some("caFile"), ..Words::DEFAULT };
        let remedy = |error: CertificateError| handshake_remedy(&Error::InvalidCertificate(error), &words);
        assert!(remedy(CertificateError::NotValidYet).contains("this server's clock"));
        assert!(remedy(CertificateError::Expired).contains("renew"));
        assert!(remedy(CertificateError::UnknownIssuer).contains("caFile"));
        assert!(remedy(CertificateError::NotValidForName).contains("host name"));
        for other in [CertificateError::NotValidYet, CertificateError::BadEncoding] {
            assert!(!remedy(other).contains("TLS 1.2"));
        }
    }

    #[test]
    fn only_a_name_that_is_known_to_exist_gets_all_attempts() {
        let words = Words { proxy: Some("proxyUrl"), ..Words::DEFAULT };
        for (known, attempts) in [(false, Some(2)), (true, None)] {
            let error = io::Error::other("Name or service not known");
            let dns = DnsError { name: "p.example".to_owned(), known, error };
            let verdict = unresolved(&dns, None, &words);
            assert_eq!(verdict.next, crate::verdict::Next::Retry { after: None, attempts });
            let verdict = unresolved(&dns, Some("p.example:3128"), &words);
            assert!(verdict.error.message.starts_with("the proxy p.example:3128"), "{:?}", verdict.error);
            assert!(verdict.error.remedy.contains("proxyUrl"), "{:?}", verdict.error);
        }
    }
}
