//! Runs the built binary.
#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use jumpcloud_simulator::{Simulator, SimulatorOptions};
use serde_json::Value;

/// The variable that holds the key.
pub const PASSWORD_VARIABLE: &str = "ORBISID_CREDENTIAL_PASSWORD";

/// The binary with `arguments` and an environment that says nothing.
pub fn harness(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["RUST_LOG", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", PASSWORD_VARIABLE] {
        command.env_remove(variable);
    }
    for variable in ["ORBISID_STORE", "PGPASSFILE", "COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

/// A small organisation, and the command that scans it with `arguments`.
pub async fn small(options: SimulatorOptions) -> Simulator {
    Simulator::start(SimulatorOptions { users: 130, groups: 12, systems: 10, ..options }).await.unwrap()
}

/// The command that scans `simulator`.
pub fn scan(simulator: &Simulator, arguments: &[&str]) -> Command {
    let mut command = harness(["scan", "--hostname", &simulator.url()]);
    command.args(arguments).env(PASSWORD_VARIABLE, simulator.api_key());
    command
}

/// How a command ended, as text.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    command.output().unwrap().into()
}

impl Ended {
    /// Asserts exit code, error code and that its help says `help`, on one line each.
    #[track_caller]
    pub fn assert_error(&self, code: i32, error: &str, help: &str) {
        let line = |start: &str| self.stderr.lines().find(|line| line.starts_with(start));
        assert_eq!(self.code, code, "{self:?}");
        assert!(line(&format!("error[{error}]: ")).is_some(), "no error[{error}] in {self:?}");
        assert!(line("help: ").is_some_and(|line| line.contains(help)), "no help with {help:?} in {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }

    /// Asserts that no output holds the secret.
    #[track_caller]
    pub fn assert_hides(&self, secret: &str) {
        assert!(!self.stdout.contains(secret) && !self.stderr.contains(secret), "the key is in {self:?}");
    }
}

/// The rows of a file.
pub fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Rows as a file, whose summary counts them.
pub fn file_of(mut rows: Vec<Value>) -> String {
    let count = rows.len() - 1;
    let summary = rows.iter_mut().find(|row| row["record"] == "summary").unwrap();
    for (at, section) in summary["sections"].as_array_mut().unwrap().iter_mut().enumerate() {
        section["records"] = if at == 0 { count.into() } else { 0.into() };
    }
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// The names in a folder, sorted.
pub fn entries(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A process that does not outlive its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
