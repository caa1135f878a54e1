//! What comes after a failed attempt: judged once, where the answer is read. The loop that makes the attempts only
//! obeys.

use std::time::Duration;

use connector_api::{ConnectorError, ErrorCode, Retry};

use super::refusal::{Form, REPORT, Said};
use super::text::Scrubber;
use super::words::Words;

pub(super) use super::refusal::{Asked, LONGEST_SAID, Refusal};
pub(super) use super::unanswered::{DnsError, of_no_answer};

/// How often an answer that cannot be understood is asked for.
const MALFORMED_ATTEMPTS: u32 = 3;

/// A failed attempt: what went wrong, and what comes next.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What went wrong.
    pub error: ConnectorError,
    /// What comes next.
    pub next: Next,
}

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The request fails: it would fail the same way again.
    Fail,
    /// The request fails, and no other is sent any more: each would fail the same way.
    Stop,
    /// The request is repeated at once with a fresh token, but only once.
    RenewToken,
    /// The request is repeated at once, without the order that the endpoint refuses.
    WithoutSort,
    /// It may pass by itself: another attempt.
    Retry {
        /// The shortest wait, where the target named one.
        after: Option<Duration>,
        /// Attempts in all, if that is fewer than the policy's.
        attempts: Option<u32>,
    },
    /// The target asks for fewer calls: another attempt that does not count as one. All requests slow down.
    SlowDown {
        /// The shortest wait, where the target named one.
        after: Option<Duration>,
    },
}

impl Verdict {
    /// The request fails with this error.
    pub fn fail(error: ConnectorError) -> Self {
        Self { error, next: Next::Fail }
    }

    /// Another attempt may help, up to `attempts` in all if that is fewer than the policy's.
    pub fn retry(error: ConnectorError, attempts: Option<u32>) -> Self {
        Self { error: error.with_retry(Retry::Later), next: Next::Retry { after: None, attempts } }
    }
}

/// Judges an answer of status 200 that could not be read as what was asked for.
pub(super) fn of_malformed(
    what: &str,
    why: impl std::fmt::Display,
    body: &[u8],
    scrub: &Scrubber,
    words: &Words,
) -> Verdict {
    let said = Said::read(body, scrub, words);
    let (start, remedy) = match said.form {
        Form::WebPage => (" (it is a web page, as a gateway or login sends)".to_owned(), words.elsewhere()),
        Form::Object => (format!(": it says{said}"), words.later()),
        Form::List => (String::new(), REPORT.to_owned()),
        Form::Text => (String::new(), words.elsewhere()),
    };
    let message = format!("the answer to {what} could not be read{start}: {}", scrub.line(&why.to_string()));
    let error = ConnectorError::new(ErrorCode::MalformedResponse, message, remedy);
    Verdict::retry(error, Some(MALFORMED_ATTEMPTS))
}

/// Judges an answer that is larger than what is accepted.
pub(super) fn of_too_large(what: &str, limit: usize, words: &Words) -> Verdict {
    Verdict::fail(ConnectorError::new(
        ErrorCode::ResponseTooLarge,
        format!("the answer to {what} is larger than {} MiB", limit / (1024 * 1024)),
        words.smaller(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_answer_of_the_target_puts_the_host_name_in_doubt() {
        let words = Words { list_fields: &["results"], ..Words::DEFAULT };
        let malformed =
            |body: &str| of_malformed("/x", "missing field `results`", body.as_bytes(), &Scrubber::default(), &words);
        let verdict = malformed(r#"{"error": "backend unavailable"}"#);
        assert!(verdict.error.message.contains("backend unavailable"), "{verdict:?}");
        assert!(!verdict.error.remedy.contains("host name"), "{verdict:?}");
        for body in ["<html>", "nginx", r#"{"ok":true}"#, ""] {
            assert!(malformed(body).error.remedy.contains("host name"), "{body}");
        }
        for list in [r#"[{"name":"no id"}]"#, r#" {"totalCount":1,"results":[{"name":"no id"}]}"#] {
            assert!(malformed(list).error.remedy.contains("report this"), "{list}");
        }
        assert_eq!(verdict.next, Next::Retry { after: None, attempts: Some(3) });
    }
}
