//! Who can read a store, what it refuses, and what is never in it.

use std::fs;
use std::path::Path;

use connector_store::{Location, Store};

use crate::backend::{Backend, on_both};
use crate::organisation::{Organisation, descriptor};
use crate::support::{ANYTHING, begin, scan, summary};

on_both!(a_store_of_a_later_version_is_refused_by_name);

#[cfg(unix)]
#[test]
fn every_file_of_a_store_can_be_read_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let backend = Backend::sqlite().unwrap();
    let folder = backend.folder.as_ref().unwrap().path();
    let descriptor = descriptor();
    let mut scan = begin(&backend, &descriptor);
    scan.stage(&Organisation::new(1).whole()).unwrap();
    let files = || fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    assert!(files().count() >= 3, "the store, its log and the lock");
    for file in files() {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_no_store_until_it_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for made in [false, true] {
        let path = folder.path().join(format!("{made}.db"));
        let location = Location::sqlite(&path);
        if made {
            drop(Store::open(&location).unwrap());
        } else {
            fs::write(&path, "").unwrap();
        }
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let error = Store::open(&location).map(drop).unwrap_err();
        assert!(error.remedy.contains("chmod 600"), "{error:?}");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        Store::open(&location).unwrap();
    }
}

#[test]
fn a_store_in_memory_is_no_place_for_scans() {
    let error = Store::open(&"sqlite::memory:".parse::<Location>().unwrap()).map(drop).unwrap_err();
    assert!(error.message.contains("lost"), "{error:?}");
    assert!(!Path::new(":memory:").exists());
}

#[test]
fn the_secret_of_a_system_is_nowhere_in_its_store() {
    let backend = Backend::sqlite().unwrap();
    let descriptor = descriptor();
    scan(&backend, &descriptor, &Organisation::new(1).whole(), &summary(&descriptor, &[]), ANYTHING);
    for file in fs::read_dir(backend.folder.as_ref().unwrap().path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|bytes| bytes == b"hunter2"));
    }
}

#[test]
fn a_file_of_another_program_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("text"), "these are notes, and no database at all; ".repeat(100)).unwrap();
    rusqlite::Connection::open(at("other")).unwrap().execute_batch("create table other (id integer)").unwrap();
    for name in ["text", "other"] {
        let before = fs::read(at(name)).unwrap();
        let error = Store::open(&Location::sqlite(at(name))).unwrap_err();
        assert!(error.message.contains("another program"), "{error}");
        assert_eq!(fs::read(at(name)).unwrap(), before);
    }
    let error = Store::open(&Location::sqlite(Path::new("/nowhere/at/all.db"))).unwrap_err();
    assert!(error.message.contains("cannot be created"), "{error}");
}

#[cfg(unix)]
#[test]
fn opening_to_read_neither_creates_a_store_nor_changes_a_file() {
    use std::os::unix::fs::OpenOptionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let location = Location::sqlite(&path);
    let error = Store::open_to_read(&location).map(drop).unwrap_err();
    assert!(error.message.contains("does not exist"), "{error}");
    assert!(!path.exists());
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    let error = Store::open_to_read(&location).map(drop).unwrap_err();
    assert!(error.message.contains("empty"), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    rusqlite::Connection::open(&path).unwrap().execute_batch("create table other (id integer)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = Store::open_to_read(&location).map(drop).unwrap_err();
    assert!(error.message.contains("another program"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

fn a_store_of_a_later_version_is_refused_by_name(backend: &Backend) {
    drop(backend.open());
    backend.run("insert into migration (version, name) values (99, 'later')");
    let error = Store::open(&backend.location).unwrap_err();
    assert!(error.message.contains("version 99"), "{error}");
}

#[test]
fn a_password_is_in_no_error_of_a_server_that_cannot_be_reached() {
    for url in ["postgres://ada:hunter2@127.0.0.1:1/kept", "postgres://ada:hunter2@127.0.0.1/kept?nonsense=hunter2"] {
        let location: Location = url.parse().unwrap();
        let error = Store::open(&location).unwrap_err();
        assert!(!format!("{error:?} {location:?}").contains("hunter2"), "{error:?}");
    }
}
