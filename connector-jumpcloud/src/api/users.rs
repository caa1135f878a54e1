//! Directory users: `GET /api/systemusers` (V1, published) and `GET /api/v2/users` (named by the product page).

use std::fmt;

use connector_api::Attributes;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Id, lenient};
use crate::client::{Call, Identified, Listing};

/// The V1 endpoint.
pub(crate) const SYSTEM_USERS: &str = "/api/systemusers";
/// The V2 endpoint, which not every organisation serves.
pub(crate) const V2_USERS: &str = "/api/v2/users";

/// Lists directory users from either endpoint.
pub(crate) fn list(path: &str, limit: u64) -> Listing {
    Listing::new(Call::get(path), limit).sorted()
}

/// Lists the ids of directory users alone.
pub(crate) fn list_ids(path: &str, limit: u64) -> Listing {
    let id = if path == V2_USERS { "id" } else { "_id" };
    Listing::new(Call::get(path).query("fields", id), limit).sorted()
}

/// A directory user, definition `systemuserreturn`: its id, and every other field as it came. Fields that the
/// specification does not know are kept too.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) fields: Attributes,
}

impl Identified for User {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl User {
    /// Takes a text out of the fields; one that is not text stays there.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        let text = lenient::text(self.fields.get(name)?.clone())?;
        self.fields.remove(name);
        Some(text)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.fields.get(name).and_then(lenient::flag)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UserVisitor;
        impl<'de> Visitor<'de> for UserVisitor {
            type Value = User;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a user")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<User, A::Error> {
                let mut id = None;
                let mut fields = Attributes::new();
                while let Some(name) = entries.next_key::<String>()? {
                    if name == "_id" || name == "id" {
                        id = Some(entries.next_value::<Id>()?);
                        continue;
                    }
                    match entries.next_value::<Value>()? {
                        Value::Null => {}
                        value => drop(fields.insert(name, value)),
                    }
                }
                let id = id.ok_or_else(|| de::Error::missing_field("_id"))?;
                Ok(User { id, fields })
            }
        }
        deserializer.deserialize_map(UserVisitor)
    }
}
