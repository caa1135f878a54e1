//! The layout of a system's attributes in a form.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::descriptor::Descriptor;

/// A group of attributes that a form shows together, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FormGroup {
    /// The heading.
    pub title: String,
    /// Whether most operators leave these unchanged, so that a form shows the group collapsed.
    #[serde(default)]
    pub advanced: bool,
    /// The names of the attributes, as in the [schema](Descriptor::config_schema).
    pub attributes: Vec<String>,
}

impl FormGroup {
    /// Creates a group that a form shows expanded.
    pub fn new(title: impl Into<String>, attributes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { title: title.into(), advanced: false, attributes: attributes.into_iter().map(Into::into).collect() }
    }

    /// Marks the group as advanced: a form shows it collapsed.
    #[must_use]
    pub fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }
}

impl Descriptor {
    /// Returns the groups of a system's form, which together contain each attribute of the schema once: those of
    /// [`form`](Self::form), then one with the attributes in no group, in the order of the schema.
    pub fn form_groups(&self) -> Vec<FormGroup> {
        let properties = self.config_schema.as_value()["properties"].as_object();
        let mut named = BTreeSet::new();
        let mut groups = self.form.clone();
        for group in &mut groups {
            group.attributes.retain(|name| {
                properties.is_some_and(|properties| properties.contains_key(name)) && named.insert(name.clone())
            });
        }
        let unnamed =
            properties.into_iter().flat_map(|properties| properties.keys()).filter(|name| !named.contains(*name));
        let title = if groups.is_empty() { "Settings" } else { "Other settings" };
        groups.push(FormGroup::new(title, unnamed));
        groups.retain(|group| !group.attributes.is_empty());
        groups
    }

    /// Returns the schema of an attribute; `null` if there is no attribute of that name.
    pub fn attribute_schema(&self, name: &str) -> &Value {
        &self.config_schema.as_value()["properties"][name]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(form: Vec<FormGroup>) -> Descriptor {
        let config_schema = schemars::json_schema!({"properties": {"a": {}, "b": {}, "c": {}}});
        Descriptor { form, config_schema, ..Descriptor::default() }
    }

    #[test]
    fn attributes_that_stand_in_no_group_come_last_in_the_order_of_the_schema() {
        let first = FormGroup::new("First", ["b"]).advanced();
        let described = described(vec![first.clone()]);
        assert_eq!(described.form_groups(), [first, FormGroup::new("Other settings", ["a", "c"])]);
    }

    #[test]
    fn without_a_form_all_attributes_are_one_group() {
        assert_eq!(described(Vec::new()).form_groups(), [FormGroup::new("Settings", ["a", "b", "c"])]);
        assert_eq!(Descriptor::default().form_groups(), []);
    }

    #[test]
    fn a_form_shows_no_attribute_twice_and_none_that_the_schema_lacks() {
        let described = described(vec![FormGroup::new("First", ["c", "x", "a"]), FormGroup::new("Second", ["a", "b"])]);
        assert_eq!(described.form_groups(), [FormGroup::new("First", ["c", "a"]), FormGroup::new("Second", ["b"])]);
    }

    #[test]
    fn a_form_that_is_not_given_does_not_stand_in_the_json() {
        let json = serde_json::to_value(described(Vec::new())).unwrap_or_default();
        assert!(json.is_object() && json.get("form").is_none(), "{json}");
        let json = serde_json::to_value(described(vec![FormGroup::new("First", ["a"])])).unwrap_or_default();
        assert_eq!(json["form"], serde_json::json!([{"title": "First", "advanced": false, "attributes": ["a"]}]));
    }
}
