//! Shapes of answers that were recorded or reported, replayed.

use crate::support::replay::case;
use crate::support::{codes, scan};
use connector_api::Outcome;

const ADA: &str = "6100000000000000000000a1";
const BEA: &str = "6100000000000000000000a2";

fn time(text: &str) -> Option<jiff::Timestamp> {
    // Milliseconds are kept.
    let time: jiff::Timestamp = text.parse().unwrap();
    jiff::Timestamp::from_millisecond(time.as_millisecond()).ok()
}

#[tokio::test]
async fn a_device_login_under_the_local_account_name_is_the_users() {
    let console = case("02-device-login-under-the-local-account-name").serve().await;
    let scanned = scan(console.system()).await;
    let ada = scanned.account(ADA);
    let login = ada.last_login.as_ref().unwrap();
    assert_eq!(login.succeeded_at, time("2026-11-20T10:00:00.123Z"));
    assert_eq!(login.service.as_deref(), Some("systems"));
    assert!(!codes(&ada.reasons).contains(&"privileged_never_logged_in"), "{:?}", ada.reasons);
    assert_eq!(ada.attributes.get("systemUsername"), Some("adae".into()));
    assert_eq!(scanned.summary.section(connector_api::Section::LAST_LOGIN).unwrap().dangling, 0);
}

#[tokio::test]
async fn an_initiator_of_type_systemuser_is_a_user_by_its_id() {
    let console = case("03-initiator-of-type-systemuser").serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(scanned.account(ADA).last_login_at, time("2026-11-20T10:00:00.123Z"));
    assert_eq!(scanned.summary.section(connector_api::Section::LAST_LOGIN).unwrap().dangling, 0);
}

#[tokio::test]
async fn the_second_factor_of_an_ldap_bind_is_read_from_its_methods() {
    let console = case("04-ldap-bind-with-second-factor").serve().await;
    let scanned = scan(console.system()).await;
    let login = scanned.account(ADA).last_login.clone().unwrap();
    assert_eq!((login.mfa, login.service.as_deref()), (Some(true), Some("ldap")));
}

#[tokio::test]
async fn a_new_hire_whose_password_is_pending_is_not_privileged_by_being_bound() {
    let console = case("05-new-hire-listed-as-privileged").serve().await;
    let scanned = scan(console.system()).await;
    let hire = scanned.account(ADA);
    assert_eq!((hire.enabled, hire.state.as_deref()), (Some(false), Some("ACTIVATED")));
    assert!(hire.reasons.is_empty(), "{:?}", hire.reasons);
    assert_eq!(scanned.grants().count(), 2, "the group's and the user's");
}

#[tokio::test]
async fn shapes_that_were_recorded_are_read_whole() {
    let console = case("06-recorded-shapes-that-pass").serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(scanned.summary.outcome, Outcome::Complete, "{:?}", scanned.summary.sections);
    let logins: Vec<_> = scanned
        .accounts()
        .map(|account| (account.username.as_str(), account.last_login.clone().unwrap_or_default()))
        .map(|(name, login)| (name, login.succeeded_at, login.service, login.mfa))
        .collect();
    let login = |name, at, service: &str, mfa| (name, time(at), Some(service.to_owned()), Some(mfa));
    assert_eq!(
        logins,
        [
            login("ada", "2026-11-20T10:45:59.812Z", "sso", false),
            login("bea", "2026-11-20T10:17:41Z", "radius", false),
            login("root@corp.example", "2026-11-20T14:06:45.921Z", "directory", true),
        ]
    );
    assert_eq!(scanned.account(BEA).enabled, Some(true));
    let grant = scanned.grants().find(|grant| grant.direct).unwrap();
    assert_eq!((grant.resource.name.as_str(), &grant.access), ("AWS", &crate::support::LOGIN));
}
