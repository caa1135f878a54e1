//! Builds a graph from a scan's rows, and grants with names from the graph.

use std::collections::BTreeMap;

use connector_api::{
    Access, AccessLevel, Account, Binding, Grant, Group, Membership, NodeKind, NodeRef, PathStep, Policy, Principal,
    Raises, Record, Resource, ResourceRef,
};
use hashbrown::HashMap;
use jiff::Timestamp;

use crate::graph::{Bound, Graph, Parts, Subject, Target};
use crate::lists::Lists;
use crate::names::{Name, Names};
use crate::path::Naming;
use crate::raises::Raise;
use crate::rank::Rank;
use crate::sign_in::{Applicant, SignInPolicies};
use crate::walk::to_resource::Reverse;

/// The access of a binding that does not state one.
const BOUND: Access = Access::of_word(AccessLevel::Use, "use");

/// Builds [`AccessRows`] from the rows of a scan, which come in the order of their kinds. Uses accounts, groups, direct
/// memberships, resources, bindings and policies, and ignores other rows.
#[derive(Debug, Default)]
pub struct RowsBuilder {
    /// The accesses that the connector declares, weakest first.
    order: Vec<Access>,
    accesses: Vec<Access>,
    places: HashMap<Access, u32>,
    types: Names,
    accounts: Names,
    /// The name of each account.
    usernames: Vec<Name>,
    names: Names,
    groups: Names,
    group_steps: Vec<PathStep>,
    resources: Names,
    resource_refs: Vec<ResourceRef>,
    targets: Vec<Target>,
    memberships: Vec<(u32, u32)>,
    ends_of_memberships: BTreeMap<(u32, u32), u32>,
    parents: Vec<(u32, u32)>,
    inside: Vec<(u32, u32)>,
    bindings_of_accounts: Vec<(u32, Bound)>,
    bindings_of_groups: Vec<(u32, Bound)>,
    /// Until all accesses are known, ranks here and in bindings are positions in `accesses`.
    raises: Vec<Raise>,
    /// The position of each raise, counted from one.
    known_raises: HashMap<Raise, u32>,
    raises_of_groups: Vec<u32>,
    raises_of_accounts: Vec<u32>,
    ends: Vec<Timestamp>,
    policies: Vec<Policy>,
    unmatched: u64,
}

impl RowsBuilder {
    /// Creates a builder with the [`accesses`](connector_api::Descriptor::accesses) that the connector declares. An
    /// access that is not among them ranks above the declared ones of its level.
    pub fn new(accesses: &[Access]) -> Self {
        Self { order: accesses.to_vec(), ..Self::default() }
    }

    /// Adds a row.
    pub fn enter(&mut self, record: &Record) {
        let known = match record {
            Record::Account(account) => self.account(account),
            Record::Group(group) => self.group(group),
            Record::Membership(membership) => self.membership(membership),
            Record::Resource(resource) => self.resource(resource),
            Record::Binding(binding) => self.bind(binding),
            Record::Policy(policy) => {
                self.policies.push(Policy::clone(policy));
                Some(())
            }
            _ => Some(()),
        };
        self.unmatched += u64::from(known.is_none());
    }

    fn account(&mut self, account: &Account) -> Option<()> {
        if self.accounts.insert(&account.external_id).is_ok() {
            self.usernames.push(self.names.insert(&account.username).unwrap_or_else(|known| known));
            let raise = self.raise(account.raises.as_ref());
            self.raises_of_accounts.push(raise);
        }
        Some(())
    }

    fn group(&mut self, group: &Group) -> Option<()> {
        let Group { group_type, external_id, name, .. } = group;
        if self.groups.insert(&identity(group_type, external_id)).is_ok() {
            self.group_steps.push(PathStep::new(group_type, external_id, name));
            let raise = self.raise(group.raises.as_ref());
            self.raises_of_groups.push(raise);
        }
        Some(())
    }

    fn membership(&mut self, membership: &Membership) -> Option<()> {
        let account = self.accounts.find(&membership.account_external_id)?;
        let group = self.groups.find(&identity(&membership.group_type, &membership.group_external_id))?;
        if membership.direct {
            let between = (account.index(), group.index());
            self.memberships.push(between);
            if let Some(expires_at) = membership.expires_at {
                self.ends.push(expires_at);
                self.ends_of_memberships.insert(between, self.ends.len() as u32);
            }
        }
        Some(())
    }

    fn resource(&mut self, resource: &Resource) -> Option<()> {
        let Resource { resource_type, external_id, name, container, .. } = resource;
        if self.resources.insert(&identity(resource_type, external_id)).is_ok() {
            self.resource_refs.push(ResourceRef::new(external_id, resource_type, name));
            let resource_type = self.resource_type(resource_type);
            self.targets.push(Target { resource_type, container: *container });
        }
        Some(())
    }

    /// Returns the number of memberships and bindings that refer to something without a row.
    pub fn unmatched(&self) -> u64 {
        self.unmatched
    }

    fn bind(&mut self, binding: &Binding) -> Option<()> {
        let (from, to) = (self.find(&binding.from)?, self.find(&binding.to)?);
        match (binding.from.kind, binding.to.kind) {
            (NodeKind::Group, NodeKind::Group) => self.parents.push((from, to)),
            (NodeKind::Resource, NodeKind::Resource) => self.inside.push((to, from)),
            (NodeKind::Account, NodeKind::Resource) => {
                let bound = self.bound(binding, to);
                self.bindings_of_accounts.push((from, bound));
            }
            (NodeKind::Group, NodeKind::Resource) => {
                let bound = self.bound(binding, to);
                self.bindings_of_groups.push((from, bound));
            }
            _ => return None,
        }
        Some(())
    }

    fn bound(&mut self, binding: &Binding, to: u32) -> Bound {
        let rank = self.access(binding.access.as_ref().unwrap_or(&BOUND));
        let ends = binding.expires_at.map_or(0, |expires_at| {
            self.ends.push(expires_at);
            self.ends.len() as u32
        });
        Bound { to, rank, ends }
    }

    fn find(&self, node: &NodeRef) -> Option<u32> {
        let name = match node.kind {
            NodeKind::Account => self.accounts.find(&node.external_id),
            NodeKind::Group => self.groups.find(&identity(&node.node_type, &node.external_id)),
            NodeKind::Resource => self.resources.find(&identity(&node.node_type, &node.external_id)),
            _ => None,
        };
        name.map(Name::index)
    }

    fn resource_type(&mut self, word: &str) -> u16 {
        let name = self.types.insert(word).unwrap_or_else(|known| known);
        u16::try_from(name.index()).unwrap_or(u16::MAX)
    }

    /// Returns the position of an access in the order of first occurrence.
    fn access(&mut self, access: &Access) -> Rank {
        let at = *self.places.entry_ref(access).or_insert_with(|| {
            self.accesses.push(access.clone());
            self.accesses.len() as u32 - 1
        });
        Rank(at)
    }

    fn raise(&mut self, raises: Option<&Raises>) -> u32 {
        let Some(raises) = raises else { return 0 };
        let mut raise = Raise::new(self.access(&raises.access), []);
        raise.types = raises.resource_types.iter().map(|word| self.resource_type(word)).collect();
        raise.raised_by.clone_from(&raises.raised_by);
        match self.known_raises.get(&raise) {
            Some(known) => *known,
            None => {
                self.raises.push(raise.clone());
                let at = self.raises.len() as u32;
                self.known_raises.insert(raise, at);
                at
            }
        }
    }

    /// Builds the graph of all rows.
    pub fn finish(mut self) -> AccessRows {
        let ranks = self.ranks();
        let ranked = |rank: &mut Rank| *rank = ranks.get(rank.0 as usize).copied().unwrap_or_default();
        self.raises.iter_mut().for_each(|raise| ranked(&mut raise.rank));
        let of_accounts = self.bindings_of_accounts.iter_mut();
        of_accounts.chain(&mut self.bindings_of_groups).for_each(|(_, bound)| ranked(&mut bound.rank));
        let mut accesses = vec![BOUND; self.accesses.len()];
        for (access, rank) in self.accesses.into_iter().zip(&ranks) {
            accesses[rank.0 as usize] = access;
        }
        let (accounts, groups) = (self.usernames.len(), self.group_steps.len());
        let graph = Graph::new(Parts {
            groups_of: Lists::new(accounts, self.memberships.into_iter()),
            parents: Lists::new(groups, self.parents.into_iter()),
            bindings_of_accounts: Lists::new(accounts, self.bindings_of_accounts.into_iter()),
            bindings_of_groups: Lists::new(groups, self.bindings_of_groups.into_iter()),
            inside: Lists::new(self.targets.len(), self.inside.into_iter()),
            resources: self.targets,
            raises: self.raises,
            raises_of_groups: self.raises_of_groups,
            raises_of_accounts: self.raises_of_accounts,
            ends_of_memberships: self.ends_of_memberships,
            ends: self.ends,
        });
        AccessRows {
            graph,
            accounts: self.accounts,
            usernames: self.usernames,
            names: self.names,
            groups: self.groups,
            group_steps: self.group_steps,
            resources: self.resources,
            resource_refs: self.resource_refs,
            accesses,
            policies: self.policies,
        }
    }

    /// Returns the rank of each access: by level, then in the declared order.
    fn ranks(&self) -> Vec<Rank> {
        let announced = |access: &Access| self.order.iter().position(|known| known == access).unwrap_or(usize::MAX);
        let mut order: Vec<usize> = (0..self.accesses.len()).collect();
        order.sort_by_key(|at| {
            let access = &self.accesses[*at];
            (access.level, announced(access), &access.word)
        });
        let mut ranks = vec![Rank::default(); order.len()];
        for (rank, at) in (0_u32..).zip(order) {
            ranks[at] = Rank(rank);
        }
        ranks
    }
}

/// Joins type and id into a key; no type contains a line break.
fn identity(of_type: &str, external_id: &str) -> String {
    format!("{of_type}\n{external_id}")
}

/// A scan's rows as a graph with names.
#[derive(Debug)]
pub struct AccessRows {
    graph: Graph,
    accounts: Names,
    usernames: Vec<Name>,
    names: Names,
    groups: Names,
    group_steps: Vec<PathStep>,
    resources: Names,
    resource_refs: Vec<ResourceRef>,
    /// By rank.
    accesses: Vec<Access>,
    policies: Vec<Policy>,
}

impl AccessRows {
    /// Returns the graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Returns the account with this `externalId`.
    pub fn account(&self, external_id: &str) -> Option<Subject> {
        self.accounts.find(external_id).map(|name| Subject::Account(name.index()))
    }

    /// Returns the group of this type with this `externalId`.
    pub fn group(&self, group_type: &str, external_id: &str) -> Option<Subject> {
        self.groups.find(&identity(group_type, external_id)).map(|name| Subject::Group(name.index()))
    }

    /// Returns the index of the resource of this type with this `externalId`.
    pub fn resource(&self, resource_type: &str, external_id: &str) -> Option<u32> {
        self.resources.find(&identity(resource_type, external_id)).map(Name::index)
    }

    /// Returns the policies, prepared to be applied to accounts.
    pub fn sign_in_policies(&self) -> SignInPolicies {
        let group = |node: &NodeRef| Some(self.groups.find(&identity(&node.node_type, &node.external_id))?.index());
        SignInPolicies::new(self.policies.iter().cloned(), &self.graph, group)
    }

    /// Returns an account with its groups, to apply policies to it; in no group if it is not in the rows. It signs in at the
    /// target itself, and which filters fit it is not known: a caller that knows more says so by
    /// [`routed`](Applicant::routed) and [`fitting`](Applicant::fitting).
    pub fn applicant<'a>(&'a self, external_id: &'a str) -> Applicant<'a> {
        let account = self.accounts.find(external_id).map(Name::index);
        let groups = account.map_or(&[][..], |account| self.graph.parts().groups_of.of(account));
        Applicant::new(external_id, groups)
    }

    /// Returns the grants of an account or group.
    pub fn grants(&self, subject: Subject) -> Vec<Grant> {
        self.rows(subject, &self.graph.reach(subject))
    }

    /// Returns the grants to a resource, those of groups first.
    pub fn grants_to<'a>(&'a self, reverse: &Reverse<'a>, resource: u32) -> impl Iterator<Item = Grant> + use<'a> {
        reverse.who(resource).flat_map(|(subject, reach)| self.rows(subject, &reach))
    }

    /// Returns all grants, those of groups first.
    pub fn all_grants(&self) -> impl Iterator<Item = Grant> {
        self.graph.all().flat_map(|(subject, reach)| self.rows(subject, &reach))
    }

    fn rows(&self, subject: Subject, reach: &crate::Reach<'_>) -> Vec<Grant> {
        let Some(principal) = self.principal(subject) else { return Vec::new() };
        reach.iter().map(|reached| reached.grant(self, &principal)).collect()
    }

    /// Returns an account or group as rows refer to it.
    pub fn principal(&self, subject: Subject) -> Option<Principal> {
        match subject {
            Subject::Account(account) => {
                let username = self.names.get(*self.usernames.get(account as usize)?);
                Some(Principal::account(self.accounts.nth(account)?, username))
            }
            Subject::Group(group) => {
                let PathStep { group_type, external_id, name, .. } = self.group_steps.get(group as usize)?;
                Some(Principal::group(external_id, group_type, name))
            }
        }
    }
}

impl Naming for AccessRows {
    fn group(&self, group: u32) -> PathStep {
        self.group_steps.get(group as usize).cloned().unwrap_or_else(|| PathStep::new("", "", ""))
    }

    fn resource(&self, resource: u32) -> ResourceRef {
        self.resource_refs.get(resource as usize).cloned().unwrap_or_else(|| ResourceRef::new("", "", ""))
    }

    fn access(&self, rank: Rank) -> Access {
        self.accesses.get(rank.0 as usize).cloned().unwrap_or(BOUND)
    }
}
