//! A year of daily scans, simulated with a small organisation: all of its 366 scans are kept.

use connector_store::{Location, Store};

use super::cluster::Cluster;
use super::organisation::{DAY, Organisation};
use super::server;
use crate::Result;
use crate::bar::{Bar, Bound};

/// Days after the first scan.
const DAYS: u32 = 365;
/// The organisation that the bar is about.
const USERS: f64 = 1e6;
/// Bytes of its memberships and bindings after a year.
const MOST: f64 = 1.5e9;

/// The server removes dead rows as it does by default, except that it looks for them every second: a day takes about as long
/// here.
pub(super) const SETTINGS: &str = "autovacuum_naptime = 1s\n";

pub(super) fn measure(cluster: &Cluster, users: u32) -> Result<Vec<Bar>> {
    cluster.create("year");
    let url = cluster.url("year");
    let location: Location = url.parse()?;
    Store::open(&location)?;
    let organisation = Organisation { users };
    for day in 0..=DAYS {
        // Half of what a day changes: an edge that is gone and the one that is new instead are two.
        organisation.keep(&location, day * DAY / 2)?;
    }
    let scale = USERS / f64::from(users);
    let edges = server::bytes(&url, &["membership_version", "binding_version", "membership_name"])? * scale;
    let objects = server::bytes(&url, &["object", "account_version", "group_version", "resource_version"])? * scale;
    let name = format!("a year of memberships and bindings, of {users} users times {scale}");
    Ok(vec![
        Bar::new(name, edges / 1e9, MOST / 1e9, "GB", Bound::AtMost(1.0)),
        Bar::fact("a year of accounts, groups and devices of the same", objects / 1e9, "GB"),
    ])
}
