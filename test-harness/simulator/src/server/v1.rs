//! The V1 API: `{"totalCount", "results"}`.

use super::answer::Answer;
use super::auth::is_object_id;
use super::listing::Collection;
use super::problem::Problem;
use super::query::{Limits, Query};
use super::route::{Api, Endpoint};
use super::{Asked, UsersEndpoint, search};
use crate::faults::Strikes;
use crate::organization::{Kind, Organization};
use crate::wire::{Object, UserRow};

/// V1 gives no more rows at a time.
const MOST_ROWS: u64 = 100;

pub(super) fn answer(asked: &Asked<'_>, strikes: &Strikes) -> Result<Answer, Problem> {
    let limits = Limits { most: MOST_ROWS, refused: asked.service.behaviour.large_limits };
    let query = match asked.endpoint {
        Endpoint::SearchSystemUsers | Endpoint::SearchSystems => search::query(asked.query, &asked.body, limits)?,
        _ => Query::parse(asked.query, Api::V1, limits)?,
    };
    let organization = asked.organization.as_ref();
    let collection = match asked.endpoint {
        Endpoint::One(kind) => return one(asked, kind, &query),
        Endpoint::Organization => return one_organization(asked, &query),
        Endpoint::SystemUsers if asked.service.users_endpoint == UsersEndpoint::V2 => {
            return Err(Problem::not_found());
        }
        Endpoint::SystemUsers => users(organization, "_id", UserRow::Listed),
        Endpoint::SearchSystemUsers => users(organization, "_id", UserRow::Found),
        Endpoint::Commands => every(organization, Kind::Command, Organization::write_command),
        Endpoint::Systems | Endpoint::SearchSystems => {
            every(organization, Kind::System, |organization, index, object| {
                organization.write_system(&organization.system(index), object);
            })
        }
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
                organization.write_organization(object);
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
        Kind::User => organization.write_user(&organization.user(index), UserRow::One, object),
        Kind::System => organization.write_system(&organization.system(index), object),
        Kind::Application => organization.write_application(&organization.application(index), object),
        _ => organization.write_radius_server(&organization.radius_server(index), object),
    });
    Ok(Answer::ok(body))
}

/// The organisation that the path names, of those that the key may see.
fn one_organization(asked: &Asked<'_>, query: &Query) -> Result<Answer, Problem> {
    if !is_object_id(asked.id) {
        return Err(Problem::bad_request("Invalid ObjectID"));
    }
    let mut organizations = asked.service.organizations.iter();
    let named = organizations.find(|organization| organization.organization_id() == asked.id);
    let (organization, provider) = (named.ok_or_else(Problem::not_found)?, asked.service.provider());
    let mut body = Vec::new();
    Object::write(&mut body, Some(&query.fields), |object| {
        organization.write_whole_organization(provider.as_deref(), object);
    });
    Ok(Answer::ok(body))
}

/// Directory users as an endpoint gives them, whose id stands in `id_field`.
pub(super) fn users<'a>(organization: &'a Organization, id_field: &'static str, given: UserRow) -> Collection<'a> {
    let census = organization.census(Kind::User);
    Collection::new(census.count(), id_field, move |position, object| {
        organization.write_user(&organization.user(census.index(position)), given, object);
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
