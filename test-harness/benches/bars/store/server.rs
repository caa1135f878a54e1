//! A store on a PostgreSQL server of this program's own.

use std::time::{Duration, Instant};

use connector_store::{Location, Store};
use postgres::{Client, NoTls};

use super::baseline;
use super::cluster::Cluster;
use super::organisation::{self, DAY, Kept, Organisation};
use crate::bar::{Bar, Bound};
use crate::{Result, median};

/// Questions of each kind.
const QUESTIONS: u32 = 21;
/// How often each difference is read.
const REPEATED: usize = 5;
/// Accounts that are shown of those who reach a resource, as `harness who` does.
const SHOWN: usize = 1000;

/// Measures in a cluster that is new.
pub(super) fn measure(cluster: &Cluster, users: u32) -> Result<Vec<Bar>> {
    let organisation = Organisation { users };
    let database = |name: &str| -> Result<(String, Location)> {
        cluster.create(name);
        let url = cluster.url(name);
        let location: Location = url.parse()?;
        // With its tables.
        Store::open(&location)?;
        Ok((url, location))
    };
    let (bare, _) = database("bare")?;
    let copied = baseline::copy(&bare, organisation)?;
    eprintln!("  COPY BINARY: {:.1} s", copied.as_secs_f64());
    let (url, location) = database("store")?;
    let first = organisation.keep(&location, 0)?;
    let bytes = bytes(&url, &["membership_version"])? / f64::from(organisation.memberships());
    let next = organisation.keep(&location, DAY)?;
    let what = format!("{users} users, {} memberships", organisation.memberships());
    let mut bars = vec![
        Bar::new(
            format!("first load of {what}, PostgreSQL, against COPY"),
            seconds(first.wall),
            seconds(copied),
            "s",
            Bound::AtMost(2.5),
        ),
        Bar::new(
            "the next scan of the same with 0.5 % changed",
            seconds(next.wall),
            seconds(first.wall),
            "s",
            Bound::AtMost(2.0),
        ),
        Bar::new("a stored membership with its indexes", bytes, 120.0, "bytes", Bound::AtMost(1.0)),
    ];
    bars.extend(questions(&url, &location, organisation, next)?);
    let last = organisation.keep(&location, DAY + DAY / 10)?;
    bars.extend(differences(&location, [first, next, last])?);
    Ok(bars)
}

/// The time of answers, against one look-up by an index for each row that is shown.
fn questions(url: &str, location: &Location, organisation: Organisation, last: Kept) -> Result<Vec<Bar>> {
    let look_up = look_up(url)?;
    let mut store = Store::open(location)?;
    let system = organisation::system(&mut store)?;
    let mut bars = Vec::new();
    let mut ratios = Vec::new();
    for question in 0..QUESTIONS {
        let account = organisation::account_id(question * (organisation.users / QUESTIONS) + 17);
        let began = Instant::now();
        let grants = store.why(&system, last.run, &account)?;
        ratios.push(seconds(began.elapsed()) / grants.len() as f64);
    }
    bars.push(Bar::new("why, a grant", median(&mut ratios) * 1e6, look_up * 1e6, "µs", Bound::AtMost(20.0)));
    let mut who = |id: u32| -> Result<(f64, u64)> {
        let began = Instant::now();
        let who = store.who(&system, last.run, organisation::DEVICE_TYPE, &organisation::device_id(id), SHOWN)?;
        Ok((seconds(began.elapsed()) / who.grants.len() as f64, who.accounts))
    };
    let mut ratios = Vec::new();
    let mut accounts = 0;
    for question in 0..QUESTIONS {
        let (each, number) = who(question * (organisation.groups() / QUESTIONS) + 17)?;
        ratios.push(each);
        accounts = number;
    }
    let name = format!("who reaches a device, such as {accounts} accounts, a grant");
    bars.push(Bar::new(name, median(&mut ratios) * 1e6, look_up * 1e6, "µs", Bound::AtMost(20.0)));
    let (each, accounts) = who(0)?;
    let name = format!("who reaches a device of {accounts} accounts, {SHOWN} shown, a grant");
    bars.push(Bar::new(name, each * 1e6, look_up * 1e6, "µs", Bound::AtMost(20.0)));
    Ok(bars)
}

/// The median time in seconds to read one row by its key.
fn look_up(url: &str) -> Result<f64> {
    let mut client = Client::connect(url, NoTls)?;
    let statement = client.prepare("select body from account_version where object = $1 and to_run is null")?;
    let mut times = Vec::new();
    for number in 0..2000_i32 {
        let object = 1 + number * 37 % 20_000;
        let began = Instant::now();
        let row = client.query_one(&statement, &[&object])?;
        let body: &str = row.get(0);
        if body.is_empty() {
            return Err("a row is empty".into());
        }
        times.push(seconds(began.elapsed()));
    }
    Ok(median(&mut times))
}

/// The time of differences, for each row that differs: of a day, against a tenth of it.
fn differences(location: &Location, [first, next, last]: [Kept; 3]) -> Result<Vec<Bar>> {
    let mut store = Store::open(location)?;
    let system = organisation::system(&mut store)?;
    let mut difference = |from: Kept, to: Kept| -> Result<(f64, u64)> {
        let mut times = Vec::new();
        let mut changes = 0;
        for _ in 0..REPEATED {
            changes = 0;
            let began = Instant::now();
            store.diff(&system, from.run, to.run, &mut |_| {
                changes += 1;
                Ok(())
            })?;
            times.push(seconds(began.elapsed()));
        }
        Ok((median(&mut times), changes))
    };
    let (none, _) = difference(next, next)?;
    let (large, many) = difference(first, next)?;
    let (small, few) = difference(next, last)?;
    let [each, of_few] = [(large, many), (small, few)].map(|(time, changes)| time * 1e6 / changes as f64);
    Ok(vec![
        Bar::new(format!("diff of {few} changes, a change, against {many}"), of_few, each, "µs", Bound::AtMost(2.0)),
        Bar::new(format!("diff of {many} changes, a change, against {few}"), each, of_few, "µs", Bound::AtMost(2.0)),
        Bar::new("diff of a run with itself, against the small one", none * 1e3, small * 1e3, "ms", Bound::AtMost(1.0)),
    ])
}

/// The bytes of tables with their indexes.
pub(super) fn bytes(url: &str, tables: &[&str]) -> Result<f64> {
    let mut client = Client::connect(url, NoTls)?;
    let mut bytes = 0;
    for table in tables {
        let row = client.query_one("select pg_total_relation_size(cast($1 as text)::regclass)", &[table])?;
        bytes += row.get::<_, i64>(0);
    }
    Ok(bytes as f64)
}

pub(super) fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
