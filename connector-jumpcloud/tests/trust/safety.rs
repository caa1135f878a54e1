//! A hostile or broken target can neither take the key, nor the memory, nor the time.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Collected, code, config, connect, core_only, scan, scan_with, small, with_faults};
use connector_api::{ErrorCode, Outcome, ScanRequest, ScanSink, SystemConfig};
use connector_conformance::CapturedLog;
use jumpcloud_simulator::{Simulator, SimulatorOptions, TlsMode, UsersEndpoint};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

fn served_by_one() -> SimulatorOptions {
    SimulatorOptions { users_endpoint: UsersEndpoint::V2, ..small() }
}

/// A listener that keeps what it hears, and answers each connection with `answer`.
async fn listener(answer: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = Arc::new(Mutex::new(String::new()));
    let hearing = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 16 * 1024];
            let length = stream.read(&mut buffer).await.unwrap_or(0);
            hearing.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, heard)
}

#[tokio::test]
async fn a_redirect_names_its_host_and_the_key_does_not_travel_there() {
    let (address, heard) = listener("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await;
    let fault = format!("redirect=http://{address}/login:on=users");
    let (simulator, ended, rows) = scan_with(with_faults(served_by_one(), &[&fault]), core_only()).await;
    let error = ended.unwrap_err().error().clone();
    assert_eq!(error.code, ErrorCode::UnexpectedRedirect);
    assert!(error.message.contains("127.0.0.1") && rows.is_empty(), "{error:?}");
    assert_eq!(heard.lock().unwrap().as_str(), "");
    assert_eq!(simulator.requests().of("users"), 1);
}

#[tokio::test]
async fn what_is_no_answer_is_named() {
    for fault in ["deep=100000", "hostile-ids", "invalid-utf8", "html"] {
        let fault = format!("{fault}:on=usergroups");
        let (simulator, ended, _) = scan_with(with_faults(served_by_one(), &[&fault]), core_only()).await;
        let error = ended.unwrap_err().error().clone();
        assert_eq!(error.code, ErrorCode::MalformedResponse, "{fault}: {error:?}");
        assert!(error.message.len() < 600 && !error.message.chars().any(char::is_control), "{error:?}");
        assert_eq!(simulator.requests().of("usergroups"), 3, "{fault}");
        assert_eq!(simulator.requests().of("unknown"), 0, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_says_nothing_or_drips_is_left_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let limits = json!({"readTimeoutSeconds": 1, "requestTimeoutSeconds": 2, "attempts": 2, "retryBudgetSeconds": 4});
    let began = Instant::now();
    let mut system = SystemConfig::new("JumpCloud", format!("http://{address}"), "key".into_credential());
    system.attributes = limits.as_object().unwrap().clone();
    let (ended, _) = scan(system).await;
    assert_eq!(code(&ended), ErrorCode::Timeout);
    let (_, ended, _) = scan_with(with_faults(served_by_one(), &["slow=100:on=users"]), limits).await;
    assert_eq!(code(&ended), ErrorCode::Timeout);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

trait IntoCredential {
    fn into_credential(self) -> connector_api::Credential;
}

impl IntoCredential for &str {
    fn into_credential(self) -> connector_api::Credential {
        connector_api::Credential::from_secret(self.to_owned())
    }
}

#[tokio::test]
async fn only_a_certificate_that_is_good_for_the_host_is_taken() {
    // With itself in the bundle, a certificate that signed itself is its own authority.
    for (mode, good) in
        [(TlsMode::Valid, true), (TlsMode::Expired, false), (TlsMode::SelfSigned, true), (TlsMode::WrongName, false)]
    {
        let simulator = Simulator::start(SimulatorOptions { tls: Some(mode), ..served_by_one() }).await.unwrap();
        let bundle = tempfile::NamedTempFile::new().unwrap();
        bundle.as_file().write_all(simulator.ca_pem().unwrap().as_bytes()).unwrap();
        let mut attributes = core_only();
        // Unknown to the platform, the authority is not trusted; what it signs is no better.
        let (ended, rows) = scan(config(&simulator, attributes.clone())).await;
        assert_eq!((code(&ended), rows.len()), (ErrorCode::Tls, 0), "{mode:?}");
        attributes["caBundleFile"] = bundle.path().to_str().into();
        let (ended, _) = scan(config(&simulator, attributes)).await;
        if good {
            assert!(ended.is_ok(), "{mode:?}: {ended:?}");
        } else {
            assert_eq!(code(&ended), ErrorCode::Tls, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_bundle_that_is_none_is_refused_before_anything_is_asked() {
    let simulator = Simulator::start(served_by_one()).await.unwrap();
    let empty = tempfile::NamedTempFile::new().unwrap();
    for path in ["/nowhere/ca.pem", empty.path().to_str().unwrap()] {
        let Err(error) = connect(config(&simulator, json!({"caBundleFile": path}))) else { panic!("{path} is taken") };
        assert_eq!(error.code, ErrorCode::InvalidConfig);
    }
    assert_eq!(simulator.requests().total, 0);
}

/// A proxy that forwards plain requests to `target`, and counts them.
async fn proxy(target: std::net::SocketAddr) -> (String, Arc<Mutex<u64>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(Mutex::new(0));
    let counting = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            *counting.lock().unwrap() += 1;
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let mut onward = TcpStream::connect(target).await.unwrap();
                if head.starts_with(b"CONNECT ") {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                } else {
                    // From a proxy's request line, `GET http://host/path`, to a server's.
                    let head = String::from_utf8(head).unwrap().replacen(&format!("http://{target}"), "", 1);
                    onward.write_all(head.as_bytes()).await.unwrap();
                }
                let _ = copy_bidirectional(&mut stream, &mut onward).await;
            });
        }
    });
    (format!("http://{address}"), count)
}

#[tokio::test]
async fn the_proxy_that_is_named_is_used() {
    for tls in [None, Some(TlsMode::Valid)] {
        let simulator = Simulator::start(SimulatorOptions { tls, ..served_by_one() }).await.unwrap();
        let bundle = tempfile::NamedTempFile::new().unwrap();
        let (url, count) = proxy(simulator.address()).await;
        let mut attributes = core_only();
        attributes["proxyUrl"] = url.into();
        attributes["concurrency"] = 1.into();
        if let Some(pem) = simulator.ca_pem() {
            bundle.as_file().write_all(pem.as_bytes()).unwrap();
            attributes["caBundleFile"] = bundle.path().to_str().into();
        }
        let (ended, rows) = scan(config(&simulator, attributes)).await;
        // Plain requests over one kept connection would still name the proxy in each request line; one answer shows.
        if tls.is_some() {
            assert!(ended.is_ok() && !rows.is_empty(), "{ended:?}");
        }
        assert!(*count.lock().unwrap() > 0);
    }
    let simulator = Simulator::start(served_by_one()).await.unwrap();
    let (ended, _) =
        scan(config(&simulator, json!({"proxyUrl": "http://user:geheim@127.0.0.1:1", "attempts": 1}))).await;
    let failure = ended.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::Connect);
    assert!(!format!("{failure:?}").contains("geheim"));
    assert_eq!(simulator.requests().total, 0);
    // What is readable must not leave this machine.
    for elsewhere in ["http://proxy.example:3128", "192.0.2.1:3128"] {
        let Err(error) = connect(config(&simulator, json!({"proxyUrl": elsewhere}))) else { panic!("{elsewhere}") };
        assert_eq!(error.code, ErrorCode::InsecureEndpoint);
    }
}

#[tokio::test]
async fn an_organisation_is_named_where_one_must_be_and_not_where_it_is_refused() {
    let simulator = Simulator::start(SimulatorOptions { organizations: 3, ..served_by_one() }).await.unwrap();
    let (ended, _) = scan(config(&simulator, core_only())).await;
    let error = ended.unwrap_err().error().clone();
    assert_eq!(error.code, ErrorCode::WrongOrganization);
    let second = simulator.organizations()[1].organization_id();
    assert!(error.remedy.contains(&second), "{error:?}");
    let mut attributes = core_only();
    attributes["jumpcloudOrgId"] = second.into();
    let system = config(&simulator, attributes.clone());
    let report = connect(system.clone()).unwrap().test_connection().await;
    assert!(report.checks.iter().all(|check| check.error.is_none()), "{report:?}");
    let (ended, rows) = scan(system).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Complete);
    let (found, _) = crate::support::Identities::of(&rows);
    assert_eq!(found.users, crate::support::Identities::truth(&simulator.organizations()[1]).users);
    attributes["jumpcloudOrgId"] = "5f0000000000000000000abc".into();
    let (ended, _) = scan(config(&simulator, attributes)).await;
    assert_eq!(code(&ended), ErrorCode::WrongOrganization);
}

/// A target that repeats the key that it is sent in everything it says.
async fn parrot(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 16 * 1024];
            let length = stream.read(&mut buffer).await.unwrap_or(0);
            let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let key = asked.lines().find_map(|line| line.strip_prefix("x-api-key: ")).unwrap_or_default().to_owned();
            let body = format!(r#"{{"message":"{key} is not good","{key}":["{key}"],"results":[{{"_id":"{key}!"}}]}}"#);
            let head = format!("HTTP/1.1 {status}\r\nlocation: http://{key}.example/{key}\r\nx-total-count: {key}");
            let answer = format!("{head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn the_key_is_in_nothing_that_a_scan_says() {
    const KEY: &str = "jca_s3cretKEYthatMUSTnotSHOW0123456789ab";
    let log = CapturedLog::start();
    let mut said: Vec<String> = Vec::new();
    for faults in [&[][..], &["status=502:rate=0.2", "html:rate=0.1", "truncate:rate=0.1"]] {
        let options = SimulatorOptions { api_key: Some(KEY.into()), ..with_faults(small(), faults) };
        let simulator = Simulator::start(options).await.unwrap();
        let system = config(&simulator, json!({}));
        let connector = connect(system.clone()).unwrap();
        let sink = Arc::new(Collected::default());
        let request = ScanRequest::default().with_checkpoints();
        let ended = connector.scan(request, Arc::clone(&sink) as Arc<dyn ScanSink>).await;
        said.push(format!("{ended:?} {system:?}"));
        said.push(serde_json::to_string(&system).unwrap());
        match ended {
            Ok(summary) => said.push(serde_json::to_string(&summary).unwrap()),
            Err(failure) => said.push(serde_json::to_string(failure.summary()).unwrap()),
        }
        said.push(serde_json::to_string(&sink.rows()).unwrap());
        said.extend(sink.checkpoints().iter().map(|(_, kept)| serde_json::to_string(kept).unwrap()));
        said.push(format!("{:?}", connector.test_connection().await));
    }
    for status in [
        "200 OK",
        "302 Found",
        "400 Bad Request",
        "401 Unauthorized",
        "402 Pay",
        "403 No",
        "404 No",
        "407 Proxy",
        "429 Slower",
        "502 Bad",
    ] {
        let credential = connector_api::Credential::from_secret(KEY.to_owned());
        let system = SystemConfig::new("JumpCloud", parrot(status).await, credential)
            .with_attribute("retryWaitMilliseconds", 1)
            .with_attribute("retryBudgetSeconds", 1)
            .with_attribute("attempts", 2);
        let (ended, rows) = scan(system.clone()).await;
        assert!(ended.is_err() && rows.is_empty(), "{status}");
        said.push(format!("{ended:?} {}", ended.as_ref().unwrap_err()));
        said.push(serde_json::to_string(&ended.unwrap_err().summary()).unwrap());
        let connector = connect(system).unwrap();
        said.push(serde_json::to_string(&connector.test_connection().await).unwrap());
        said.push(format!("{:?}", connector.organizations().await));
    }
    // A proxy has a password of its own, and here it is the same.
    let (proxy, _) = listener("HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n").await;
    let credential = connector_api::Credential::from_secret(KEY.to_owned());
    let system = SystemConfig::new("JumpCloud", "console.jumpcloud.com", credential)
        .with_attribute("proxyUrl", format!("http://proxy:{KEY}@{proxy}"));
    let (ended, _) = scan(system.clone()).await;
    said.push(format!("{ended:?} {system:?}"));
    said.push(format!("{:?}", connect(system).unwrap().test_connection().await));
    let logged = log.text();
    assert!(logged.contains("TRACE") || logged.contains("DEBUG"), "nothing is logged");
    for text in said.iter().chain([&logged]) {
        for secret in [KEY, &KEY.to_lowercase(), &KEY[..20]] {
            if let Some(at) = text.find(secret) {
                panic!("the key shows in …{}…", &text[at.saturating_sub(200)..(at + 60).min(text.len())]);
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_refused_without_showing() {
    let simulator = Simulator::start(served_by_one()).await.unwrap();
    let mut system = config(&simulator, Value::Object(Default::default()));
    system.credential = connector_api::Credential::from_secret("s3cret\nX-Injected: 1".to_owned());
    let Err(error) = connect(system) else { panic!("it is taken") };
    assert_eq!(error.code, ErrorCode::InvalidConfig);
    assert!(!format!("{error:?}").contains("s3cret"));
}
