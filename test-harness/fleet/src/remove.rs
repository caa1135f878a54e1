//! Takes systems, providers and credentials out of the fleet. What the store keeps of them stays.

use connector_api::ConnectorError;
use deadpool_postgres::Transaction;
use serde::Serialize;

use crate::database::failed;
use crate::fleet::{Fleet, unknown};
use crate::runs;

/// What [`Fleet::remove`] did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Removed {
    /// The systems that the fleet no longer has.
    pub systems: Vec<String>,
    /// How many runs of them were open. One that is running ends with the next heartbeat of its worker.
    pub cancelled: u64,
    /// Those systems of which the store keeps a history.
    pub kept: Vec<String>,
}

impl Fleet {
    /// Takes systems out of the fleet, or none if one of them is not there. A system that its provider still lists cannot be
    /// removed alone, because it would come back: it can be [excluded](Self::exclude).
    ///
    /// # Errors
    /// `invalid_config` for the first name that cannot be removed; `sink` if the database cannot be written.
    pub async fn remove(&self, names: &[&str]) -> Result<Removed, ConnectorError> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let sql = "select s.name, case when s.gone_at is null then p.name end from fleet.system s \
                   left join fleet.provider p on p.id = s.provider where s.name = any($1)";
        let rows = transaction.query(sql, &[&names]).await.map_err(failed)?;
        for name in names {
            let Some(row) = rows.iter().find(|row| row.get::<_, &str>(0) == *name) else {
                return Err(no_system(&transaction, name).await);
            };
            if let Some(provider) = row.get::<_, Option<&str>>(1) {
                return Err(ConnectorError::invalid_config(
                    format!("the provider {provider} lists {name}, and would add it again"),
                    format!(
                        "keep it out with harness fleet exclude \"{name}\", or remove all of it with harness fleet remove \
                         --provider \"{provider}\""
                    ),
                ));
            }
        }
        let removed = remove(&transaction, "s.name = any($1)", &names).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(removed)
    }

    /// Takes a provider out of the fleet with all of its systems. Nobody asks for its organisations any more.
    ///
    /// # Errors
    /// As for [`remove`](Self::remove).
    pub async fn remove_provider(&self, name: &str) -> Result<Removed, ConnectorError> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        // Whoever keeps it in step at the moment comes first; whoever comes later finds no provider.
        let sql = "select id from fleet.provider where name = $1 for update";
        let Some(row) = transaction.query_opt(sql, &[&name]).await.map_err(failed)? else {
            return Err(unknown(&transaction, "provider", name).await);
        };
        let id: i32 = row.get(0);
        let removed = remove(&transaction, "s.provider = $1", &id).await?;
        transaction.execute("delete from fleet.provider where id = $1", &[&id]).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(removed)
    }

    /// Forgets a credential that nothing uses, with its cap. The key is not here, and stays where it is.
    ///
    /// # Errors
    /// `invalid_config` if there is none of that name, or if it is used; `sink` if the database cannot be written.
    pub async fn remove_credential(&self, name: &str) -> Result<(), ConnectorError> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let sql = "select 1 from fleet.credential where name = $1 for update";
        if transaction.query_opt(sql, &[&name]).await.map_err(failed)?.is_none() {
            return Err(unknown(&transaction, "credential", name).await);
        }
        let sql = "select (select count(*) from fleet.system where credential = $1), \
                   (select count(*) from fleet.provider where credential = $1), \
                   (select count(*) from fleet.run where credential = $1)";
        let row = transaction.query_one(sql, &[&name]).await.map_err(failed)?;
        let [systems, providers, runs]: [i64; 3] = [0, 1, 2].map(|column| row.get(column));
        if systems + providers + runs > 0 {
            return Err(ConnectorError::invalid_config(
                format!("{systems} systems, {providers} providers and {runs} runs use the credential {name}"),
                "remove them first, or add them again with another credential; runs are forgotten 90 days after their end",
            ));
        }
        transaction.execute("delete from fleet.credential where name = $1", &[&name]).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}

/// The error for a name that is no system's: it may be the one that a provider was added with.
async fn no_system(transaction: &Transaction<'_>, name: &str) -> ConnectorError {
    let error = unknown(transaction, "system", name).await;
    match transaction.query_opt("select 1 from fleet.provider where name = $1", &[&name]).await {
        Ok(Some(_)) => error.with_remedy(format!("it is a provider: harness fleet remove --provider \"{name}\"")),
        _ => error,
    }
}

/// Removes the systems under a condition. Their runs go with them, except those that a worker has: these keep their permits
/// until it has stopped, so that no more scans than allowed use a credential meanwhile.
pub(crate) async fn remove(
    transaction: &Transaction<'_>,
    condition: &str,
    parameter: &(dyn tokio_postgres::types::ToSql + Sync),
) -> Result<Removed, ConnectorError> {
    // From here on, no run is requested of them.
    let sql = format!("select s.id, s.name from fleet.system s where {condition} order by s.id for update");
    let rows = transaction.query(&sql, &[parameter]).await.map_err(failed)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    let mut systems: Vec<String> = rows.iter().map(|row| row.get(1)).collect();
    systems.sort();
    let credentials = runs::lock_credentials_of(transaction, &ids).await?;
    let credentials: Vec<&str> = credentials.iter().map(String::as_str).collect();
    // In this order: a run that is claimed meanwhile is one that a worker has.
    let sql = "delete from fleet.run where system = any($1) and state in ('waiting', 'queued')";
    let waiting = transaction.execute(sql, &[&ids]).await.map_err(failed)?;
    let sql = "update fleet.run set cancel = true, system = null where system = any($1) and state = 'running'";
    let running = transaction.execute(sql, &[&ids]).await.map_err(failed)?;
    transaction.execute("delete from fleet.system where id = any($1)", &[&ids]).await.map_err(failed)?;
    runs::pass_permits(transaction, &credentials).await?;
    let kept = transaction.query("select name from system where name = any($1) order by name", &[&systems]).await;
    let kept = kept.map_err(failed)?.iter().map(|row| row.get(0)).collect();
    Ok(Removed { systems, cancelled: waiting + running, kept })
}

/// Forgets the runs of removed systems that no worker has any more.
pub(crate) async fn forget_removed(transaction: &Transaction<'_>) -> Result<(), ConnectorError> {
    let sql = "delete from fleet.run where system is null and (state <> 'running' or lease_until < clock_timestamp())";
    transaction.execute(sql, &[]).await.map_err(failed)?;
    Ok(())
}
