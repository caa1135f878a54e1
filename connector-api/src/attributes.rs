//! Further facts of a record: what a target says beside the fields that the contract names.
//!
//! A scan carries dozens of them for each of a million accounts and looks at hardly any, so they are kept as the JSON
//! text that they came as: neither taken apart nor put together again on their way from the target to the host.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use memchr::memchr2;
use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// Further typed facts, by their name on the target and in order of names: one JSON object.
///
/// A fact that is `null` says nothing and is left out. They serialise as JSON text, so not within `#[serde(flatten)]` and
/// not in other formats; [`to_map`](Self::to_map) is for those.
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
    /// No facts.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The whole object, on one line.
    pub fn as_json(&self) -> &str {
        self.0.as_ref().map_or("{}", |json| json.get())
    }

    /// One fact.
    pub fn get(&self, name: &str) -> Option<Value> {
        serde_json::from_str::<Fields<'_>>(self.as_json()).ok()?.get(name)
    }

    /// Every fact by its name.
    pub fn to_map(&self) -> BTreeMap<String, Value> {
        serde_json::from_str(self.as_json()).unwrap_or_default()
    }

    /// Adds a fact, in place of another of the same name. To add many, make them of a map.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let mut facts = self.to_map();
        facts.insert(name.into(), value.into());
        *self = facts.into();
    }
}

impl From<BTreeMap<String, Value>> for Attributes {
    fn from(mut facts: BTreeMap<String, Value>) -> Self {
        facts.retain(|_, value| !value.is_null());
        // A map of values by text is JSON: this does not fail.
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

/// The fields of a JSON object as a target sent them, borrowed from its text: the quick way from an answer to an
/// account with [`Attributes`].
///
/// Of several fields with one name the last counts. Reads from JSON text only, not from a [`Value`].
///
/// ```
/// use connector_api::Fields;
///
/// let mut user: Fields<'_> = serde_json::from_str(r#"{"uid": 5005, "mail": "ada@x.org", "phone": null}"#)?;
/// assert_eq!(user.take("mail"), Some("ada@x.org".to_owned()));
/// assert_eq!(user.into_attributes()?.as_json(), r#"{"uid":5005}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    fields: Vec<Field<'a>>,
    /// Their places in the order of names: an object has some eighty fields, most of a cache line each.
    order: Vec<Place>,
}

#[derive(Debug, Clone)]
struct Field<'a> {
    name: Cow<'a, str>,
    value: &'a RawValue,
}

/// Where a field is, and how its name begins.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: Start,
    at: u32,
}

/// The first bytes of a name as a number: in the same order as the names, and quicker to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Start(u64);

impl Start {
    fn of(name: &str) -> Self {
        let start = name.as_bytes().first_chunk().copied().unwrap_or_else(|| {
            let mut start = [0; 8];
            start.iter_mut().zip(name.bytes()).for_each(|(byte, named)| *byte = named);
            start
        });
        Self(u64::from_be_bytes(start))
    }
}

impl<'a> Fields<'a> {
    /// A field's value as JSON text.
    pub fn json(&self, name: &str) -> Option<&'a str> {
        Some(self.fields[self.find(name)?].value.get())
    }

    /// The values of several fields as JSON text, found in one go: `names` must be in order.
    ///
    /// ```
    /// # use connector_api::Fields;
    /// let user: Fields<'_> = serde_json::from_str(r#"{"uid": 5005, "mail": "ada@x.org"}"#)?;
    /// assert_eq!(user.select(["mail", "phone", "uid"]), [Some(r#""ada@x.org""#), None, Some("5005")]);
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub fn select<const N: usize>(&self, names: [&str; N]) -> [Option<&'a str>; N] {
        debug_assert!(names.is_sorted(), "{names:?} are not in order");
        let mut places = self.order.iter().peekable();
        names.map(|name| {
            let start = Start::of(name);
            while places.next_if(|place| self.order_of(place, start, name).is_lt()).is_some() {}
            let place = places.next_if(|place| self.order_of(place, start, name).is_eq())?;
            Some(self.at(place).value.get())
        })
    }

    /// Reads a field; `None` where it is missing or of another shape.
    pub fn get<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.json(name)?).ok()
    }

    /// Takes a field out; one that is of another shape stays.
    pub fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Option<T> {
        let value = self.get(name)?;
        self.remove(name);
        Some(value)
    }

    /// Takes a field out, whatever its shape.
    pub fn remove(&mut self, name: &str) {
        if let Some(at) = self.find(name) {
            self.fields[at].value = RawValue::NULL;
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        let start = Start::of(name);
        let found = self.order.binary_search_by(|place| self.order_of(place, start, name)).ok()?;
        Some(self.order[found].at as usize)
    }

    fn at(&self, place: &Place) -> &Field<'a> {
        &self.fields[place.at as usize]
    }

    /// Whether a field stands before a name with this start, or behind it.
    fn order_of(&self, place: &Place, start: Start, name: &str) -> Ordering {
        place.start.cmp(&start).then_with(|| self.at(place).name.as_ref().cmp(name))
    }

    /// The fields that were not taken and say something.
    ///
    /// # Errors
    /// When a value has the form of JSON but cannot be read: it is nested too deeply, a number beyond all bounds, or
    /// text with half a character.
    pub fn into_attributes(self) -> Result<Attributes, serde_json::Error> {
        let told = Compact(self);
        if told.fields().next().is_none() {
            return Ok(Attributes::new());
        }
        to_raw_value(&told).map(|json| Attributes(Some(json)))
    }

    fn in_order(fields: Vec<Field<'a>>) -> Self {
        let mut order: Vec<Place> =
            (0..).zip(&fields).map(|(at, field)| Place { start: Start::of(&field.name), at }).collect();
        let name = |place: &Place| fields[place.at as usize].name.as_ref();
        order.sort_unstable_by(|a, b| {
            a.start.cmp(&b.start).then_with(|| name(a).cmp(name(b))).then_with(|| b.at.cmp(&a.at))
        });
        // Of one name the last one now comes first.
        order.dedup_by(|later, first| later.start == first.start && name(later) == name(first));
        Self { fields, order }
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(96);
                while let Some((Name(name), value)) = entries.next_entry()? {
                    fields.push(Field { name, value });
                }
                Ok(Fields::in_order(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Writes fields that say something as an object on one line.
struct Compact<'a>(Fields<'a>);

impl<'a> Compact<'a> {
    fn fields(&self) -> impl Iterator<Item = &Field<'a>> {
        let fields = self.0.order.iter().map(|place| self.0.at(place));
        fields.filter(|field| field.value.get() != RawValue::NULL.get())
    }
}

impl Serialize for Compact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields().map(|field| (&field.name, CompactValue(field.value))))
    }
}

struct CompactValue<'a>(&'a RawValue);

impl Serialize for CompactValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = self.0.get();
        if is_plain(json) {
            return self.0.serialize(serializer);
        }
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(json), serializer)
    }
}

/// Whether JSON text is certain to be what would be written again: on one line, with nothing in it that can be said in
/// another way, or that only shows when it is read.
fn is_plain(json: &str) -> bool {
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

    fn read(json: &str) -> Result<Attributes, serde_json::Error> {
        serde_json::from_str::<Fields<'_>>(json)?.into_attributes()
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
    fn none_are_an_empty_object() {
        for none in [read("{}"), read(r#"{"a":null}"#), Ok(Attributes::from([("a", Value::Null)]))] {
            let none = none.unwrap();
            assert!(none.is_empty() && none == Attributes::new());
            assert_eq!(serde_json::to_string(&none).unwrap(), "{}");
        }
    }

    #[test]
    fn of_several_with_one_name_the_last_counts() {
        assert_eq!(read(r#"{"a":1,"b":2,"a":"x","a":3}"#).unwrap().as_json(), r#"{"a":3,"b":2}"#);
        assert!(read(r#"{"a":1,"a":null}"#).unwrap().is_empty());
        assert_eq!(read(r#"{"\u0061":1,"a":2}"#).unwrap().as_json(), r#"{"a":2}"#);
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
