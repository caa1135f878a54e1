//! Files that get their final name only when they are complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use connector_api::ConnectorError;
use tempfile::{NamedTempFile, TempDir};

/// A file without its final name, readable only by its owner. It disappears unless it is [placed](Self::place).
///
/// On Linux it has no name at all until then, so a killed process leaves nothing behind.
pub(super) enum Draft {
    #[cfg(target_os = "linux")]
    Nameless(File),
    Named(NamedTempFile),
}

impl Draft {
    /// A new file in the folder of `path`.
    pub(super) fn next_to(path: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless(folder_of(path)) {
            return Ok(Self::Nameless(file));
        }
        named(path).map(Self::Named)
    }

    pub(super) fn file(&mut self) -> &mut File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(file) => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }

    /// Makes the file durable and renames it to its final name in one step, replacing any other file.
    pub(super) fn place(self, path: &Path) -> io::Result<()> {
        self.named(path)?.persist(path).map_err(|error| error.error)?;
        sync_folder(path)
    }

    /// The same, but fails if the file exists.
    pub(super) fn place_new(self, path: &Path) -> io::Result<()> {
        self.named(path)?.persist_noclobber(path).map_err(|error| error.error)?;
        sync_folder(path)
    }

    /// The durable file under a temporary name in the folder of `path`.
    fn named(mut self, path: &Path) -> io::Result<NamedTempFile> {
        self.file().sync_all()?;
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless(mut file) => link(&file, path).or_else(|_| {
                // Some file systems support nameless files but cannot name them later.
                let mut copy = named(path)?;
                file.rewind()?;
                io::copy(&mut file, &mut copy)?;
                copy.as_file().sync_all()?;
                Ok(copy)
            }),
            Self::Named(file) => Ok(file),
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn named(path: &Path) -> io::Result<NamedTempFile> {
    builder(path, |builder| builder.tempfile_in(folder_of(path)))
}

#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = open(folder, flags, Mode::RUSR | Mode::WUSR).ok()?;
    // The name is given through this folder later.
    Path::new("/proc/self/fd").is_dir().then(|| file.into())
}

#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<NamedTempFile> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    builder(path, |builder| {
        builder.make_in(folder_of(path), |passing| {
            linkat(CWD, &open, CWD, passing, AtFlags::SYMLINK_FOLLOW)?;
            file.try_clone()
        })
    })
}

/// A new folder next to `path`, only for its owner, that is removed unless it is moved.
pub(super) fn folder_next_to(path: &Path) -> io::Result<TempDir> {
    builder(path, |builder| {
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        builder.tempdir_in(folder_of(path))
    })
}

/// Makes temporary files or folders with hidden names that start with the name of `path`.
fn builder<T>(path: &Path, make: impl FnOnce(&mut tempfile::Builder<'_, '_>) -> T) -> T {
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(path.file_name().unwrap_or_default());
    hidden.push(".");
    make(tempfile::Builder::new().prefix(&hidden).suffix(".tmp"))
}

/// Replaces `path` durably and in one step by what `write` writes to the temporary file `aside` in the same folder.
pub(super) fn replace(path: &Path, aside: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = private().truncate(true).open(aside)?;
    if let Err(error) = write(&mut file).and_then(|()| file.sync_all()) {
        let _ = fs::remove_file(aside);
        return Err(error);
    }
    fs::rename(aside, path)?;
    sync_folder(path)
}

/// Opens files for reading and writing, creates missing ones, and lets only their owner read them.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates a folder for its owner only, unless it exists.
///
/// # Errors
/// `invalid_config` if `path` is not a folder or cannot be created.
pub fn make_folder(path: &Path) -> Result<(), ConnectorError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if !path.is_dir() => Err(ConnectorError::invalid_config(
            format!("cannot create the folder {}: {error}", path.display()),
            "choose a folder that exists or that this user can create",
        )),
        _ => Ok(()),
    }
}

/// The first bytes of a file, up to `length`; `None` if there is no file.
pub fn beginning(path: &Path, length: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Removes a file, if it exists.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the name of `path` durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix can open a folder as a file; elsewhere the rename alone must be enough.
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}

/// The folder that holds `path`.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The real path of a name, without links, whether or not the file exists.
pub(super) fn resolve(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // A broken link is followed here; no system follows more than 40 links.
    for _ in 0..40 {
        if let Ok(real) = fs::canonicalize(&path) {
            return real;
        }
        let Ok(target) = fs::read_link(&path) else { break };
        path = folder_of(&path).join(target);
    }
    match (fs::canonicalize(folder_of(&path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// `path` with `suffix` after its whole name: `scan.ck` becomes `scan.ck.rows`.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Refuses a path whose folder does not exist, before any work is done for it.
///
/// # Errors
/// `invalid_config`.
pub fn check_folder(path: &Path) -> Result<(), ConnectorError> {
    let folder = folder_of(path);
    if folder.is_dir() {
        return Ok(());
    }
    Err(ConnectorError::invalid_config(
        format!("the folder {} does not exist", folder.display()),
        "create it first, or choose another path",
    ))
}

/// What a failed write means for the operator.
pub(super) fn write_error(place: impl std::fmt::Display, error: &io::Error) -> ConnectorError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ConnectorError::sink(
            format!("the program that reads {place} stopped"),
            "keep that program running until the scan ends, or write to a file with --output",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ConnectorError::sink(format!("no space is left for {place}"), "free some space, or choose another path")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ConnectorError::sink(
            format!("no permission to write {place}"),
            "allow this user to write there, or choose another path",
        ),
        _ => ConnectorError::sink(format!("cannot write {place}: {error}"), "check the path and its file system"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_draft_shows_no_name_before_it_is_placed_and_another_file_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let draft = |text: &[u8]| {
            let mut draft = Draft::next_to(&path).unwrap();
            draft.write_all(text).unwrap();
            draft
        };
        drop(draft(b"dropped"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        draft(b"first").place_new(&path).unwrap();
        assert_eq!(draft(b"second").place_new(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        draft(b"third").place(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn whatever_way_it_is_spelled_a_file_has_one_path() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).unwrap();
        symlink("file", at("link")).unwrap();
        symlink("link", at("inner/../second")).unwrap();
        symlink("inner", at("way")).unwrap();
        symlink("circle", at("circle")).unwrap();
        for there in [false, true] {
            for name in ["file", "./file", "inner/../file", "link", "second", "way/../second"] {
                assert_eq!(resolve(&at(name)), resolve(&at("file")), "{name}, there: {there}");
            }
            assert_ne!(resolve(&at("inner/file")), resolve(&at("file")));
            fs::write(at("file"), "").unwrap();
        }
        resolve(&at("circle"));
    }
}
