//! What a row has to be like.

use std::cmp::Ordering;

use serde_json::Value;

use super::problem::Problem;
use super::route::Api;

/// Conditions of which one has to hold.
pub(crate) type Clause = Vec<Condition>;

/// A comparison of a field with a value.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// The dotted path of the field; empty for any text anywhere in the row.
    pub(crate) field: String,
    operator: Operator,
    value: String,
    /// Whether `*` in the value stands for any text.
    wildcards: bool,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Between,
    In,
    Contains,
}

impl Condition {
    /// A text that stands somewhere in a field, or, where no field is named, anywhere in the row.
    pub(crate) fn contains(field: &str, text: &str) -> Self {
        let (field, value) = (field.to_owned(), text.to_owned());
        Self { field, operator: Operator::Contains, value, wildcards: false }
    }

    /// Whether the comparison is one that System Insights knows.
    pub(crate) fn is_simple(&self) -> bool {
        matches!(self.operator, Operator::Equal | Operator::In)
    }

    /// Whether a row is so.
    pub(crate) fn holds(&self, row: &Value) -> bool {
        let value = if self.field.is_empty() { row } else { field(row, &self.field) };
        let ordered = |wanted: &str, right: fn(Ordering) -> bool| compare(value, wanted).is_some_and(right);
        match self.operator {
            Operator::Equal => self.equals(value, &self.value),
            Operator::NotEqual => !self.equals(value, &self.value),
            Operator::In => self.value.split('|').any(|one| self.equals(value, one)),
            Operator::Contains => mentions(value, &self.value.to_lowercase()),
            Operator::Greater => ordered(&self.value, Ordering::is_gt),
            Operator::GreaterOrEqual => ordered(&self.value, Ordering::is_ge),
            Operator::Less => ordered(&self.value, Ordering::is_lt),
            Operator::LessOrEqual => ordered(&self.value, Ordering::is_le),
            Operator::Between => self
                .value
                .split_once(['|', ','])
                .is_some_and(|(low, high)| ordered(low, Ordering::is_ge) && ordered(high, Ordering::is_le)),
        }
    }

    fn equals(&self, value: &Value, wanted: &str) -> bool {
        match value {
            Value::Array(values) => values.iter().any(|value| self.equals(value, wanted)),
            value if self.wildcards => matches_pattern(&text(value), wanted),
            value => text(value) == wanted,
        }
    }
}

/// Reads the conditions of one parameter; an empty one has none. V2 separates conditions by commas, so that a comma in
/// a value breaks it.
pub(crate) fn conditions(text: &str, api: Api) -> Result<Vec<Condition>, Problem> {
    let mut conditions: Vec<Condition> = Vec::new();
    let parts: Vec<&str> = if api == Api::V2 { text.split(',').collect() } else { vec![text] };
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        match conditions.last_mut() {
            // The second of two bounds.
            Some(last) if last.operator == Operator::Between && !last.value.contains([',', '|']) => {
                last.value += &format!(",{part}");
            }
            _ => conditions.push(condition(part, api)?),
        }
    }
    Ok(conditions)
}

/// Reads `field:operator:value`. V1 marks operators by `$`, and takes them without as well.
pub(crate) fn condition(text: &str, api: Api) -> Result<Condition, Problem> {
    let invalid = || Problem::bad_request(format!("invalid filter: {text}"));
    let mut parts = text.splitn(3, ':');
    let (Some(field), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(invalid());
    };
    let word = if api == Api::V1 { operator.strip_prefix('$').unwrap_or(operator) } else { operator };
    let operator = match (api, word) {
        (_, "eq") => Operator::Equal,
        (_, "ne") => Operator::NotEqual,
        (_, "gt") => Operator::Greater,
        (_, "ge" | "gte") => Operator::GreaterOrEqual,
        (_, "lt") => Operator::Less,
        (_, "le" | "lte") => Operator::LessOrEqual,
        (Api::V2, "between") => Operator::Between,
        (_, "in") => Operator::In,
        (Api::V2, "search") => Operator::Contains,
        _ => return Err(invalid()),
    };
    let wildcards = api == Api::V2 && value.contains('*');
    Ok(Condition { field: field.to_owned(), operator, value: value.to_owned(), wildcards })
}

/// Whether a text is like a pattern in which `*` stands for any text.
fn matches_pattern(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(middle) = last.replace(part) {
            let Some((_, behind)) = rest.split_once(middle) else {
                return false;
            };
            rest = behind;
        }
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}

/// Whether a text stands somewhere in a value.
fn mentions(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| mentions(value, wanted)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, wanted)),
        value => text(value).to_lowercase().contains(wanted),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn compare(value: &Value, wanted: &str) -> Option<Ordering> {
    match value {
        Value::Number(number) => number.as_f64()?.partial_cmp(&wanted.parse().ok()?),
        Value::String(text) => Some(text.as_str().cmp(wanted)),
        _ => None,
    }
}

/// The value at a dotted path.
pub(super) fn field<'a>(row: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(row, |value, name| value.get(name).unwrap_or(&Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, matches) in [
            ("*", "", true),
            ("Dom*", "Domain Admins", true),
            ("*Admins", "Domain Admins", true),
            ("D*n*s", "Domain Admins", true),
            ("*main*", "Domain Admins", true),
            ("dom*", "Domain Admins", false),
            ("Do*x", "Domain", false),
            ("aa*a", "aa", false),
        ] {
            assert_eq!(matches_pattern(text, pattern), matches, "{pattern} {text}");
        }
    }
}
