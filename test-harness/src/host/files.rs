//! Files that appear under their final name only when they are whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use connector_api::ConnectorError;
use tempfile::NamedTempFile;

/// A new file beside `path`, readable by its owner only, that vanishes unless it is [placed](place).
pub(super) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(&hidden(path)).suffix(".tmp").tempfile_in(folder_of(path))
}

/// The same for a folder.
pub(super) fn folder_beside(path: &Path) -> io::Result<tempfile::TempDir> {
    let (prefix, mut folder) = (hidden(path), tempfile::Builder::new());
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    folder.prefix(&prefix).suffix(".tmp").tempdir_in(folder_of(path))
}

/// Makes the file durable and gives it its final name in one step.
pub(super) fn place(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(path)
}

/// Replaces `path` durably and in one step, by way of the file `aside` in the same folder.
pub(super) fn replace(path: &Path, aside: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = private().truncate(true).open(aside)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()?;
    fs::rename(aside, path)?;
    sync_folder(path)
}

/// Opens files for reading and writing, makes them where there are none, and lets only their owner read them.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Removes a file that may be gone already.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the name of `path` durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix opens a folder as a file; elsewhere the rename itself has to do.
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}

/// The folder that holds `path`.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// `path` with `suffix` after its whole name: `scan.ck` becomes `scan.ck.rows`.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Refuses a path whose folder does not exist, before any work is done for it.
pub(super) fn check_folder(path: &Path) -> Result<(), ConnectorError> {
    let folder = folder_of(path);
    if folder.is_dir() {
        return Ok(());
    }
    Err(ConnectorError::invalid_config(
        format!("the folder {} does not exist", folder.display()),
        "create it first, or name another place",
    ))
}

/// What a failed write means for the operator.
pub(super) fn write_error(place: impl std::fmt::Display, error: &io::Error) -> ConnectorError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ConnectorError::sink(
            format!("the reader of {place} went away"),
            "keep the reader running until the end, or write to a file with --output",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ConnectorError::sink(format!("no space is left for {place}"), "free some space, or name another place")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ConnectorError::sink(
            format!("{place} may not be written"),
            "allow this user to write there, or name another place",
        ),
        _ => ConnectorError::sink(format!("cannot write {place}: {error}"), "check the place that is written to"),
    }
}

fn hidden(path: &Path) -> std::ffi::OsString {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name
}
