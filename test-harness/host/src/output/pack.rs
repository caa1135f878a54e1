//! A folder of evidence with the hash of each file, which shows later whether any of them was changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use connector_api::{ConnectorError, ScanSummary};
use sha2::{Digest, Sha256};

use super::folder::{Folder, SUMMARY};
use crate::files::{self, Draft};

/// The file with the hashes of all others, as `sha256sum --check` reads it.
pub const MANIFEST: &str = "manifest.sha256";

/// A folder that gets its final name when it is complete.
pub struct Pack {
    folder: Folder,
    names: Vec<&'static str>,
    drafts: Vec<Draft>,
    manifest: String,
}

impl Pack {
    /// A folder with files of these names, the summary and the manifest that becomes `path`, and replaces an earlier one with
    /// such files.
    ///
    /// # Errors
    /// `invalid_config` if `path` is something else, `sink` if it cannot be written.
    pub fn create(path: &Path, names: &[&'static str]) -> Result<Self, ConnectorError> {
        files::check_folder(path)?;
        let with_manifest = names.iter().copied().chain([MANIFEST]).map(str::to_owned).collect();
        let folder = Folder::of(path, with_manifest).map_err(|error| super::open_error(path.display(), &error))?;
        Ok(Self { folder, names: names.to_vec(), drafts: Vec::new(), manifest: String::new() })
    }

    /// Writes the next of the files, in the order of their names.
    ///
    /// # Errors
    /// What `write` returns, and if the file cannot be written.
    pub fn add<T>(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        let name = self.names.get(self.drafts.len()).copied();
        let name = name.ok_or_else(|| ConnectorError::internal("an evidence pack has more files than names"))?;
        let failed = |error: io::Error| files::write_error(name, &error);
        let mut file = Hashed::new(self.folder.draft().map_err(failed)?);
        let written = write(&mut file)?;
        let draft = file.finish(name, &mut self.manifest).map_err(failed)?;
        self.drafts.push(draft);
        Ok(written)
    }

    /// Adds summary and manifest, gives all files their final names, and returns the hash of the manifest: whoever knows it
    /// can tell whether even the manifest was changed.
    ///
    /// # Errors
    /// `sink` if it cannot be written, `internal` if a file is missing.
    pub fn commit(self, summary: &ScanSummary) -> Result<String, ConnectorError> {
        let Self { folder, names, mut drafts, mut manifest } = self;
        if drafts.len() != names.len() {
            return Err(ConnectorError::internal("an evidence pack has fewer files than names"));
        }
        let commit = || -> io::Result<String> {
            let mut file = Hashed::new(folder.draft()?);
            file.write_all(&serde_json::to_vec_pretty(summary)?)?;
            let summary = file.finish(SUMMARY, &mut manifest)?;
            let mut draft = folder.draft()?;
            draft.write_all(manifest.as_bytes())?;
            drafts.push(draft);
            folder.place(drafts, summary)?;
            Ok(hex(&Sha256::digest(manifest.as_bytes())))
        };
        commit().map_err(|error| files::write_error("the evidence pack", &error))
    }
}

/// A file whose hash is known when it ends.
struct Hashed {
    bytes: BufWriter<Draft>,
    hash: Sha256,
}

impl Hashed {
    fn new(draft: Draft) -> Self {
        Self { bytes: BufWriter::with_capacity(64 * 1024, draft), hash: Sha256::new() }
    }

    /// The file, whose line is added to the manifest.
    fn finish(self, name: &str, manifest: &mut String) -> io::Result<Draft> {
        let draft = self.bytes.into_inner().map_err(io::IntoInnerError::into_error)?;
        let _ = writeln!(manifest, "{}  {name}", hex(&self.hash.finalize()));
        Ok(draft)
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.bytes.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.bytes.flush()
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How a file of a pack differs from the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Its content is another one.
    Changed,
    /// It is in the manifest only.
    Missing,
    /// It is not in the manifest.
    Added,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Added => "added",
        })
    }
}

/// What a check of a pack found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many files the manifest lists.
    pub files: usize,
    /// The files that differ, by name.
    pub differences: BTreeMap<String, Difference>,
    /// The hash of the manifest.
    pub manifest: String,
}

/// Compares the files of a pack with its manifest.
///
/// # Errors
/// `invalid_config` if there is no manifest, or it lists something else than files of the folder.
pub fn check_pack(folder: &Path) -> Result<Checked, ConnectorError> {
    let unreadable = |why: &dyn fmt::Display| {
        ConnectorError::invalid_config(
            format!("the evidence pack {} cannot be checked: {why}", folder.display()),
            "give the folder that `harness export --format evidence-pack` wrote",
        )
    };
    let text = fs::read(folder.join(MANIFEST)).map_err(|error| unreadable(&format!("{MANIFEST}: {error}")))?;
    let manifest = hex(&Sha256::digest(&text));
    let text = String::from_utf8(text).map_err(|_| unreadable(&format!("{MANIFEST} is not text")))?;
    let mut listed = BTreeMap::new();
    for line in text.lines() {
        let entry = line.split_once("  ").filter(|(hash, name)| is_hash(hash) && is_file_name(name));
        let (hash, name) =
            entry.ok_or_else(|| unreadable(&format!("{MANIFEST} has a line that is no hash and name")))?;
        if listed.insert(name, hash).is_some() {
            return Err(unreadable(&format!("{MANIFEST} lists {name} twice")));
        }
    }
    if listed.is_empty() {
        return Err(unreadable(&format!("{MANIFEST} lists nothing")));
    }
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(&error))?;
    let there: BTreeSet<String> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let mut differences: BTreeMap<String, Difference> = there
        .iter()
        .filter(|name| *name != MANIFEST && !listed.contains_key(name.as_str()))
        .map(|name| (name.clone(), Difference::Added))
        .collect();
    for (name, hash) in &listed {
        if !there.contains(*name) {
            differences.insert((*name).to_owned(), Difference::Missing);
        } else if hash_of(&folder.join(name)).map_err(|error| unreadable(&format!("{name}: {error}")))? != *hash {
            differences.insert((*name).to_owned(), Difference::Changed);
        }
    }
    Ok(Checked { files: listed.len(), differences, manifest })
}

fn hash_of(path: &Path) -> io::Result<String> {
    struct Into(Sha256);
    impl Write for Into {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Into(Sha256::new());
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hex(&hash.0.finalize()))
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether it names a file of the folder itself.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != MANIFEST && Path::new(name).file_name().is_some_and(|only| only == name)
}
