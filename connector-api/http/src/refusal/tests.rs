//! The meaning of responses by HTTP alone.
#![allow(clippy::unwrap_used)]

use super::*;

const WORDS: Words = Words { proxy: Some("proxyUrl"), requests_per_second: Some("callsPerSecond"), ..Words::DEFAULT };

const ASKED: Asked<'_> = Asked {
    service: Service::MAIN,
    host: "c.example",
    path: "/users",
    accepted: false,
    sorted: false,
    renewable: false,
    proxy: None,
};

fn judge(asked: Asked<'_>, code: u16, headers: &[(&'static str, &str)], body: &str) -> Verdict {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let scrub = Scrubber::new(["hunter2".to_owned().into()]);
    let (status, now) = (StatusCode::from_u16(code).unwrap(), "2026-01-01T00:00:00Z".parse().unwrap());
    Refusal::read(asked, status, &headers, body.as_bytes(), &scrub, now, &WORDS).standard()
}

#[test]
fn each_status_has_its_code_and_what_comes_next() {
    let again = Next::Retry { after: None, attempts: None };
    for (status, code, next) in [
        (204, ErrorCode::MalformedResponse, Next::Fail),
        (302, ErrorCode::UnexpectedRedirect, Next::Fail),
        (400, ErrorCode::MalformedResponse, Next::Fail),
        (401, ErrorCode::Unauthorized, Next::Fail),
        (402, ErrorCode::Forbidden, Next::Fail),
        (403, ErrorCode::Forbidden, Next::Fail),
        (404, ErrorCode::NotFound, Next::Fail),
        (407, ErrorCode::Connect, Next::Fail),
        (408, ErrorCode::Timeout, again),
        (410, ErrorCode::NotFound, Next::Fail),
        (429, ErrorCode::RateLimited, Next::SlowDown { after: None }),
        (451, ErrorCode::Forbidden, Next::Fail),
        (500, ErrorCode::ServerError, again),
        (503, ErrorCode::ServerError, again),
        (522, ErrorCode::ServerError, again),
    ] {
        let verdict = judge(ASKED, status, &[], "");
        assert_eq!((verdict.error.code, verdict.next), (code, next), "{status}");
        assert!(!verdict.error.remedy.is_empty() && !verdict.error.message.contains('\n'), "{verdict:?}");
    }
}

#[test]
fn a_token_is_renewed_for_a_401_where_another_can_be_had() {
    let renewable = Asked { renewable: true, ..ASKED };
    assert_eq!(judge(renewable, 401, &[], "").next, Next::RenewToken);
    assert_eq!(judge(renewable, 403, &[], "").next, Next::Fail);
    let token = Asked { service: Service::TOKEN, ..ASKED };
    for status in [400, 401, 403] {
        let verdict = judge(token, status, &[], r#"{"error":"invalid_client"}"#);
        assert_eq!((verdict.error.code, verdict.next), (ErrorCode::Unauthorized, Next::Fail), "{status}");
        assert!(verdict.error.message.contains("invalid_client") && verdict.error.message.contains("no token"));
    }
}

#[test]
fn an_address_that_is_blocked_stops_everything() {
    let verdict = judge(ASKED, 403, &[], "<p>Sorry, your IP has been blocked");
    assert_eq!((verdict.error.code, verdict.next), (ErrorCode::AddressBlocked, Next::Stop));
    assert!(verdict.error.remedy.contains("unblocked") && verdict.error.remedy.contains("callsPerSecond"));
    assert_eq!(judge(ASKED, 429, &[], "<p>Sorry, your IP has been blocked").next, Next::Stop);
    let for_a_while = judge(ASKED, 429, &[("retry-after", "9")], "<p>Your IP is blocked for 9 seconds");
    assert!(matches!(for_a_while.next, Next::SlowDown { after: Some(_) }), "{for_a_while:?}");
    assert!(matches!(judge(ASKED, 429, &[], "too many requests from this IP").next, Next::SlowDown { .. }));
}

#[test]
fn a_429_is_a_block_only_as_a_web_page_or_for_suspected_abuse() {
    let page = "<html>Your IP address has been blocked</html>";
    for body in [page, r#"{"message":"blocked for suspected abuse"}"#, "suspected abuse"] {
        assert_eq!(judge(ASKED, 429, &[], body).next, Next::Stop, "{body}");
    }
    let limited = r#"{"message":"Too many requests from this IP address; temporarily blocked"}"#;
    for body in [limited, "this IP address is blocked: too many requests", r#"["ip","blocked"]"#, "<p>slow down"] {
        assert_eq!(judge(ASKED, 429, &[], body).next, Next::SlowDown { after: None }, "{body}");
    }
    assert_eq!(judge(ASKED, 403, &[], limited).next, Next::Stop);
}

#[test]
fn a_wait_is_read_from_seconds_or_a_date_that_is_held_against_the_answers_own() {
    let wait = |headers: &[(&'static str, &str)]| match judge(ASKED, 429, headers, "").next {
        Next::SlowDown { after } => after.map(|after| after.as_secs()),
        other => panic!("{other:?}"),
    };
    let two_later = ("retry-after", "Thu, 01 Jan 2026 05:00:02 GMT");
    assert_eq!(wait(&[("retry-after", " 7 ")]), Some(7));
    assert_eq!(wait(&[two_later, ("date", "Thu, 01 Jan 2026 05:00:00 GMT")]), Some(2), "this clock is behind");
    assert_eq!(wait(&[("retry-after", "Thu, 01 Jan 2026 00:00:09 GMT")]), Some(9), "by this clock without a date");
    assert_eq!(wait(&[("retry-after", "soon")]), None);
}

#[test]
fn a_redirect_names_where_it_leads_and_nothing_of_its_path() {
    let error = judge(ASKED, 302, &[("location", "https://u:hunter2@evil.example/login?x=hunter2")], "").error;
    assert!(error.message.contains("evil.example") && !error.message.contains("login"), "{error:?}");
}

#[test]
fn a_credential_that_was_accepted_is_not_called_refused_as_such() {
    let error = judge(Asked { accepted: true, ..ASKED }, 401, &[], "").error;
    assert!(error.message.contains("accepted elsewhere") && !error.message.contains("not accepted"), "{error:?}");
    assert_eq!(refused_here(judge(ASKED, 401, &[], "").error).message, error.message);
}

#[test]
fn what_the_target_says_is_one_line_without_the_secret() {
    for body in ["hunter2", r#"{"message":"bad key hunter2"}"#, r#"{"detail":["hunter2"]}"#, "\u{0}<b>hunter2\n\n"] {
        for status in [400, 401, 403, 404, 429, 500] {
            let verdict = judge(ASKED, status, &[], body);
            let shown = format!("{:?}", verdict.error);
            assert!(!shown.contains("hunter2") && !verdict.error.message.contains('\n'), "{shown}");
        }
    }
}

#[test]
fn an_order_is_left_out_where_one_was_asked_for_and_refused() {
    for (sorted, status, body, next) in [
        (true, 400, "invalid sort field", Next::WithoutSort),
        (false, 400, "invalid sort field", Next::Fail),
        (true, 422, "unknown parameter", Next::WithoutSort),
        (true, 400, "no", Next::Fail),
    ] {
        assert_eq!(judge(Asked { sorted, ..ASKED }, status, &[], body).next, next, "{status} {body}");
    }
}
