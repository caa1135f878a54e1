//! A store on a PostgreSQL server of this program's own.

use std::time::{Duration, Instant};

use connector_store::{Location, Store};
use postgres::{Client, NoTls, Statement};

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
    // By now the server has looked at its tables, and chooses other plans than for the first two.
    bars.push(Bar::new(
        "a third scan with 0.05 % changed",
        seconds(last.wall),
        seconds(first.wall),
        "s",
        Bound::AtMost(2.0),
    ));
    bars.extend(differences(&location, [first, next, last])?);
    Ok(bars)
}

/// The time of answers, against one look-up by an index for each grant that is shown, made right after.
fn questions(url: &str, location: &Location, organisation: Organisation, last: Kept) -> Result<Vec<Bar>> {
    let mut look_ups = LookUps::new(url, organisation)?;
    let mut store = Store::open(location)?;
    let system = organisation::system(&mut store)?;
    let mut why = Vec::new();
    for question in 0..QUESTIONS {
        let account = organisation::account_id(question * (organisation.users / QUESTIONS) + 17);
        let began = Instant::now();
        let grants = store.why(&system, last.run, &account)?.len();
        why.push(look_ups.compare(began.elapsed(), grants)?);
    }
    let mut who = |id: u32| -> Result<(Compared, u64)> {
        let began = Instant::now();
        let who = store.who(&system, last.run, organisation::DEVICE_TYPE, &organisation::device_id(id), SHOWN)?;
        Ok((look_ups.compare(began.elapsed(), who.grants.len())?, who.accounts))
    };
    let (mut of_some, mut some) = (Vec::new(), 0);
    let mut of_all = Vec::new();
    for question in 0..QUESTIONS {
        let (compared, accounts) = who(question * (organisation.groups() / QUESTIONS) + 17)?;
        of_some.push(compared);
        some = accounts;
    }
    for _ in 0..REPEATED {
        of_all.push(who(0)?.0);
    }
    let name = format!("who reaches a device, such as {some} accounts, a grant");
    let of_all_name = format!("who reaches the device of everybody, {SHOWN} shown, a grant");
    Ok(vec![
        bar("why, a grant", why, Bound::AtMost(20.0)),
        bar(&name, of_some, Bound::AtMost(20.0)),
        bar(&of_all_name, of_all, Bound::AtMost(20.0)),
    ])
}

/// Microseconds of a grant, and of a look-up.
type Compared = (f64, f64);

/// The pair in the middle, by how far apart the two are.
fn bar(name: &str, mut compared: Vec<Compared>, bound: Bound) -> Bar {
    compared.sort_by(|one, two| (one.0 / one.1).total_cmp(&(two.0 / two.1)));
    let (grant, look_up) = compared[compared.len() / 2];
    Bar::new(name, grant, look_up, "µs", bound)
}

/// Reads rows by their keys, one after the other.
struct LookUps {
    client: Client,
    statement: Statement,
    users: i32,
    next: i32,
}

impl LookUps {
    fn new(url: &str, organisation: Organisation) -> Result<Self> {
        let mut client = Client::connect(url, NoTls)?;
        let statement = client.prepare("select body from account_version where object = $1 and to_run is null")?;
        Ok(Self { client, statement, users: i32::try_from(organisation.users)?, next: 0 })
    }

    /// Compares the time of an answer with that of as many look-ups as it has grants.
    fn compare(&mut self, answer: Duration, grants: usize) -> Result<Compared> {
        let began = Instant::now();
        for _ in 0..grants {
            self.next = (self.next + 7919) % self.users;
            let row = self.client.query_one(&self.statement, &[&(self.next + 1)])?;
            row.try_get::<_, &str>(0)?;
        }
        let [answer, looked_up] = [answer, began.elapsed()].map(|time| seconds(time) * 1e6 / grants as f64);
        Ok((answer, looked_up))
    }
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
