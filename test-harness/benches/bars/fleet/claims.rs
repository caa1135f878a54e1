//! What a fleet costs the database as it grows: a claim, and the answers to what is asked of all of it.

use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

use super::super::bar::{Bar, Bound};
use super::super::store::cluster::Cluster;
use super::super::{Result, Setup, median};
use super::Measured;

/// The statement of a worker.
const CLAIM: &str = include_str!("../../../fleet/src/claim.sql");

/// Claims of which the middle one counts.
const CLAIMS: usize = 200;

/// Times of a fleet, in milliseconds.
struct Times {
    /// Of a run of the queue.
    next: f64,
    /// Of one whose worker was lost.
    lost: f64,
    status: f64,
    list: f64,
}

pub(super) fn measure(setup: &Setup, cluster: &Cluster) -> Result<Vec<Bar>> {
    let systems = if setup.quick { [1_000, 10_000] } else { [1_000, 100_000] };
    let [few, many] = systems.map(|systems| times(setup, cluster, systems));
    let (few, many) = (few?, many?);
    let what = |what: &str| format!("{what}, {} systems that are all requested, against {}", systems[1], systems[0]);
    Ok(vec![
        Bar::new(what("a claim"), many.next, few.next, "ms", Bound::AtMost(2.0)),
        Bar::new(what("a claim of a lost worker's run"), many.lost, few.lost, "ms", Bound::AtMost(2.0)),
        Bar::fact(format!("`fleet status` of {} systems", systems[1]), many.status, "ms"),
        Bar::fact(format!("`fleet list` of {} systems", systems[1]), many.list, "ms"),
    ])
}

/// Adds this number of systems and requests all of them. One in ten has a credential of its own, so its run is queued; the
/// others wait for ten.
fn times(setup: &Setup, cluster: &Cluster, systems: usize) -> Result<Times> {
    let fleet = Measured::new(&setup.harness, cluster, None, &format!("claims_{systems}"))?;
    fleet.run(&["fleet", "init"])?;
    let mut client = Client::connect(&fleet.url, NoTls)?;
    client.batch_execute(&format!(
        "insert into fleet.credential (name) select 'c' || n from generate_series(0, {systems}) n; \
         insert into fleet.system (name, os_type, hostname, credential, priority) \
         select 's' || n, 'JumpCloud', 'console', 'c' || case when n % 10 = 0 then n else n % 10 end, 10 \
         from generate_series(1, {systems}) n"
    ))?;
    fleet.run(&["fleet", "enqueue", "--all"])?;
    client.batch_execute("vacuum analyze")?;
    let next = claims(&mut client, CLAIMS.min(systems / 20))?;
    client.batch_execute("update fleet.run set lease_until = now() where state = 'running'")?;
    let lost = claims(&mut client, CLAIMS.min(systems / 20))?;
    let asked = |command: &str| -> Result<f64> {
        let began = Instant::now();
        fleet.run(&["fleet", command, "--format", "json"])?;
        Ok(milliseconds(began.elapsed()))
    };
    Ok(Times { next, lost, status: asked("status")?, list: asked("list")? })
}

/// The middle time of some claims.
fn claims(client: &mut Client, count: usize) -> Result<f64> {
    let claim = client.prepare(CLAIM)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        let claimed = client.query_opt(&claim, &[&"worker", &3600.0])?;
        times.push(milliseconds(began.elapsed()));
        claimed.ok_or("there is no run to claim")?;
    }
    Ok(median(&mut times))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
