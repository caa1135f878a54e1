//! `harness serve`, and how it ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{harness, run};

/// A server that ends with the test, also with one that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_signs_in_once_shows_changes_and_ends_with_a_signal() {
    // It may be installed by another test already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut server = Running(harness(["serve", "--demo"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|line| line.strip_prefix("To sign in, open: ").map(str::to_owned)).unwrap();
    let base = address.split("/sign-in").next().unwrap().to_owned();
    assert!(base.starts_with("http://127.0.0.1:"), "{base}");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let entered = client.get(&address).send().await.unwrap();
    assert_eq!(entered.status(), 303);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let next = lines.next().unwrap();
    assert!(next.starts_with("To sign in, open: ") && !next.ends_with(&address), "{next}");
    let page = async |path: &str| {
        let answer = client.get(format!("{base}{path}")).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    assert!(page("/").await.contains("1 system. None needs you."));
    assert!(page("/privileged").await.contains("of 400 accounts hold privileges."));
    let changes = page("/changes").await;
    for there in ["More access", "Less access", "Protection", "dana.petrov88", "Everything else"] {
        assert!(changes.contains(there), "{there}");
    }
    // Names that mean harm are text.
    for (search, shown) in [
        ("%3Cscript", "<bdi>&lt;script&gt;alert(document.cookie)&lt;/script&gt;</bdi>"),
        ("Quarterly", "<bdi>Quarterly figures <span class=\"unseen\">U+202E</span>fdp.exe</bdi>"),
        ("Two", "<bdi>Two<span class=\"unseen\">U+000D</span><span class=\"unseen\">U+000A</span>lines</bdi>"),
        ("A%20name%20of%20three", "on it.</bdi>"),
    ] {
        let found = page(&format!("/search?q={search}")).await;
        assert!(found.contains(shown), "{search}: {found}");
        assert!(!found.contains("<script>") && !found.contains('\u{202e}'), "{search}");
    }
    kill(Pid::from_raw(server.0.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

#[test]
fn what_cannot_be_served_is_said_with_a_remedy() {
    let none = run(&mut harness(["serve"]));
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("help: use --store URL"), "{}", none.stderr);
    let name = run(&mut harness(["serve", "--demo", "--allow-host", "https://console.example"]));
    assert_eq!(name.code, 2);
    assert!(name.stderr.contains("a host name without scheme, port and path"), "{}", name.stderr);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(&mut harness(["serve", "--demo", "--listen", &address]));
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("help: choose another port with --listen"), "{}", ended.stderr);
}

#[cfg(unix)]
#[test]
fn a_store_that_others_can_read_is_refused_before_anything_is_served() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.db");
    drop(connector_store::Store::open(&connector_store::Location::sqlite(&file)).unwrap());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = run(&mut harness(["serve", "--store", &format!("sqlite:{}", file.display())]));
    refused.assert_error(2, "invalid_config", &format!("chmod 600 {}", file.display()));
    assert!(!refused.stdout.contains("http://"), "{refused:?}");
}

#[test]
fn a_store_in_a_file_that_cannot_be_written_is_refused_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.db");
    drop(connector_store::Store::open(&connector_store::Location::sqlite(&file)).unwrap());
    // What SQLite needs next to it cannot be made, whoever runs this: the same as in a folder that is only read.
    std::fs::create_dir(folder.path().join("kept.db-shm")).unwrap();
    std::fs::create_dir(folder.path().join("kept.db-wal")).unwrap();
    let refused = run(&mut harness(["serve", "--store", &format!("sqlite:{}", file.display())]));
    refused.assert_error(1, "sink", "allow this user to write to its file and folder");
    assert!(!refused.stdout.contains("http://"), "{refused:?}");
}
