//! Who reaches what is inside a container, such as a device group, through it.

use std::collections::{BTreeMap, BTreeSet};

use connector_access::Reverse;
use connector_api::{AccessPath, ConnectorError, Grant, NodeRef, Principal, Record, ResourceRef};

use super::{ACCOUNT, End, GROUP, RESOURCE, Reach, Who};

/// Who reaches what is inside a container through it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct WhoThrough {
    /// The accounts and groups that reach it, as grants of the container.
    pub who: Who,
    /// How many resources are inside it, directly or in other containers.
    pub inside: u64,
}

/// The resources inside a container.
struct Inside {
    count: u64,
    /// One of each type, and with it the bindings that lead from it to the container.
    examples: Vec<(NodeRef, i64, Vec<Record>)>,
}

impl Reach<'_> {
    /// Returns who reaches what is inside a container through it, with the grants of at most `limit` accounts. What is inside
    /// is reached alike by its type, so one resource of each type stands for all.
    pub(crate) fn who_through(mut self, container: &NodeRef, limit: usize) -> Result<WhoThrough, ConnectorError> {
        let object = self.object(RESOURCE, &container.node_type, &container.external_id)?;
        let inside = self.inside(object)?;
        self.add(RESOURCE, object);
        let accounts = self.bound_above(object)?;
        for (_, example, bindings) in &inside.examples {
            self.add(RESOURCE, *example);
            self.bindings.extend(bindings.iter().cloned());
        }
        for account in accounts.iter().take(limit) {
            self.add(ACCOUNT, *account);
            self.groups_of(*account)?;
        }
        let rows = self.rows()?;
        let reverse = Reverse::of(rows.graph());
        let mut strongest = BTreeMap::<(u8, String, String), Grant>::new();
        for (example, ..) in &inside.examples {
            let Some(example) = rows.resource(&example.node_type, &example.external_id) else { continue };
            for mut grant in rows.grants_to(&reverse, example) {
                of_container(&mut grant, container);
                match strongest.entry(id(&grant.principal)) {
                    std::collections::btree_map::Entry::Occupied(mut known) => {
                        if known.get().access.level < grant.access.level {
                            known.insert(grant);
                        }
                    }
                    std::collections::btree_map::Entry::Vacant(free) => _ = free.insert(grant),
                }
            }
        }
        let who = Who { grants: strongest.into_values().collect(), accounts: accounts.len() as u64 };
        Ok(WhoThrough { who, inside: inside.count })
    }

    fn inside(&mut self, container: i64) -> Result<Inside, ConnectorError> {
        let mut inside = Inside { count: 0, examples: Vec::new() };
        let mut known = BTreeSet::from([container]);
        let mut containers = vec![(container, Vec::new())];
        while let Some((next, chain)) = containers.pop() {
            for edge in self.edges(next, End::To)?.into_iter().filter(|edge| edge.kind == RESOURCE) {
                let (object, Record::Binding(binding)) = (edge.object, &edge.record) else { continue };
                if !known.insert(object) {
                    continue;
                }
                let resource = binding.from.clone();
                let bindings = || chain.iter().chain([&edge.record]).cloned().collect();
                if self.is_container(object)? {
                    containers.push((object, bindings()));
                } else {
                    inside.count += 1;
                    if inside.examples.iter().all(|(known, ..)| known.node_type != resource.node_type) {
                        inside.examples.push((resource, object, bindings()));
                    }
                }
            }
        }
        Ok(inside)
    }

    /// Adds what is bound to a container or to what it is inside, and returns all accounts among it and its members.
    fn bound_above(&mut self, container: i64) -> Result<BTreeSet<i64>, ConnectorError> {
        let (mut containers, mut groups, mut accounts) = (vec![container], Vec::new(), BTreeSet::new());
        while let Some(next) = containers.pop() {
            for edge in self.edges(next, End::From)?.into_iter().filter(|edge| edge.kind == RESOURCE) {
                self.bindings.push(edge.record);
                if self.add(RESOURCE, edge.object) {
                    containers.push(edge.object);
                }
            }
            for edge in self.edges(next, End::To)? {
                match edge.kind.as_str() {
                    ACCOUNT if self.has_row(edge.object)? => _ = accounts.insert(edge.object),
                    GROUP if self.add(GROUP, edge.object) => groups.push(edge.object),
                    GROUP => {}
                    _ => continue,
                }
                self.bindings.push(edge.record);
            }
        }
        while let Some(next) = groups.pop() {
            accounts.append(&mut self.members(next)?);
            for edge in self.edges(next, End::To)?.into_iter().filter(|edge| edge.kind == GROUP) {
                self.bindings.push(edge.record);
                if self.add(GROUP, edge.object) {
                    groups.push(edge.object);
                }
            }
        }
        Ok(accounts)
    }
}

fn id(principal: &Principal) -> (u8, String, String) {
    match principal {
        Principal::Group { group_type, external_id, .. } => (0, group_type.clone(), external_id.clone()),
        other => (1, String::new(), other.external_id().to_owned()),
    }
}

/// Makes a grant of something inside a container one of the container: its ways end there.
fn of_container(grant: &mut Grant, container: &NodeRef) {
    for AccessPath { steps, .. } in &mut grant.via {
        let here = steps
            .iter()
            .position(|step| (&step.group_type, &step.external_id) == (&container.node_type, &container.external_id));
        if let Some(here) = here {
            if let Some(step) = steps.get(here) {
                grant.resource = ResourceRef::new(&step.external_id, &step.group_type, &step.name);
            }
            steps.truncate(here);
        }
    }
    grant.direct = grant.via.iter().any(|way| way.steps.is_empty());
}
