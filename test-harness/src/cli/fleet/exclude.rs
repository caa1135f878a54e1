//! `harness fleet exclude`, `harness fleet include` and `harness fleet list --excluded`

use clap::Args;
use connector_api::ConnectorError;
use connector_fleet::Excluded;
use connector_host::words::count;
use serde_json::json;

use super::{open, remove};
use crate::cli::Exit;
use crate::cli::print::{self, AnswerFormat, SheetFormat};
use crate::cli::store::{LocationArguments, shown};
use crate::cli::table::Table;

#[derive(Debug, Args)]
#[command(after_help = "\
Workers ask each provider for its organisations every hour, and add those that are new. One that is excluded stays out, until \
`harness fleet include` has it added again. Its history stays in the store.

Examples:
  harness fleet exclude \"msp / Acme\"
  harness fleet list --excluded
  harness fleet include \"msp / Acme\"")]
pub(super) struct Arguments {
    /// Names of systems that a provider lists: all of them, or none
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    #[command(flatten)]
    store: LocationArguments,
}

impl Arguments {
    fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    pub(super) async fn exclude(self) -> Result<Exit, ConnectorError> {
        let removed = open(&self.store).await?.exclude(&self.names()).await?;
        remove::show(&removed, self.format)?;
        Ok(Exit::Complete)
    }

    pub(super) async fn include(self) -> Result<Exit, ConnectorError> {
        let included = open(&self.store).await?.include(&self.names()).await?;
        match self.format {
            AnswerFormat::Text => {
                let organisations = count(included, "organisation");
                print::text(&format!(
                    "{organisations} excluded no longer: a worker adds what the provider lists with its next heartbeat.\n"
                ))?;
            }
            AnswerFormat::Json => print::json(&json!({ "included": included }))?,
        }
        Ok(Exit::Complete)
    }
}

const COLUMNS: &[&str] = &["system", "provider", "organization", "excludedAt"];

/// Prints the organisations that are kept out.
pub(super) fn show(excluded: &[Excluded], format: SheetFormat) -> Result<(), ConnectorError> {
    let cells = |one: &Excluded, at: String| [one.system.clone(), one.provider.clone(), one.organization.clone(), at];
    match format {
        SheetFormat::Text => {
            let mut table = Table::new(&["SYSTEM", "PROVIDER", "ORGANISATION", "SINCE"], &[]);
            excluded.iter().for_each(|one| table.row(cells(one, shown(one.excluded_at))));
            print::text(&super::show::fitted(&table))
        }
        SheetFormat::Csv => {
            print::csv(COLUMNS, excluded.iter().map(|one| cells(one, one.excluded_at.to_string()).to_vec()))
        }
        SheetFormat::Json => print::json(&excluded),
    }
}
