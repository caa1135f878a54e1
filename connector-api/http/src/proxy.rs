//! The proxy of requests: the operator's, or the environment's.

use connector_api::{ConnectorError, ErrorCode};
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::address::{self, are_loopback};
use super::words::Words;

/// The environment variables that name a proxy for HTTPS. The first that is set applies.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The proxy that a request goes through, if any.
#[derive(Debug)]
pub enum Proxies {
    /// No proxy: every address is on this machine.
    Direct,
    /// The operator's proxy. If it is on another machine, requests to this one do not use it.
    Named(Named),
    /// The proxies of the environment or the system.
    Environment(Box<Matcher>),
}

/// A proxy that the operator configured.
pub struct Named {
    /// The URL, which may contain a password.
    url: SecretString,
    /// Host and port.
    name: String,
    loopback: bool,
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Named {
    /// Parses the URL of an HTTP proxy.
    ///
    /// # Errors
    /// Returns `invalid_config` for anything else. A configured proxy is used or refused, but never bypassed.
    fn read(field: &str, url: &str) -> Result<Self, ConnectorError> {
        let invalid = |why: &str| {
            ConnectorError::invalid_config(format!("{field}: {why}"), "write it like http://proxy.example:3128")
        };
        let url = address::parse(url.trim(), "http").map_err(|_| invalid("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(&format!(
                "the proxy scheme {} is not supported, only http and https are",
                url.scheme()
            )));
        }
        Ok(Self { name: name(&url), loopback: address::is_loopback(&url), url: url.to_string().into() })
    }
}

/// Returns the setting that names the proxy, for errors.
fn field(words: &Words) -> String {
    format!("attributes.{}", words.proxy.unwrap_or("proxy"))
}

fn name(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

impl Proxies {
    /// Chooses the operator's proxy, or else the environment's. If every address is on this machine, only an operator's
    /// proxy on this machine is allowed.
    ///
    /// # Errors
    /// Returns `invalid_config` or `insecure_endpoint` for a proxy that cannot be used.
    pub(super) fn new(named: Option<&SecretString>, urls: &[&Url], words: &Words) -> Result<Self, ConnectorError> {
        let loopback = are_loopback(urls);
        let Some(named) = named else {
            if loopback {
                return Ok(Self::Direct);
            }
            check_environment(|variable| std::env::var(variable).ok(), urls)?;
            return Ok(Self::Environment(Box::new(Matcher::from_system())));
        };
        let named = Named::read(&field(words), named.expose_secret())?;
        if loopback && !named.loopback {
            return Err(ConnectorError::new(
                ErrorCode::InsecureEndpoint,
                format!(
                    "{}: the target is on this machine but the proxy on another one; the credential would be sent \
                     there unencrypted",
                    field(words)
                ),
                "remove the proxy, or set one on this machine",
            ));
        }
        Ok(Self::Named(named))
    }

    /// Configures the client for addresses on this machine: only an operator's proxy on this machine is used.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub(super) fn apply_on_loopback(
        &self,
        builder: reqwest::ClientBuilder,
        words: &Words,
    ) -> Result<reqwest::ClientBuilder, ConnectorError> {
        match self {
            Self::Named(named) if named.loopback => self.apply(builder, words),
            _ => Ok(builder.no_proxy()),
        }
    }

    /// Configures the client with these proxies.
    ///
    /// # Errors
    /// Returns `invalid_config` if the client does not accept them.
    pub(super) fn apply(
        &self,
        builder: reqwest::ClientBuilder,
        words: &Words,
    ) -> Result<reqwest::ClientBuilder, ConnectorError> {
        match self {
            Self::Direct => Ok(builder.no_proxy()),
            Self::Environment(_) => Ok(builder),
            Self::Named(named) => {
                let proxy = reqwest::Proxy::all(named.url.expose_secret()).map_err(|_| {
                    ConnectorError::invalid_config(
                        format!("{}: is not a URL", field(words)),
                        "write it like http://proxy.example:3128",
                    )
                })?;
                Ok(builder.proxy(proxy))
            }
        }
    }

    /// Returns host and port of the proxy that a request to `url` goes through.
    pub fn on_the_way_to(&self, url: &Url) -> Option<String> {
        match self {
            Self::Direct => None,
            Self::Named(named) => (named.loopback || !address::is_loopback(url)).then(|| named.name.clone()),
            Self::Environment(_) if address::is_loopback(url) => None,
            Self::Environment(matcher) => {
                let found = matcher.intercept(&url.as_str().parse().ok()?)?;
                Url::parse(&found.uri().to_string()).ok().map(|proxy| name(&proxy))
            }
        }
    }
}

/// Checks the environment's proxy for HTTPS, unless `NO_PROXY` exempts every endpoint.
fn check_environment(variable: impl Fn(&str) -> Option<String>, urls: &[&Url]) -> Result<(), ConnectorError> {
    let value = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let Some((name, proxy)) = VARIABLES.iter().find_map(|name| Some((name, value(name)?))) else { return Ok(()) };
    let excepted = value("NO_PROXY").or_else(|| value("no_proxy")).unwrap_or_default();
    let any = Matcher::builder().all("http://proxy.invalid").no(excepted).build();
    let mut remote = urls.iter().filter(|url| !address::is_loopback(url));
    let used = remote.any(|url| url.as_str().parse().is_ok_and(|url| any.intercept(&url).is_some()));
    if used { Named::read(&format!("the environment's {name}"), &proxy).map(drop) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn urls(loopback: bool) -> Vec<Url> {
        let all: &[&str] = if loopback {
            &["http://127.0.0.1:1"]
        } else {
            &["https://console.target.example", "https://api.target.example"]
        };
        all.iter().map(|url| url.parse().unwrap()).collect()
    }

    fn new(named: Option<&SecretString>, loopback: bool) -> Result<Proxies, ConnectorError> {
        Proxies::new(named, &urls(loopback).iter().collect::<Vec<_>>(), &Words::DEFAULT)
    }

    fn named(url: &str, loopback: bool) -> Result<Proxies, ConnectorError> {
        new(Some(&url.to_owned().into()), loopback)
    }

    #[test]
    fn a_proxy_with_an_unsupported_scheme_is_refused_and_never_bypassed() {
        for url in
            ["ftp://p.example", "htp://p.example:1", "foo://u:geheim@p.example", "socks5://p.example:1080", "http://"]
        {
            let error = named(url, false).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidConfig, "{url}");
            assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
        }
        for url in ["http://p.example:3128", "https://p.example", "p.example:3128", "u:geheim@p.example:3128"] {
            assert!(named(url, false).is_ok(), "{url}");
        }
    }

    #[test]
    fn the_environments_proxy_is_held_to_the_same_rule_where_it_is_used() {
        let says = |set: &[(&str, &str)]| {
            let set = |name: &str| set.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
            check_environment(set, &urls(false).iter().collect::<Vec<_>>())
        };
        for variable in VARIABLES {
            let socks = (variable, "socks5://u:geheim@p.example:1080");
            let error = says(&[socks]).unwrap_err();
            assert!(error.message.contains(variable) && !error.message.contains("geheim"), "{error:?}");
            assert!(says(&[socks, ("NO_PROXY", "target.example")]).is_ok(), "it is not used");
            assert!(says(&[socks, ("NO_PROXY", "api.target.example")]).is_err(), "it is used for the console");
            assert!(says(&[(variable, "http://p.example:3128")]).is_ok() && says(&[(variable, " ")]).is_ok());
        }
        assert!(says(&[("HTTP_PROXY", "socks5://p.example")]).is_ok(), "it is not for HTTPS");
    }

    #[test]
    fn a_proxy_is_named_by_host_and_port_without_its_password() {
        let url = Url::parse("https://console.target.example/").unwrap();
        let proxies = named("http://user:geheim@p.example:3128", false).unwrap();
        assert_eq!(proxies.on_the_way_to(&url).as_deref(), Some("p.example:3128"));
        assert!(!format!("{proxies:?}").contains("geheim"));
        let matcher = Matcher::builder().https("http://user:geheim@e.example:8080").no("api.target.example").build();
        let proxies = Proxies::Environment(Box::new(matcher));
        assert_eq!(proxies.on_the_way_to(&url).as_deref(), Some("e.example:8080"));
        assert_eq!(proxies.on_the_way_to(&Url::parse("https://api.target.example/").unwrap()), None);
        let here = Url::parse("http://127.0.0.1:8080/").unwrap();
        let matcher = Matcher::builder().all("http://e.example:8080").build();
        for remote in [Proxies::Environment(Box::new(matcher)), named("http://p.example:3128", false).unwrap()] {
            assert_eq!(remote.on_the_way_to(&here), None);
        }
        let local = named("http://127.0.0.1:3128", true).unwrap();
        assert_eq!(local.on_the_way_to(&here).as_deref(), Some("127.0.0.1:3128"));
    }

    #[test]
    fn what_is_readable_goes_through_no_proxy_on_another_machine() {
        assert_eq!(named("http://192.0.2.1:3128", true).unwrap_err().code, ErrorCode::InsecureEndpoint);
        assert!(named("http://127.0.0.1:3128", true).is_ok());
        assert!(matches!(new(None, true), Ok(Proxies::Direct)));
    }
}
