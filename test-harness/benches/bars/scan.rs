//! One scan in a process of its own.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use connector_api::{Connector, ScanPlan, ScanSummary, Section};
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::Simulator;

use super::process::{self, Usage};
use super::{Result, Setup};

/// Requests in flight at once where a scan is compared with a client that has as many.
pub(crate) const CONCURRENCY: usize = 16;

/// What a scan takes and finds.
pub(crate) struct Scanned {
    pub(crate) usage: Usage,
    pub(crate) summary: ScanSummary,
    /// The size of the rows.
    pub(crate) bytes: u64,
}

/// The sections that a scan reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    Whole,
    /// Users, groups and memberships.
    Core,
    WithoutLogins,
}

impl Scope {
    fn leaves_out(self, section: Section) -> bool {
        match self {
            Self::Whole => false,
            Self::Core => true,
            Self::WithoutLogins => section == Section::LAST_LOGIN,
        }
    }

    fn arguments(self) -> impl Iterator<Item = String> {
        let optional = JumpCloud::describe().sections.into_iter().filter(|one| !one.core).map(|one| one.section);
        optional.filter(move |&section| self.leaves_out(section)).map(|section| format!("--without={section}"))
    }
}

/// A scan: of what, which sections, and with which settings. All others have their defaults.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    url: String,
    key: String,
    scope: Scope,
    settings: Vec<String>,
}

impl Scan {
    pub(crate) fn of(simulator: &Simulator, scope: Scope) -> Self {
        Self::at(simulator.url(), simulator.api_key(), scope)
    }

    pub(crate) fn at(url: impl Into<String>, key: impl Into<String>, scope: Scope) -> Self {
        Self { url: url.into(), key: key.into(), scope, settings: Vec::new() }
    }

    pub(crate) fn with(mut self, attribute: &str, value: impl Display) -> Self {
        self.settings.push(format!("--set={attribute}={value}"));
        self
    }

    /// The same scan, kept in a store.
    pub(crate) fn kept(mut self, url: &str) -> Self {
        self.settings.push(format!("--store={url}"));
        self
    }

    fn arguments(&self) -> Vec<OsString> {
        let fixed = ["scan".to_owned(), "--hostname".to_owned(), self.url.clone()];
        let settings = self.settings.iter().cloned();
        fixed.into_iter().chain(settings).chain(self.scope.arguments()).map(OsString::from).collect()
    }
}

impl Setup {
    /// Scans a simulated organisation with the default settings.
    pub(crate) async fn scan(&self, simulator: &Simulator, scope: Scope) -> Result<Scanned> {
        self.run(&Scan::of(simulator, scope)).await
    }

    /// Scans into a file or folder in a format.
    pub(crate) async fn scan_into(&self, scan: &Scan, format: &str, output: &Path) -> Result<Usage> {
        let mut arguments = scan.arguments();
        arguments.extend(["--quiet", "--format", format, "--output"].map(OsString::from));
        arguments.push(output.into());
        process::run(&self.harness, &arguments, &scan.key).await?.expect(&[0, 3])
    }

    /// Scans into a file of lines.
    pub(crate) async fn run(&self, scan: &Scan) -> Result<Scanned> {
        let folder = tempfile::tempdir()?;
        let output = folder.path().join("rows.ndjson");
        let usage = self.scan_into(scan, "ndjson", &output).await?;
        Ok(Scanned { usage, summary: summary(&output)?, bytes: output.metadata()?.len() })
    }

    /// The requests that a scan plans.
    pub(crate) async fn plan(&self, simulator: &Simulator, scope: Scope) -> Result<ScanPlan> {
        let scan = Scan::of(simulator, scope);
        let mut arguments = scan.arguments();
        arguments.extend(["--plan", "--format", "json"].map(OsString::from));
        let usage = process::run(&self.harness, &arguments, &scan.key).await?.expect(&[0])?;
        Ok(serde_json::from_str(&usage.stdout)?)
    }
}

/// The summary in the last line.
fn summary(rows: &Path) -> Result<ScanSummary> {
    const LONGEST: u64 = 1 << 20;
    let mut file = File::open(rows)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let last = end.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(serde_json::from_slice(last)?)
}
