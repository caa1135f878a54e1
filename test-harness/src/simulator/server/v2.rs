//! The V2 API: bare arrays, and the total in `x-total-count`.

use hyper::StatusCode;

use super::answer::Answer;
use super::auth::is_object_id;
use super::listing::Collection;
use super::problem::Problem;
use super::query::Query;
use super::route::{Api, Endpoint};
use super::{Asked, UsersEndpoint, v1};
use crate::simulator::faults::Strikes;
use crate::simulator::organization::{Kind, Node, Organization};
use crate::simulator::wire::Object;

/// V2 gives no more rows at a time.
const MOST_ROWS: u64 = 100;

pub(super) fn answer(asked: &Asked<'_>, strikes: &Strikes) -> Result<Answer, Problem> {
    let query = Query::parse(asked.query, Api::V2, MOST_ROWS)?;
    let organization = asked.organization.as_ref();
    let collection = match asked.endpoint {
        Endpoint::Users => match asked.service.users_endpoint {
            UsersEndpoint::V2 | UsersEndpoint::Both => v1::users(organization, "id"),
            UsersEndpoint::SystemUsers => return Err(Problem::not_found()),
            UsersEndpoint::SystemUsersV2NotAllowed => {
                return Err(Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "Method Not Allowed",
                ));
            }
        },
        Endpoint::Groups(kind) => groups(organization, kind),
        Endpoint::Members(kind) => members(organization, object(asked, kind)?),
        _ => return Err(Problem::not_found()),
    };
    Ok(collection.page(&query, strikes).bare())
}

/// The object that the path names.
fn object(asked: &Asked<'_>, kind: Kind) -> Result<Node, Problem> {
    if !is_object_id(asked.id) {
        return Err(Problem::bad_request("Invalid ObjectID"));
    }
    asked
        .organization
        .find(kind, asked.id)
        .ok_or_else(Problem::not_found)
}

fn groups(organization: &Organization, kind: Kind) -> Collection<'_> {
    let census = organization.census(kind);
    Collection {
        count: census.count(),
        id_field: "id",
        write: Box::new(move |position, object| match kind {
            Kind::UserGroup => organization
                .write_user_group(&organization.user_group(census.index(position)), object),
            _ => organization
                .write_system_group(&organization.system_group(census.index(position)), object),
        }),
    }
}

fn members(organization: &Organization, group: Node) -> Collection<'_> {
    let from = organization.id(group);
    let members = organization.members(group);
    Collection {
        count: members.count(),
        id_field: "",
        write: Box::new(move |position, object| {
            write_edge(
                organization,
                group.kind,
                &from,
                members.at(position),
                object,
            );
        }),
    }
}

fn write_edge(
    organization: &Organization,
    kind: Kind,
    from: &str,
    to: Node,
    object: &mut Object<'_>,
) {
    object.put("attributes", ());
    object.object("from", |o| {
        o.put("attributes", ());
        o.put("id", from);
        o.put("type", kind.name());
    });
    object.object("to", |o| {
        o.put("attributes", ());
        o.put("id", organization.id(to));
        o.put("type", to.kind.name());
    });
}
