//! The words of rows as people read them.

use connector_api::{Access, AccessLevel, Severity};
use maud::{Markup, html};

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

/// Parts of words that are written in capitals.
const ACRONYMS: [&str; 10] = ["api", "id", "ldap", "mfa", "os", "radius", "sso", "ssh", "url", "vpn"];

/// A word of code as words, such as `sudoWithoutPassword` as *sudo without password* and `LDAP_GROUP` as *LDAP group*.
pub(crate) fn spaced(word: &str) -> String {
    let mut shown = String::new();
    let is_constant = !word.chars().any(char::is_lowercase);
    for letter in word.chars() {
        match letter {
            '_' | '-' => shown.push(' '),
            letter if letter.is_uppercase() && !is_constant => {
                shown.push(' ');
                shown.extend(letter.to_lowercase());
            }
            letter => shown.extend(letter.to_lowercase()),
        }
    }
    let words = shown.split_whitespace().map(|word| match ACRONYMS.contains(&word) {
        true => word.to_uppercase(),
        false => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
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
    fn words_of_code_become_words() {
        let spaced = |word| super::spaced(word);
        assert_eq!(spaced("sudoWithoutPassword"), "sudo without password");
        assert_eq!(spaced("JUMPCLOUD_USER_GROUP"), "jumpcloud user group");
        assert_eq!([spaced("lastLogin"), spaced("ldapServer"), spaced("sso")], ["last login", "LDAP server", "SSO"]);
        let access = Access::of_word(AccessLevel::Administer, "sudoWithoutPassword");
        assert_eq!(level(&access), "administrator without a password");
        assert_eq!(level(&Access::of_word(AccessLevel::Use, "login")), "sign in");
    }
}
