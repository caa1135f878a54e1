//! Whether the file of a store is still the one that was opened: it may be removed, or another one put in its place.

use std::path::{Path, PathBuf};

use connector_api::ConnectorError;

/// A file by its name, and which one that was.
pub(crate) struct Identity {
    path: PathBuf,
    was: Option<Number>,
}

/// What stays the same of a file, whatever its names: its device and its number there.
#[cfg(unix)]
type Number = (u64, u64);

/// Elsewhere, a file that is open is not removed.
#[cfg(not(unix))]
type Number = ();

impl Identity {
    /// The file that has this name now.
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), was: number(path) }
    }

    /// Whether the name is still that of the same file.
    pub(crate) fn is_in_place(&self) -> bool {
        self.was.is_some() && number(&self.path) == self.was
    }

    /// Refuses to write into a file that nobody will find.
    ///
    /// # Errors
    /// `sink` if the name is no longer that of the same file.
    pub(crate) fn check(&self) -> Result<(), ConnectorError> {
        if self.is_in_place() {
            return Ok(());
        }
        Err(ConnectorError::sink(
            format!("the file of the store {} was removed or replaced while it was open", self.path.display()),
            "leave the file in its place, then run the same command again",
        ))
    }
}

/// The error of a store whose file was there and is not any more.
pub(crate) fn gone(path: &Path) -> ConnectorError {
    ConnectorError::invalid_config(
        format!("the file of the store {} is gone", path.display()),
        "put it back; or end this program and start it again, which creates an empty store",
    )
}

#[cfg(unix)]
fn number(path: &Path) -> Option<Number> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn number(path: &Path) -> Option<Number> {
    path.exists().then_some(())
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::ErrorCode;

    use crate::{Location, Store};

    #[test]
    fn a_store_whose_file_was_removed_or_replaced_is_not_written_and_not_created_again() {
        let folder = tempfile::tempdir().unwrap();
        let (file, aside) = (folder.path().join("store.db"), folder.path().join("aside.db"));
        let location = Location::sqlite(&file);
        let mut store = Store::open(&location).unwrap();
        assert!(store.is_in_place());
        std::fs::rename(&file, &aside).unwrap();
        assert!(!store.is_in_place());
        let error = store.writing().transaction(|_| Ok(())).unwrap_err();
        assert!(error.code == ErrorCode::Sink && error.message.contains("was removed or replaced"), "{error}");
        let error = Store::open_again(&location).unwrap_err();
        assert!(error.message.ends_with("store.db is gone"), "{error}");
        assert!(!file.exists());
        std::fs::rename(&aside, &file).unwrap();
        assert!(store.is_in_place());
        store.writing().transaction(|_| Ok(())).unwrap();
        // Another file under the same name.
        std::fs::rename(&file, &aside).unwrap();
        std::fs::copy(&aside, &file).unwrap();
        assert!(!store.is_in_place());
        assert!(Store::open_again(&location).unwrap().is_in_place());
        assert!(Store::in_memory().unwrap().is_in_place());
    }
}
