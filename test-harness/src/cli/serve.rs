//! `harness serve`

mod demo;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use connector_api::{ConnectorError, Edition, ErrorCode, Registry, Retry};
use connector_console::{Console, Server, Settings};
use connector_host::systems::Systems;
use connector_store::{Location, Store};
use jiff::Timestamp;

use self::demo::Demo;
use super::store::LocationArguments;
use super::target::{DEFAULT_OS_TYPE, edition_parser};
use super::{Exit, print, signals};

#[derive(Debug, Args)]
#[command(after_help = "\
The server prints an address that signs in one browser, once, and a new one after each use.

Examples:
  harness serve --demo
  harness serve --store sqlite:history.db
  harness serve --store sqlite:history.db --systems systems/ --listen 127.0.0.1:8080")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: LocationArguments,
    /// Show a simulated organisation, scanned twice into a store that is removed at the end
    #[arg(long, conflicts_with_all = ["store", "store_file"])]
    demo: bool,
    /// Folder with the system files of the systems that can be scanned from the page, which adds and changes them there.
    /// Without it, systems are kept in memory until the server ends
    #[arg(long, value_name = "DIR", conflicts_with = "demo")]
    systems: Option<PathBuf>,
    /// Edition of the host, which decides which connectors there are
    #[arg(long, value_parser = edition_parser(), ignore_case = true, default_value = "enterprise")]
    edition: Edition,
    /// Address to listen on; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Host name of a proxy in front of the server, by which browsers reach it; may be given several times
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    allow_host: Vec<String>,
}

impl Arguments {
    pub(super) async fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        let starting = signals::listen()?;
        let location = if self.demo { None } else { Some(self.location()?) };
        // Before the demo is scanned: an address that cannot be had is known at once.
        let server = Server::listen(self.listen).await?;
        let cancel = starting.cancel_on_signal();
        let demo = match location {
            Some(_) => None,
            None => Some(Demo::scan(&registry, &cancel).await?),
        };
        let location = match (location, &demo) {
            (Some(location), _) => location,
            (None, Some(demo)) => demo.location()?,
            (None, None) => return Err(ConnectorError::internal("there is nothing to serve")),
        };
        open(&location).await?;
        let systems = match (&self.systems, &demo) {
            (Some(folder), _) => Systems::in_folder(folder, DEFAULT_OS_TYPE)?,
            (None, Some(demo)) => demo.systems()?,
            (None, None) => Systems::in_memory(),
        };
        let address = server.address();
        warning(address).iter().for_each(print::warning);
        print::text(&format!("The page of {location} is at http://{address}. Ctrl-C stops it.\n"))?;
        let announce = Box::new(|address: &str| {
            // Whoever closed standard output does not want to sign in.
            let _ = print::text(&format!("To sign in, open: {address}\n"));
        });
        let (edition, hosts, clock) = (self.edition, self.allow_host, Timestamp::now);
        let console = Console::new(Settings { location, registry, edition, systems, address, hosts, clock, announce });
        // Scans end first: pages that follow one end with it.
        futures_util::join!(server.serve(console.router(), cancel.clone()), console.end_with(&cancel));
        Ok(Exit::Complete)
    }
}

impl Arguments {
    /// The store. One that is not there yet is made by the first scan.
    fn location(&self) -> Result<Location, ConnectorError> {
        let location = self.store.location()?.ok_or_else(|| {
            ConnectorError::invalid_config(
                "no store was given",
                "use --store URL, such as --store sqlite:history.db, or --demo to look around",
            )
        })?;
        if location.files().first().is_some_and(|file| !file.exists()) {
            print::said(&format!("There is no store at {location} yet: it is created."));
        }
        Ok(location)
    }
}

/// Opens the store once, so that one which cannot be used is known before the first page needs it. A database that does not answer
/// now may do so later, and so may a file that another program is writing; one that this user cannot write stays as it is.
async fn open(location: &Location) -> Result<(), ConnectorError> {
    let place = location.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(&place).map(drop)).await;
    match opened.map_err(|_| ConnectorError::internal("opening the store crashed"))? {
        Err(error) if error.code == ErrorCode::Sink && (location.files().is_empty() || error.retry == Retry::Later) => {
            print::warning(&error);
            Ok(())
        }
        opened => opened,
    }
}

/// A host name without anything around it.
fn host_name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("a host name without scheme, port and path, such as console.example".to_owned())
    }
}

/// A warning if others can reach the server, and read what it sends on the way.
fn warning(address: SocketAddr) -> Option<ConnectorError> {
    (!address.ip().is_loopback()).then(|| {
        ConnectorError::new(
            ErrorCode::InsecureEndpoint,
            format!("the page is served without TLS on {address}: others on the way can read it, and sign in"),
            format!("use --listen 127.0.0.1:{}, and reach it through an SSH tunnel", address.port()),
        )
    })
}
