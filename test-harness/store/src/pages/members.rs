//! Who is in a group, in which groups an account is, and what a group gives.

use connector_api::{Account, ConnectorError, Grant, Membership, Record};

use super::{PageOf, RowKey};
use crate::body;
use crate::database::Connection;
use crate::reach::{Reach, Subject};
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

/// How many there are. Where that takes long, a page counts only the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// This number.
    All(u64),
    /// More than this number.
    MoreThan(u64),
}

/// A page of who reaches a resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WhoPage {
    /// The grants of groups, and those of the accounts of this page. Each begin with the highest level.
    pub grants: Vec<Grant>,
    /// The accounts that reach it, on all pages.
    pub accounts: Counted,
    /// Where the next page begins, if there may be more.
    pub next: Option<RowKey>,
}

impl Counted {
    /// Returns the number, or the one that it exceeds.
    pub fn at_least(self) -> u64 {
        let (Self::All(number) | Self::MoreThan(number)) = self;
        number
    }

    fn up_to(most: u64, found: u64) -> Self {
        if found > most { Self::MoreThan(most) } else { Self::All(found) }
    }
}

/// Up to this number, accounts are found rather than counted.
const FEW: i64 = 10_000;

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
        let Some(group) = read::object(&mut *self.database, system.id, "group", group_type, external_id)? else {
            return Ok(PageOf { rows: Vec::new(), next: None });
        };
        let sql = format!(
            "select {}, a.body, n.account_id from {} where n.system = ?1 and n.from_run <= ?2 \
             and (n.to_run is null or n.to_run > ?2) and n.group_id = ?3 and n.account_id > ?4 \
             order by n.account_id limit ?5",
            read::MEMBERSHIP.replace('#', "?2"),
            read::MEMBERSHIPS.replace('#', "?2"),
        );
        let start = after.map_or(0, |key| key.object);
        let parameters = [system.id.into(), run.into(), group.into(), start.into(), (limit as i64 + 1).into()];
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
        let Some(account) = read::object(&mut *self.database, system.id, "account", "", external_id)? else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select {} from {} where n.system = ?1 and n.from_run <= ?2 and (n.to_run is null or n.to_run > ?2) \
             and n.account_id = ?3 order by n.group_id limit ?4",
            read::MEMBERSHIP.replace('#', "?2"),
            read::MEMBERSHIPS.replace('#', "?2"),
        );
        let parameters = [system.id.into(), run.into(), account.into(), (limit as i64).into()];
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

    /// Returns how many accounts are in a group after a run, directly or through other groups, by its memberships; `most` of
    /// them are counted.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn members_counted(
        &mut self,
        system: &System,
        run: i64,
        group: (&str, &str),
        most: u64,
    ) -> Result<Counted, ConnectorError> {
        let most = most.min(i64::MAX as u64 - 1);
        let found = read::members(&mut *self.database, system.id, run, group, most + 1)?;
        Ok(Counted::up_to(most, found))
    }

    /// Returns who reaches a resource after a run, as [`who`](Self::who) does, with the accounts after the end of a page, how
    /// many there are in all, and where the next page begins.
    ///
    /// # Errors
    /// As for [`who`](Self::who).
    pub fn who_page(
        &mut self,
        system: &System,
        run: i64,
        (resource_type, external_id): (&str, &str),
        after: Option<RowKey>,
        (limit, most): (usize, u64),
    ) -> Result<WhoPage, ConnectorError> {
        let after = after.map(|key| Place { level: key.rank, account: key.object });
        let mut next = None;
        let shown = |db: &mut dyn Connection, reaching: &Reaching| {
            let mut places = reaching.first(db, after, limit.saturating_add(1))?;
            if places.len() > limit {
                places.truncate(limit);
                next = places.last().map(|place| RowKey { rank: place.level, object: place.account });
            }
            let all = match i64::try_from(most) {
                // To find a few is less than to count all.
                Ok(few) if few <= FEW => reaching.count_to(db, few)?,
                _ => reaching.count(db)?,
            };
            Ok(Shown { accounts: places.iter().map(|place| place.account).collect(), all })
        };
        let who = self.reading(|db| Reach::new(db, system.id, run).who(resource_type, external_id, shown))?;
        Ok(WhoPage { accounts: Counted::up_to(most, who.accounts), grants: who.grants, next })
    }
}
