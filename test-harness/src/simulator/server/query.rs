//! What a client wants of a listing: the same parameters in the dialects of V1 and V2.

use std::cmp::Ordering;

use serde_json::Value;
use url::form_urlencoded;

use super::problem::Problem;
use super::route::Api;
use crate::simulator::wire::Fields;

/// The parameters of a listing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) skip: u64,
    pub(crate) limit: u64,
    pub(crate) sort: Vec<SortKey>,
    pub(crate) fields: Fields,
    /// All of these have to hold.
    pub(crate) filter: Vec<Clause>,
    pub(crate) targets: Vec<String>,
}

/// A field to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortKey {
    pub(crate) field: String,
    pub(crate) descending: bool,
}

/// Conditions of which one has to hold.
pub(crate) type Clause = Vec<Condition>;

/// A comparison of a field with a value.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) field: String,
    pub(crate) operator: Operator,
    pub(crate) value: String,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    In,
    Contains,
}

/// Rows that an answer holds when the client does not say.
const DEFAULT_LIMIT: u64 = 10;

impl Query {
    /// Reads a query string. More than `most` rows are not given, whatever the client asks for.
    pub(crate) fn parse(text: &str, api: Api, most: u64) -> Result<Self, Problem> {
        let mut query = Self { limit: DEFAULT_LIMIT, ..Self::default() };
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match name.as_ref() {
                "skip" => query.skip = number("skip", &value)?,
                "limit" => query.set_limit(number("limit", &value)?, most),
                "sort" => query.sort = sort_keys(&value),
                "fields" => query.fields = fields(&value, api),
                "filter" => query.filter.push(vec![condition(&value, api)?]),
                "targets" => query.targets.extend(value.split(',').map(str::to_owned)),
                _ => {}
            }
        }
        Ok(query)
    }

    pub(crate) fn set_limit(&mut self, limit: u64, most: u64) {
        self.limit = if limit == 0 { DEFAULT_LIMIT } else { limit.min(most) };
    }

    /// Whether a row passes the filter.
    pub(crate) fn admits(&self, row: &Value) -> bool {
        self.filter.iter().all(|clause| clause.iter().any(|condition| condition.holds(row)))
    }

    /// The order of two rows.
    pub(crate) fn order(&self, a: &Value, b: &Value) -> Ordering {
        let by_key = |key: &SortKey| {
            let order = compare(field(a, &key.field), field(b, &key.field));
            if key.descending { order.reverse() } else { order }
        };
        self.sort.iter().map(by_key).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// The fields that filter and sort look at.
    pub(crate) fn looked_at(&self) -> Fields {
        let sorted = self.sort.iter().map(|key| key.field.as_str());
        let filtered = self.filter.iter().flatten().map(|condition| condition.field.as_str());
        Fields::named(sorted.chain(filtered).map(|path| path.split('.').next().unwrap_or(path)))
    }
}

impl Condition {
    fn holds(&self, row: &Value) -> bool {
        let value = field(row, &self.field);
        match self.operator {
            Operator::Equal => equals(value, &self.value),
            Operator::NotEqual => !equals(value, &self.value),
            Operator::In => self.value.split('|').any(|one| equals(value, one)),
            Operator::Contains => text(value).to_lowercase().contains(&self.value.to_lowercase()),
            Operator::Greater => compare_text(value, &self.value).is_some_and(Ordering::is_gt),
            Operator::GreaterOrEqual => compare_text(value, &self.value).is_some_and(Ordering::is_ge),
            Operator::Less => compare_text(value, &self.value).is_some_and(Ordering::is_lt),
            Operator::LessOrEqual => compare_text(value, &self.value).is_some_and(Ordering::is_le),
        }
    }
}

fn number(name: &str, value: &str) -> Result<u64, Problem> {
    value.parse().map_err(|_| Problem::bad_request(format!("{name} must be a number that is not negative")))
}

/// Both APIs take sort keys apart by commas as well as spaces.
pub(crate) fn sort_keys(text: &str) -> Vec<SortKey> {
    text.split([' ', ','])
        .filter(|key| !key.is_empty())
        .map(|key| match key.strip_prefix('-') {
            Some(field) => SortKey { field: field.to_owned(), descending: true },
            None => SortKey { field: key.to_owned(), descending: false },
        })
        .collect()
}

/// V1 separates fields by spaces, V2 by commas.
pub(crate) fn fields(text: &str, api: Api) -> Fields {
    match api {
        Api::V2 => Fields::named(text.split(',')),
        _ => Fields::named(text.split(' ')),
    }
}

/// Reads `field:operator:value`.
pub(crate) fn condition(text: &str, api: Api) -> Result<Condition, Problem> {
    let invalid = || Problem::bad_request(format!("invalid filter: {text}"));
    let mut parts = text.splitn(3, ':');
    let (Some(field), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(invalid());
    };
    let operator = match (api, operator) {
        (Api::V2, "eq") | (Api::V1, "$eq") => Operator::Equal,
        (Api::V2, "ne") | (Api::V1, "$ne") => Operator::NotEqual,
        (Api::V2, "gt") | (Api::V1, "$gt") => Operator::Greater,
        (Api::V2, "ge" | "gte") | (Api::V1, "$gte") => Operator::GreaterOrEqual,
        (Api::V2, "lt") | (Api::V1, "$lt") => Operator::Less,
        (Api::V2, "le") | (Api::V1, "$lte") => Operator::LessOrEqual,
        (Api::V2, "in") => Operator::In,
        (Api::V2, "search") => Operator::Contains,
        _ => return Err(invalid()),
    };
    Ok(Condition { field: field.to_owned(), operator, value: value.to_owned() })
}

/// The value at a dotted path.
fn field<'a>(row: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(row, |value, name| value.get(name).unwrap_or(&Value::Null))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn equals(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| equals(value, wanted)),
        value => text(value) == wanted,
    }
}

fn compare_text(value: &Value, wanted: &str) -> Option<Ordering> {
    match value {
        Value::Number(number) => number.as_f64()?.partial_cmp(&wanted.parse().ok()?),
        Value::String(text) => Some(text.as_str().cmp(wanted)),
        _ => None,
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => text(a).cmp(&text(b)),
    }
}
