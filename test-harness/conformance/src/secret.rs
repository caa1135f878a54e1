//! Searching for secrets in a text.

use std::cmp::Reverse;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connector_api::secrecy::{ExposeSecret, SecretString};

/// How much text is quoted before and after a secret, in characters.
const QUOTED: usize = 40;

/// Finds the first of these secrets in a text, as it is or in Base64. Returns the text around it, with each secret
/// replaced by a mask with its number, from 1. An empty secret is never found.
pub(super) fn shown_in(secrets: &[SecretString], text: &str) -> Option<String> {
    let forms = Forms::of(secrets);
    let (before, mask, after) = forms.first(text)?;
    let start = before.char_indices().rev().nth(QUOTED - 1).map_or(0, |(start, _)| start);
    let after = forms.masked(after);
    let end = after.char_indices().nth(QUOTED).map_or(after.len(), |(end, _)| end);
    let quoted = format!("{}{mask}{}", &before[start..], &after[..end]);
    Some(quoted.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Each form in which a secret may appear, with its mask.
struct Forms(Vec<(String, String)>);

impl Forms {
    fn of(secrets: &[SecretString]) -> Self {
        let named = (1..).zip(secrets.iter().map(ExposeSecret::expose_secret)).filter(|(_, secret)| !secret.is_empty());
        let forms = named.flat_map(|(number, secret): (usize, &str)| {
            [
                (secret.to_owned(), format!("‹secret {number}›")),
                (STANDARD.encode(secret), format!("‹secret {number} in Base64›")),
            ]
        });
        Self(forms.collect())
    }

    /// Returns the text before the first secret, its mask, and the text after it. If one secret begins with another,
    /// the longer one is found.
    fn first<'t>(&self, text: &'t str) -> Option<(&'t str, &str, &'t str)> {
        let found = self.0.iter().filter_map(|(form, mask)| Some((text.find(form)?, form.len(), mask)));
        let (at, length, mask) = found.min_by_key(|(at, length, _)| (*at, Reverse(*length)))?;
        Some((&text[..at], mask, &text[at + length..]))
    }

    fn masked(&self, mut text: &str) -> String {
        let mut masked = String::new();
        while let Some((before, mask, after)) = self.first(text) {
            masked.push_str(before);
            masked.push_str(mask);
            text = after;
        }
        masked + text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        shown_in(&["geheim", "", "geheim-2"].map(SecretString::from), text)
    }

    #[test]
    fn the_text_around_a_secret_is_quoted_and_no_secret_is() {
        assert_eq!(shown("nothing of that kind"), None);
        assert_eq!(shown("x-key: geheim\nis refused").as_deref(), Some("x-key: ‹secret 1› is refused"));
        assert_eq!(shown("geheim-2 and Z2VoZWlt").as_deref(), Some("‹secret 3› and ‹secret 1 in Base64›"));
        let long = format!("{}geheim{}geheim", "ä".repeat(50), "ö".repeat(39));
        let quoted = format!("{}‹secret 1›{}‹", "ä".repeat(40), "ö".repeat(39));
        assert_eq!(shown(&long), Some(quoted));
    }
}
