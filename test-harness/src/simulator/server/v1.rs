//! The V1 API: `{"totalCount", "results"}`.

use super::answer::Answer;
use super::listing::Collection;
use super::problem::Problem;
use super::query::Query;
use super::route::{Api, Endpoint};
use super::{Asked, UsersEndpoint};
use crate::simulator::faults::Strikes;
use crate::simulator::organization::{Kind, Organization};

/// V1 gives no more rows at a time.
const MOST_ROWS: u64 = 100;

pub(super) fn answer(asked: &Asked<'_>, strikes: &Strikes) -> Result<Answer, Problem> {
    let query = Query::parse(asked.query, Api::V1, MOST_ROWS)?;
    let organization = asked.organization.as_ref();
    let collection = match asked.endpoint {
        Endpoint::SystemUsers if asked.service.users_endpoint == UsersEndpoint::V2 => {
            return Err(Problem::not_found());
        }
        Endpoint::SystemUsers => users(organization, "_id"),
        Endpoint::Organizations => organizations(asked),
        _ => return Err(Problem::not_found()),
    };
    Ok(collection.page(&query, strikes).enveloped())
}

/// Directory users, whose id stands in `id_field`.
pub(super) fn users<'a>(organization: &'a Organization, id_field: &'static str) -> Collection<'a> {
    let census = organization.census(Kind::User);
    Collection {
        count: census.count(),
        id_field,
        write: Box::new(move |position, object| {
            organization.write_user(&organization.user(census.index(position)), id_field, object);
        }),
    }
}

fn organizations<'a>(asked: &Asked<'a>) -> Collection<'a> {
    Collection::of(
        asked.service.organizations.iter().collect(),
        "_id",
        |organization, object| {
            object.put("_id", organization.organization_id());
            object.put("displayName", organization.display_name());
            object.put("logoUrl", "");
        },
    )
}
