//! Keeps organisations out of the fleet that their provider lists.

use std::collections::BTreeSet;

use connector_api::ConnectorError;
use connector_host::nearest;
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use serde::Serialize;

use crate::database::failed;
use crate::fleet::{Fleet, unknown};
use crate::remove::{Removed, remove};

/// An organisation that is kept out of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Excluded {
    /// The name of the system that it was.
    pub system: String,
    /// Its provider.
    pub provider: String,
    /// Its id there.
    pub organization: String,
    /// Since when.
    pub excluded_at: Timestamp,
}

impl Fleet {
    /// Takes organisations of providers out of the fleet, by the names of their systems, and keeps them out whatever the providers
    /// list: all of them, or none. What the store keeps of them stays.
    ///
    /// # Errors
    /// `invalid_config` for the first name that is no system of a provider; `sink` if the database cannot be written.
    pub async fn exclude(&self, names: &[&str]) -> Result<Removed, ConnectorError> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        // Whoever keeps them in step at the moment comes first; whoever comes later finds what is excluded.
        let sql = "select 1 from fleet.provider where id in (select provider from fleet.system where name = any($1)) \
                   order by id for update";
        transaction.execute(sql, &[&names]).await.map_err(failed)?;
        let sql = "select name, provider from fleet.system where name = any($1)";
        let rows = transaction.query(sql, &[&names]).await.map_err(failed)?;
        for name in names {
            let Some(row) = rows.iter().find(|row| row.get::<_, &str>(0) == *name) else {
                return Err(unknown(&transaction, "system", name).await);
            };
            if row.get::<_, Option<i32>>(1).is_none() {
                return Err(ConnectorError::invalid_config(
                    format!("{name} is no organisation of a provider, so nobody would add it again"),
                    format!("take it out of the fleet with harness fleet remove \"{name}\""),
                ));
            }
        }
        let sql = "insert into fleet.excluded (provider, organization, name) \
                   select provider, organization, name from fleet.system where name = any($1) \
                   on conflict (provider, organization) do nothing";
        transaction.execute(sql, &[&names]).await.map_err(failed)?;
        let removed = remove(&transaction, "s.name = any($1)", &names).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(removed)
    }

    /// Has providers add organisations again that were excluded, by the names of the systems that they were: all of them, or none.
    /// A worker asks the providers with its next heartbeat. Returns how many there were.
    ///
    /// # Errors
    /// `invalid_config` for the first name that is not excluded; `sink` if the database cannot be written.
    pub async fn include(&self, names: &[&str]) -> Result<u64, ConnectorError> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let sql = "select name from fleet.excluded order by name";
        let known = transaction.query(sql, &[]).await.map_err(failed)?;
        let known: BTreeSet<&str> = known.iter().map(|row| row.get(0)).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(**name)) {
            let remedy = match nearest(name, known) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => "see harness fleet list --excluded for those that are".to_owned(),
            };
            return Err(ConnectorError::invalid_config(format!("{name} is not excluded"), remedy));
        }
        let sql = "with included as (delete from fleet.excluded where name = any($1) returning provider), \
                   asked as (update fleet.provider set next_at = clock_timestamp() where id in (select provider from included)) \
                   select count(*) from included";
        let included: i64 = transaction.query_one(sql, &[&names]).await.map_err(failed)?.get(0);
        transaction.commit().await.map_err(failed)?;
        Ok(included.unsigned_abs())
    }

    /// Returns the organisations that are kept out, by provider and name.
    ///
    /// # Errors
    /// `sink` if the database cannot be read.
    pub async fn excluded(&self) -> Result<Vec<Excluded>, ConnectorError> {
        let client = self.database.client().await?;
        let sql = "select e.name, p.name, e.organization, e.excluded_at from fleet.excluded e \
                   join fleet.provider p on p.id = e.provider order by p.name, e.name";
        let rows = client.query(sql, &[]).await.map_err(failed)?;
        let excluded = |row: &tokio_postgres::Row| Excluded {
            system: row.get(0),
            provider: row.get(1),
            organization: row.get(2),
            excluded_at: row.get(3),
        };
        Ok(rows.iter().map(excluded).collect())
    }
}

/// Returns the ids of the organisations of a provider that are kept out. The provider stays locked until the end of the
/// transaction, so nobody excludes another one meanwhile. Systems of them are removed: a program that knows nothing of it may have
/// added them.
pub(crate) async fn kept_out(transaction: &Transaction<'_>, provider: i32) -> Result<BTreeSet<String>, ConnectorError> {
    let sql = "select 1 from fleet.provider where id = $1 for no key update";
    if transaction.query_opt(sql, &[&provider]).await.map_err(failed)?.is_none() {
        return Err(ConnectorError::invalid_config(
            "the provider is no longer in the fleet",
            "nothing: it was removed",
        ));
    }
    let sql = "select organization from fleet.excluded where provider = $1";
    let rows = transaction.query(sql, &[&provider]).await.map_err(failed)?;
    if !rows.is_empty() {
        let condition =
            "(s.provider, s.organization) in (select provider, organization from fleet.excluded where provider = $1)";
        remove(transaction, condition, &provider).await?;
    }
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
