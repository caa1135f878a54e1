//! `harness`: the reference host's command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use test_harness::cli::conformance;

/// The bench on which connectors are proven
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the conformance suite against a connector
    Conformance(conformance::Arguments),
}

fn main() -> ExitCode {
    let Command::Conformance(arguments) = Cli::parse().command;
    arguments.run().unwrap_or_else(|error| {
        eprintln!("error[{}]: {}\nhelp: {}", error.code, error.message, error.remedy);
        ExitCode::from(2)
    })
}
