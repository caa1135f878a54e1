//! TLS to PostgreSQL: which authorities are trusted. The server's certificate and its name are always checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector_api::ConnectorError;
use connector_api::secrecy::{ExposeSecret, SecretString};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

/// Takes what the client library does not know out of a URL: the file of `sslrootcert`, and the modes `verify-ca` and
/// `verify-full`, which are `require` here, since that checks everything as well.
pub(crate) fn of_url(url: &SecretString) -> (SecretString, Option<PathBuf>) {
    let Ok(mut parsed) = Url::parse(url.expose_secret()) else { return (url.clone(), None) };
    let mut authorities = None;
    let mut others = Vec::new();
    for (name, value) in parsed.query_pairs() {
        match (&*name, &*value) {
            ("sslrootcert", file) => authorities = Some(PathBuf::from(file)),
            ("sslmode", "verify-ca" | "verify-full") => others.push((name, "require".into())),
            _ => others.push((name, value)),
        }
    }
    let others: Vec<(String, String)> = others.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    if parsed.query().is_none() {
        return (url.clone(), None);
    }
    parsed.set_query(None);
    for (name, value) in others {
        // A plus sign would be one for the client library.
        let pair = format!("{name}={}", encoded(&value));
        let query = parsed.query().map_or_else(|| pair.clone(), |query| format!("{query}&{pair}"));
        parsed.set_query(Some(&query));
    }
    (String::from(parsed).into(), authorities)
}

fn encoded(value: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    value.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
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
            let (url, file) = of_url(&url.to_owned().into());
            (url.expose_secret().to_owned(), file)
        };
        let plain = "postgres://ada:p%40ss@db/kept";
        assert_eq!(of(plain), (plain.to_owned(), None));
        let url = format!("{plain}?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&application_name=a%20b");
        assert_eq!(of(&url), (format!("{plain}?sslmode=require&application_name=a%20b"), Some("/etc/ca.pem".into())));
        assert_eq!(of(&format!("{plain}?sslrootcert=ca.pem")), (plain.to_owned(), Some("ca.pem".into())));
    }
}
