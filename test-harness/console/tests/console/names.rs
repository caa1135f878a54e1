//! Names from a target that mean harm.

use crate::guards::PAGES;
use crate::organisation::{SCRIPT, login, rows};
use crate::site::Site;

#[tokio::test]
async fn names_are_escaped_isolated_and_show_what_cannot_be_seen() {
    let site = Site::with(&[rows(6, login()), rows(7, login())]).await;
    let findings = site.page("/findings").await;
    let finding = findings.split("/exception?").nth(1).unwrap().split("id=").nth(1).unwrap()[..12].to_owned();
    for path in PAGES {
        let path = &path.replace("0123456789ab", &finding);
        let page = site.page(path).await;
        for raw in [SCRIPT, "\u{202e}", "Rack <b>", "Bobby\r", "Bobby\n"] {
            assert!(!page.contains(raw), "{path} has {raw:?}");
        }
        assert!(!page.contains("<bdi></bdi>"), "{path} has an empty name");
    }
    let page = site.page("/privileged").await;
    assert!(page.contains("<bdi>&lt;script&gt;alert(document.cookie)&lt;/script&gt;</bdi>"));
    let page = site.page("/search?q=invoice").await;
    assert!(page.contains("<bdi>invoice-<span class=\"unseen\">U+202E</span>fdp.exe</bdi>"));
    let page = site.page("/account?id=id%2F0002").await;
    assert!(
        page.contains(
            "Bobby<span class=\"unseen\">U+000D</span><span class=\"unseen\">U+000A</span>Tables &quot;'&amp;"
        )
    );
}

#[tokio::test]
async fn what_somebody_types_comes_back_escaped() {
    let site = Site::with(&[rows(4, login())]).await;
    for path in [
        "/search?q=%3Cscript%3E%22",
        "/privileged?severity=%3Cscript%3E&after=%3Cscript%3E",
        "/connector?id=%3Cscript%3E",
        "/account?id=%3Cscript%3E",
        "/privileged?at=%3Cscript%3E",
        "/privileged?system=%3Cscript%3E",
    ] {
        let answer = site.get(path).await;
        assert!(answer.status.is_success() || answer.status.is_client_error(), "{path}: {}", answer.status);
        assert!(!answer.body.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn a_file_for_a_spreadsheet_runs_no_formula() {
    let mut odd = rows(3, login());
    if let connector_api::Record::Account(account) = &mut odd[0] {
        account.username = "=cmd|'/C calc'!A0".to_owned();
    }
    let site = Site::with(&[odd]).await;
    let answer = site.get("/privileged?format=csv").await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    assert!(answer.headers["content-disposition"].to_str().unwrap().starts_with("attachment; "));
    assert!(answer.body.contains(",'=cmd|"), "{}", answer.body);
}
