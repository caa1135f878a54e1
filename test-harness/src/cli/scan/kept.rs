//! `harness scan --store`: keeps the scan.

use std::process::{Command, Stdio};

use clap::Args;
use connector_api::{ConnectorError, Descriptor, SystemConfig};
use connector_store::{Ended, Hold, Location, Removal, StoreArchive};

use crate::cli::store::StoreArguments;
use crate::cli::target::PASSWORD_VARIABLE;
use crate::cli::{Exit, history, print, signals};

#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub(super) struct KeepArguments {
    #[command(flatten)]
    pub(super) store: StoreArguments,
    /// Hold a scan that would remove more than this percentage of a section's rows from the store, and at least ten
    /// [default: 20]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(..=100))]
    hold_above: Option<u64>,
    /// Command to run when a scan is held; the variables HELD_RUN, HELD_SYSTEM and HELD_REASON say which and why
    #[arg(long, value_name = "COMMAND")]
    on_held: Option<String>,
}

/// A scan that is kept.
pub(super) struct Kept {
    pub(super) archive: StoreArchive,
    /// The URL of the store, without its password.
    pub(super) place: String,
    /// The name of the system there.
    pub(super) name: String,
}

impl Kept {
    /// Has a second signal say what became of the run, as far as that can be known.
    pub(super) fn say_at_end(&self) {
        let (publishing, ended, name) = (self.archive.publishing(), self.archive.ended(), self.name.clone());
        signals::say_at_end(move || {
            let run = publishing.get()?;
            let mut error = ConnectorError::cancelled();
            error.message = match ended.get() {
                None => format!(
                    "the program ended while it published run {run} of {name}: whether this is published cannot be found out"
                ),
                Some(Ended::Held { .. }) => format!("the program ended after run {run} of {name} was held"),
                Some(_) => format!("the program ended after run {run} of {name} was published"),
            };
            error.remedy = "see `harness history` with the same store".to_owned();
            Some(error)
        });
    }
}

impl KeepArguments {
    /// Refuses options that make no sense without a store.
    pub(super) fn check(&self, is_kept: bool) -> Result<(), ConnectorError> {
        if is_kept || self.on_held.is_none() && self.hold_above.is_none() {
            return Ok(());
        }
        let remedy = "use --hold-above and --on-held with --store";
        Err(ConnectorError::invalid_config("only a scan that is kept can be held", remedy))
    }

    /// Opens the store and begins the scan there.
    pub(super) async fn begin(
        &self,
        location: &Location,
        name: &str,
        descriptor: &Descriptor,
        config: &SystemConfig,
        fresh: bool,
    ) -> Result<Kept, ConnectorError> {
        let hold = Hold::default();
        let hold = Hold { above_percent: self.hold_above.unwrap_or(hold.above_percent), ..hold };
        let archive = StoreArchive::begin(location, name, descriptor, config, fresh, hold).await?;
        if let Some(why) = archive.discarded() {
            print::remark(&format!("the interrupted scan of {name} is discarded, not continued: {why}"));
        }
        Ok(Kept { archive, place: location.to_string(), name: name.to_owned() })
    }

    /// Says what became of the scan in the store.
    pub(super) fn conclude(&self, ended: &Ended, system: &str, is_quiet: bool) -> Exit {
        match ended {
            Ended::Published { run, changes } if !is_quiet => {
                print::said(&format!("Kept as run {run}: {}.", history::changed(changes)));
                Exit::Complete
            }
            Ended::Held { run, removals } => {
                let reason = format!("it would remove {}", history::removed(removals));
                print::remark(&format!(
                    "run {run} of {system} is held: {reason}. Check whether these are really gone, then run `harness accept \
                     {run} --name \"{system}\"` with the same store; until then the store is unchanged"
                ));
                // Without names: they come from the target, and some shells would run what is in them.
                let counts = removals
                    .iter()
                    .map(|Removal { section, rows, removed, .. }| format!("{removed} of {rows} rows of {section}"));
                let reason = format!("it would remove {}", counts.collect::<Vec<_>>().join(", "));
                if let Some(command) = &self.on_held {
                    on_held(command, *run, system, &reason);
                }
                Exit::Held
            }
            _ => Exit::Complete,
        }
    }
}

/// Runs the operator's command. A failure of it is reported, and does not change what became of the scan.
fn on_held(command: &str, run: i64, system: &str, reason: &str) {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let done = Command::new(shell)
        .args([option, command])
        .env("HELD_RUN", run.to_string())
        .env("HELD_SYSTEM", system)
        .env("HELD_REASON", reason)
        // The command has no use for the key.
        .env_remove(PASSWORD_VARIABLE)
        .env_remove("PGPASSWORD")
        // Standard output may be the rows.
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status();
    let failed = match done {
        Ok(status) if status.success() => return,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    print::remark(&format!(
        "the command of --on-held failed: {failed}. Run it by hand, and correct it for the next time"
    ));
}
