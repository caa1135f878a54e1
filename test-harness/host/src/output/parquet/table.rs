//! One file: rows become columns, and columns bytes, on a thread of their own.
//!
//! A row is only copied where it comes from, which is as fast as writing it as JSON; everything else happens while the next
//! rows come.

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::{ArrowError, SchemaRef};
use connector_api::Attributes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::Serialize;

use super::schema::{ATTRIBUTES, Columns};
use crate::files::Draft;

/// Rows that are turned into columns at once.
pub(super) const BATCH: usize = 1024;

/// A row group ends at this number of rows or of bytes, whichever is reached first: large enough to read fast and for values
/// to repeat, and small enough that one for each kind of record stands in memory.
const ROW_GROUP_ROWS: usize = 128 * 1024;
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// The rows of one kind.
pub(super) struct Table {
    /// Rows that are not columns yet, without their attributes.
    rows: Decoder,
    /// Their attributes, if these records have any.
    attributes: Option<StringBuilder>,
    /// `None` once it failed.
    writer: Option<Writer>,
}

/// The thread that writes the file.
struct Writer {
    full: SyncSender<Batch>,
    /// Gives each batch's decoder back, so that two of them are enough.
    empty: Receiver<Decoder>,
    thread: JoinHandle<io::Result<Draft>>,
}

struct Batch {
    rows: Decoder,
    attributes: Option<ArrayRef>,
}

impl Table {
    pub(super) fn new(columns: Columns, draft: Draft) -> io::Result<Self> {
        let schema = columns.all();
        let decoder = || ReaderBuilder::new(Arc::clone(&columns.typed)).with_batch_size(BATCH).build_decoder();
        let rows = decoder().map_err(of_columns)?;
        let (back, empty) = channel();
        let _ = back.send(decoder().map_err(of_columns)?);
        let file = ArrowWriter::try_new_with_options(draft, Arc::clone(&schema), options()).map_err(of_file)?;
        let (full, batches) = sync_channel(1);
        let thread =
            thread::Builder::new().name("parquet".to_owned()).spawn(move || write(file, &schema, &batches, &back))?;
        let writer = Some(Writer { full, empty, thread });
        Ok(Self { rows, attributes: columns.has_attributes.then(StringBuilder::new), writer })
    }

    pub(super) fn row(&mut self, row: &impl Serialize, attributes: Option<&Attributes>) -> io::Result<()> {
        self.rows.serialize(std::slice::from_ref(row)).map_err(of_columns)?;
        if let Some(column) = &mut self.attributes {
            column.append_option(attributes.filter(|facts| !facts.is_empty()).map(Attributes::as_json));
        }
        if self.rows.len() < BATCH { Ok(()) } else { self.hand_over() }
    }

    /// The whole file.
    pub(super) fn finish(mut self) -> io::Result<Draft> {
        if !self.rows.is_empty() {
            self.hand_over()?;
        }
        self.end()
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let attributes = self.attributes.as_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        let handed = self.writer.as_ref().and_then(|writer| {
            let next = writer.empty.recv().ok()?;
            let rows = mem::replace(&mut self.rows, next);
            writer.full.send(Batch { rows, attributes }).ok()
        });
        // The thread ends early only if it fails.
        handed.map_or_else(|| self.end().and_then(|_| Err(stopped())), Ok)
    }

    /// What became of the thread.
    fn end(&mut self) -> io::Result<Draft> {
        let Some(Writer { full, empty, thread }) = self.writer.take() else { return Err(stopped()) };
        drop((full, empty));
        thread.join().unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> io::Error {
    io::Error::other("the file of Parquet could not be written")
}

fn options() -> ArrowWriterOptions {
    let attributes = ColumnPath::from(ATTRIBUTES);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        // Every value differs from every other.
        .set_column_dictionary_enabled(attributes.clone(), false)
        .set_column_statistics_enabled(attributes, EnabledStatistics::None)
        // Of a whole row group: those of each page cost more than they save in a scan of all rows.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(64))
        .build();
    // Readers take the types from Parquet's own schema, where times are UTC and not of an offset.
    ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true)
}

/// Writes batches until there are no more.
fn write(
    mut file: ArrowWriter<Draft>,
    schema: &SchemaRef,
    batches: &Receiver<Batch>,
    back: &Sender<Decoder>,
) -> io::Result<Draft> {
    while let Ok(Batch { mut rows, attributes }) = batches.recv() {
        let typed = rows.flush().map_err(of_columns)?;
        // Nobody needs it back after the last batch.
        let _ = back.send(rows);
        let Some(typed) = typed else { continue };
        let mut columns: Vec<ArrayRef> = typed.columns().to_vec();
        columns.extend(attributes);
        let batch = RecordBatch::try_new(Arc::clone(schema), columns).map_err(of_columns)?;
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
