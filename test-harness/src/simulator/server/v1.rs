//! The V1 API: `{"totalCount", "results"}`.

use serde_json::Value;

use super::answer::Answer;
use super::auth::is_object_id;
use super::listing::Collection;
use super::problem::Problem;
use super::query::{Condition, Operator, Query, condition, fields, sort_keys};
use super::route::{Api, Endpoint};
use super::{Asked, UsersEndpoint};
use crate::simulator::faults::Strikes;
use crate::simulator::organization::{Kind, Organization};
use crate::simulator::wire::Object;

/// V1 gives no more rows at a time.
const MOST_ROWS: u64 = 100;

pub(super) fn answer(asked: &Asked<'_>, strikes: &Strikes) -> Result<Answer, Problem> {
    let query = match asked.endpoint {
        Endpoint::SearchSystemUsers => search(&asked.body)?,
        _ => Query::parse(asked.query, Api::V1, MOST_ROWS)?,
    };
    let organization = asked.organization.as_ref();
    let collection = match asked.endpoint {
        Endpoint::One(kind) => return one(asked, kind, &query),
        Endpoint::SystemUsers if asked.service.users_endpoint == UsersEndpoint::V2 => {
            return Err(Problem::not_found());
        }
        Endpoint::SystemUsers | Endpoint::SearchSystemUsers => users(organization, "_id"),
        Endpoint::Systems => every(organization, Kind::System, |organization, index, object| {
            organization.write_system(&organization.system(index), object);
        }),
        Endpoint::Applications => every(organization, Kind::Application, |organization, index, object| {
            organization.write_application(&organization.application(index), object);
        }),
        Endpoint::RadiusServers => every(organization, Kind::RadiusServer, |organization, index, object| {
            organization.write_radius_server(&organization.radius_server(index), object);
        }),
        Endpoint::Administrators => {
            let provider = asked.service.provider();
            Collection::of(organization.administrators().collect(), "_id", move |administrator, object| {
                organization.write_administrator(administrator, provider.as_deref(), object);
            })
        }
        Endpoint::Organizations => {
            Collection::of(asked.service.organizations.iter().collect(), "_id", |organization, object| {
                object.put("_id", organization.organization_id());
                object.put("displayName", organization.display_name());
                object.put("logoUrl", "");
            })
        }
        _ => return Err(Problem::not_found()),
    };
    Ok(collection.page(&query, strikes).enveloped())
}

/// The one object that the path names.
fn one(asked: &Asked<'_>, kind: Kind, query: &Query) -> Result<Answer, Problem> {
    if !is_object_id(asked.id) {
        return Err(Problem::bad_request("Invalid ObjectID"));
    }
    let organization = asked.organization.as_ref();
    let index = organization.find(kind, asked.id).ok_or_else(Problem::not_found)?.index;
    let mut body = Vec::new();
    Object::write(&mut body, Some(&query.fields), |object| match kind {
        Kind::User => organization.write_user(&organization.user(index), "_id", object),
        Kind::System => organization.write_system(&organization.system(index), object),
        Kind::Application => organization.write_application(&organization.application(index), object),
        _ => organization.write_radius_server(&organization.radius_server(index), object),
    });
    Ok(Answer::ok(body))
}

/// Directory users, whose id stands in `id_field`.
pub(super) fn users<'a>(organization: &'a Organization, id_field: &'static str) -> Collection<'a> {
    let census = organization.census(Kind::User);
    Collection::new(census.count(), id_field, move |position, object| {
        organization.write_user(&organization.user(census.index(position)), id_field, object);
    })
}

fn every<'a>(
    organization: &'a Organization,
    kind: Kind,
    write: impl Fn(&Organization, u64, &mut Object<'_>) + Send + Sync + 'a,
) -> Collection<'a> {
    let census = organization.census(kind);
    Collection::new(census.count(), "_id", move |position, object| write(organization, census.index(position), object))
}

/// Reads the body of `POST /api/search/systemusers`.
fn search(body: &[u8]) -> Result<Query, Problem> {
    let body: Value = match body {
        [] => Value::Null,
        body => serde_json::from_slice(body).map_err(|_| Problem::bad_request("the body is not JSON"))?,
    };
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let mut query = Query {
        skip: body["skip"].as_u64().unwrap_or_default(),
        sort: sort_keys(text("sort")),
        fields: fields(text("fields"), Api::V1),
        ..Query::default()
    };
    query.set_limit(body["limit"].as_u64().unwrap_or_default(), MOST_ROWS);
    match &body["filter"] {
        Value::Object(filter) => match (filter.get("and"), filter.get("or")) {
            (_, Some(any)) => query.filter.push(conditions(any)?),
            (Some(all), None) => query.filter.extend(conditions(all)?.into_iter().map(|one| vec![one])),
            (None, None) => query.filter.extend(conditions(&body["filter"])?.into_iter().map(|one| vec![one])),
        },
        all => query.filter.extend(conditions(all)?.into_iter().map(|one| vec![one])),
    }
    if let Value::Object(search) = &body["searchFilter"] {
        let list = |name: &str| search.get(name).map(strings).unwrap_or_default();
        let (terms, places) = (list("searchTerm"), list("fields"));
        let anywhere = places.iter().flat_map(|field| {
            let contains =
                |value: &String| Condition { field: field.clone(), operator: Operator::Contains, value: value.clone() };
            terms.iter().map(contains).collect::<Vec<_>>()
        });
        let anywhere: Vec<Condition> = anywhere.collect();
        // Nothing to look for, or nowhere: everything is found.
        if !anywhere.is_empty() {
            query.filter.push(anywhere);
        }
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

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
