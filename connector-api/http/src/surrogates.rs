//! Lone surrogates in JSON: `"\ud83d"` is legal there, but not text. JavaScript writes it when it cuts an emoji in two.
//! Each becomes U+FFFD, in keys and values; everything else is unchanged.

use memchr::memmem;

/// U+FFFD as an escape. It is as long as the escape that it replaces, so nothing moves.
const REPLACEMENT: &[u8; 6] = br"\ufffd";

/// Returns the JSON without lone surrogates, or `None` if there are none. This is one fast search, since `\u` escapes
/// are rare.
pub(super) fn replaced(json: &[u8]) -> Option<Vec<u8>> {
    let mut altered: Option<Vec<u8>> = None;
    // The end of the escapes that are known to be paired.
    let mut paired = 0;
    for at in memmem::find_iter(json, br"\u") {
        let Some(unit) = unit(json, at) else { continue };
        if at < paired || !(0xd800..0xe000).contains(&unit) || is_escaped(json, at) {
            continue;
        }
        if unit < 0xdc00 && self::unit(json, at + 6).is_some_and(|low| (0xdc00..0xe000).contains(&low)) {
            paired = at + 12;
            continue;
        }
        altered.get_or_insert_with(|| json.to_vec())[at..at + 6].copy_from_slice(REPLACEMENT);
    }
    altered
}

/// Returns the code unit of the escape `\uXXXX` at `at`.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(br"\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | u16::try_from(char::from(*digit).to_digit(16)?).ok()?))
}

/// Returns whether the backslash at `at` is itself escaped, so that it starts no escape.
fn is_escaped(json: &[u8], at: usize) -> bool {
    json[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn read(json: &str) -> Value {
        let replaced = replaced(json.as_bytes());
        serde_json::from_slice(replaced.as_deref().unwrap_or(json.as_bytes())).unwrap()
    }

    #[test]
    fn half_a_character_becomes_u_fffd_in_keys_and_values_and_all_else_stays() {
        assert_eq!(
            read(r#"{"a":"x\ud83d","b\uDE00":["\ude00\ud83d!","\ud83d\ud83d\ude00"],"c":"\u00e9 \\ud83d"}"#),
            json!({"a": "x\u{fffd}", "b\u{fffd}": ["\u{fffd}\u{fffd}!", "\u{fffd}😀"], "c": "é \\ud83d"})
        );
        assert_eq!(read(r#""\\\ud83d""#), json!("\\\u{fffd}"), "after an escaped backslash");
        assert_eq!(read(r#""\ud83d\\ude00""#), json!("\u{fffd}\\ude00"), "the other half is not an escape");
    }

    #[test]
    fn what_has_no_half_is_not_copied() {
        for json in [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""\u00e9""#, "{}", "", r"\u", r#""\ud8"#, r#""\uzzzz""#] {
            assert_eq!(replaced(json.as_bytes()), None, "{json}");
        }
    }
}
