//! Cleaning of foreign text: one line, printable, short, and without secrets.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

/// The maximum length of a line, in characters. Longer text from the wire is cut.
const LONGEST: usize = 200;

/// A number as texts for operators show it, such as `31,080`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Removes secrets from text.
#[derive(Debug, Clone, Default)]
pub struct Scrubber(Vec<SecretString>);

impl Scrubber {
    /// Creates a scrubber for these secrets.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self(secrets.into_iter().filter(|secret| !secret.expose_secret().is_empty()).collect())
    }

    /// Returns a scrubber for one more secret.
    pub fn and(&self, secret: Option<SecretString>) -> Self {
        Self::new(self.0.iter().cloned().chain(secret))
    }

    /// Returns `text` as one short printable line without secrets.
    pub fn line(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            text = without(&text, secret.expose_secret());
        }
        let printable = text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c });
        let mut line = String::new();
        for word in printable.collect::<String>().split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            if line.chars().count() > LONGEST {
                line = line.chars().take(LONGEST).collect();
                line.push('…');
                break;
            }
        }
        line
    }
}

/// The chain of causes of a library's error, as text, since such an error may contain an address with a secret.
#[derive(Debug)]
pub(crate) struct Cause(String);

impl Cause {
    /// Joins an error and its causes, the error first.
    pub(crate) fn of(error: &dyn StdError, scrub: &Scrubber) -> Self {
        let causes = std::iter::successors(Some(error), |error: &&dyn StdError| (*error).source());
        Self(causes.map(|cause| scrub.line(&cause.to_string())).collect::<Vec<_>>().join(": "))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

/// Formats a duration in the largest unit that is accurate to a tenth, rounded up: whoever waits that long has waited enough.
pub(crate) fn spoken(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ ..=600 => format!("{seconds} s"),
        seconds @ ..=36_000 => format!("{} min", seconds.div_ceil(60)),
        seconds @ ..=864_000 => format!("{} h", seconds.div_ceil(3600)),
        seconds => format!("{} days", seconds.div_ceil(86_400)),
    }
}

/// Replaces every `secret` in `text`, ignoring case: a host name, for example, is in lower case.
fn without(text: &str, secret: &str) -> String {
    let (folded, secret) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, found) in folded.match_indices(&secret) {
        clean.push_str(&text[rest..at]);
        clean.push_str("(secret)");
        rest = at + found.len();
    }
    clean.push_str(&text[rest..]);
    clean
}

/// Returns whether a character changes how the text around it is displayed.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (31_080, "31,080"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_wait_is_shown_in_a_unit_that_is_easy_to_read() {
        for (seconds, said) in [
            (7, "7 s"),
            (3600, "60 min"),
            (3601, "61 min"),
            (9999, "167 min"),
            (36_001, "11 h"),
            (86_400, "24 h"),
            (100_000, "28 h"),
            (31_536_000, "365 days"),
            (31_536_001, "366 days"),
        ] {
            assert_eq!(spoken(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn foreign_text_becomes_one_short_line_without_the_secret() {
        let scrub = Scrubber::new([SecretString::from("hunter2")]);
        assert_eq!(scrub.line("a\r\n\u{1b}[31mhunter2\u{202e} b"), "a [31m(secret) b");
        assert_eq!(scrub.line("http://HUNTER2.example/Hunter2hunter2"), "http://(secret).example/(secret)(secret)");
        assert_eq!(scrub.line(&"x".repeat(5000)).chars().count(), LONGEST + 1);
    }
}
