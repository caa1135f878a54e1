//! What is known of an account, as marks and sentences.

use connector_api::{Account, Severity, SignInResult};
use connector_store::pages::Factor;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::text::{self, Name, ago};
use crate::visit::Place;
use crate::words::{Mark, spaced};

/// The second factor, with what else is known of it beneath.
pub(super) fn second_factor(account: &Account, now: Timestamp) -> Markup {
    let Some(mfa) = &account.mfa else { return Mark::Off.with("Not known") };
    let factors: Vec<String> = mfa.factors.iter().map(|factor| factor_word(factor)).collect();
    html! {
        @match Factor::of(account) {
            Factor::SetUp => { (Mark::Good.with(&if factors.is_empty() { "Set up".to_owned() } else { crate::words::capital(&factors.join(", ")) })) }
            Factor::Exempt | Factor::NotSetUp => { (Mark::Bad.with("Not set up")) }
            _ => { (Mark::Off.with("Not known")) }
        }
        @if mfa.excluded == Some(true) {
            span.under {
                @match mfa.excluded_until {
                    None => { "exempt from it" }
                    Some(until) if until > now => { "exempt from it until " (text::day(until)) }
                    Some(until) => { "exempt from it until " (text::day(until)) ", which is over" }
                }
            }
        }
    }
}

/// When somebody signed in last.
pub(super) fn last_login(account: &Account, place: &Place, now: Timestamp) -> Markup {
    let login = account.last_login.as_ref();
    let at = login.and_then(|login| login.succeeded_at).max(account.last_login_at);
    html! {
        @match (at, login.and_then(|login| login.since)) {
            (Some(at), _) => {
                (text::day(at))
                span.under {
                    @let service = login.and_then(|login| login.service.as_deref());
                    span.of-now { (ago(at, now)) @if service.is_some() { ", " } }
                    @if let Some(service) = service { (Name(&spaced(service))) }
                }
            }
            (None, Some(since)) => { "None found" span.under { "in logins since " (text::day(since)) } }
            (None, None) if !place.is_latest() => { (Mark::Off.with("Not known as of this scan")) }
            (None, None) => { (Mark::Off.with("Not known")) }
        }
    }
}

pub(super) fn enabled(account: &Account) -> Markup {
    html! {
        @match account.enabled {
            Some(true) => { (Mark::Good.with("Enabled")) }
            Some(false) => { (Mark::Off.with("Disabled")) }
            None => { (Mark::Off.with("Not known")) }
        }
        @if account.locked == Some(true) { ", locked" }
    }
}

/// What stands between the password and a sign-in.
pub(super) fn sign_in(result: &SignInResult) -> Markup {
    match result.as_str() {
        "secondFactor" => Mark::Good.with("Second factor"),
        "denied" => Mark::Good.with("Denied"),
        "open" => Mark::Bad.with("Open"),
        "elsewhere" => Mark::Off.with("Decided elsewhere"),
        "depends" => Mark::Warn.with("Depends"),
        _ => Mark::Off.with("Not known"),
    }
}

/// A severity, or that the account is not privileged.
pub(super) fn severity(severity: Option<Severity>) -> Markup {
    match severity {
        Some(severity) => crate::words::severity(severity),
        None => html! { span.tag { "Not privileged" } },
    }
}

/// The usual factors as people call them.
fn factor_word(factor: &str) -> String {
    match factor.to_lowercase().as_str() {
        "totp" | "otp" => "app code".to_owned(),
        "webauthn" | "fido2" | "u2f" => "security key".to_owned(),
        "push" => "push to an app".to_owned(),
        _ => spaced(factor),
    }
}
