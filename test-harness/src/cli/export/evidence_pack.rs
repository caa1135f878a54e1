//! `harness export --format evidence-pack`: what an auditor asks for, made by the system, with a hash of each file.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use connector_api::{Account, ConnectorError, Record, ScanSummary};
use connector_host::output::{Checked, MANIFEST, Pack, account_cells, cell_text, check_pack};
use connector_store::SectionState;
use indicatif::HumanCount;
use jiff::Timestamp;

use super::{Exit, FromArguments, print, snapshot};
use crate::cli::findings;
use crate::cli::store::Rows;

/// The files, in the order in which [`write`] adds them. Another one, such as a report, is a name here and a call there.
const FILES: &[&str] = &["roster.csv", "reasons.csv", "findings.csv", "not-read.csv"];

/// Who is there: what an access review asks of each account.
const ROSTER: &[&str] = &[
    "externalId",
    "kind",
    "username",
    "displayName",
    "email",
    "accountType",
    "enabled",
    "state",
    "locked",
    "severity",
    "reasonCodes",
    "mfaConfigured",
    "mfaRequired",
    "mfaExcluded",
    "mfaExcludedUntil",
    "mfaFactors",
    "portalSignIn",
    "consoleSignIn",
    "lastLoginAt",
    "lastLoginMfa",
    "loginsLookedAtSince",
    "passwordChangedAt",
    "credentialKinds",
    "credentialsExpireAt",
    "createdAt",
    "employeeId",
    "department",
    "source",
    "linkedAccounts",
];

/// Why each account is privileged or a risk, one line for each reason.
const REASONS: &[&str] =
    &["externalId", "kind", "username", "enabled", "severity", "code", "evidence", "message", "remedy", "expiresAt"];

const NOT_READ: &[&str] = &["section", "status", "code", "rowsAsOf", "inPart", "message", "remedy"];

/// Writes the pack.
pub(super) fn write(from: &FromArguments, output: &Path) -> Result<Exit, ConnectorError> {
    if output.as_os_str() == "-" {
        return Err(ConnectorError::invalid_config(
            "an evidence pack is several files, so it needs a folder",
            "set the folder with --output FOLDER",
        ));
    }
    from.check_output("--output", output)?;
    let mut rows = from.open()?;
    rows.warn_of_unread()?;
    let mut pack = Pack::create(output, FILES)?;
    let (accounts, summary) = pack.add(|roster| {
        let mut roster = Sheet::new(roster, ROSTER)?;
        let mut accounts: u64 = 0;
        let (summary, passed) = snapshot(&mut rows, &mut |record| match &record {
            Record::Account(account) => {
                accounts += 1;
                roster.row(account_cells(account, ROSTER))
            }
            _ => Ok(()),
        })?;
        passed?;
        roster.finish()?;
        Ok((accounts, summary))
    })?;
    pack.add(|reasons| {
        let mut reasons = Sheet::new(reasons, REASONS)?;
        rows.store.records(&rows.system, rows.run, &mut |record| match &record {
            Record::Account(account) => reasons_of(account).try_for_each(|cells| reasons.row(cells)),
            _ => Ok(()),
        })?;
        reasons.finish()
    })?;
    pack.add(|file| {
        let mut sheet = Sheet::new(file, findings::COLUMNS)?;
        let mut found = Vec::new();
        rows.store.findings(&rows.system, rows.run, &mut |finding| {
            found.push(finding);
            Ok(())
        })?;
        findings::sort(&mut found);
        let now = Timestamp::now();
        found.iter().try_for_each(|finding| sheet.row(findings::cells(finding, now)))?;
        sheet.finish()
    })?;
    pack.add(|file| {
        let mut sheet = Sheet::new(file, NOT_READ)?;
        not_read(&mut rows, &summary)?.into_iter().try_for_each(|cells| sheet.row(cells))?;
        sheet.finish()
    })?;
    let manifest = pack.commit(&summary)?;
    let count = HumanCount(accounts);
    print::said(&format!(
        "The evidence of {} {}, with {count} accounts, is in {}.",
        rows.system.name,
        rows.as_of(),
        output.display()
    ));
    print::note(format_args!("The SHA-256 hash of {MANIFEST}, to be kept elsewhere, is\n{manifest}"));
    Ok(Exit::Complete)
}

fn reasons_of(account: &Account) -> impl Iterator<Item = Vec<String>> {
    let own = account_cells(account, &REASONS[..4]).into_iter().map(Cow::into_owned).collect::<Vec<_>>();
    account.reasons.iter().map(move |reason| {
        let mut cells = own.clone();
        cells.extend([
            reason.severity.as_str().to_owned(),
            reason.code.clone(),
            reason.kind.as_str().to_owned(),
            reason.message.clone(),
            reason.remedy.clone(),
            reason.expires_at.map(|end| end.to_string()).unwrap_or_default(),
        ]);
        cells
    })
}

/// The sections that were not read whole in the run, and of when their rows are.
fn not_read(rows: &mut Rows, summary: &ScanSummary) -> Result<Vec<Vec<String>>, ConnectorError> {
    let run = rows.summary()?;
    let states = rows.store.sections(rows.run)?;
    let line = |state: &SectionState| {
        let error = run.section(state.section).and_then(|report| report.status.error());
        let notes = || summary.section(state.section).map(|report| report.notes.join("; "));
        vec![
            state.section.to_string(),
            state.status.clone(),
            state.code.clone().unwrap_or_default(),
            state.as_of.map_or_else(|| "never".to_owned(), |time| time.to_string()),
            state.in_part.to_string(),
            error.map(|error| error.message.clone()).or_else(notes).unwrap_or_default(),
            error.map(|error| error.remedy.clone()).unwrap_or_default(),
        ]
    };
    Ok(states.iter().filter(|state| state.status != "complete" || state.in_part).map(line).collect())
}

/// Compares a pack with its manifest.
pub(super) fn check(folder: &Path) -> Result<Exit, ConnectorError> {
    let Checked { files, differences, manifest } = check_pack(folder)?;
    let mut text = String::new();
    for (name, difference) in &differences {
        text.push_str(&format!("{difference}: {name}\n"));
    }
    if differences.is_empty() {
        text.push_str(&format!("All {files} files are as {MANIFEST} says.\n"));
    }
    text.push_str(&format!("The SHA-256 hash of {MANIFEST} is {manifest}\n"));
    print::text(&text)?;
    Ok(if differences.is_empty() { Exit::Complete } else { Exit::Failed })
}

/// A CSV file for spreadsheets.
struct Sheet<'a> {
    rows: csv::Writer<&'a mut dyn Write>,
}

impl<'a> Sheet<'a> {
    fn new(file: &'a mut dyn Write, heading: &[&str]) -> Result<Self, ConnectorError> {
        // By this mark, spreadsheets take it for UTF-8.
        file.write_all("\u{feff}".as_bytes()).map_err(|error| unwritable(error.into()))?;
        let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
        rows.write_record(heading).map_err(unwritable)?;
        Ok(Self { rows })
    }

    /// A row of cells that no spreadsheet runs.
    fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), ConnectorError> {
        for cell in cells {
            self.rows.write_field(cell_text(cell.as_ref()).as_bytes()).map_err(unwritable)?;
        }
        self.rows.write_record(None::<&[u8]>).map_err(unwritable)
    }

    fn finish(mut self) -> Result<(), ConnectorError> {
        self.rows.flush().map_err(|error| unwritable(error.into()))
    }
}

fn unwritable(error: csv::Error) -> ConnectorError {
    let error = match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    };
    connector_host::output::Destination::Path("the evidence pack".into()).write_error(&error)
}
