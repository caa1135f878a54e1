//! Text for people: results on standard output, notes and errors on standard error.

use std::fmt;
use std::io::{self, Write};

use clap::ValueEnum;
use connector_api::ConnectorError;
use serde::Serialize;

use super::paragraph::reflowed;
use super::screen;
use connector_host::output::{Destination, cell_text};

/// The format of a command's output.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum AnswerFormat {
    /// Plain text
    #[value(alias = "table")]
    Text,
    /// JSON, with every field
    Json,
}

/// The format of an answer that is a table as well.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SheetFormat {
    /// Plain text
    #[value(alias = "table")]
    Text,
    /// JSON, with every field
    Json,
    /// CSV, safe to open in a spreadsheet
    Csv,
}

/// Prints a result. A reader that has stopped has all it wanted, so this is not a failure.
pub(super) fn text(text: &str) -> Result<(), ConnectorError> {
    Out.write_all(text.as_bytes()).and_then(|()| Out.flush()).map_err(|error| unwritten(&error))
}

/// Standard output, whose reader may stop.
struct Out;

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match io::stdout().lock().write_all(bytes) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match io::stdout().lock().flush() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

fn unwritten(error: &io::Error) -> ConnectorError {
    let mut error = Destination::Stdout.write_error(error);
    error.remedy = "free space, or redirect the output elsewhere".to_owned();
    error
}

/// Prints a page to read, as wide as the terminal or `COLUMNS`; elsewhere lines are as long as they are.
pub(super) fn page(page: &str) -> Result<(), ConnectorError> {
    match screen::of_results() {
        Some(width) => text(&reflowed(page, width)),
        None => text(page),
    }
}

/// Prints a result as indented JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), ConnectorError> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| ConnectorError::internal(format!("the result cannot be written as JSON: {error}")))?;
    text(&(json + "\n"))
}

/// Prints a result as CSV.
pub(super) fn csv(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<(), ConnectorError> {
    let mut sheet = Sheet::open(heading)?;
    rows.into_iter().try_for_each(|row| sheet.row(&row))?;
    sheet.end()
}

/// A result as CSV, of which no more than a few rows are in memory. Cells that a spreadsheet would run as a formula begin with
/// `'`.
pub(super) struct Sheet(csv::Writer<Out>);

impl Sheet {
    /// Prints the heading.
    pub(super) fn open(heading: &[&str]) -> Result<Self, ConnectorError> {
        text("\u{feff}")?;
        let mut sheet = csv::WriterBuilder::new();
        let mut sheet = sheet.terminator(csv::Terminator::CRLF).buffer_capacity(1 << 16).from_writer(Out);
        sheet.write_record(heading).map_err(|error| no_csv(&error))?;
        Ok(Self(sheet))
    }

    /// Prints a row.
    pub(super) fn row(&mut self, cells: &[String]) -> Result<(), ConnectorError> {
        self.0.write_record(cells.iter().map(|cell| cell_text(cell).into_owned())).map_err(|error| no_csv(&error))
    }

    /// Prints what is still in memory.
    pub(super) fn end(mut self) -> Result<(), ConnectorError> {
        self.0.flush().map_err(|error| unwritten(&error))
    }
}

fn no_csv(error: &csv::Error) -> ConnectorError {
    match error.kind() {
        csv::ErrorKind::Io(error) => unwritten(error),
        _ => ConnectorError::internal(format!("the result cannot be written as CSV: {error}")),
    }
}

/// Writes a line to standard error. A closed standard error is not a failure.
pub(super) fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a sentence to standard error, as wide as the summary before it.
pub(super) fn said(sentence: &str) {
    note(reflowed(&printable(sentence), screen::width()).trim_end());
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
    for_reading(&format!("{kind}[{code}]: {}\nhelp: {}", printable(message), printable(remedy)));
}

/// Prints a warning of a summary, which has no separate help.
pub(super) fn remark(warning: &str) {
    for_reading(&format!("warning: {}", printable(warning)));
}

/// Writes to standard error, as wide as the terminal where there is one.
fn for_reading(text: &str) {
    match screen::of_errors() {
        Some(width) => note(reflowed(text, width).trim_end()),
        None => note(text),
    }
}

/// The text on one line and without characters that would steer the terminal, turn the direction of writing, end the
/// line or take no room.
pub(super) fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{200b}'..='\u{200f}' | '\u{2066}'..='\u{2069}')
    };
    let is_unseen = |c: char| matches!(c, '\u{ad}' | '\u{180e}' | '\u{2060}'..='\u{2065}' | '\u{feff}');
    text.chars().filter(|c| !is_unseen(*c)).map(|c| if steers(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}d 🦀"), "a [31mb c d 🦀");
        assert_eq!(printable("a\u{2028}b\u{2029}c\u{200b}d\u{200f}e\u{61c}f\u{feff}g\u{ad}h"), "a b c d e fgh");
    }
}
