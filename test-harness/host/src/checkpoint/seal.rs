//! The marks at the start of checkpoint files, which identify them, and the seal, which detects damage.

use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Read, Seek, Write};
use std::path::Path;

use connector_api::{Checkpoint, ConnectorError, ErrorCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::files;

/// A larger file is not read: it cannot be a checkpoint.
pub(super) const MAX_CHECKPOINT: u64 = 256 * 1024 * 1024;

/// The start of every checkpoint and of no other file.
const CHECKPOINT_MARK: &[u8] = br#"{"file":"connector-checkpoint","#;

/// The first line of every spool.
pub(super) const SPOOL_MARK: &[u8] = b"{\"file\":\"connector-checkpoint-rows\"}\n";

/// The first line of a checkpoint file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Seal {
    file: String,
    format: u32,
    pub(super) spool_bytes: u64,
    pub(super) spool_sha256: String,
    /// Over the two fields above and the second line.
    sha256: String,
}

impl Seal {
    const FORMAT: u32 = 2;

    /// A seal that does not have its digest yet. It is as long as with it.
    fn begin(spool_bytes: u64, spool_sha256: String) -> (Self, Sha256) {
        let digest = Sha256::new().chain_update(spool_bytes.to_le_bytes()).chain_update(&spool_sha256);
        let (file, sha256) = ("connector-checkpoint".to_owned(), hex(Sha256::new()));
        (Self { file, format: Self::FORMAT, spool_bytes, spool_sha256, sha256 }, digest)
    }

    /// Whether it is the seal of this second line.
    fn fits(&self, checkpoint: &[u8]) -> bool {
        let (mut seal, digest) = Self::begin(self.spool_bytes, self.spool_sha256.clone());
        seal.sha256 = hex(digest.chain_update(checkpoint));
        *self == seal
    }
}

/// Writes a checkpoint with its seal. The checkpoint is never in memory as a whole: its digest is written when it is known.
pub(super) fn write(
    file: &mut File,
    (spool_bytes, spool_sha256): (u64, String),
    checkpoint: &Checkpoint,
) -> io::Result<()> {
    let (mut seal, digest) = Seal::begin(spool_bytes, spool_sha256);
    serde_json::to_writer(&mut *file, &seal)?;
    file.write_all(b"\n")?;
    let mut line = BufWriter::with_capacity(256 * 1024, Line { file, digest, length: 0 });
    serde_json::to_writer(&mut line, checkpoint)?;
    let Line { file, digest, .. } = line.into_inner().map_err(IntoInnerError::into_error)?;
    file.write_all(b"\n")?;
    seal.sha256 = hex(digest);
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&seal)?)
}

/// The second line of a checkpoint file while it is written.
struct Line<'a> {
    file: &'a mut File,
    digest: Sha256,
    length: u64,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len() as u64;
        if self.length > MAX_CHECKPOINT / 2 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the checkpoint is too large to be saved"));
        }
        self.digest.update(bytes);
        self.file.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Whether there is no file at `path`, or a checkpoint.
pub(super) fn is_checkpoint(path: &Path) -> io::Result<bool> {
    Ok(files::beginning(path, CHECKPOINT_MARK.len())?.is_none_or(|bytes| bytes == CHECKPOINT_MARK))
}

/// Whether there is no file at `path`, or a checkpoint that a crash may have truncated.
pub(super) fn is_part_of_checkpoint(path: &Path) -> io::Result<bool> {
    Ok(files::beginning(path, CHECKPOINT_MARK.len())?.is_none_or(|bytes| CHECKPOINT_MARK.starts_with(&bytes)))
}

/// Whether there is no file at `path`, or a spool.
pub(super) fn is_spool(path: &Path) -> io::Result<bool> {
    Ok(files::beginning(path, SPOOL_MARK.len())?.is_none_or(|bytes| bytes == SPOOL_MARK))
}

/// Refuses a file of another program: it is not read, replaced or removed.
///
/// # Errors
/// `checkpoint_rejected`.
pub(super) fn refuse_foreign(
    path: &Path,
    is_ours: impl FnOnce(&Path) -> io::Result<bool>,
) -> Result<(), ConnectorError> {
    let why = match is_ours(path) {
        Ok(true) => return Ok(()),
        Ok(false) => "it does not belong to a checkpoint".to_owned(),
        Err(error) => format!("it cannot be read: {error}"),
    };
    Err(ConnectorError::new(
        ErrorCode::CheckpointRejected,
        format!("{} was not changed: {why}", path.display()),
        "choose another file with --checkpoint: a new one, or one that an unfinished scan left",
    ))
}

/// The content of the checkpoint file at `path`, if there is one.
///
/// # Errors
/// `checkpoint_rejected` when it is damaged.
pub(super) fn read(path: &Path) -> Result<Option<(Seal, Checkpoint)>, ConnectorError> {
    let damaged = |why: &str| Checkpoint::rejected(format!("it is damaged: {why}"));
    let cannot_read = |error: io::Error| Checkpoint::rejected(format!("it cannot be read: {error}"));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_read(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_CHECKPOINT + 1).read_to_end(&mut bytes).map_err(cannot_read)?;
    if bytes.len() as u64 > MAX_CHECKPOINT {
        return Err(damaged("it is too large"));
    }
    parse(&bytes).map(Some).map_err(damaged)
}

/// The two lines of a checkpoint file, or what is wrong with them.
fn parse(bytes: &[u8]) -> Result<(Seal, Checkpoint), &'static str> {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let (Some(first), Some(second), Some([])) = (lines.next(), lines.next(), lines.next()) else {
        return Err("it is cut short");
    };
    let seal: Seal = serde_json::from_slice(first).map_err(|_| "its seal cannot be read")?;
    if seal.format != Seal::FORMAT {
        return Err("its format is not known");
    }
    if !seal.fits(second) {
        return Err("its digest does not match");
    }
    let checkpoint = serde_json::from_slice(second).map_err(|_| "its content cannot be read")?;
    Ok((seal, checkpoint))
}

pub(super) fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_seal_begins_with_the_mark_by_which_its_file_is_known() {
        let seal = serde_json::to_vec(&Seal::begin(7, String::new()).0).unwrap();
        assert!(seal.starts_with(CHECKPOINT_MARK));
    }
}
