//! The bytes' way to standard output or to a file that is not yet under its final name.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::host::files;

const BUFFER: usize = 256 * 1024;

/// A buffered stream of bytes that becomes a file only when it is committed.
#[derive(Debug)]
pub struct Target {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Stdout(BufWriter<Stdout>),
    File { bytes: BufWriter<NamedTempFile>, path: PathBuf },
}

impl Target {
    /// Standard output.
    pub fn stdout() -> Self {
        Self { kind: Kind::Stdout(BufWriter::with_capacity(BUFFER, io::stdout())) }
    }

    /// A file that will be `path`.
    ///
    /// # Errors
    /// When its folder cannot be written, or a folder has that name.
    pub fn file(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder, and a file is needed"));
        }
        let bytes = BufWriter::with_capacity(BUFFER, files::beside(path)?);
        Ok(Self { kind: Kind::File { bytes, path: path.to_owned() } })
    }

    /// Whether a reader sees the bytes as they are written.
    pub fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stdout(_))
    }

    /// Makes everything written final.
    ///
    /// # Errors
    /// When it cannot be written; a file is then not in place.
    pub fn commit(self) -> io::Result<()> {
        match self.kind {
            Kind::Stdout(mut bytes) => bytes.flush(),
            Kind::File { bytes, path } => {
                files::place(bytes.into_inner().map_err(io::IntoInnerError::into_error)?, &path)
            }
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Stdout(out) => out.write(bytes),
            Kind::File { bytes: out, .. } => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Stdout(out) => out.flush(),
            Kind::File { bytes: out, .. } => out.flush(),
        }
    }
}
