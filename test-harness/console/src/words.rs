//! The words of rows as people read them.

use connector_api::{Access, AccessLevel, Severity};
use maud::{Markup, html};

pub(crate) use connector_host::words::spaced;

use crate::text::plain;

/// A shape and colour for a state. The word comes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Good,
    Busy,
    Warn,
    Bad,
    Off,
}

impl Mark {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Off => "off",
        }
    }

    /// The mark with its word.
    pub(crate) fn with(self, word: &str) -> Markup {
        html! { span class={ "mark " (self.class()) } { (word) } }
    }
}

/// A severity as a tag, such as *Critical*.
pub(crate) fn severity(severity: Severity) -> Markup {
    html! { span class={ "severity " (severity.as_str()) } { (title(severity)) } }
}

/// The word of a severity in sentence case.
pub(crate) fn title(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        _ => "Info",
    }
}

/// The level of an access in words.
pub(crate) fn level(access: &Access) -> &'static str {
    match access.level {
        AccessLevel::Administer if access.word.to_lowercase().contains("withoutpassword") => {
            "administrator without a password"
        }
        AccessLevel::Administer => "administrator",
        AccessLevel::Write => "write",
        _ if access.word == "read" => "read",
        _ => "sign in",
    }
}

/// The level with the target's own word beneath.
pub(crate) fn level_cell(access: &Access) -> Markup {
    html! { (capital(level(access))) span.under { code { (plain(&access.word)) } } }
}

/// With a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_for_what_somebody_can_do() {
        let access = Access::of_word(AccessLevel::Administer, "sudoWithoutPassword");
        assert_eq!(level(&access), "administrator without a password");
        assert_eq!(level(&Access::of_word(AccessLevel::Use, "login")), "sign in");
    }
}
