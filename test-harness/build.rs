//! Puts the commit into the version of a release build. Other builds, which are made again and again while something is
//! changed, do without: so a commit compiles nothing again.

use std::path::Path;
use std::process::Command;

/// The parts of the working copy of which the program is made, seen from its root.
const SOURCES: [&str; 4] = ["connector-api", "connector-jumpcloud", "test-harness", "Cargo.lock"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let origin = match std::env::var("PROFILE").as_deref() {
        Ok("release") => commit(),
        _ => Some("development build".to_owned()),
    };
    let long = origin.map_or_else(|| version.clone(), |origin| format!("{version} ({origin})"));
    println!("cargo::rustc-env=LONG_VERSION={long}");
}

/// The commit and its date as git knows them, if this file is one of a working copy's.
fn commit() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let root = git(&["rev-parse", "--show-toplevel"])?;
    let sources = SOURCES.map(|name| format!("{root}/{name}"));
    // What a commit, a checkout or a branch changes; in a linked worktree `.git` is a file, so git itself says where it is.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default();
    let moved = ["HEAD", "packed-refs", &branch].map(|name| git(&["rev-parse", "--git-path", name]));
    for path in sources.iter().chain(moved.iter().flatten()).filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
    let commit = git(&["show", "--no-patch", "--format=%h %cs", "HEAD"])?;
    let (hash, date) = commit.split_once(' ')?;
    let [api, jumpcloud, harness, lock] = &sources;
    let changes = git(&["status", "--porcelain", "--untracked-files=no", "--", api, jumpcloud, harness, lock])?;
    Some(format!("{hash}{}, {date}", if changes.is_empty() { "" } else { "-modified" }))
}

/// What git answers, where there is one and it does.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
