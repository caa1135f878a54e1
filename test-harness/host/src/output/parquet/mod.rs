//! A folder of Parquet files, one per kind of record, with real types: times, numbers, truth values, lists and structures.

mod schema;

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::{ArrowError, SchemaRef};
use connector_api::{Attributes, Record, ScanSummary};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::Serialize;

use self::schema::{ATTRIBUTES, Columns, columns};
use super::Output;
use super::folder::Folder;
use crate::files::Draft;

/// Rows that are turned into columns at once.
const BATCH: usize = 1024;

/// A row group ends at this number of rows or of bytes, whichever is reached first: large enough to read fast and for values
/// to repeat, and small enough that one for each kind of record stands in memory.
const ROW_GROUP_ROWS: usize = 128 * 1024;
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// A folder that gets its final name when the scan is complete.
pub struct ParquetFolder {
    folder: Folder,
    /// One for each kind of record.
    tables: Vec<Table>,
}

impl ParquetFolder {
    /// A folder that becomes `path` and replaces an earlier one of the same kind.
    ///
    /// # Errors
    /// If it cannot be created, or `path` is not the folder of an earlier scan.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = Folder::new(path, "parquet")?;
        let columns = columns(Record::KINDS.iter().copied());
        let columns = columns.ok_or_else(|| io::Error::other("a kind of record has no schema"))?;
        let tables =
            columns.into_iter().map(|columns| Table::new(columns, folder.draft()?)).collect::<io::Result<_>>()?;
        Ok(Self { folder, tables })
    }
}

impl Output for ParquetFolder {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let table = &mut self.tables[Folder::place_of(record)?];
        match record {
            Record::Account(account) => table.row(account, Some(&account.attributes)),
            Record::Group(group) => table.row(group, Some(&group.attributes)),
            Record::Membership(membership) => table.row(membership, None),
            Record::Resource(resource) => table.row(resource, Some(&resource.attributes)),
            Record::Binding(binding) => table.row(binding, None),
            Record::Grant(grant) => table.row(grant, None),
            Record::Policy(policy) => table.row(policy, Some(&policy.attributes)),
            other => Err(io::Error::other(format!("there is no file for records of kind {}", other.kind()))),
        }
    }

    fn commit(self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        let Self { folder, tables } = *self;
        let drafts = tables.into_iter().map(Table::finish).collect::<io::Result<_>>()?;
        folder.commit(drafts, summary)
    }

    fn abandon(self: Box<Self>, _: &ScanSummary) -> io::Result<()> {
        Ok(())
    }
}

/// The rows of one kind.
struct Table {
    /// All columns of the file.
    schema: SchemaRef,
    /// Rows that are not columns yet, without their attributes.
    rows: Decoder,
    /// Their attributes, if these records have any.
    attributes: Option<StringBuilder>,
    file: ArrowWriter<Draft>,
}

impl Table {
    fn new(columns: Columns, draft: Draft) -> io::Result<Self> {
        let schema = columns.all();
        let attributes = ColumnPath::from(ATTRIBUTES);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            // Every value differs from every other.
            .set_column_dictionary_enabled(attributes.clone(), false)
            .set_column_statistics_enabled(attributes, EnabledStatistics::None)
            .set_statistics_truncate_length(Some(64))
            .build();
        // Readers take the types from Parquet's own schema, where times are UTC and not of an offset.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let file = ArrowWriter::try_new_with_options(draft, Arc::clone(&schema), options).map_err(of_file)?;
        let rows = ReaderBuilder::new(columns.typed).with_batch_size(BATCH).build_decoder().map_err(of_columns)?;
        Ok(Self { schema, rows, attributes: columns.has_attributes.then(StringBuilder::new), file })
    }

    fn row(&mut self, row: &impl Serialize, attributes: Option<&Attributes>) -> io::Result<()> {
        self.rows.serialize(std::slice::from_ref(row)).map_err(of_columns)?;
        if let Some(column) = &mut self.attributes {
            column.append_option(attributes.filter(|facts| !facts.is_empty()).map(Attributes::as_json));
        }
        if self.rows.len() < BATCH { Ok(()) } else { self.write() }
    }

    /// Turns the rows into columns.
    fn write(&mut self) -> io::Result<()> {
        let Some(typed) = self.rows.flush().map_err(of_columns)? else { return Ok(()) };
        let mut columns: Vec<ArrayRef> = typed.columns().to_vec();
        columns.extend(self.attributes.as_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(of_columns)?;
        self.file.write(&batch).map_err(of_file)?;
        if self.file.in_progress_size() >= ROW_GROUP_BYTES { self.file.flush().map_err(of_file) } else { Ok(()) }
    }

    /// The whole file.
    fn finish(mut self) -> io::Result<Draft> {
        self.write()?;
        self.file.into_inner().map_err(of_file)
    }
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

#[cfg(test)]
mod tests;
