//! The performance bars of the connector, measured end to end: this program is the simulator, and a second process scans
//! it. See `cargo bench -p test-harness --bench bars -- --help`; `docs/performance.md` explains each bar.

mod bar;
mod clients;
mod concurrency;
mod console;
mod cpu;
mod exports;
#[cfg(feature = "postgres")]
mod fleet;
mod large;
mod memory;
mod modes;
mod pace;
mod process;
mod requests;
mod scan;
mod startup;
mod store;
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
    /// Does what a client does that a scan is compared with
    #[command(hide = true)]
    Client(clients::Order),
}

/// Bars that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    Requests,
    Wall,
    Concurrency,
    Pace,
    Cpu,
    Modes,
    Large,
    Memory,
    Startup,
    Store,
    StoreYear,
    StoreMemory,
    Console,
    Exports,
    #[cfg(feature = "postgres")]
    Fleet,
}

/// What the bars are measured with.
struct Setup {
    quick: bool,
    harness: PathBuf,
}

/// The middle one, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let (lower, upper) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    (values[lower] + values[upper]) / 2.0
}

/// As in `harness`: the clients that a scan is compared with get no slower allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::Measure { command }) => process::measure(&command),
        Some(Part::Client(order)) => clients::perform(&order),
        // `cargo test --all-targets` runs benchmarks, too.
        None if !arguments.bench => Ok(()),
        None => tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(arguments)),
    }
}

async fn measure(arguments: Arguments) -> Result<()> {
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
            Group::Concurrency => concurrency::measure(&setup).await?,
            Group::Pace => pace::measure(&setup).await?,
            Group::Cpu => cpu::measure(&setup).await?,
            Group::Modes => modes::measure(&setup).await?,
            Group::Large => large::measure(&setup).await?,
            Group::Memory => memory::measure(&setup).await?,
            Group::Startup => startup::measure(&setup)?,
            Group::Store => store::measure(&setup).await?,
            Group::StoreYear => store::measure_year(&setup).await?,
            Group::StoreMemory => store::measure_memory(&setup).await?,
            Group::Console => console::measure(&setup).await?,
            Group::Exports => exports::measure(&setup).await?,
            #[cfg(feature = "postgres")]
            Group::Fleet => fleet::measure(&setup).await?,
        });
    }
    bar::print(&bars);
    if let Some(path) = arguments.json {
        std::fs::write(path, serde_json::to_vec_pretty(&bars)?)?;
    }
    Ok(())
}
