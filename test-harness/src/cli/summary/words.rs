//! The words of the summary.

use connector_api::{Access, Section};
use connector_host::words;
pub(super) use connector_host::words::spaced;
use indicatif::HumanCount;

use crate::cli::paragraph::GLUE;

use crate::cli::print::printable;

/// A section's content in plain words.
pub(super) fn section(section: Section) -> String {
    let known = match section {
        Section::USERS => "users",
        Section::GROUPS => "groups",
        Section::MEMBERSHIPS => "memberships",
        Section::ADMINISTRATORS => "administrators",
        Section::SYSTEMS => "devices",
        Section::APPLICATIONS => "applications",
        Section::DIRECTORIES => "directories",
        Section::GRANTS => "who reaches what",
        Section::LAST_LOGIN => "last logins",
        other => return spaced(other.as_str()),
    };
    known.to_owned()
}

/// Whether the name of one section includes the other: effective grants are part of who reaches what.
pub(super) fn covers(one: Section, other: Section) -> bool {
    one == Section::GRANTS && is_effective(other)
}

/// Whether a section holds effective grants, which follow from bindings and are no evidence by themselves.
pub(super) fn is_effective(section: Section) -> bool {
    [Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS].contains(&section)
}

/// The same, followed by the section's name if that is different.
pub(super) fn section_with_name(of: Section) -> String {
    let words = section(of);
    if words == of.as_str() { words } else { format!("{words} ({of})") }
}

/// What an access allows: `to administer (sudo without password)`.
pub(super) fn access(access: &Access) -> String {
    format!("to {} ({})", access.level, printable(&spaced(&access.word)))
}

/// A group or resource type in plain words, for `count` of them: `JUMPCLOUD_USER_GROUP` becomes `user groups`.
pub(in crate::cli) fn kind(word: &str, os_type: &str, count: u64) -> String {
    let of_target = format!("{}_", os_type.to_uppercase());
    let words = words::of_type(word.strip_prefix(of_target.as_str()).unwrap_or(word));
    if count == 1 { words } else { words::several(&words) }
}

/// `1 account`, `2 accounts`, not broken across lines.
pub(super) fn counted(count: u64, thing: &str) -> String {
    format!("{}{GLUE}{thing}{}", HumanCount(count), if count == 1 { "" } else { "s" })
}

/// A name in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\\\""))
}

/// `a`, `a and b`, `a, b and c`.
pub(in crate::cli) fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// The text with a capital first letter.
pub(in crate::cli) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_things_and_a_name_does_not_end_its_own_quotes() {
        assert_eq!(counted(1, "account").replace(GLUE, " "), "1 account");
        assert_eq!(counted(1234, "account").replace(GLUE, " "), "1,234 accounts");
        assert_eq!(quoted("a\": b"), r#""a\": b""#);
    }

    #[test]
    fn types_are_plain_words() {
        for (word, count, words) in [
            ("JUMPCLOUD_USER_GROUP", 24, "user groups"),
            ("JUMPCLOUD_ADMIN_ROLE", 1, "admin role"),
            ("SCIM_GROUP", 2, "SCIM groups"),
            ("system", 60, "devices"),
            ("systemGroup", 5, "device groups"),
            ("activeDirectory", 2, "Active Directories"),
            ("office365", 2, "Microsoft 365"),
            ("gSuite", 1, "Google Workspace"),
            ("identityDirectory", 2, "identity directories"),
        ] {
            assert_eq!(kind(word, "JumpCloud", count), words);
        }
    }
}
