//! Saves the rows of an unfinished scan, so that it can continue where it stopped.
//!
//! Next to the checkpoint `FILE` is the spool `FILE.rows`: a first line, then every row so far, one JSON object per line.
//! `FILE` itself has two lines: a seal and the connector's [`Checkpoint`]. The seal contains the length and digest of the
//! spool at that moment and a digest of everything, so that damage to either file is detected. `FILE` is replaced in one
//! durable step after the spool is durable, so the two match after a crash at any moment.
//!
//! Both files begin with a mark. A file without the mark is never read, replaced or removed, whatever its name.

mod seal;

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use connector_api::{Checkpoint, ConnectorError, Descriptor, Record, SystemConfig};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use self::seal::{SPOOL_MARK, Seal, hex, is_checkpoint, is_part_of_checkpoint, is_spool, refuse_foreign};
use super::files;

/// A row longer than this is not read.
const MAX_ROW: u64 = 64 * 1024 * 1024;

/// The spool of one scan and its last checkpoint. It is locked: no other scan can open it at the same time.
#[derive(Debug)]
pub struct CheckpointStore {
    path: PathBuf,
    spool: BufWriter<File>,
    length: u64,
    digest: Sha256,
    row: Vec<u8>,
    /// Whether `path` is a checkpoint that belongs to the spool.
    sealed: bool,
}

impl CheckpointStore {
    /// Opens the store at `path` and reads where an earlier scan of this system stopped.
    ///
    /// # Errors
    /// `checkpoint_rejected` if the checkpoint is damaged, too old, or of another system or other settings, or if the file is
    /// not a checkpoint; `invalid_config` if another scan uses the same file or its folder does not exist; `sink` if it
    /// cannot be written.
    pub fn resume(
        path: &Path,
        descriptor: &Descriptor,
        config: &SystemConfig,
        now: Timestamp,
    ) -> Result<(Self, Option<Checkpoint>), ConnectorError> {
        let mut store = Self::open(path)?;
        let read = seal::read(&store.path).and_then(|read| {
            let Some((seal, checkpoint)) = read else { return Ok(None) };
            checkpoint.verify(descriptor, config, now)?;
            store.cut_back(&seal)?;
            Ok(Some(checkpoint))
        });
        let checkpoint = read.map_err(|mut error| {
            error.remedy += " with --fresh";
            error
        })?;
        match checkpoint {
            Some(_) => store.sealed = true,
            None => store.rewind().map_err(|error| store.write_error(&error))?,
        }
        Ok((store, checkpoint))
    }

    /// Opens the store at `path` for a scan from the beginning and discards the checkpoint of an earlier scan.
    ///
    /// # Errors
    /// As for [`resume`](Self::resume), except that the checkpoint is not read.
    pub fn fresh(path: &Path) -> Result<Self, ConnectorError> {
        let mut store = Self::open(path)?;
        files::remove_if_there(&store.path).and_then(|()| store.rewind()).map_err(|error| store.write_error(&error))?;
        Ok(store)
    }

    fn open(path: &Path) -> Result<Self, ConnectorError> {
        files::check_folder(path)?;
        if fs::metadata(path).is_ok_and(|existing| !existing.is_file()) {
            return Err(ConnectorError::invalid_config(
                format!("{} is not a regular file, so it cannot be a checkpoint", path.display()),
                "choose another path with --checkpoint",
            ));
        }
        // Use the target of a link, not the link itself.
        let path = files::resolve(path);
        let spool_path = spool_path(&path);
        refuse_foreign(&path, is_checkpoint)?;
        refuse_foreign(&aside(&path), is_part_of_checkpoint)?;
        refuse_foreign(&spool_path, is_spool)?;
        let spool = open_spool(&spool_path).map_err(|error| files::write_error(spool_path.display(), &error))?;
        spool.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ConnectorError::invalid_config(
                format!("another scan uses the checkpoint {}", path.display()),
                "wait until it ends, or choose another file with --checkpoint",
            ),
            TryLockError::Error(error) => files::write_error(spool_path.display(), &error),
        })?;
        Ok(Self {
            path,
            spool: BufWriter::with_capacity(256 * 1024, spool),
            length: 0,
            digest: Sha256::new(),
            row: Vec::new(),
            sealed: false,
        })
    }

    /// The files of a checkpoint at `path`.
    pub fn paths(path: &Path) -> [PathBuf; 3] {
        [path.to_owned(), spool_path(path), aside(path)]
    }

    /// Drops every row of the spool.
    fn rewind(&mut self) -> io::Result<()> {
        self.length = SPOOL_MARK.len() as u64;
        self.digest.update(SPOOL_MARK);
        let file = self.spool.get_mut();
        file.set_len(self.length)?;
        file.seek(SeekFrom::Start(self.length)).map(drop)
    }

    /// Drops rows after the checkpoint, and checks those before it.
    fn cut_back(&mut self, seal: &Seal) -> Result<(), ConnectorError> {
        let cannot_read = |error: io::Error| Checkpoint::rejected(format!("its rows cannot be read: {error}"));
        let file = self.spool.get_mut();
        if file.metadata().map_err(cannot_read)?.len() < seal.spool_bytes {
            return Err(Checkpoint::rejected("it is damaged: rows are missing"));
        }
        update(&mut self.digest, (&*file).take(seal.spool_bytes)).map_err(cannot_read)?;
        if hex(self.digest.clone()) != seal.spool_sha256 {
            return Err(Checkpoint::rejected("it is damaged: its rows have changed"));
        }
        file.set_len(seal.spool_bytes).map_err(cannot_read)?;
        file.seek(SeekFrom::Start(seal.spool_bytes)).map_err(cannot_read)?;
        self.length = seal.spool_bytes;
        Ok(())
    }

    /// Adds a row to the spool.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&mut self, record: &Record) -> io::Result<()> {
        self.row.clear();
        serde_json::to_writer(&mut self.row, record)?;
        self.row.push(b'\n');
        self.digest.update(&self.row);
        self.length += self.row.len() as u64;
        self.spool.write_all(&self.row)
    }

    /// Makes every row so far durable together with `checkpoint`.
    ///
    /// # Errors
    /// If it cannot be written; the previous checkpoint then stays valid.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        self.spool.flush()?;
        self.spool.get_ref().sync_data()?;
        if !is_checkpoint(&self.path)? {
            return Err(io::Error::other("another file has replaced it"));
        }
        let spool = (self.length, hex(self.digest.clone()));
        files::replace(&self.path, &aside(&self.path), |file| seal::write(file, spool, checkpoint))?;
        self.sealed = true;
        Ok(())
    }

    /// Passes every row of the spool to `each`, in order.
    ///
    /// # Errors
    /// If a row cannot be read, or the error of `each`.
    pub fn replay(&mut self, mut each: impl FnMut(Record) -> Result<(), ConnectorError>) -> Result<(), ConnectorError> {
        let path = spool_path(&self.path);
        let cannot_read = |error: &dyn std::fmt::Display| {
            ConnectorError::sink(
                format!("cannot read the rows saved in {}: {error}", path.display()),
                "start the scan again with --fresh",
            )
        };
        self.spool.flush().map_err(|error| self.write_error(&error))?;
        let file = self.spool.get_mut();
        file.seek(SeekFrom::Start(SPOOL_MARK.len() as u64)).map_err(|error| cannot_read(&error))?;
        let mut rows = BufReader::with_capacity(256 * 1024, &*file);
        let mut row = Vec::new();
        loop {
            row.clear();
            let length =
                rows.by_ref().take(MAX_ROW).read_until(b'\n', &mut row).map_err(|error| cannot_read(&error))?;
            if length == 0 {
                return Ok(());
            }
            each(serde_json::from_slice(&row).map_err(|error| cannot_read(&error))?)?;
        }
    }

    /// Whether a later scan can continue from here.
    pub fn can_resume(&self) -> bool {
        self.sealed
    }

    /// Removes checkpoint and spool; call it when their rows are stored elsewhere.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove(mut self) -> io::Result<()> {
        if is_checkpoint(&self.path)? {
            files::remove_if_there(&self.path)?;
        }
        // The spool goes with `self`.
        self.sealed = false;
        Ok(())
    }

    /// The operator's error for a failed write to this store.
    pub fn write_error(&self, error: &io::Error) -> ConnectorError {
        files::write_error(format_args!("the checkpoint {}", self.path.display()), error)
    }
}

impl Drop for CheckpointStore {
    /// A spool without a checkpoint is useless and is removed.
    fn drop(&mut self) {
        if !self.sealed && !self.path.exists() {
            let _ = files::remove_if_there(&aside(&self.path));
            let _ = files::remove_if_there(&spool_path(&self.path));
        }
        // Closing the file is not enough: a process that is being started has a copy of it for a moment.
        let _ = self.spool.flush();
        let _ = self.spool.get_ref().unlock();
    }
}

/// Opens the spool, or creates one that has its mark from the start.
fn open_spool(path: &Path) -> io::Result<File> {
    if !path.exists() {
        let mut draft = files::Draft::next_to(path)?;
        draft.write_all(SPOOL_MARK)?;
        match draft.place_new(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    File::options().read(true).write(true).open(path)
}

fn spool_path(path: &Path) -> PathBuf {
    files::with_suffix(path, ".rows")
}

/// Where a checkpoint is written before it replaces the old one.
fn aside(path: &Path) -> PathBuf {
    files::with_suffix(path, ".new")
}

/// Adds the content of `from` to `digest`.
fn update(digest: &mut Sha256, from: impl Read) -> io::Result<()> {
    let mut bytes = BufReader::with_capacity(256 * 1024, from);
    loop {
        let chunk = bytes.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        digest.update(chunk);
        let length = chunk.len();
        bytes.consume(length);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_store_that_is_dropped_is_free_though_a_copy_of_its_file_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let mut store = CheckpointStore::fresh(&path).unwrap();
        // So the file stays.
        store.sealed = true;
        let copy = store.spool.get_ref().try_clone().unwrap();
        assert!(CheckpointStore::fresh(&path).is_err(), "it is in use");
        drop(store);
        CheckpointStore::fresh(&path).unwrap();
        drop(copy);
    }
}
