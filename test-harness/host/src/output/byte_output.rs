//! Writes bytes to a stream, or to a file that does not have its final name yet.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::files::{self, Draft};

/// Whether standard output was closed when the program started. Rust then opens `/dev/null` in its place, for reading and
/// writing, so rows would be lost without an error. A redirection with `>` opens it for writing only.
pub fn stdout_is_closed() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};

        use rustix::fs::{OFlags, fcntl_getfl, fstat};

        let out = io::stdout();
        let (Ok(flags), Ok(out), Ok(null)) = (fcntl_getfl(&out), fstat(&out), fs::metadata("/dev/null")) else {
            return true;
        };
        flags & OFlags::RWMODE == OFlags::RDWR && null.file_type().is_char_device() && out.st_rdev == null.rdev()
    }
    #[cfg(not(unix))]
    false
}

/// Bytes per write. More at once are written without a copy.
pub(super) const BUFFER: usize = 256 * 1024;

/// A buffered stream of bytes that becomes a file only when it is committed.
pub struct Target {
    kind: Kind,
}

enum Kind {
    Stream(BufWriter<Box<dyn Write + Send>>),
    File { bytes: BufWriter<Draft>, path: PathBuf },
}

impl Target {
    /// Standard output.
    pub fn stdout() -> Self {
        Self::stream(io::stdout())
    }

    fn stream(out: impl Write + Send + 'static) -> Self {
        Self { kind: Kind::Stream(BufWriter::with_capacity(BUFFER, Box::new(out))) }
    }

    /// A file that becomes `path`. A pipe or a device is written directly, because it cannot be replaced.
    ///
    /// # Errors
    /// If its folder cannot be written, or `path` is a folder.
    pub fn file(path: &Path) -> io::Result<Self> {
        // Replace the target of a link, not the link itself.
        let path = files::resolve(path);
        match fs::metadata(&path) {
            Ok(existing) if existing.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "this is a folder, but a file is needed"));
            }
            Ok(existing) if !existing.is_file() => return Ok(Self::stream(OpenOptions::new().write(true).open(path)?)),
            _ => {}
        }
        let bytes = BufWriter::with_capacity(BUFFER, Draft::next_to(&path)?);
        Ok(Self { kind: Kind::File { bytes, path } })
    }

    /// Whether a reader sees the bytes as they are written.
    pub fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stream(_))
    }

    /// Makes everything written final.
    ///
    /// # Errors
    /// If it cannot be written; a file then does not get its final name.
    pub fn commit(self) -> io::Result<()> {
        match self.kind {
            Kind::Stream(mut bytes) => bytes.flush(),
            Kind::File { bytes, path } => bytes.into_inner().map_err(io::IntoInnerError::into_error)?.place(&path),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Stream(out) => out.write(bytes),
            Kind::File { bytes: out, .. } => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Stream(out) => out.flush(),
            Kind::File { bytes: out, .. } => out.flush(),
        }
    }
}
