//! Exports: what Parquet costs next to lines of JSON, and what a graph costs for each of its edges.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use jumpcloud_simulator::{Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::process::{self, Usage};
use super::scan::{Scan, Scope};
use super::store::{Organisation, keep_distinct};
use super::{Result, Setup, median};

/// How often each format is written, in turn.
const ROUNDS: usize = 3;
/// The time of Parquet, in times of lines of JSON.
const TIME: f64 = 1.5;
/// Its size, in sizes of lines of JSON.
const SIZE: f64 = 1.0 / 5.0;
/// The most MiB for the graph of a million accounts.
const GRAPH: f64 = 256.0;

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let (small, large) = if setup.quick { (20_000, 100_000) } else { (100_000, 1_000_000) };
    let folder = tempfile::tempdir()?;
    let mut graphs = Vec::new();
    let mut bars = Vec::new();
    for users in [small, large] {
        let (organisation, file) = (Organisation { users }, folder.path().join(format!("{users}.db")));
        let path = file.clone();
        tokio::task::spawn_blocking(move || keep_distinct(organisation, &path)).await??;
        let export = Export { setup, store: format!("sqlite:{}", file.display()) };
        if users == large {
            let what = format!("export of {users} users, {} memberships", organisation.memberships());
            bars.extend(side_by_side(&what, async |format, output| export.run(format, output).await).await?);
        }
        let (graph, _) = export.run("opengraph", &folder.path().join("graph")).await?;
        graphs.push((graph, f64::from(organisation.edges())));
    }
    let per_edge = |(usage, edges): &(Usage, f64)| usage.wall.as_secs_f64() / edges * 1e6;
    if let [few, many] = &graphs[..] {
        let name = format!("graph of {} edges, an edge, against {}", many.1, few.1);
        bars.push(Bar::new(name, per_edge(many), per_edge(few), "µs", Bound::AtMost(TIME)));
        bars.push(Bar::new("its memory", many.0.peak_mib(), GRAPH, "MiB", Bound::AtMost(1.0)));
        bars.push(Bar::fact("memory of the smaller graph", few.0.peak_mib(), "MiB"));
    }
    let groups = u64::from(large / 50);
    let options = SimulatorOptions { users: large.into(), groups, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await?;
    let what = format!("scan of {large} users, {groups} groups");
    let scan = async |format: &str, output: &Path| {
        let scanned = setup.scan_into(&Scan::of(&simulator, Scope::Core), format, output).await?;
        Ok((scanned, size(output)?))
    };
    bars.extend(side_by_side(&what, scan).await?);
    Ok(bars)
}

/// Writes both formats in turn, and compares their times and sizes.
async fn side_by_side(what: &str, write: impl AsyncFn(&str, &Path) -> Result<(Usage, u64)>) -> Result<Vec<Bar>> {
    const FORMATS: [&str; 2] = ["ndjson", "parquet"];
    let folder = tempfile::tempdir()?;
    let (mut times, mut sizes, mut peak) = ([const { Vec::new() }; 2], [0; 2], 0.0_f64);
    for _ in 0..ROUNDS {
        for (at, format) in FORMATS.into_iter().enumerate() {
            let (usage, bytes) = write(format, &folder.path().join(format)).await?;
            let [wall, processor] = [usage.wall, usage.processor].map(|time| time.as_secs_f64());
            eprintln!("  {what} as {format}: {wall:.1} s, {processor:.1} s of processor, {:.0} MiB", usage.peak_mib());
            times[at].push(wall);
            sizes[at] = bytes;
            peak = usage.peak_mib();
        }
    }
    let [lines, parquet] = times.each_mut().map(|times| median(times));
    let [lines_size, parquet_size] = sizes.map(|bytes| bytes as f64 / 1e6);
    Ok(vec![
        Bar::new(format!("{what}, Parquet against lines"), parquet, lines, "s", Bound::AtMost(TIME)),
        Bar::new("its size against lines", parquet_size, lines_size, "MB", Bound::AtMost(SIZE)),
        Bar::fact("its memory", peak, "MiB"),
    ])
}

struct Export<'a> {
    setup: &'a Setup,
    store: String,
}

impl Export<'_> {
    /// Writes the last run in a format. Returns what it took, and the size of what was written.
    async fn run(&self, format: &str, output: &Path) -> Result<(Usage, u64)> {
        let mut arguments: Vec<OsString> =
            ["export", "--store", &self.store, "--format", format, "--output"].map(OsString::from).to_vec();
        arguments.push(output.into());
        let usage = process::run(&self.setup.harness, &arguments, "").await?.expect(&[0])?;
        Ok((usage, size(output)?))
    }
}

/// The size of a file, or of the files in a folder.
fn size(path: &Path) -> Result<u64> {
    if !path.is_dir() {
        return Ok(path.metadata()?.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}
