//! The width of the terminal, in columns.

use console::Term;

/// The width if neither the terminal nor `COLUMNS` gives one.
const DEFAULT: usize = 100;

/// The smallest and largest width used: `COLUMNS` can be any number.
const MIN: usize = 30;
const MAX: usize = 400;

/// The width for standard error, whether or not it is a terminal.
pub(super) fn width() -> usize {
    said().or_else(|| of(&Term::stderr())).unwrap_or(DEFAULT)
}

/// The width of standard error if it is a terminal; elsewhere scripts rely on one line per message.
pub(super) fn of_errors() -> Option<usize> {
    let term = Term::stderr();
    term.is_term().then(|| said().or_else(|| of(&term)).unwrap_or(DEFAULT))
}

/// The width of the help of a command.
pub(super) fn of_help() -> usize {
    of_results().unwrap_or(DEFAULT).min(DEFAULT)
}

/// The width of pages and tables on standard output: of the terminal, or by `COLUMNS`; otherwise lines are as long as they
/// are.
pub(super) fn of_results() -> Option<usize> {
    said().or_else(|| of(&Term::stdout()))
}

fn of(term: &Term) -> Option<usize> {
    term.size_checked().map(|(_, columns)| within(usize::from(columns)))
}

/// The value of `COLUMNS`.
fn said() -> Option<usize> {
    columns(&std::env::var("COLUMNS").ok()?)
}

fn columns(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|columns| *columns > 0).map(within)
}

fn within(columns: usize) -> usize {
    columns.clamp(MIN, MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_environment_says_the_columns_are_a_width_to_write_in() {
        for (text, expected) in
            [("80", Some(80)), ("1", Some(30)), ("99999999999", Some(400)), ("0", None), ("-5", None), ("wide", None)]
        {
            assert_eq!(columns(text), expected, "{text}");
        }
    }
}
