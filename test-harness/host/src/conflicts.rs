//! Files that a scan reads and writes must be different: otherwise the last write would overwrite the others.

use std::path::{Path, PathBuf};

use connector_api::ConnectorError;

use super::files;

/// The files of one scan, each with the option that names it.
#[derive(Debug, Default)]
pub(super) struct FilesInUse(Vec<FileInUse>);

#[derive(Debug)]
struct FileInUse {
    name: String,
    path: PathBuf,
    identity: Option<Identity>,
    written: bool,
}

/// The identity of a file in its file system, whatever its names.
type Identity = (u64, u64);

/// Refuses to write a file that is one of the inputs, each with its name.
///
/// # Errors
/// `invalid_config`, naming both.
pub fn check_output(name: &str, output: &Path, inputs: &[(String, PathBuf)]) -> Result<(), ConnectorError> {
    let mut files = FilesInUse::default();
    files.writes(format!("{name} {}", output.display()), output);
    inputs.iter().for_each(|(name, path)| files.reads(name, path));
    files.check()
}

impl FilesInUse {
    /// Enters a file or folder that is written, or will be.
    pub(super) fn writes(&mut self, name: impl Into<String>, path: &Path) {
        self.enter(name.into(), path, true);
    }

    /// Enters a file that is only read.
    pub(super) fn reads(&mut self, name: impl Into<String>, path: &Path) {
        self.enter(name.into(), path, false);
    }

    /// Enters standard error, and standard output if `rows` go there, if they are redirected to files.
    pub(super) fn streams(&mut self, rows: bool) {
        let (output, error) = (streams::output(), streams::error());
        // If one is a copy of the other, as with `2>&1`, neither overwrites the other.
        let apart = !(rows && streams::are_one());
        for (name, identity) in [
            ("the rows on standard output", output.filter(|_| rows)),
            ("the log on standard error", error.filter(|_| apart)),
        ] {
            if identity.is_some() {
                self.0.push(FileInUse { name: name.to_owned(), path: PathBuf::new(), identity, written: true });
            }
        }
    }

    fn enter(&mut self, name: String, path: &Path, written: bool) {
        // Pipes and devices cannot be overwritten.
        if !path.exists() || path.is_file() || path.is_dir() {
            self.0.push(FileInUse { name, path: files::resolve(path), identity: identity(path), written });
        }
    }

    /// Refuses two names for the same file, and a file inside a folder that will be replaced.
    ///
    /// # Errors
    /// `invalid_config`, naming both.
    pub(super) fn check(&self) -> Result<(), ConnectorError> {
        for (at, one) in self.0.iter().enumerate() {
            for other in &self.0[at + 1..] {
                let how = match () {
                    () if !one.written && !other.written => continue,
                    () if one.is(other) => "are the same file",
                    () if one.is_within(other) || other.is_within(one) => "overlap: one is inside the other",
                    () => continue,
                };
                return Err(ConnectorError::invalid_config(
                    format!("{} and {} {how}", one.name, other.name),
                    "choose a different path for each",
                ));
            }
        }
        Ok(())
    }
}

impl FileInUse {
    fn is(&self, other: &Self) -> bool {
        match (self.identity, other.identity) {
            (Some(one), Some(other)) => one == other,
            _ => !self.path.as_os_str().is_empty() && folded(&self.path) == folded(&other.path),
        }
    }

    fn is_within(&self, folder: &Self) -> bool {
        folder.written && !folder.path.as_os_str().is_empty() && folded(&self.path).starts_with(folded(&folder.path))
    }
}

/// The path as the system compares it: some ignore case.
fn folded(path: &Path) -> PathBuf {
    if cfg!(any(windows, target_os = "macos")) { path.to_string_lossy().to_lowercase().into() } else { path.to_owned() }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}

/// Standard output and standard error, if a shell redirected them to files.
#[cfg(unix)]
mod streams {
    use std::fs::File;
    use std::io::{self, Seek, SeekFrom};
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    use super::Identity;

    fn copy(stream: impl AsFd) -> io::Result<File> {
        stream.as_fd().try_clone_to_owned().map(File::from)
    }

    fn identity(stream: impl AsFd) -> Option<Identity> {
        let file = copy(stream).and_then(|file| file.metadata()).ok()?;
        file.is_file().then(|| (file.dev(), file.ino()))
    }

    pub(super) fn output() -> Option<Identity> {
        identity(io::stdout())
    }

    pub(super) fn error() -> Option<Identity> {
        identity(io::stderr())
    }

    /// Whether both are one open file: then seeking in one moves the other.
    pub(super) fn are_one() -> bool {
        let moves = || -> io::Result<bool> {
            let (mut output, mut error) = (copy(io::stdout())?, copy(io::stderr())?);
            let (before, start) = (output.stream_position()?, error.stream_position()?);
            error.seek(SeekFrom::Start(start + 1))?;
            let after = output.stream_position()?;
            error.seek(SeekFrom::Start(start))?;
            Ok(after != before)
        };
        moves().unwrap_or(false)
    }
}

#[cfg(not(unix))]
mod streams {
    use super::Identity;

    pub(super) fn output() -> Option<Identity> {
        None
    }

    pub(super) fn error() -> Option<Identity> {
        None
    }

    pub(super) fn are_one() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    fn refused(enter: impl FnOnce(&mut FilesInUse)) -> Option<String> {
        let mut files = FilesInUse::default();
        enter(&mut files);
        files.check().err().map(|error| error.message)
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_the_same_by_every_name_that_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "").unwrap();
        fs::hard_link(at("a"), at("hard")).unwrap();
        std::os::unix::fs::symlink("a", at("soft")).unwrap();
        std::os::unix::fs::symlink("not there", at("loose")).unwrap();
        for (one, other) in [("a", "./a"), ("a", "hard"), ("hard", "soft"), ("not there", "loose"), ("x", "./x")] {
            for written in [[true, true], [true, false], [false, true]] {
                let message = refused(|files| {
                    files.enter("--one".to_owned(), &at(one), written[0]);
                    files.enter("--other".to_owned(), &at(other), written[1]);
                });
                assert_eq!(message.as_deref(), Some("--one and --other are the same file"), "{one}, {other}");
            }
        }
    }

    #[test]
    fn a_file_within_a_folder_that_is_replaced_is_refused_and_files_that_are_only_read_may_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("rows")).unwrap();
        let within = refused(|files| {
            files.writes("--output rows", &at("rows"));
            files.reads("--system", &at("rows/hq.toml"));
        });
        assert_eq!(within.as_deref(), Some("--output rows and --system overlap: one is inside the other"));
        let apart = refused(|files| {
            files.writes("--output rows", &at("rows"));
            files.writes("--checkpoint", &at("rows.checkpoint"));
            files.reads("--system", &at("hq.toml"));
            files.reads("--password-file", &at("hq.toml"));
        });
        assert_eq!(apart, None);
    }
}
