//! A table of an evidence pack.

use std::io::{self, Write};

use connector_api::ConnectorError;
use connector_host::output::cell_text;

/// A CSV file for spreadsheets.
pub(super) struct Sheet<'a> {
    rows: csv::Writer<&'a mut dyn Write>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(file: &'a mut dyn Write, heading: &[&str]) -> Result<Self, ConnectorError> {
        // By this mark, spreadsheets take it for UTF-8.
        file.write_all("\u{feff}".as_bytes()).map_err(|error| super::unwritable(&error))?;
        let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
        rows.write_record(heading).map_err(unwritable)?;
        Ok(Self { rows })
    }

    /// A row of cells that no spreadsheet runs.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), ConnectorError> {
        for cell in cells {
            self.rows.write_field(cell_text(cell.as_ref()).as_bytes()).map_err(unwritable)?;
        }
        self.rows.write_record(None::<&[u8]>).map_err(unwritable)
    }

    pub(super) fn finish(mut self) -> Result<(), ConnectorError> {
        self.rows.flush().map_err(|error| super::unwritable(&error))
    }
}

fn unwritable(error: csv::Error) -> ConnectorError {
    super::unwritable(&match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    })
}
