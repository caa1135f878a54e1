//! The command line: arguments in, exit code out. Everything else is the [`host`](connector_host)'s.

mod arguments;
mod colour;
mod completions;
mod conformance;
mod connectors;
mod describe;
mod diff;
mod exit;
mod export;
mod findings;
mod fixtures;
#[cfg(feature = "postgres")]
mod fleet;
mod history;
mod listening;
mod logging;
mod maintenance;
mod man;
mod name;
mod paragraph;
mod print;
mod reach;
mod report;
mod sanitize;
mod scan;
mod schema;
mod screen;
mod serve;
mod setting;
mod signals;
mod simulate;
mod store;
mod summary;
mod table;
mod target;
mod test_connection;

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use connector_api::{ConnectorError, Registry};

use self::exit::Exit;

/// The reference host for OrbisID connectors: finds the connectors that are compiled in, tests connections and scans.
#[derive(Debug, Parser)]
#[command(name = "harness", version, long_version = env!("LONG_VERSION"), max_term_width = 100, arg_required_else_help = true, after_long_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  harness scan --demo                                     scan a simulated organisation
  harness connectors                                      list the compiled-in connectors
  harness test-connection --hostname console.jumpcloud.com --password-file key.txt
  harness scan --hostname console.jumpcloud.com --password-file key.txt --output scan.ndjson
  harness scan --system hq.toml --store sqlite:history.db
  harness diff --store sqlite:history.db

Exit codes:
  0    complete
  1    the scan or the check failed
  2    wrong usage or configuration, or a checkpoint that is refused
  3    core sections complete, an optional section not
  4    the scan was held, because it would remove too much from the store
  5    there are findings at or above --fail-on
  130  cancelled";

#[derive(Debug, Subcommand)]
enum Command {
    /// List the connectors that are compiled in
    Connectors(connectors::Arguments),
    /// Show a connector's sections, permissions, evidence, attributes and troubleshooting
    Describe(describe::Arguments),
    /// Print the JSON Schema of a connector's attributes, or of the rows
    Schema(schema::Arguments),
    /// Check the network, TLS, the credential and the core sections
    TestConnection(test_connection::Arguments),
    /// Scan a system: accounts, groups, memberships, resources and grants
    Scan(Box<scan::Arguments>),
    /// List the scans that are kept: when, outcome, what changed, what is held
    History(history::Arguments),
    /// Take over a scan that was held because it would remove too much
    Accept(history::AcceptArguments),
    /// Show what changed between two scans that are kept
    Diff(diff::Arguments),
    /// Show what an account reaches, and by which ways
    Why(reach::WhyArguments),
    /// Show who reaches a resource, or something through a group: how strongly, and by which ways
    Who(reach::WhoArguments),
    /// List the evidence of privilege and risk, with severity, remedy, and since when
    Findings(findings::Arguments),
    /// Write the rows of a run that is kept, in one of several formats
    Export(export::Arguments),
    /// Write the rows of a run without names, addresses, ids and texts, for a support case
    Sanitize(sanitize::Arguments),
    /// Remove old runs, a system or a person from a store, or copy a store
    Store(maintenance::Arguments),
    /// Write the pages of one system into one HTML file
    Report(report::Arguments),
    /// Scan many systems with many workers, by schedules, into one store
    #[cfg(feature = "postgres")]
    Fleet(fleet::Arguments),
    /// Serve a page on this machine: systems, privileged accounts, who reaches what and why, changes
    Serve(serve::Arguments),
    /// Run a simulated JumpCloud console on this machine
    Simulate(simulate::Arguments),
    /// Run the conformance suite against a connector
    Conformance(conformance::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
    /// Print the manual page, or write the pages of all commands
    Man(man::Arguments),
}

/// Runs the program: what `main` does.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(|defect| {
        // The location only: the message may contain a secret.
        let place = defect.location().map_or_else(String::new, |location| format!(" at {location}"));
        print::note(format_args!("internal error{place}"));
    }));
    let exit = panic::catch_unwind(|| run(std::env::args_os())).unwrap_or_else(|_| {
        print::error(&ConnectorError::internal("the program crashed"));
        Exit::Failed
    });
    exit.into()
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    match arguments::parse::<Cli>(arguments).and_then(dispatch) {
        Ok(exit) => exit,
        Err(error) => {
            print::error(&error);
            Exit::from(&error)
        }
    }
}

fn dispatch(parsed: arguments::Parsed<Cli>) -> Result<Exit, ConnectorError> {
    let command = match parsed {
        arguments::Parsed::Arguments(cli) => cli.command,
        arguments::Parsed::Text(text) => return print::text(&text).map(|()| Exit::Complete),
    };
    match command {
        Command::Connectors(arguments) => arguments.run(&Registry::discover()?),
        Command::Describe(arguments) => arguments.run(&Registry::discover()?),
        Command::Schema(arguments) => arguments.run(&Registry::discover()?),
        Command::TestConnection(arguments) => block_on(arguments.run(Registry::discover()?)),
        Command::Scan(arguments) => block_on(arguments.run(Registry::discover()?)),
        Command::History(arguments) => arguments.run(),
        Command::Accept(arguments) => arguments.run(),
        Command::Diff(arguments) => arguments.run(),
        Command::Why(arguments) => arguments.run(),
        Command::Who(arguments) => arguments.run(),
        Command::Findings(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run(Registry::discover()?),
        Command::Sanitize(arguments) => arguments.run(&Registry::discover()?),
        Command::Store(arguments) => arguments.run(),
        Command::Report(arguments) => block_on(arguments.run(Registry::discover()?)),
        #[cfg(feature = "postgres")]
        Command::Fleet(arguments) => block_on(arguments.run(Registry::discover()?)),
        Command::Serve(arguments) => block_on(arguments.run(Registry::discover()?)),
        Command::Simulate(arguments) => block_on(arguments.run()),
        Command::Conformance(arguments) => arguments.run(),
        Command::Completions(arguments) => arguments.run(),
        Command::Man(arguments) => arguments.run(),
    }
}

/// Runs a command on the runtime's own threads: a thread of its own would have to be woken for every page.
fn block_on<T: Send + 'static>(
    work: impl Future<Output = Result<T, ConnectorError>> + Send + 'static,
) -> Result<T, ConnectorError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ConnectorError::internal(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(runtime.spawn(work)).unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => panic::resume_unwind(panic),
        Err(error) => Err(ConnectorError::internal(format!("the command did not end: {error}"))),
    });
    // A thread that hangs in a write must not keep the program from ending.
    runtime.shutdown_background();
    result
}
