//! The file of the store is removed, or another one is put in its place, while pages are read.

use axum::http::StatusCode;

use crate::act::{address, right, site};
use crate::organisation::{login, rows};
use crate::site::{Site, keep};

/// Moves the file of the store aside. Returns where to.
fn move_aside(site: &Site) -> std::path::PathBuf {
    let aside = site.folder.path().join("aside.db");
    std::fs::rename(&site.location.files()[0], &aside).unwrap();
    aside
}

#[tokio::test]
async fn a_store_that_is_gone_is_said_to_be_and_none_is_created_in_its_place() {
    let site = site().await;
    keep(&site.location, "toy", 1, &rows(8, login()), &[]);
    address(&site.post("/system", &right("lab", &[])).await);
    assert!(site.page("/privileged?system=toy").await.contains("toy"));
    let file = site.location.files().remove(0);
    let systems = site.page("/").await;
    let token = systems.split("name=\"form-token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let aside = move_aside(&site);
    for path in ["/", "/privileged?system=toy", "/findings?system=toy"] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {}", answer.body);
        assert!(answer.body.contains("store.db is gone."), "{path}: {}", answer.body);
    }
    let scan = site.post_with(&token, "/scan", &[("system", "lab")]).await;
    assert_eq!(scan.status, StatusCode::SERVICE_UNAVAILABLE, "{}", scan.body);
    assert!(!file.exists(), "nothing is created");
    std::fs::rename(&aside, &file).unwrap();
    assert!(site.page("/privileged?system=toy").await.contains("toy"));
}

#[tokio::test]
async fn a_store_that_was_replaced_is_the_one_that_is_read_and_written() {
    let site = Site::with(&[rows(8, login())]).await;
    let findings = site.page("/findings?system=toy").await;
    let id = findings.split("/exception?").nth(1).unwrap().split("id=").nth(1).unwrap()[..12].to_owned();
    drop(move_aside(&site));
    keep(&site.location, "other", 1, &rows(8, login()), &[]);
    assert_eq!(site.get("/privileged?system=toy").await.status, StatusCode::NOT_FOUND);
    keep(&site.location, "toy", 1, &rows(8, login()), &[]);
    let right = [("then", "accept"), ("reason", "agreed"), ("until", "2027-01-31")];
    address(&site.post(&format!("/exception?system=toy&id={id}"), &right).await);
    let mut store = connector_store::Store::open(&site.location).unwrap();
    let system = store.system_called(Some("toy")).unwrap().unwrap();
    assert_eq!(store.exceptions(&system).unwrap().len(), 1, "it is where everybody finds it");
}
