//! The fleet: which systems there are, and which of them are to be scanned.

use connector_api::{ConnectorError, Credential, Descriptor, Edition, Registry, SystemConfig};
use connector_store::{Location, Store};
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio_postgres::types::ToSql;

use crate::credentials::{Credentials, check_name};
use crate::database::{Database, failed};
use crate::runs;
use crate::schedule::Schedule;

/// The systems and runs of a fleet, in the database of a store.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub(crate) database: Database,
}

/// A system to be added, or changed if there is one of its name.
#[derive(Debug, Clone)]
pub struct NewSystem {
    /// Its name in the fleet and in the store.
    pub name: String,
    /// The OS Type of its connector.
    pub os_type: String,
    /// The host name of the target; the connector's default if empty.
    pub hostname: String,
    /// The port, unless it is the connector's default.
    pub port: Option<u16>,
    /// The name of its credential.
    pub credential: String,
    /// Its attributes. None of them can be a secret.
    pub attributes: Map<String, Value>,
    /// The lowest is scanned first; a negative one is scanned only by hand. `None` for the connector's default.
    pub priority: Option<i32>,
    /// When it is scanned by itself.
    pub schedule: Option<Schedule>,
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
                None => return Err(unknown(name)),
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
            "(select r.state from fleet.run r where r.system = s.id order by r.id desc limit 1) in ('failed', 'cancelled')",
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
                if rows.is_empty() { Err(unknown(name)) } else { Ok(rows) }
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

pub(crate) fn unknown(name: &str) -> ConnectorError {
    ConnectorError::invalid_config(
        format!("the fleet has no system {name}"),
        "see harness fleet list for its systems, or add it with harness fleet add",
    )
}

/// A system that was checked.
#[derive(Debug)]
pub(crate) struct Ready {
    config: SystemConfig,
    credential: String,
    priority: i32,
    schedule: Option<Schedule>,
}

impl NewSystem {
    /// Checks what can be checked without the key.
    pub(crate) fn ready(&self, registry: &Registry, edition: Edition) -> Result<Ready, ConnectorError> {
        if self.name.trim().is_empty() {
            return Err(ConnectorError::invalid_config("a system needs a name", "name it"));
        }
        check_name(&self.credential)?;
        if self.credential.is_empty() {
            return Err(ConnectorError::invalid_config(
                "a system needs a credential",
                "name one with --credential NAME",
            ));
        }
        let descriptor = registry.descriptor(&self.os_type)?;
        descriptor.check_edition(edition)?;
        let hostname = match (self.hostname.as_str(), &descriptor.default_hostname) {
            ("", Some(default)) => default,
            (hostname, _) => hostname,
        };
        let mut config = SystemConfig::new(&self.os_type, hostname, Credential::default()).with_name(self.name.clone());
        config.port = self.port;
        config.attributes.clone_from(&self.attributes);
        check(&config, descriptor)?;
        let properties = &descriptor.config_schema.as_value()["properties"];
        if let Some(name) = config.attributes.keys().find(|name| properties[name.as_str()]["writeOnly"] == true) {
            return Err(ConnectorError::invalid_config(
                format!("attributes.{name}: it is a secret, and none is kept in the tables of a fleet"),
                "leave it out; scan such a system with harness scan",
            ));
        }
        let priority = self.priority.unwrap_or(descriptor.default_scan_priority);
        Ok(Ready { config, credential: self.credential.clone(), priority, schedule: self.schedule.clone() })
    }
}

/// Refuses settings that the connector does not take. Which key belongs to them, the workers know.
fn check(config: &SystemConfig, descriptor: &Descriptor) -> Result<(), ConnectorError> {
    let problems = config.problems(descriptor)?;
    let problems = problems.iter().filter(|problem| !problem.path.starts_with("credential."));
    let problems: Vec<String> = problems.map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(ConnectorError::invalid_config(
        problems.join("; "),
        format!("correct the settings; `harness describe --os-type {}` lists them", descriptor.os_type),
    ))
}

impl Ready {
    /// Returns the settings with the key.
    pub(crate) async fn config_with_key(&self, credentials: &Credentials) -> Result<SystemConfig, ConnectorError> {
        let mut config = self.config.clone();
        config.credential = credentials.resolve(&self.credential, &config.name, &config.hostname).await?;
        Ok(config)
    }

    /// Adds or changes the provider of these settings, and returns its number. It is asked again after a time.
    pub(crate) async fn save_provider(
        &self,
        transaction: &Transaction<'_>,
        every: &str,
    ) -> Result<i32, ConnectorError> {
        self.save_credential(transaction).await?;
        let sql = format!(
            "insert into fleet.provider as p (name, os_type, hostname, port, credential, attributes, priority, schedule, \
             zone, next_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp() + interval '{every}') \
             on conflict (name) do update set os_type = excluded.os_type, hostname = excluded.hostname, \
             port = excluded.port, credential = excluded.credential, attributes = excluded.attributes, \
             priority = excluded.priority, schedule = excluded.schedule, zone = excluded.zone, \
             next_at = excluded.next_at returning id"
        );
        let (port, attributes) = (self.config.port.map(i32::from), Value::Object(self.config.attributes.clone()));
        let schedule = self.schedule.as_ref();
        let (text, zone) = (schedule.map(Schedule::text), schedule.and_then(Schedule::zone));
        let parameters: [&(dyn ToSql + Sync); 9] = [
            &self.config.name,
            &self.config.os_type,
            &self.config.hostname,
            &port,
            &self.credential,
            &attributes,
            &self.priority,
            &text,
            &zone,
        ];
        Ok(transaction.query_one(&sql, &parameters).await.map_err(failed)?.get(0))
    }

    async fn save_credential(&self, transaction: &Transaction<'_>) -> Result<(), ConnectorError> {
        let sql = "insert into fleet.credential (name) values ($1) on conflict (name) do nothing";
        transaction.execute(sql, &[&self.credential]).await.map_err(failed)?;
        Ok(())
    }

    /// Adds or changes the system, which may be an organisation of a provider. Returns whether it is new.
    pub(crate) async fn save(
        &self,
        transaction: &Transaction<'_>,
        now: Timestamp,
        of_provider: Option<(i32, &str)>,
    ) -> Result<bool, ConnectorError> {
        self.save_credential(transaction).await?;
        // A negative priority: only by hand.
        let schedule = self.schedule.as_ref();
        let next = schedule.filter(|_| self.priority >= 0).and_then(|schedule| schedule.next(now, &self.config.name));
        let sql = "insert into fleet.system as s (name, os_type, hostname, port, credential, attributes, priority, \
                   schedule, zone, next_at, provider, organization) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
                   on conflict (name) do update set os_type = excluded.os_type, hostname = excluded.hostname, \
                   port = excluded.port, credential = excluded.credential, attributes = excluded.attributes, \
                   priority = excluded.priority, schedule = excluded.schedule, zone = excluded.zone, \
                   next_at = case when (s.schedule, s.zone) is not distinct from (excluded.schedule, excluded.zone) \
                   and s.next_at is not null and excluded.next_at is not null then s.next_at else excluded.next_at end, \
                   gone_at = null \
                   where (s.provider, s.organization) is not distinct from (excluded.provider, excluded.organization) \
                   returning xmax = 0";
        let port = self.config.port.map(i32::from);
        let attributes = Value::Object(self.config.attributes.clone());
        let text = schedule.map(Schedule::text);
        let zone = schedule.and_then(Schedule::zone);
        let (provider, organization) = of_provider.unzip();
        let parameters: [&(dyn ToSql + Sync); 12] = [
            &self.config.name,
            &self.config.os_type,
            &self.config.hostname,
            &port,
            &self.credential,
            &attributes,
            &self.priority,
            &text,
            &zone,
            &next,
            &provider,
            &organization,
        ];
        let saved = transaction.query_opt(sql, &parameters).await.map_err(failed)?;
        let saved = saved.ok_or_else(|| {
            ConnectorError::invalid_config(
                format!("there is another system {}: of a provider, or without one", self.config.name),
                "choose another name, or change the provider",
            )
        })?;
        Ok(saved.get(0))
    }
}
