//! A target's words, which complete the texts of errors and remedies.

/// The words of one target. Start from [`Words::DEFAULT`] and set what is known.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The header `User-Agent`: the connector's name and version.
    pub user_agent: &'static str,
    /// The operator of the target, as in "report it to …".
    pub vendor: &'static str,
    /// The service at the right host name, with its article.
    pub service: &'static str,
    /// An example of a host name, as an operator enters it.
    pub example_host: &'static str,
    /// The credential, as in "check that … is valid".
    pub credential: &'static str,
    /// The attribute for the proxy, if there is one.
    pub proxy: Option<&'static str>,
    /// The attribute for the file of certificates, if there is one.
    pub ca_bundle: Option<&'static str>,
    /// The attribute for the maximum number of requests per second, if there is one.
    pub requests_per_second: Option<&'static str>,
    /// The attribute for the number of concurrent requests, where 0 is automatic, if there is one.
    pub concurrency: Option<&'static str>,
    /// The attribute for the number of rows per page, if there is one.
    pub page_size: Option<&'static str>,
    /// The fields of an error's body that contain a message, best first.
    pub error_fields: &'static [&'static str],
    /// The fields that contain the rows of a list.
    pub list_fields: &'static [&'static str],
}

impl Words {
    /// The words of an unknown target.
    pub const DEFAULT: Self = Self {
        user_agent: concat!("connector-http/", env!("CARGO_PKG_VERSION")),
        vendor: "the service provider",
        service: "the right service",
        example_host: "host.example",
        credential: "the credential",
        proxy: None,
        ca_bundle: None,
        requests_per_second: None,
        concurrency: None,
        page_size: None,
        error_fields: &["message", "detail", "error_description", "error"],
        list_fields: &[],
    };

    /// Returns where a proxy can be set.
    pub fn proxy_setting(&self) -> String {
        match self.proxy {
            Some(name) => format!("{name} (or {ENVIRONMENT})"),
            None => ENVIRONMENT.to_owned(),
        }
    }

    /// Returns the one place where a proxy should be set.
    pub fn proxy_name(&self) -> &'static str {
        self.proxy.unwrap_or(ENVIRONMENT)
    }

    /// Returns the remedy if the target fails.
    pub fn later(&self) -> String {
        format!("scan again later; if the problem persists, check {}'s status page", self.vendor)
    }

    /// Returns the remedy if something else than the target responds.
    pub fn elsewhere(&self) -> String {
        format!("check that the host name is that of {}, and that no proxy alters the responses", self.service)
    }

    /// Returns the remedy if a response is too large.
    pub fn smaller(&self) -> String {
        let check = format!("check that the host name is that of {}", self.service);
        match self.page_size {
            Some(name) => format!("{check}; lower {name} if records are very large"),
            None => format!("{check}; otherwise report this with the log of the scan"),
        }
    }

    /// Returns the remedy if the target refuses requests because of their rate.
    pub fn fewer_calls(&self) -> String {
        match self.requests_per_second {
            Some(name) => format!("increase the scan interval, or lower {name}"),
            None => "increase the scan interval".to_owned(),
        }
    }

    /// Returns the remedy if the target closes connections that it accepted, after another remedy.
    pub(crate) fn fewer_connections(&self, remedy: &str) -> String {
        match self.concurrency {
            Some(name) => format!(
                "{remedy}; if {name} is set, lower it or set it to 0, because the service may limit the connections of one \
                 client"
            ),
            None => remedy.to_owned(),
        }
    }

    /// Returns the remedy if the target blocks this server's address.
    pub fn unblock(&self) -> String {
        let afterwards = match self.requests_per_second {
            Some(name) => format!("lower {name}"),
            None => "scan less often".to_owned(),
        };
        format!(
            "do not scan until {}'s support, or the operator of the gateway, has unblocked this server's public IP \
             address; then {afterwards}",
            self.vendor
        )
    }

    /// Returns the remedy if the issuer of a certificate is not trusted.
    pub fn trust(&self) -> String {
        let how = match self.ca_bundle {
            Some(name) => format!("add the issuing authority's certificate to the file in {name}"),
            None => "add the issuing authority to those that this server trusts".to_owned(),
        };
        format!("{how}; a proxy that inspects TLS has its own authority")
    }
}

/// The setting of a proxy outside a connector's attributes.
const ENVIRONMENT: &str = "the environment variable HTTPS_PROXY";
