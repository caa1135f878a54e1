//! The performance bars of the connector, measured end to end: this program is the simulator, and a second process scans
//! it. See `cargo bench -p test-harness --bench bars -- --help`; `docs/performance.md` explains each bar.

mod bar;
mod bare;
mod cpu;
mod memory;
mod pace;
mod process;
mod requests;
mod scan;
mod startup;
mod wall;

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use bar::Bar;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures the bars and prints them as a table.
#[derive(Debug, Parser)]
#[command(name = "bars")]
struct Arguments {
    /// Measure small organisations: seconds instead of minutes
    #[arg(long)]
    quick: bool,
    /// Write the bars to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure only these; can be repeated
    #[arg(long, value_name = "BAR", value_enum)]
    only: Vec<Group>,
    /// Scan with this `harness` instead of the one just built
    #[arg(long, value_name = "PROGRAM", default_value = env!("CARGO_BIN_EXE_harness"))]
    harness: PathBuf,
    /// What `cargo bench` says; without it nothing is measured
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What this program does in the processes that it starts.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
enum Part {
    /// Runs a command and prints what it took
    #[command(hide = true)]
    Measure {
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<OsString>,
    },
    /// Downloads what a scan of the core sections reads, and looks at nothing
    #[command(hide = true)]
    Download {
        url: String,
        concurrency: usize,
        #[arg(long)]
        read_and_write: bool,
    },
}

/// Bars that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    Requests,
    Wall,
    Pace,
    Cpu,
    Memory,
    Startup,
}

/// What the bars are measured with.
struct Setup {
    quick: bool,
    harness: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::Measure { command }) => return process::measure(&command),
        Some(Part::Download { url, concurrency, read_and_write }) => {
            let then = if read_and_write { bare::Then::ReadAndWrite } else { bare::Then::Forget };
            return bare::download(&url, concurrency, then).await;
        }
        // `cargo test --all-targets` runs benchmarks, too.
        None if !arguments.bench => return Ok(()),
        None => {}
    }
    let setup = Setup { quick: arguments.quick, harness: arguments.harness };
    let mut bars: Vec<Bar> = Vec::new();
    for group in Group::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(group) {
            continue;
        }
        eprintln!("measuring {group:?} …");
        bars.extend(match group {
            Group::Requests => requests::measure(&setup).await?,
            Group::Wall => wall::measure(&setup).await?,
            Group::Pace => pace::measure(&setup).await?,
            Group::Cpu => cpu::measure(&setup).await?,
            Group::Memory => memory::measure(&setup).await?,
            Group::Startup => startup::measure(&setup)?,
        });
    }
    bar::print(&bars);
    if let Some(path) = arguments.json {
        std::fs::write(path, serde_json::to_vec_pretty(&bars)?)?;
    }
    Ok(())
}
