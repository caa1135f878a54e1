//! Who gets in, and what is left when they have gone.

use crate::served::demo;
use crate::tab::{Look, Tab};

#[test]
fn a_printed_address_signs_in_one_browser_once() {
    let demo = demo();
    let Some(mut first) = Tab::open(demo, Look::default()) else { return };
    let used = demo.sign_in(|address| {
        first.go(address);
        address.to_owned()
    });
    first.shows("1 system. None needs you.");
    assert_eq!(first.address(), "/", "the token is not in the address any more");
    let mut second = Tab::open(demo, Look::default()).unwrap();
    second.expect("status of 403");
    second.go(&used);
    second.shows("This token is not valid, or was used before.");
    second.go("/privileged");
    second.shows("Open the address that the server printed last");
    second.hides("hold privileges");
    // The form takes the next token.
    demo.sign_in(|address| {
        second.fill("Token from the terminal", address.rsplit_once('=').unwrap().1);
        second.follow("Sign in");
    });
    second.shows("1 system.");
    assert!(first.faults().is_empty());
}

#[test]
fn after_signing_out_nothing_can_be_read_not_even_with_the_back_button() {
    let Some(tab) = Tab::signed_in(demo(), Look::default()) else { return };
    tab.follow("Privileged");
    tab.shows("accounts hold privileges.");
    tab.follow("Sign out");
    tab.shows("Open the address that the server printed last");
    tab.back();
    tab.shows("Open the address that the server printed last");
    tab.hides("hold privileges");
    for path in ["/", "/privileged", "/findings", "/changes", "/charts", "/connectors", "/search?q=a"] {
        tab.go(path);
        tab.shows("Token from the terminal");
        assert_eq!(tab.address(), "/sign-in", "{path}");
    }
}

#[test]
fn what_no_page_may_do_is_noticed() {
    let demo = demo();
    let Some(mut tab) = Tab::signed_in(demo, Look::default()) else { return };
    assert_eq!(tab.faults(), Vec::<String>::new());
    tab.evaluate("console.error('a mistake')");
    tab.evaluate("void (document.body.appendChild(document.createElement('script')).text = 'alert(1)')");
    tab.evaluate("void setTimeout(() => { throw new Error('too late') }, 0)");
    tab.evaluate("void setTimeout(() => { location.href = 'http://127.0.0.1:9/' }, 0)");
    let mut faults = Vec::new();
    let is_there = |faults: &[String], part: &str| faults.iter().any(|fault| fault.contains(part));
    let parts = ["a mistake", "inline script violates", "too late", "request to http://127.0.0.1:9/"];
    for _ in 0..500 {
        faults.extend(tab.faults());
        if parts.iter().all(|part| is_there(&faults, part)) {
            return;
        }
    }
    panic!("not everything is noticed: {faults:#?}");
}
