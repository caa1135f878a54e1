//! `harness findings`

mod text;

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use connector_api::{ConnectorError, Severity};
use connector_host::output::write_file;
use connector_store::{At, Exception, Finding};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::print::{self, SheetFormat};
use super::store::{FromArguments, Moment, Rows};
use super::{Exit, name, screen};
use text::enabled;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness findings --store sqlite:history.db\n  harness findings --from-file \
scan.ndjson --fail-on high\n  harness findings \
--store sqlite:history.db --except 0123456789ab --reason \"agreed with IT\" --until 2026-12-31\n\nExit codes: 0 listed, 5 there are findings at or above --fail-on.")]
pub(super) struct Arguments {
    /// List only findings of this severity or above
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = Level::Info)]
    severity: Level,
    /// Exit with 5 if there is a finding of this severity or above that is not excepted
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<Level>,
    /// Take over the exceptions in this file first: JSON, as --export-exceptions writes it. Those of other findings stay
    #[arg(long, value_name = "FILE")]
    import_exceptions: Option<PathBuf>,
    /// Write the exceptions to this file, with those that have expired
    #[arg(long, value_name = "FILE")]
    export_exceptions: Option<PathBuf>,
    /// Except the finding with this id first, for a --reason and --until a time; can be repeated for the same reason
    #[arg(long, value_name = "ID", requires_all = ["reason", "until"])]
    except: Vec<String>,
    /// Why the findings of --except are accepted
    #[arg(long, value_name = "TEXT", requires = "except")]
    reason: Option<String>,
    /// The last day, or the time, until which the findings of --except are accepted. One in the past withdraws an exception
    #[arg(long, value_name = "TIME", requires = "except")]
    until: Option<Moment>,
    /// Who accepts the findings of --except, and those in --import-exceptions that name nobody [default: the login name of the
    /// user who runs this]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    by: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
    #[command(flatten)]
    from: FromArguments,
}

/// The most severe first, and those with one remedy together.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by_cached_key(|finding| {
        let Finding { id, record, reason, .. } = finding;
        (Reverse(reason.severity), reason.code.clone(), reason.remedy.clone(), name::of(record), id.clone())
    });
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
        let is_changed = self.import_exceptions.is_some() || !self.except.is_empty();
        let mut rows = if is_changed { self.from.open_to_write()? } else { self.from.open()? };
        self.take_exceptions(&mut rows)?;
        rows.warn_of_unread()?;
        let now = Timestamp::now();
        let (least, mut findings, mut worst) = (Severity::from(self.severity), Vec::new(), None);
        rows.store.findings(&rows.system, rows.run, &mut |finding| {
            if !finding.is_excepted(now) {
                worst = worst.max(Some(finding.reason.severity));
            }
            if finding.reason.severity >= least {
                findings.push(finding);
            }
            Ok(())
        })?;
        sort(&mut findings);
        match self.format {
            SheetFormat::Json => {
                let findings: Vec<Value> = findings.iter().map(|finding| as_json(finding, now)).collect();
                print::json(&rows.answer(json!({"findings": findings}))?)?;
            }
            SheetFormat::Csv => print::csv(COLUMNS, findings.iter().map(|finding| cells(finding, now)))?,
            SheetFormat::Text => {
                let (excepted, open): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.is_excepted(now));
                print::text(&text::listed(&open, excepted.len(), &self.about(&rows), screen::of_results()))?;
            }
        }
        let fails = self.fail_on.is_some_and(|level| worst >= Some(level.into()));
        Ok(if fails { Exit::Findings } else { Exit::Complete })
    }
}

impl Arguments {
    /// Such as `of severity high or above, as of run 17 (2026-03-03 09:00 UTC)`.
    fn about(&self, rows: &Rows) -> String {
        let severity = match self.severity {
            Level::Info => String::new(),
            Level::Critical => "of severity critical, ".to_owned(),
            level => format!("of severity {} or above, ", Severity::from(level).as_str()),
        };
        severity + &rows.as_of()
    }

    /// Refuses a name where nothing is accepted.
    fn check_by(&self) -> Result<(), ConnectorError> {
        if self.by.is_none() || self.import_exceptions.is_some() {
            return Ok(());
        }
        Err(ConnectorError::invalid_config("--by says who accepts a finding, and none is", "use it with --except ID"))
    }

    /// Adds exceptions, and writes them to a file.
    fn take_exceptions(&self, rows: &mut Rows) -> Result<(), ConnectorError> {
        let mut imported = match &self.import_exceptions {
            Some(path) => exceptions_in(path)?,
            None => Vec::new(),
        };
        let mut new = Vec::new();
        if let (Some(reason), Some(until)) = (&self.reason, self.until) {
            let At::Time(expires) = until.0 else {
                let remedy = "use a date such as 2026-12-31, or a time such as 2026-12-31T09:00Z";
                return Err(ConnectorError::invalid_config("--until is not a time", remedy));
            };
            let except = |id: &String| Exception { id: id.clone(), reason: reason.clone(), expires, by: None };
            new.extend(self.except.iter().map(except));
        }
        if imported.is_empty() && new.is_empty() {
            self.check_by()?;
        } else {
            let by = match &self.by {
                Some(by) => by.clone(),
                None => login_name()?,
            };
            let nobodys = imported.iter_mut().chain(&mut new).filter(|exception| exception.by.is_none());
            nobodys.for_each(|one| one.by = Some(by.clone()));
            if self.from.is_file() {
                let remedy = "use --store: a file keeps no exceptions";
                return Err(ConnectorError::invalid_config("exceptions are kept in a store", remedy));
            }
            // First what may be refused for more reasons: then nothing was imported.
            rows.store.except(&rows.system, rows.run, &new)?;
            rows.store.import_exceptions(&rows.system, &imported)?;
            rows.store.pin()?;
        }
        let Some(path) = &self.export_exceptions else { return Ok(()) };
        self.from.check_output("--export-exceptions", path)?;
        let json = serde_json::to_string_pretty(&rows.store.exceptions(&rows.system)?)
            .map_err(|error| ConnectorError::internal(format!("exceptions cannot be written as JSON: {error}")))?;
        write_file(path, (json + "\n").as_bytes())
    }
}

/// The name of the user who runs this.
fn login_name() -> Result<String, ConnectorError> {
    whoami::username().ok().filter(|name| !name.trim().is_empty()).ok_or_else(|| {
        ConnectorError::invalid_config(
            "the user who runs this has no login name",
            "say with --by who accepts the findings",
        )
    })
}

fn exceptions_in(path: &Path) -> Result<Vec<Exception>, ConnectorError> {
    let unreadable = |why: &dyn std::fmt::Display| {
        ConnectorError::invalid_config(
            format!("the exceptions in {} cannot be read: {why}", path.display()),
            "use a list such as [{\"id\": \"0123456789ab\", \"reason\": \"agreed with IT\", \"expires\": \
             \"2026-12-31T00:00:00Z\"}]",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let mut listed: Value = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    for exception in listed.as_array_mut().into_iter().flatten() {
        let Some(expires) = exception.get_mut("expires") else { continue };
        // A date means its end, as in --until.
        if let Some(At::Time(time)) =
            expires.as_str().and_then(|text| text.parse::<Moment>().ok()).map(|moment| moment.0)
        {
            *expires = json!(time);
        }
    }
    serde_json::from_value(listed).map_err(|error| unreadable(&error))
}

pub(super) const COLUMNS: &[&str] = &[
    "id",
    "severity",
    "code",
    "kind",
    "record",
    "key",
    "name",
    "enabled",
    "message",
    "remedy",
    "since",
    "sinceRun",
    "excepted",
    "exceptionReason",
    "exceptionExpires",
    "exceptionBy",
];

pub(super) fn cells(finding: &Finding, now: Timestamp) -> Vec<String> {
    let Finding { id, record, reason, since, since_run, exception, .. } = finding;
    let kind = serde_json::to_value(reason.kind).unwrap_or_default();
    vec![
        id.clone(),
        reason.severity.as_str().to_owned(),
        reason.code.clone(),
        kind.as_str().unwrap_or_default().to_owned(),
        record.kind().to_owned(),
        record.key().to_string(),
        name::of(record),
        enabled(record).map(|enabled| enabled.to_string()).unwrap_or_default(),
        reason.message.clone(),
        reason.remedy.clone(),
        since.to_string(),
        since_run.to_string(),
        finding.is_excepted(now).to_string(),
        exception.as_ref().map(|exception| exception.reason.clone()).unwrap_or_default(),
        exception.as_ref().map(|exception| exception.expires.to_string()).unwrap_or_default(),
        exception.as_ref().and_then(|exception| exception.by.clone()).unwrap_or_default(),
    ]
}

fn as_json(finding: &Finding, now: Timestamp) -> Value {
    let Finding { id, record, reason, since, since_run, exception, .. } = finding;
    json!({
        "id": id,
        "severity": reason.severity,
        "code": reason.code,
        "kind": reason.kind,
        "record": record.kind(),
        "key": record.key(),
        "name": name::of(record),
        "enabled": enabled(record),
        "message": reason.message,
        "remedy": reason.remedy,
        "subject": reason.subject,
        "setting": reason.setting,
        "since": since,
        "sinceRun": since_run,
        "excepted": finding.is_excepted(now),
        "exception": exception.as_ref().map(|Exception { reason, expires, by, .. }| {
            json!({"reason": reason, "expires": expires, "by": by})
        }),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_exception_in_a_file_ends_at_a_date_or_a_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |expires: &str| {
            let listed = json!([{"id": "0123456789ab", "reason": "agreed", "expires": expires}]);
            std::fs::write(file.path(), listed.to_string()).unwrap();
            exceptions_in(file.path()).map(|exceptions| exceptions[0].expires)
        };
        let At::Time(end) = "2030-01-01".parse::<Moment>().unwrap().0 else { panic!("a date is a time") };
        assert_eq!(read("2030-01-01").unwrap(), end);
        assert_eq!(read("2030-01-01T09:30:15Z").unwrap(), "2030-01-01T09:30:15Z".parse::<Timestamp>().unwrap());
        assert!(read("soon").is_err() && read("17").is_err());
    }
}
