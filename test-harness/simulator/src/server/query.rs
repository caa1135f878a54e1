//! What a client wants of a listing: the same parameters in the dialects of V1 and V2.

use std::cmp::Ordering;

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::filter::{Clause, Condition, conditions, field};
use super::problem::Problem;
use super::route::Api;
use crate::behaviour::LargeLimits;
use crate::wire::Fields;

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

/// How many rows a listing gives at most, and what becomes of those who ask for more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) most: u64,
    pub(crate) refused: LargeLimits,
}

/// Texts that one of some fields has to hold.
#[derive(Debug, Default)]
pub(crate) struct Search {
    terms: Vec<String>,
    /// None for all fields.
    fields: Vec<String>,
}

impl Search {
    /// Reads `{"searchTerm", "fields"}`, each a text or a list of texts.
    pub(crate) fn of(search: &Map<String, Value>) -> Self {
        let list = |name: &str| search.get(name).map(strings).unwrap_or_default();
        Self { terms: list("searchTerm"), fields: list("fields") }
    }

    /// Reads the same from text; anything else is the text to look for.
    fn of_text(text: &str) -> Self {
        match serde_json::from_str(text) {
            Ok(Value::Object(search)) => Self::of(&search),
            _ => Self { terms: vec![text.to_owned()], fields: Vec::new() },
        }
    }

    /// The condition that it makes, unless there is nothing to look for.
    pub(crate) fn clause(self) -> Option<Clause> {
        let terms: Vec<&String> = self.terms.iter().filter(|term| !term.is_empty()).collect();
        let fields = if self.fields.is_empty() { vec![String::new()] } else { self.fields };
        let in_field = |field: &String| terms.iter().map(|term| Condition::contains(field, term)).collect::<Vec<_>>();
        (!terms.is_empty()).then(|| fields.iter().flat_map(in_field).collect())
    }
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A field to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortKey {
    pub(crate) field: String,
    pub(crate) descending: bool,
}

/// Rows that an answer holds when the client does not say.
const DEFAULT_LIMIT: u64 = 10;

impl Query {
    /// Reads a query string.
    pub(crate) fn parse(text: &str, api: Api, limits: Limits) -> Result<Self, Problem> {
        let mut query = Self { limit: DEFAULT_LIMIT, ..Self::default() };
        let mut search = Search::default();
        // An empty parameter is none: clients send those that they do not set.
        for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty()) {
            match name.as_ref() {
                "skip" => query.skip = number("skip", &value)?,
                "limit" => query.set_limit(number("limit", &value)?, limits)?,
                "sort" => query.sort = sort_keys(&value),
                "fields" => query.fields = fields(&value, api),
                "targets" => query.targets.extend(value.split(',').map(str::to_owned)),
                "search" if api == Api::V1 => search = Search::of_text(&value),
                "search[searchTerm]" | "search.searchTerm" => search.terms.push(value.into_owned()),
                "search[fields]" | "search[fields][]" | "search.fields" => search.fields.push(value.into_owned()),
                name if name == "filter" || name.starts_with("filter[") => {
                    query.filter.extend(conditions(&value, api)?.into_iter().map(|condition| vec![condition]));
                }
                _ => {}
            }
        }
        query.filter.extend(search.clause());
        Ok(query)
    }

    pub(crate) fn set_limit(&mut self, limit: u64, limits: Limits) -> Result<(), Problem> {
        let Limits { most, refused } = limits;
        if limit > most && refused == LargeLimits::Refused {
            let message = format!("Bad Request: request parameter \"limit\" exceeds maximum value of {most}");
            return Err(Problem::bad_request(message));
        }
        self.limit = if limit == 0 { DEFAULT_LIMIT } else { limit.min(most) };
        Ok(())
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
        let filtered = self.filter.iter().flatten();
        if filtered.clone().any(|condition| condition.field.is_empty()) {
            return Fields::default();
        }
        let sorted = self.sort.iter().map(|key| key.field.as_str());
        let filtered = filtered.map(|condition| condition.field.as_str());
        Fields::named(sorted.chain(filtered).map(|path| path.split('.').next().unwrap_or(path)))
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

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        _ => a.to_string().cmp(&b.to_string()),
    }
}
