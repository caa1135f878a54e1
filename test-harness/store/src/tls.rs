//! TLS to PostgreSQL: which authorities are trusted. Where there is TLS, the server's certificate and its name are checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector_api::ConnectorError;
use connector_api::secrecy::{ExposeSecret, SecretString};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::form_urlencoded;

/// A URL as the client library knows it, and what that does not know.
pub(crate) struct Known {
    pub(crate) url: SecretString,
    /// The file of `sslrootcert`.
    pub(crate) authorities: Option<PathBuf>,
    /// Whether the URL has an `sslmode`.
    pub(crate) names_mode: bool,
}

/// Takes what the client library does not know out of a URL: the file of `sslrootcert`, and the modes `verify-ca` and
/// `verify-full`, which are `require` here, since that checks everything as well. All else stays as it is written.
pub(crate) fn of_url(url: &SecretString) -> Known {
    let mut known = Known { url: url.clone(), authorities: None, names_mode: false };
    let Some((base, query)) = url.expose_secret().split_once('?') else { return known };
    let mut others = Vec::new();
    for pair in query.split('&') {
        // A plus sign is one for the client library, and not a space as in a form.
        let plain = pair.replace('+', "%2B");
        let Some((name, value)) = form_urlencoded::parse(plain.as_bytes()).next() else { continue };
        known.names_mode |= name == "sslmode";
        match (&*name, &*value) {
            ("sslrootcert", file) => known.authorities = Some(PathBuf::from(file)),
            ("sslmode", "verify-ca" | "verify-full") => others.push("sslmode=require"),
            _ => others.push(pair),
        }
    }
    let mark = if others.is_empty() { "" } else { "?" };
    known.url = format!("{base}{mark}{}", others.join("&")).into();
    known
}

/// Returns TLS that trusts the authorities of a PEM file, or those of the system.
pub(crate) fn connector(authorities: Option<&Path>) -> Result<MakeRustlsConnect, ConnectorError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        Some(path) => {
            let unusable = |why: &dyn std::fmt::Display| {
                ConnectorError::invalid_config(
                    format!("the authorities of sslrootcert in {} cannot be used: {why}", path.display()),
                    "name a file with certificates in PEM format",
                )
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
                roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
            }
            if roots.is_empty() {
                return Err(unusable(&"it has no certificate"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectorError::internal("TLS does not start").with_source(error))?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_library_gets_a_url_that_it_knows() {
        let of = |url: &str| {
            let known = of_url(&url.to_owned().into());
            (known.url.expose_secret().to_owned(), known.authorities)
        };
        let plain = "postgres://ada:p%40ss@db/kept";
        assert_eq!(of(plain), (plain.to_owned(), None));
        let url = format!("{plain}?sslmode=verify-full&sslrootcert=%2Fetc%2Fc+a.pem&application_name=a%20b");
        assert_eq!(of(&url), (format!("{plain}?sslmode=require&application_name=a%20b"), Some("/etc/c+a.pem".into())));
        assert_eq!(of(&format!("{plain}?sslrootcert=ca.pem")), (plain.to_owned(), Some("ca.pem".into())));
        let plus = "postgres://db/kept?user=ada&password=a+b%2Bc";
        assert_eq!(of(plus), (plus.to_owned(), None));
    }
}
