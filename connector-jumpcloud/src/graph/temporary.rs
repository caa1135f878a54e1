//! Access that was approved until a certain time, as edges of the graph.
//!
//! A request gives its access in one of two ways: by a group into which the user is put, or directly. If the user is in the
//! request's group, that membership expires. A binding of its own would count the same access twice, so there is one only
//! if the group does not give the access.

use std::collections::HashMap;

use connector_access::{Bound, Lists};
use jiff::Timestamp;

use crate::api::Id;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::scan::people::People;
use crate::scan::state::State;
use crate::sections::temporary_access::ApprovedAccess;

/// What the graph says about a request's group.
pub(super) struct Groups<'g> {
    pub(super) index: &'g HashMap<&'g Id, u32>,
    pub(super) sudo: &'g [Level],
    pub(super) bindings: &'g Lists<Bound>,
    /// The devices in each device group.
    pub(super) inside: &'g Lists<u32>,
}

impl Groups<'_> {
    /// Whether a group itself gives at least a level on a resource.
    fn gives(&self, group: u32, resource: u32, level: Level) -> bool {
        let raised = self.sudo[group as usize];
        self.bindings.of(group).iter().any(|bound| {
            Level::of_rank(bound.rank).max(raised) >= level
                && (bound.to == resource || self.inside.of(bound.to).contains(&resource))
        })
    }
}

/// Memberships and bindings that expire.
#[derive(Default)]
pub(crate) struct Temporary<'a> {
    /// By user and group, each with the request that ends last.
    memberships: HashMap<(u32, u32), &'a ApprovedAccess>,
    /// By user, each with the resource.
    bindings: HashMap<&'a Id, Vec<(u32, &'a ApprovedAccess)>>,
    /// What leads to nothing in the scan.
    pub(crate) unmatched: Vec<&'a ApprovedAccess>,
}

impl<'a> Temporary<'a> {
    /// What has not ended by `now`: a scan may be resumed long after the requests were read.
    pub(super) fn of(
        state: &'a State,
        people: &People,
        groups: &Groups<'_>,
        resources: &HashMap<(Kind, &Id), u32>,
        now: Timestamp,
    ) -> Self {
        let mut all = Self::default();
        for access in state.found.temporary_access.iter().filter(|access| access.expires_at > now) {
            let user = people.find(&access.user);
            let to_group = access.to.as_ref().filter(|to| to.kind == Kind::UserGroup).map(|to| &to.id);
            let group = access.temp_group.as_ref().or(to_group).and_then(|group| groups.index.get(group).copied());
            let member = user.zip(group).filter(|(user, group)| {
                let members = state.found.memberships.get(*group as usize).and_then(Option::as_ref);
                members.is_some_and(|members| members.users.contains(user))
            });
            if let Some(member) = member {
                let known = all.memberships.entry(member).or_insert(access);
                if access.expires_at > known.expires_at {
                    *known = access;
                }
            }
            let resource = access.to.as_ref().and_then(|to| resources.get(&(to.kind, &to.id)).copied());
            match (member, resource) {
                (Some((_, group)), Some(resource)) if groups.gives(group, resource, access.level) => {}
                (_, Some(resource)) => all.bindings.entry(&access.user).or_default().push((resource, access)),
                (None, None) => all.unmatched.push(access),
                (Some(_), None) => {}
            }
        }
        all
    }

    /// The request by which a user is in a group until a certain time.
    pub(crate) fn membership(&self, user: u32, group: u32) -> Option<&'a ApprovedAccess> {
        self.memberships.get(&(user, group)).copied()
    }

    /// What a user is bound to until a certain time, with the request.
    pub(crate) fn bindings(&self, user: &Id) -> &[(u32, &'a ApprovedAccess)] {
        self.bindings.get(user).map_or(&[], Vec::as_slice)
    }

    /// Every membership that expires, by user and group, and when.
    pub(super) fn ends_of_memberships(&self) -> impl Iterator<Item = ((u32, u32), Timestamp)> {
        self.memberships.iter().map(|(of, access)| (*of, access.expires_at))
    }

    /// Every binding that expires, in the order of its user and request.
    pub(super) fn all_bindings(&self) -> Vec<(&'a Id, u32, &'a ApprovedAccess)> {
        let bindings = self.bindings.iter();
        let mut all: Vec<_> =
            bindings.flat_map(|(user, bound)| bound.iter().map(|(to, access)| (*user, *to, *access))).collect();
        all.sort_by(|one, other| (one.0, &one.2.id).cmp(&(other.0, &other.2.id)));
        all
    }
}
