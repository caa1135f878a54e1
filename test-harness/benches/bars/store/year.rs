//! A year of daily scans, simulated with a small organisation: all of its 366 scans are kept.
//!
//! Here a day takes a second, and autovacuum would come at any moment of it, or too late. So it is turned off for the tables
//! that are measured, and each day ends with what it does: a vacuum of those that have as many dead rows as it waits for.

use connector_store::{Location, Store};
use postgres::{Client, NoTls};

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

const EDGES: [&str; 3] = ["membership_version", "binding_version", "membership_name"];
/// Dead rows that autovacuum waits for, by the server's default.
const THRESHOLD: f64 = 50.0;
/// In addition, a share of all rows: the setting of the tables of edges, and the server's default. Of other tables, no version
/// ends.
const ENDING: [(&str, f64); 3] = [("membership_version", 0.02), ("binding_version", 0.02), ("account_version", 0.2)];

pub(super) fn measure(cluster: &Cluster, users: u32) -> Result<Vec<Bar>> {
    let scale = USERS / f64::from(users);
    let of = format!("of {users} users times {scale}");
    // A day changes one edge in 200: one that is gone and the one that is new instead are two.
    let (edges, objects) = year(cluster, "year", Organisation { users }, DAY / 2)?;
    let (twice, _) = year(cluster, "year_of_more", Organisation { users }, DAY)?;
    let [edges, objects, twice] = [edges, objects, twice].map(|bytes| bytes * scale / 1e9);
    let name = format!("a year of memberships and bindings, {of}");
    Ok(vec![
        Bar::new(name, edges, MOST / 1e9, "GB", Bound::AtMost(1.0)),
        Bar::fact("the same if one in 200 is gone and as many are new each day", twice, "GB"),
        Bar::fact("a year of accounts, groups and devices of the same", objects, "GB"),
    ])
}

/// Keeps the scans of a year, `step` tenths of a day apart. Returns the bytes of edges and of objects.
fn year(cluster: &Cluster, database: &str, organisation: Organisation, step: u32) -> Result<(f64, f64)> {
    cluster.create(database);
    let url = cluster.url(database);
    let location: Location = url.parse()?;
    Store::open(&location)?;
    let mut client = Client::connect(&url, NoTls)?;
    for (table, _) in ENDING {
        client.batch_execute(&format!("alter table {table} set (autovacuum_enabled = false)"))?;
    }
    let mut vacuumed = [0_i64; ENDING.len()];
    for day in 0..=DAYS {
        let run = organisation.keep(&location, day * step)?.run;
        for ((table, share), vacuumed) in ENDING.iter().zip(&mut vacuumed) {
            let dead = format!("select count(*) from {table} where to_run > {vacuumed}");
            let dead: i64 = client.query_one(&dead, &[])?.get(0);
            let all: i64 = client.query_one(&format!("select count(*) from {table}"), &[])?.get(0);
            if dead as f64 > THRESHOLD + share * all as f64 {
                client.batch_execute(&format!("vacuum (analyze) {table}"))?;
                *vacuumed = run;
            }
        }
    }
    let objects = server::bytes(&url, &["object", "account_version", "group_version", "resource_version"])?;
    Ok((server::bytes(&url, &EDGES)?, objects))
}
