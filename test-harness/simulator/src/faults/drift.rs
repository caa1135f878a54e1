//! An organisation that changes while it is read.

use rand::RngExt;

use super::{Drift, Effect, Strikes};
use crate::organization::{Kind, Node, Organization};
use crate::server::Endpoint;

impl Strikes {
    /// Changes what a listing lists, once its page is made: the next page sees it.
    pub(crate) fn drift(&mut self, organization: &Organization, endpoint: Endpoint, id: &str) {
        let (kind, group) = match endpoint {
            Endpoint::SystemUsers | Endpoint::SearchSystemUsers | Endpoint::Users => (Kind::User, None),
            Endpoint::Groups(Kind::UserGroup) => (Kind::UserGroup, None),
            Endpoint::Systems => (Kind::System, None),
            Endpoint::Members(Kind::UserGroup) => (Kind::User, organization.find(Kind::UserGroup, id)),
            _ => return,
        };
        let drifts: Vec<Drift> = self
            .iter()
            .filter_map(|effect| if let Effect::Drift(drift) = effect { Some(*drift) } else { None })
            .collect();
        for drift in drifts {
            if drift != Drift::Insert {
                self.delete_one(organization, kind, group);
            }
            if drift != Drift::Delete
                && let Some(population) = organization.population(kind)
            {
                population.create();
            }
        }
    }

    /// Deletes something of a kind, or a member of a group.
    fn delete_one(&mut self, organization: &Organization, kind: Kind, group: Option<Node>) {
        let victim = match group {
            Some(group) => {
                let users = organization.group_users(group.index);
                (!users.is_empty()).then(|| users[self.rng.random_range(0..users.len())])
            }
            None => {
                let census = organization.census(kind);
                (census.count() > 0).then(|| census.index(self.rng.random_range(0..census.count())))
            }
        };
        if let (Some(victim), Some(population)) = (victim, organization.population(kind)) {
            population.delete(victim);
        }
    }
}
