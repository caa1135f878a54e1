//! A target's words: what the sentences of errors and remedies need to know of it.

/// The words of one target. Start from [`Words::DEFAULT`] and name what is known.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The header `User-Agent`: name and version of the connector.
    pub user_agent: &'static str,
    /// Who runs the target, as in "report it to …".
    pub vendor: &'static str,
    /// What answers at the right host name, with its article.
    pub service: &'static str,
    /// A host name as an operator writes it.
    pub example_host: &'static str,
    /// What signs in, as in "check that … is valid".
    pub credential: &'static str,
    /// The attribute that names a proxy, where there is one.
    pub proxy: Option<&'static str>,
    /// The attribute that names a file of certificates, where there is one.
    pub ca_bundle: Option<&'static str>,
    /// The attribute that bounds the requests per second, where there is one.
    pub requests_per_second: Option<&'static str>,
    /// The attribute that sets the rows per page, where there is one.
    pub page_size: Option<&'static str>,
    /// The fields in which the body of an error says what is wrong, the best first.
    pub error_fields: &'static [&'static str],
    /// The fields that hold the rows of a list.
    pub list_fields: &'static [&'static str],
}

impl Words {
    /// The words of a target of which nothing is known.
    pub const DEFAULT: Self = Self {
        user_agent: concat!("connector-http/", env!("CARGO_PKG_VERSION")),
        vendor: "the service provider",
        service: "the right service",
        example_host: "host.example",
        credential: "the credential",
        proxy: None,
        ca_bundle: None,
        requests_per_second: None,
        page_size: None,
        error_fields: &["message", "detail", "error_description", "error"],
        list_fields: &[],
    };

    /// Where a proxy is set.
    pub fn proxy_setting(&self) -> String {
        match self.proxy {
            Some(name) => format!("{name} (or {ENVIRONMENT})"),
            None => ENVIRONMENT.to_owned(),
        }
    }

    /// The one place to set a proxy.
    pub fn proxy_name(&self) -> &'static str {
        self.proxy.unwrap_or(ENVIRONMENT)
    }

    /// What to do when the target fails.
    pub fn later(&self) -> String {
        format!("scan again later; when it lasts, look at {}'s status page", self.vendor)
    }

    /// What to do when something else than the target answers.
    pub fn elsewhere(&self) -> String {
        format!("check that the host name is {} and that no proxy changes the answers", self.service)
    }

    /// What to do when an answer is too large.
    pub fn smaller(&self) -> String {
        let check = format!("check that the host name is {}", self.service);
        match self.page_size {
            Some(name) => format!("{check}; lower {name} when records are very large"),
            None => format!("{check}; otherwise report this with the log of the scan"),
        }
    }

    /// What to do when the target asks for fewer calls.
    pub fn fewer_calls(&self) -> String {
        match self.requests_per_second {
            Some(name) => format!("increase the scan interval, or set {name} to less"),
            None => "increase the scan interval".to_owned(),
        }
    }

    /// What to do when the target blocks this server's address.
    pub fn unblock(&self) -> String {
        let afterwards = match self.requests_per_second {
            Some(name) => format!("set {name} to less"),
            None => "scan less often".to_owned(),
        };
        format!(
            "do not scan again before {}'s support, or whoever runs the gateway, has unblocked this server's public IP \
             address; afterwards {afterwards}",
            self.vendor
        )
    }

    /// What to do when the authority behind a certificate is not known.
    pub fn trust(&self) -> String {
        let how = match self.ca_bundle {
            Some(name) => format!("name the issuing authority in {name}"),
            None => "add the issuing authority to those that this server trusts".to_owned(),
        };
        format!("{how}; a proxy that inspects TLS has one of its own")
    }
}

/// Where a proxy is set apart from a connector's attributes.
const ENVIRONMENT: &str = "HTTPS_PROXY of the environment";
