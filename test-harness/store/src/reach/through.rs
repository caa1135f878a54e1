//! Who reaches what is inside a container, such as a device group, through it.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{AccessPath, ConnectorError, Grant, NodeRef, Principal, Record, ResourceRef};

use super::{ACCOUNT, End, RESOURCE, Reach, Who, grants_to, strongest_first};
use crate::reaching::Shown;

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
        if inside.count == 0 {
            // There is nothing to reach.
            return Ok(WhoThrough::default());
        }
        let resources = self.around(object)?;
        for (_, example, bindings) in &inside.examples {
            self.add(RESOURCE, *example);
            self.bindings.extend(bindings.iter().cloned());
        }
        let examples: Vec<_> =
            inside.examples.iter().map(|(node, ..)| (&*node.node_type, &*node.external_id)).collect();
        let reaching = self.reaching(resources, &examples)?;
        let Shown { accounts, all } = reaching.shown(self.db, limit)?;
        self.ways_of(&accounts, &reaching)?;
        self.objects.insert(ACCOUNT, accounts);
        let rows = self.rows()?;
        let mut strongest = BTreeMap::<(u8, String, String), Grant>::new();
        for (of_type, example) in &examples {
            for mut grant in grants_to(&rows, of_type, example) {
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
        let mut grants = strongest.into_values().collect::<Vec<_>>();
        strongest_first(&mut grants);
        let who = Who { grants, accounts: all };
        Ok(WhoThrough { who, inside: inside.count })
    }

    fn inside(&mut self, container: i64) -> Result<Inside, ConnectorError> {
        let mut inside = Inside { count: 0, examples: Vec::new() };
        let mut known = BTreeSet::from([container]);
        let mut containers = vec![(container, Vec::new())];
        while let Some((next, chain)) = containers.pop() {
            let edges = self.edges(&[next], End::To, &[RESOURCE])?;
            let with_rows = self.with_rows(RESOURCE, &edges.iter().map(|edge| edge.object).collect())?;
            for edge in edges {
                let (object, Record::Binding(binding)) = (edge.object, &edge.record) else { continue };
                if !with_rows.contains(&object) || !known.insert(object) {
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
