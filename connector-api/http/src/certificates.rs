//! The operator's file of certificates.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The maximum size of the file in bytes. All public authorities together take a quarter of a MiB.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Reads the certificates in a PEM file.
///
/// # Errors
/// Returns what is wrong, without the setting's name.
pub(super) fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    if path.as_os_str().is_empty() {
        return Err("the path is empty".to_owned());
    }
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("{shown} cannot be read: {error}");
    let metadata = fs::metadata(path).map_err(unreadable)?;
    // A pipe might never be written to, and a device might never end.
    if !metadata.is_file() {
        return Err(format!("{shown} is not a regular file"));
    }
    // Files in which the kernel reports events seem empty, and a reader of them waits for the next one.
    if metadata.len() == 0 {
        return Err(format!("{shown} is empty"));
    }
    let mut pem = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut pem)).map_err(unreadable)?;
    if pem.len() as u64 > LARGEST {
        return Err(format!("{shown} is larger than {} MiB", LARGEST / 1024 / 1024));
    }
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{shown} is not PEM: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn problem(path: &Path) -> String {
        read(path).unwrap_err()
    }

    #[test]
    fn only_a_regular_file_of_a_limited_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(problem(folder.path()).ends_with("is not a regular file"));
        assert!(problem(&folder.path().join("missing")).contains("missing cannot be read: "));
        let large = folder.path().join("large");
        File::create(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(problem(&large).ends_with("is larger than 8 MiB"));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_and_a_device_are_refused_without_waiting_for_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for endless in [&pipe, Path::new("/dev/zero")] {
            assert!(problem(endless).ends_with("is not a regular file"), "{}", endless.display());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_seems_empty_is_not_waited_for() {
        // Reading this one would not end before the next message of the kernel.
        assert!(problem(Path::new("/proc/kmsg")).ends_with("is empty"));
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert!(problem(empty.path()).ends_with("is empty"));
    }

    #[test]
    fn an_empty_path_is_named_as_such() {
        assert_eq!(problem(Path::new("")), "the path is empty");
    }
}
