//! The page of a fleet.

use connector_api::{Credential, Edition, Record, SystemConfig};
use connector_store::{Ended, Fence, Hold, Location, Start, Store};
use jiff::Timestamp;

use crate::chromium::RUNTIME;
use crate::cluster;
use crate::organisation::{SCRIPT, descriptor, login, rows, summary};
use crate::served::Own;
use crate::tab::{Look, Tab};

/// A server whose store has a fleet, with a system in each state. No worker changes them.
pub struct Fleet {
    pub own: Own,
    url: String,
}

/// What workers would have left: `$held` is the run of the store that is held.
const STATES: &str = "
insert into fleet.credential (name, cap) values ('acme', 1), ('customer-of-a-provider-with-a-long-name', 2);
insert into fleet.worker (name, version, concurrency, seen_at) values
    ('scanner-1.example/4711/1', '0.2.0', 8, clock_timestamp()),
    ('scanner-2.example/4712/1', '0.2.0', 8, clock_timestamp() - interval '4 minutes');
insert into fleet.system (name, os_type, hostname, credential, priority, schedule)
    select name, 'Toy', 'toy.example', 'acme', 100, 'every 24h'
    from unnest(array['$name', 'locked-out', 'headquarters', 'branch', 'laboratory']) name;
insert into fleet.run (system, credential, priority, state, attempt, worker, lease_until, started_at, ended_at, store_run, progress,
    code, message, remedy)
    select s.id, 'acme', 100, state, 1, 'scanner-1.example/4711/1',
        case state when 'running' then clock_timestamp() + interval '1 hour' end, clock_timestamp() - interval '20 minutes',
        case when state in ('held', 'failed') then clock_timestamp() end, case state when 'held' then $held end,
        case state when 'running' then '{\"users\": {\"stage\": \"reading\", \"done\": 400, \"expected\": 1000},
            \"localAccounts\": {\"stage\": \"reading\", \"done\": 12}, \"groups\": {\"stage\": \"done\", \"done\": 70}}'::jsonb end,
        case state when 'failed' then 'unauthorized' end, case state when 'failed' then 'the key was not accepted' end,
        case state when 'failed' then 'check the key of this credential' end
    from (values ('$name', 'held'), ('locked-out', 'failed'), ('headquarters', 'running'), ('branch', 'waiting')) r (name, state)
    join fleet.system s on s.name = r.name;";

impl Fleet {
    /// `None` where there is no server of databases.
    pub fn start() -> Option<Self> {
        let url = cluster::database()?;
        let location: Location = url.parse().unwrap();
        let own = Own::over(location.clone(), tempfile::tempdir().unwrap(), Edition::Enterprise);
        RUNTIME.block_on(connector_fleet::Fleet::init(&location)).unwrap();
        assert!(matches!(keep(&location, &rows(60, login())), Ended::Published { .. }));
        let Ended::Held { run, .. } = keep(&location, &rows(20, login())) else { panic!("it is not held") };
        let fleet = Self { own, url };
        fleet.sql(&STATES.replace("$name", SCRIPT).replace("$held", &run.to_string()));
        Some(fleet)
    }

    fn sql(&self, sql: &str) {
        postgres::Client::connect(&self.url, postgres::NoTls).unwrap().batch_execute(sql).unwrap();
    }
}

fn keep(location: &Location, rows: &[Record]) -> Ended {
    let (descriptor, config) =
        (descriptor(), SystemConfig::new("Toy", "toy", Credential::from_secret("x")).with_name(SCRIPT));
    let now = Timestamp::now();
    let start = Start { name: SCRIPT, descriptor: &descriptor, config: &config, fence: Fence::Own, now, fresh: true };
    let mut scan = Store::open(location).unwrap().begin(start).unwrap();
    scan.stage(rows).unwrap();
    scan.publish(&summary(&config, &[]), Hold::default()).unwrap()
}

#[test]
fn the_fleet_is_seen_changing_without_reloading_and_a_held_scan_is_accepted_from_there() {
    let Some(fleet) = Fleet::start() else { return };
    let Some(tab) = Tab::signed_in(&fleet.own, Look::default()) else { return };
    tab.follow("Fleet");
    tab.shows("5 systems. 2 need you: 1 scan is held, 1 failed.");
    tab.shows("Users: 400 of about 1,000");
    tab.shows("Never run");
    // A page that is loaded again forgets this.
    tab.evaluate("window.marked = true");
    tab.evaluate("document.querySelector('a[id^=run]').focus()");
    fleet.sql("update fleet.run set state = 'cancelled' where state = 'failed'");
    tab.shows("5 systems. 1 needs you: 1 scan is held.");
    assert_eq!(tab.evaluate("window.marked"), true, "the page was not loaded again");
    assert_eq!(tab.evaluate("document.activeElement.id.startsWith('run-')"), true, "the focus stays");
    tab.follow("See what it would remove, and decide");
    tab.follow("Accept and remove");
    tab.shows("Complete and taken over");
    tab.follow("Fleet");
    tab.shows("5 systems. None needs you.");
}

#[test]
fn the_fleet_is_loaded_again_where_there_are_no_scripts() {
    let Some(fleet) = Fleet::start() else { return };
    let Some(tab) = Tab::signed_in(&fleet.own, Look { has_scripts: false, ..Look::default() }) else { return };
    tab.follow("Fleet");
    tab.shows("5 systems. 2 need you: 1 scan is held, 1 failed.");
    fleet.sql("update fleet.run set state = 'cancelled' where state = 'failed'");
    tab.follow_until("Reload", "5 systems. 1 needs you: 1 scan is held.");
}
