//! Where the target is: the console host, and the hosts that belong to it.

use connector_api::ConnectorError;
use connector_http::{Url, Words, endpoint, origin};

use super::WORDS;
use crate::options::attribute;
use crate::regions;

/// The path of the token endpoint.
const TOKEN_PATH: &str = "/oauth2/token";

/// The words for the token URL, with its own example.
const TOKEN_WORDS: Words = Words { example_host: "admin-oauth.id.jumpcloud.com", ..WORDS };

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
    /// Reads the system's host name, its port, and the two addresses that an operator may name in addition.
    ///
    /// # Errors
    /// `invalid_config` or `insecure_endpoint`.
    pub(crate) fn new(
        hostname: &str,
        port: Option<u16>,
        insights_hostname: Option<&str>,
        token_url: Option<&str>,
    ) -> Result<Self, ConnectorError> {
        let console = origin("hostname", hostname, port, &WORDS)?;
        let insights = match insights_hostname {
            Some(named) => origin(attribute::INSIGHTS_HOSTNAME, named, None, &WORDS)?,
            None => sibling(&console, regions::INSIGHTS),
        };
        let token = match token_url {
            Some(named) => endpoint(attribute::TOKEN_URL, named, TOKEN_PATH, &TOKEN_WORDS)?,
            None => {
                let mut url = sibling(&console, regions::TOKEN);
                url.set_path(TOKEN_PATH);
                url
            }
        };
        Ok(Self { console, insights, token })
    }
}

/// The host of that name in the console's region. A custom or loopback host serves everything itself.
fn sibling(console: &Url, name: &str) -> Url {
    let mut url = console.clone();
    if let Some(host) = console.host_str().and_then(|host| regions::sibling(host, name)) {
        // Always valid: it comes from our own table.
        let _ = url.set_host(Some(&host));
    }
    url
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::ErrorCode;

    use super::*;

    fn code(hostname: &str, port: Option<u16>) -> ErrorCode {
        Endpoints::new(hostname, port, None, None).unwrap_err().code
    }

    #[test]
    fn the_other_hosts_follow_from_the_console_of_each_region() {
        assert_eq!(regions::REGIONS.len(), 3);
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
        let hosts = Endpoints::new("id.example.com", None, Some("log.example.com"), None).unwrap();
        assert_eq!(hosts.console.as_str(), "https://id.example.com/");
        assert_eq!(hosts.insights.as_str(), "https://log.example.com/");
    }

    #[test]
    fn an_address_that_cannot_be_one_is_refused_in_every_setting() {
        let long = "x".repeat(3000);
        let code = |hostname: &str, insights: Option<&str>, token: Option<&str>| {
            Endpoints::new(hostname, None, insights, token).unwrap_err().code
        };
        for bad in [long.as_str(), "a b.example", "a.exa\tmple"] {
            assert_eq!(code(bad, None, None), ErrorCode::InvalidConfig, "{bad}");
            assert_eq!(code("id.example", Some(bad), None), ErrorCode::InvalidConfig, "{bad}");
            assert_eq!(code("id.example", None, Some(bad)), ErrorCode::InvalidConfig, "{bad}");
        }
        assert_eq!(code("id.example", None, Some("https://x/a b")), ErrorCode::InvalidConfig);
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
}
