//! The marks at the start of checkpoint files, which identify them, and the seal, which detects damage.

use std::fs::File;
use std::io::{self, Read};
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

    pub(super) fn new(spool_bytes: u64, spool_sha256: String, checkpoint: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(spool_bytes.to_le_bytes());
        digest.update(&spool_sha256);
        digest.update(checkpoint);
        let file = "connector-checkpoint".to_owned();
        Self { file, format: Self::FORMAT, spool_bytes, spool_sha256, sha256: hex(digest) }
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
    if seal != Seal::new(seal.spool_bytes, seal.spool_sha256.clone(), second) {
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
        let seal = serde_json::to_vec(&Seal::new(7, String::new(), b"")).unwrap();
        assert!(seal.starts_with(CHECKPOINT_MARK));
    }
}
