//! The systems of a host: in a folder with one file each, or in memory.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use connector_api::{ConnectorError, SystemConfig};

use crate::files::{self, Draft};
use crate::stored_system::{Secrets, StoredSystem};
use crate::system_file;
use crate::typed::{self, MAX_NAME};

/// The most files of a folder that are read.
const MOST: usize = 10_000;

/// The systems that a host can scan.
///
/// In a folder, each is a system file, as [`read_system`](system_file::read_system) reads it. Secrets that somebody
/// entered stay in memory, whatever the place.
#[derive(Debug)]
pub struct Systems {
    folder: Option<Folder>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    default_os_type: String,
}

#[derive(Default)]
struct Inner {
    in_memory: BTreeMap<String, StoredSystem>,
    /// By the names of systems.
    entered: BTreeMap<String, Secrets>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("in_memory", &self.in_memory.keys()).finish_non_exhaustive()
    }
}

/// A system with its place.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KnownSystem {
    /// The system.
    pub stored: StoredSystem,
    /// Its file, if it is in one.
    pub file: Option<PathBuf>,
    /// Whether [`Systems::save`] can replace it. A file in TOML, or with a secret in it, is left to whoever wrote it.
    pub is_ours: bool,
}

impl KnownSystem {
    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.stored.config.name
    }
}

/// The systems, and what cannot be read.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listed {
    /// By name.
    pub systems: Vec<KnownSystem>,
    /// An error for each file that is no system.
    pub errors: Vec<ConnectorError>,
}

impl Systems {
    /// Keeps systems in memory: they end with this.
    pub fn in_memory() -> Self {
        Self { folder: None, inner: Mutex::default() }
    }

    /// Keeps systems as files in a folder, which is made if it is not there. A file without `osType` is for
    /// `default_os_type`.
    ///
    /// # Errors
    /// `invalid_config` if it is no folder, or cannot be made.
    pub fn in_folder(path: &Path, default_os_type: &str) -> Result<Self, ConnectorError> {
        files::make_folder(path)?;
        let folder = Folder { path: path.to_owned(), default_os_type: default_os_type.to_owned() };
        Ok(Self { folder: Some(folder), inner: Mutex::default() })
    }

    /// Returns the folder, if there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(|folder| folder.path.as_path())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all systems by name. It reads files, and may block.
    ///
    /// # Errors
    /// `invalid_config` if the folder cannot be read.
    pub fn list(&self) -> Result<Listed, ConnectorError> {
        let mut listed = match &self.folder {
            Some(folder) => folder.list()?,
            None => {
                let known = |stored: &StoredSystem| KnownSystem { stored: stored.clone(), file: None, is_ours: true };
                let systems = self.inner().in_memory.values().map(known).collect();
                Listed { systems, errors: Vec::new() }
            }
        };
        listed.systems.sort_by(|one, other| one.name().cmp(other.name()));
        // Of two files with one name, neither is the right one.
        for pair in listed.systems.windows(2) {
            if let [one, other] = pair
                && one.name() == other.name()
            {
                let file = |known: &KnownSystem| known.file.as_deref().unwrap_or(Path::new("")).display().to_string();
                listed.errors.push(ConnectorError::invalid_config(
                    format!("{} and {} have the same name", file(one), file(other)),
                    "give one of them another `name`",
                ));
            }
        }
        Ok(listed)
    }

    /// Returns a system.
    ///
    /// # Errors
    /// `invalid_config` if there is none of that name, or the folder cannot be read.
    pub fn find(&self, name: &str) -> Result<KnownSystem, ConnectorError> {
        let Listed { systems, .. } = self.list()?;
        systems.into_iter().find(|known| known.name() == name).ok_or_else(|| {
            ConnectorError::invalid_config(
                "no system of that name is set up here",
                "add it, or start with the folder of its file: --systems DIR",
            )
        })
    }

    /// Adds a system that is not there yet.
    ///
    /// # Errors
    /// As for [`save`](Self::save), and `invalid_config` if there is one of its name.
    pub fn add(&self, stored: StoredSystem, entered: Secrets) -> Result<(), ConnectorError> {
        if self.find(&stored.config.name).is_ok() {
            let remedy = "give this one another name, or change the settings of the other";
            return Err(ConnectorError::invalid_config("another system has this name", remedy));
        }
        self.save(stored, entered)
    }

    /// Adds a system, or replaces the one of its name. `entered` are the secrets that somebody entered; those of the
    /// system that are not among them stay as they were.
    ///
    /// # Errors
    /// `invalid_config` for a new system whose name has a [`problem`](typed::problem), or one whose file is not [ours](KnownSystem::is_ours), or if the file
    /// cannot be written.
    pub fn save(&self, stored: StoredSystem, entered: Secrets) -> Result<(), ConnectorError> {
        let name = stored.config.name.clone();
        let known = self.list()?.systems.into_iter().find(|known| known.name() == name);
        // One that is there already keeps its name, whatever was allowed when it was added.
        if known.is_none() {
            typed::check("name:", &name, MAX_NAME)?;
        }
        if let Some(folder) = &self.folder {
            let file = match known {
                Some(KnownSystem { is_ours: false, file: Some(file), .. }) => {
                    return Err(ConnectorError::invalid_config(
                        format!("{} was written by hand and is not replaced", file.display()),
                        "change the file itself",
                    ));
                }
                Some(KnownSystem { file: Some(file), .. }) => file,
                _ => folder.path.join(format!("{}.json", file_name(&name))),
            };
            folder.write(&file, &stored)?;
        }
        let mut inner = self.inner();
        let secrets = inner.entered.entry(name.clone()).or_default();
        secrets.extend(entered);
        secrets.retain(|path, _| stored.secrets.contains_key(path));
        if self.folder.is_none() {
            inner.in_memory.insert(name, stored);
        }
        Ok(())
    }

    /// Returns the secrets of a system that somebody entered.
    pub fn entered(&self, name: &str) -> Secrets {
        self.inner().entered.get(name).cloned().unwrap_or_default()
    }

    /// Returns the settings of a system with their secrets. It reads files, and may block.
    ///
    /// # Errors
    /// `invalid_config` if there is none of that name, or a secret cannot be read.
    pub fn config(&self, name: &str) -> Result<SystemConfig, ConnectorError> {
        self.find(name)?.stored.resolve(&self.entered(name))
    }
}

impl Folder {
    fn list(&self) -> Result<Listed, ConnectorError> {
        let unreadable = |error: std::io::Error| {
            ConnectorError::invalid_config(
                format!("the folder {} cannot be read: {error}", self.path.display()),
                "check the path, and that this user can read it",
            )
        };
        let mut listed = Listed::default();
        for entry in std::fs::read_dir(&self.path).map_err(unreadable)?.take(MOST) {
            let path = entry.map_err(unreadable)?.path();
            let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
            let is_json = extension.as_deref() == Some("json");
            if !path.is_file() || !is_json && extension.as_deref() != Some("toml") {
                continue;
            }
            match system_file::read_stored(&path, &self.default_os_type) {
                Ok((stored, holds_secret)) => {
                    listed.systems.push(KnownSystem { stored, is_ours: is_json && !holds_secret, file: Some(path) });
                }
                Err(error) => listed.errors.push(error),
            }
        }
        Ok(listed)
    }

    fn write(&self, path: &Path, stored: &StoredSystem) -> Result<(), ConnectorError> {
        let json = system_file::to_json(stored)?;
        let written = Draft::next_to(path).and_then(|mut draft| {
            draft.write_all(json.as_bytes())?;
            draft.place(path)
        });
        written.map_err(|error| {
            ConnectorError::invalid_config(
                format!("{} cannot be written: {error}", path.display()),
                "check that this user can write into the folder of --systems",
            )
        })
    }
}

/// A name for the file of a system that cannot lead elsewhere, and is not hidden.
fn file_name(name: &str) -> String {
    let mut file = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => file.push(char::from(byte)),
            byte => file.push_str(&format!("%{byte:02x}")),
        }
    }
    // File systems allow 255 bytes; what follows keeps two long names apart.
    if file.len() > 150 {
        use sha2::{Digest, Sha256};
        let digest: String = Sha256::digest(name).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        file.truncate(150);
        file = format!("{file}-{digest}");
    }
    file
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use connector_api::Credential;
    use connector_api::secrecy::ExposeSecret;

    use super::*;
    use crate::stored_system::{PASSWORD, SecretSource};

    fn stored(name: &str) -> StoredSystem {
        let config = SystemConfig::new("X", "h", Credential::default().with_username("id")).with_name(name);
        StoredSystem {
            config: config.with_attribute("days", 5),
            secrets: BTreeMap::from([(PASSWORD.to_owned(), SecretSource::Entered)]),
        }
    }

    fn entered() -> Secrets {
        Secrets::from([(PASSWORD.to_owned(), "hunter2".into())])
    }

    #[test]
    fn a_system_is_a_file_without_its_secret_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let name = "../HQ é/%";
        let systems = Systems::in_folder(folder.path(), "Y").unwrap();
        systems.save(stored(name), entered()).unwrap();
        assert_eq!(systems.config(name).unwrap().credential.secret().expose_secret(), "hunter2");
        let files: Vec<PathBuf> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [file] = files.as_slice() else { panic!("{files:?}") };
        assert!(!fs::read_to_string(file).unwrap().contains("hunter2"));

        let later = Systems::in_folder(folder.path(), "Y").unwrap();
        let known = later.find(name).unwrap();
        assert!(known.is_ours);
        assert_eq!((known.stored.config.os_type.as_str(), &known.stored.config.attributes["days"]), ("X", &5.into()));
        assert!(later.config(name).unwrap_err().message.contains("the program that knew it has ended"));
    }

    #[test]
    fn a_secret_that_is_not_entered_again_stays_and_one_that_is_no_longer_set_goes() {
        let systems = Systems::in_memory();
        systems.save(stored("a"), entered()).unwrap();
        systems.save(stored("a"), Secrets::new()).unwrap();
        assert_eq!(systems.config("a").unwrap().credential.secret().expose_secret(), "hunter2");
        systems.save(StoredSystem { secrets: BTreeMap::new(), ..stored("a") }, Secrets::new()).unwrap();
        assert!(systems.entered("a").is_empty());
        assert!(systems.find("b").unwrap_err().message.contains("no system of that name"));
    }

    #[test]
    fn a_new_name_is_one_line_that_can_be_seen() {
        let systems = Systems::in_memory();
        for name in ["", " ", "a\nb", "a\0", "a\u{202e}b", &"x".repeat(MAX_NAME + 1)] {
            let error = systems.save(stored(name), entered()).unwrap_err();
            assert!(error.message.starts_with("name: must "), "{name:?}: {error}");
        }
        assert!(systems.list().unwrap().systems.is_empty());
        let longest = || stored(&"x".repeat(MAX_NAME));
        systems.add(longest(), entered()).unwrap();
        assert!(systems.add(longest(), entered()).unwrap_err().message.contains("another system has this name"));
        systems.save(longest(), entered()).unwrap();
    }

    #[test]
    fn what_somebody_wrote_by_hand_is_read_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hq.toml"), "name = 'hq'\nhostname = 'h'\n").unwrap();
        let json = r#"{"name":"lab","hostname":"h","credential":{"password":"hunter2"}}"#;
        fs::write(folder.path().join("lab.json"), json).unwrap();
        fs::write(folder.path().join("broken.json"), "{").unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        let systems = Systems::in_folder(folder.path(), "X").unwrap();
        let listed = systems.list().unwrap();
        let names: Vec<_> = listed.systems.iter().map(|known| (known.name(), known.is_ours)).collect();
        assert_eq!(names, [("hq", false), ("lab", false)]);
        assert!(listed.errors.len() == 1 && listed.errors[0].message.contains("broken.json"), "{:?}", listed.errors);
        for name in ["hq", "lab"] {
            assert!(systems.save(stored(name), Secrets::new()).unwrap_err().message.contains("written by hand"));
        }
        assert_eq!(systems.config("lab").unwrap().credential.secret().expose_secret(), "hunter2");
    }
}
