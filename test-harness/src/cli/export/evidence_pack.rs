//! `harness export --format evidence-pack`: what an auditor asks for, made by the system, with a hash of each file.

mod sheet;
mod underrated;

use std::borrow::Cow;
use std::io;
use std::path::Path;

use connector_api::{Account, CancellationToken, ConnectorError, Record, Registry, ScanSummary};
use connector_host::output::{Checked, Destination, MANIFEST, Pack, account_cells, check_pack};
use connector_store::{SectionState, Store, System};
use indicatif::HumanCount;
use jiff::Timestamp;

use self::sheet::Sheet;
use self::underrated::underrated;
use super::{Exit, FromArguments, cancelled, go_on, print, signals, snapshot};
use crate::cli::store::Rows;
use crate::cli::{block_on, findings};

/// The files, in the order in which [`write`] adds them.
const FILES: &[&str] = &["roster.csv", "reasons.csv", "findings.csv", "not-read.csv", "report.html"];

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

/// The column of `findings.csv` after those of `harness findings`.
const MAY_BE_MORE_SEVERE: &str = "mayBeMoreSevere";

/// Writes the pack: all of its files are of one run, as the store was when it was opened.
pub(super) fn write(from: &FromArguments, output: &Path, registry: Registry) -> Result<Exit, ConnectorError> {
    if output.as_os_str() == "-" {
        return Err(ConnectorError::invalid_config(
            "an evidence pack is several files, so it needs a folder",
            "set the folder with --output FOLDER",
        ));
    }
    from.check_output("--output", output)?;
    let starting = signals::listen()?;
    let mut rows = from.open()?;
    let mut pack = Pack::create(output, FILES)?;
    let cancel = starting.cancel_on_signal();
    rows.warn_of_unread()?;
    let states = rows.store.sections(rows.run)?;
    let mut accounts: u64 = 0;
    let summary = pack.add(|file| {
        let mut roster = Sheet::new(file, ROSTER)?;
        let (summary, passed) = snapshot(&mut rows, &mut |record| {
            go_on(&cancel)?;
            let Record::Account(account) = &record else { return Ok(()) };
            accounts += 1;
            roster.row(account_cells(account, ROSTER))
        })?;
        passed?;
        roster.finish()?;
        Ok(summary)
    })?;
    pack.add(|file| {
        let mut reasons = Sheet::new(file, REASONS)?;
        rows.store.records(&rows.system, rows.run, &mut |record| {
            go_on(&cancel)?;
            let Record::Account(account) = &record else { return Ok(()) };
            reasons_of(account).try_for_each(|cells| reasons.row(cells))
        })?;
        reasons.finish()
    })?;
    pack.add(|file| {
        let mut sheet = Sheet::new(file, &[findings::COLUMNS, &[MAY_BE_MORE_SEVERE]].concat())?;
        let mut found = Vec::new();
        rows.store.findings(&rows.system, rows.run, &mut |finding| {
            go_on(&cancel)?;
            found.push(finding);
            Ok(())
        })?;
        findings::sort(&mut found);
        let (now, underrated) = (Timestamp::now(), underrated(&found, &states));
        warn_of_underrated(underrated.len());
        for finding in &found {
            let mut cells = findings::cells(finding, now);
            cells.push(underrated.contains(finding.id.as_str()).to_string());
            sheet.row(cells)?;
        }
        sheet.finish()
    })?;
    pack.add(|file| {
        let mut sheet = Sheet::new(file, NOT_READ)?;
        not_read(&mut rows, &states, &summary)?.into_iter().try_for_each(|cells| sheet.row(cells))?;
        sheet.finish()
    })?;
    let of = format!("{} {}", rows.system.name, rows.as_of());
    let Rows { store, system, run, .. } = rows;
    let report = report(store, system, run, registry, cancel.clone())?;
    pack.add(|file| file.write_all(report.as_bytes()).map_err(|error| unwritable(&error)))?;
    go_on(&cancel)?;
    let manifest = pack.commit(&summary)?;
    let count = HumanCount(accounts);
    print::said(&format!("The evidence of {of}, with {count} accounts, is in {}.", output.display()));
    print::note(format_args!("The SHA-256 hash of {MANIFEST}, to be kept elsewhere, is\n{manifest}"));
    Ok(Exit::Complete)
}

/// What `harness report` writes, from the store that the other files are from.
fn report(
    store: Store,
    system: System,
    run: i64,
    registry: Registry,
    cancel: CancellationToken,
) -> Result<String, ConnectorError> {
    block_on(async move {
        tokio::select! {
            report = connector_console::report(store, registry, &system, run, Timestamp::now) => report,
            () = cancel.cancelled() => Err(cancelled()),
        }
    })
}

fn warn_of_underrated(count: usize) {
    let what = match count {
        0 => return,
        1 => "1 risk may be more severe than it says".to_owned(),
        several => format!("{} risks may be more severe than they say", HumanCount(several as u64)),
    };
    print::remark(&format!(
        "{what}: a privilege of the same row was not read when they were found. They are true in {MAY_BE_MORE_SEVERE} of findings.csv"
    ));
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
fn not_read(
    rows: &mut Rows,
    states: &[SectionState],
    summary: &ScanSummary,
) -> Result<Vec<Vec<String>>, ConnectorError> {
    let run = rows.summary()?;
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

fn unwritable(error: &io::Error) -> ConnectorError {
    Destination::Path("the evidence pack".into()).write_error(error)
}
