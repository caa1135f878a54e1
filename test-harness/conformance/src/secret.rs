//! Whether a secret shows in a text.

use std::cmp::Reverse;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connector_api::secrecy::{ExposeSecret, SecretString};

/// How much is quoted before a secret and after it, in characters.
const QUOTED: usize = 40;

/// Where the first of these secrets shows in a text, as it is or in Base64: what stands around it, with a mask in the place
/// of each secret that has its number, from 1. A secret that is empty shows nowhere.
pub(super) fn shown_in(secrets: &[SecretString], text: &str) -> Option<String> {
    let forms = Forms::of(secrets);
    let (before, mask, after) = forms.first(text)?;
    let start = before.char_indices().rev().nth(QUOTED - 1).map_or(0, |(start, _)| start);
    let after = forms.masked(after);
    let end = after.char_indices().nth(QUOTED).map_or(after.len(), |(end, _)| end);
    let quoted = format!("{}{mask}{}", &before[start..], &after[..end]);
    Some(quoted.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Each form in which a secret may show, and its mask.
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

    /// What stands before the first secret, the mask for it, and what stands after it. One may begin with another: then it
    /// is the longer one.
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
    fn what_stands_around_a_secret_is_quoted_and_no_secret_is() {
        assert_eq!(shown("nothing of that kind"), None);
        assert_eq!(shown("x-key: geheim\nis refused").as_deref(), Some("x-key: ‹secret 1› is refused"));
        assert_eq!(shown("geheim-2 and Z2VoZWlt").as_deref(), Some("‹secret 3› and ‹secret 1 in Base64›"));
        let long = format!("{}geheim{}geheim", "ä".repeat(50), "ö".repeat(39));
        let quoted = format!("{}‹secret 1›{}‹", "ä".repeat(40), "ö".repeat(39));
        assert_eq!(shown(&long), Some(quoted));
    }
}
