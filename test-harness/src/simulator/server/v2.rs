//! The V2 API: bare arrays, and the total in `x-total-count`.

use hyper::StatusCode;

use super::answer::Answer;
use super::auth::is_object_id;
use super::listing::{Collection, Nulls};
use super::problem::Problem;
use super::query::{Query, SortKey};
use super::route::{Api, Endpoint};
use super::{Asked, UsersEndpoint, insights, v1};
use crate::simulator::behaviour::{Behaviour, GroupFilter, GroupRows, V2Sort};
use crate::simulator::faults::{Effect, Strikes};
use crate::simulator::organization::{Direction, Kind, Node, Organization, Path};
use crate::simulator::wire::{self, Object};

/// V2 gives no more rows at a time.
const MOST_ROWS: u64 = 100;
/// System Insights gives no more rows at a time.
const MOST_INSIGHTS: u64 = 10_000;

pub(super) fn answer(asked: &Asked<'_>, strikes: &Strikes) -> Result<Answer, Problem> {
    let most = if asked.endpoint == Endpoint::SystemInsightsUsers { MOST_INSIGHTS } else { MOST_ROWS };
    let mut query = Query::parse(asked.query, Api::V2, most)?;
    let behaviour = &asked.service.behaviour;
    take_sort(behaviour, asked.endpoint, &mut query)?;
    let organization = asked.organization.as_ref();
    let reached = |kind, direction, targets: &[Kind]| {
        let start = object(asked, kind, strikes)?;
        let found: Vec<_> = organization.paths(start, direction, targets).into_iter().collect();
        Ok::<_, Problem>(Collection::of(found, "id", |(node, paths): &(Node, Vec<Path>), object| {
            organization.write_reached(*node, paths, object);
        }))
    };
    let collection = match asked.endpoint {
        Endpoint::Users => match asked.service.users_endpoint {
            UsersEndpoint::V2 | UsersEndpoint::Both => v1::users(organization, "id"),
            UsersEndpoint::SystemUsers => return Err(Problem::not_found()),
            UsersEndpoint::SystemUsersV2NotAllowed => {
                return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"));
            }
        },
        Endpoint::Groups(kind) => {
            take_filter(behaviour, &mut query)?;
            groups(organization, kind, behaviour.group_rows)
        }
        Endpoint::Group(kind) => {
            let node = object(asked, kind, strikes)?;
            let directory = organization.directories().into_iter().find(|directory| directory.node == node);
            let mut body = Vec::new();
            Object::write(&mut body, Some(&query.fields), |object| match &directory {
                Some(directory) => wire::write_directory(directory, object),
                None => write_group(organization, node, object),
            });
            return Ok(Answer::ok(body));
        }
        Endpoint::Members(kind) => {
            let group = object(asked, kind, strikes)?;
            with_nulls(asked, group, members(organization, group, strikes))
        }
        Endpoint::Membership(Kind::UserGroup) => {
            reached(Kind::UserGroup, Direction::ToPrincipals, &[Kind::UserGroup, Kind::User])?
        }
        Endpoint::Membership(kind) => reached(kind, Direction::ToPrincipals, &[Kind::System])?,
        Endpoint::MemberOf(kind @ (Kind::User | Kind::UserGroup)) => {
            reached(kind, Direction::ToResources, &[Kind::UserGroup])?
        }
        Endpoint::MemberOf(kind) => reached(kind, Direction::ToResources, &[Kind::SystemGroup])?,
        Endpoint::Associations(kind) => {
            let node = object(asked, kind, strikes)?;
            with_nulls(asked, node, associations(organization, node, &query)?)
        }
        Endpoint::Reach(from @ (Kind::User | Kind::UserGroup), to) => reached(from, Direction::ToResources, &[to])?,
        Endpoint::Reach(from, to) => reached(from, Direction::ToPrincipals, &[to])?,
        Endpoint::Directories => Collection::of(organization.directories(), "", wire::write_directory),
        Endpoint::SystemInsightsUsers => {
            let count = organization.census(Kind::System).count() * wire::LOCAL_ACCOUNTS;
            Collection::new(count, "system_id", |place, object| organization.write_local_account(place, object))
        }
        Endpoint::ProviderOrganizations | Endpoint::ProviderAdministrators => {
            return Ok(provided(asked, strikes)?.page(&query, strikes).enveloped());
        }
        Endpoint::OrganizationLinks => {
            let administrator = object(asked, Kind::Administrator, strikes)?;
            Collection::of(asked.service.organizations.iter().collect(), "", move |linked, object| {
                wire::write_organization_link(organization, administrator, linked, object);
            })
        }
        Endpoint::Events | Endpoint::EventCount => return insights::answer(asked, strikes),
        _ => return Err(Problem::not_found()),
    };
    Ok(collection.page(&query, strikes).bare())
}

/// The object that the path names.
fn object(asked: &Asked<'_>, kind: Kind, strikes: &Strikes) -> Result<Node, Problem> {
    if !is_object_id(asked.id) {
        return Err(Problem::bad_request("Invalid ObjectID"));
    }
    let node = asked.organization.find(kind, asked.id).ok_or_else(Problem::not_found)?;
    if kind == Kind::UserGroup && strikes.group_has_vanished(node.index) {
        return Err(Problem::not_found());
    }
    Ok(node)
}

/// Refuses the sort keys that the service refuses, and drops those that it ignores.
fn take_sort(behaviour: &Behaviour, endpoint: Endpoint, query: &mut Query) -> Result<(), Problem> {
    let few: &[&str] = match (behaviour.v2_sort, endpoint) {
        (V2Sort::Name, Endpoint::Groups(_)) => &["name"],
        (V2Sort::Nothing, Endpoint::Groups(_)) | (V2Sort::Name | V2Sort::Nothing, Endpoint::Directories) => &[],
        (V2Sort::Name | V2Sort::Nothing, Endpoint::Members(_) | Endpoint::Associations(_)) => {
            query.sort.clear();
            return Ok(());
        }
        _ => return Ok(()),
    };
    match query.sort.iter().find(|key| !few.contains(&key.field.as_str())) {
        Some(SortKey { field, .. }) => {
            let message = format!("failed to list collection objects: invalid sort field: {field}");
            Err(Problem::bad_request(message))
        }
        None => Ok(()),
    }
}

/// Refuses or drops filters on what the rows of groups lack, where the service is to do so.
fn take_filter(behaviour: &Behaviour, query: &mut Query) -> Result<(), Problem> {
    const SHOWN: [&str; 5] = ["id", "name", "type", "description", "email"];
    let hidden = |field: &str| !SHOWN.contains(&field);
    let mut conditions = query.filter.iter().flatten();
    match (behaviour.group_filter, conditions.find(|condition| hidden(&condition.field))) {
        (GroupFilter::Applied, _) | (_, None) => {}
        (GroupFilter::Refused, Some(condition)) => {
            return Err(Problem::bad_request(format!("invalid filter field: {}", condition.field)));
        }
        (GroupFilter::Ignored, Some(_)) => {
            query.filter.retain(|clause| !clause.iter().any(|condition| hidden(&condition.field)));
        }
    }
    Ok(())
}

/// The groups of a kind, of each of which a list gives `rows`.
fn groups(organization: &Organization, kind: Kind, rows: GroupRows) -> Collection<'_> {
    let (census, whole) = (organization.census(kind), organization.census(kind));
    let count = census.count();
    let whole = move |position, object: &mut Object<'_>| {
        write_group(organization, Node::new(kind, whole.index(position)), object);
    };
    if rows == GroupRows::Whole {
        return Collection::new(count, "id", whole);
    }
    let collection = Collection::new(count, "id", move |position, object| {
        let index = census.index(position);
        match kind {
            Kind::UserGroup => organization.write_user_group_in_list(&organization.user_group(index), object),
            _ => organization.write_system_group_in_list(&organization.system_group(index), object),
        }
        if rows == GroupRows::NullAttributes {
            object.put("attributes", ());
        }
    });
    Collection { whole: Some(Box::new(whole)), ..collection }
}

/// A list of edges of an object, with the null records that it is to have.
fn with_nulls<'a>(asked: &Asked<'a>, node: Node, edges: Collection<'a>) -> Collection<'a> {
    let (nulls, seed) = (&asked.service.behaviour.null_edges, asked.organization.seed());
    // The members of an object and what it is bound to are two lists.
    let list =
        node.index << 8 | u64::from(node.kind as u8) << 1 | u64::from(matches!(asked.endpoint, Endpoint::Members(_)));
    let positions = nulls.positions(&asked.endpoint.class(), edges.count, seed, list);
    Collection { nulls: Nulls { positions, form: nulls.form }, ..edges }
}

fn write_group(organization: &Organization, group: Node, object: &mut Object<'_>) {
    match group.kind {
        Kind::UserGroup => organization.write_user_group(&organization.user_group(group.index), object),
        _ => organization.write_system_group(&organization.system_group(group.index), object),
    }
}

fn members<'a>(organization: &'a Organization, group: Node, strikes: &Strikes) -> Collection<'a> {
    /// No organisation has so many users.
    const NOBODY: Node = Node { kind: Kind::User, index: 0xFFFF_FF00 };
    let mut strangers = Vec::new();
    if strikes.has(&Effect::Dangling) {
        strangers.push(NOBODY);
    }
    if strikes.has(&Effect::Cycle) && group.kind == Kind::UserGroup {
        let census = organization.census(Kind::UserGroup);
        let following = (0..census.count()).map(|position| census.index(position)).find(|&index| index > group.index);
        strangers.push(Node::new(Kind::UserGroup, following.unwrap_or_else(|| census.index(0))));
    }
    let from = organization.id(group);
    let members = organization.members(group);
    let own = members.count();
    Collection::new(own + strangers.len() as u64, "", move |position, object| {
        let to = match position.checked_sub(own) {
            None => members.at(position),
            Some(position) => strangers[position as usize],
        };
        let id = organization.id(to);
        organization.write_connection((group.kind, &from), (to.kind, &id), None, object);
    })
}

/// The direct edges of an object to the kinds in `targets`.
fn associations<'a>(organization: &'a Organization, node: Node, query: &Query) -> Result<Collection<'a>, Problem> {
    let principals = [Kind::User, Kind::UserGroup];
    let bindable: &[Kind] = if principals.contains(&node.kind) { &Kind::RESOURCES } else { &principals };
    if query.targets.is_empty() {
        return Err(Problem::bad_request("targets is required"));
    }
    let mut edges = Vec::new();
    for name in &query.targets {
        let kind = Kind::of_name(name).filter(|kind| bindable.contains(kind));
        let kind = kind.ok_or_else(|| Problem::bad_request(format!("invalid target: {name}")))?;
        edges.extend(organization.edges(node, kind));
    }
    let from = organization.id(node);
    Ok(Collection::of(edges, "", move |edge, object| {
        let other = if edge.from == node { edge.to } else { edge.from };
        let to = organization.id(other);
        organization.write_connection((node.kind, &from), (other.kind, &to), edge.sudo, object);
    }))
}

/// What a provider has: organisations and administrators.
fn provided<'a>(asked: &Asked<'a>, strikes: &Strikes) -> Result<Collection<'a>, Problem> {
    object(asked, Kind::Provider, strikes)?;
    if asked.service.provider().is_none() {
        return Err(Problem::not_found());
    }
    let organization = asked.organization.as_ref();
    Ok(match asked.endpoint {
        Endpoint::ProviderAdministrators => {
            Collection::of(organization.administrators().collect(), "id", |administrator, object| {
                organization.write_provider_administrator(administrator, object);
            })
        }
        _ => Collection::of(asked.service.organizations.iter().collect(), "id", |organization, object| {
            object.put("id", organization.organization_id());
            object.put("name", organization.display_name());
        }),
    })
}
