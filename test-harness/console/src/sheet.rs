//! CSV that is safe to open in a spreadsheet.

use connector_api::ConnectorError;
use connector_host::output::cell_text;

/// Rows of a file.
pub(crate) struct Sheet(csv::Writer<Vec<u8>>);

impl Sheet {
    pub(crate) fn new(heading: &[&str]) -> Result<Self, ConnectorError> {
        // Without the mark, spreadsheets take UTF-8 for something else.
        let start = "\u{feff}".as_bytes().to_vec();
        let mut sheet = Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(start));
        sheet.0.write_record(heading).map_err(unwritable)?;
        Ok(sheet)
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) -> Result<(), ConnectorError> {
        self.0.write_record(cells.into_iter().map(|cell| cell_text(&cell).into_owned())).map_err(unwritable)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, ConnectorError> {
        self.0.into_inner().map_err(|error| ConnectorError::internal(error.to_string()))
    }
}

fn unwritable(error: csv::Error) -> ConnectorError {
    ConnectorError::internal(format!("the rows cannot be written as CSV: {error}"))
}
