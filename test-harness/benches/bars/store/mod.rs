//! Scans that are kept: what a store costs, in time, space and memory, and how fast it answers.
//!
//! PostgreSQL is measured with a server of this program's own, made as the tests make theirs.

#[cfg(feature = "postgres")]
mod baseline;
#[cfg(feature = "postgres")]
#[allow(clippy::unwrap_used, dead_code, reason = "it belongs to the tests of the store")]
#[path = "../../../store/tests/store/cluster.rs"]
pub(super) mod cluster;
mod distinct;
mod file;
mod memory;
pub(crate) mod organisation;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "postgres")]
mod year;

use super::bar::Bar;
use super::{Result, Setup};

pub(crate) use self::distinct::keep_distinct;
pub(crate) use self::organisation::Organisation;

/// The server looks for dead rows every second, not every minute: here a scan follows the other at once.
#[cfg(feature = "postgres")]
const SETTINGS: &str = "autovacuum_naptime = 1s\n";

/// What a scan that is kept takes, and how fast questions are answered.
pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let quick = setup.quick;
    let mut bars = tokio::task::spawn_blocking(move || file::measure(if quick { 20_000 } else { 100_000 })).await??;
    #[cfg(feature = "postgres")]
    bars.extend(on_server(move |cluster| server::measure(cluster, if quick { 100_000 } else { 1_000_000 })).await?);
    Ok(bars)
}

/// The size of a year of scans.
pub(crate) async fn measure_year(setup: &Setup) -> Result<Vec<Bar>> {
    let users = if setup.quick { 2_000 } else { 10_000 };
    #[cfg(feature = "postgres")]
    return on_server(move |cluster| year::measure(cluster, users)).await;
    #[cfg(not(feature = "postgres"))]
    Err(format!("a year of {users} users is measured in PostgreSQL: use the feature `postgres`").into())
}

/// How much more memory a scan takes that is kept.
pub(crate) async fn measure_memory(setup: &Setup) -> Result<Vec<Bar>> {
    #[cfg(feature = "postgres")]
    if let Some(cluster) = tokio::task::spawn_blocking(|| cluster::Cluster::start_with(5432, SETTINGS, &[])).await? {
        cluster.create("memory");
        let bars = memory::measure(setup, Some(&cluster.url("memory"))).await;
        // It waits for the server, which must not happen on a thread of the runtime.
        tokio::task::spawn_blocking(move || drop(cluster)).await?;
        return bars;
    }
    memory::measure(setup, None).await
}

/// Measures on a server of this program's own; nothing where its programs are not installed.
#[cfg(feature = "postgres")]
async fn on_server(measure: impl FnOnce(&cluster::Cluster) -> Result<Vec<Bar>> + Send + 'static) -> Result<Vec<Bar>> {
    tokio::task::spawn_blocking(move || match cluster::Cluster::start_with(5432, SETTINGS, &[]) {
        Some(cluster) => measure(&cluster),
        None => {
            eprintln!("  skipped: PostgreSQL, because its server is not installed");
            Ok(Vec::new())
        }
    })
    .await?
}
