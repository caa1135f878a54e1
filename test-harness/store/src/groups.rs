//! What is asked of groups and containers, and which accounts are disabled.

use std::collections::BTreeSet;

use connector_api::{ConnectorError, Grant, Membership, NodeKind, NodeRef};

use crate::reach::through::WhoThrough;
use crate::reach::{Reach, Subject};
use crate::read;
use crate::store::{Store, System};

/// The memberships of a group, by the names of the members.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct GroupMembers {
    /// Those of accounts, direct and indirect.
    pub members: Vec<Membership>,
    /// Those that name an account without a row, such as one that was deleted while the target was read: it reaches nothing.
    pub without_row: Vec<Membership>,
}

impl Store {
    /// Returns what the members of a group reach through it after a published run, as grants of the group.
    ///
    /// # Errors
    /// `invalid_config` if there is no such group; `sink` if the store cannot be read.
    pub fn why_group(
        &mut self,
        system: &System,
        run: i64,
        group_type: &str,
        external_id: &str,
    ) -> Result<Vec<Grant>, ConnectorError> {
        let group = Subject::Group { group_type, external_id };
        self.reading(|db| Reach::new(db, system.id, run).grants(group))?.ok_or_else(|| {
            let message = format!("there was no such group after run {run}");
            ConnectorError::invalid_config(message, "look for it in another run, with --at")
        })
    }

    /// Returns the memberships of a group after a published run, direct and indirect.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn memberships_of(
        &mut self,
        system: &System,
        run: i64,
        group_type: &str,
        external_id: &str,
    ) -> Result<GroupMembers, ConnectorError> {
        let mut all = read::memberships_of(&mut *self.database, system.id, run, (group_type, external_id))?;
        all.sort_by(|(one, _), (two, _)| one.username.cmp(&two.username));
        let (with_row, without_row): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, has_row)| *has_row);
        let memberships = |all: Vec<(Membership, bool)>| all.into_iter().map(|(membership, _)| membership).collect();
        Ok(GroupMembers { members: memberships(with_row), without_row: memberships(without_row) })
    }

    /// Returns who reaches what is inside a container, such as a device group, through it after a published run: the grants
    /// of groups, and those of at most `limit` accounts.
    ///
    /// # Errors
    /// `invalid_config` if there is no such resource; `sink` if the store cannot be read.
    pub fn who_through(
        &mut self,
        system: &System,
        run: i64,
        resource_type: &str,
        external_id: &str,
        limit: usize,
    ) -> Result<WhoThrough, ConnectorError> {
        let container = NodeRef::new(NodeKind::Resource, resource_type, external_id);
        self.reading(|db| Reach::new(db, system.id, run).who_through(&container, limit))
    }

    /// Returns the ids of the accounts that were disabled after a published run.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn disabled_accounts(&mut self, system: &System, run: i64) -> Result<BTreeSet<String>, ConnectorError> {
        let sql = "select o.external_id from account_version n join object o on o.id = n.object where n.system = ?1 \
                   and n.from_run <= ?2 and (n.to_run is null or n.to_run > ?2) and not n.enabled";
        let ids = self.database.rows(sql, &[system.id.into(), run.into()], |row| Ok(row.word(0)?.to_owned()))?;
        Ok(ids.into_iter().collect())
    }
}
