//! `harness fleet`: many systems, scanned by many workers into one store.

mod add;
mod exclude;
mod remove;
mod show;
mod worker;

use std::time::Duration;

use clap::{Args, Subcommand};
use connector_api::{ConnectorError, Registry};
use connector_fleet::{Fleet, Which};
use indicatif::HumanCount;
use serde_json::json;

use super::print::{self, AnswerFormat};
use super::store::LocationArguments;
use super::{Exit, signals};

#[derive(Debug, Args)]
#[command(after_help = "\
The systems, their schedules and the runs are in the PostgreSQL database of the store. Any number of workers on any number of \
machines scan them. A run names a credential; each worker has a file that says where the keys are.

Examples:
  harness fleet init --store postgres://fleet@db/history
  harness fleet add hq --credential acme --schedule \"0 3 * * *\"
  harness fleet add --csv customers.csv
  harness fleet worker --credentials credentials.toml
  harness fleet status --watch")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create the tables, or bring them up to date
    Init(InitArguments),
    /// Add systems, or change those that are there
    Add(Box<add::Arguments>),
    /// Take systems out of the fleet; their history stays in the store
    Remove(remove::Arguments),
    /// Keep organisations out of the fleet that their provider lists; their history stays in the store
    Exclude(exclude::Arguments),
    /// Have organisations added again that were excluded
    Include(exclude::Arguments),
    /// List the systems with their last runs
    List(show::ListArguments),
    /// Request scans of systems
    Enqueue(ChangeArguments),
    /// Scan what is requested, until Ctrl-C
    Worker(worker::Arguments),
    /// Show what is running, waiting, held and failed
    Status(show::StatusArguments),
    /// Cancel runs that are requested or running
    Cancel(ChangeArguments),
    /// Request scans of systems whose last run failed or was cancelled
    Retry(ChangeArguments),
}

#[derive(Debug, Args)]
struct InitArguments {
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    #[command(flatten)]
    store: LocationArguments,
}

#[derive(Debug, Args)]
struct ChangeArguments {
    /// Names of the systems
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<String>,
    /// All systems but those of a negative priority, and those that their provider no longer lists
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    #[command(flatten)]
    store: LocationArguments,
}

/// Opens the fleet that the options name.
async fn open(store: &LocationArguments) -> Result<Fleet, ConnectorError> {
    Fleet::open(&store.existing()?).await
}

impl Arguments {
    pub(super) async fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        match self.command {
            Command::Init(arguments) => arguments.run().await,
            Command::Add(arguments) => arguments.run(registry).await,
            Command::Remove(arguments) => arguments.run().await,
            Command::Exclude(arguments) => arguments.exclude().await,
            Command::Include(arguments) => arguments.include().await,
            Command::List(arguments) => arguments.run().await,
            Command::Enqueue(arguments) => {
                arguments.run("requested", async |fleet: &Fleet, which: Which<'_>| fleet.enqueue(which).await).await
            }
            Command::Worker(arguments) => arguments.run(registry).await,
            Command::Status(arguments) => arguments.run().await,
            Command::Cancel(arguments) => {
                arguments.run("cancelled", async |fleet: &Fleet, which: Which<'_>| fleet.cancel(which).await).await
            }
            Command::Retry(arguments) => {
                arguments.run("requested", async |fleet: &Fleet, which: Which<'_>| fleet.retry(which).await).await
            }
        }
    }
}

impl InitArguments {
    async fn run(self) -> Result<Exit, ConnectorError> {
        let location = self.store.existing()?;
        Fleet::init(&location).await?;
        match self.format {
            AnswerFormat::Text => print::text(&format!("The tables of the fleet in {location} are up to date.\n"))?,
            AnswerFormat::Json => print::json(&json!({ "store": location.to_string() }))?,
        }
        Ok(Exit::Complete)
    }
}

impl ChangeArguments {
    async fn run(
        self,
        done: &str,
        change: impl AsyncFn(&Fleet, Which<'_>) -> Result<u64, ConnectorError>,
    ) -> Result<Exit, ConnectorError> {
        let fleet = open(&self.store).await?;
        let mut changed = 0;
        if self.all {
            changed = change(&fleet, Which::All).await?;
        }
        for name in &self.names {
            changed += change(&fleet, Which::Named(name)).await?;
        }
        match self.format {
            AnswerFormat::Text => {
                let runs = if changed == 1 { "run" } else { "runs" };
                print::text(&format!("{} {runs} {done}.\n", HumanCount(changed)))?;
            }
            AnswerFormat::Json => print::json(&json!({ done: changed }))?,
        }
        Ok(Exit::Complete)
    }
}

/// Reads a time such as `90s`, `5m` or `6h`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    let parsed = parsed.ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.filter(|duration| !duration.is_zero()).ok_or_else(|| "write a time such as 90s, 5m or 6h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_is_not_zero() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        for odd in ["", "90", "0s", "-1s", "soon"] {
            assert!(duration(odd).is_err(), "{odd}");
        }
    }
}
