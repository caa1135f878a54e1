//! Additional facts of a record: those for which the contract has no field.
//!
//! A scan carries dozens of them for each of a million accounts and reads hardly any. So they are kept as JSON text,
//! which is neither parsed nor rebuilt on its way from the target to the host.

use std::collections::BTreeMap;
use std::fmt;

use memchr::{memchr, memchr2, memmem};
use schemars::JsonSchema;
use serde::de::value::MapDeserializer;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// Additional typed facts, sorted by their name on the target: one JSON object.
///
/// A fact that is `null` is omitted. Attributes serialise as raw JSON text, so they work neither within
/// `#[serde(flatten)]` nor in other formats. Use [`to_map`](Self::to_map) for those.
///
/// ```
/// use connector_api::Attributes;
///
/// let attributes = Attributes::from([("shell", "/bin/sh".into()), ("uid", 5005.into()), ("gid", ().into())]);
/// assert_eq!(attributes.get("uid"), Some(5005.into()));
/// assert_eq!(attributes.as_json(), r#"{"shell":"/bin/sh","uid":5005}"#);
/// ```
#[derive(Clone, Default, JsonSchema)]
#[schemars(inline)]
pub struct Attributes(#[schemars(with = "BTreeMap<String, Value>")] Option<Box<RawValue>>);

impl Attributes {
    /// Creates an empty set of facts.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Returns whether there are no facts.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the whole object, on one line.
    pub fn as_json(&self) -> &str {
        self.0.as_ref().map_or("{}", |json| json.get())
    }

    /// Returns the fact of this name.
    pub fn get(&self, name: &str) -> Option<Value> {
        let (json, name) = (self.0.as_ref()?.get(), before_value(name)?);
        let mut places = memmem::find_iter(json.as_bytes(), &name);
        let at = places.find(|at| is_outermost(&json.as_bytes()[..*at]))?;
        // What follows the value is not read.
        Value::deserialize(&mut serde_json::Deserializer::from_str(&json[at + name.len()..])).ok()
    }

    /// Returns whether the name occurs at all: as that of a fact, or within one at any depth. Faster than to read a fact
    /// that may not be there.
    ///
    /// ```
    /// use connector_api::Attributes;
    ///
    /// let attributes = Attributes::from([("sudo", [("enabled", true)].into_iter().collect::<serde_json::Value>())]);
    /// assert!(attributes.mentions("sudo") && attributes.mentions("enabled") && !attributes.mentions("disabled"));
    /// ```
    pub fn mentions(&self, name: &str) -> bool {
        let Some(json) = &self.0 else { return false };
        // A name that cannot be written is not compared.
        before_value(name).is_none_or(|name| memmem::find(json.get().as_bytes(), name.as_bytes()).is_some())
    }

    /// Returns every fact by its name.
    pub fn to_map(&self) -> BTreeMap<String, Value> {
        serde_json::from_str(self.as_json()).unwrap_or_default()
    }

    /// Creates attributes from JSON text, which is copied without being parsed: the fast way from a target's response.
    /// `values` are those of a row, in the order in which the names were given.
    ///
    /// ```
    /// use connector_api::serde_json::value::RawValue;
    /// use connector_api::{AttributeNames, Attributes};
    ///
    /// let names = AttributeNames::new([("uid", 0), ("shell", 1), ("gid", 2)])?;
    /// let (shell, uid) = (RawValue::from_string(r#""/bin/sh""#.into())?, RawValue::from_string("5005".into())?);
    /// let attributes = Attributes::from_row(&names, &[&*uid, &*shell, RawValue::NULL])?;
    /// assert_eq!(attributes.as_json(), r#"{"shell":"/bin/sh","uid":5005}"#);
    /// # Ok::<_, connector_api::serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error for a value that is JSON by its syntax but cannot be read: it is nested too deeply, a number
    /// out of range, or a string with half a surrogate pair.
    pub fn from_row(names: &AttributeNames, values: &[&RawValue]) -> Result<Self, serde_json::Error> {
        let facts = names.iter().filter_map(|(name, at)| Some((name, values.get(at)?.get())));
        let facts = facts.filter(|(_, value)| *value != RawValue::NULL.get());
        // The exact size, unless a value is written in another form.
        let size: usize = facts.clone().map(|(name, value)| name.len() + value.len()).sum();
        if size == 0 {
            return Ok(Self::new());
        }
        let mut json = String::with_capacity(size + 1);
        for (name, value) in facts {
            if json.is_empty() {
                json.push('{');
                json.push_str(&name[1..]);
            } else {
                json.push_str(name);
            }
            write_value(&mut json, value)?;
        }
        json.push('}');
        Box::deserialize(Written(json)).map(|json| Self(Some(json)))
    }

    /// Adds a fact and replaces an existing one of the same name. To add many, collect them in a map and convert it.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let mut facts = self.to_map();
        facts.insert(name.into(), value.into());
        *self = facts.into();
    }
}

/// The names of a row's fields, for [`Attributes::from_row`]: prepared once for all rows that have the same ones.
#[derive(Debug, Clone, Default)]
pub struct AttributeNames {
    /// The names in their order, each as it is written: `,"name":`.
    written: String,
    /// Where each of them ends, and the position of its value.
    ends: Vec<(usize, usize)>,
}

impl AttributeNames {
    /// Prepares names, each with the position of its value in a row. They may come in any order. If a name occurs more
    /// than once, its last position is kept.
    ///
    /// # Errors
    /// Returns an error for a name that cannot be written as JSON.
    pub fn new<'a>(names: impl IntoIterator<Item = (&'a str, usize)>) -> Result<Self, serde_json::Error> {
        let names: BTreeMap<&str, usize> = names.into_iter().collect();
        let mut sorted = Self::default();
        for (name, at) in names {
            sorted.written.push(',');
            write_name(&mut sorted.written, name)?;
            sorted.written.push(':');
            sorted.ends.push((sorted.written.len(), at));
        }
        Ok(sorted)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, usize)> + Clone {
        let mut begin = 0;
        self.ends.iter().map(move |(end, at)| (&self.written[std::mem::replace(&mut begin, *end)..*end], *at))
    }
}

impl From<BTreeMap<String, Value>> for Attributes {
    fn from(mut facts: BTreeMap<String, Value>) -> Self {
        facts.retain(|_, value| !value.is_null());
        // A map from strings to JSON values always serialises.
        Self((!facts.is_empty()).then(|| to_raw_value(&facts).ok()).flatten())
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(facts: I) -> Self {
        facts.into_iter().map(|(name, value)| (name.into(), value)).collect::<BTreeMap<_, _>>().into()
    }
}

impl<K: Into<String>, const N: usize> From<[(K, Value); N]> for Attributes {
    fn from(facts: [(K, Value); N]) -> Self {
        facts.into_iter().collect()
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(json) => json.serialize(serializer),
            None => serializer.collect_map::<&str, (), _>([]),
        }
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<String, Value>::deserialize(deserializer).map(Self::from)
    }
}

/// JSON text written here, which becomes a [`RawValue`] without being parsed once more: a deserializer that passes it on
/// in the way in which `serde_json` passes on a part of its input.
struct Written(String);

impl<'de> Deserializer<'de> for Written {
    type Error = serde_json::Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_map(MapDeserializer::new(std::iter::once((name, self.0))))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What precedes the value of a name: `"name":`; `None` if it cannot be written.
fn before_value(name: &str) -> Option<String> {
    let mut written = String::with_capacity(name.len() + 3);
    write_name(&mut written, name).ok()?;
    written.push(':');
    Some(written)
}

/// Returns whether a name that follows this part of an object is one of the object's own: outside of texts, and not within a
/// value.
fn is_outermost(before: &[u8]) -> bool {
    let (mut rest, mut depth) = (before, 0_i32);
    while let [byte, more @ ..] = rest {
        rest = more;
        match byte {
            b'"' => loop {
                let Some(end) = memchr2(b'"', b'\\', rest) else { return false };
                let is_end = rest[end] == b'"';
                // A backslash and what it escapes, of which none but the first byte may be a quote.
                rest = rest.get(end + if is_end { 1 } else { 2 }..).unwrap_or_default();
                if is_end {
                    break;
                }
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    depth == 1
}

fn write_name(json: &mut String, name: &str) -> Result<(), serde_json::Error> {
    // All bytes are looked at, which is faster than to stop at the first that needs an escape.
    let has_escapes =
        name.bytes().fold(false, |escapes, byte| escapes | (byte < b' ') | (byte == b'"') | (byte == b'\\'));
    if has_escapes {
        json.push_str(&serde_json::to_string(name)?);
    } else {
        json.push('"');
        json.push_str(name);
        json.push('"');
    }
    Ok(())
}

/// Writes JSON text in the form in which attributes are kept: on one line, each value in its canonical form.
fn write_value(json: &mut String, value: &str) -> Result<(), serde_json::Error> {
    if is_plain(value) {
        json.push_str(value);
    } else {
        let mut value = serde_json::Deserializer::from_str(value);
        json.push_str(&serde_json::to_string(&serde_transcode::Transcoder::new(&mut value))?);
    }
    Ok(())
}

/// Returns whether JSON text is certainly canonical already: on one line, without anything that has a second notation
/// or that only a parser can judge.
fn is_plain(json: &str) -> bool {
    if matches!(json, "true" | "false") {
        return true;
    }
    if json.starts_with('"') {
        return memchr(b'\\', json.as_bytes()).is_none();
    }
    let (mut digits, mut depth) = (0, 0_i32);
    let mut rest = json.as_bytes();
    while let [byte, more @ ..] = rest {
        rest = more;
        let number = digits > 0;
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        let plain = match byte {
            b'"' => match memchr2(b'"', b'\\', more) {
                Some(end) if more[end] == b'"' => {
                    rest = &more[end + 1..];
                    true
                }
                _ => false,
            },
            b' ' | b'\t' | b'\n' | b'\r' | b'-' | b'.' => false,
            b'e' | b'E' => !number,
            b'{' | b'[' => {
                depth += 1;
                depth < 64
            }
            b'}' | b']' => {
                depth -= 1;
                true
            }
            _ => digits < 16,
        };
        if !plain {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    /// Reads every field of an object.
    fn read(json: &str) -> Result<Attributes, serde_json::Error> {
        let facts: BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
        from(facts.iter().map(|(name, value)| (name.as_str(), *value)))
    }

    /// Makes attributes of names and values.
    fn from<'a>(facts: impl Iterator<Item = (&'a str, &'a RawValue)>) -> Result<Attributes, serde_json::Error> {
        let (names, values): (Vec<&str>, Vec<&RawValue>) = facts.unzip();
        Attributes::from_row(&AttributeNames::new(names.into_iter().zip(0..))?, &values)
    }

    #[test]
    fn whatever_way_they_came_they_are_the_same() {
        let values =
            json!({"b": {"y": [1, 2.5, null], "x": "\u{1f600} \"quoted\"\n"}, "a": "é", "none": null, "c": -7});
        let pretty = serde_json::to_string_pretty(&values).unwrap();
        let attributes = read(&pretty).unwrap();
        assert_eq!(attributes, serde_json::from_value(values.clone()).unwrap());
        assert_eq!(attributes, serde_json::from_str(attributes.as_json()).unwrap());
        let in_order = r#"{"a":"é","b":{"y":[1,2.5,null],"x":"😀 \"quoted\"\n"},"c":-7}"#;
        assert_eq!(attributes.as_json(), in_order);
        assert_eq!(serde_json::to_string(&attributes).unwrap(), in_order);
        assert_eq!(serde_json::to_value(&attributes).unwrap()["b"], values["b"]);
        assert_eq!(attributes.get("b"), values.get("b").cloned());
        assert_eq!((attributes.get("none"), attributes.get("d")), (None, None));
    }

    #[test]
    fn names_are_escaped_where_json_needs_it() {
        let facts: BTreeMap<&str, &RawValue> =
            ["a\"b", "c\\d", "e\u{1f}", "\u{7f}é"].map(|name| (name, RawValue::TRUE)).into();
        let attributes = from(facts.iter().map(|(name, value)| (*name, *value))).unwrap();
        let expected: BTreeMap<&str, bool> = facts.keys().map(|name| (*name, true)).collect();
        assert_eq!(attributes.as_json(), serde_json::to_string(&expected).unwrap());
        assert_eq!(serde_json::to_value(&attributes).unwrap(), serde_json::to_value(&expected).unwrap());
        for name in facts.keys() {
            assert_eq!((attributes.mentions(name), attributes.get(name)), (true, Some(true.into())), "{name}");
        }
    }

    #[test]
    fn a_fact_is_not_mistaken_for_one_inside_another_or_for_text() {
        let json = r#"{"a":{"b":1,"c":[{"d":2}]},"e":"\"f\":3","d":null,"g":4,"x\\\"b":5,"x\"i":6,"y":"}\\","z":{"j":7},"j":8}"#;
        let attributes = read(json).unwrap();
        for (name, mentioned, found) in [
            ("a", true, Some(json!({"b": 1, "c": [{"d": 2}]}))),
            ("b", true, None),
            ("d", true, None),
            ("f", false, None),
            ("g", true, Some(json!(4))),
            ("h", false, None),
            ("i", true, None),
            ("x\"i", true, Some(json!(6))),
            ("x\\\"b", true, Some(json!(5))),
            ("j", true, Some(json!(8))),
        ] {
            assert_eq!((attributes.mentions(name), attributes.get(name)), (mentioned, found), "{name}");
        }
    }

    #[test]
    fn none_are_an_empty_object() {
        for none in [read("{}"), read(r#"{"a":null}"#), Ok(Attributes::from([("a", Value::Null)]))] {
            let none = none.unwrap();
            assert!(none.is_empty() && none == Attributes::new());
            assert_eq!(serde_json::to_string(&none).unwrap(), "{}");
        }
    }

    #[test]
    fn of_several_with_one_name_the_last_counts() {
        let [one, two] = ["1", "2"].map(|json| RawValue::from_string(json.to_owned()).unwrap());
        let from = |facts: &[(&'static str, &RawValue)]| from(facts.iter().copied()).unwrap();
        assert_eq!(from(&[("b", &two), ("a", &one), ("b", &one)]).as_json(), r#"{"a":1,"b":1}"#);
        assert!(from(&[("a", &one), ("a", RawValue::NULL)]).is_empty());
    }

    #[test]
    fn what_cannot_be_read_later_is_refused() {
        for value in [r#""\ud800""#, "1e999", &"[".repeat(500), &format!("{}{}", "[".repeat(500), "]".repeat(500))] {
            assert!(read(&format!(r#"{{"a":{value}}}"#)).is_err(), "{value}");
        }
    }

    #[test]
    fn what_is_said_otherwise_is_said_in_one_way() {
        for (came, written) in [
            ("[1.50, 1e2,-0]", "[1.5,100.0,-0.0]"),
            (r#"{"x": "\u0061\/", "y":[true,false,null,{}]}"#, r#"{"x":"a/","y":[true,false,null,{}]}"#),
            ("[123456789012345, 12345678901234567890123]", "[123456789012345,1.2345678901234568e+22]"),
            ("\"a b: 1.50 \\\\ \"", "\"a b: 1.50 \\\\ \""),
            (r#"{"streetAddress":"Rue 1 - 2.","n":7}"#, r#"{"streetAddress":"Rue 1 - 2.","n":7}"#),
        ] {
            let attributes = read(&format!(r#"{{"a":{came}}}"#)).unwrap();
            assert_eq!(attributes.as_json(), format!(r#"{{"a":{written}}}"#));
            assert_eq!(attributes, serde_json::from_str(attributes.as_json()).unwrap());
        }
        let nested = |depth| read(&format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth)));
        assert!(nested(100).is_ok() && nested(200).is_err());
    }

    #[test]
    fn an_inserted_fact_finds_its_place() {
        let mut attributes = Attributes::from([("b", json!(1)), ("c", json!(2))]);
        attributes.insert("a", "x");
        attributes.insert("c", Value::Null);
        assert_eq!(attributes.as_json(), r#"{"a":"x","b":1}"#);
    }
}
