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

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let quick = setup.quick;
    let mut bars = tokio::task::spawn_blocking(move || file::measure(if quick { 20_000 } else { 100_000 })).await??;
    bars.extend(of_server(setup).await?);
    Ok(bars)
}

#[cfg(not(feature = "postgres"))]
async fn of_server(setup: &Setup) -> Result<Vec<Bar>> {
    eprintln!("  skipped: PostgreSQL, because this program was built without the feature `postgres`");
    memory::measure(setup, None).await
}

#[cfg(feature = "postgres")]
async fn of_server(setup: &Setup) -> Result<Vec<Bar>> {
    let quick = setup.quick;
    let measured = tokio::task::spawn_blocking(move || -> Result<_> {
        let Some(cluster) = cluster::Cluster::start_with(5432, SETTINGS, &[]) else { return Ok(None) };
        let mut bars = server::measure(&cluster, if quick { 100_000 } else { 1_000_000 })?;
        bars.extend(year::measure(&cluster, if quick { 2_000 } else { 10_000 })?);
        cluster.create("memory");
        Ok(Some((cluster, bars)))
    });
    let Some((cluster, mut bars)) = measured.await?? else {
        eprintln!("  skipped: PostgreSQL, because its server is not installed");
        return memory::measure(setup, None).await;
    };
    bars.extend(memory::measure(setup, Some(&cluster.url("memory"))).await?);
    // It waits for the server, which must not happen on a thread of the runtime.
    tokio::task::spawn_blocking(move || drop(cluster)).await?;
    Ok(bars)
}
