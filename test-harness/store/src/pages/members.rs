//! Who is in a group, in which groups an account is, and what a group gives.

use connector_api::{Account, ConnectorError, Grant, Membership, Record};

use super::{PageOf, RowKey};
use crate::body;
use crate::database::Connection;
use crate::reach::{Reach, Subject, Who};
use crate::reaching::{Place, Reaching, Shown};
use crate::read;
use crate::store::{Store, System};

/// An account in a group.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Member {
    /// How it is in the group.
    pub membership: Membership,
    /// The account without volatile fields; `None` if it has no row.
    pub account: Option<Account>,
}

impl Store {
    /// Returns the accounts in a group after a run, directly or through other groups.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn members_page(
        &mut self,
        system: &System,
        run: i64,
        (group_type, external_id): (&str, &str),
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<PageOf<Member>, ConnectorError> {
        let sql = format!(
            "select {}, a.body, n.account_id from {} where n.system = ?1 and n.from_run <= ?2 \
             and (n.to_run is null or n.to_run > ?2) and n.account_id > ?5 and n.group_id in (\
             select id from object where system = ?1 and kind = 'group' and type = ?3 and external_id = ?4) \
             order by n.account_id limit ?6",
            read::MEMBERSHIP.replace('#', "?2"),
            read::MEMBERSHIPS.replace('#', "?2"),
        );
        let parameters = [
            system.id.into(),
            run.into(),
            group_type.into(),
            external_id.into(),
            after.map_or(0, |key| key.object).into(),
            (limit as i64 + 1).into(),
        ];
        let mut rows = self.database.rows(&sql, &parameters, |row| {
            let account = row.text(9)?.map(|body| body::record(body, None)).transpose()?;
            let account = account.and_then(|record| match record {
                Record::Account(account) => Some(*account),
                _ => None,
            });
            Ok((row.number(10)?, Member { membership: read::membership(row, 0)?, account }))
        })?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|(object, _)| RowKey { rank: 0, object: *object });
        Ok(PageOf { rows: rows.into_iter().map(|(_, member)| member).collect(), next })
    }

    /// Returns the first groups that an account is in after a run.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn groups_of(
        &mut self,
        system: &System,
        run: i64,
        external_id: &str,
        limit: usize,
    ) -> Result<Vec<Membership>, ConnectorError> {
        let sql = format!(
            "select {} from {} where n.system = ?1 and n.from_run <= ?2 and (n.to_run is null or n.to_run > ?2) \
             and n.account_id in (select id from object where system = ?1 and kind = 'account' and type = '' \
             and external_id = ?3) order by n.group_id limit ?4",
            read::MEMBERSHIP.replace('#', "?2"),
            read::MEMBERSHIPS.replace('#', "?2"),
        );
        let parameters = [system.id.into(), run.into(), external_id.into(), (limit as i64).into()];
        self.database.rows(&sql, &parameters, |row| read::membership(row, 0))
    }

    /// Returns what the members of a group reach through it after a run; nothing if it has no row.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn group_grants(
        &mut self,
        system: &System,
        run: i64,
        (group_type, external_id): (&str, &str),
    ) -> Result<Vec<Grant>, ConnectorError> {
        let subject = Subject::Group { group_type, external_id };
        Ok(Reach::new(&mut *self.database, system.id, run).grants(subject)?.unwrap_or_default())
    }

    /// Returns who reaches a resource after a run, as [`who`](Self::who) does, with the accounts after the end of a page, and
    /// where the next page begins.
    ///
    /// # Errors
    /// As for [`who`](Self::who).
    pub fn who_page(
        &mut self,
        system: &System,
        run: i64,
        (resource_type, external_id): (&str, &str),
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<(Who, Option<RowKey>), ConnectorError> {
        let after = after.map(|key| Place { level: key.rank, account: key.object });
        let mut next = None;
        let shown = |db: &mut dyn Connection, reaching: &Reaching| {
            let mut places = reaching.first(db, after, limit.saturating_add(1))?;
            if places.len() > limit {
                places.truncate(limit);
                next = places.last().map(|place| RowKey { rank: place.level, object: place.account });
            }
            Ok(Shown { accounts: places.iter().map(|place| place.account).collect(), all: reaching.count(db)? })
        };
        let who = self.reading(|db| Reach::new(db, system.id, run).who(resource_type, external_id, shown))?;
        Ok((who, next))
    }
}
