//! A fleet in a database of its own, and its worker processes.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::cluster;
use crate::support::{Ended, Running, harness, run};

/// Only a defect lets a test wait so long.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Fleet {
    pub url: String,
    pub folder: TempDir,
}

impl Fleet {
    /// An empty fleet, or `None` where there is no server.
    pub fn new() -> Option<Self> {
        Some(Self::at(cluster::database()?))
    }

    pub fn at(url: String) -> Self {
        let fleet = Self { url, folder: tempfile::tempdir().unwrap() };
        fleet.json(&["init"]);
        fleet
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes the file of credentials: each has its key in a file of its own.
    pub fn credentials(&self, keys: &[(&str, &str)]) {
        use std::os::unix::fs::PermissionsExt;
        for (name, key) in keys {
            std::fs::write(self.path(name), key).unwrap();
            std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(0o600)).unwrap();
        }
        let text = format!("['*']\nfile = '{}/{{name}}'\n", self.folder.path().display());
        std::fs::write(self.path("credentials.toml"), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = harness(["fleet"].iter().chain(arguments));
        command.env("ORBISID_STORE", &self.url);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// A worker that writes its log into a file.
    pub fn worker(&self, log: &str, arguments: &[&str]) -> Running {
        let credentials = self.path("credentials.toml");
        let mut command = self.command(&["worker", "--credentials", credentials.to_str().unwrap()]);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path(log)).unwrap();
        command.args(["--log-level", "fleet=info", "--log-format", "json"]).args(arguments);
        command.stdout(Stdio::null()).stderr(log);
        Running(command.spawn().unwrap())
    }

    /// Waits until something is so of the state of the fleet.
    pub fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let ended = self.run(&["status", "--format", "json"]);
            let status = serde_json::from_str(&ended.stdout).unwrap_or_default();
            if is_so(&status) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "never {what}: {ended:?}");
        }
    }

    /// The rows of a query, with bars between the columns.
    pub fn sql(&self, query: &str) -> Vec<String> {
        sql(&self.url, query)
    }

    /// Asserts that a key is in no row of the database and in no file but its own.
    pub fn assert_hides(&self, key: &str) {
        let tables = "select format('%I.%I', schemaname, tablename) from pg_tables \
                      where schemaname not in ('pg_catalog', 'information_schema')";
        let tables = self.sql(tables);
        assert!(tables.len() > 20, "{tables:?}");
        for table in tables {
            let rows = self.sql(&format!("select t::text from {table} t where t::text like '%{key}%'"));
            assert!(rows.is_empty(), "the key is in {table}");
        }
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(text == key || !text.contains(key), "the key is in a file: {text}");
        }
    }
}

/// The rows of a query of a database, with bars between the columns.
pub fn sql(url: &str, query: &str) -> Vec<String> {
    // The client must not run on a thread of a runtime.
    let answer = || postgres::Client::connect(url, postgres::NoTls).unwrap().simple_query(query).unwrap();
    let messages = std::thread::scope(|scope| scope.spawn(answer).join().unwrap());
    let row = |message: &postgres::SimpleQueryMessage| match message {
        postgres::SimpleQueryMessage::Row(row) => {
            let cells: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or("")).collect();
            Some(cells.join("|"))
        }
        _ => None,
    };
    messages.iter().filter_map(row).collect()
}

/// Sends a signal to a worker.
pub fn signal(worker: &Running, signal: nix::sys::signal::Signal) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(worker.0.id()).unwrap());
    nix::sys::signal::kill(pid, signal).unwrap();
}
