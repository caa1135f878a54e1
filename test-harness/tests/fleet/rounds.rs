//! Workers that are killed, stopped and ended, sessions that are terminated, a database that crashes, consoles with limits and
//! faults: afterwards every system's snapshot is one whole scan of the truth.
//!
//! `CASES=300 cargo test -p test-harness --test fleet rounds` runs three hundred rounds, and `SEED=7` the one that failed.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use jumpcloud_simulator::{Simulator, SimulatorOptions};
use nix::sys::signal::Signal;

use crate::cluster::{Cluster, required};
use crate::fleet::{Fleet, PATIENCE, signal, sql};
use crate::support::{PASSWORD_VARIABLE, Running, harness, run};

const ORGANIZATIONS: u64 = 6;
const WORKERS: usize = 3;
const LEASE: Duration = Duration::from_secs(2);

/// Leases of two seconds, and two scans at a time.
const OPTIONS: [&str; 4] = ["--lease", "2s", "--concurrency", "2"];

/// Notes what must never be so, whoever does it.
const WATCH: &str = "create table violation (what text);
create function watch() returns trigger language plpgsql as $$ begin
    insert into violation select 'too many with ' || new.credential
        where (select count(*) from fleet.run r where r.credential = new.credential and r.state in ('queued', 'running'))
            > (select cap from fleet.credential c where c.name = new.credential);
    insert into violation select 'a lease goes back' where new.lease < old.lease;
    insert into violation select 'a run begins again after its end'
        where old.state in ('complete', 'held', 'failed', 'cancelled') and new.state <> old.state;
    return new;
end $$;
create trigger watch after update on fleet.run for each row execute function watch();";

fn seeds(cases: u64) -> Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CASES").unwrap_or(cases),
    }
}

fn options(seed: u64) -> SimulatorOptions {
    SimulatorOptions {
        users: 40,
        groups: 6,
        systems: 6,
        events: Some(0),
        organizations: ORGANIZATIONS,
        seed,
        now: "2026-06-01T12:00:00Z".parse().unwrap(),
        ..SimulatorOptions::default()
    }
}

#[test]
fn whatever_becomes_of_workers_and_database_every_snapshot_is_one_whole_scan() {
    let Some(cluster) = required(Cluster::start) else { return };
    // The simulated consoles run in the background.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for seed in seeds(7) {
        eprintln!("SEED={seed}");
        Round::new(&cluster, &runtime, seed).run();
    }
}

struct Round<'a> {
    cluster: &'a Cluster,
    fleet: Fleet,
    simulator: Simulator,
    /// The names of the systems, each with the rows of its organisation.
    truth: Vec<(String, BTreeSet<String>)>,
    random: fastrand::Rng,
}

impl<'a> Round<'a> {
    fn new(cluster: &'a Cluster, runtime: &tokio::runtime::Runtime, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        sql(&cluster.url("postgres"), "drop database if exists kept with (force)");
        cluster.create("kept");
        let fleet = Fleet::at(cluster.url("kept"));
        // The same organisations, from a console without faults.
        let plain = runtime.block_on(Simulator::start(options(seed))).unwrap();
        let faults = ["status=500:rate=0.03", "reset:rate=0.01", "delay=20:rate=0.1"];
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let latency = Duration::from_millis(15);
        let faulty = SimulatorOptions { faults, latency, rate_limit: Some(400), ..options(seed) };
        let simulator = runtime.block_on(Simulator::start(faulty)).unwrap();
        fleet.credentials(&[("one", simulator.api_key()), ("two", simulator.api_key())]);
        let mut truth = Vec::new();
        let store = format!("sqlite:{}", fleet.path("truth").display());
        for (at, organization) in plain.organizations().iter().enumerate() {
            let name = format!("organisation-{at}");
            let id = format!("jumpcloudOrgId={}", organization.organization_id());
            let settings = ["--set", &id, "--set", "includeLastLogin=false", "--set", "pageSize=20"];
            let mut scan = harness(["scan", "--quiet", "--hostname", &plain.url(), "--store", &store, "--name", &name]);
            scan.args(settings).env(PASSWORD_VARIABLE, plain.api_key());
            assert_eq!(run(&mut scan).code, 0);
            truth.push((name.clone(), rows(&store, &name)));
            let credential = if at < 4 { "one" } else { "two" };
            let url = simulator.url();
            let added = [&["add", &name, "--hostname", &url, "--credential", credential][..], &settings].concat();
            fleet.json(&added);
        }
        fleet.json(&["add", "--credential", "one", "--cap", "2"]);
        fleet.sql(WATCH);
        Self { cluster, fleet, simulator, truth, random }
    }

    fn run(mut self) {
        let mut workers: Vec<Running> = (0..WORKERS).map(|_| self.fleet.worker("log", &OPTIONS)).collect();
        self.fleet.json(&["enqueue", "--all"]);
        for _ in 0..self.random.usize(3..9) {
            std::thread::sleep(Duration::from_millis(self.random.u64(0..700)));
            let at = self.random.usize(0..WORKERS);
            match self.random.u8(0..6) {
                0 => workers[at] = self.replaced(&workers[at], Signal::SIGKILL),
                1 => {
                    signal(&workers[at], Signal::SIGTERM);
                    let begun = std::time::Instant::now();
                    assert!(workers[at].0.wait().unwrap().success());
                    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
                    workers[at] = self.fleet.worker("log", &OPTIONS);
                }
                2 => {
                    signal(&workers[at], Signal::SIGSTOP);
                    std::thread::sleep(LEASE + Duration::from_millis(self.random.u64(0..2000)));
                    signal(&workers[at], Signal::SIGCONT);
                }
                3 => {
                    let terminate = "select pg_terminate_backend(pid) from pg_stat_activity \
                                     where datname = current_database() and pid <> pg_backend_pid()";
                    self.fleet.sql(terminate);
                }
                4 => {
                    if self.cluster.crash() {
                        self.cluster.wait();
                    }
                }
                _ => drop(self.fleet.run(&["enqueue", "--all"])),
            }
        }
        self.settle();
        drop(workers);
        self.check();
    }

    /// Ends a worker, and starts another one.
    fn replaced(&self, worker: &Running, how: Signal) -> Running {
        signal(worker, how);
        self.fleet.worker("log", &OPTIONS)
    }

    /// Waits until nothing is left to do. Nobody waits for the next try of what failed because of us.
    fn settle(&self) {
        let begun = std::time::Instant::now();
        let at_once = "update fleet.run set not_before = clock_timestamp() where state = 'waiting'";
        let open = "select s.name, r.state, r.lease_until, r.message from fleet.run r join fleet.system s on s.id = r.system \
                    where r.state in ('waiting', 'queued', 'running')";
        loop {
            self.fleet.sql(at_once);
            let left = self.fleet.sql(open);
            if left.is_empty() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{left:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.fleet.path("log")).unwrap()
    }

    fn check(&self) {
        let fleet = &self.fleet;
        assert!(fleet.sql("select what from violation").is_empty(), "{:?}", fleet.sql("select what from violation"));
        let bad =
            "select name, state, code, message from fleet.last_run where state <> 'complete' or outcome <> 'complete'";
        assert!(fleet.sql(bad).is_empty(), "{:?}\n{}", fleet.sql(bad), self.log());
        let astray = "select st.system, st.run, st.state from fleet.standing st where (st.run, st.state, st.ended_at) is distinct from \
                      (select (r.id, r.state, r.ended_at) from fleet.run r where r.system = st.system order by r.id desc limit 1) \
                      or st.scanned_at is distinct from \
                      (select max(ended_at) from fleet.run r where r.system = st.system and r.state = 'complete')";
        assert!(fleet.sql(astray).is_empty(), "{:?}", fleet.sql(astray));
        // Each run that is complete was published once, and nothing else was.
        let kept = fleet.sql("select store_run from fleet.run where state = 'complete' order by 1");
        assert_eq!(kept, fleet.sql("select id from run where state = 'published' order by 1"));
        for (name, truth) in &self.truth {
            let kept = rows(&fleet.url, name);
            let missing: Vec<&String> = truth.difference(&kept).take(3).collect();
            let foreign: Vec<&String> = kept.difference(truth).take(3).collect();
            assert!(missing.is_empty() && foreign.is_empty(), "{name}: missing {missing:?}, foreign {foreign:?}");
        }
        fleet.assert_hides(self.simulator.api_key());
        let cores = std::fs::read_dir(".")
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("core"));
        assert_eq!(cores.count(), 0);
    }
}

/// The rows of a system in a store, without the summary of its run.
fn rows(store: &str, name: &str) -> BTreeSet<String> {
    let mut export = harness(["export", "--format", "ndjson", "--name", name]);
    let exported = run(export.env("ORBISID_STORE", store));
    assert_eq!(exported.code, 0, "{exported:?}");
    exported.stdout.lines().filter(|line| !line.contains(r#""record":"summary""#)).map(str::to_owned).collect()
}
