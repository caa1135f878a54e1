//! `harness serve`

mod demo;

use std::net::SocketAddr;

use clap::Args;
use connector_api::{ConnectorError, ErrorCode, Registry};
use connector_console::{Console, Server, Settings};
use jiff::Timestamp;

use self::demo::Demo;
use super::store::LocationArguments;
use super::{Exit, print, signals};

#[derive(Debug, Args)]
#[command(after_help = "\
The server prints an address that signs in one browser, once, and a new one after each use.

Examples:
  harness serve --demo
  harness serve --store sqlite:history.db
  harness serve --store sqlite:history.db --listen 127.0.0.1:8080")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: LocationArguments,
    /// Show a simulated organisation, scanned twice into a store that is removed at the end
    #[arg(long, conflicts_with_all = ["store", "store_file"])]
    demo: bool,
    /// Address to listen on; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

impl Arguments {
    pub(super) async fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        let starting = signals::listen()?;
        let location = if self.demo { None } else { Some(self.store.existing()?) };
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
        let address = server.address();
        warning(address).iter().for_each(print::warning);
        print::text(&format!("The page of {location} is at http://{address}. Ctrl-C stops it.\n"))?;
        let announce = Box::new(|address: &str| {
            // Whoever closed standard output does not want to sign in.
            let _ = print::text(&format!("To sign in, open: {address}\n"));
        });
        let console = Console::new(Settings { location, registry, address, clock: Timestamp::now, announce });
        server.serve(console.router(), cancel).await;
        Ok(Exit::Complete)
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
