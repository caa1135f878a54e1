//! What not every machine has: a test that needs it is skipped where it is missing, and says so.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Set to 1 where a real part that is missing is a failure.
const REQUIRED: &str = "REQUIRE_REAL_PARTS";

/// The skipped tests of this process.
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Says that the current test is skipped, on the real standard error: the test runner shows no output of tests that pass.
fn skipped(missing: &str) {
    let number = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "skipped ({number}): {test}: {missing}");
}

/// Reference data, which is no part of the project: its absence never fails.
pub fn reference(path: &str) -> Option<Vec<u8>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|folder| folder.join("Cargo.lock").exists());
    let bytes = workspace.and_then(|workspace| std::fs::read(workspace.join("../shared").join(path)).ok());
    if bytes.is_none() {
        skipped(&format!("no reference data {path}"));
    }
    bytes
}

/// A program that users have, by its name in `PATH`: a real part.
#[track_caller]
pub fn program(name: &str) -> Option<PathBuf> {
    let found = optional_program(name);
    let required = std::env::var_os(REQUIRED).is_some_and(|value| value == "1");
    assert!(found.is_some() || !required, "{name} is not installed, and {REQUIRED}=1");
    found
}

/// A program that not every user has: its absence never fails.
pub fn optional_program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skipped(&format!("no {name} in PATH"));
    }
    found
}
