//! Starting this program again: what it prints can only be seen from outside its process.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Output, Stdio};

use log::{LevelFilter, Log, Metadata, Record};

/// The environment variable that is set in a program that was started again.
const STARTED_AGAIN: &str = "CONFORMANCE_STARTED_AGAIN";

tokio::task_local! {
    /// How to start the program of the running test again.
    pub(super) static CURRENT: Rerun;
}

/// How to start this program again in a separate process, to run just one test of the suite.
#[derive(Debug, Clone)]
pub struct Rerun {
    arguments: Vec<OsString>,
}

impl Rerun {
    /// Starts the standard test runner with the function `name` of the module `module_path!()` only.
    pub fn of_test(module: &str, name: &str) -> Self {
        // The runner's test names do not contain the crate.
        let path = match module.split_once("::") {
            Some((_, module)) => format!("{module}::{name}"),
            None => name.to_owned(),
        };
        Self { arguments: [&path, "--exact", "--nocapture", "--include-ignored"].map(OsString::from).into() }
    }

    /// Starts a program that calls [`Report::of`](crate::Report::of), with the same arguments as this one.
    pub fn of_command() -> Self {
        Self { arguments: env::args_os().skip(1).collect() }
    }

    /// Starts the program and waits for its end. Stops it if nobody waits any longer.
    pub(super) async fn output(&self) -> io::Result<Output> {
        let mut command = tokio::process::Command::new(env::current_exe()?);
        command.args(&self.arguments).env(STARTED_AGAIN, "1").stdin(Stdio::null()).kill_on_drop(true).output().await
    }
}

/// Returns whether this program was started again.
pub(super) fn is_started_again() -> bool {
    env::var_os(STARTED_AGAIN).is_some()
}

/// Sends every record of the crate `log` to standard error, unless there is another logger.
pub(super) fn print_log() {
    if log::set_logger(&ToStandardError).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}

struct ToStandardError;

impl Log for ToStandardError {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let _ = writeln!(io::stderr(), "{} {}: {}", record.level(), record.target(), record.args());
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_started_by_its_path_below_the_crate() {
        let path = |module, name| Rerun::of_test(module, name).arguments.into_iter().next();
        assert_eq!(path("catches::a_sound_connector", "it_works"), Some("a_sound_connector::it_works".into()));
        assert_eq!(path("conformance", "it_works"), Some("it_works".into()));
    }
}
