//! Servers of the page: one with the demo's data for all that read, and those of a test alone.

use std::ops::Deref;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use connector_api::{CancellationToken, Credential, Edition, Record, Registration, Registry, SystemConfig};
use connector_console::{Console, Server, Settings};
use connector_host::systems::Systems;
use connector_jumpcloud::JumpCloud;
use connector_scim::ScimConnector;
use connector_store::{Ended, Fence, Hold, Location, Start, Store};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::chromium::{RUNTIME, keep};
use crate::organisation::{descriptor, summary};
use crate::whole::Whole;

/// How long a server may take until it prints an address.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server as people know it.
pub struct Served {
    /// Such as `http://127.0.0.1:54321`.
    pub base: String,
    /// The addresses that it prints.
    printed: Mutex<Receiver<String>>,
}

impl Served {
    fn of(printed: Receiver<String>) -> Self {
        let (send, again) = channel();
        let first = printed.recv_timeout(PATIENCE).expect("an address for signing in");
        let base = first.split("/sign-in").next().unwrap().to_owned();
        send.send(first).unwrap();
        std::thread::spawn(move || printed.iter().try_for_each(|address| send.send(address)));
        Self { base, printed: Mutex::new(again) }
    }

    /// Uses the address that was printed last. Another one is printed after that, which the next call takes.
    pub fn sign_in<T>(&self, open: impl FnOnce(&str) -> T) -> T {
        let printed = self.printed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        open(&printed.recv_timeout(PATIENCE).expect("an address for signing in"))
    }
}

/// `harness serve --demo`, which nothing may change.
pub struct Demo {
    served: Served,
    /// Its store, such as `sqlite:/tmp/demo.db`.
    pub store: String,
}

impl Deref for Demo {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

pub fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let command = [env!("CARGO_BIN_EXE_harness"), "serve", "--demo"].map(Into::into);
        let (lines, (send, printed)) = (keep(&command, None), channel());
        let named = |line: String| Some(line.strip_prefix("The page of ")?.split(" is at ").next()?.to_owned());
        let store = lines.iter().find_map(named).expect("the demo names its store");
        std::thread::spawn(move || {
            for line in lines {
                if let Some(address) = line.strip_prefix("To sign in, open: ") {
                    let _ = send.send(address.to_owned());
                }
            }
        });
        Demo { served: Served::of(printed), store }
    })
}

/// A server of one test, which may change what it likes.
pub struct Own {
    served: Served,
    location: Location,
    cancel: CancellationToken,
    _folder: TempDir,
}

impl Deref for Own {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Own {
    /// With an empty store and all connectors: those of the workspace, and one whose scans do what its settings say.
    pub fn start(edition: Edition) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::sqlite(folder.path().join("store.db"));
        Self::over(location, folder, edition)
    }

    /// The same over any store, with a folder for the files of systems.
    pub fn over(location: Location, folder: TempDir, edition: Edition) -> Self {
        // It may be installed by another test already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (send, printed) = channel();
        let cancel = CancellationToken::new();
        let (of_server, registrations) = (
            cancel.clone(),
            [Registration::of::<JumpCloud>(), Registration::of::<ScimConnector>(), Registration::of::<Whole>()],
        );
        let server = RUNTIME.block_on(Server::listen("127.0.0.1:0".parse().unwrap())).unwrap();
        let console = Console::new(Settings {
            location: location.clone(),
            registry: Registry::from_registrations(registrations).unwrap(),
            edition,
            systems: Systems::in_folder(&folder.path().join("systems"), "Whole").unwrap(),
            address: server.address(),
            hosts: Vec::new(),
            clock: Timestamp::now,
            announce: Box::new(move |address| drop(send.send(address.to_owned()))),
        });
        RUNTIME.spawn(async move {
            let router = console.router();
            futures_util::join!(server.serve(router, of_server.clone()), console.end_with(&of_server));
        });
        Self { served: Served::of(printed), location, cancel, _folder: folder }
    }

    /// The same with one system, `toy`, and these scans of it, an hour apart.
    pub fn with(scans: &[Vec<Record>]) -> Self {
        let own = Self::start(Edition::Enterprise);
        for (at, rows) in scans.iter().enumerate() {
            keep_scan(&own.location, Timestamp::now() - SignedDuration::from_hours((scans.len() - at) as i64), rows);
        }
        own
    }
}

fn keep_scan(location: &Location, now: Timestamp, rows: &[Record]) {
    let (descriptor, config) =
        (descriptor(), SystemConfig::new("Toy", "toy", Credential::from_secret("x")).with_name("toy"));
    let start = Start { name: "toy", descriptor: &descriptor, config: &config, fence: Fence::Own, now, fresh: true };
    let mut scan = Store::open(location).unwrap().begin(start).unwrap();
    scan.stage(rows).unwrap();
    let ended = scan.publish(&summary(&config, &[]), Hold { above_percent: 100, at_least: 0 }).unwrap();
    assert!(matches!(ended, Ended::Published { .. }), "{ended:?}");
}
