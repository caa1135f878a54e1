//! The graph of memberships and bindings: converts what was read for connector-access, and provides the names for rows.

mod administrator_reach;
pub(crate) mod authority;
pub(crate) mod evidence_rules;
pub(crate) mod evidence_table;
pub(crate) mod sign_ins;
pub(crate) mod temporary;

use std::collections::{HashMap, HashSet};

use connector_access::{Above, Bound, End, Lists, Naming, Parts, Rank, Reach, SignInPolicies, Subject, Target};
use connector_api::{Access, Binding, NodeKind, NodeRef, PathStep, Policy, ResourceRef};
use jiff::Timestamp;

use crate::api::Id;
use crate::api::graph::sudo;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::scan::people::People;
use crate::scan::progress::SectionProgress;
use crate::scan::state::{self, Node, State};
use crate::sections::temporary_access::ApprovedAccess;
use crate::sections::{self, Thing};
use administrator_reach::GroupDevices;
use temporary::{Groups, Temporary};

/// Group type of user groups.
pub(crate) const USER_GROUP: &str = "JUMPCLOUD_USER_GROUP";

/// The graph of one scan.
pub(crate) struct Graph<'a> {
    pub(crate) state: &'a State,
    access: connector_access::Graph,
    /// For each group, the groups that are its members, directly.
    children: Lists<u32>,
    /// The groups that did not vanish during the scan.
    group_index: HashMap<&'a Id, u32>,
    /// For each group, the level that its own attributes give its members on every device that it reaches.
    group_sudo: Vec<Level>,
    /// The devices that each group itself is bound to.
    pub(crate) group_devices: Vec<GroupDevices>,
    /// Devices, device groups, applications and directories.
    resources: Vec<Thing<'a>>,
    temporary: Temporary<'a>,
}

/// The edges of the graph except memberships, by index.
#[derive(Default)]
struct Edges {
    /// Device groups, each with a device in it.
    inside: Vec<(u32, u32)>,
    of_users: Vec<(u32, Bound)>,
    of_groups: Vec<(u32, Bound)>,
}

impl<'a> Graph<'a> {
    /// Builds the graph; an edge to an object that is not in the scan is counted in `progress` and dropped.
    /// Before the users are listed, any user that an edge names is accepted.
    /// What was approved until a certain time counts if it has not ended by `now`.
    pub(crate) fn new(state: &'a State, people: &People, now: Timestamp, progress: &mut SectionProgress) -> Self {
        let vanished = |at: u32| state.found.memberships.get(at as usize).is_some_and(Option::is_none);
        let groups = state.found.groups.rows.iter().map(|group| &group.id).zip(0..);
        let group_index: HashMap<&Id, u32> = groups.filter(|(_, at)| !vanished(*at)).collect();
        let resources = sections::things(&state.found);
        let index: HashMap<(Kind, &Id), u32> =
            resources.iter().map(|resource| (resource.kind, resource.id)).zip(0..).collect();
        let Edges { inside, mut of_users, of_groups } = Edges::of(state, people, &group_index, &index, progress);
        let count = state.found.groups.rows.len();
        let nested = (0_u32..).zip(&state.found.memberships).flat_map(|(group, members)| {
            let members = members.iter().flat_map(|members| &members.groups);
            // A group that is not in the scan is counted when the memberships are sent.
            members.filter_map(|member| group_index.get(member).copied()).map(move |child| (group, child))
        });
        let held = (0_u32..).zip(&state.found.memberships).flat_map(|(group, members)| {
            members.iter().flat_map(move |members| members.users.iter().map(move |user| (*user, group)))
        });
        let group_sudo: Vec<Level> =
            state.found.groups.rows.iter().map(|group| sudo(group.rest.get("attributes").as_ref())).collect();
        let mut parts = Parts::default();
        parts.bindings_of_groups = Lists::new(count, of_groups.into_iter());
        parts.inside = Lists::new(resources.len(), inside.into_iter());
        let Parts { bindings_of_groups: bindings, inside, .. } = &parts;
        let groups = Groups { index: &group_index, sudo: &group_sudo, bindings, inside };
        let temporary = Temporary::of(state, people, &groups, &index, now);
        let mut end = |expires_at| {
            parts.ends.push(expires_at);
            parts.ends.len() as u32
        };
        let ends_of_memberships =
            temporary.ends_of_memberships().map(|(of, expires_at)| (of, end(expires_at))).collect();
        for (user, to, access) in temporary.all_bindings() {
            if let Some(user) = accepted(people, user) {
                let mut bound = Bound::new(to, access.level.rank());
                bound.ends = end(access.expires_at);
                of_users.push((user, bound));
            }
        }
        parts.ends_of_memberships = ends_of_memberships;
        parts.groups_of = Lists::new(people.len(), held);
        parts.parents = Lists::new(count, nested.clone().map(|(group, child)| (child, group)));
        parts.bindings_of_accounts = Lists::new(people.len(), of_users.into_iter());
        parts.resources = resources.iter().map(target).collect();
        parts.raises = Level::raises();
        parts.raises_of_groups = group_sudo.iter().map(|level| level.rank().0).collect();
        parts.raises_of_accounts = (0..people.len() as u32).map(|user| people.sudo(user).rank().0).collect();
        let children = Lists::new(count, nested);
        let access = connector_access::Graph::new(parts);
        let mut graph =
            Self { state, access, children, group_index, group_sudo, group_devices: Vec::new(), resources, temporary };
        graph.group_devices = (0..count as u32).map(|group| graph.devices_of_group(group)).collect();
        graph
    }

    /// What a user or group reaches, with the paths there.
    pub(crate) fn reach(&self, subject: Subject) -> Reach<'_> {
        self.access.reach(subject)
    }

    /// The accounts and groups that may have more than this level on something, or access for a limited time.
    pub(crate) fn above(&self, level: Level) -> Above<'_> {
        self.access.above(level.rank())
    }

    /// The groups of which a user is a direct member.
    pub(crate) fn groups_of(&self, user: u32) -> &[u32] {
        self.access.parts().groups_of.of(user)
    }

    /// The groups that contain a user or a group, with the paths to each.
    pub(crate) fn ends(&self, subject: Subject) -> Vec<End> {
        self.access.ends(subject)
    }

    /// The path by which the members of a group get most on what the group itself is bound to: the group alone, but for
    /// groups that are members of each other.
    pub(crate) fn strongest_way(&self, group: u32) -> Vec<u32> {
        let ends = self.access.ends_from(std::iter::once(group));
        ends.first().map_or_else(|| vec![group], |end| end.strongest().to_vec())
    }

    /// The groups that a user is in only until a certain time, with that time.
    pub(crate) fn expiring_groups(&self, user: u32) -> HashMap<u32, Timestamp> {
        self.access.expiring_groups(user).into_iter().collect()
    }

    /// The groups that contain a user by memberships that do not end.
    pub(crate) fn standing_ends(&self, user: u32) -> Vec<End> {
        self.access.ends_from(
            self.groups_of(user).iter().copied().filter(|group| self.access.end_of_membership(user, *group).is_none()),
        )
    }

    /// The groups that contain a user by memberships that end.
    pub(crate) fn ends_by_expiring(&self, user: u32) -> Vec<End> {
        self.access.ends_from(
            self.groups_of(user).iter().copied().filter(|group| self.access.end_of_membership(user, *group).is_some()),
        )
    }

    /// What was approved until a certain time.
    pub(crate) fn temporary(&self) -> &Temporary<'a> {
        &self.temporary
    }

    /// The bindings that expire, as rows, each with its request.
    pub(crate) fn bound_temporarily(&self) -> impl Iterator<Item = (Binding, &'a ApprovedAccess)> {
        self.temporary.all_bindings().into_iter().map(|(user, to, access)| {
            let from = NodeRef::new(NodeKind::Account, "user", user.to_string());
            let mut row = Binding::new(from, self.resource_ref(to)).with_access(self.access(access.level.rank()));
            row.expires_at = Some(access.expires_at);
            row.request_id = Some(access.id.clone());
            (row, access)
        })
    }

    /// The name of a resource, else its id.
    pub(crate) fn name_of_resource(&self, resource: u32) -> String {
        self.resource(resource).name
    }

    /// The direct bindings of a user or group, standing and temporary.
    pub(crate) fn bindings(&self, subject: Subject) -> &[Bound] {
        let parts = self.access.parts();
        match subject {
            Subject::Account(user) => parts.bindings_of_accounts.of(user),
            Subject::Group(group) => parts.bindings_of_groups.of(group),
        }
    }

    /// Prepares policies to be applied to accounts.
    pub(crate) fn sign_in_policies(&self, policies: impl IntoIterator<Item = Policy>) -> SignInPolicies {
        let group = |node: &NodeRef| self.group_index.get(&node.external_id.parse::<Id>().ok()?).copied();
        SignInPolicies::new(policies, &self.access, group)
    }

    /// The resources inside another.
    pub(crate) fn inside(&self, resource: u32) -> &[u32] {
        self.access.parts().inside.of(resource)
    }

    /// The same graph without what users' own flags raise.
    pub(crate) fn without_own_raises(&self) -> connector_access::Graph {
        let mut parts = self.access.parts().clone();
        parts.raises_of_accounts = Vec::new();
        connector_access::Graph::new(parts)
    }

    /// The number of resources.
    pub(crate) fn things(&self) -> usize {
        self.resources.len()
    }

    /// A resource.
    pub(crate) fn thing(&self, resource: u32) -> &Thing<'a> {
        &self.resources[resource as usize]
    }

    /// The kind of a resource.
    pub(crate) fn kind(&self, resource: u32) -> Kind {
        self.resources[resource as usize].kind
    }

    /// The index of the device at a place in the list of devices.
    pub(crate) fn device(&self, place: u32) -> u32 {
        let first = self.resources.iter().position(|resource| resource.kind == Kind::System);
        first.map_or(u32::MAX, |first| (first as u32).saturating_add(place))
    }

    /// The level from the attributes of the groups on a path.
    pub(crate) fn sudo_of(&self, way: &[u32]) -> Level {
        way.iter().map(|group| self.group_sudo(*group)).max().unwrap_or_default()
    }

    /// The indirect members of a group, each with the groups between, from the user's own group up to the one below
    /// `group`. Shortest path first; each user once.
    pub(crate) fn indirect_members(&self, group: u32) -> Vec<(u32, Vec<u32>)> {
        if self.children.of(group).is_empty() {
            return Vec::new();
        }
        let users = |group: u32| {
            self.state.found.memberships[group as usize].iter().flat_map(|members| members.users.iter().copied())
        };
        let mut seen: HashSet<u32> = users(group).collect();
        let mut reached = HashSet::from([group]);
        let mut level: Vec<Vec<u32>> = vec![vec![group]];
        let mut members = Vec::new();
        while !level.is_empty() {
            let mut below = Vec::new();
            for way in &level {
                for &child in self.children.of(way[0]) {
                    if reached.insert(child) {
                        below.push([child].into_iter().chain(way.iter().copied()).collect::<Vec<u32>>());
                    }
                }
            }
            for way in &below {
                for user in users(way[0]).filter(|user| seen.insert(*user)) {
                    members.push((user, way[..way.len() - 1].to_vec()));
                }
            }
            level = below;
        }
        members
    }

    /// Whether a group is in the scan.
    pub(crate) fn has_group(&self, group: &Id) -> bool {
        self.group_index.contains_key(group)
    }

    /// The level that a group's own attributes give its members on every device that the group reaches.
    pub(crate) fn group_sudo(&self, group: u32) -> Level {
        self.group_sudo[group as usize]
    }

    /// The groups that are members of groups, as rows.
    pub(crate) fn nested(&self) -> impl Iterator<Item = Binding> {
        self.children.pairs().map(|(group, child)| Binding::new(self.group_ref(*child), self.group_ref(group)))
    }

    /// The devices in device groups, as rows.
    pub(crate) fn devices_in_groups(&self) -> impl Iterator<Item = Binding> {
        let inside = self.access.parts().inside.pairs();
        inside.map(|(group, device)| Binding::new(self.resource_ref(*device), self.resource_ref(group)))
    }

    /// The direct bindings of a user or group, as rows.
    pub(crate) fn bound(&self, subject: Subject, people: &People) -> impl Iterator<Item = Binding> {
        let bindings = self.bindings(subject);
        // Most users have none.
        let from = (!bindings.is_empty()).then(|| match subject {
            Subject::Group(group) => self.group_ref(group),
            Subject::Account(user) => NodeRef::new(NodeKind::Account, "user", people.id(user).to_text()),
        });
        bindings.iter().filter(|bound| bound.ends == 0).filter_map(move |bound| {
            Some(Binding::new(from.clone()?, self.resource_ref(bound.to)).with_access(self.access(bound.rank)))
        })
    }

    fn group_ref(&self, group: u32) -> NodeRef {
        NodeRef::new(NodeKind::Group, USER_GROUP, self.state.found.groups.rows[group as usize].id.to_text())
    }

    fn resource_ref(&self, resource: u32) -> NodeRef {
        let Thing { kind, id, .. } = &self.resources[resource as usize];
        NodeRef::new(NodeKind::Resource, kind.resource_type(), id.to_text())
    }
}

impl Naming for Graph<'_> {
    fn group(&self, group: u32) -> PathStep {
        let group = &self.state.found.groups.rows[group as usize];
        PathStep::new(USER_GROUP, group.id.to_text(), group.shown_name())
    }

    fn resource(&self, resource: u32) -> ResourceRef {
        let Thing { kind, id, name } = &self.resources[resource as usize];
        let name = if name.is_empty() { id.to_text() } else { (*name).to_owned() };
        ResourceRef::new(id.to_text(), kind.resource_type(), name)
    }

    fn access(&self, rank: Rank) -> Access {
        Level::of_rank(rank).access()
    }
}

impl Edges {
    fn of(
        state: &State,
        people: &People,
        groups: &HashMap<&Id, u32>,
        index: &HashMap<(Kind, &Id), u32>,
        progress: &mut SectionProgress,
    ) -> Self {
        let find = |node: &Node| index.get(&(node.kind, &node.id)).copied();
        let mut edges = Self::default();
        for edge in &state.found.grants {
            let entered = match (edge.from.kind, find(&edge.to)) {
                (_, None) => None,
                (Kind::SystemGroup, Some(to)) => find(&edge.from).map(|from| edges.inside.push((from, to))),
                (Kind::User, Some(to)) => {
                    accepted(people, &edge.from.id).map(|user| edges.of_users.push((user, bound(edge, to))))
                }
                (_, Some(to)) => groups.get(&edge.from.id).map(|group| edges.of_groups.push((*group, bound(edge, to)))),
            };
            if entered.is_none() {
                let name = |node: &Node| format!("{} {}", node.kind.word(), node.id);
                progress.dangling(|| name(&edge.from), || name(&edge.to));
            }
        }
        edges
    }
}

/// A user that an edge names: before the users are listed any, then those that are.
fn accepted(people: &People, user: &Id) -> Option<u32> {
    people.find(user).filter(|user| people.listed().is_empty() || people.is_listed(*user))
}

/// The access from an edge: on devices its level, elsewhere to sign in.
fn bound(edge: &state::Edge, to: u32) -> Bound {
    let has_levels = matches!(edge.to.kind, Kind::System | Kind::SystemGroup);
    Bound::new(to, if has_levels { edge.access } else { Level::Login }.rank())
}

fn target(thing: &Thing<'_>) -> Target {
    match thing.kind {
        Kind::SystemGroup => Target::container(thing.kind as u16),
        kind => Target::new(kind as u16),
    }
}
