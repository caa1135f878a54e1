//! One scan in a process of its own.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use connector_api::{Connector, ScanPlan, ScanSummary};
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::Simulator;

use super::process::{self, Usage};
use super::{Result, Setup};

/// Requests under way at the same time.
pub(crate) const CONCURRENCY: usize = 16;

/// What a scan takes and finds.
pub(crate) struct Scanned {
    pub(crate) usage: Usage,
    pub(crate) summary: ScanSummary,
}

/// The sections that a scan reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    Whole,
    /// Users, groups and memberships.
    Core,
}

impl Scope {
    fn arguments(self) -> impl Iterator<Item = String> {
        let optional = JumpCloud::describe().sections.into_iter().filter(|one| !one.core).map(|one| one.section);
        let left_out = optional.filter(move |_| matches!(self, Self::Core));
        left_out.map(|section| format!("--without={section}"))
    }
}

impl Setup {
    /// Scans a simulated organisation into a file of lines.
    pub(crate) async fn scan(&self, simulator: &Simulator, scope: Scope) -> Result<Scanned> {
        let folder = tempfile::tempdir()?;
        let output = folder.path().join("rows.ndjson");
        let mut arguments = self.arguments(simulator, scope);
        arguments.extend(["--quiet".into(), "--output".into(), output.clone().into()]);
        let usage = process::run(&self.harness, &arguments, simulator.api_key()).await?.expect(&[0, 3])?;
        Ok(Scanned { usage, summary: summary(&output)? })
    }

    /// The requests that a scan plans.
    pub(crate) async fn plan(&self, simulator: &Simulator, scope: Scope) -> Result<ScanPlan> {
        let mut arguments = self.arguments(simulator, scope);
        arguments.extend(["--plan", "--format", "json"].map(OsString::from));
        let usage = process::run(&self.harness, &arguments, simulator.api_key()).await?.expect(&[0])?;
        Ok(serde_json::from_str(&usage.stdout)?)
    }

    fn arguments(&self, simulator: &Simulator, scope: Scope) -> Vec<OsString> {
        let fixed = ["scan".to_owned(), "--hostname".to_owned(), simulator.url()];
        let set = ["--set".to_owned(), format!("concurrency={CONCURRENCY}")];
        fixed.into_iter().chain(set).chain(scope.arguments()).map(OsString::from).collect()
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
