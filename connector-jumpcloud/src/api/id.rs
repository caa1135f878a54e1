//! The ids of JumpCloud's objects.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::client::Identified;

/// The id of a JumpCloud object: checked, so that it can enter a path, and small, since a scan holds millions.
///
/// JumpCloud's ids are 24 lower-case hexadecimal digits. Other ids are accepted if they are harmless: at most 64 letters,
/// digits, `-` and `_`. An id of hexadecimal digits and hyphens is compared without case, and keeps the case it was received
/// in.
#[derive(Clone)]
pub(crate) struct Id(Inner);

#[derive(Clone)]
enum Inner {
    Object([u8; 12]),
    Other(Box<Other>),
}

/// Boxed as a whole, to keep the usual id small.
#[derive(Clone)]
struct Other {
    text: String,
    /// The same text in one case, if case does not matter.
    folded: Option<String>,
}

impl Other {
    fn key(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.text)
    }
}

impl Id {
    /// The form that is equal for equal ids.
    fn key(&self) -> Key<'_> {
        match &self.0 {
            Inner::Object(bytes) => Key::Object(*bytes),
            Inner::Other(other) => object_id(other.key()).map_or(Key::Other(other.key()), Key::Object),
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Object([u8; 12]),
    Other(&'a str),
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Inner::Object(one), Inner::Object(other)) => one == other,
            _ => self.key() == other.key(),
        }
    }
}

impl Eq for Id {}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Inner::Object(one), Inner::Object(other)) => one.cmp(other),
            _ => self.key().cmp(&other.key()),
        }
    }
}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.key() {
            Key::Object(bytes) => state.write(&bytes),
            Key::Other(text) => text.hash(state),
        }
    }
}

/// An id that must not enter a path. Its text is not shown, because a target can send anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnsafeId {
    characters: usize,
}

impl fmt::Display for UnsafeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id is 1 to 64 letters, digits, - or _, and not these {} characters", self.characters)
    }
}

impl FromStr for Id {
    type Err = UnsafeId;

    fn from_str(text: &str) -> Result<Self, UnsafeId> {
        if let Some(object) = object_id(text) {
            return Ok(Self(Inner::Object(object)));
        }
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !text.is_empty() && text.len() <= 64 && text.bytes().all(harmless) {
            let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
            let folded =
                (hexadecimal && text.bytes().any(|byte| byte.is_ascii_uppercase())).then(|| text.to_lowercase());
            return Ok(Self(Inner::Other(Box::new(Other { text: text.to_owned(), folded }))));
        }
        Err(UnsafeId { characters: text.chars().count() })
    }
}

fn object_id(text: &str) -> Option<[u8; 12]> {
    let digits: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let mut id = [0; 12];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex(pair[0])? << 4 | hex(pair[1])?;
    }
    Some(id)
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn digits(object: &[u8; 12]) -> [u8; 24] {
    let mut digits = [0; 24];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(object) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    digits
}

impl Id {
    /// Its text, as `to_string` makes it, but faster: a scan needs millions.
    pub(crate) fn to_text(&self) -> String {
        match &self.0 {
            Inner::Object(object) => std::str::from_utf8(&digits(object)).unwrap_or_default().to_owned(),
            Inner::Other(other) => other.text.clone(),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Object(object) => f.write_str(std::str::from_utf8(&digits(object)).unwrap_or_default()),
            Inner::Other(other) => f.write_str(&other.text),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(IdVisitor)
    }
}

/// The id of a row: `_id` on V1, `id` on V2, and on some endpoints both.
#[derive(Default, serde::Deserialize)]
struct Ids {
    #[serde(default, rename = "_id")]
    v1: Value,
    #[serde(default, rename = "id")]
    v2: Value,
}

impl Ids {
    fn read<E: de::Error>(&self) -> Result<Id, E> {
        let id = self.v1.as_str().or(self.v2.as_str()).ok_or_else(|| E::missing_field("_id"))?;
        id.parse().map_err(E::custom)
    }
}

/// For `#[serde(flatten, with = "own_id")]` on a row's own id, before any other flattened field.
pub(crate) mod own_id {
    use super::{Deserialize, Deserializer, Id, Ids, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        Ids::deserialize(deserializer)?.read()
    }

    pub(crate) fn serialize<S: Serializer>(id: &Id, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("_id", id)])
    }
}

/// A row of which only the id is read.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct IdOnly {
    #[serde(flatten, with = "own_id")]
    pub(crate) id: Id,
}

impl Identified for IdOnly {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::Attributes;
    use serde_json::json;

    use super::super::lenient;
    use super::*;

    #[derive(Debug, serde::Deserialize, Serialize)]
    struct Row {
        #[serde(flatten, with = "own_id")]
        id: Id,
        #[serde(flatten, serialize_with = "lenient::ser_fields")]
        rest: Attributes,
    }

    #[test]
    fn the_id_is_read_under_either_name_and_under_both() {
        let id = "5f0000000000000000000001";
        for row in [json!({"_id": id}), json!({"id": id}), json!({"id": 7, "_id": id}), json!({"_id": null, "id": id})]
        {
            assert_eq!(serde_json::from_value::<Row>(row.clone()).unwrap().id.to_string(), id, "{row}");
        }
        for row in [json!({"name": "x"}), json!({"_id": "../x"}), json!({"id": 7})] {
            assert!(serde_json::from_value::<Row>(row.clone()).is_err(), "{row}");
        }
    }

    #[test]
    fn a_row_survives_a_checkpoint() {
        let wire = json!({"id": "5f0000000000000000000001", "name": "x", "more": {"a": [1, null]}, "none": null});
        let row: Row = serde_json::from_value(wire).unwrap();
        let again: Row = serde_json::from_value(serde_json::to_value(&row).unwrap()).unwrap();
        assert_eq!((&again.id, &again.rest), (&row.id, &row.rest));
        assert_eq!(again.rest, Attributes::from([("name", json!("x")), ("more", json!({"a": [1, null]}))]));
    }

    #[test]
    fn an_id_prints_as_it_was_read() {
        for text in ["5f0000000000000000000abc", "5F0000000000000000000ABC", "x-1_y"] {
            let id: Id = text.parse().unwrap();
            assert_eq!((id.to_string(), id.to_text()), (text.to_owned(), text.to_owned()));
        }
        assert_eq!(size_of::<Id>(), 16);
    }

    #[test]
    fn hexadecimal_ids_are_the_same_in_any_case_and_others_are_not() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        let hasher = hashbrown::DefaultHashBuilder::default();
        for (one, other) in [
            ("5f0000000000000000000abc", "5F0000000000000000000ABC"),
            ("0123abcd-0000-4000-8000-00000000000f", "0123ABCD-0000-4000-8000-00000000000F"),
        ] {
            let (one, other) = (id(one), id(other));
            assert_eq!(one, other);
            assert_eq!(one.cmp(&other), Ordering::Equal);
            let hash = |id: &Id| std::hash::BuildHasher::hash_one(&hasher, id);
            assert_eq!(hash(&one), hash(&other));
        }
        assert_ne!(id("abX"), id("abx"));
        assert!(id("5F0000000000000000000ABC") < id("5f0000000000000000000abd"));
    }

    #[test]
    fn what_could_change_a_path_is_no_id() {
        for text in ["", "..", "../users", "a/b", "a%2fb", "a?b", "a b", "a\n", "é", &"a".repeat(65)] {
            let error = text.parse::<Id>().unwrap_err().to_string();
            assert!(text.len() < 2 || !error.contains(text), "{error}");
        }
    }
}
