//! Rows of which everything is kept, for connectors that need no types of their own.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::paging::row::Identified;

/// A JSON object with an `id` that is a text or a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its id.
    pub id: String,
    /// The whole object.
    pub json: Value,
}

impl Resource {
    /// The text at a JSON pointer, without the spaces around it; nothing where it is empty.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.json.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let id = match &json["id"] {
            Value::String(id) if !id.is_empty() => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return Err(D::Error::custom("a row has no `id`")),
        };
        Ok(Self { id, json })
    }
}

impl Identified for Resource {
    type Wire = Self;
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
