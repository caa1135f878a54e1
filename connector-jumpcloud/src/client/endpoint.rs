//! Where the target is: the console host, and the Directory Insights host that belongs to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use connector_api::{ConnectorError, ErrorCode};
use url::{Host, Url};

/// The addresses of one JumpCloud organisation's services.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    /// V1 under `/api`, V2 under `/api/v2`.
    pub(crate) console: Url,
    /// Directory Insights under `/insights/directory/v1`.
    pub(crate) insights: Url,
    /// Where service accounts get their tokens.
    pub(crate) token: Url,
}

impl Endpoints {
    /// Reads the system's host name, its port, and the two addresses that an operator may name besides.
    ///
    /// # Errors
    /// `invalid_config` or `insecure_endpoint`.
    pub(crate) fn new(
        hostname: &str,
        port: Option<u16>,
        insights_hostname: Option<&str>,
        token_url: Option<&str>,
    ) -> Result<Self, ConnectorError> {
        let console = origin("hostname", hostname, port)?;
        let insights = match insights_hostname {
            Some(named) => origin("jumpcloudInsightsHostname", named, None)?,
            None => sibling(&console, "api"),
        };
        let token = match token_url {
            Some(named) => {
                let (base, path) = split_path(named);
                let mut url = origin("jumpcloudTokenUrl", base, None)?;
                url.set_path(if path.is_empty() { "/oauth2/token" } else { path });
                url
            }
            None => {
                let mut url = sibling(&console, "admin-oauth.id");
                url.set_path("/oauth2/token");
                url
            }
        };
        Ok(Self { console, insights, token })
    }

    /// Whether everything stays on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        [&self.console, &self.insights, &self.token].into_iter().all(is_loopback)
    }
}

/// The host of the same region with another first name: `console.eu.jumpcloud.com` → `api.eu.jumpcloud.com`.
/// A custom or loopback host serves everything itself.
fn sibling(console: &Url, name: &str) -> Url {
    let mut url = console.clone();
    if let Some(host) = console.host_str()
        && let Some(region) = host.strip_prefix("console.")
        && matches!(region, "jumpcloud.com" | "eu.jumpcloud.com" | "in.jumpcloud.com")
        && url.set_host(Some(&format!("{name}.{region}"))).is_ok()
    {
        return url;
    }
    url
}

fn split_path(text: &str) -> (&str, &str) {
    let start = text.find("://").map_or(0, |at| at + 3);
    match text[start..].find('/') {
        Some(slash) => text.split_at(start + slash),
        None => (text, ""),
    }
}

fn origin(field: &str, text: &str, port: Option<u16>) -> Result<Url, ConnectorError> {
    let text = text.trim();
    let invalid = |why: &str| {
        ConnectorError::invalid_config(
            format!("{field}: {why}"),
            "give a host name such as console.jumpcloud.com, without path, user or query",
        )
    };
    if text.is_empty() {
        return Err(invalid("must not be empty"));
    }
    let mut url = parse(text, "https").map_err(|error| invalid(&format!("is not a host name ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(invalid("must not hold a user name or password"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must not hold a path, query or fragment"));
    }
    // A dot at the end says that the name is whole; certificates and the hosts of a region are named without.
    if let Some(name) = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned) {
        if name.is_empty() || name.ends_with('.') {
            return Err(invalid("is not a host name"));
        }
        url.set_host(Some(&name)).map_err(|_| invalid("is not a host name"))?;
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(ConnectorError::new(
                ErrorCode::InsecureEndpoint,
                format!("{field}: plain HTTP is taken for loopback addresses alone; the key would travel readable"),
                "leave the scheme out, or write https://",
            ));
        }
        other => return Err(invalid(&format!("the scheme {other} is not supported"))),
    }
    if let Some(port) = port {
        if url.port().is_some_and(|named| named != port) {
            return Err(invalid("names another port than the field port"));
        }
        url.set_port(Some(port)).map_err(|()| invalid("cannot have a port"))?;
    }
    Ok(url)
}

/// Reads a URL whose scheme may be left out.
pub(crate) fn parse(text: &str, scheme: &str) -> Result<Url, url::ParseError> {
    if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("{scheme}://{text}")) }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback() || address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn code(hostname: &str, port: Option<u16>) -> ErrorCode {
        Endpoints::new(hostname, port, None, None).unwrap_err().code
    }

    #[test]
    fn the_other_hosts_follow_from_the_console_of_each_region() {
        for region in ["jumpcloud.com", "eu.jumpcloud.com", "in.jumpcloud.com"] {
            let hosts = Endpoints::new(&format!("console.{region}"), Some(443), None, None).unwrap();
            assert_eq!(hosts.insights.as_str(), format!("https://api.{region}/"));
            assert_eq!(hosts.token.as_str(), format!("https://admin-oauth.id.{region}/oauth2/token"));
        }
    }

    #[test]
    fn a_custom_or_loopback_host_serves_everything_unless_another_is_named() {
        let hosts = Endpoints::new("http://127.0.0.1:8080", None, None, None).unwrap();
        assert_eq!(hosts.insights.as_str(), "http://127.0.0.1:8080/");
        assert!(hosts.is_loopback());
        let hosts = Endpoints::new("id.example.com", None, Some("log.example.com"), None).unwrap();
        assert_eq!(hosts.console.as_str(), "https://id.example.com/");
        assert_eq!(hosts.insights.as_str(), "https://log.example.com/");
        assert!(!hosts.is_loopback());
    }

    #[test]
    fn a_dot_at_the_end_changes_nothing() {
        let hosts = Endpoints::new("console.eu.jumpcloud.com.", None, Some("api.eu.jumpcloud.com."), None).unwrap();
        assert_eq!(hosts.console.as_str(), "https://console.eu.jumpcloud.com/");
        assert_eq!(hosts.insights.as_str(), "https://api.eu.jumpcloud.com/");
        assert_eq!(hosts.token.as_str(), "https://admin-oauth.id.eu.jumpcloud.com/oauth2/token");
        let hosts = Endpoints::new("https://Console.JumpCloud.com.:443/", None, None, None).unwrap();
        assert_eq!(hosts.insights.as_str(), "https://api.jumpcloud.com/");
        for bad in [".", "..", "a..", "https://."] {
            assert_eq!(code(bad, None), ErrorCode::InvalidConfig, "{bad}");
        }
    }

    #[test]
    fn whatever_is_more_than_a_host_is_refused() {
        for bad in
            ["", "a.example/path", "u@a.example", "https://u:p@a.example", "a.example?x", "ftp://a.example", "a b"]
        {
            assert_eq!(code(bad, None), ErrorCode::InvalidConfig, "{bad}");
        }
        assert_eq!(code("a.example:444", Some(443)), ErrorCode::InvalidConfig);
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        assert_eq!(code("http://console.jumpcloud.com", None), ErrorCode::InsecureEndpoint);
        assert_eq!(code("http://127.0.0.1.example.com", None), ErrorCode::InsecureEndpoint);
        for good in ["http://localhost:1", "http://127.9.9.9", "http://[::1]:8080"] {
            assert!(Endpoints::new(good, None, None, None).is_ok(), "{good}");
        }
    }
}
