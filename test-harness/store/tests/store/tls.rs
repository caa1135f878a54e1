//! TLS to a server whose certificate an authority of the test has made.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use connector_store::{Location, Store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::cluster::{Cluster, required};

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[test]
fn a_server_is_trusted_only_if_a_known_authority_has_made_its_certificate_for_its_name() {
    let [known, other] = ["known", "other"].map(authority);
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &known).unwrap();
    let files = [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, content)| (*name, content.as_str())).collect();
    // The server cannot choose a free port itself.
    let start = || {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let settings = "listen_addresses = '127.0.0.1'\nssl = on\n";
        Cluster::start_with(port, settings, &files).map(|cluster| (cluster, port))
    };
    let Some((cluster, port)) = required(start) else { return };
    let folder = tempfile::tempdir().unwrap();
    let in_file = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.display().to_string().replace('/', "%2F")
    };
    let (known, other) = (in_file("known", &known.pem()), in_file("other", &other.pem()));
    let (empty, absent) = (in_file("empty", ""), folder.path().join("absent").display().to_string());
    let open = |host: &str, options: &str| {
        let url = format!("postgres://tests@{host}:{port}/postgres?hostaddr=127.0.0.1{options}");
        Store::open(&url.parse::<Location>().unwrap()).map(drop)
    };
    for mode in ["", "&sslmode=require", "&sslmode=verify-ca", "&sslmode=verify-full"] {
        open("localhost", &format!("{mode}&sslrootcert={known}")).unwrap();
        // The authorities of the system, and another one; and another name of the server.
        for refused in [mode.to_owned(), format!("{mode}&sslrootcert={other}")] {
            let error = open("localhost", &refused).unwrap_err();
            assert!(error.message.contains("certificate"), "{refused}: {error}");
        }
        let error = open("elsewhere", &format!("{mode}&sslrootcert={known}")).unwrap_err();
        assert!(error.message.contains("certificate"), "{error}");
    }
    for unusable in [empty, absent] {
        let error = open("localhost", &format!("&sslrootcert={unusable}")).unwrap_err();
        assert!(error.message.contains("sslrootcert"), "{error}");
    }
    drop(cluster);
}

#[test]
fn a_server_elsewhere_that_says_it_has_no_tls_gets_nothing_unless_the_url_names_a_mode() {
    // What a server that offers no TLS is sent after its answer.
    let sent_to = |host: &str, mode: &str| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.read_exact(&mut [0; 8]).unwrap();
            client.write_all(b"N").unwrap();
            let mut first = [0; 1];
            client.read(&mut first).unwrap()
        });
        let url = format!("postgres://ada:hunter2@{host}:{port}/kept?hostaddr=127.0.0.1{mode}");
        let error = Store::open(&url.parse::<Location>().unwrap()).map(drop).unwrap_err();
        (server.join().unwrap(), error.code.as_str().to_owned())
    };
    assert_eq!(sent_to("db.example", ""), (0, "insecure_endpoint".to_owned()));
    assert_eq!(sent_to("db.example", "&sslmode=require"), (0, "insecure_endpoint".to_owned()));
    for (host, mode) in [("db.example", "&sslmode=prefer"), ("localhost", ""), ("127.0.0.1", "")] {
        assert_eq!(sent_to(host, mode).0, 1, "{host} {mode}");
    }
}
