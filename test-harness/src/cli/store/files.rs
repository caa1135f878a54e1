//! Files of rows, read into a store in memory, so that they are asked like a store.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;

use connector_api::{
    ConnectorError, Credential, Descriptor, Field, Record, Registry, RowType, ScanSummary, SystemConfig,
};
use connector_store::{Ended, Fence, Hold, Start, Store};

use super::Rows;
use crate::cli::print;

/// Rows that are staged at once.
const BATCH: usize = 1000;

/// Reads a file of rows.
///
/// # Errors
/// `invalid_config` if it is not a file of a whole scan.
pub(super) fn read(path: &Path) -> Result<Rows, ConnectorError> {
    let file = Summarised::open(path)?;
    file.publish(Store::in_memory()?, &file.summary.system)
}

/// Reads the files of two scans of one system, the earlier one first, and returns the rows of the later one with the run of
/// the earlier one.
///
/// # Errors
/// As for [`read`], and `invalid_config` if they are of different connectors.
pub(super) fn read_two(earlier: &Path, later: &Path) -> Result<(Rows, i64), ConnectorError> {
    let [before, after] = [Summarised::open(earlier)?, Summarised::open(later)?];
    let [was, is] = [&before.summary, &after.summary];
    let same = "compare two scans of one system, the earlier one first";
    if was.os_type != is.os_type {
        let message = format!("one file is of {} and the other one of {}", was.os_type, is.os_type);
        return Err(ConnectorError::invalid_config(message, same));
    }
    if was.system != is.system {
        let names = format!("the files are of two systems, {} and {}", was.system, is.system);
        print::warning(&ConnectorError::invalid_config(names, same));
    }
    if was.started_at > is.started_at {
        let order = format!("{} is newer than {}", earlier.display(), later.display());
        print::warning(&ConnectorError::invalid_config(order, same));
    }
    let Rows { store, run, .. } = before.publish(Store::in_memory()?, &was.system)?;
    Ok((after.publish(store, &was.system)?, run))
}

/// A file of rows whose summary has been read.
struct Summarised<'a> {
    path: &'a Path,
    file: File,
    summary: ScanSummary,
}

impl<'a> Summarised<'a> {
    fn open(path: &'a Path) -> Result<Self, ConnectorError> {
        let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
        if !path.is_file() {
            // A pipe can be read only once.
            let mut copy = tempfile::tempfile().map_err(|error| unreadable(path, &error))?;
            io::copy(&mut file, &mut copy).map_err(|error| unreadable(path, &error))?;
            file = copy;
        }
        let last = lines(path, &file)?.last().ok_or_else(|| unreadable(path, &"it is empty"))?;
        let last = last.map_err(|error| unreadable(path, &error))?;
        let summary: ScanSummary =
            serde_json::from_str(&last).map_err(|_| unreadable(path, &"its last line is not the summary of a scan"))?;
        summary.verify()?;
        Ok(Self { path, file, summary })
    }

    /// Keeps the rows as a run of the system with this name.
    fn publish(&self, store: Store, name: &str) -> Result<Rows, ConnectorError> {
        let Self { path, file, summary } = self;
        let mut descriptor = Descriptor::new(&summary.os_type, "", "");
        descriptor.sections.clone_from(&summary.described);
        descriptor.volatile = volatile(&summary.os_type)?;
        let config = SystemConfig::new(&summary.os_type, "", Credential::default());
        let name = if name.trim().is_empty() { "file" } else { name };
        let now = summary.started_at;
        let start = Start { name, descriptor: &descriptor, config: &config, fence: Fence::Own, now, fresh: true };
        let mut scan = store.begin(start)?;
        let (mut batch, mut lines) = (Vec::with_capacity(BATCH), lines(path, file)?.peekable());
        let (mut owned, mut others, mut unowned) = (0, 0, BTreeSet::new());
        while let Some(line) = lines.next() {
            // The last one is the summary.
            if lines.peek().is_some() {
                let line = line.map_err(|error| unreadable(path, &error))?;
                let record = serde_json::from_str::<Record>(&line).map_err(|error| unreadable(path, &error))?;
                if descriptor.owner(&record).is_some() {
                    owned += 1;
                } else {
                    others += 1;
                    unowned.insert(RowType::of(&record));
                }
                batch.push(record);
            }
            if batch.len() == BATCH {
                scan.stage(&batch)?;
                batch.clear();
            }
        }
        scan.stage(&batch)?;
        // Whether rows that no section owns were counted in one is up to the connector.
        if !(owned..=owned + others).contains(&summary.records()) {
            let why = format!("it has {} rows, and its summary counts {}", owned + others, summary.records());
            return Err(unreadable(path, &why));
        }
        // Whatever the file lacks, nothing is replaced by it.
        let hold = Hold { above_percent: 100, ..Hold::default() };
        let unowned: Vec<RowType> = unowned.into_iter().collect();
        let (mut store, ended) = scan.publish_and_keep(summary, hold, &unowned)?;
        let system = store.systems()?.into_iter().next();
        match (ended, system) {
            (Ended::Published { run, .. }, Some(system)) => {
                Ok(Rows { store, system, run, started_at: summary.started_at, is_file: true })
            }
            _ => Err(unreadable(path, &"its scan failed")),
        }
    }
}

/// The fields that change with every scan, if the connector is compiled in.
fn volatile(os_type: &str) -> Result<Vec<Field>, ConnectorError> {
    let registry = Registry::discover()?;
    Ok(registry.descriptor(os_type).map(|descriptor| descriptor.volatile.clone()).unwrap_or_default())
}

/// The lines of a file from its beginning.
fn lines<'a>(
    path: &Path,
    mut file: &'a File,
) -> Result<impl Iterator<Item = io::Result<String>> + use<'a>, ConnectorError> {
    file.rewind().map_err(|error| unreadable(path, &error))?;
    Ok(BufReader::new(file).lines())
}

fn unreadable(path: &Path, why: &dyn Display) -> ConnectorError {
    ConnectorError::invalid_config(
        format!("the rows in {} cannot be read: {why}", path.display()),
        "use a file of a whole scan in the format ndjson",
    )
}
