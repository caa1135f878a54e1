//! Addresses: which are accepted, and which are loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use connector_api::{ConnectorError, ErrorCode};
use url::{Host, Url};

use super::words::Words;

/// The maximum length of a host name, and of a part of it between dots (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Parses a host name, or a URL without path, user and query, and applies the port of a separate form field. `field`
/// names the setting in errors. Only this function decides which addresses are accepted: HTTPS, and plain HTTP to
/// loopback.
///
/// # Errors
/// Returns `invalid_config` for anything else than a host, and `insecure_endpoint` for plain HTTP to another machine.
pub fn origin(field: &str, text: &str, port: Option<u16>, words: &Words) -> Result<Url, ConnectorError> {
    let text = text.trim();
    let invalid = |why: &str| {
        ConnectorError::invalid_config(
            format!("{field}: {why}"),
            format!("enter a host name such as {}, without path, user or query", words.example_host),
        )
    };
    if text.is_empty() {
        return Err(invalid("must not be empty"));
    }
    // The parser drops tabs and line ends.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(invalid("must not contain blanks"));
    }
    let mut url = parse(text, "https").map_err(|error| invalid(&format!("is not a host name ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(invalid("must not contain a user name or password"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must not contain a path, query or fragment"));
    }
    // The trailing dot of a fully qualified name is dropped: certificates and the hosts of a region do not have it.
    if let Some(name) = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned) {
        if name.is_empty() || name.ends_with('.') {
            return Err(invalid("is not a host name"));
        }
        url.set_host(Some(&name)).map_err(|_| invalid("is not a host name"))?;
    }
    if let Some(Host::Domain(name)) = url.host()
        && (name.len() > LONGEST_NAME || name.split('.').any(|label| label.is_empty() || label.len() > LONGEST_LABEL))
    {
        return Err(invalid("is not a host name: it, or a part of it between dots, is too long or empty"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(ConnectorError::new(
                ErrorCode::InsecureEndpoint,
                format!(
                    "{field}: plain HTTP is allowed only to loopback addresses; the credential would be sent unencrypted"
                ),
                "omit the scheme, or write https://",
            ));
        }
        other => return Err(invalid(&format!("the scheme {other} is not supported"))),
    }
    if let Some(port) = port {
        if url.port().is_some_and(|named| named != port) {
            return Err(invalid("conflicts with the port in the field port"));
        }
        url.set_port(Some(port)).map_err(|()| invalid("cannot have a port"))?;
    }
    Ok(url)
}

/// Parses a URL with a path, such as that of a token endpoint, by the rules of [`origin`]. Without a path, it has
/// `default_path`.
///
/// # Errors
/// As [`origin`], and `invalid_config` for a path with blanks, or with a query or fragment.
pub fn endpoint(field: &str, text: &str, default_path: &str, words: &Words) -> Result<Url, ConnectorError> {
    let text = text.trim();
    let start = text.find("://").map_or(0, |at| at + 3);
    let (base, path) = text.split_at(text[start..].find('/').map_or(text.len(), |slash| start + slash));
    if path.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#')) {
        return Err(ConnectorError::invalid_config(
            format!("{field}: must not contain blanks, a query or a fragment"),
            format!("enter a URL such as https://{}{default_path}", words.example_host),
        ));
    }
    let example = |mut error: ConnectorError| {
        if error.code == ErrorCode::InvalidConfig {
            error.remedy = format!("enter a URL such as https://{}{default_path}", words.example_host);
        }
        error
    };
    let mut url = origin(field, base, None, words).map_err(example)?;
    url.set_path(if path.is_empty() { default_path } else { path });
    Ok(url)
}

/// Parses a URL whose scheme may be omitted.
pub(super) fn parse(text: &str, scheme: &str) -> Result<Url, url::ParseError> {
    if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("{scheme}://{text}")) }
}

/// Returns whether an address is loopback: `localhost`, `127.0.0.0/8` or `::1`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback() || address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Returns whether all addresses are loopback.
pub(super) fn are_loopback(urls: &[&Url]) -> bool {
    urls.iter().all(|url| is_loopback(url))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(hostname: &str, port: Option<u16>) -> Result<String, ErrorCode> {
        origin("hostname", hostname, port, &Words::DEFAULT).map(String::from).map_err(|error| error.code)
    }

    #[test]
    fn a_scheme_may_be_left_out_and_a_dot_at_the_end_changes_nothing() {
        for same in ["a.example", "A.example.", "https://a.example/", "https://a.example.:443/"] {
            assert_eq!(read(same, None).as_deref(), Ok("https://a.example/"), "{same}");
        }
        assert_eq!(read("a.example", Some(8443)).as_deref(), Ok("https://a.example:8443/"));
    }

    #[test]
    fn whatever_is_more_than_a_host_is_refused() {
        for bad in [
            "",
            ".",
            "..",
            "a..",
            "https://.",
            "a.example/path",
            "u@a.example",
            "https://u:p@a.example",
            "a.example?x",
            "ftp://a.example",
            "ftp://127.0.0.1",
            "a b",
            "a.exa\tmple",
            "a\n.example",
            "a..example",
            &format!("{}.example", "x".repeat(64)),
            &"x".repeat(3000),
            &format!("{}x", "x.".repeat(127)),
        ] {
            assert_eq!(read(bad, None), Err(ErrorCode::InvalidConfig), "{bad}");
        }
        let longest = format!("{}x", "x.".repeat(126));
        assert!(read(&longest, None).is_ok() && read(&format!("{}.example.", "x".repeat(63)), None).is_ok());
        assert_eq!(read("a.example:444", Some(443)), Err(ErrorCode::InvalidConfig));
    }

    #[test]
    fn an_endpoint_is_an_origin_with_a_plain_path() {
        let read = |text: &str| endpoint("tokenUrl", text, "/token", &Words::DEFAULT).map(String::from);
        assert_eq!(read("https://a.example").unwrap(), "https://a.example/token");
        assert_eq!(read(" a.example/x/y ").unwrap(), "https://a.example/x/y");
        for bad in
            ["https://x/a b", "https://x/a\tb", "https://x/a?b=c", "https://x/a#b", "https://x y/a", "https:///a"]
        {
            assert_eq!(read(bad).unwrap_err().code, ErrorCode::InvalidConfig, "{bad}");
        }
        assert_eq!(read("http://x.example/a").unwrap_err().code, ErrorCode::InsecureEndpoint);
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for bad in [
            "example.com",
            "127.0.0.1.example.com",
            "128.0.0.1",
            "localhost.example.com",
            "0.0.0.0",
            "[::ffff:192.0.2.1]",
        ] {
            assert_eq!(read(&format!("http://{bad}"), None), Err(ErrorCode::InsecureEndpoint), "{bad}");
        }
        for good in
            ["http://localhost:1", "http://127.0.0.2", "http://127.255.0.9", "http://127.9.9.9", "http://[::1]:8080"]
        {
            assert!(read(good, None).is_ok(), "{good}");
        }
    }
}
