//! A system as it is set up: what is checked before it is added, and how its row is written and read.

use connector_api::{ConnectorError, Credential, Descriptor, Edition, Registry, SystemConfig};
use connector_host::typed::{self, MAX_NAME};
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::credentials::{Credentials, check_name};
use crate::database::failed;
use crate::schedule::Schedule;

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

/// A system that was checked.
#[derive(Debug)]
pub(crate) struct Ready {
    config: SystemConfig,
    credential: String,
    priority: i32,
    schedule: Option<Schedule>,
}

impl NewSystem {
    /// Refuses a name that nobody should type. Those of a provider's organisations are not typed.
    pub(crate) fn check_name(&self) -> Result<(), ConnectorError> {
        if self.name.trim().is_empty() {
            return Err(ConnectorError::invalid_config("a system needs a name", "name it"));
        }
        typed::check("the name of a system", &self.name, MAX_NAME).map_err(|error| error.context(&self.name))
    }

    /// Checks what can be checked without the key.
    pub(crate) fn ready(&self, registry: &Registry, edition: Edition) -> Result<Ready, ConnectorError> {
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

/// The columns that the rows of systems and of providers have in common. Their values come in the same order.
const COLUMNS: [&str; 9] =
    ["name", "os_type", "hostname", "port", "credential", "attributes", "priority", "schedule", "zone"];

/// The statement that adds a row with these columns and others to a table, or changes the one of that name. It ends where a
/// statement says what else is changed.
fn upsert(table: &str, others: &str, values: &str) -> String {
    let columns = COLUMNS.join(", ");
    let changed = COLUMNS.map(|column| format!("{column} = excluded.{column}")).join(", ");
    format!(
        "insert into fleet.{table} as old ({columns}, {others}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, {values}) \
         on conflict (name) do update set {changed}"
    )
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
        let next = format!("clock_timestamp() + interval '{every}'");
        let sql = format!("{}, next_at = excluded.next_at returning id", upsert("provider", "next_at", &next));
        let saved = self.execute(transaction, &sql, &[]).await?;
        saved.map(|row| row.get(0)).ok_or_else(|| ConnectorError::internal("a provider was not saved"))
    }

    /// Adds or changes the system, which may be an organisation of a provider. Returns whether it is new.
    pub(crate) async fn save(
        &self,
        transaction: &Transaction<'_>,
        now: Timestamp,
        of_provider: Option<(i32, &str)>,
    ) -> Result<bool, ConnectorError> {
        // A negative priority: only by hand.
        let schedule = self.schedule.as_ref().filter(|_| self.priority >= 0);
        let next = schedule.and_then(|schedule| schedule.next(now, &self.config.name));
        let (provider, organization) = of_provider.unzip();
        let sql = format!(
            "{}, next_at = case when (old.schedule, old.zone) is not distinct from (excluded.schedule, excluded.zone) \
             and old.next_at is not null and excluded.next_at is not null then old.next_at else excluded.next_at end, \
             gone_at = null \
             where (old.provider, old.organization) is not distinct from (excluded.provider, excluded.organization) \
             returning xmax = 0",
            upsert("system", "next_at, provider, organization", "$10, $11, $12")
        );
        let saved = self.execute(transaction, &sql, &[&next, &provider, &organization]).await?;
        saved.map(|row| row.get(0)).ok_or_else(|| {
            ConnectorError::invalid_config(
                format!("there is another system {}: of a provider, or without one", self.config.name),
                "choose another name, or change the provider",
            )
        })
    }

    /// Runs a statement with the values of [`COLUMNS`] and others. Their credential is there then.
    async fn execute(
        &self,
        transaction: &Transaction<'_>,
        sql: &str,
        others: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, ConnectorError> {
        let credential = "insert into fleet.credential (name) values ($1) on conflict (name) do nothing";
        let credential = transaction.prepare_cached(credential).await.map_err(failed)?;
        transaction.execute(&credential, &[&self.credential]).await.map_err(failed)?;
        let SystemConfig { name, os_type, hostname, attributes, .. } = &self.config;
        let (port, attributes) = (self.config.port.map(i32::from), Value::Object(attributes.clone()));
        let (schedule, zone) = self.schedule.as_ref().map(|schedule| (schedule.text(), schedule.zone())).unzip();
        let zone = zone.flatten();
        let common: [&(dyn ToSql + Sync); COLUMNS.len()] =
            [name, os_type, hostname, &port, &self.credential, &attributes, &self.priority, &schedule, &zone];
        let statement = transaction.prepare_cached(sql).await.map_err(failed)?;
        transaction.query_opt(&statement, &[&common, others].concat()).await.map_err(failed)
    }
}

/// What of a row of a system or a provider a scan needs, without the key.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) os_type: String,
    pub(crate) hostname: String,
    pub(crate) port: Option<u16>,
    pub(crate) credential: String,
    pub(crate) attributes: Map<String, Value>,
}

impl Target {
    /// Reads the columns of these names.
    pub(crate) fn read(row: &Row) -> Result<Self, ConnectorError> {
        let port = row.get::<_, Option<i32>>("port").map(u16::try_from).transpose();
        let Value::Object(attributes) = row.get("attributes") else {
            return Err(ConnectorError::internal("attributes in the tables of the fleet are not an object"));
        };
        Ok(Self {
            name: row.get("name"),
            os_type: row.get("os_type"),
            hostname: row.get("hostname"),
            port: port.map_err(|_| ConnectorError::internal("a port in the tables of the fleet is out of range"))?,
            credential: row.get("credential"),
            attributes,
        })
    }
}

impl NewSystem {
    /// Reads a row with all columns that systems and providers have in common.
    pub(crate) fn read(row: &Row) -> Result<Self, ConnectorError> {
        let Target { name, os_type, hostname, port, credential, attributes } = Target::read(row)?;
        let schedule: Option<&str> = row.get("schedule");
        let schedule = schedule.map(|text| Schedule::parse(text, row.get("zone"))).transpose()?;
        let priority = Some(row.get("priority"));
        Ok(Self { name, os_type, hostname, port, credential, attributes, priority, schedule })
    }
}
