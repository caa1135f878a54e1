//! This very program, started again: what is printed shows from outside its process alone.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Output, Stdio};

use log::{LevelFilter, Log, Metadata, Record};

/// Set in a program that was started again.
const STARTED_AGAIN: &str = "CONFORMANCE_STARTED_AGAIN";

tokio::task_local! {
    /// How the program of the test that is running is started again.
    pub(super) static CURRENT: Rerun;
}

/// How this program is started again to run one test of the suite, and nothing else, in a process of its own.
#[derive(Debug, Clone)]
pub struct Rerun {
    arguments: Vec<OsString>,
}

impl Rerun {
    /// A program of the standard test runner, in which the function `name` of the module `module_path!()` runs the test.
    pub fn of_test(module: &str, name: &str) -> Self {
        // The runner's names begin below the crate.
        let path = match module.split_once("::") {
            Some((_, module)) => format!("{module}::{name}"),
            None => name.to_owned(),
        };
        Self { arguments: [&path, "--exact", "--nocapture", "--include-ignored"].map(OsString::from).into() }
    }

    /// A program that runs [`Report::of`](crate::Report::of) when it is started with the arguments that it has now.
    pub fn of_command() -> Self {
        Self { arguments: env::args_os().skip(1).collect() }
    }

    /// Starts it and waits for its end. It is stopped where nobody waits any longer.
    pub(super) async fn output(&self) -> io::Result<Output> {
        let mut command = tokio::process::Command::new(env::current_exe()?);
        command.args(&self.arguments).env(STARTED_AGAIN, "1").stdin(Stdio::null()).kill_on_drop(true).output().await
    }
}

/// Whether this program was started again.
pub(super) fn is_started_again() -> bool {
    env::var_os(STARTED_AGAIN).is_some()
}

/// Sends every record of the crate `log` to standard error, unless somebody else has it already.
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
