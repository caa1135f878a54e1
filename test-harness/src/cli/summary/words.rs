//! What things are called in the summary.

use connector_api::{Access, Section};

use crate::cli::print::printable;

/// What a section holds.
pub(super) const fn section(section: Section) -> &'static str {
    match section {
        Section::Users => "users",
        Section::Groups => "groups",
        Section::Memberships => "memberships",
        Section::Administrators => "administrators",
        Section::Systems => "devices",
        Section::Applications => "applications",
        Section::Directories => "directories",
        Section::Grants => "who reaches what",
        Section::LastLogin => "last logins",
        _ => "other things",
    }
}

/// The same, with the word by which settings and the table of sections know it, where that is another.
pub(super) fn section_with_name(of: Section) -> String {
    let words = section(of);
    if words == of.as_str() { words.to_owned() } else { format!("{words} ({of})") }
}

/// What an access allows: `to administer (sudo without password)`.
pub(super) fn access(access: &Access) -> String {
    format!("to {} ({})", access.level, printable(&spaced(&access.word)))
}

/// A group or resource type in plain words, for `count` of them: `JUMPCLOUD_USER_GROUP` of JumpCloud are user groups.
pub(super) fn kind(word: &str, os_type: &str, count: u64) -> String {
    let spaced = if word.contains('_') {
        let of_target = format!("{}_", os_type.to_uppercase());
        word.strip_prefix(of_target.as_str()).unwrap_or(word).replace('_', " ").to_lowercase()
    } else {
        spaced(word)
    };
    // The contract's word for a device.
    let words = match spaced.strip_prefix("system") {
        Some(rest) if rest.is_empty() || rest.starts_with(' ') => format!("device{rest}"),
        _ => spaced,
    };
    match words.strip_suffix('y') {
        _ if count == 1 || !words.ends_with(char::is_alphabetic) => words,
        Some(stem) => format!("{stem}ies"),
        None => format!("{words}s"),
    }
}

/// `activeDirectory` as `active directory`.
fn spaced(word: &str) -> String {
    let mut words = String::new();
    for letter in word.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// The text with its first letter large.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_plain_words() {
        for (word, count, words) in [
            ("JUMPCLOUD_USER_GROUP", 24, "user groups"),
            ("JUMPCLOUD_ADMIN_ROLE", 1, "admin role"),
            ("SCIM_GROUP", 2, "scim groups"),
            ("system", 60, "devices"),
            ("systemGroup", 5, "device groups"),
            ("activeDirectory", 2, "active directories"),
            ("office365", 2, "office365"),
        ] {
            assert_eq!(kind(word, "JumpCloud", count), words);
        }
    }
}
