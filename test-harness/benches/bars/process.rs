//! What a process uses: time, processor, memory.
//!
//! The system reports the usage of a process only to its parent, and only summed up over all of the parent's children. So
//! a measured process gets a parent with no other child: this program again, as `measure`.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

use super::Result;

/// What a process took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    /// User and system time of all its threads.
    pub(crate) processor: Duration,
    /// The most memory that was resident, in KiB.
    pub(crate) peak_kib: u64,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Usage {
    pub(crate) fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }

    /// # Errors
    /// When the process did not end with one of `codes`.
    pub(crate) fn expect(self, codes: &[i32]) -> Result<Self> {
        match self.code {
            Some(code) if codes.contains(&code) => Ok(self),
            code => Err(format!("a measured process ended with {code:?}: {}{}", self.stdout, self.stderr).into()),
        }
    }
}

/// Runs a command to its end and prints what it took as JSON. This process must have had no child before.
pub(crate) fn measure(command: &[OsString]) -> Result<()> {
    let [program, arguments @ ..] = command else { return Err("there is no command".into()) };
    let began = Instant::now();
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    let wall = began.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
    let usage = Usage {
        wall,
        processor: Duration::from_micros(microseconds.try_into()?),
        peak_kib: usage.max_rss().try_into()?,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    println!("{}", serde_json::to_string(&usage)?);
    Ok(())
}

/// Runs a program in a process of its own and returns what it used. The program gets `key` in its environment.
pub(crate) async fn run(program: &Path, arguments: &[OsString], key: &str) -> Result<Usage> {
    let measured = tokio::process::Command::new(std::env::current_exe()?)
        .args(["measure", "--"])
        .arg(program)
        .args(arguments)
        .env("ORBISID_CREDENTIAL_PASSWORD", key)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    Ok(serde_json::from_slice(&measured.stdout)?)
}
