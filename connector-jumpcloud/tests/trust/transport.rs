//! The way to the target: the protocol that is spoken, certificates, and proxies, whose failures are their own.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::support::{config, connect, core_only, scan, small};
use bytes::Bytes;
use connector_api::{CheckStatus, ConnectorError, Credential, ErrorCode, SystemConfig};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use jumpcloud_simulator::{Simulator, SimulatorOptions, TlsMode};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A TLS server that offers HTTP/2 and HTTP/1.1, refuses everything, and keeps in which version it was asked.
struct Server {
    address: SocketAddr,
    /// Its certificate, which signed itself.
    bundle: tempfile::NamedTempFile,
    asked: Arc<Mutex<Vec<Version>>>,
}

async fn server(valid_from: i32) -> Server {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(valid_from, 1, 1), date_time_ymd(4000, 1, 1));
    let certificate = params.self_signed(&key).unwrap();
    let bundle = tempfile::NamedTempFile::new().unwrap();
    bundle.as_file().write_all(certificate.pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (acceptor, asked) = (TlsAcceptor::from(Arc::new(tls)), Arc::new(Mutex::new(Vec::new())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let log = Arc::clone(&log);
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                log.lock().unwrap().push(request.version());
                async { Ok::<_, Infallible>(Response::builder().status(401).body(Full::<Bytes>::default()).unwrap()) }
            });
            tokio::spawn(async move {
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Server { address, bundle, asked }
}

impl Server {
    fn system(&self) -> SystemConfig {
        SystemConfig::new("JumpCloud", format!("https://{}", self.address), Credential::from_secret("key".to_owned()))
            .with_attribute("caBundleFile", self.bundle.path().to_str().unwrap())
    }
}

#[tokio::test]
async fn a_target_that_prefers_http_2_is_asked_in_http_1_1() {
    let server = server(2020).await;
    let (ended, _) = scan(server.system()).await;
    assert_eq!(ended.unwrap_err().error().code, ErrorCode::Unauthorized);
    let asked = server.asked.lock().unwrap();
    assert!(!asked.is_empty() && asked.iter().all(|version| *version == Version::HTTP_11), "{asked:?}");
}

#[tokio::test]
async fn a_certificate_of_the_future_speaks_of_this_servers_clock() {
    let server = server(3000).await;
    let (ended, _) = scan(server.system()).await;
    let error = ended.unwrap_err().error().clone();
    assert_eq!(error.code, ErrorCode::Tls);
    assert!(error.remedy.contains("this server's clock") && !error.remedy.contains("TLS 1.2"), "{error:?}");
}

/// A proxy that answers everything with `head`.
async fn proxy(head: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 8192];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
        }
    });
    address
}

/// The error of a scan through a proxy, which is the first of Test Connection as well.
async fn through(simulator: &Simulator, proxy: &str) -> ConnectorError {
    let mut attributes = core_only();
    attributes["proxyUrl"] = format!("http://user:geheim@{proxy}").into();
    let system = config(simulator, attributes);
    let (ended, _) = scan(system.clone()).await;
    let report = connect(system).unwrap().test_connection().await;
    let resolved = report.checks.iter().find(|check| check.name == "resolve").unwrap();
    assert_eq!(resolved.status, CheckStatus::Skipped, "the proxy resolves: {report:?}");
    let (failed, error) = (report.first_error().unwrap().clone(), ended.unwrap_err().error().clone());
    assert_eq!(failed.code, error.code, "{report:?}");
    for text in [format!("{report:?}"), format!("{error:?}")] {
        assert!(!text.contains("geheim"), "{text}");
    }
    assert_eq!(simulator.requests().total, 0, "nothing goes past the proxy");
    error
}

#[tokio::test]
async fn a_proxys_failure_names_the_proxy_without_its_password_and_no_other_host() {
    let (locked, closed) = (proxy("407 Proxy Authentication Required").await, proxy("403 Forbidden").await);
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for tls in [None, Some(TlsMode::Valid)] {
        let simulator = Simulator::start(SimulatorOptions { tls, ..small() }).await.unwrap();
        for (address, remedy) in [(locked, "user name and password"), (nobody, "proxyUrl")] {
            let error = through(&simulator, &address.to_string()).await;
            assert_eq!(error.code, ErrorCode::Connect, "{tls:?} {error:?}");
            assert!(error.message.contains(&format!("the proxy {address}")), "{error:?}");
            assert!(error.remedy.contains(remedy), "{error:?}");
        }
        let error = through(&simulator, &closed.to_string()).await;
        assert!(error.message.contains(&format!("the proxy {closed}")), "{error:?}");
        let expected = if tls.is_some() { ErrorCode::Connect } else { ErrorCode::Forbidden };
        assert_eq!(error.code, expected, "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_whose_name_does_not_resolve_is_the_one_that_is_named() {
    let system = SystemConfig::new("JumpCloud", "console.jumpcloud.com", Credential::from_secret("key".to_owned()))
        .with_attribute("retryWaitMilliseconds", 1)
        .with_attribute("proxyUrl", "http://user:geheim@proxy.invalid:3128");
    let error = scan(system).await.0.unwrap_err().error().clone();
    assert_eq!(error.code, ErrorCode::Dns);
    assert!(
        error.message.contains("the proxy proxy.invalid:3128") && error.message.contains("2 attempts"),
        "{error:?}"
    );
    assert!(error.remedy.contains("proxyUrl") && !format!("{error:?}").contains("geheim"), "{error:?}");
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_refused_before_anything_is_asked() {
    let simulator = Simulator::start(small()).await.unwrap();
    for scheme in ["ftp", "htp", "foo", "socks5", "socks5h", "socks4"] {
        let proxy = format!("{scheme}://user:geheim@127.0.0.1:1");
        let Err(error) = connect(config(&simulator, json!({"proxyUrl": proxy}))) else { panic!("{scheme} is taken") };
        assert_eq!(error.code, ErrorCode::InvalidConfig, "{scheme}");
        assert!(error.message.contains("proxyUrl") && !format!("{error:?}").contains("geheim"), "{error:?}");
    }
    assert_eq!(simulator.requests().total, 0);
}
