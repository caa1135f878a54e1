//! The conditions of a policy in words: a tree of `all`, `any` and `not`, and of facts about the address, the place and
//! the device.

use serde_json::{Map, Value};

use crate::api::Id;
use crate::api::authn_policies::IpList;
use crate::graph::evidence_table::quoted;

/// How many addresses of a list are shown.
const ADDRESSES: usize = 8;
/// How much is shown of a condition that cannot be read.
const LONGEST: usize = 200;

/// The conditions in words; `None` if there are none. A condition that cannot be read is named, never left out.
pub(super) fn words(conditions: &Value, lists: &[IpList]) -> Option<String> {
    match conditions {
        Value::Null => None,
        Value::Array(conditions) if conditions.is_empty() => None,
        // A fact that is null is not set. What joins conditions always has some, so that null is one that cannot be read.
        Value::Object(fields) => {
            let joins = |name: &str| ["all", "any", "not"].contains(&name);
            let set = fields.iter().filter(|(name, value)| joins(name) || !value.is_null());
            let set: Map<String, Value> = set.map(|(name, value)| (name.clone(), value.clone())).collect();
            (!set.is_empty()).then(|| Phrase::of(&Value::Object(set), lists).text)
        }
        conditions => Some(Phrase::of(conditions, lists).text),
    }
}

/// A part of the sentence.
struct Phrase {
    text: String,
    /// Whether it has several parts, so that it needs parentheses within another.
    is_compound: bool,
}

impl Phrase {
    fn single(text: String) -> Self {
        Self { text, is_compound: false }
    }

    fn of(condition: &Value, lists: &[IpList]) -> Self {
        match condition {
            // Several at one level must all be met.
            Value::Object(fields) if !fields.is_empty() => {
                Self::joined(fields.iter().map(|(name, value)| Self::named(name, value, lists)).collect(), " and ")
            }
            other => Self::single(format!("under a condition that cannot be read ({})", shown(other))),
        }
    }

    fn named(name: &str, value: &Value, lists: &[IpList]) -> Self {
        let several = |glue| match value.as_array().map(Vec::as_slice) {
            None | Some([]) => None,
            Some(parts) => Some(Self::joined(parts.iter().map(|part| Self::of(part, lists)).collect(), glue)),
        };
        let phrase = match (name, value) {
            ("all", _) => several(" and "),
            ("any", _) => several(" or "),
            ("not", Value::Object(_)) => {
                let inner = Self::of(value, lists);
                Some(Self::single(format!("not {}", inner.inside())))
            }
            ("ipAddressIn", _) => texts(value).map(|ids| Self::single(addresses(&ids, lists))),
            ("locationIn", _) => {
                texts(value.get("countries").unwrap_or(value)).map(|countries| Self::single(places(&countries)))
            }
            ("deviceManaged", Value::Bool(managed)) => Some(Self::single(device("managed", *managed))),
            ("deviceEncrypted", Value::Bool(encrypted)) => Some(Self::single(device("encrypted", *encrypted))),
            _ => None,
        };
        phrase.unwrap_or_else(|| Self::single(format!("under the condition {} ({})", quoted(name), shown(value))))
    }

    fn joined(parts: Vec<Self>, glue: &str) -> Self {
        let is_compound = parts.len() > 1;
        let mut parts = parts.into_iter();
        match (is_compound, parts.next()) {
            (false, Some(only)) => only,
            (_, first) => {
                let texts: Vec<String> = first.into_iter().chain(parts).map(Self::inside).collect();
                Self { text: texts.join(glue), is_compound }
            }
        }
    }

    fn inside(self) -> String {
        if self.is_compound { format!("({})", self.text) } else { self.text }
    }
}

/// One text, or a list of texts that is not empty.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) if !values.is_empty() => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn addresses(ids: &[&str], lists: &[IpList]) -> String {
    let one = |id: &&str| match id.parse::<Id>().ok().and_then(|id| lists.iter().find(|list| list.id == id)) {
        Some(list) => {
            let name = list.name.as_deref().map_or_else(|| list.id.to_string(), quoted);
            let Some(ips) = &list.ips else { return format!("{name} (addresses not known)") };
            let mut shown: Vec<String> = ips.iter().take(ADDRESSES).map(|address| plain(address)).collect();
            if ips.len() > ADDRESSES {
                shown.push(format!("{} more", ips.len() - ADDRESSES));
            }
            format!("{name} ({})", if shown.is_empty() { "no address".to_owned() } else { shown.join(", ") })
        }
        None => plain(id),
    };
    format!("from an address in {}", ids.iter().map(one).collect::<Vec<_>>().join(" or "))
}

fn places(countries: &[&str]) -> String {
    format!("from {}", countries.iter().map(|country| plain(country)).collect::<Vec<_>>().join(" or "))
}

fn device(what: &str, is_so: bool) -> String {
    format!("on a device that is {}{what}", if is_so { "" } else { "not " })
}

/// A word of the target: an address, a country, an id. In quotes if it could be taken for part of the sentence.
fn plain(word: &str) -> String {
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/-".contains(&byte));
    if is_word { word.to_owned() } else { quoted(word) }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn lists() -> Vec<IpList> {
        let many: Vec<String> = (0..11).map(|at| format!("192.0.2.{at}")).collect();
        let lists = json!([
            {"id": "5f0000000000000000000001", "name": "Offices", "ips": ["198.51.100.0/24", "203.0.113.7"]},
            {"id": "5f0000000000000000000002", "name": null, "ips": many},
            {"id": "5f0000000000000000000003", "name": "Empty \"one\"", "ips": null},
            {"id": "5f0000000000000000000004", "name": "Left out"},
            {"id": "5f0000000000000000000005", "name": "Odd", "ips": ["198.51.100.1", {"from": "203.0.113.7"}]},
        ]);
        serde_json::from_value(lists).unwrap()
    }

    #[test]
    fn a_condition_that_is_null_is_not_set() {
        for nothing in [json!({}), json!([]), json!(null), json!({"ipAddressIn": null})] {
            assert_eq!(words(&nothing, &[]), None, "{nothing}");
        }
        let one = words(&json!({"deviceManaged": true, "ipAddressIn": null}), &[]);
        assert_eq!(one.as_deref(), Some("on a device that is managed"));
    }

    #[test]
    fn a_tree_of_conditions_is_a_sentence() {
        for (conditions, expected) in [
            (json!({"deviceManaged": true}), "on a device that is managed"),
            (json!({"deviceEncrypted": false}), "on a device that is not encrypted"),
            (json!({"locationIn": {"countries": ["DE", "CH"]}}), "from DE or CH"),
            (
                json!({"not": {"ipAddressIn": ["5f0000000000000000000001"]}}),
                "not from an address in \"Offices\" (198.51.100.0/24, 203.0.113.7)",
            ),
            (
                json!({"ipAddressIn": "5f0000000000000000000003"}),
                "from an address in \"Empty \\\"one\\\"\" (no address)",
            ),
            (
                json!({"ipAddressIn": ["5f0000000000000000000004", "5f0000000000000000000005"]}),
                "from an address in \"Left out\" (no address) or \"Odd\" (addresses not known)",
            ),
            (
                json!({"all": [{"deviceManaged": true}, {"not": {"any": [{"locationIn": {"countries": ["US"]}}, {"deviceEncrypted": true}]}}]}),
                "on a device that is managed and not (from US or on a device that is encrypted)",
            ),
            (
                json!({"any": [{"all": [{"deviceManaged": true}, {"deviceEncrypted": true}]}, {"locationIn": {"countries": ["FR"]}}]}),
                "(on a device that is managed and on a device that is encrypted) or from FR",
            ),
            (json!({"all": [{"deviceManaged": true}]}), "on a device that is managed"),
        ] {
            assert_eq!(words(&conditions, &lists()).as_deref(), Some(expected), "{conditions}");
        }
        let long = words(&json!({"ipAddressIn": ["5f0000000000000000000002"]}), &lists()).unwrap();
        assert!(long.ends_with("192.0.2.6, 192.0.2.7, 3 more)"), "{long}");
    }

    #[test]
    fn what_cannot_be_read_is_named_and_never_left_out() {
        for (conditions, expected) in [
            (json!({"riskScore": {"above": 7}}), "under the condition \"riskScore\" ({\"above\":7})"),
            (json!({"deviceManaged": "maybe"}), "under the condition \"deviceManaged\" (\"maybe\")"),
            (json!({"all": []}), "under the condition \"all\" ([])"),
            (json!({"not": null}), "under the condition \"not\" (null)"),
            (json!(["x"]), "under a condition that cannot be read ([\"x\"])"),
            (
                json!({"any": [7, {"deviceManaged": true}]}),
                "under a condition that cannot be read (7) or on a device that is managed",
            ),
            (json!({"ipAddressIn": ["5f00000000000000000000ff"]}), "from an address in 5f00000000000000000000ff"),
            (json!({"ipAddressIn": ["a or b"]}), "from an address in \"a or b\""),
        ] {
            assert_eq!(words(&conditions, &lists()).as_deref(), Some(expected), "{conditions}");
        }
    }

    #[test]
    fn no_condition_is_none() {
        assert_eq!((words(&Value::Null, &[]), words(&json!({}), &[])), (None, None));
    }
}
