//! The body of `POST /api/search/systemusers` and `/api/search/systems`.

use serde_json::Value;

use super::filter::{Condition, condition};
use super::problem::Problem;
use super::query::{Limits, Query, Search, fields, sort_keys};
use super::route::Api;

/// Reads `{"searchFilter", "filter", "fields", "skip", "limit", "sort"}`, each of which may be missing; what the query
/// string says holds where the body says nothing.
pub(super) fn query(parameters: &str, body: &[u8], limits: Limits) -> Result<Query, Problem> {
    let body: Value = match body {
        [] => Value::Null,
        body => serde_json::from_slice(body).map_err(|_| Problem::bad_request("the body is not JSON"))?,
    };
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let mut query = Query::parse(parameters, Api::V1, limits)?;
    if let Some(skip) = body["skip"].as_u64() {
        query.skip = skip;
    }
    if let Some(limit) = body["limit"].as_u64() {
        query.set_limit(limit, limits)?;
    }
    if !text("sort").is_empty() {
        query.sort = sort_keys(text("sort"));
    }
    if !text("fields").is_empty() {
        query.fields = fields(text("fields"), Api::V1);
    }
    match &body["filter"] {
        Value::Object(filter) => match (filter.get("and"), filter.get("or")) {
            (_, Some(any)) => query.filter.extend(Some(conditions(any)?).filter(|any| !any.is_empty())),
            (Some(all), None) => query.filter.extend(conditions(all)?.into_iter().map(|one| vec![one])),
            (None, None) => query.filter.extend(conditions(&body["filter"])?.into_iter().map(|one| vec![one])),
        },
        all => query.filter.extend(conditions(all)?.into_iter().map(|one| vec![one])),
    }
    if let Value::Object(search) = &body["searchFilter"] {
        query.filter.extend(Search::of(search).clause());
    }
    Ok(query)
}

/// Query expressions: objects of field and value, or field and `{"$op": value}`, or `"field:$op:value"`.
fn conditions(expressions: &Value) -> Result<Vec<Condition>, Problem> {
    let expressions = match expressions {
        Value::Null => return Ok(Vec::new()),
        Value::Array(expressions) => expressions.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut conditions = Vec::new();
    for expression in expressions {
        match expression {
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => conditions.push(condition(text, Api::V1)?),
            Value::Object(fields) => {
                for (field, value) in fields {
                    let (operator, value) = match value.as_object().and_then(|operation| operation.iter().next()) {
                        Some((operator, value)) => (operator.as_str(), value),
                        None => ("$eq", value),
                    };
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    conditions.push(condition(&format!("{field}:{operator}:{value}"), Api::V1)?);
                }
            }
            _ => return Err(Problem::bad_request("invalid filter")),
        }
    }
    Ok(conditions)
}
