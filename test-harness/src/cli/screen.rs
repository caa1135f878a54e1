//! How many columns there are to write in.

use console::Term;

/// The columns where neither a terminal nor `COLUMNS` says how many.
const DEFAULT: usize = 100;

/// The least columns that text is laid out for, and the most: `COLUMNS` may say anything.
const MIN: usize = 30;
const MAX: usize = 400;

/// The columns of standard error, whoever reads it.
pub(super) fn width() -> usize {
    said().or_else(|| of(&Term::stderr())).unwrap_or(DEFAULT)
}

/// The columns of standard error where it is a terminal. Scripts rely on one line for each thing elsewhere.
pub(super) fn of_errors() -> Option<usize> {
    of_terminal(&Term::stderr())
}

/// The columns of standard output where it is a terminal.
pub(super) fn of_results() -> Option<usize> {
    of_terminal(&Term::stdout())
}

fn of_terminal(term: &Term) -> Option<usize> {
    term.is_term().then(|| said().or_else(|| of(term)).unwrap_or(DEFAULT))
}

fn of(term: &Term) -> Option<usize> {
    term.size_checked().map(|(_, columns)| within(usize::from(columns)))
}

/// What `COLUMNS` says.
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
