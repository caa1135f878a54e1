//! Objects as they come: what every row has, its id, and the fields that have no name of their own here.

use std::fmt;

use connector_api::Attributes;
use jiff::Timestamp;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Id, lenient};
use crate::client::Identified;

/// Room for the fields of a user; an object may have more.
const FIELDS: usize = 80;

/// An object with every field as it came, those that the specification does not know among them. A field that is
/// `null` is kept as such: on some fields that says more than nothing.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) id: Id,
    pub(crate) fields: Attributes,
}

impl Identified for Object {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Object {
    /// Takes a text out of the fields; one that is not text stays there.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        if !lenient::is_text(self.fields.get(name)?) {
            return None;
        }
        self.fields.remove(name).and_then(lenient::text)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.fields.get(name).and_then(lenient::flag)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.fields.get(name).and_then(lenient::time)
    }

    /// The fields that say something.
    pub(crate) fn into_attributes(self) -> Attributes {
        let mut fields = self.fields;
        fields.retain(|_, value| !value.is_null());
        fields
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an id")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Object, A::Error> {
                let mut ids = Ids::default();
                // A map that is made of a list at once is smaller, and made faster, than one that grows.
                let mut fields: Vec<(String, Value)> = Vec::with_capacity(FIELDS);
                while let Some(name) = entries.next_key::<String>()? {
                    match name.as_str() {
                        "_id" => ids.v1 = entries.next_value()?,
                        "id" => ids.v2 = entries.next_value()?,
                        _ => fields.push((name, entries.next_value()?)),
                    }
                }
                Ok(Object { id: ids.read()?, fields: fields.into_iter().collect() })
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = [("_id", Value::from(self.id.to_string()))];
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.clone()));
        serializer.collect_map(id.into_iter().chain(fields))
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
        let told = self.v1.as_str().or(self.v2.as_str()).ok_or_else(|| E::missing_field("_id"))?;
        told.parse().map_err(E::custom)
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

/// For `#[serde(flatten)]`: the fields of a row that have no field of their own.
///
/// A scan holds thousands of rows until it sends them; as text they take a fraction of what they take in parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rest(Box<str>);

impl Rest {
    /// Keeps those of the fields that have one of the names.
    pub(crate) fn only<'de, D: Deserializer<'de>>(names: &[&str], deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Attributes::deserialize(deserializer)?;
        fields.retain(|name, _| names.contains(&name.as_str()));
        Ok(Self::pack(fields))
    }

    /// Keeps `fields` but for those that are null.
    fn pack(mut fields: Attributes) -> Self {
        fields.retain(|_, value| !value.is_null());
        Self(serde_json::to_string(&fields).unwrap_or_default().into())
    }

    /// The fields in parts.
    pub(crate) fn unpack(&self) -> Attributes {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Rest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Attributes::deserialize(deserializer).map(Self::pack)
    }
}

impl Serialize for Rest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.unpack().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[derive(Debug, serde::Deserialize, Serialize)]
    struct Row {
        #[serde(flatten, with = "own_id")]
        id: Id,
        #[serde(default, deserialize_with = "lenient::de_text")]
        name: Option<String>,
        #[serde(flatten)]
        rest: Rest,
    }

    #[test]
    fn the_id_is_read_under_either_name_and_under_both() {
        let id = "5f0000000000000000000001";
        for row in [json!({"_id": id}), json!({"id": id}), json!({"id": 7, "_id": id}), json!({"_id": null, "id": id})]
        {
            assert_eq!(serde_json::from_value::<Object>(row.clone()).unwrap().id.to_string(), id, "{row}");
            assert_eq!(serde_json::from_value::<Row>(row.clone()).unwrap().id.to_string(), id, "{row}");
        }
        for row in [json!({"name": "x"}), json!({"_id": "../x"}), json!({"id": 7})] {
            assert!(serde_json::from_value::<Object>(row.clone()).is_err(), "{row}");
            assert!(serde_json::from_value::<Row>(row.clone()).is_err(), "{row}");
        }
    }

    #[test]
    fn a_row_survives_a_checkpoint() {
        let wire = json!({"id": "5f0000000000000000000001", "name": "x", "more": {"a": [1, null]}, "none": null});
        let row: Row = serde_json::from_value(wire).unwrap();
        let again: Row = serde_json::from_value(serde_json::to_value(&row).unwrap()).unwrap();
        assert_eq!((&again.id, &again.name), (&row.id, &row.name));
        assert_eq!(again.rest.unpack(), Attributes::from([("more".to_owned(), json!({"a": [1, null]}))]));
    }
}
