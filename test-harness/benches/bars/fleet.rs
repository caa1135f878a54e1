//! A fleet: whether two workers do twice as much as one, what the queue and the store add to a scan, and what a claim costs as
//! the fleet grows.

mod claims;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jumpcloud_simulator::{Simulator, SimulatorOptions};
use postgres::{Client, NoTls};
use tempfile::TempDir;

use super::bar::{Bar, Bound};
use super::store::cluster::Cluster;
use super::{Result, Setup};

/// Users of each organisation.
const USERS: u64 = 50;
/// Organisations of a credential.
const OF_CREDENTIAL: usize = 4;
/// How often the database is asked whether all is done.
const TICK: Duration = Duration::from_millis(20);

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let organizations = if setup.quick { 40 } else { 400 };
    let options = |latency| SimulatorOptions {
        users: USERS,
        groups: 6,
        systems: 6,
        organizations,
        latency: Duration::from_millis(latency),
        ..SimulatorOptions::default()
    };
    let (slow, fast) = (Simulator::start(options(100)).await?, Simulator::start(options(0)).await?);
    let setup = Setup { quick: setup.quick, harness: setup.harness.clone() };
    let measured = tokio::task::spawn_blocking(move || -> Result<_> {
        let Some(cluster) = Cluster::start() else { return Ok(None) };
        let of = |simulator, database| Measured::new(&setup.harness, &cluster, Some(simulator), database);
        let one = of(&slow, "one")?.scan(1)?;
        let two = of(&slow, "two")?.scan(2)?;
        eprintln!(
            "  {organizations} organisations: one worker {:.1} s, two {:.1} s",
            one.as_secs_f64(),
            two.as_secs_f64()
        );
        let fleet = of(&fast, "fast")?.scan(1)?;
        let plain = of(&fast, "plain")?.scan_without()?;
        let what = format!("{organizations} organisations of {USERS} users");
        let mut bars = vec![
            Bar::new(
                format!("{what} at 100 ms: one worker, against two"),
                one.as_secs_f64(),
                two.as_secs_f64(),
                "s",
                Bound::AtLeast(1.8),
            ),
            Bar::new(
                format!("{what}, without latency: a worker, against `scan --all-organizations`"),
                fleet.as_secs_f64(),
                plain.as_secs_f64(),
                "s",
                Bound::AtMost(1.15),
            ),
        ];
        bars.extend(claims::measure(&setup, &cluster)?);
        Ok(Some(bars))
    });
    let bars = measured.await??;
    if bars.is_none() {
        eprintln!("  skipped: its server is not installed");
    }
    Ok(bars.unwrap_or_default())
}

/// A fleet in a database of its own.
struct Measured<'a> {
    harness: &'a Path,
    url: String,
    /// `None` where nothing is scanned.
    simulator: Option<&'a Simulator>,
    folder: TempDir,
}

/// A worker that does not outlive its measurement.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl<'a> Measured<'a> {
    fn new(harness: &'a Path, cluster: &Cluster, simulator: Option<&'a Simulator>, database: &str) -> Result<Self> {
        cluster.create(database);
        Ok(Self { harness, url: cluster.url(database), simulator, folder: tempfile::tempdir()? })
    }

    fn simulator(&self) -> Result<&'a Simulator> {
        self.simulator.ok_or_else(|| "there is nothing to scan".into())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.harness);
        command.args(arguments).env("ORBISID_STORE", &self.url);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        let status = self.command(arguments).status()?;
        if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", arguments.join(" ")).into()) }
    }

    /// The time of a number of workers for all organisations, each with one scan at a time.
    fn scan(&self, workers: usize) -> Result<Duration> {
        let simulator = self.simulator()?;
        std::fs::write(self.path("key"), simulator.api_key())?;
        let credentials = format!("['*']\nfile = '{}'\n", self.path("key").display());
        std::fs::write(self.path("credentials.toml"), credentials)?;
        let mut lines = "name,credential,attributes.jumpcloudOrgId\n".to_owned();
        for (at, organization) in simulator.organizations().iter().enumerate() {
            lines.push_str(&format!("o{at},c{},{}\n", at / OF_CREDENTIAL, organization.organization_id()));
        }
        std::fs::write(self.path("systems.csv"), lines)?;
        self.run(&["fleet", "init"])?;
        let systems = self.path("systems.csv").display().to_string();
        let url = simulator.url();
        self.run(&["fleet", "add", "--csv", &systems, "--hostname", &url, "--set", "includeLastLogin=false"])?;
        self.run(&["fleet", "enqueue", "--all"])?;
        let credentials = self.path("credentials.toml").display().to_string();
        let arguments = ["fleet", "worker", "--concurrency", "1", "--quiet", "--credentials", &credentials];
        let began = Instant::now();
        let workers: Result<Vec<Worker>> =
            (0..workers).map(|_| Ok(Worker(self.command(&arguments).stderr(Stdio::null()).spawn()?))).collect();
        let _workers = workers?;
        let mut client = Client::connect(&self.url, NoTls)?;
        let count = |client: &mut Client, condition: &str| -> Result<i64> {
            Ok(client.query_one(&format!("select count(*) from fleet.run where {condition}"), &[])?.get(0))
        };
        while count(&mut client, "state in ('waiting', 'queued', 'running')")? > 0 {
            std::thread::sleep(TICK);
        }
        let took = began.elapsed();
        match count(&mut client, "state <> 'complete'")? {
            0 => Ok(took),
            others => Err(format!("{others} runs are not complete").into()),
        }
    }

    /// The time of one process that scans all of them one after the other, and keeps nothing.
    fn scan_without(&self) -> Result<Duration> {
        let output = self.path("rows").display().to_string();
        let simulator = self.simulator()?;
        let url = simulator.url();
        let mut command =
            self.command(&["scan", "--all-organizations", "--quiet", "--hostname", &url, "--output", &output]);
        command.args(["--set", "includeLastLogin=false"]).env_remove("ORBISID_STORE");
        command.env("ORBISID_CREDENTIAL_PASSWORD", simulator.api_key());
        let began = Instant::now();
        let status = command.status()?;
        if status.success() { Ok(began.elapsed()) } else { Err(format!("the scan ended with {status}").into()) }
    }
}
