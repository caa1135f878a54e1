//! `harness report`

use std::path::PathBuf;

use clap::Args;
use connector_api::{ConnectorError, Registry};
use connector_host::output::write_file;
use jiff::Timestamp;

use super::store::FromArguments;
use super::{Exit, print};

#[derive(Debug, Args)]
#[command(after_help = "\
The file contains everything that it shows: it needs no server, no network and no JavaScript, and can be printed. Only its owner \
can read it.

Examples:
  harness report --store sqlite:history.db --output report.html
  harness report --store sqlite:history.db --name hq --at 2026-03-03 --output hq.html
  harness report --from-file scan.ndjson --output report.html")]
pub(super) struct Arguments {
    /// File for the report
    #[arg(long, short, value_name = "FILE.html")]
    output: PathBuf,
    #[command(flatten)]
    from: FromArguments,
}

impl Arguments {
    pub(super) async fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        self.from.check_output("--output", &self.output)?;
        let from = self.from;
        let rows = tokio::task::spawn_blocking(move || from.open()).await;
        let rows = rows.map_err(|_| ConnectorError::internal("reading the store crashed"))??;
        let html = connector_console::report(rows.store, registry, &rows.system, rows.run, Timestamp::now).await?;
        write_file(&self.output, html.as_bytes())?;
        print::said(&format!("The report is in {}.", self.output.display()));
        Ok(Exit::Complete)
    }
}
