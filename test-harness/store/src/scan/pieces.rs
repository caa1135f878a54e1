//! A checkpoint in the store: in pieces, so that a large one is never in memory as a whole while it is written.

use std::io::{self, BufWriter, Write};

use connector_api::{Checkpoint, ConnectorError};

use crate::database::Connection;

/// Bytes of a piece.
const PIECE: usize = 1 << 20;

/// Replaces the checkpoint of a run, within the caller's transaction.
pub(super) fn write(db: &mut dyn Connection, run: i64, checkpoint: &Checkpoint) -> Result<(), ConnectorError> {
    db.execute("delete from checkpoint where run = ?1", &[run.into()])?;
    let mut pieces = Pieces { db, run, next: 0, error: None };
    let mut text = BufWriter::with_capacity(PIECE, &mut pieces);
    let written = serde_json::to_writer(&mut text, checkpoint).map_err(io::Error::from).and_then(|()| text.flush());
    // What is left after an error is of no use.
    drop(text.into_parts());
    match (written, pieces.error) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        (Err(error), None) => Err(ConnectorError::internal("a checkpoint cannot be stored as JSON").with_source(error)),
    }
}

/// Returns the text of the checkpoint of a run, if it has one.
pub(super) fn read(db: &mut dyn Connection, run: i64) -> Result<Option<String>, ConnectorError> {
    let mut text = None;
    db.query("select body from checkpoint where run = ?1 order by piece", &[run.into()], &mut |row| {
        text.get_or_insert_with(String::new).push_str(row.word(0)?);
        Ok(())
    })?;
    Ok(text)
}

/// Stores what is written to it, each time as a piece. JSON is written in whole characters.
struct Pieces<'a> {
    db: &'a mut dyn Connection,
    run: i64,
    next: i64,
    /// The error of the database.
    error: Option<ConnectorError>,
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        let sql = "insert into checkpoint (run, piece, body) values (?1, ?2, ?3)";
        match self.db.execute(sql, &[self.run.into(), self.next.into(), text.into()]) {
            Ok(_) => {
                self.next += 1;
                Ok(bytes.len())
            }
            Err(error) => {
                self.error = Some(error);
                Err(io::Error::other("the database refuses a piece"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
