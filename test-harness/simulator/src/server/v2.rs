//! The V2 API: bare arrays, and the total in `x-total-count`.

use std::sync::Arc;

use hyper::{Method, StatusCode};

use super::answer::Answer;
use super::auth::is_object_id;
use super::listing::Collection;
use super::problem::Problem;
use super::query::{Limits, Query, SortKey};
use super::route::{Api, Endpoint, Table};
use super::{Asked, UsersEndpoint, graph, insights, v1};
use crate::behaviour::{AccessRequests, Behaviour, GroupFilter, GroupRows, PasswordPolicies, V2Sort};
use crate::faults::Strikes;
use crate::organization::{Kind, Node, Organization};
use crate::wire::{IP_LIST_COUNT, Object, UserRow};

/// V2 gives no more rows at a time.
const MOST_ROWS: u64 = 100;
/// The routing rules of the organisation are left over: their identity provider was removed.
const NO_IDENTITY_PROVIDER: &[u8] = br#"{"identityProviders":[],"totalCount":0}"#;
/// System Insights gives no more rows at a time.
const MOST_INSIGHTS: u64 = 10_000;

pub(super) fn answer(asked: &Asked<'_>, strikes: &Strikes) -> Result<Answer, Problem> {
    let behaviour = &asked.service.behaviour;
    let of_system_insights = matches!(asked.endpoint, Endpoint::SystemInsights(_));
    let most = if of_system_insights { MOST_INSIGHTS } else { MOST_ROWS };
    let mut query = Query::parse(asked.query, Api::V2, Limits { most, refused: behaviour.large_limits })?;
    take_sort(behaviour, asked.endpoint, &mut query)?;
    let organization = asked.organization.as_ref();
    let collection = match asked.endpoint {
        Endpoint::Users => users(asked)?,
        Endpoint::Groups(kind @ (Kind::UserGroup | Kind::SystemGroup)) => {
            take_filter(behaviour, &mut query)?;
            groups(organization, kind, behaviour.group_rows, &query)
        }
        Endpoint::Groups(kind) => {
            let count = organization.census(kind).count();
            Collection::new(count, "id", move |index, object| organization.write_listed(Node::new(kind, index), object))
        }
        Endpoint::AllGroups => all_groups(organization),
        Endpoint::Group(kind) => return one(asked, kind, &query, strikes),
        Endpoint::Directories => Collection::of(organization.directories(), "", |directory, object| {
            organization.write_directory(directory, object);
        }),
        Endpoint::AuthnPolicies => Collection::of(organization.authn_policies().collect(), "id", |policy, object| {
            organization.write_authn_policy(policy, object);
        }),
        Endpoint::IdentityProviders => return Ok(Answer::ok(NO_IDENTITY_PROVIDER.to_vec())),
        Endpoint::IpLists => {
            Collection::new(IP_LIST_COUNT, "id", |index, object| organization.write_ip_list(index, object))
        }
        // The documents have only POST there.
        Endpoint::PasswordPolicies if behaviour.password_policies == PasswordPolicies::NotServed => {
            return Err(Problem::method_not_allowed(Method::POST));
        }
        Endpoint::PasswordPolicies => Collection::of(organization.password_policies(), "objectId", |policy, object| {
            organization.write_password_policy(policy, object);
        }),
        Endpoint::ServiceAccounts => {
            let accounts = Collection::of(organization.service_accounts().collect(), "objectId", |account, object| {
                organization.write_service_account(account, object);
            });
            return Ok(accounts.page(&query, strikes).enveloped());
        }
        Endpoint::Roles => {
            let roles =
                Collection::of(organization.roles(), "id", |role, object| organization.write_role(role, object));
            return Ok(roles.page(&query, strikes).enveloped());
        }
        Endpoint::FlowRequests => {
            let requests = Collection::of(organization.access_requests(), "id", |request, object| {
                organization.write_flow_request(request, object);
            });
            return Ok(requests.page(&query, strikes).enveloped());
        }
        Endpoint::AccessRequests if behaviour.access_requests == AccessRequests::Served => {
            Collection::of(organization.access_requests(), "accessId", |request, object| {
                organization.write_access_request(request, object);
            })
        }
        Endpoint::AccessRequests => return Err(Problem::not_found()),
        Endpoint::SystemInsights(table) => local(organization, table, &query)?,
        Endpoint::ProviderOrganizations | Endpoint::ProviderAdministrators => {
            return Ok(provided(asked, strikes)?.page(&query, strikes).enveloped());
        }
        Endpoint::OrganizationLinks => {
            let administrator = object(asked, Kind::Administrator, strikes)?;
            Collection::of(asked.service.organizations.iter().collect(), "", move |linked, object| {
                organization.write_organization_link(administrator, linked, object);
            })
        }
        endpoint if endpoint.is_of_insights() => return insights::answer(asked, strikes),
        _ => graph::collection(asked, &query, strikes)?,
    };
    Ok(collection.page(&query, strikes).bare())
}

/// The object that the path names.
pub(super) fn object(asked: &Asked<'_>, kind: Kind, strikes: &Strikes) -> Result<Node, Problem> {
    if !is_object_id(asked.id) {
        return Err(Problem::bad_request("Invalid ObjectID"));
    }
    let node = asked.organization.find(kind, asked.id).ok_or_else(Problem::not_found)?;
    if kind == Kind::UserGroup && strikes.group_has_vanished(node.index) {
        return Err(Problem::not_found());
    }
    Ok(node)
}

fn users<'a>(asked: &Asked<'a>) -> Result<Collection<'a>, Problem> {
    match asked.service.users_endpoint {
        UsersEndpoint::V2 | UsersEndpoint::Both => Ok(v1::users(asked.organization, "id", UserRow::V2)),
        UsersEndpoint::SystemUsers => Err(Problem::not_found()),
        UsersEndpoint::SystemUsersV2NotAllowed => {
            Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"))
        }
    }
}

/// Refuses the sort keys that the service refuses, and drops those that it ignores.
fn take_sort(behaviour: &Behaviour, endpoint: Endpoint, query: &mut Query) -> Result<(), Problem> {
    let few: &[&str] = match (behaviour.v2_sort, endpoint) {
        (_, Endpoint::ServiceAccounts) => &["name", "expiresAt"],
        (V2Sort::Any, _) => return Ok(()),
        (_, Endpoint::Groups(Kind::Policy)) => &["id", "name"],
        (V2Sort::Name, Endpoint::AllGroups) => &["name"],
        (V2Sort::Name, Endpoint::Groups(Kind::UserGroup | Kind::SystemGroup | Kind::PolicyGroup)) => &["name"],
        (_, Endpoint::Groups(Kind::UserGroup | Kind::SystemGroup | Kind::PolicyGroup)) => &[],
        (_, Endpoint::AllGroups | Endpoint::Directories) => &[],
        (_, Endpoint::Members(_) | Endpoint::Associations(_)) => {
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
fn groups<'a>(organization: &'a Organization, kind: Kind, rows: GroupRows, query: &Query) -> Collection<'a> {
    // Known beforehand, so that no page has to look at every group.
    let by_name = matches!(query.sort.as_slice(), [key] if key.field == "name");
    let (id_field, order) = match by_name {
        true => ("name", organization.groups_by_name(kind)),
        false => ("id", indices(organization, kind)),
    };
    let (count, order) = (order.len() as u64, Arc::new(order));
    let group = move |position: u64| Node::new(kind, order[position as usize]);
    let whole = {
        let group = group.clone();
        move |position, object: &mut Object<'_>| write_group(organization, group(position), object)
    };
    if rows == GroupRows::Whole {
        return Collection::new(count, id_field, whole);
    }
    let collection = Collection::new(count, id_field, move |position, object| {
        write_group_in_list(organization, group(position), object);
        if rows == GroupRows::NullAttributes {
            object.put("attributes", ());
        }
    });
    Collection { whole: Some(Box::new(whole)), ..collection }
}

/// The objects of a kind that exist now, in the order of creation.
fn indices(organization: &Organization, kind: Kind) -> Vec<u64> {
    let census = organization.census(kind);
    (0..census.count()).map(|position| census.index(position)).collect()
}

/// User groups, device groups and policy groups in one list.
fn all_groups(organization: &Organization) -> Collection<'_> {
    let nodes = [Kind::UserGroup, Kind::SystemGroup, Kind::PolicyGroup]
        .into_iter()
        .flat_map(|kind| indices(organization, kind).into_iter().map(move |index| Node::new(kind, index)));
    Collection::of(nodes.collect(), "", |node: &Node, object| match node.kind {
        Kind::PolicyGroup => organization.write_listed(*node, object),
        _ => write_group_in_list(organization, *node, object),
    })
}

fn write_group_in_list(organization: &Organization, group: Node, object: &mut Object<'_>) {
    match group.kind {
        Kind::UserGroup => organization.write_user_group_in_list(&organization.user_group(group.index), object),
        _ => organization.write_system_group_in_list(&organization.system_group(group.index), object),
    }
}

fn write_group(organization: &Organization, group: Node, object: &mut Object<'_>) {
    match group.kind {
        Kind::UserGroup => organization.write_user_group(&organization.user_group(group.index), object),
        _ => organization.write_system_group(&organization.system_group(group.index), object),
    }
}

/// The one group or directory that the path names.
fn one(asked: &Asked<'_>, kind: Kind, query: &Query, strikes: &Strikes) -> Result<Answer, Problem> {
    let (node, organization) = (object(asked, kind, strikes)?, asked.organization.as_ref());
    let directory = organization.directories().into_iter().find(|directory| directory.node == node);
    let mut body = Vec::new();
    Object::write(&mut body, Some(&query.fields), |object| match &directory {
        Some(directory) => organization.write_directory(directory, object),
        None => write_group(organization, node, object),
    });
    Ok(Answer::ok(body))
}

/// A table of System Insights, which compares for equality alone.
fn local<'a>(organization: &'a Organization, table: Table, query: &Query) -> Result<Collection<'a>, Problem> {
    if let Some(condition) = query.filter.iter().flatten().find(|condition| !condition.is_simple()) {
        return Err(Problem::bad_request(format!("invalid filter operator for {}: use eq or in", condition.field)));
    }
    let [accounts, groups, memberships, keys] = organization.local_counts();
    let (count, write): (u64, fn(&Organization, u64, &mut Object<'_>)) = match table {
        Table::Users => (accounts, Organization::write_local_account),
        Table::Groups => (groups, Organization::write_local_group),
        Table::UserGroups => (memberships, Organization::write_local_membership),
        Table::AuthorizedKeys => (keys, Organization::write_authorized_key),
    };
    Ok(Collection::new(count, "system_id", move |place, object| write(organization, place, object)))
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
