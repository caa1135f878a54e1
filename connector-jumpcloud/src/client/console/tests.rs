//! Each answer has one verdict: its code, its words, its remedy, and what comes next.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use connector_api::Retry;
use connector_http::{Asked, Next, Scrubber, refused_here};

use super::*;

const AGAIN: Next = Next::Retry { after: None, attempts: None };

/// A call, and who makes it.
#[derive(Debug, Clone, Copy)]
struct By {
    asked: Asked<'static>,
    sign_in: SignIn,
}

const CONSOLE: By = By {
    asked: Asked {
        service: Service::MAIN,
        host: "c.example",
        path: "/api/systems",
        accepted: false,
        sorted: false,
        renewable: false,
        proxy: None,
    },
    sign_in: SignIn::ApiKey,
};
const INSIGHTS_EVENTS: By = CONSOLE.at(INSIGHTS, "/insights/directory/v1/events").accepted();
const TOKEN: By = CONSOLE.at(Service::TOKEN, "the token request").with(SignIn::ServiceAccountToken);

impl By {
    const fn at(self, service: Service, path: &'static str) -> Self {
        Self { asked: Asked { service, path, ..self.asked }, ..self }
    }

    const fn path(self, path: &'static str) -> Self {
        self.at(self.asked.service, path)
    }

    const fn accepted(self) -> Self {
        Self { asked: Asked { accepted: true, ..self.asked }, ..self }
    }

    const fn sorted(self, sorted: bool) -> Self {
        Self { asked: Asked { sorted, ..self.asked }, ..self }
    }

    const fn with(self, sign_in: SignIn) -> Self {
        let renewable = matches!(sign_in, SignIn::ServiceAccountToken);
        Self { asked: Asked { renewable, ..self.asked }, sign_in }
    }
}

fn service_account(by: By) -> [By; 2] {
    [SignIn::ServiceAccountKey, SignIn::ServiceAccountToken].map(|sign_in| by.with(sign_in))
}

fn judge(by: By, code: u16, headers: &[(&'static str, &str)], body: &str) -> Verdict {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let scrub = Scrubber::new(["hunter2".to_owned().into()]);
    let (status, now) = (StatusCode::from_u16(code).unwrap(), "2026-01-01T00:00:00Z".parse().unwrap());
    let refusal = Refusal::read(by.asked, status, &headers, body.as_bytes(), &scrub, now, &WORDS);
    Console::new(by.sign_in, None, crate::sections::rights()).unwrap().judge(&refusal)
}

fn next(code: u16, headers: &[(&'static str, &str)]) -> Next {
    judge(CONSOLE, code, headers, "").next
}

#[test]
fn what_may_pass_by_itself_is_tried_again_and_nothing_else() {
    for code in [408, 500, 502, 503, 504, 522] {
        assert_eq!(next(code, &[]), AGAIN, "{code}");
    }
    for code in [204, 301, 400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 412, 415, 422, 428] {
        assert_eq!(next(code, &[]), Next::Fail, "{code}");
    }
}

#[test]
fn a_429_and_a_503_that_names_a_time_ask_to_slow_down() {
    let after = Some(Duration::from_secs(7));
    assert_eq!(next(429, &[]), Next::SlowDown { after: None });
    for code in [429, 503] {
        assert_eq!(next(code, &[("retry-after", "7")]), Next::SlowDown { after }, "{code}");
    }
    for code in [408, 500, 502, 504] {
        assert_eq!(next(code, &[("retry-after", "7")]), Next::Retry { after, attempts: None }, "{code}");
    }
}

#[test]
fn a_date_to_come_back_at_is_held_against_the_answers_own_date() {
    let wait = |headers: &[(&'static str, &str)]| match next(429, headers) {
        Next::SlowDown { after } => after.map(|after| after.as_secs()),
        other => panic!("{other:?}"),
    };
    let two_later = ("retry-after", "Thu, 01 Jan 2026 05:00:02 GMT");
    assert_eq!(wait(&[two_later, ("date", "Thu, 01 Jan 2026 05:00:00 GMT")]), Some(2), "this clock is behind");
    assert_eq!(wait(&[two_later, ("date", "Thu, 01 Jan 2026 05:00:09 GMT")]), Some(0), "it is past");
    assert_eq!(wait(&[("retry-after", "Thu, 01 Jan 2026 00:00:09 GMT")]), Some(9), "by this clock without a date");
    assert_eq!((wait(&[("retry-after", "soon")]), wait(&[("retry-after", " 3 ")])), (None, Some(3)));
}

#[test]
fn a_token_is_renewed_for_a_401_and_for_nothing_else() {
    for (asked, renewed) in
        [(CONSOLE, false), (service_account(CONSOLE)[0], false), (service_account(CONSOLE)[1], true)]
    {
        let verdict = judge(asked, 401, &[], r#"{"message":"Unauthorized"}"#);
        assert_eq!(verdict.error.code, ErrorCode::Unauthorized);
        assert_eq!(verdict.next == Next::RenewToken, renewed, "{asked:?}");
        for (code, words) in [
            (401, "service accounts are not allowed to access this endpoint"),
            (401, "no organization selected"),
            (403, ""),
        ] {
            assert_eq!(judge(asked, code, &[], words).next, Next::Fail, "{words}");
        }
    }
}

#[test]
fn what_is_not_for_service_accounts_says_so_and_speaks_of_no_key() {
    const REFUSAL: &str = r#"{"message":"service accounts are not allowed to access this endpoint"}"#;
    for asked in service_account(CONSOLE.path("/api/organizations")) {
        for (code, body) in [(401, REFUSAL), (403, REFUSAL), (403, r#"{"message":"Forbidden"}"#), (401, "{}")] {
            let error = judge(asked, code, &[], body).error;
            assert_eq!(error.code, ErrorCode::Forbidden, "{code} {body}");
            assert!(error.message.ends_with("not available to service accounts"), "{error:?}");
            assert!(error.remedy.contains("one system per organisation") && !error.remedy.contains("key"), "{error:?}");
        }
    }
    for asked in service_account(CONSOLE) {
        let error = judge(asked, 401, &[], REFUSAL).error;
        assert!(error.code == ErrorCode::Forbidden && !error.remedy.contains("key"), "{error:?}");
        for code in [401, 403] {
            let error = judge(asked, code, &[], "").error;
            assert!(!error.remedy.to_lowercase().contains("api key"), "{error:?}");
            assert!(error.remedy.contains("service account"), "{error:?}");
        }
    }
}

#[test]
fn a_service_account_that_is_refused_itself_is_not_taken_for_all_of_them() {
    for asked in service_account(CONSOLE) {
        let verdict = judge(asked, 401, &[], r#"{"message":"the service account is not active"}"#);
        assert_eq!(verdict.error.code, ErrorCode::Unauthorized, "{verdict:?}");
        assert_eq!(verdict.next == Next::RenewToken, asked.sign_in == SignIn::ServiceAccountToken);
    }
}

#[test]
fn a_refused_key_sends_to_the_other_regions_before_it_is_revoked() {
    let body = r#"{"error":"Unauthorized","message":"Unauthorized: api key user not found"}"#;
    let error = judge(CONSOLE, 401, &[], body).error;
    assert!(error.message.contains("api key user not found"), "{error:?}");
    let at = |words: &str| error.remedy.find(words).unwrap_or_else(|| panic!("{words}: {error:?}"));
    for words in ["console.eu.jumpcloud.com", "console.in.jumpcloud.com", "expired", "API access"] {
        assert!(at(words) < at("revokes"), "{error:?}");
    }
}

#[test]
fn a_credential_that_was_accepted_is_not_called_refused_as_such() {
    let error = judge(CONSOLE.accepted(), 401, &[], "").error;
    assert_eq!(error.code, ErrorCode::Unauthorized);
    assert!(error.message.contains("accepted elsewhere") && !error.message.contains("not accepted"), "{error:?}");
    assert!(error.remedy.starts_with("give the key's administrator"), "{error:?}");
    assert_eq!(refused_here(judge(CONSOLE, 401, &[], "").error).message, error.message);
}

#[test]
fn an_address_that_is_blocked_stops_everything() {
    for body in [
        "<html><body>your IP has been blocked due to suspected abuse</body></html>",
        r#"{"message":"Your IP has been blocked due to suspected abuse"}"#,
        "<!DOCTYPE html><p>Sorry, you have been blocked. Your address: 192.0.2.1",
    ] {
        for asked in [CONSOLE, INSIGHTS_EVENTS, TOKEN] {
            for status in [403, 429] {
                let verdict = judge(asked, status, &[], body);
                assert_eq!((verdict.error.code, verdict.next), (ErrorCode::AddressBlocked, Next::Stop), "{body}");
                assert!(verdict.error.remedy.contains("unblocked"), "{verdict:?}");
            }
        }
    }
    let limited = r#"{"message":"Too many requests from this IP address; temporarily blocked"}"#;
    assert_eq!(judge(CONSOLE, 429, &[], limited).next, Next::SlowDown { after: None });
    for body in [r#"{"message":"Forbidden"}"#, "<html>Forbidden</html>", "the script is blocked", ""] {
        assert_eq!(judge(CONSOLE, 403, &[], body).error.code, ErrorCode::Forbidden, "{body}");
    }
}

#[test]
fn a_missing_right_is_named_by_its_scope_and_a_gateways_page_is_no_missing_right() {
    let error = judge(CONSOLE, 403, &[], r#"{"message":"Forbidden"}"#).error;
    assert!(error.remedy.contains("systems.readonly"), "{error:?}");
    let members = CONSOLE.path("/api/v2/usergroups/5f0000000000000000000001/members");
    let error = judge(members, 403, &[], "").error;
    assert!(error.remedy.contains("users.readonly"), "{error:?}");
    let error = judge(CONSOLE, 403, &[], "<html>no</html>").error;
    assert!(error.message.contains("a gateway") && !error.remedy.contains("role"), "{error:?}");
}

#[test]
fn what_insights_refuses_has_the_remedy_that_helps() {
    for asked in [INSIGHTS_EVENTS, service_account(INSIGHTS_EVENTS)[1]] {
        let error = judge(asked, 401, &[], r#"{"message":"no organization selected"}"#).error;
        assert_eq!(error.code, ErrorCode::WrongOrganization);
        assert!(error.remedy.contains("jumpcloudOrgId"), "{error:?}");
        let error = judge(asked, 404, &[], "<html>not found</html>").error;
        assert!(error.code == ErrorCode::NotFound && error.remedy.contains("jumpcloudInsightsHostname"), "{error:?}");
        let error = judge(asked, 402, &[], "").error;
        assert!(error.message.contains("not part of the organisation's JumpCloud plan"), "{error:?}");
        assert!(error.remedy.contains("plan") && !error.remedy.contains("role"), "{error:?}");
    }
}

#[test]
fn what_is_not_there_takes_no_role() {
    for body in ["", r#"{"message":"Not Found"}"#, "<html>"] {
        let error = judge(CONSOLE, 404, &[], body).error;
        assert!(error.message.contains("the target does not have it") && !error.remedy.contains("role"), "{error:?}");
    }
}

#[test]
fn an_order_is_left_out_where_one_was_asked_for_and_refused() {
    let refusal = r#"{"message":"failed to list collection objects: invalid sort field: _id"}"#;
    for (sorted, code, body, next) in [
        (true, 400, refusal, Next::WithoutSort),
        (false, 400, refusal, Next::Fail),
        (true, 400, r#"{"message":"Bad Request"}"#, Next::Fail),
        (true, 422, r#"{"code":3,"message":"unknown parameter","status":"INVALID_ARGUMENT"}"#, Next::WithoutSort),
        (true, 400, r#"{"message":"malformed organization id"}"#, Next::Fail),
        (true, 400, "<html>", Next::Fail),
        (true, 500, refusal, AGAIN),
    ] {
        assert_eq!(judge(CONSOLE.sorted(sorted), code, &[], body).next, next, "{code} {body}");
    }
}

#[test]
fn an_organisation_that_is_missing_or_malformed_is_asked_for() {
    for (code, words) in [
        (400, "malformed organization id"),
        (400, "x-org-id header is required"),
        (401, "x-org-id is missing"),
        (401, "no organization selected"),
    ] {
        let error = judge(CONSOLE, code, &[], &format!(r#"{{"message":"{words}"}}"#)).error;
        assert_eq!(error.code, ErrorCode::WrongOrganization, "{words}");
        assert!(error.remedy.contains("jumpcloudOrgId"), "{error:?}");
    }
}

#[test]
fn only_what_is_no_answer_of_jumpcloud_puts_the_host_name_in_doubt() {
    let error =
        judge(CONSOLE, 400, &[], r#"{"message":"failed to list collection objects: invalid sort field: id"}"#).error;
    assert!(error.message.contains("invalid sort field: id") && !error.remedy.contains("host name"), "{error:?}");
    for body in ["", "<html>", "nginx"] {
        assert!(judge(CONSOLE, 400, &[], body).error.remedy.contains("host name"), "{body}");
    }
}

#[test]
fn a_token_that_is_not_given_says_why_and_what_to_check() {
    for (code, body) in [(401, r#"{"error":"invalid_client"}"#), (400, r#"{"error":"invalid_scope"}"#), (403, "no")] {
        let verdict = judge(TOKEN, code, &[], body);
        assert_eq!((verdict.error.code, verdict.next), (ErrorCode::Unauthorized, Next::Fail), "{code}");
        assert!(verdict.error.message.contains(body.trim_matches(['{', '}']).rsplit('"').nth(1).unwrap_or(body)));
        assert!(verdict.error.remedy.contains("client secret") && !verdict.error.remedy.contains("API key"));
    }
    assert_eq!(judge(TOKEN, 503, &[], "").next, AGAIN);
}

#[test]
fn an_answer_that_a_proxy_may_have_given_names_the_proxy() {
    let asked = By { asked: Asked { proxy: Some("p.example:3128"), ..CONSOLE.asked }, ..CONSOLE };
    for code in [403, 407, 502] {
        let error = judge(asked, code, &[], "<html>denied</html>").error;
        assert!(error.message.contains("the proxy p.example:3128"), "{error:?}");
    }
    let error = judge(asked, 407, &[], "").error;
    assert!(error.code == ErrorCode::Connect && error.remedy.contains("proxyUrl"), "{error:?}");
}

#[test]
fn a_redirect_names_the_host_that_a_browser_would_go_to() {
    for (location, named) in [
        ("https://evil.example/login?x=hunter2", "evil.example"),
        ("//evil.example/login", "evil.example"),
        ("/login", "another address on c.example"),
        ("https://u:hunter2@evil.example:8443/", "evil.example"),
    ] {
        let error = judge(CONSOLE, 302, &[("location", location)], "").error;
        assert_eq!(error.code, ErrorCode::UnexpectedRedirect);
        assert!(error.message.contains(named) && !error.message.contains("hunter2"), "{}", error.message);
    }
    assert_eq!(judge(CONSOLE, 302, &[], "").error.code, ErrorCode::UnexpectedRedirect);
}

#[test]
fn what_the_target_says_never_shows_the_secret() {
    for code in [400, 401, 403, 404, 429, 500] {
        for body in ["hunter2", r#"{"message":"bad key hunter2"}"#, r#"{"error":["hunter2"]}"#, "\u{0}<b>hunter2"] {
            let verdict = judge(CONSOLE, code, &[], body);
            assert!(!format!("{verdict:?}").contains("hunter2"), "{verdict:?}");
        }
    }
    let padded = format!("{}hunter2", " ".repeat(1020));
    assert!(!judge(CONSOLE, 400, &[], &padded).error.message.contains("hunt"));
}

#[test]
fn too_many_calls_claim_nothing_that_did_not_happen() {
    let error = judge(CONSOLE, 429, &[], "").error;
    assert!(error.remedy.contains("scan interval") && !error.remedy.contains("already"), "{error:?}");
    assert_eq!(error.retry, Retry::Later);
    assert_eq!(judge(CONSOLE, 429, &[("retry-after", "9")], "").error.retry, Retry::After { seconds: 9 });
}
