//! How much more memory a scan takes that is kept.

use jumpcloud_simulator::{Simulator, SimulatorOptions};

use crate::bar::{Bar, Bound};
use crate::scan::{Scan, Scope};
use crate::{Result, Setup};

/// MiB that a store may add.
const MOST: f64 = 64.0;

pub(super) async fn measure(setup: &Setup, server: Option<&str>) -> Result<Vec<Bar>> {
    let (users, groups) = if setup.quick { (100_000, 2_000) } else { (1_000_000, 20_000) };
    let simulator = Simulator::start(SimulatorOptions { users, groups, ..SimulatorOptions::default() }).await?;
    let plain = setup.run(&Scan::of(&simulator, Scope::Core)).await?.usage.peak_mib();
    let folder = tempfile::tempdir()?;
    let file = format!("sqlite:{}", folder.path().join("store.db").display());
    let mut bars = vec![Bar::fact(format!("memory of a scan of {users} users without a store"), plain, "MiB")];
    for (name, url) in [("SQLite", Some(&*file)), ("PostgreSQL", server)] {
        let Some(url) = url else { continue };
        for which in ["first", "next"] {
            let kept = setup.run(&Scan::of(&simulator, Scope::Core).kept(url)).await?.usage.peak_mib();
            let name = format!("a store in {name} adds to the {which} scan");
            bars.push(Bar::new(name, kept - plain, MOST, "MiB", Bound::AtMost(1.0)));
        }
    }
    Ok(bars)
}
