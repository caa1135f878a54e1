//! A folder that gets its final name only when it is complete.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use connector_api::{Record, ScanSummary};

use crate::files::{self, Draft};

fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    }
}

pub(super) const SUMMARY: &str = "summary.json";

/// A folder with files of fixed names, and `summary.json`.
pub(super) struct Folder {
    path: PathBuf,
    names: Vec<String>,
}

impl Folder {
    /// A folder with one file per kind of record that becomes `path` and replaces an earlier one with files of the same
    /// ending.
    ///
    /// # Errors
    /// If `path` is not the folder of an earlier scan.
    pub(super) fn new(path: &Path, ending: &'static str) -> io::Result<Self> {
        Self::of(path, Record::KINDS.iter().map(|kind| format!("{}.{ending}", plural(kind))).collect())
    }

    /// A folder with files of these names that becomes `path` and replaces an earlier one with such files.
    ///
    /// # Errors
    /// If `path` is not the folder of an earlier scan.
    pub(super) fn of(path: &Path, names: Vec<String>) -> io::Result<Self> {
        let folder = Self { path: files::resolve(path), names };
        folder.check_replaceable(&folder.path)?;
        Ok(folder)
    }

    /// A file that will be in it.
    pub(super) fn draft(&self) -> io::Result<Draft> {
        Draft::next_to(&self.path)
    }

    /// The index of the file that a record belongs to.
    pub(super) fn place_of(record: &Record) -> io::Result<usize> {
        let kind = record.kind();
        let place = Record::KINDS.iter().position(|known| *known == kind);
        place.ok_or_else(|| io::Error::other(format!("there is no file for records of kind {kind}")))
    }

    /// Gives the files, one for each name in their order, which is that of [`Record::KINDS`] if there is one per kind, and
    /// the summary their final names.
    pub(super) fn commit(self, drafts: Vec<Draft>, summary: &ScanSummary) -> io::Result<()> {
        let mut draft = self.draft()?;
        draft.write_all(&serde_json::to_vec_pretty(summary)?)?;
        self.place(drafts, draft)
    }

    /// The same with a summary that is written.
    pub(super) fn place(self, drafts: Vec<Draft>, summary: Draft) -> io::Result<()> {
        let folder = files::folder_next_to(&self.path)?;
        for (name, draft) in self.names.iter().zip(drafts) {
            draft.place(&folder.path().join(name))?;
        }
        summary.place(&folder.path().join(SUMMARY))?;
        self.replace(folder.path())?;
        files::sync_folder(&self.path)
    }

    /// A folder cannot be renamed over one that contains files, so the folder of an earlier scan is moved away first.
    fn replace(&self, folder: &Path) -> io::Result<()> {
        let aside = files::folder_next_to(&self.path)?;
        let earlier = aside.path().join("earlier");
        if self.path.exists() {
            fs::rename(&self.path, &earlier)?;
        }
        // Only now is it certain that no other file is added to it.
        let replaced = self.check_replaceable(&earlier).and_then(|()| fs::rename(folder, &self.path));
        if replaced.is_err() && earlier.exists() && fs::rename(&earlier, &self.path).is_err() {
            let kept = aside.keep().join("earlier");
            return Err(io::Error::other(format!("the earlier folder was moved to {}", kept.display())));
        }
        replaced
    }

    fn check_replaceable(&self, path: &Path) -> io::Result<()> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) if path.is_file() => {
                return Err(io::Error::new(io::ErrorKind::NotADirectory, "this is a file, but a folder is needed"));
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let name = entry?.file_name();
            if name != SUMMARY && !self.names.iter().any(|known| name == **known) {
                return Err(io::Error::new(
                    io::ErrorKind::DirectoryNotEmpty,
                    format!("it contains {}, which is not from an earlier scan in this format", name.display()),
                ));
            }
        }
        Ok(())
    }
}
