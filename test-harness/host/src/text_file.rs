//! Small text files written by an operator.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use connector_api::ConnectorError;
use connector_api::secrecy::SecretString;

/// No such file is larger.
const MAX_FILE: u64 = 1024 * 1024;

/// No file of a secret is larger.
const MAX_SECRET: u64 = 16 * 1024;

/// The variable in which a service manager names the folder of the secrets that it gives to the service alone.
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// Returns the folder in which a service manager provides secrets to this program alone, if there is one.
pub fn credentials_folder() -> Option<PathBuf> {
    std::env::var_os(CREDENTIALS_VARIABLE).map(PathBuf::from)
}

/// Reads the text of a file, which may contain a secret, without a byte order mark. A pipe is read to its end.
///
/// # Errors
/// `invalid_config` if it cannot be read or is not UTF-8 text.
pub fn read(path: &Path, what: &str) -> Result<SecretString, ConnectorError> {
    let file = File::open(path).map_err(|error| unreadable(path, what, &error))?;
    text(&file, MAX_FILE, path, what)
}

/// Reads the text of a file that contains a secret and that somebody else than the operator at the terminal may have named. It never
/// waits: only a regular file is read, and only one that is its owner's alone or is in `credentials`, the folder of
/// [`credentials_folder`].
///
/// # Errors
/// As for [`read`], and `invalid_config` for a pipe or a device, a file that others can use, or one of more than 16 KiB.
pub fn read_private(path: &Path, what: &str, credentials: Option<&Path>) -> Result<SecretString, ConnectorError> {
    let metadata = path.metadata().map_err(|error| unreadable(path, what, &error))?;
    // A device may do something as soon as it is opened.
    check_regular(&metadata, path, what)?;
    let file = open_at_once(path).map_err(|error| unreadable(path, what, &error))?;
    // By now, the name may be that of another file.
    let metadata = file.metadata().map_err(|error| unreadable(path, what, &error))?;
    check_regular(&metadata, path, what)?;
    let mode = mode(&metadata).filter(|mode| mode & 0o077 != 0);
    if let Some(mode) = mode.filter(|_| !is_in(path, credentials)) {
        return Err(ConnectorError::invalid_config(
            format!("other users can read or write the {what} {} (mode {mode:04o})", path.display()),
            format!("run: chmod 600 {}", path.display()),
        ));
    }
    text(&file, MAX_SECRET, path, what)
}

fn check_regular(metadata: &Metadata, path: &Path, what: &str) -> Result<(), ConnectorError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(ConnectorError::invalid_config(
        format!("the {what} {} is not a regular file", path.display()),
        "save the key or password in a file of its own and name that",
    ))
}

/// Opens a file without waiting for whoever is at its other end, and without taking over a terminal.
fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

fn unreadable(path: &Path, what: &str, why: &dyn std::fmt::Display) -> ConnectorError {
    // A missing file without an ending may be a key that was passed instead of a path.
    let name = if path.exists() || path.extension().is_some() { format!(" {}", path.display()) } else { String::new() };
    ConnectorError::invalid_config(
        format!("the {what}{name} cannot be read: {why}"),
        "check the path, and that this user can read it",
    )
}

/// The text of an open file of at most `most` bytes.
fn text(file: &File, most: u64, path: &Path, what: &str) -> Result<SecretString, ConnectorError> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, what, &error))?;
    if bytes.len() as u64 > most {
        return Err(unreadable(path, what, &"it is too large"));
    }
    let encoding =
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") { "UTF-16" } else { "not UTF-8" };
    let text = String::from_utf8(bytes).map_err(|_| {
        ConnectorError::invalid_config(
            format!("the {what} {} is {encoding} text", path.display()),
            "save it as UTF-8 text",
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).into())
}

/// A warning if users other than its owner can read a file that contains a secret. There is none for files in
/// `credentials`, the folder that a service manager provides to the service alone: the group bits there may be the mask of
/// an access list.
pub fn readable_by_others(path: &Path, what: &str, credentials: Option<&Path>) -> Option<ConnectorError> {
    if is_in(path, credentials) {
        return None;
    }
    let mode = mode(&path.metadata().ok().filter(Metadata::is_file)?)?;
    let who = match (mode & 0o040 != 0, mode & 0o004 != 0) {
        (false, false) => return None,
        (true, false) => "its group",
        (_, true) => "everybody on this machine",
    };
    Some(ConnectorError::invalid_config(
        format!("the {what} {} contains a secret and can be read by {who} (mode {mode:04o})", path.display()),
        format!("chmod 600 {}", path.display()),
    ))
}

fn is_in(path: &Path, folder: Option<&Path>) -> bool {
    folder.is_some_and(|folder| path.starts_with(folder))
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u32> {
    None
}
