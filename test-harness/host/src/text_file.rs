//! Small text files written by an operator.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use connector_api::ConnectorError;
use connector_api::secrecy::SecretString;

/// No such file is larger.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads the text of a file, which may contain a secret, without a byte order mark.
///
/// # Errors
/// `invalid_config` if it cannot be read or is not UTF-8 text.
pub fn read(path: &Path, what: &str) -> Result<SecretString, ConnectorError> {
    // A missing file without an ending may be a key that was passed instead of a path.
    let name = if path.exists() || path.extension().is_some() { format!(" {}", path.display()) } else { String::new() };
    let unreadable = |why: &dyn std::fmt::Display| {
        ConnectorError::invalid_config(
            format!("the {what}{name} cannot be read: {why}"),
            "check the path, and that this user can read it",
        )
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(unreadable(&"it is too large"));
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
    if credentials.is_some_and(|credentials| path.starts_with(credentials)) {
        return None;
    }
    let mode = mode(path)?;
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

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let file = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some(file.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}
