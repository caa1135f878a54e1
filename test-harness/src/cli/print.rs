//! Text for people: results on standard output, notes and errors on standard error.

use std::fmt;
use std::io::{self, Write};

use connector_api::ConnectorError;
use serde::Serialize;

use connector_host::output::Destination;

/// Prints a result.
pub(super) fn text(text: &str) -> Result<(), ConnectorError> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Destination::Stdout.write_error(&error))
}

/// Prints a result as indented JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), ConnectorError> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| ConnectorError::internal(format!("the result is no JSON: {error}")))?;
    text(&(json + "\n"))
}

/// Says something on standard error. That nobody reads it is no failure.
pub(super) fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an error and what to do.
pub(super) fn error(error: &ConnectorError) {
    problem("error", error);
}

/// Prints a warning and what to do.
pub(super) fn warning(error: &ConnectorError) {
    problem("warning", error);
}

fn problem(kind: &str, error: &ConnectorError) {
    let ConnectorError { code, message, remedy, .. } = error;
    note(format_args!("{kind}[{code}]: {}\nhelp: {}", printable(message), printable(remedy)));
}

/// The text on one line and without characters that would steer the terminal or turn the direction of writing.
pub(super) fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}d 🦀"), "a [31mb c d 🦀");
    }
}
