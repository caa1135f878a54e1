//! `harness findings`

use clap::{Args, ValueEnum};
use connector_api::{ConnectorError, Record, Severity};
use connector_store::Finding;
use serde_json::{Value, json};

use super::print::{self, AnswerFormat, printable};
use super::store::{FromArguments, shown};
use super::{Exit, paragraph, screen};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness findings --store sqlite:history.db\n  harness findings --from-file \
scan.ndjson --fail-on high\n\nExit codes: 0 listed, 5 there are findings at or above --fail-on.")]
pub(super) struct Arguments {
    #[command(flatten)]
    from: FromArguments,
    /// List only findings of this severity or above
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = Level::Info)]
    severity: Level,
    /// Exit with 5 if there is a finding of this severity or above
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<Level>,
    /// Output format
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    format: AnswerFormat,
}

/// A severity on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
            Level::Critical => Self::Critical,
        }
    }
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let mut rows = self.from.open()?;
        let (least, mut findings, mut worst) = (Severity::from(self.severity), Vec::new(), None);
        rows.store.findings(&rows.system, rows.run, &mut |finding| {
            worst = worst.max(Some(finding.reason.severity));
            if finding.reason.severity >= least {
                findings.push(finding);
            }
            Ok(())
        })?;
        let place = |finding: &Finding| (name(&finding.record), finding.reason.code.clone());
        findings.sort_by(|one, two| {
            two.reason.severity.cmp(&one.reason.severity).then_with(|| place(one).cmp(&place(two)))
        });
        match self.format {
            AnswerFormat::Json => print::json(&findings.iter().map(as_json).collect::<Vec<_>>())?,
            AnswerFormat::Text => {
                let width = screen::of_results();
                for finding in &findings {
                    let text = format!("{}\n", text(finding));
                    print::text(&width.map_or_else(|| text.clone(), |width| paragraph::reflowed(&text, width)))?;
                }
                if findings.is_empty() {
                    print::text("There are no findings.\n")?;
                }
            }
        }
        let fails = self.fail_on.is_some_and(|level| worst >= Some(level.into()));
        Ok(if fails { Exit::Findings } else { Exit::Complete })
    }
}

fn name(record: &Record) -> String {
    match record {
        Record::Account(account) => account.username.clone(),
        Record::Group(group) => group.name.clone(),
        other => other.key().to_string(),
    }
}

/// Such as `HIGH 0123456789ab ada is administrator …, since 2026-03-03 09:00 UTC. Look.`
fn text(finding: &Finding) -> String {
    let Finding { id, record, reason, since, .. } = finding;
    let severity = reason.severity.as_str().to_uppercase();
    let fact = printable(&format!("{} {}", name(record), reason.message));
    format!("{severity}  {fact}\n    {id} {}, since {}. {}", reason.code, shown(*since), printable(&reason.remedy))
}

fn as_json(finding: &Finding) -> Value {
    let Finding { id, record, reason, since, since_run, .. } = finding;
    json!({
        "id": id,
        "severity": reason.severity,
        "code": reason.code,
        "kind": reason.kind,
        "record": record.kind(),
        "key": record.key(),
        "name": name(record),
        "message": reason.message,
        "remedy": reason.remedy,
        "subject": reason.subject,
        "setting": reason.setting,
        "since": since,
        "sinceRun": since_run,
    })
}
