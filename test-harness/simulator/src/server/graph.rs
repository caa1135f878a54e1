//! The graph of the V2 API: members, associations and traversals.

use super::Asked;
use super::auth::is_object_id;
use super::listing::{Collection, Nulls};
use super::problem::Problem;
use super::query::Query;
use super::route::Endpoint;
use super::v2::object;
use crate::behaviour::{Behaviour, NewTargets, SeveralTargets};
use crate::faults::{Effect, Strikes};
use crate::organization::{Direction, Kind, Node, Organization, Path};

/// The rows of an endpoint of the graph.
pub(super) fn collection<'a>(asked: &Asked<'a>, query: &Query, strikes: &Strikes) -> Result<Collection<'a>, Problem> {
    use Direction::{ToPrincipals, ToResources};
    let organization = asked.organization.as_ref();
    let reached = |kind, direction, targets: &[Kind]| reached(asked, kind, direction, targets, strikes);
    match asked.endpoint {
        Endpoint::Members(kind) => {
            let group = object(asked, kind, strikes)?;
            Ok(with_nulls(asked, group, members(organization, group, strikes)))
        }
        Endpoint::Associations(kind) => {
            let node = object(asked, kind, strikes)?;
            let edges = associations(organization, node, &asked.service.behaviour, query)?;
            Ok(with_nulls(asked, node, edges))
        }
        Endpoint::Membership(Kind::UserGroup) => reached(Kind::UserGroup, ToPrincipals, &[Kind::UserGroup, Kind::User]),
        Endpoint::Membership(kind) => reached(kind, ToPrincipals, &[Kind::System]),
        // Whoever does not exist is in no group.
        Endpoint::MemberOf(Kind::User)
            if is_object_id(asked.id) && organization.find(Kind::User, asked.id).is_none() =>
        {
            Ok(Collection::new(0, "id", |_, _| {}))
        }
        Endpoint::MemberOf(kind @ (Kind::User | Kind::UserGroup)) => reached(kind, ToResources, &[Kind::UserGroup]),
        Endpoint::MemberOf(kind) => reached(kind, ToResources, &[Kind::SystemGroup]),
        Endpoint::DirectoriesOf(kind) => {
            let start = object(asked, kind, strikes)?;
            let of_kind = |kind| organization.paths(start, ToResources, &[kind]);
            Ok(written(organization, Kind::DIRECTORIES.into_iter().flat_map(of_kind).collect()))
        }
        Endpoint::Reach(from @ (Kind::User | Kind::UserGroup), to) => reached(from, ToResources, &[to]),
        Endpoint::Reach(from, to) => reached(from, ToPrincipals, &[to]),
        _ => Err(Problem::not_found()),
    }
}

/// What the object of the path reaches.
fn reached<'a>(
    asked: &Asked<'a>,
    kind: Kind,
    direction: Direction,
    targets: &[Kind],
    strikes: &Strikes,
) -> Result<Collection<'a>, Problem> {
    let start = object(asked, kind, strikes)?;
    let organization = asked.organization.as_ref();
    Ok(written(organization, organization.paths(start, direction, targets).into_iter().collect()))
}

fn written(organization: &Organization, found: Vec<(Node, Vec<Path>)>) -> Collection<'_> {
    Collection::of(found, "id", |(node, paths), object| organization.write_reached(*node, paths, object))
}

/// A list of edges of an object, with the null records that it is to have.
fn with_nulls<'a>(asked: &Asked<'a>, node: Node, edges: Collection<'a>) -> Collection<'a> {
    let (nulls, seed) = (&asked.service.behaviour.null_edges, asked.organization.seed());
    // The members of an object and what it is bound to are two lists.
    let members = u64::from(matches!(asked.endpoint, Endpoint::Members(_)));
    let list = node.index << 8 | u64::from(node.kind as u8) << 1 | members;
    let positions = nulls.positions(&asked.endpoint.class(), edges.count, seed, list);
    Collection { nulls: Nulls { positions, form: nulls.form }, ..edges }
}

fn members<'a>(organization: &'a Organization, group: Node, strikes: &Strikes) -> Collection<'a> {
    /// More than the users or devices of any organisation.
    const BEYOND: u64 = 0xFFFF_FF00;
    let mut beyond = Vec::new();
    if strikes.has(&Effect::Dangling) {
        let kind = if group.kind == Kind::UserGroup { Kind::User } else { Kind::System };
        beyond.push(Node::new(kind, BEYOND));
    }
    if strikes.has(&Effect::Cycle) && group.kind == Kind::UserGroup {
        let census = organization.census(Kind::UserGroup);
        let following = (0..census.count()).map(|position| census.index(position)).find(|&index| index > group.index);
        beyond.push(Node::new(Kind::UserGroup, following.unwrap_or_else(|| census.index(0))));
    }
    let from = organization.id(group);
    let members = organization.members(group);
    let own = members.count();
    Collection::new(own + beyond.len() as u64, "", move |position, object| {
        let to = match position.checked_sub(own) {
            None => members.at(position),
            Some(position) => beyond[position as usize],
        };
        let id = organization.id(to);
        organization.write_connection((group.kind, &from), (to.kind, &id), None, object);
    })
}

/// The direct edges of an object to the kinds that `targets` names.
fn associations<'a>(
    organization: &'a Organization,
    node: Node,
    behaviour: &Behaviour,
    query: &Query,
) -> Result<Collection<'a>, Problem> {
    let mut edges = Vec::new();
    for name in targets(node, behaviour, query)? {
        // The organisation has nothing of the kinds that only a name is known of.
        edges.extend(Kind::of_name(name).into_iter().flat_map(|kind| organization.edges(node, kind)));
        if behaviour.several_targets == SeveralTargets::FirstWithRows && !edges.is_empty() {
            break;
        }
    }
    let from = organization.id(node);
    Ok(Collection::of(edges, "", move |edge, object| {
        let other = if edge.from == node { edge.to } else { edge.from };
        let to = organization.id(other);
        organization.write_connection((node.kind, &from), (other.kind, &to), edge.sudo, object);
    }))
}

/// The names in `targets`, all of which have to be such that the object can be bound to.
fn targets<'q>(node: Node, behaviour: &Behaviour, query: &'q Query) -> Result<&'q [String], Problem> {
    let (known, new) = node.kind.targets();
    let new = if behaviour.new_targets == NewTargets::Accepted { new } else { &[] };
    let names = match (behaviour.several_targets, query.targets.as_slice()) {
        (_, []) => return Err(Problem::bad_request("targets is required")),
        (SeveralTargets::First, [first, ..]) => std::slice::from_ref(first),
        (SeveralTargets::FirstForSome, [first, ..]) if node.index % 2 == 1 => std::slice::from_ref(first),
        (SeveralTargets::Last, [.., last]) => std::slice::from_ref(last),
        (SeveralTargets::Refused, [_, _, ..]) => {
            return Err(Problem::bad_request(format!("invalid target: {}", query.targets.join(","))));
        }
        (_, names) => names,
    };
    let takes = |name: &str| known.contains(&name) || new.contains(&name);
    match names.iter().find(|name| !takes(name)) {
        Some(name) => Err(Problem::bad_request(format!("invalid target: {name}"))),
        None => Ok(names),
    }
}
