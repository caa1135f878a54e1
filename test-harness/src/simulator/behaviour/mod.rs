//! In what the service was observed to differ from what its documents say.

mod choices;
mod null_edges;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::faults::nearest;

pub use choices::{GroupFilter, GroupRows, V2Errors, V2Sort};
pub use null_edges::{NullEdges, NullForm, Places};

/// How the service answers, one field for each difference between what was observed and what is published. The default
/// is [`observed`](Self::observed).
///
/// ```
/// use test_harness::simulator::{Behaviour, GroupFilter, SimulatorOptions};
///
/// let behaviour = Behaviour { group_filter: GroupFilter::Refused, ..Behaviour::observed() };
/// assert_eq!(Behaviour::observed().with("group-filter=refused"), Ok(behaviour.clone()));
/// let options = SimulatorOptions { behaviour, ..Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Behaviour {
    /// What V2 lists take as `sort`.
    pub v2_sort: V2Sort,
    /// What the lists of groups hold of each group.
    pub group_rows: GroupRows,
    /// What becomes of filters on what these rows lack.
    pub group_filter: GroupFilter,
    /// Records of lists of edges that are counted and not given out.
    pub null_edges: NullEdges,
    /// The days for which Directory Insights keeps events.
    pub retention_days: u16,
    /// The body of an error of the V2 API.
    pub v2_errors: V2Errors,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::observed()
    }
}

/// A difference that nobody can make sense of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BehaviourError {
    /// The name is not that of a difference.
    #[error("there is no difference `{name}`{}", .nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?")))]
    UnknownDifference {
        /// The name.
        name: String,
        /// The known name that it is most like.
        nearest: Option<String>,
    },
    /// The value is missing or not one of those that there are.
    #[error("`{name}`: {reason}")]
    Value {
        /// The name of the difference.
        name: String,
        /// What is wrong with the value.
        reason: String,
    },
}

/// Each difference by its name: the values that it takes, and what they mean.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "v2-sort",
        "name|nothing|any",
        "what V2 lists take as sort: groups their name, policies id or name and directories nothing; nothing; or any \
         field. The rest is answered 400",
    ),
    (
        "group-rows",
        "null-attributes|no-attributes|whole",
        "whether lists of groups leave out what makes a group privileged or dynamic; the group by its id has it",
    ),
    (
        "group-filter",
        "applied|refused|ignored",
        "whether filters on what these rows lack choose groups, are answered 400, or all groups are listed",
    ),
    (
        "null-edges",
        "none|SHARE%|POSITIONS",
        "records of lists of members and associations that are counted and not given out: a share of all, or those at \
         positions such as 4,100-199; with :form=left-out|null|null-to|null-id|empty-id and :on=ENDPOINT[,…]",
    ),
    ("retention-days", "N", "the days for which Directory Insights keeps events, such as 15"),
    ("v2-errors", "message|coded", "whether errors of the V2 API hold a message alone, or also code and status"),
];

impl Behaviour {
    /// As recorded answers and tested clients show the service.
    pub fn observed() -> Self {
        Self {
            v2_sort: V2Sort::Name,
            group_rows: GroupRows::NullAttributes,
            group_filter: GroupFilter::Applied,
            null_edges: NullEdges::default(),
            retention_days: 90,
            v2_errors: V2Errors::Message,
        }
    }

    /// As the published documents describe it.
    pub fn published() -> Self {
        Self {
            v2_sort: V2Sort::Any,
            group_rows: GroupRows::Whole,
            group_filter: GroupFilter::Applied,
            null_edges: NullEdges::default(),
            retention_days: 90,
            v2_errors: V2Errors::Coded,
        }
    }

    /// The same with one difference of another value, as `NAME=VALUE`; [`help`](Self::help) lists them.
    pub fn with(self, difference: &str) -> Result<Self, BehaviourError> {
        let (name, value) = difference.split_once('=').unwrap_or((difference, ""));
        let mut fields = self.fields();
        let Some(field) = fields.get_mut(name) else {
            let nearest = nearest(name, DIFFERENCES.iter().map(|(name, ..)| *name));
            return Err(BehaviourError::UnknownDifference { name: name.to_owned(), nearest });
        };
        let invalid = |reason: String| BehaviourError::Value { name: name.to_owned(), reason };
        *field = match field {
            Value::Number(_) => {
                let number: u64 = value.parse().map_err(|_| invalid(format!("expected a number, not `{value}`")))?;
                number.into()
            }
            _ => value.into(),
        };
        serde_json::from_value(Value::Object(fields)).map_err(|error| invalid(error.to_string()))
    }

    /// All differences, for people.
    pub fn help() -> String {
        let (observed, published) = (Self::observed().fields(), Self::published().fields());
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let mut help = String::from(
            "A difference is NAME=VALUE, for example null-edges=5%:form=null. By name, values, and the value as observed \
             and as published:\n\n",
        );
        for (name, values, meaning) in DIFFERENCES {
            let (observed, published) = (text(observed.get(*name)), text(published.get(*name)));
            help += &format!("  {name}={values}  [{observed}; {published}]\n      {meaning}\n");
        }
        help
    }

    fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            // Plain data always becomes an object.
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_difference_is_in_the_help_and_each_of_its_values_is_taken() {
        let fields = Behaviour::observed().fields();
        let names: Vec<&str> = DIFFERENCES.iter().map(|(name, ..)| *name).collect();
        assert!(fields.keys().map(String::as_str).eq(names.iter().copied()), "{fields:?}");
        for (name, values, _) in DIFFERENCES {
            for value in values.split('|') {
                let value = match value {
                    "N" => "15",
                    "SHARE%" => "5%",
                    "POSITIONS" => "4,100-199",
                    value => value,
                };
                let set = Behaviour::published().with(&format!("{name}={value}")).unwrap();
                let held = &set.fields()[*name];
                assert_eq!(held.as_str().map_or_else(|| held.to_string(), str::to_owned), value, "{name}");
            }
        }
    }

    #[test]
    fn a_name_or_value_nobody_knows_is_answered_with_what_there_is() {
        let error = |text: &str| Behaviour::observed().with(text).unwrap_err().to_string();
        assert_eq!(error("group-row=whole"), "there is no difference `group-row`; did you mean `group-rows`?");
        assert_eq!(error("retention-days=long"), "`retention-days`: expected a number, not `long`");
        assert!(error("group-rows=some").contains("`null-attributes`, `no-attributes`, `whole`"));
        assert!(error("null-edges").contains("expected none, a share such as 5%"));
    }
}
