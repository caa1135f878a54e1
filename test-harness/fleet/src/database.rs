//! The connections to PostgreSQL, and the tables of the fleet.

use std::sync::Arc;

use connector_api::{ConnectorError, Retry};
use connector_store::{Location, Server};
use deadpool_postgres::{Client, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use futures_util::future::poll_fn;
use tokio::sync::Notify;
use tokio_postgres::AsyncMessage;

/// The connections of one process. Scans have their own.
const CONNECTIONS: usize = 4;

/// The first key of the advisory locks: no other program is likely to use it.
pub(crate) const LOCKS: i32 = 0x464c_4545;

/// What wakes idle workers.
pub(crate) const CHANNEL: &str = "fleet_run";

/// A script that brings the tables one version further.
struct Migration {
    name: &'static str,
    script: &'static str,
    /// The lowest version of a program that can work with the tables afterwards. Old and new workers can stand side by side
    /// as long as this stays as it is.
    oldest: i32,
}

const MIGRATIONS: &[Migration] = &[
    Migration { name: "fleet", script: include_str!("../migrations/0001_fleet.sql"), oldest: 1 },
    Migration { name: "standing", script: include_str!("../migrations/0002_standing.sql"), oldest: 1 },
    Migration { name: "remove", script: include_str!("../migrations/0003_remove.sql"), oldest: 1 },
    Migration { name: "lease", script: include_str!("../migrations/0004_lease.sql"), oldest: 1 },
    Migration { name: "accepted", script: include_str!("../migrations/0005_accepted.sql"), oldest: 1 },
    Migration { name: "leases of workers", script: include_str!("../migrations/0006_worker_lease.sql"), oldest: 1 },
    Migration { name: "excluded", script: include_str!("../migrations/0007_excluded.sql"), oldest: 1 },
];

/// The database of a store, with the tables of the fleet.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: Pool,
    server: Arc<Server>,
}

impl Database {
    pub(crate) fn new(location: &Location) -> Result<Self, ConnectorError> {
        let server = Server::of(location)?.ok_or_else(|| {
            ConnectorError::invalid_config(
                format!("a fleet needs a PostgreSQL database, and {location} is a file"),
                "use --store postgres://USER@HOST/DATABASE",
            )
        })?;
        let manager = Manager::from_config(
            server.config().clone(),
            server.tls()?,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let session = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(Server::SESSION).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager).max_size(CONNECTIONS).post_create(session).build();
        let pool =
            pool.map_err(|error| ConnectorError::internal("the connections cannot be set up").with_source(error))?;
        Ok(Self { pool, server: Arc::new(server) })
    }

    pub(crate) async fn client(&self) -> Result<Client, ConnectorError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => failed(error),
            error => ConnectorError::sink("no connection to the database is free", "run the same command again")
                .with_retry(Retry::Later)
                .with_source(error),
        })
    }

    /// Wakes whoever waits, as long as the connection lives, each time that a run is queued.
    pub(crate) async fn listen(&self, woken: &Notify) -> Result<(), ConnectorError> {
        let (client, mut connection) = self.server.config().connect(self.server.tls()?).await.map_err(failed)?;
        let messages = async {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(_) = message? {
                    woken.notify_one();
                }
            }
            Ok(())
        };
        let listen = format!("{}; listen {CHANNEL}", Server::SESSION);
        let listens = async {
            client.batch_execute(&listen).await?;
            // What was queued before nobody said.
            woken.notify_one();
            std::future::pending::<Result<(), tokio_postgres::Error>>().await
        };
        tokio::select! {
            ended = messages => ended,
            failed = listens => failed,
        }
        .map_err(failed)
    }

    /// Creates the tables, or adds what this version needs.
    pub(crate) async fn migrate(&self) -> Result<(), ConnectorError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let sql = format!(
            "select pg_advisory_xact_lock({LOCKS}, 0); create schema if not exists fleet; \
             create table if not exists fleet.migration (version integer primary key, name text not null, \
             oldest integer not null, at timestamptz not null default clock_timestamp())"
        );
        transaction.batch_execute(&sql).await.map_err(failed)?;
        let sql = "select coalesce(max(version), 0), coalesce(max(oldest), 0) from fleet.migration";
        let row = transaction.query_one(sql, &[]).await.map_err(failed)?;
        let (version, oldest): (i32, i32) = (row.get(0), row.get(1));
        check(version, oldest, true)?;
        for (at, migration) in (1..).zip(MIGRATIONS).skip_while(|(at, _)| *at <= version) {
            transaction.batch_execute(migration.script).await.map_err(failed)?;
            let sql = "insert into fleet.migration (version, name, oldest) values ($1, $2, $3)";
            transaction.execute(sql, &[&at, &migration.name, &migration.oldest]).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    /// Refuses tables that this version cannot work with.
    pub(crate) async fn check(&self) -> Result<(), ConnectorError> {
        let client = self.client().await?;
        let sql = "select to_regclass('fleet.migration') is not null";
        let has_tables: bool = client.query_one(sql, &[]).await.map_err(failed)?.get(0);
        let (version, oldest) = if has_tables {
            let sql = "select coalesce(max(version), 0), coalesce(max(oldest), 0) from fleet.migration";
            let row = client.query_one(sql, &[]).await.map_err(failed)?;
            (row.get(0), row.get(1))
        } else {
            (0, 0)
        };
        check(version, oldest, false)
    }
}

fn check(version: i32, oldest: i32, may_be_older: bool) -> Result<(), ConnectorError> {
    let own = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    if oldest > own {
        return Err(ConnectorError::invalid_config(
            format!("the tables of the fleet need a program that knows version {oldest}, and this one knows {own}"),
            "use the program that made them, or a later one",
        ));
    }
    match version {
        _ if may_be_older || version >= own => Ok(()),
        0 => Err(ConnectorError::invalid_config(
            "the database has no tables of a fleet",
            "create them first: harness fleet init --store URL",
        )),
        _ => Err(ConnectorError::invalid_config(
            format!("the tables of the fleet have version {version}, and this program needs version {own}"),
            "bring them up to date first: harness fleet init --store URL",
        )),
    }
}

/// What a failure of the server means for the operator.
pub(crate) fn failed(error: tokio_postgres::Error) -> ConnectorError {
    Server::failure(&error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn older_programs_may_stay_unless_the_tables_need_a_later_one() {
        let own = i32::try_from(MIGRATIONS.len()).unwrap();
        check(own + 3, own, false).unwrap();
        check(own, 1, false).unwrap();
        check(0, 0, true).unwrap();
        assert!(check(own + 3, own + 1, true).unwrap_err().message.contains("need a program"));
        assert!(check(0, 0, false).unwrap_err().remedy.contains("fleet init"));
    }
}
