//! Secrets of systems: where they may be read from, and where they are sent.

use std::time::Duration;

use axum::http::StatusCode;

use crate::act::{SECRET, address, right, site};
use crate::site::{Answer, Site};

/// The fields of a system whose secret is in a file or a variable.
fn named<'a>(from: &'a str, place: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let source =
        [("credential.password", ""), ("credential.password.from", from), ("credential.password.place", place)];
    right("lab", &[&source[..], more].concat())
}

/// Changes a setting of the system `lab` and nothing else.
async fn change(site: &Site, more: &[(&str, &str)]) -> Answer {
    site.post("/system?system=lab", &right("lab", &[&[("credential.password", "")][..], more].concat())).await
}

fn assert_asked_again(answer: &Answer, id: &str) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let error = answer.body.split(&format!("id=\"{id}-error\">")).nth(1).map(|rest| rest.split('<').next().unwrap());
    assert!(error.is_some_and(|why| why.contains("would be sent somewhere else")), "{id}: {}", answer.body);
}

fn open_to(file: &std::path::Path, mode: u32) {
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_secret_may_come_from_a_file_whose_name_alone_is_kept() {
    let site = site().await;
    let file = site.folder.path().join("key");
    let send = async |place: String| site.post("/system", &named("file", &place, &[])).await;
    let missing = send(file.display().to_string()).await.body;
    assert!(missing.contains("id=\"credential-password-error\"") && missing.contains("does not exist"), "{missing}");
    assert!(send(String::new()).await.body.contains("The name of the file is missing"));
    std::fs::write(&file, SECRET).unwrap();
    open_to(&file, 0o644);
    let open = send(file.display().to_string()).await.body;
    assert!(open.contains("id=\"credential-password-error\"") && open.contains("run: chmod 600 "), "{open}");
    // Nobody ever writes to it.
    let pipe = site.folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for endless in [pipe.display().to_string(), "/dev/ptmx".to_owned()] {
        let page = tokio::time::timeout(Duration::from_secs(30), send(endless)).await.unwrap().body;
        assert!(page.contains("is not a regular file"), "{page}");
    }
    open_to(&file, 0o600);
    address(&send(file.display().to_string()).await);
    let stored = std::fs::read_to_string(site.folder.path().join("systems/lab.json")).unwrap();
    assert!(stored.contains("\"file\": ") && !stored.contains(SECRET), "{stored}");
}

#[tokio::test]
async fn a_secret_that_is_kept_goes_nowhere_else() {
    let site = site().await;
    address(&site.post("/system", &right("lab", &[("attributes.proxy", "http://x")])).await);
    for then in ["test", "save"] {
        for other in [
            ("hostname", "evil.example"),
            ("port", "8443"),
            ("attributes.order", "byName"),
            ("attributes.labels", "{\"at\": \"evil\"}"),
        ] {
            let refused = change(&site, &[other, ("then", then)]).await;
            assert_asked_again(&refused, "credential-password");
            assert_asked_again(&refused, "attributes-proxy");
        }
        for other in [("attributes.proxy", "http://evil"), ("attributes.proxy.remove", "true")] {
            let refused = change(&site, &[other, ("then", then)]).await;
            assert_asked_again(&refused, "credential-password");
            assert!(!refused.body.contains("attributes-proxy-error"), "{}", refused.body);
        }
    }
    let stored = std::fs::read_to_string(site.folder.path().join("systems/lab.json")).unwrap();
    assert!(stored.contains("whole.example") && !stored.contains("evil"), "{stored}");
    for harmless in
        [("attributes.users", "7"), ("attributes.waits", "true"), ("attributes.patterns", "c"), ("port", "443")]
    {
        address(&change(&site, &[harmless]).await);
    }
    let again = [("hostname", "other.example"), ("credential.password", "hunter3"), ("attributes.proxy", "http://y")];
    address(&site.post("/system?system=lab", &right("lab", &again)).await);
}

#[tokio::test]
async fn a_draft_keeps_its_secret_for_its_own_host_alone() {
    let site = site().await;
    let tested = address(&site.post("/system", &right("lab", &[("then", "test")])).await);
    let draft = tested.split_once("draft=").unwrap().1;
    let form = format!("/system?draft={draft}");
    let send = async |host| {
        site.post(&form, &right("lab", &[("credential.password", ""), ("hostname", host), ("then", "test")])).await
    };
    assert_asked_again(&send("evil.example").await, "credential-password");
    address(&send("whole.example").await);
}

#[tokio::test]
async fn the_name_of_a_file_or_variable_is_asked_for_again_as_well() {
    let site = site().await;
    let file = site.folder.path().join("key");
    std::fs::write(&file, SECRET).unwrap();
    open_to(&file, 0o600);
    let place = file.display().to_string();
    address(&site.post("/system", &named("file", &place, &[])).await);
    let elsewhere = named("file", &place, &[("hostname", "other.example")]);
    let refused = site.post("/system?system=lab", &elsewhere).await;
    assert_asked_again(&refused, "credential-password");
    assert!(!refused.body.contains(&place), "it has to be typed again: {}", refused.body);
    assert!(refused.body.contains("name=\"credential.password.again\" value=\"true\""), "{}", refused.body);
    address(&site.post("/system?system=lab", &named("file", &place, &[("attributes.users", "7")])).await);
    let typed = [("hostname", "other.example"), ("credential.password.again", "true")];
    address(&site.post("/system?system=lab", &named("file", &place, &typed)).await);
}

#[tokio::test]
async fn a_variable_is_only_read_if_its_name_says_that_it_holds_a_secret() {
    let site = site().await;
    let send = async |name: &str| site.post("/system", &named("variable", name, &[])).await.body;
    let refused = send("HOME").await;
    assert!(refused.contains("id=\"credential-password-error\""), "{refused}");
    assert!(refused.contains("HOME does not say that it holds a secret: choose one whose name does"), "{refused}");
    let missing = send("NO_SUCH_KEY_IS_SET").await;
    assert!(missing.contains("variable NO_SUCH_KEY_IS_SET is not set"), "{missing}");
}

#[tokio::test]
async fn a_secret_that_ended_with_the_server_is_asked_for_in_plain_words_with_a_way_to_the_settings() {
    let site = site().await;
    // As after a restart: the file says that it was entered.
    std::fs::create_dir_all(site.folder.path().join("systems")).unwrap();
    let json =
        r#"{"name":"lab 1","osType":"Whole","hostname":"whole.example","secrets":{"credential.password":"entered"}}"#;
    std::fs::write(site.folder.path().join("systems/lab.json"), json).unwrap();
    for path in ["/scan", "/test"] {
        let answer = site.post(path, &[("system", "lab 1")]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        for said in [
            "Pass phrase of lab 1 was only kept in memory, and the server was started again since.",
            "<a href=\"/system?system=lab+1\">Settings of lab 1</a>",
        ] {
            assert!(answer.body.contains(said), "{path}: {said}: {}", answer.body);
        }
        assert!(!answer.body.to_lowercase().contains("credential.password"), "{}", answer.body);
    }
}
