//! The fleet: which systems there are, and which of them are to be scanned.

use connector_api::{ConnectorError, Edition, Registry};
use connector_host::nearest;
use connector_store::{Location, Store};
use deadpool_postgres::{GenericClient, Transaction};
use jiff::Timestamp;
use serde::Serialize;

use crate::credentials::check_name;
use crate::database::{Database, failed};
use crate::runs;
use crate::system::NewSystem;

/// The systems and runs of a fleet, in the database of a store.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub(crate) database: Database,
}

/// Which systems something is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// One, by its name.
    Named(&'a str),
    /// All but those of a negative priority, and those that their provider no longer lists.
    All,
}

/// What [`Fleet::add`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Added {
    /// Systems that are new.
    pub added: u64,
    /// Systems that were there.
    pub changed: u64,
}

impl Fleet {
    /// Creates the tables of the store and those of the fleet, or brings them up to date.
    ///
    /// # Errors
    /// As for [`Store::open`], and `invalid_config` if the store is a file.
    pub async fn init(location: &Location) -> Result<Self, ConnectorError> {
        let database = Database::new(location)?;
        let location = location.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(&location).map(drop)).await;
        opened.map_err(|_| ConnectorError::internal("the store crashed"))??;
        database.migrate().await?;
        Ok(Self { database })
    }

    /// Opens the fleet of a store.
    ///
    /// # Errors
    /// `invalid_config` if the store has no fleet, or one of another version; `sink` if it cannot be reached.
    pub async fn open(location: &Location) -> Result<Self, ConnectorError> {
        let database = Database::new(location)?;
        database.check().await?;
        Ok(Self { database })
    }

    /// Sets how many scans may use a credential at the same time. It need not have been used yet.
    ///
    /// # Errors
    /// `invalid_config` for a name that no credential can have, or none at a time; `sink` if the database cannot be written.
    pub async fn set_cap(&self, credential: &str, cap: u16) -> Result<(), ConnectorError> {
        check_name(credential)?;
        if cap == 0 {
            return Err(ConnectorError::invalid_config("a credential needs a cap of at least 1", "use 1, or more"));
        }
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let sql = "insert into fleet.credential (name, cap) values ($1, $2) on conflict (name) do update set cap = $2";
        transaction.execute(sql, &[&credential, &i32::from(cap)]).await.map_err(failed)?;
        runs::pass_permits(&transaction, &[credential]).await?;
        transaction.commit().await.map_err(failed)
    }

    /// Adds systems, and changes those that are there. All of it happens, or nothing.
    ///
    /// # Errors
    /// `invalid_config` or `edition_not_supported`, with the name of the first system that cannot be scanned as it is set up;
    /// `sink` if the database cannot be written.
    pub async fn add(
        &self,
        systems: &[NewSystem],
        registry: &Registry,
        edition: Edition,
    ) -> Result<Added, ConnectorError> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let now: Timestamp = transaction.query_one("select clock_timestamp()", &[]).await.map_err(failed)?.get(0);
        let mut done = Added { added: 0, changed: 0 };
        for system in systems {
            system.check_name()?;
            let ready = system.ready(registry, edition).map_err(|error| error.context(&system.name))?;
            match ready.save(&transaction, now, None).await? {
                true => done.added += 1,
                false => done.changed += 1,
            }
        }
        transaction.commit().await.map_err(failed)?;
        Ok(done)
    }

    /// Requests runs, except of systems that have an open one. Returns how many.
    ///
    /// # Errors
    /// `invalid_config` if there is no such system; `sink` if the database cannot be written.
    pub async fn enqueue(&self, which: Which<'_>) -> Result<u64, ConnectorError> {
        self.change(which, "s.priority >= 0 and s.gone_at is null", runs::request).await
    }

    /// Requests runs of systems whose last one failed or was cancelled. Returns how many.
    ///
    /// # Errors
    /// As for [`enqueue`](Self::enqueue), and `invalid_config` if the last run of a named system ended otherwise.
    pub async fn retry(&self, which: Which<'_>) -> Result<u64, ConnectorError> {
        let client = self.database.client().await?;
        if let Which::Named(name) = which {
            let sql = "select state from fleet.last_run where name = $1";
            let state: Option<Option<String>> =
                client.query_opt(sql, &[&name]).await.map_err(failed)?.map(|row| row.get(0));
            match state.as_ref().map(|state| state.as_deref()) {
                None => return Err(unknown(&client, "system", name).await),
                Some(Some("failed" | "cancelled")) => {}
                Some(state) => {
                    return Err(ConnectorError::invalid_config(
                        format!("the last run of {name} is {}, not failed", state.unwrap_or("not there")),
                        "request a new one with harness fleet enqueue",
                    ));
                }
            }
        }
        drop(client);
        self.change(
            which,
            "s.id in (select system from fleet.standing where state in ('failed', 'cancelled'))",
            runs::request,
        )
        .await
    }

    /// Cancels open runs: one that is running ends with the next heartbeat of its worker. Returns how many.
    ///
    /// # Errors
    /// As for [`enqueue`](Self::enqueue).
    pub async fn cancel(&self, which: Which<'_>) -> Result<u64, ConnectorError> {
        self.change(which, "true", runs::cancel).await
    }

    /// Does something to the systems that are meant, which of all are those under a condition.
    async fn change(
        &self,
        which: Which<'_>,
        condition: &str,
        work: impl AsyncFnOnce(&Transaction<'_>, &[i64]) -> Result<u64, ConnectorError>,
    ) -> Result<u64, ConnectorError> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let rows = match which {
            Which::Named(name) => {
                let rows = transaction.query("select id from fleet.system where name = $1", &[&name]).await;
                let rows = rows.map_err(failed)?;
                if rows.is_empty() { Err(unknown(&transaction, "system", name).await) } else { Ok(rows) }
            }
            Which::All => {
                let sql = format!("select s.id from fleet.system s where {condition}");
                transaction.query(&sql, &[]).await.map_err(failed)
            }
        };
        let systems: Vec<i64> = rows?.iter().map(|row| row.get(0)).collect();
        let done = work(&transaction, &systems).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(done)
    }
}

/// The error for a name that no system, provider or credential has, with the nearest that one has. `kind` is the table.
pub(crate) async fn unknown(client: &impl GenericClient, kind: &str, name: &str) -> ConnectorError {
    let rows = match client.query(&format!("select name from fleet.{kind}"), &[]).await {
        Ok(rows) => rows,
        Err(error) => return failed(error),
    };
    let remedy = match nearest(name, rows.iter().map(|row| row.get(0))) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => "see harness fleet list for those that there are, or add it with harness fleet add".to_owned(),
    };
    ConnectorError::invalid_config(format!("the fleet has no {kind} {name}"), remedy)
}
