//! Scans whose process is killed, and a server that crashes, at random moments.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use connector_api::{Checkpoint, Record};
use connector_store::{At, Ended, Location, RunState, Store};
use fastrand::Rng;
use jiff::Timestamp;

use crate::backend::Backend;
use crate::cluster::Cluster;
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, assert_rows, comparable, config, rows_at, start, summary, system};

/// What the killed process scans into.
const STORE: &str = "TEST_STORE";
const SEED: &str = "TEST_SEED";

/// How often a process is killed.
pub(crate) fn kills(usual: usize) -> usize {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// The organisation at a step of its history.
fn at(seed: u64, step: usize) -> Vec<Record> {
    let mut organisation = Organisation::new(seed);
    for _ in 0..step {
        (0..10).for_each(|_| organisation.change());
    }
    organisation.whole()
}

fn count(store: &mut Store, state: RunState) -> usize {
    if store.systems().unwrap().is_empty() {
        return 0;
    }
    let system = system(store);
    store.runs(&system).unwrap().iter().filter(|run| run.state == state).count()
}

/// Scans step after step until it is killed. It writes a line before and after each thing it does.
#[test]
#[ignore = "the part of a process that other tests start"]
fn scans_until_it_is_killed() {
    let (Ok(location), Ok(seed)) = (std::env::var(STORE), std::env::var(SEED)) else { return };
    let (location, seed): (Location, u64) = (location.parse().unwrap(), seed.parse().unwrap());
    let (descriptor, config) = (descriptor(), config());
    loop {
        let mut store = Store::open(&location).unwrap();
        let step = count(&mut store, RunState::Published);
        let rows = at(seed, step);
        println!("open");
        let mut scan = store.begin(start(&descriptor, &config)).unwrap();
        let done = scan.take_resume().map_or(0, |checkpoint| checkpoint.state.read::<usize>().unwrap());
        for (batch, rows) in rows.chunks(10).enumerate().skip(done) {
            println!("stage");
            scan.stage(rows).unwrap();
            println!("checkpoint");
            scan.checkpoint(&Checkpoint::new(&descriptor, &config, Timestamp::now(), std::sync::Arc::new(batch + 1)))
                .unwrap();
        }
        println!("publish");
        let ended = scan.publish(&summary(&descriptor, &[]), ANYTHING).unwrap();
        assert!(matches!(ended, Ended::Published { .. }));
        println!("published");
    }
}

fn start_scans(location: &str, seed: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::scans_until_it_is_killed", "--ignored", "--nocapture"])
        .env(STORE, location)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets the scans go on for a random number of steps and a part of one.
fn watch(child: &mut Child, random: &mut Rng) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let steps = random.usize(1..60);
    assert!(lines.take(steps).all(|line| line.is_ok()), "the scans ended by themselves");
    (0..random.usize(..2_000_000)).for_each(|_| std::hint::spin_loop());
}

/// The last snapshot is whole: it is that of the step that was published last.
fn assert_whole(location: &Location, seed: u64, context: &str) {
    let mut store = Store::open(location).unwrap();
    let published = count(&mut store, RunState::Published);
    if published > 0 {
        let system = system(&mut store);
        let run = store.run_at(&system, At::Now).unwrap();
        let rows = rows_at(&mut store, run, &descriptor());
        assert_rows(&rows, &comparable(&at(seed, published - 1), &descriptor()), context);
    }
}

#[test]
fn the_last_snapshot_stands_whenever_a_scan_into_a_file_is_killed() {
    let backend = Backend::sqlite().unwrap();
    let seed = 11;
    let mut random = Rng::with_seed(seed);
    let (mut published, mut resumed) = (0, 0);
    for kill in 0..kills(12) {
        let mut child = start_scans(&backend.location.to_string(), seed);
        watch(&mut child, &mut random);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_whole(&backend.location, seed, &format!("seed {seed}, after kill {kill}"));
        let mut store = backend.open();
        published = count(&mut store, RunState::Published);
        let system = system(&mut store);
        resumed += store.runs(&system).unwrap().iter().filter(|run| run.attempt > 1).count();
    }
    assert!(published > 0 && resumed > 0, "{published} runs were published, {resumed} resumed");
}

#[test]
fn the_last_snapshot_stands_whenever_a_scan_or_the_server_is_killed() {
    let Some(cluster) = crate::cluster::required(Cluster::start) else { return };
    cluster.create("kept");
    let (url, seed) = (cluster.url("kept"), 12);
    let location: Location = url.parse().unwrap();
    let mut random = Rng::with_seed(seed);
    let mut crashes = 0;
    for kill in 0..kills(8) {
        let mut child = start_scans(&url, seed);
        watch(&mut child, &mut random);
        if random.bool() {
            crashes += usize::from(cluster.crash());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        cluster.wait();
        assert_whole(&location, seed, &format!("seed {seed}, after kill {kill}"));
    }
    assert!(crashes > 0 && count(&mut Store::open(&location).unwrap(), RunState::Published) > 0);
}
