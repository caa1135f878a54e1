//! The accounts that may belong to one person.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{Account, ConnectorError, Record};

use crate::body;
use crate::database::{Connection, Row, texts};
use crate::store::{Store, System};

/// An account of a person, and the link that joins it to another one of theirs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinkedAccount {
    /// The account, without volatile fields.
    pub account: Account,
    /// The id of the account that it is linked with; `None` for the first.
    pub linked_with: Option<String>,
    /// The reason for the link, such as `sharedEmail`; empty for the first.
    pub evidence: String,
}

impl Store {
    /// Returns an account and all accounts that links join with it after a run, directly or through others, whichever of the
    /// two a link stands on. `None` stands for any run: the accounts are then as last seen.
    ///
    /// A target reports links as a hint: whether they belong to one person is for people to say.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn linked(
        &mut self,
        system: &System,
        run: Option<i64>,
        external_id: &str,
    ) -> Result<Vec<LinkedAccount>, ConnectorError> {
        self.reading(|db| {
            let links = Links::read(db, system.id, run)?;
            accounts_of(db, system.id, run, links.joined_with(external_id))
        })
    }
}

/// The links between the accounts of a system: each joins two, whichever of them it stands on.
pub(crate) struct Links(BTreeMap<String, Vec<(String, String)>>);

/// An account on the way from another one: its id, that of the account before, and the reason for the link.
type Joined = (String, Option<String>, String);

impl Links {
    /// Reads them as after a run, or those of any run.
    pub(crate) fn read(db: &mut dyn Connection, system: i64, run: Option<i64>) -> Result<Self, ConnectorError> {
        let mut joined = BTreeMap::<String, Vec<(String, String)>>::new();
        accounts(db, system, run, "v.body like '%\"links\":%'", None, &mut |account| {
            for link in &account.links {
                let (one, two) = (&account.external_id, &link.external_id);
                for (from, to) in [(one, two), (two, one)] {
                    joined.entry(from.clone()).or_default().push((to.clone(), link.evidence.clone()));
                }
            }
        })?;
        Ok(Self(joined))
    }

    /// The ids of the accounts that links join with others, each with its number, if it was ever seen.
    pub(crate) fn numbers(&self, db: &mut dyn Connection, system: i64) -> Result<BTreeMap<&str, i64>, ConnectorError> {
        let ids: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let mut numbers = BTreeMap::new();
        for ids in ids.chunks(IDS) {
            db.query(&objects(db), &[system.into(), texts(ids)], &mut |row| {
                if let Some((id, _)) = self.0.get_key_value(row.word(1)?) {
                    numbers.insert(id.as_str(), row.number(0)?);
                }
                Ok(())
            })?;
        }
        Ok(numbers)
    }

    /// An account, and all that links join with it, directly or through others.
    pub(crate) fn joined_with(&self, external_id: &str) -> Vec<Joined> {
        let mut found = vec![(external_id.to_owned(), None, String::new())];
        let mut known = BTreeSet::from([external_id.to_owned()]);
        let mut at = 0;
        while let Some((id, ..)) = found.get(at).cloned() {
            at += 1;
            for (other, evidence) in self.0.get(&id).into_iter().flatten() {
                if known.insert(other.clone()) {
                    found.push((other.clone(), Some(id.clone()), evidence.clone()));
                }
            }
        }
        found
    }
}

/// Returns those of joined accounts that have a row.
pub(crate) fn accounts_of(
    db: &mut dyn Connection,
    system: i64,
    run: Option<i64>,
    joined: Vec<Joined>,
) -> Result<Vec<LinkedAccount>, ConnectorError> {
    let mut found = Vec::new();
    for (id, linked_with, evidence) in joined {
        let mut last = None;
        accounts(db, system, run, BY_ID, Some(&id), &mut |account| last = Some(account))?;
        if let Some(account) = last {
            found.push(LinkedAccount { account, linked_with, evidence });
        }
    }
    Ok(found)
}

/// The condition for the account with the id `?2`.
const BY_ID: &str = "o.external_id = ?2";

/// Ids that are looked up at once.
const IDS: usize = 10_000;

/// The query for the numbers of accounts with some ids.
fn objects(db: &dyn Connection) -> String {
    let among = db.among_texts("?2");
    format!(
        "select id, external_id from object where system = ?1 and kind = 'account' and type = '' and external_id {among}"
    )
}

/// The query for versions of accounts. All accounts have the same type here, and with it the index leads to an id.
fn versions(which: &str) -> String {
    format!(
        "select v.body from account_version v join object o on o.id = v.object and o.kind = 'account' and o.type = '' \
         where v.system = ?1 and o.system = ?1 and {which} order by v.object, v.from_run"
    )
}

/// Passes on accounts, the latest version of each last.
fn accounts(
    db: &mut dyn Connection,
    system: i64,
    run: Option<i64>,
    which: &str,
    id: Option<&str>,
    each: &mut dyn FnMut(Account),
) -> Result<(), ConnectorError> {
    let mut parameters = vec![system.into()];
    parameters.extend(id.map(Into::into));
    let mut which = which.to_owned();
    if let Some(run) = run {
        parameters.push(run.into());
        let at = parameters.len();
        which += &format!(" and v.from_run <= ?{at} and (v.to_run is null or v.to_run > ?{at})");
    }
    let sql = versions(&which);
    db.query(&sql, &parameters, &mut |row: &dyn Row| {
        if let Record::Account(account) = body::record(row.word(0)?, None)? {
            each(*account);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn accounts_are_looked_up_by_their_ids_and_not_among_all_accounts() {
        let mut store = Store::in_memory().unwrap();
        let (of_one, of_some) = (versions(BY_ID), objects(&*store.database));
        for (sql, ids) in [(of_one, "7".into()), (of_some, texts(&["7", "8"]))] {
            let sql = format!("explain query plan {sql}");
            let plan = store.database.rows(&sql, &[1_i64.into(), ids], |row| row.word(3).map(str::to_owned)).unwrap();
            let expected = "(system=? AND kind=? AND type=? AND external_id=?)";
            assert!(plan.iter().any(|step| step.contains(expected)), "{plan:?}");
        }
    }
}
