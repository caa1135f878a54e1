//! Responses with status 200 that cannot be read or are too large.

use connector_api::{ConnectorError, ErrorCode};

use super::refusal::{Form, REPORT, Said};
use super::text::Scrubber;
use super::verdict::Verdict;
use super::words::Words;

/// The maximum number of attempts at a response that cannot be read.
const MALFORMED_ATTEMPTS: u32 = 3;

/// Judges a response with status 200 that cannot be read as expected.
pub(super) fn of_malformed(
    what: &str,
    why: impl std::fmt::Display,
    body: &[u8],
    scrub: &Scrubber,
    words: &Words,
) -> Verdict {
    let said = Said::read(body, scrub, words);
    let (start, remedy) = match said.form {
        Form::WebPage => (" (a web page, as gateways and login pages send it)".to_owned(), words.elsewhere()),
        Form::Object => (format!(": it says{said}"), words.later()),
        Form::List => (String::new(), REPORT.to_owned()),
        Form::Text => (String::new(), words.elsewhere()),
    };
    let message = format!("the response to {what} could not be read{start}: {}", scrub.line(&why.to_string()));
    let error = ConnectorError::new(ErrorCode::MalformedResponse, message, remedy);
    Verdict::retry(error, Some(MALFORMED_ATTEMPTS))
}

/// Judges a response that is larger than accepted.
pub(super) fn of_too_large(what: &str, limit: usize, words: &Words) -> Verdict {
    Verdict::fail(ConnectorError::new(
        ErrorCode::ResponseTooLarge,
        format!("the response to {what} is larger than {} MiB", limit / (1024 * 1024)),
        words.smaller(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Next;

    #[test]
    fn only_a_response_of_something_else_than_the_target_puts_the_host_name_in_doubt() {
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
