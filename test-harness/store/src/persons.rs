//! Who reaches a resource, with the accounts that links join as one person.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::ConnectorError;

use crate::database::Connection;
use crate::links::{self, LinkedAccount, Links};
use crate::reach::{Reach, Who};
use crate::reaching::{Place, Reaching, Shown};
use crate::store::{Store, System};

/// Who reaches a resource, with the accounts that links join as one person.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct WhoLinked {
    /// How many accounts reach it, the grants of groups, and those of the accounts of the first persons.
    pub who: Who,
    /// How many persons reach it: accounts that links join, directly or through others, count once.
    pub persons: u64,
    /// The accounts of each of the first persons: one that reaches it, then all that links join with it, including those that
    /// do not reach it. An account that no link joins with another one stands alone.
    pub accounts: Vec<Vec<LinkedAccount>>,
}

impl Store {
    /// Returns who reaches a resource after a published run, as [`who`](Self::who) does, but with all accounts of at most
    /// `limit` persons. Only links join accounts, never equal names or addresses.
    ///
    /// # Errors
    /// As for [`who`](Self::who).
    pub fn who_linked(
        &mut self,
        system: &System,
        run: i64,
        resource_type: &str,
        external_id: &str,
        limit: usize,
    ) -> Result<WhoLinked, ConnectorError> {
        self.reading(|db| {
            let links = Links::read(db, system.id, Some(run))?;
            let mut persons = Persons::default();
            let shown = |db: &mut dyn Connection, reaching: &Reaching| {
                let all = reaching.first(db, None, usize::MAX)?;
                persons = Persons::of(db, system.id, &links, &all, limit)?;
                Ok(Shown { accounts: persons.shown.clone(), all: all.len() as u64 })
            };
            let who = Reach::new(db, system.id, run).who(resource_type, external_id, shown)?;
            let mut accounts = Vec::new();
            for first in &persons.first {
                accounts.push(links::accounts_of(db, system.id, Some(run), links.joined_with(first))?);
            }
            Ok(WhoLinked { who, persons: persons.count, accounts })
        })
    }
}

/// The persons that some accounts belong to.
#[derive(Default)]
struct Persons {
    count: u64,
    /// The id of the first account of each of the first persons.
    first: Vec<String>,
    /// All accounts of these.
    shown: BTreeSet<i64>,
}

impl Persons {
    fn of(
        db: &mut dyn Connection,
        system: i64,
        links: &Links,
        all: &[Place],
        limit: usize,
    ) -> Result<Self, ConnectorError> {
        let numbers = links.numbers(db, system)?;
        let linked: BTreeMap<i64, &str> = numbers.iter().map(|(id, object)| (*object, *id)).collect();
        let (mut persons, mut known) = (Self::default(), BTreeSet::<i64>::new());
        let reaching: BTreeSet<i64> = all.iter().map(|place| place.account).collect();
        for Place { account, .. } in all {
            if known.contains(account) {
                continue;
            }
            persons.count += 1;
            let is_shown = persons.first.len() < limit;
            let first = match linked.get(account) {
                Some(id) => {
                    let joined = links.joined_with(id);
                    let joined = joined.iter().filter_map(|(id, ..)| numbers.get(id.as_str()));
                    let joined: Vec<i64> = joined.copied().filter(|account| reaching.contains(account)).collect();
                    known.extend(&joined);
                    if is_shown {
                        persons.shown.extend(joined);
                    }
                    Some((*id).to_owned())
                }
                None if is_shown => {
                    persons.shown.insert(*account);
                    let sql = "select external_id from object where id = ?1";
                    db.first(sql, &[(*account).into()], |row| row.word(0).map(str::to_owned))?
                }
                None => None,
            };
            if is_shown {
                persons.first.extend(first);
            }
        }
        Ok(persons)
    }
}
