//! Keeps the rows of an unfinished scan, so that it can go on where it stopped.
//!
//! Next to the checkpoint `FILE` lies the spool `FILE.rows`: after its first line every row so far, one JSON object a
//! line. `FILE` itself is two lines: a seal and the connector's [`Checkpoint`]. The seal holds the length and digest of
//! the spool at that moment and a digest over everything, so that damage to either file is noticed. `FILE` is replaced
//! in one durable step, after the spool is durable: after a crash at any moment the two agree.
//!
//! Both begin with a mark. A file without it is never read, replaced or removed, whatever it is named.

mod seal;

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use connector_api::{Checkpoint, ConnectorError, Descriptor, Record, SystemConfig};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use self::seal::{
    MAX_CHECKPOINT, SPOOL_MARK, Seal, hex, is_checkpoint, is_part_of_checkpoint, is_spool, refuse_foreign,
};
use super::files;

/// A row longer than this is not read.
const MAX_ROW: u64 = 64 * 1024 * 1024;

/// The spool of one scan and its last checkpoint. No second scan can open the same one while it lives.
#[derive(Debug)]
pub struct CheckpointStore {
    path: PathBuf,
    spool: BufWriter<File>,
    length: u64,
    digest: Sha256,
    row: Vec<u8>,
    /// Whether `path` holds a checkpoint that belongs to the spool.
    sealed: bool,
}

impl CheckpointStore {
    /// Opens the store at `path`, and finds where an earlier scan of this system stopped.
    ///
    /// # Errors
    /// `checkpoint_rejected` when there is a checkpoint that is damaged, foreign or too old, or a file that is none;
    /// `invalid_config` when another scan uses the same file or its folder does not exist; `sink` when it cannot be
    /// written.
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

    /// Opens the store at `path` for a scan from the beginning, whatever an earlier scan left there.
    ///
    /// # Errors
    /// As for [`resume`](Self::resume), but for the checkpoint that is not looked at.
    pub fn fresh(path: &Path) -> Result<Self, ConnectorError> {
        let mut store = Self::open(path)?;
        files::remove_if_there(&store.path).and_then(|()| store.rewind()).map_err(|error| store.write_error(&error))?;
        Ok(store)
    }

    fn open(path: &Path) -> Result<Self, ConnectorError> {
        files::check_folder(path)?;
        if fs::metadata(path).is_ok_and(|existing| !existing.is_file()) {
            return Err(ConnectorError::invalid_config(
                format!("{} is no file, and a checkpoint is one", path.display()),
                "name a file with --checkpoint",
            ));
        }
        // What a link names is meant, not the link.
        let path = files::resolve(path);
        let spool_path = spool_path(&path);
        refuse_foreign(&path, is_checkpoint)?;
        refuse_foreign(&aside(&path), is_part_of_checkpoint)?;
        refuse_foreign(&spool_path, is_spool)?;
        let spool = open_spool(&spool_path).map_err(|error| files::write_error(spool_path.display(), &error))?;
        spool.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ConnectorError::invalid_config(
                format!("another scan uses the checkpoint {}", path.display()),
                "wait until it ends, or name another file with --checkpoint",
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

    /// Drops rows that came after the checkpoint, and checks those before it.
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
    /// When it cannot be written; the checkpoint before it then still holds.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        let checkpoint = serde_json::to_vec(checkpoint)?;
        if checkpoint.len() as u64 > MAX_CHECKPOINT / 2 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the checkpoint is too large to be kept"));
        }
        self.spool.flush()?;
        self.spool.get_ref().sync_data()?;
        if !is_checkpoint(&self.path)? {
            return Err(io::Error::other("something else has taken its place"));
        }
        let seal = serde_json::to_vec(&Seal::new(self.length, hex(self.digest.clone()), &checkpoint))?;
        files::replace(&self.path, &aside(&self.path), &[&seal, b"\n", &checkpoint, b"\n"])?;
        self.sealed = true;
        Ok(())
    }

    /// Gives every row of the spool to `each`, in order.
    ///
    /// # Errors
    /// When a row cannot be read, or what `each` says.
    pub fn replay(&mut self, mut each: impl FnMut(Record) -> Result<(), ConnectorError>) -> Result<(), ConnectorError> {
        let path = spool_path(&self.path);
        let cannot_read = |error: &dyn std::fmt::Display| {
            ConnectorError::sink(
                format!("cannot read the rows kept in {}: {error}", path.display()),
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

    /// Whether a later scan can go on from here.
    pub fn can_resume(&self) -> bool {
        self.sealed
    }

    /// Removes checkpoint and spool, once their rows are safe elsewhere.
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

    /// What a failed write to this store means for the operator.
    pub fn write_error(&self, error: &io::Error) -> ConnectorError {
        files::write_error(format_args!("the checkpoint {}", self.path.display()), error)
    }
}

impl Drop for CheckpointStore {
    /// A spool without a checkpoint is of no use to anybody.
    fn drop(&mut self) {
        if !self.sealed && !self.path.exists() {
            let _ = files::remove_if_there(&aside(&self.path));
            let _ = files::remove_if_there(&spool_path(&self.path));
        }
        // Closing the file would not be enough: a process that is just being started holds a copy of it for a moment.
        let _ = self.spool.flush();
        let _ = self.spool.get_ref().unlock();
    }
}

/// Opens the spool, or makes one: with its mark from the first moment.
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

/// Where a checkpoint is written before it takes its place.
fn aside(path: &Path) -> PathBuf {
    files::with_suffix(path, ".new")
}

/// Adds everything that `from` holds to `digest`.
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
