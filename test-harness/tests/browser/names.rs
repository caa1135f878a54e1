//! Names from a target that mean harm.

use connector_api::Record;

use crate::organisation::{login, rows};
use crate::served::Own;
use crate::tab::{Look, Tab};

/// Pages over the hostile organisation.
const PAGES: &[&str] = &[
    "/",
    "/privileged",
    "/findings",
    "/changes",
    "/charts",
    "/search?q=user",
    "/search?q=%3Cscript%3E",
    "/account?id=id%2F0000",
    "/account?id=id%2F0001",
    "/account?id=id%2F0002",
    "/account?id=id%2F0003",
    "/group?type=CREW&id=g%3F1",
    "/resource?type=system&id=d%3D1",
    "/resource?type=rack&id=r%261",
];

/// Names with scripts, another direction, line breaks, and 300 characters without a space.
fn hostile(users: usize) -> Vec<Record> {
    let mut rows = rows(users, login());
    if let Record::Account(account) = &mut rows[3] {
        account.username = "W".repeat(300);
        account.display_name = Some("<img src=x onerror=alert(1)>\u{202e}\u{2066}".to_owned());
    }
    rows
}

#[test]
fn a_hostile_organisation_is_shown_as_text_and_runs_nothing() {
    let own = Own::with(&[hostile(6), hostile(7)]);
    for width in [1280, 360] {
        let Some(tab) = Tab::signed_in(&own, Look { width, ..Look::default() }) else { return };
        for path in PAGES {
            tab.go(path);
            let elements = "document.querySelectorAll('main img, main b, body script:not([src^=\"/static/\"])').length";
            assert_eq!(tab.evaluate(elements), 0, "{path}: no text of a target is an element");
            let wide = tab.evaluate("document.documentElement.scrollWidth");
            assert!(wide.as_u64().unwrap() <= u64::from(width), "{path} is {wide} wide");
            assert!(
                !tab.evaluate("document.body.innerText").as_str().unwrap().contains(['\u{202e}', '\u{2066}']),
                "{path}"
            );
        }
        tab.go("/account?id=id%2F0000");
        tab.shows("<script>alert(document.cookie)</script>");
        tab.go("/account?id=id%2F0001");
        tab.shows("invoice-U+202Efdp.exe");
        tab.go("/account?id=id%2F0002");
        tab.shows("BobbyU+000DU+000ATables \"'&");
        tab.go("/account?id=id%2F0003");
        tab.shows("<img src=x onerror=alert(1)>U+202EU+2066");
    }
}
