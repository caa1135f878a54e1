//! Keys and passwords from files and variables: anything that is not part of the secret is detected before it is sent.

use std::path::Path;

use connector_api::secrecy::{ExposeSecret, SecretString};
use connector_api::{ConnectorError, ErrorCode};

use super::text_file;

/// Names that precede a key in a header or an assignment, in lower case and without separators.
const INTRODUCTIONS: [&str; 12] = [
    "xapikey",
    "apikey",
    "key",
    "authorization",
    "bearer",
    "token",
    "password",
    "secret",
    "clientsecret",
    "credentialpassword",
    "jumpcloudapikey",
    "orbisidcredentialpassword",
];

/// What a file with a secret is called.
const WHAT: &str = "password file";

/// Reads a secret from a file that the operator names on the command line, which may be a pipe. A byte order mark at the start and
/// line ends at the end are not part of it.
///
/// # Errors
/// `invalid_config` if the file cannot be read, is empty, or [contains something else](check).
pub fn read_secret(path: &Path) -> Result<SecretString, ConnectorError> {
    secret_of(path, text_file::read(path, WHAT))
}

/// Reads a secret from a file that a form or a stored system names, as [`read_secret`]; but it has to be a regular file of at most
/// 16 KiB that only its owner can use, or that a service manager provides.
///
/// # Errors
/// As for [`read_secret`], and `invalid_config` for any other file.
pub fn read_private_secret(path: &Path) -> Result<SecretString, ConnectorError> {
    secret_of(path, text_file::read_private(path, WHAT, text_file::credentials_folder().as_deref()))
}

/// The secret that is the text of a file.
fn secret_of(path: &Path, text: Result<SecretString, ConnectorError>) -> Result<SecretString, ConnectorError> {
    let text = text.map_err(|error| match path.exists() {
        true => error,
        // The path may be the secret itself.
        false => ConnectorError::invalid_config(
            "the file with the key or password does not exist",
            "save the key or password in a file and pass the file's name, never the key itself",
        ),
    })?;
    let secret = SecretString::from(text.expose_secret().trim_end_matches(['\n', '\r']));
    check(&secret, &format!("the password file {}", path.display()))?;
    if secret.expose_secret().is_empty() {
        return Err(ConnectorError::invalid_config(
            format!("the password file {} is empty", path.display()),
            "save only the key or password in it",
        ));
    }
    Ok(secret)
}

/// Refuses a text that is more than a secret: in quotes, with invisible characters, or after the name of a header.
///
/// # Errors
/// `invalid_config`, which names `place` and the problem, never the content.
pub fn check(secret: &SecretString, place: &str) -> Result<(), ConnectorError> {
    match foreign_part(secret.expose_secret()) {
        None => Ok(()),
        Some(what) => Err(ConnectorError::new(
            ErrorCode::InvalidConfig,
            format!("{place} contains {what}"),
            "save only the key or password, exactly as it was displayed, as UTF-8 text",
        )),
    }
}

/// The part of a text that cannot belong to a secret.
fn foreign_part(text: &str) -> Option<String> {
    if text.contains('\0') {
        return Some("NUL characters, as UTF-16 text does".to_owned());
    }
    if text.contains(['\n', '\r']) {
        return Some("more than one line".to_owned());
    }
    if let Some(c) = text.chars().find(|c| is_unseen(*c)) {
        return Some(format!("an invisible character (U+{:04X})", u32::from(c)));
    }
    let quoted = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('„', '“'), ('‘', '’'), ('«', '»')];
    let is_quoted =
        |(open, close): (char, char)| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some();
    if quoted.into_iter().any(is_quoted) {
        return Some("quotes around the key".to_owned());
    }
    introduction(text).map(|name| format!("`{name}` before the key"))
}

/// Whether a character is invisible; a space is not counted.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || c != ' ' && c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The name of a header or variable, if a value follows it: `x-api-key` of `x-api-key: KEY`.
fn introduction(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let assigned = text.strip_prefix("export ").unwrap_or(text);
    let end = assigned.find([':', '=', ' '])?;
    let (name, rest) = assigned.split_at(end);
    let word: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let known = INTRODUCTIONS.contains(&word.as_str());
    let parted = word == "bearer" || rest.trim_start().starts_with([':', '=']);
    let follows = !rest.trim_start_matches([':', '=', ' ']).is_empty();
    (known && parted && follows).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    const KEY: &str = "5f3ac2hunter2";

    fn read(bytes: &[u8]) -> Result<String, ConnectorError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, bytes).unwrap();
        read_secret(&path).map(|secret| secret.expose_secret().to_owned())
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_byte_order_mark_and_line_ends_are_not_part_of_a_secret() {
        for text in ["KEY", "KEY\n", "KEY\r\n", "KEY\n\n", "\u{feff}KEY", "\u{feff}KEY\r\n"] {
            assert_eq!(read(text.replace("KEY", KEY).as_bytes()).unwrap(), KEY, "{text:?}");
        }
        for odd in [" k ", "a b", "k=", "key=", "a:b", "it's", "\"", "pass\"word", "keyhole=1", "a=b=c", "schlüssel"] {
            assert_eq!(read(odd.as_bytes()).unwrap(), odd);
        }
    }

    #[test]
    fn whatever_else_a_file_holds_is_named_and_the_secret_is_not_repeated() {
        for (text, why) in [
            ("\"{}\"", "quotes"),
            ("'{}'", "quotes"),
            ("“{}”", "quotes"),
            ("{}\u{a0}", "U+00A0"),
            ("\u{200b}{}", "U+200B"),
            ("5f\u{200d}{}", "U+200D"),
            ("\u{feff}\u{feff}{}", "U+FEFF"),
            ("{}\u{2028}", "U+2028"),
            ("{}\t", "U+0009"),
            ("{}\n{}", "more than one line"),
            ("x-api-key: {}", "`x-api-key` before"),
            ("X-API-KEY:{}", "`X-API-KEY` before"),
            ("Authorization: Bearer {}", "`Authorization` before"),
            ("Bearer {}", "`Bearer` before"),
            ("export ORBISID_CREDENTIAL_PASSWORD={}", "`ORBISID_CREDENTIAL_PASSWORD` before"),
            ("JUMPCLOUD_API_KEY = {}", "`JUMPCLOUD_API_KEY` before"),
            ("", "empty"),
            ("\n", "empty"),
            ("\u{feff}", "empty"),
        ] {
            let error = read(text.replace("{}", KEY).as_bytes()).unwrap_err();
            assert!(error.code == ErrorCode::InvalidConfig && error.message.contains(why), "{text:?}: {error:?}");
            assert!(!format!("{error:?}").contains(KEY), "{error:?}");
        }
        for bytes in [
            utf16("\u{feff}5f3ac2", u16::to_le_bytes),
            utf16("\u{feff}5f3ac2", u16::to_be_bytes),
            utf16("5f3ac2", u16::to_le_bytes),
            utf16("5f3ac2", u16::to_be_bytes),
        ] {
            let error = read(&bytes).unwrap_err();
            assert!(error.message.contains("UTF-16"), "{error}");
        }
        assert!(read(b"\xff\xe9").unwrap_err().message.contains("UTF-8"));
    }

    #[test]
    fn a_secret_in_place_of_its_file_is_not_repeated() {
        let error = read_secret(Path::new(KEY)).unwrap_err();
        assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_a_form_names_is_regular_private_and_small_and_nobody_waits_for_another() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let refused = |path: &Path| read_private_secret(path).unwrap_err();
        let pipe = at("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for endless in [pipe.as_path(), Path::new("/dev/ptmx"), Path::new("/dev/zero"), folder.path()] {
            let error = refused(endless);
            assert!(error.message.ends_with("is not a regular file"), "{}: {error}", endless.display());
        }
        let key = at("key");
        fs::write(&key, KEY).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            let error = refused(&key);
            assert!(error.message.contains(&format!("(mode {mode:04o})")), "{error}");
            assert_eq!(error.remedy, format!("run: chmod 600 {}", key.display()));
            // A service manager shows the mask of an access list in these bits.
            text_file::read_private(&key, WHAT, Some(folder.path())).unwrap();
        }
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_private_secret(&key).unwrap().expose_secret(), KEY);
        fs::write(&key, "k".repeat(16 * 1024 + 1)).unwrap();
        assert!(refused(&key).message.ends_with("it is too large"));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_the_command_line_names_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::thread::scope(|scope| {
            scope.spawn(|| fs::write(&pipe, KEY).unwrap());
            assert_eq!(read_secret(&pipe).unwrap().expose_secret(), KEY);
        });
    }
}
