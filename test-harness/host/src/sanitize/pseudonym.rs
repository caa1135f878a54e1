//! Texts that stand for others: of the same shape, and never one that is a word.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Number;
use sha2::Sha256;

/// Letters that follow each other directly. So no word of four letters is in a pseudonym, not even by chance.
const LETTERS_IN_A_ROW: u32 = 3;

/// What a pseudonym must vary by, in bits, so that among a million no two are the same: what a short text lacks is appended.
const BITS: f64 = 64.0;

/// Pseudonyms that depend on a secret.
pub(super) struct Pseudonyms {
    key: Hmac<Sha256>,
}

impl Pseudonyms {
    pub(super) fn new(secret: &SecretString) -> Self {
        let key = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.expose_secret().as_bytes());
        // A key of any length is taken.
        Self { key: key.unwrap_or_else(|_| Hmac::new(&Default::default())) }
    }

    /// A text with letters, digits and signs where `text` has them, and as long if that is enough to be unique. An empty one
    /// stays so.
    pub(super) fn text(&self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let mut choices = Choices::new(self.key.clone(), text);
        let is_hex = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut pseudonym: String = text.chars().map(|letter| choices.in_place_of(letter, is_hex)).collect();
        if choices.bits < BITS {
            pseudonym.push('-');
            choices.letters = 0;
            while choices.bits < BITS {
                pseudonym.push(choices.in_place_of('x', false));
            }
        }
        pseudonym
    }

    /// A word of a letter and digits.
    pub(super) fn word(&self, text: &str) -> String {
        let mut choices = Choices::new(self.key.clone(), text);
        let mut word = "s".to_owned();
        while choices.bits < BITS {
            word.push(choices.of(b"0123456789"));
        }
        word
    }

    /// A number of as many digits. One of a single digit stays: it is a switch or a small count.
    pub(super) fn number(&self, number: &Number) -> Number {
        let text = number.to_string();
        if !number.is_i64() && !number.is_u64() {
            let mut choices = Choices::new(self.key.clone(), &text);
            return Number::from_f64(f64::from(choices.below(10_000)) / 8.0).unwrap_or_else(|| 0.into());
        }
        let digits = text.trim_start_matches('-').len().min(18);
        if digits < 2 {
            return number.clone();
        }
        let mut choices = Choices::new(self.key.clone(), &text);
        let value =
            (1..digits).fold(1 + i64::from(choices.below(9)), |value, _| value * 10 + i64::from(choices.below(10)));
        if text.starts_with('-') { (-value).into() } else { value.into() }
    }
}

/// Choices that follow from the key and a text.
struct Choices {
    key: Hmac<Sha256>,
    bytes: Vec<u8>,
    /// How many bytes were used of the current block, and its number.
    used: usize,
    block: u32,
    /// Letters written directly before.
    letters: u32,
    /// What was chosen, in bits.
    bits: f64,
}

impl Choices {
    fn new(mut key: Hmac<Sha256>, text: &str) -> Self {
        key.update(text.as_bytes());
        Self { key, bytes: Vec::new(), used: 0, block: 0, letters: 0, bits: 0.0 }
    }

    /// A number below `limit`, which is at most 10,000.
    fn below(&mut self, limit: u32) -> u32 {
        let mut value: u32 = 0;
        // Far more than `limit`, so that none is noticeably more frequent.
        for _ in 0..4 {
            value = value << 8 | u32::from(self.byte());
        }
        self.bits += f64::from(limit).log2();
        value % limit
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.bytes.len() {
            let mut key = self.key.clone();
            // No text has this byte, so that none is another one with a block's number.
            key.update(&[0xff]);
            key.update(&self.block.to_be_bytes());
            self.bytes = key.finalize().into_bytes().to_vec();
            (self.used, self.block) = (0, self.block + 1);
        }
        self.used += 1;
        self.bytes[self.used - 1]
    }

    fn in_place_of(&mut self, letter: char, is_hex: bool) -> char {
        let replaced = match letter {
            '0'..='9' | 'a'..='z' | 'A'..='Z' if self.letters == LETTERS_IN_A_ROW => self.of(b"0123456789"),
            '0'..='9' | 'a'..='f' if is_hex => self.of(b"0123456789abcdef"),
            'A'..='F' if is_hex => self.of(b"0123456789ABCDEF"),
            '0'..='9' => self.of(b"0123456789"),
            'a'..='z' => self.of(b"abcdefghijklmnopqrstuvwxyz"),
            'A'..='Z' => self.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            // Signs, and what is not seen, which may be what a case is about.
            sign if sign.is_ascii() || sign.is_whitespace() || sign.is_control() || is_unseen(sign) => sign,
            other => ['§', '※', '😀'][other.len_utf8() - 2],
        };
        self.letters = match replaced {
            letter if letter.is_ascii_alphabetic() => self.letters + 1,
            // JSON writes a line end as a letter.
            sign => u32::from(sign.is_control()),
        };
        replaced
    }

    fn of(&mut self, alphabet: &[u8]) -> char {
        let limit = u32::try_from(alphabet.len()).unwrap_or(u32::MAX);
        char::from(alphabet[self.below(limit) as usize])
    }
}

/// Characters that change how others are shown.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffd}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use super::*;

    fn pseudonyms(secret: &str) -> Pseudonyms {
        Pseudonyms::new(&SecretString::from(secret))
    }

    #[test]
    fn a_pseudonym_depends_on_the_secret_and_the_text_alone_and_has_its_shape() {
        let (one, other) = (pseudonyms("a"), pseudonyms("b"));
        let name = "Maria Keller-Mustermann, 4th floor";
        assert_eq!(one.text(name), one.text(name));
        assert_ne!(one.text(name), other.text(name));
        assert_eq!(one.text(name).len(), name.len());
        let signs =
            |text: &str| text.chars().map(|c| if c.is_ascii_alphanumeric() { 'x' } else { c }).collect::<String>();
        assert_eq!(signs(&one.text(name)), signs(name));
        assert_eq!(one.text(""), "");
        assert!(
            one.text("会議室 \u{200b}☕\u{0}").starts_with("※※※ \u{200b}※\u{0}-"),
            "{:?}",
            one.text("会議室 \u{200b}☕\u{0}")
        );
        let id = one.text("531123001099c76f00000000");
        assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }

    #[test]
    fn no_pseudonym_has_four_letters_in_a_row_and_none_is_there_twice() {
        let pseudonyms = pseudonyms("secret");
        let mut found = HashSet::new();
        for n in 0..20_000 {
            for text in [format!("{n}"), format!("{n:x}"), format!("administrator\nof {n}"), format!("{n:024x}")] {
                let pseudonym = pseudonyms.text(&text);
                let json = serde_json::to_string(&pseudonym).unwrap();
                let longest = json.split(|c: char| !c.is_alphabetic()).map(str::len).max().unwrap();
                assert!(longest <= 3, "{text}: {pseudonym}");
                found.insert(pseudonym);
            }
        }
        // Numbers up to 9,999 are written alike in both ways only where they have one digit.
        let texts: HashSet<String> = (0..20_000).flat_map(|n| [format!("{n}"), format!("{n:x}")]).collect();
        assert_eq!(found.len(), texts.len() + 2 * 20_000);
    }

    #[test]
    fn a_number_keeps_its_digits_and_its_sign() {
        let pseudonyms = pseudonyms("secret");
        let of = |text: &str| pseudonyms.number(&text.parse::<Number>().unwrap()).to_string();
        assert_eq!(of("7"), "7");
        for text in ["5005", "-42", "12345678"] {
            assert!(of(text).len() == text.len() && of(text) != text, "{text}: {}", of(text));
        }
        assert_eq!(of("18446744073709551615").len(), 18);
        assert_ne!(of("1.5"), "1.5");
    }
}
