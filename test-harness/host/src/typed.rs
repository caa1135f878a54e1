//! Texts that somebody types, and others read later: names of systems, reasons, names of people.
//!
//! What comes from a target is kept as it is, and shown safely. What somebody types here is refused instead, where it is typed.

use connector_api::ConnectorError;

/// The most characters of the name of a system, or of somebody.
pub const MAX_NAME: usize = 200;

/// Whether a character ends a line, steers a terminal, changes the order of what is around it, or cannot be seen.
fn is_odd(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            // The joiners are left out: scripts and emojis need them.
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

/// Returns what is wrong with a text that may have `most` characters and is not empty, as it follows the name of a field.
pub fn problem(text: &str, most: usize) -> Option<String> {
    if text.trim().is_empty() {
        return Some("must not be empty".to_owned());
    }
    let odd = text.chars().find(|letter| is_odd(*letter));
    match odd {
        Some('\n' | '\r' | '\u{2028}' | '\u{2029}') => return Some("must be one line".to_owned()),
        Some(letter) => {
            return Some(format!("must not have the character U+{:04X}, which cannot be seen", u32::from(letter)));
        }
        None => {}
    }
    (text.chars().count() > most).then(|| format!("must have at most {most} characters"))
}

/// Refuses a text that has a [`problem`]. `what` is the name of the field.
///
/// # Errors
/// `invalid_config`, without the text.
pub fn check(what: &str, text: &str, most: usize) -> Result<(), ConnectorError> {
    match problem(text, most) {
        None => Ok(()),
        Some(why) => Err(ConnectorError::invalid_config(
            format!("{what} {why}"),
            "write one line of letters, digits and signs that can be seen",
        )),
    }
}

/// Returns a text of a target as somebody could have typed it: a blank for each odd character, and no more than `most`.
pub fn cleaned(text: &str, most: usize) -> String {
    let text: String = text.chars().map(|letter| if is_odd(letter) { ' ' } else { letter }).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(most).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_typed_is_one_line_that_can_be_seen() {
        let long = "ä".repeat(9);
        for right in ["hq", "HQ / Zürich (2)", "الحسن", "👩\u{200d}💻", "می\u{200c}خواهم", &long] {
            assert_eq!(problem(right, 20), None, "{right}");
        }
        for (wrong, why) in [
            ("", "must not be empty"),
            (" \t ", "must not be empty"),
            ("a\nb", "must be one line"),
            ("a\u{2028}b", "must be one line"),
            ("a\0b", "must not have the character U+0000, which cannot be seen"),
            ("a\u{1b}[31mb", "must not have the character U+001B, which cannot be seen"),
            ("a\u{202e}b", "must not have the character U+202E, which cannot be seen"),
            ("a\u{2066}b", "must not have the character U+2066, which cannot be seen"),
            ("a\u{200b}b", "must not have the character U+200B, which cannot be seen"),
            ("ääää", "must have at most 3 characters"),
        ] {
            assert_eq!(problem(wrong, 3).unwrap(), why, "{wrong:?}");
        }
    }

    #[test]
    fn a_text_of_a_target_is_cleaned_until_nothing_is_wrong_with_it() {
        assert_eq!(cleaned("a\r\n b\u{202e}\u{0}c", 10), "a b c");
        let cut = cleaned(&"long name ".repeat(100), 10);
        assert_eq!(cut, "long name");
        assert_eq!(problem(&cut, 10), None);
        assert_eq!(cleaned("\u{202e}", 10), "");
    }
}
