//! `harness fleet worker`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use connector_api::{ConnectorError, Edition, Registry};
use connector_fleet::{Credentials, Worker, WorkerOptions, forbid_core_dumps};
use connector_store::Hold;

use super::{duration, signals};
use crate::cli::logging::Logging;
use crate::cli::store::LocationArguments;
use crate::cli::target::edition_parser;
use crate::cli::{Exit, print};

#[derive(Debug, Args)]
#[command(after_help = "\
The first Ctrl-C or SIGTERM gives the scans back within ten seconds: another worker goes on where they stopped. The second ends \
the program at once; then their leases end by themselves.

The file of credentials has a table for each credential, or for all whose names begin alike:

  [acme]
  file = \"/etc/orbisid/keys/acme\"

  [\"customer-*\"]
  command = [\"/usr/lib/orbisid/vault\", \"{name}\"]

Instead of `file` or `command`, `variable` names a variable of the environment.

Examples:
  harness fleet worker --store postgres://fleet@db/history --credentials credentials.toml
  harness fleet worker --credentials credentials.toml --concurrency 8 --log-level fleet=info --log-format json")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: LocationArguments,
    /// File that says where the key of each credential is
    #[arg(long, value_name = "FILE")]
    credentials: PathBuf,
    /// The most scans at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,
    /// Edition of the host, which decides which connectors there are
    #[arg(long, value_parser = edition_parser(), ignore_case = true, default_value = "enterprise")]
    edition: Edition,
    /// How long a scan stays this worker's without a sign of life; it gives one six times as often
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    lease: Duration,
    /// How long a scan may take until it is tried again; then it goes on where it stopped
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = duration)]
    time_limit: Duration,
    /// Hold a scan that would remove more than this percentage of a section's rows from the store, and at least ten
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u64).range(..=100))]
    hold_above: u64,
    /// Address at which /metrics, /livez and /readyz are served, without TLS and sign-in; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    logging: Logging,
}

impl Arguments {
    pub(super) async fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        self.logging.start()?;
        let starting = signals::listen()?;
        forbid_core_dumps()?;
        let (credentials, warnings) = Credentials::read(&self.credentials)?;
        warnings.iter().for_each(print::warning);
        let worker = Worker::new(WorkerOptions {
            location: self.store.existing()?,
            registry,
            edition: self.edition,
            credentials,
            concurrency: self.concurrency,
            lease: self.lease,
            time_limit: self.time_limit,
            checkpoint_every: self.lease / 6,
            hold: Hold { above_percent: self.hold_above, ..Hold::default() },
            listen: self.listen,
        })
        .await?;
        let cancel = starting.cancel_on_signal();
        if !self.logging.is_quiet() {
            print::note(format_args!("The worker {} waits for runs. Ctrl-C ends it.", worker.name()));
            if let Some(address) = worker.address() {
                print::note(format_args!("Its figures are at http://{address}/metrics."));
            }
        }
        worker.run(&cancel).await?;
        Ok(Exit::Complete)
    }
}
