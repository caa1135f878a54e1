//! `harness history` and `harness accept`

use clap::Args;
use connector_api::{ConnectorError, Outcome};
use connector_store::{Changes, Counts, Ended, Removal, Run, RunState};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::print::{self, SheetFormat};
use super::store::{StoreArguments, shown};
use super::summary::words;
use super::table::Table;
use super::{Exit, screen};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness history --store sqlite:history.db\n  harness history --store \
sqlite:history.db --name hq --format json")]
pub(super) struct Arguments {
    /// Output format
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
    #[command(flatten)]
    store: StoreArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness accept 17 --store sqlite:history.db")]
pub(super) struct AcceptArguments {
    /// Number of the run, as `harness history` shows it
    run: i64,
    #[command(flatten)]
    store: StoreArguments,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let (mut store, system) = self.store.open_to_read()?;
        let runs = store.runs(&system)?;
        match self.format {
            SheetFormat::Text => {
                let mut table = Table::new(&["RUN", "STARTED", "STATE", "WHAT CHANGED"], &[0]);
                for run in &runs {
                    table.row([run.id.to_string(), shown(run.started_at), state(run), what(run)]);
                }
                let table = screen::of_results().map_or_else(|| table.render(0), |width| table.render_within(width));
                print::text(&table)?;
            }
            SheetFormat::Csv => print::csv(COLUMNS, runs.iter().map(cells))?,
            SheetFormat::Json => print::json(&json!({
                "system": system.name,
                "osType": system.os_type,
                "publishedRun": system.published_run,
                "runs": runs.iter().map(as_json).collect::<Vec<_>>(),
            }))?,
        }
        Ok(Exit::Complete)
    }
}

impl AcceptArguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let (mut store, system) = self.store.open()?;
        if let Ended::Published { run, changes } = store.accept(&system, self.run)? {
            print::said(&format!("Run {run} of {} was taken over: {}.", system.name, changed(&changes)));
        }
        Ok(Exit::Complete)
    }
}

/// The state, and how often it took to get there.
fn state(run: &Run) -> String {
    let unfinished = run.state == RunState::Staging;
    let word = if unfinished { "not finished" } else { run.state.as_str() };
    let is_whole = run.summary.as_ref().is_none_or(|summary| summary.outcome != Outcome::Incomplete);
    let word = match (run.state, is_whole, run.removals.is_empty()) {
        (RunState::Published, false, _) => "published, incomplete",
        (RunState::Published, true, false) => "published, accepted",
        _ => word,
    };
    if run.attempt > 1 { format!("{word}, attempt {}", run.attempt) } else { word.to_owned() }
}

fn what(run: &Run) -> String {
    match run.state {
        RunState::Published => run.changes.as_ref().map_or_else(String::new, changed),
        RunState::Held => format!("would remove {}", removed(&run.removals)),
        _ => run.reason.clone().unwrap_or_default(),
    }
}

/// Such as `3 accounts and 1 binding new, 2 groups changed`.
pub(super) fn changed(Changes(kinds): &Changes) -> String {
    let of_kind = |count: fn(&Counts) -> u64, word: &str| {
        let kinds = kinds.iter().filter(|(_, counts)| count(counts) > 0);
        let kind = |(kind, counts): (&String, &Counts)| {
            let count = count(counts);
            format!("{} {}", HumanCount(count), words::kind(kind, "", count))
        };
        let present: Vec<String> = kinds.map(kind).collect();
        (!present.is_empty()).then(|| format!("{} {word}", words::and(&present)))
    };
    let all = [
        of_kind(|counts| counts.new, "new"),
        of_kind(|counts| counts.changed, "changed"),
        of_kind(|counts| counts.gone, "gone"),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("; ") }
}

/// Such as `30 of 100 users (ada, eve, …)`.
pub(super) fn removed(removals: &[Removal]) -> String {
    let section = |removal: &Removal| {
        let (removed, rows) = (HumanCount(removal.removed), HumanCount(removal.rows));
        let more = if removal.removed > removal.examples.len() as u64 { ", …" } else { "" };
        let examples = match removal.examples.join(", ") {
            none if none.is_empty() => String::new(),
            examples => format!(" ({examples}{more})"),
        };
        format!("{removed} of {rows} rows of {}{examples}", removal.section)
    };
    removals.iter().map(section).collect::<Vec<_>>().join(", ")
}

const COLUMNS: &[&str] = &["run", "state", "attempt", "startedAt", "endedAt", "changes", "removals", "reason"];

fn cells(run: &Run) -> Vec<String> {
    vec![
        run.id.to_string(),
        run.state.as_str().to_owned(),
        run.attempt.to_string(),
        run.started_at.to_string(),
        run.ended_at.map(|end| end.to_string()).unwrap_or_default(),
        run.changes.as_ref().map_or_else(String::new, changed),
        removed(&run.removals),
        run.reason.clone().unwrap_or_default(),
    ]
}

fn as_json(run: &Run) -> Value {
    json!({
        "run": run.id,
        "state": run.state.as_str(),
        "attempt": run.attempt,
        "startedAt": run.started_at,
        "endedAt": run.ended_at,
        "changes": run.changes,
        "removals": run.removals,
        "reason": run.reason,
        "summary": run.summary,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_changed_is_counted_by_kind_and_what_would_go_by_section() {
        let changes: Changes = serde_json::from_value(json!({
            "account": {"new": 1200, "changed": 0, "gone": 1},
            "policy": {"new": 0, "changed": 0, "gone": 2},
        }))
        .unwrap();
        assert_eq!(changed(&changes), "1,200 accounts new; 1 account and 2 policies gone");
        assert_eq!(changed(&Changes::default()), "nothing");
        let removals: Vec<Removal> = serde_json::from_value(json!([
            {"section": "users", "rows": 100, "removed": 30, "examples": ["ada", "eve"]},
            {"section": "grants", "rows": 50, "removed": 20, "examples": []},
        ]))
        .unwrap();
        assert_eq!(removed(&removals), "30 of 100 rows of users (ada, eve, …), 20 of 50 rows of grants");
    }
}
