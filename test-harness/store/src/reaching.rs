//! The accounts that reach a resource. There may be a million, so the database counts them.

use std::collections::BTreeSet;

use connector_api::ConnectorError;

use crate::database::{Connection, Value, numbers};
use crate::reach::STOOD;

/// Through what accounts reach a resource after a run.
pub(crate) struct Reaching {
    pub(crate) system: i64,
    pub(crate) run: i64,
    /// The groups whose members reach it.
    pub(crate) groups: BTreeSet<i64>,
    /// The resource, and what it is inside: an account may be bound to each of them.
    pub(crate) resources: BTreeSet<i64>,
}

/// The accounts that an answer shows, of all.
pub(crate) struct Shown {
    pub(crate) accounts: BTreeSet<i64>,
    pub(crate) all: u64,
}

/// The account of a membership or binding has a row: one without a row reaches nothing.
const HAS_ROW: &str = "account_version a on a.from_run <= ?2 and (a.to_run is null or a.to_run > ?2) and a.object =";

impl Reaching {
    /// Returns the first accounts after a number, and how many there are in all.
    pub(crate) fn first(&self, db: &mut dyn Connection, after: i64, limit: usize) -> Result<Shown, ConnectorError> {
        let mut accounts = BTreeSet::new();
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        // The first of all are among the first of each, which an index finds without reading the rest.
        for group in &self.groups {
            let sql = format!("{} and n.group_id = ?3 and n.account_id > ?5 order by n.account_id limit ?4", members());
            let of_group = [self.system.into(), self.run.into(), (*group).into(), most.into(), after.into()];
            accounts.extend(db.rows(&sql, &of_group, |row| row.number(0))?);
        }
        let sql = format!("{} and n.to_id {} and n.from_id > ?5 order by n.from_id limit ?4", bound(), db.among("?3"));
        let bound = [self.system.into(), self.run.into(), numbers(&self.resources), most.into(), after.into()];
        accounts.extend(db.rows(&sql, &bound, |row| row.number(0))?);
        let sql = format!("select count(*) from ({}) reached", self.all_accounts(db));
        let all = db.first(&sql, &self.parameters(), |row| row.number(0))?.unwrap_or_default();
        Ok(Shown { accounts: accounts.into_iter().take(limit).collect(), all: all.unsigned_abs() })
    }

    /// Returns all accounts.
    pub(crate) fn all(&self, db: &mut dyn Connection) -> Result<BTreeSet<i64>, ConnectorError> {
        let sql = self.all_accounts(db);
        Ok(db.rows(&sql, &self.parameters(), |row| row.number(0))?.into_iter().collect())
    }

    /// The query for all accounts, each once.
    fn all_accounts(&self, db: &dyn Connection) -> String {
        let (members, bound) = (members(), bound());
        format!("{members} and n.group_id {} union {bound} and n.to_id {}", db.among("?3"), db.among("?4"))
    }

    fn parameters(&self) -> [Value; 4] {
        [self.system.into(), self.run.into(), numbers(&self.groups), numbers(&self.resources)]
    }
}

/// The query for the accounts that are in groups themselves, without the condition on the group.
fn members() -> String {
    format!(
        "select n.account_id from membership_version n join {HAS_ROW} n.account_id left join via v on v.id = n.via \
         where {STOOD} and (n.via is null or v.direct)"
    )
}

/// The query for the accounts that are bound to resources, without the condition on the resource.
fn bound() -> String {
    format!(
        "select distinct n.from_id from binding_version n join terms t on t.id = n.terms and t.from_kind = 'account' \
         join {HAS_ROW} n.from_id where {STOOD}"
    )
}
