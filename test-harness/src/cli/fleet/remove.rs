//! `harness fleet remove`

use std::fmt::Write as _;

use clap::Args;
use connector_api::ConnectorError;
use connector_fleet::Removed;
use connector_host::words::count;
use indicatif::HumanCount;
use serde_json::json;

use super::open;
use crate::cli::Exit;
use crate::cli::print::{self, AnswerFormat, printable};
use crate::cli::store::LocationArguments;

/// How many of the systems are named whose history is kept.
const NAMED: usize = 10;

#[derive(Debug, Args)]
#[command(after_help = "\
There are no schedules and runs of these systems any more. A worker that is scanning one stops with its next heartbeat. Their \
history stays in the store; `harness store forget --system` removes it.

Examples:
  harness fleet remove hq branch
  harness fleet remove --provider msp
  harness fleet remove --credential acme")]
pub(super) struct Arguments {
    /// Names of the systems: all of them are removed, or none
    #[arg(value_name = "NAME", required_unless_present_any = ["provider", "credential"])]
    names: Vec<String>,
    /// Remove a provider with all of its systems; workers no longer ask for its organisations
    #[arg(long, value_name = "NAME", conflicts_with_all = ["names", "credential"])]
    provider: Option<String>,
    /// Forget a credential that nothing uses any more, with its cap. Its key is not in the fleet
    #[arg(long, value_name = "NAME", conflicts_with = "names")]
    credential: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    #[command(flatten)]
    store: LocationArguments,
}

impl Arguments {
    pub(super) async fn run(self) -> Result<Exit, ConnectorError> {
        let fleet = open(&self.store).await?;
        if let Some(credential) = &self.credential {
            fleet.remove_credential(credential).await?;
            match self.format {
                AnswerFormat::Text => {
                    print::text(&format!("The fleet no longer knows the credential {credential}.\n"))?
                }
                AnswerFormat::Json => print::json(&json!({ "credential": credential }))?,
            }
            return Ok(Exit::Complete);
        }
        let removed = match &self.provider {
            Some(provider) => fleet.remove_provider(provider).await?,
            None => fleet.remove(&self.names.iter().map(String::as_str).collect::<Vec<_>>()).await?,
        };
        show(&removed, self.format)?;
        Ok(Exit::Complete)
    }
}

/// Prints what was removed.
pub(super) fn show(removed: &Removed, format: AnswerFormat) -> Result<(), ConnectorError> {
    match format {
        AnswerFormat::Text => print::text(&text(removed)),
        AnswerFormat::Json => print::json(removed),
    }
}

fn text(removed: &Removed) -> String {
    let systems = count(removed.systems.len() as u64, "system");
    let mut text = format!("{systems} removed, {} cancelled.\n", count(removed.cancelled, "run"));
    if removed.kept.is_empty() {
        return text;
    }
    text.push_str(
        "Their history stays in the store. These commands show what they would remove, and remove it with --yes:\n",
    );
    for name in removed.kept.iter().take(NAMED) {
        let _ = writeln!(text, "  harness store forget --system --name \"{}\"", printable(name));
    }
    if let Some(more) = removed.kept.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {} more", HumanCount(more as u64));
    }
    text
}
