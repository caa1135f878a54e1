//! Who reaches a device or an application, as JumpCloud itself computes it: `GET /api/v2/{systems|applications}/{id}/users`,
//! definition `GraphObjectWithPaths` with `compiledAttributes`.

use serde::Deserialize;
use serde_json::Value;

use super::Id;
use super::graph::{self, sudo};
use super::kind::Kind;
use super::level::Level;
use crate::client::{Identified, Listing};

/// Lists the users who reach an object, directly and through groups.
pub(crate) fn users_of(kind: Kind, id: &Id, limit: u64) -> Listing {
    graph::traversal(kind, id, Kind::User, limit)
}

/// A user who reaches the object.
#[derive(Debug, Clone)]
pub(crate) struct CompiledUser {
    pub(crate) id: Id,
    /// The level on a device that the attributes of all paths give together; unknown if they are not there.
    pub(crate) level: Option<Level>,
}

impl<'de> Deserialize<'de> for CompiledUser {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            id: Id,
            #[serde(default, deserialize_with = "given")]
            compiled_attributes: Option<Value>,
        }
        /// Null attributes give nothing; absent ones say nothing.
        fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
            Value::deserialize(deserializer).map(Some)
        }
        let Wire { id, compiled_attributes } = Wire::deserialize(deserializer)?;
        let level = compiled_attributes.map(|attributes| sudo(Some(&attributes)));
        Ok(Self { id, level })
    }
}

impl Identified for CompiledUser {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_that_are_null_give_nothing_and_absent_ones_say_nothing() {
        let sudo = |without: bool| json!({"sudo": {"enabled": true, "withoutPassword": without}});
        for (attributes, level) in [
            (Some(json!(null)), Some(Level::Login)),
            (Some(json!({})), Some(Level::Login)),
            (Some(json!("x")), Some(Level::Login)),
            (Some(json!({"sudo": {"enabled": false, "withoutPassword": true}})), Some(Level::Login)),
            (Some(sudo(false)), Some(Level::Sudo)),
            (Some(sudo(true)), Some(Level::SudoWithoutPassword)),
            (None, None),
        ] {
            let mut row = json!({"id": "5f0000000000000000000001", "type": "user", "paths": [[]]});
            if let Some(attributes) = &attributes {
                row["compiledAttributes"] = attributes.clone();
            }
            let read: CompiledUser = serde_json::from_value(row).unwrap();
            assert_eq!(read.level, level, "{attributes:?}");
        }
    }
}
