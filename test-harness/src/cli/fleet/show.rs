//! `harness fleet list` and `harness fleet status`

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use connector_api::ConnectorError;
use connector_fleet::{RunStatus, Status, SystemStatus};
use connector_host::words;
use indicatif::HumanCount;
use jiff::Timestamp;
use serde_json::Value;

use super::{exclude, open, signals};
use crate::cli::print::{self, AnswerFormat, SheetFormat};
use crate::cli::store::{LocationArguments, shown};
use crate::cli::table::Table;
use crate::cli::{Exit, screen};

/// How often `--watch` looks.
const WATCH: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// List the organisations that are kept out of the fleet instead
    #[arg(long)]
    excluded: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
    #[command(flatten)]
    store: LocationArguments,
}

#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// Show it again every two seconds, until Ctrl-C; as JSON, each time on one line
    #[arg(long)]
    watch: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
    #[command(flatten)]
    store: LocationArguments,
}

impl ListArguments {
    pub(super) async fn run(self) -> Result<Exit, ConnectorError> {
        let fleet = open(&self.store).await?;
        if self.excluded {
            exclude::show(&fleet.excluded().await?, self.format)?;
            return Ok(Exit::Complete);
        }
        let systems = fleet.list().await?;
        match self.format {
            SheetFormat::Text => {
                let mut table =
                    Table::new(&["SYSTEM", "CREDENTIAL", "PRIORITY", "SCHEDULE", "SCANNED", "LAST RUN"], &[2]);
                for system in &systems {
                    let scanned = system.scanned_at.map_or_else(|| "never".to_owned(), shown);
                    table.row([
                        system.last.system.clone(),
                        system.last.credential.clone(),
                        system.priority.to_string(),
                        schedule(system),
                        scanned,
                        state(&system.last),
                    ]);
                }
                print::text(&fitted(&table))?;
            }
            SheetFormat::Csv => print::csv(COLUMNS, systems.iter().map(cells))?,
            SheetFormat::Json => print::json(&systems)?,
        }
        Ok(Exit::Complete)
    }
}

const COLUMNS: &[&str] = &[
    "system",
    "osType",
    "hostname",
    "credential",
    "priority",
    "schedule",
    "zone",
    "nextAt",
    "provider",
    "goneAt",
    "scannedAt",
    "run",
    "state",
    "code",
    "message",
    "remedy",
];

fn cells(system: &SystemStatus) -> Vec<String> {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        system.last.system.clone(),
        system.os_type.clone(),
        system.hostname.clone(),
        system.last.credential.clone(),
        system.priority.to_string(),
        text(&system.schedule),
        text(&system.zone),
        time(system.next_at),
        text(&system.provider),
        time(system.gone_at),
        time(system.scanned_at),
        system.last.run.map(|run| run.to_string()).unwrap_or_default(),
        text(&system.last.state),
        text(&system.last.code),
        text(&system.last.message),
        text(&system.last.remedy),
    ]
}

fn schedule(system: &SystemStatus) -> String {
    match (&system.schedule, &system.zone, system.gone_at) {
        (_, _, Some(_)) => "gone".to_owned(),
        (Some(text), Some(zone), None) => format!("{text} {zone}"),
        (Some(text), None, None) => text.clone(),
        (None, _, None) => String::new(),
    }
}

/// How a system's last run stands.
fn state(run: &RunStatus) -> String {
    let Some(state) = &run.state else { return String::new() };
    let detail = match (state.as_str(), run.outcome.as_deref()) {
        ("complete", Some("incomplete")) => "an optional section was not read".to_owned(),
        ("running", _) if run.cancel => "being cancelled".to_owned(),
        ("running", _) => progress(run),
        ("waiting", _) if run.not_before.is_some() => {
            let at = run.not_before.map(shown).unwrap_or_default();
            format!("again at {at} after {}", error(run))
        }
        ("failed", _) => error(run),
        _ => String::new(),
    };
    if detail.is_empty() { state.clone() } else { format!("{state}: {detail}") }
}

fn error(run: &RunStatus) -> String {
    let (code, message) = (run.code.as_deref().unwrap_or_default(), run.message.as_deref().unwrap_or_default());
    format!("{code}: {message}")
}

/// Such as `users 400 of 1,000, groups 12`: the sections that are being read.
fn progress(run: &RunStatus) -> String {
    let sections = run.progress.iter().filter_map(Value::as_object).flatten();
    let reading = sections.filter(|(_, progress)| progress["stage"] == "reading").map(|(section, progress)| {
        let done = HumanCount(progress["done"].as_u64().unwrap_or_default());
        match progress["expected"].as_u64() {
            Some(expected) => format!("{section} {done} of {}", HumanCount(expected)),
            None => format!("{section} {done}"),
        }
    });
    reading.collect::<Vec<_>>().join(", ")
}

pub(super) fn fitted(table: &Table) -> String {
    screen::of_results().map_or_else(|| table.render(0), |width| table.render_within(width))
}

impl StatusArguments {
    pub(super) async fn run(self) -> Result<Exit, ConnectorError> {
        let fleet = open(&self.store).await?;
        if !self.watch {
            self.show(&fleet.status().await?)?;
            return Ok(Exit::Complete);
        }
        let cancel = signals::listen()?.cancel_on_signal();
        let clears = io::stdout().is_terminal() && matches!(self.format, AnswerFormat::Text);
        while !cancel.is_cancelled() {
            match fleet.status().await {
                Ok(status) => {
                    if clears {
                        print::text("\u{1b}[H\u{1b}[2J")?;
                    }
                    self.show(&status)?;
                }
                // It may be back in a moment.
                Err(error) => print::error(&error),
            }
            let _ = tokio::time::timeout(WATCH, cancel.cancelled()).await;
        }
        Ok(Exit::Complete)
    }

    fn show(&self, status: &Status) -> Result<(), ConnectorError> {
        match (self.format, self.watch) {
            (AnswerFormat::Text, _) => print::text(&text(status)),
            (AnswerFormat::Json, false) => print::json(status),
            (AnswerFormat::Json, true) => {
                let line = serde_json::to_string(status);
                let line = line.map_err(|_| ConnectorError::internal("the state of the fleet has no JSON"))?;
                print::text(&format!("{line}\n"))
            }
        }
    }
}

fn text(status: &Status) -> String {
    let count = |state: &str| HumanCount(status.runs.get(state).copied().unwrap_or_default().unsigned_abs());
    let (there, lost) = status.worker_counts();
    let lost = if lost > 0 { format!(" ({} lost)", HumanCount(lost as u64)) } else { String::new() };
    let mut text = format!(
        "{}, {}{lost} at {}\n{} running, {} queued, {} waiting; last runs: {} complete, {} held, {} failed, {} \
         cancelled; {} never scanned\n",
        words::count(status.systems.unsigned_abs(), "system"),
        words::count(there as u64, "worker"),
        shown(status.at),
        count("running"),
        count("queued"),
        count("waiting"),
        count("complete"),
        count("held"),
        count("failed"),
        count("cancelled"),
        count("never"),
    );
    if let Some(oldest) = &status.oldest {
        let _ = match oldest.scanned_at {
            Some(time) => writeln!(text, "Longest without a complete scan: {}, since {}", oldest.system, shown(time)),
            None => writeln!(text, "Never completely scanned: {}, added {}", oldest.system, shown(oldest.added_at)),
        };
    }
    let mut waiting = Table::new(&["CREDENTIAL", "WAITING", "LATER", "IN USE", "CAP"], &[1, 2, 3, 4]);
    for one in &status.waiting {
        let numbers = [one.runs, one.later, one.in_use, i64::from(one.cap)].map(|number| number.to_string());
        waiting.row([one.credential.clone()].into_iter().chain(numbers));
    }
    section(&mut text, "Waiting for a credential", &waiting, status.waiting.len());
    let mut running = Table::new(&["SYSTEM", "ATTEMPT", "SINCE", "WORKER", "PROGRESS"], &[1]);
    for run in &status.running {
        let since = run.started_at.map(shown).unwrap_or_default();
        let progress = if run.cancel { "being cancelled".to_owned() } else { progress(run) };
        let worker = run.worker.clone().unwrap_or_default();
        running.row([run.system.clone(), run.attempt.to_string(), since, worker, progress]);
    }
    section(&mut text, "Running", &running, status.running.len());
    let mut held = Table::new(&["SYSTEM", "SINCE", "RUN", "WHAT TO DO"], &[2]);
    for run in &status.held {
        let number = run.store_run.map(|run| run.to_string()).unwrap_or_default();
        let what = format!("harness accept {number} --name \"{}\"", run.system);
        held.row([run.system.clone(), run.ended_at.map(shown).unwrap_or_default(), number, what]);
    }
    section(&mut text, "Held, because much would be removed", &held, status.held.len());
    let mut failed = Table::new(&["SYSTEM", "SINCE", "WHAT HAPPENED, AND WHAT TO DO"], &[]);
    for run in &status.failed {
        let what = format!("{}; {}", error(run), run.remedy.as_deref().unwrap_or_default());
        failed.row([run.system.clone(), run.ended_at.map(shown).unwrap_or_default(), what]);
    }
    section(&mut text, "Failed", &failed, status.failed.len());
    text
}

fn section(text: &mut String, title: &str, table: &Table, rows: usize) {
    if rows > 0 {
        let _ = write!(text, "\n{title}\n{}", fitted(table));
    }
}
