//! Removing from a store and copying it, killed at random moments, also together with the server.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use connector_store::{Ended, Location, Mode, Store};
use fastrand::Rng;

use crate::backend::Backend;
use crate::cluster::{Cluster, required};
use crate::kill::kills;
use crate::maintenance::{content, is_somewhere};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, scan, summary};

/// What the killed process works on, and what it does.
const STORE: &str = "TEST_STORE";
const COMMAND: &str = "TEST_COMMAND";
/// What it copies into.
const OTHER: &str = "TEST_OTHER";

/// The account that is forgotten.
const FORGOTTEN: &str = "the.forgotten";
const COMMANDS: [&str; 4] = ["prune", "forget an account", "forget a system", "copy"];

/// Does one thing, with a line before and after it.
#[test]
#[ignore = "the part of a process that other tests start"]
fn does_one_thing_until_it_is_killed() {
    let (Ok(location), Ok(command)) = (std::env::var(STORE), std::env::var(COMMAND)) else { return };
    let location: Location = location.parse().unwrap();
    let other: Option<Location> = std::env::var(OTHER).ok().map(|url| url.parse().unwrap());
    println!("begin");
    perform(&location, other.as_ref(), &command).unwrap();
    println!("end");
}

/// Does it, or what is left of it.
fn perform(location: &Location, other: Option<&Location>, command: &str) -> Result<(), connector_api::ConnectorError> {
    let mut store = Store::open(location)?;
    store.clear_remains()?;
    if let Some(other) = other {
        return store.copy_into(&mut Store::open(other)?).map(drop);
    }
    let Some(system) = store.systems()?.into_iter().next() else { return Ok(()) };
    match command {
        "prune" => {
            let cutoff = store.runs(&system)?[1].started_at;
            store.prune(&system, cutoff, Mode::Apply).map(drop)
        }
        "forget an account" => store.forget_accounts(&system, &[FORGOTTEN.into()], Mode::Apply).map(drop),
        _ => store.forget_system(&system, Mode::Apply).map(drop),
    }
}

/// A file with a history.
fn original() -> Backend {
    let file = Backend::sqlite().unwrap();
    let descriptor = descriptor();
    let mut organisation = Organisation::new(21);
    organisation.crowd();
    for _ in 0..3 {
        (0..15).for_each(|_| organisation.change());
        let mut rows = organisation.whole();
        rows.insert(0, connector_api::Account::new(FORGOTTEN, FORGOTTEN).into());
        let ended = scan(&file, &descriptor, &rows, &summary(&descriptor, &[]), ANYTHING);
        assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
    }
    file
}

/// The content of all tables but for the fence, which counts how often somebody worked on a system, and the mark of what is
/// not cleared from the files yet.
fn rows(backend: &Backend) -> String {
    let of_tables = content(backend);
    let is_content =
        |line: &&str| !["system: ", "counter: ", "migration: "].iter().any(|table| line.starts_with(table));
    let tables: Vec<&str> = of_tables.lines().filter(is_content).collect();
    let columns = "name, cast(published_run as text), cast(oldest_run as text)";
    let systems = backend.read(&format!("select {columns} from system order by 1"));
    let counters = backend.read("select name, cast(next as text) from counter where name <> 'remains' order by 1");
    format!("{}\n{systems:?}\n{counters:?}", tables.join("\n"))
}

/// Where the killed processes work.
enum Place {
    Files,
    /// A server, and how many databases it has.
    Server(Cluster, Cell<usize>),
}

impl Place {
    /// An empty store.
    fn empty(&self) -> Backend {
        match self {
            Self::Files => Backend::sqlite().unwrap(),
            Self::Server(cluster, databases) => {
                databases.set(databases.get() + 1);
                let name = format!("store_{}", databases.get());
                cluster.create(&name);
                let url = cluster.url(&name);
                Backend { location: url.parse().unwrap(), folder: None, url: Some(url) }
            }
        }
    }

    /// Ends a process that works on the last store, and perhaps the server.
    fn kill(&self, child: &mut Child, random: &mut Rng) {
        if let Self::Server(cluster, _) = self
            && random.bool()
        {
            cluster.crash();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if let Self::Server(cluster, databases) = self {
            cluster.wait();
            cluster.end_sessions(&format!("store_{}", databases.get()));
        }
    }
}

fn start(location: &Location, other: Option<&Location>, command: &str) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "kill_maintenance::does_one_thing_until_it_is_killed", "--ignored", "--nocapture"]);
    child.env(STORE, location.to_string()).env(COMMAND, command);
    if let Some(other) = other {
        child.env(OTHER, other.to_string());
    }
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The runner writes the name of the test before its own output.
    (child, lines.filter(|line| line.ends_with("begin") || line == "end"))
}

/// What one command does in one place, undisturbed and killed.
fn assert_whole_after_kills(place: &Place, original: &Backend, command: &str, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let of_copy = command == "copy";
    // Returns what is worked on, and the store that this changes.
    let fresh = || {
        let backend = place.empty();
        if of_copy {
            return (original.location.clone(), backend);
        }
        original.open().copy_into(&mut backend.open()).unwrap();
        (backend.location.clone(), backend)
    };
    let (location, undisturbed) = fresh();
    let before = if of_copy { String::new() } else { rows(&undisturbed) };
    let other = of_copy.then(|| undisturbed.location.clone());
    let (mut child, mut lines) = start(&location, other.as_ref(), command);
    lines.next().unwrap();
    let begun = Instant::now();
    assert_eq!(lines.next().as_deref(), Some("end"), "{command}");
    let usual = begun.elapsed();
    assert!(child.wait().unwrap().success());
    let after = rows(&undisturbed);
    assert_ne!(before, after, "{command}");

    let mut undone = 0;
    for kill in 0..kills(3) {
        let (location, backend) = fresh();
        let other = of_copy.then(|| backend.location.clone());
        let (mut child, mut lines) = start(&location, other.as_ref(), command);
        lines.next().unwrap();
        let until =
            Instant::now() + Duration::from_secs_f64(usual.as_secs_f64() * random.f64() * 1.2 * f64::from(kill > 0));
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        place.kill(&mut child, &mut random);
        let context = format!("{command}, seed {seed}, kill {kill}");

        let is_empty = of_copy && backend.open().systems().unwrap().is_empty();
        let found = rows(&backend);
        let is_undone = if of_copy { is_empty } else { found == before };
        undone += usize::from(is_undone);
        assert!(is_undone || found == after, "{context}: in part");
        // What is done is not done again, and the rest is.
        match perform(&location, other.as_ref(), command) {
            Ok(()) => {}
            Err(error) if !is_undone => assert!(
                error.message.contains("not empty") || error.message.contains("has no account"),
                "{context}: {error}"
            ),
            Err(error) => panic!("{context}: {error}"),
        }
        assert_eq!(rows(&backend), after, "{context}");
        if command == "forget an account" {
            assert!(!is_somewhere(&backend, FORGOTTEN), "{context}");
        }
    }
    assert!(undone > 0, "{command}: no kill came before the end");
}

#[test]
fn a_file_is_whole_whenever_what_removes_or_copies_is_killed() {
    let original = original();
    for (seed, command) in (31..).zip(COMMANDS) {
        assert_whole_after_kills(&Place::Files, &original, command, seed);
    }
}

#[test]
fn a_database_is_whole_whenever_what_removes_or_copies_or_the_server_is_killed() {
    let Some(cluster) = required(Cluster::start) else { return };
    // The one that commands of the cluster connect to.
    cluster.create("kept");
    let (place, original) = (Place::Server(cluster, Cell::new(0)), original());
    for (seed, command) in (41..).zip(COMMANDS) {
        assert_whole_after_kills(&place, &original, command, seed);
    }
}
