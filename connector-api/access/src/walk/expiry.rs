//! Memberships and bindings that expire, as positions in [`Parts::ends`](crate::Parts::ends): 0 is never.

use hashbrown::HashMap;
use jiff::Timestamp;

use crate::graph::Graph;
use crate::walk::edges::{Edges, Everything};
use crate::walk::to_resource::all_from;

impl Graph {
    /// Returns the groups that an account is in only until a certain time, directly or through others, each with the
    /// latest expiry of all ways into it.
    pub fn expiring_groups(&self, account: u32) -> HashMap<u32, Timestamp> {
        let ends = self.expiring(&Everything(self), account);
        ends.into_iter().filter_map(|(group, ends)| Some((group, self.end(ends)?))).collect()
    }

    /// Returns when an account's direct membership in a group expires, if it does.
    pub fn end_of_membership(&self, account: u32, group: u32) -> Option<Timestamp> {
        self.end(self.ends_of_membership(account, group))
    }

    pub(crate) fn ends_of_membership(&self, account: u32, group: u32) -> u32 {
        self.parts.ends_of_memberships.get(&(account, group)).copied().unwrap_or(0)
    }

    /// Returns whether a direct membership of an account expires.
    pub(crate) fn has_expiring_memberships(&self, account: u32) -> bool {
        self.parts.ends_of_memberships.range((account, 0)..=(account, u32::MAX)).next().is_some()
    }

    /// Returns the groups that an account is in only by memberships that expire, each with the latest expiry.
    pub(crate) fn expiring(&self, edges: &impl Edges, account: u32) -> HashMap<u32, u32> {
        if !self.has_expiring_memberships(account) {
            return HashMap::new();
        }
        let ends = |group: &u32| self.ends_of_membership(account, *group);
        let (standing, expiring): (Vec<u32>, Vec<u32>) = edges.groups_of(account).partition(|group| ends(group) == 0);
        let standing = all_from(standing, |group| edges.parents(group));
        let mut latest: HashMap<u32, u32> = HashMap::new();
        for first in expiring {
            let above = all_from([first], |group| edges.parents(group));
            for group in above.into_iter().filter(|group| !standing.contains(group)) {
                let known = latest.entry(group).or_insert(ends(&first));
                *known = self.later(*known, ends(&first));
            }
        }
        latest
    }

    /// Returns the earlier of two expiries: that of a path is the earliest of its parts.
    pub(crate) fn earlier(&self, one: u32, other: u32) -> u32 {
        match (self.end(one), self.end(other)) {
            (Some(first), Some(second)) => {
                if first <= second {
                    one
                } else {
                    other
                }
            }
            (None, _) => other,
            (_, None) => one,
        }
    }

    /// Returns the later of two expiries.
    fn later(&self, one: u32, other: u32) -> u32 {
        if self.earlier(one, other) == one { other } else { one }
    }
}
