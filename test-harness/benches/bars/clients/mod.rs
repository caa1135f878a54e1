//! Other clients to measure a scan by. Each runs in a process of its own, as a scan does, with the same allocator.

mod download;
mod lower_bound;
mod plain;
mod replay;
mod rows;
mod web;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use jumpcloud_simulator::Simulator;
use serde::{Deserialize, Serialize};

use super::Result;
use super::process::{self, Usage};
use web::Web;

/// How far one page starts behind the one before, as in a scan.
const STRIDE: u64 = 99;
/// Rows of a page.
const PAGE: u64 = 100;

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Downloads what a scan of the core sections reads, and drops it
    Download,
    /// Makes the rows of the core sections, without proof of completeness, evidence or order
    LowerBound,
    /// The same on one thread, where nothing is handed over to another
    LowerBoundOnOneThread,
    /// Reads users, groups and members as a simple client would
    Plain,
    /// Makes recorded requests again, parses the responses and drops them
    Replay,
}

/// What a client is to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Order {
    kind: Kind,
    url: String,
    /// Requests in flight at once
    concurrency: usize,
    /// The requests of a replay
    #[arg(long)]
    requests: Option<PathBuf>,
}

/// What a client did.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) requests: u64,
    /// Bytes of bodies, decompressed.
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) written_bytes: u64,
    pub(crate) seconds: f64,
}

/// A client's work, and what it took.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) usage: Usage,
    pub(crate) work: Work,
}

/// Runs a client in a process of its own.
pub(crate) async fn run(simulator: &Simulator, kind: Kind, concurrency: usize, requests: Option<&Path>) -> Result<Ran> {
    let name = kind.to_possible_value().ok_or("a client has no name")?;
    let mut arguments = vec!["client".into(), name.get_name().into(), simulator.url().into()];
    arguments.push(concurrency.to_string().into());
    if let Some(requests) = requests {
        arguments.extend(["--requests".into(), requests.into()]);
    }
    let usage = process::run(&std::env::current_exe()?, &arguments, simulator.api_key()).await?.expect(&[0])?;
    let work = serde_json::from_str(&usage.stdout)?;
    Ok(Ran { usage, work })
}

/// Does what a client is to do, and prints the work. The key is in the environment.
pub(crate) fn perform(order: &Order) -> Result<()> {
    let mut runtime = match order.kind {
        Kind::LowerBoundOnOneThread => tokio::runtime::Builder::new_current_thread(),
        // As in `harness`.
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.enable_all().build()?;
    let began = Instant::now();
    let web = Arc::new(Web::new(&order.url, order.concurrency)?);
    let written = runtime.block_on(async {
        match order.kind {
            Kind::Download => download::download(&web).await.map(|()| Written::default()),
            Kind::LowerBound | Kind::LowerBoundOnOneThread => lower_bound::scan(&web).await,
            Kind::Plain => plain::read(&web).await,
            Kind::Replay => replay::replay(&web, order.requests.as_deref()).await.map(|()| Written::default()),
        }
    })?;
    let work = Work {
        requests: web.requests(),
        bytes: web.bytes(),
        rows: written.rows,
        written_bytes: written.bytes,
        seconds: began.elapsed().as_secs_f64(),
    };
    println!("{}", serde_json::to_string(&work)?);
    Ok(())
}

/// The rows that a client made.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    rows: u64,
    bytes: u64,
}

/// Where the pages after the first of a list begin if each begins with the last row of the one before.
fn later_pages(total: u64) -> impl Iterator<Item = u64> {
    (1..).map(|page| page * STRIDE).take_while(move |skip| skip + 1 < total)
}
