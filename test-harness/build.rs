//! Puts the commit into the version: of the working copy, or of the package that this is built from. Where neither is at hand,
//! the version stands by itself.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Of which files the program is made.
const SOURCES: [&str; 4] =
    [":(top,glob)**/src/**", ":(top,glob)**/Cargo.toml", ":(top)Cargo.lock", ":(top,glob)**/build.rs"];

fn main() {
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let long = match of_working_copy().or_else(of_package) {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    println!("cargo::rustc-env=LONG_VERSION={long}");
    println!("cargo::rerun-if-changed=build.rs");
}

/// The commit and its date as git knows them, if this file is one of a working copy's.
fn of_working_copy() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let listed = git(&[&["ls-files", "--full-name", "--"][..], &SOURCES].concat())?;
    let sources = listed.lines().map(|name| format!("{top}/{name}"));
    // What a commit, a checkout or a branch changes; in a linked worktree `.git` is a file, so git itself says where it is.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default();
    let moved = ["HEAD", "logs/HEAD", "packed-refs", &branch].map(|name| git(&["rev-parse", "--git-path", name]));
    for path in sources.chain(moved.into_iter().flatten()).filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
    let commit = git(&["show", "--no-patch", "--format=%h %cs", "HEAD"])?;
    let (hash, date) = commit.split_once(' ')?;
    let changes = git(&[&["status", "--porcelain", "--untracked-files=no", "--"][..], &SOURCES].concat())?;
    Some(format!("{hash}{}, {date}", if changes.is_empty() { "" } else { "-modified" }))
}

/// The commit that `cargo package` wrote down.
fn of_package() -> Option<String> {
    let info = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = info.split_once("\"sha1\": \"")?;
    let hash = rest.get(..9).filter(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some(format!("{hash}{}", if info.contains("\"dirty\": true") { "-modified" } else { "" }))
}

/// What git answers, where there is one and it does.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
