//! Roles of the console: `GET /api/v2/roles`, definition `RoleList` of `Role`.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::administrators::role_id;
use super::lenient;
use crate::client::{Call, Identified, Listing, listing};

/// Lists the roles of the console, built-in and custom ones.
pub(crate) fn list(limit: u64) -> Listing {
    listing(Call::get("/api/v2/roles"), limit)
}

/// A role of the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Role {
    /// As it is compared; the name of a role without an id.
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// `None` if they are not reported, which is not the same as none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_custom: Option<bool>,
    pub(crate) organization_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_updated_by: Option<String>,
}

impl Role {
    /// Its name, else its id.
    pub(crate) fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let mut take = |field: &str| fields.remove(field).unwrap_or_default();
        let name = lenient::text(take("name"));
        let id = lenient::text(take("id")).map(|id| role_id(&id));
        Ok(Self {
            id: id.or_else(|| name.clone()).ok_or_else(|| serde::de::Error::missing_field("id"))?,
            name,
            description: lenient::text(take("description")),
            scopes: texts(take("scopes")),
            is_custom: lenient::flag(&take("isCustom")),
            organization_ids: texts(take("organizationIds")).unwrap_or_default(),
            provider_id: lenient::text(take("providerId")),
            created_by: lenient::text(take("createdBy")),
            last_updated_by: lenient::text(take("lastUpdatedBy")),
        })
    }
}

/// The texts of a list; `None` for anything else.
fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(texts) = value else { return None };
    Some(texts.into_iter().filter_map(lenient::text).collect())
}

impl Identified for Role {
    type Wire = Self;
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_role_is_read_with_whatever_it_has_and_is_the_same_from_a_checkpoint() {
        let read = |wire: Value| serde_json::from_value::<Role>(wire).unwrap();
        let whole = read(json!({"id": "5C3536E9E0A6840C99E3D1A1", "name": "Desk", "scopes": ["users", null, 7],
            "isCustom": true, "organizationIds": ["a"], "providerId": null, "createdBy": "x", "more": {}}));
        assert_eq!((whole.id.as_str(), whole.shown_name()), ("5c3536e9e0a6840c99e3d1a1", "Desk"));
        assert_eq!(whole.scopes, Some(vec!["users".to_owned(), "7".to_owned()]));
        assert_eq!((whole.is_custom, whole.provider_id.as_deref()), (Some(true), None));
        let bare = read(json!({"name": "Desk", "scopes": null}));
        assert_eq!((bare.id.as_str(), &bare.scopes), ("Desk", &None), "what is absent is no evidence");
        assert_eq!(read(json!({"id": "x", "scopes": []})).scopes, Some(Vec::new()));
        assert!(serde_json::from_value::<Role>(json!({"scopes": []})).is_err());
        for role in [whole, bare] {
            assert_eq!(read(serde_json::to_value(&role).unwrap()), role);
        }
    }
}
