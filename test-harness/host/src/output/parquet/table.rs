//! One file: rows become columns where they come from, and columns bytes on a thread of their own, while the next rows come.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use connector_api::Attributes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::Serialize;
use serde_arrow::ArrayBuilder;

use super::schema::{ATTRIBUTES, Columns};
use crate::files::Draft;

/// Rows that are handed over at once.
pub(super) const BATCH: usize = 1024;

/// A row group ends at this number of rows or of bytes, whichever is reached first: large enough to read fast and for values
/// to repeat, and small enough that one for each kind of record stands in memory.
const ROW_GROUP_ROWS: usize = 128 * 1024;
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// The rows of one kind.
pub(super) struct Table {
    schema: SchemaRef,
    /// Rows that are not handed over yet, without their attributes, and how many there are.
    rows: ArrayBuilder,
    length: usize,
    /// Their attributes, if these records have any.
    attributes: Option<StringBuilder>,
    /// `None` once it failed.
    writer: Option<Writer>,
}

/// The thread that writes the file.
struct Writer {
    batches: SyncSender<RecordBatch>,
    thread: JoinHandle<io::Result<Draft>>,
}

impl Table {
    pub(super) fn new(columns: Columns, draft: Draft) -> io::Result<Self> {
        let schema = columns.all();
        let rows = ArrayBuilder::from_arrow(columns.typed.fields()).map_err(io::Error::other)?;
        let file = ArrowWriter::try_new_with_options(draft, Arc::clone(&schema), options()).map_err(of_file)?;
        let (batches, written) = sync_channel(1);
        let thread = thread::Builder::new().name("parquet".to_owned()).spawn(move || write(file, &written))?;
        let attributes = columns.has_attributes.then(StringBuilder::new);
        Ok(Self { schema, rows, length: 0, attributes, writer: Some(Writer { batches, thread }) })
    }

    pub(super) fn row(&mut self, row: &impl Serialize, attributes: Option<&Attributes>) -> io::Result<()> {
        self.rows.push(row).map_err(io::Error::other)?;
        self.length += 1;
        if let Some(column) = &mut self.attributes {
            column.append_option(attributes.filter(|facts| !facts.is_empty()).map(Attributes::as_json));
        }
        if self.length < BATCH { Ok(()) } else { self.hand_over() }
    }

    /// The whole file.
    pub(super) fn finish(mut self) -> io::Result<Draft> {
        if self.length > 0 {
            self.hand_over()?;
        }
        self.end()
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let mut columns = self.rows.to_arrow().map_err(io::Error::other)?;
        columns.extend(self.attributes.as_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        self.length = 0;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(of_columns)?;
        let handed = self.writer.as_ref().map(|writer| writer.batches.send(batch));
        // The thread ends early only if it fails.
        if matches!(handed, Some(Ok(()))) { Ok(()) } else { self.end().and_then(|_| Err(stopped())) }
    }

    /// What became of the thread.
    fn end(&mut self) -> io::Result<Draft> {
        let Some(Writer { batches, thread }) = self.writer.take() else { return Err(stopped()) };
        drop(batches);
        thread.join().unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> io::Error {
    io::Error::other("the file of Parquet could not be written")
}

/// Columns in which hardly any value is there twice, so that a dictionary is only made to be given up.
const DISTINCT: &[&str] =
    &["accountExternalId", ATTRIBUTES, "displayName", "email", "employeeId", "externalId", "username"];

fn options() -> ArrowWriterOptions {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        // Of a whole row group: those of each page cost more than they save in a scan of all rows.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(64))
        .set_column_statistics_enabled(ColumnPath::from(ATTRIBUTES), EnabledStatistics::None);
    for name in DISTINCT {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(*name), false);
    }
    // Readers take the types from Parquet's own schema, where times are UTC and not of an offset.
    ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true)
}

/// Writes batches until there are no more.
fn write(mut file: ArrowWriter<Draft>, batches: &Receiver<RecordBatch>) -> io::Result<Draft> {
    while let Ok(batch) = batches.recv() {
        file.write(&batch).map_err(of_file)?;
        if file.in_progress_size() >= ROW_GROUP_BYTES {
            file.flush().map_err(of_file)?;
        }
    }
    file.into_inner().map_err(of_file)
}

/// The system's error, if it is one: a full disk, a missing permission.
fn of_file(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => io::Error::other(cause),
        },
        other => io::Error::other(other),
    }
}

fn of_columns(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, cause) => cause,
        other => io::Error::other(other),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs::OpenOptions;

    use connector_api::Account;

    use super::*;
    use crate::output::parquet::schema::columns;

    #[test]
    fn a_full_disk_is_reported_as_such() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let columns = columns(["account"]).unwrap().remove(0);
        // Even its first bytes cannot be written.
        let failed = Table::new(columns, Draft::Nameless(full)).and_then(|mut table| {
            (0..2 * BATCH).try_for_each(|n| table.row(&Account::new(n.to_string(), "a"), None))?;
            table.finish()
        });
        assert_eq!(failed.err().unwrap().kind(), io::ErrorKind::StorageFull);
    }
}
