//! A fleet of its own for each test, and its workers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_api::{CancellationToken, ConnectorError, Edition, Record};
use connector_fleet::{Credentials, Fleet, NewSystem, Schedule, Worker, WorkerOptions};
use connector_store::{At, Hold, Location, Store};
use serde_json::Map;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_postgres::SimpleQueryMessage;

use crate::cluster;
use crate::toy::{Target, registry};

/// Only a defect lets a test wait so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key of every credential.
pub const KEY: &str = "5f3ac2hunter2";

pub struct Env {
    pub fleet: Fleet,
    pub location: Location,
    pub url: String,
    /// The only target, whose host name is that of the database.
    pub target: Arc<Target>,
    pub host: String,
    folder: TempDir,
}

pub struct RunningWorker {
    cancel: CancellationToken,
    task: JoinHandle<Result<(), ConnectorError>>,
}

impl RunningWorker {
    /// Ends it as a signal does.
    pub async fn end(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Waits until it ends by itself, with an error.
    pub async fn failed(self) -> ConnectorError {
        self.task.await.unwrap().unwrap_err()
    }

    /// Takes it away in the middle of what it does, with all of its scans.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Env {
    /// An empty fleet, or `None` where there is no server.
    pub async fn new() -> Option<Self> {
        Some(Self::at(tokio::task::spawn_blocking(cluster::database).await.unwrap()?).await)
    }

    /// An empty fleet in a database.
    pub async fn at(url: String) -> Self {
        let location: Location = url.parse().unwrap();
        let fleet = Fleet::init(&location).await.unwrap();
        let host = format!("{}-{}.example", url.rsplit('/').next().unwrap().replace('_', "-"), std::process::id());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("credentials.toml"), format!("['*']\ncommand = ['echo', '{KEY}']\n"))
            .unwrap();
        Self { fleet, location, url, target: Target::of(&host), host, folder }
    }

    pub fn credentials(&self) -> PathBuf {
        self.folder.path().join("credentials.toml")
    }

    pub fn system(&self, name: &str, credential: &str) -> NewSystem {
        NewSystem {
            name: name.to_owned(),
            os_type: "Toy".to_owned(),
            hostname: self.host.clone(),
            port: None,
            credential: credential.to_owned(),
            attributes: Map::new(),
            priority: None,
            schedule: None,
        }
    }

    pub async fn add(&self, systems: &[NewSystem]) {
        self.fleet.add(systems, &registry(), Edition::Enterprise).await.unwrap();
    }

    /// Adds systems with names, all of one credential.
    pub async fn add_named(&self, names: &[&str], credential: &str) {
        let systems: Vec<NewSystem> = names.iter().map(|name| self.system(name, credential)).collect();
        self.add(&systems).await;
    }

    pub fn options(&self, concurrency: u16) -> WorkerOptions {
        WorkerOptions {
            location: self.location.clone(),
            registry: registry(),
            edition: Edition::Enterprise,
            credentials: Credentials::read(&self.credentials()).unwrap().0,
            concurrency,
            lease: Duration::from_secs(3),
            time_limit: PATIENCE,
            checkpoint_every: Duration::ZERO,
            hold: Hold::default(),
            listen: None,
        }
    }

    pub async fn worker(&self, concurrency: u16) -> RunningWorker {
        self.worker_with(self.options(concurrency)).await
    }

    pub async fn worker_with(&self, options: WorkerOptions) -> RunningWorker {
        Self::run(Worker::new(options).await.unwrap())
    }

    pub fn run(worker: Worker) -> RunningWorker {
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        let task = tokio::spawn(async move { worker.run(&token).await });
        RunningWorker { cancel, task }
    }

    /// The rows of a query, with bars between the columns.
    pub async fn sql(&self, sql: &str) -> Vec<String> {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                let cells: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or("")).collect();
                Some(cells.join("|"))
            }
            _ => None,
        };
        let rows = messages.iter().filter_map(row).collect();
        drop(client);
        connection.await.unwrap().unwrap();
        rows
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self).await {
            if begun.elapsed() > PATIENCE {
                let runs =
                    self.sql("select name, state, attempt, lease_until, code, message from fleet.last_run").await;
                panic!("never {what}: {runs:?}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the last run of a system is in a state.
    pub async fn until_state(&self, system: &str, state: &str) {
        self.until(&format!("{system} {state}"), async |env: &Self| env.state(system).await == state).await;
    }

    /// The state of the last run of a system.
    pub async fn state(&self, system: &str) -> String {
        let rows = self.sql(&format!("select state from fleet.last_run where name = '{system}'")).await;
        rows.into_iter().next().unwrap_or_default()
    }

    /// Waits until scans have reached the gate.
    pub async fn until_running(&self, scans: usize) {
        self.until(&format!("{scans} scans"), async |env: &Self| env.target.seen().running == scans).await;
    }

    /// The users of a system in the store.
    pub async fn users(&self, system: &str) -> Vec<String> {
        let (location, system) = (self.location.clone(), system.to_owned());
        tokio::task::spawn_blocking(move || {
            let mut store = Store::open_to_read(&location).unwrap();
            let system = store.systems().unwrap().into_iter().find(|known| known.name == system).unwrap();
            let run = store.run_at(&system, At::Now).unwrap();
            let mut users = Vec::new();
            let each = &mut |record: Record| {
                if let Record::Account(account) = record {
                    users.push(account.username.clone());
                }
                Ok(())
            };
            store.records(&system, run, each).unwrap();
            users.sort_by_key(|user| user.rsplit('-').next().unwrap().parse::<u32>().unwrap());
            users
        })
        .await
        .unwrap()
    }
}

pub fn schedule(text: &str) -> Option<Schedule> {
    Some(Schedule::parse(text, None).unwrap())
}

/// All users of a system.
pub fn all_users(system: &str) -> Vec<String> {
    (0..crate::toy::USERS).map(|id| format!("{system}-{id}")).collect()
}
