//! A connection that is lost at a given moment, and what the store is like afterwards.
#![allow(clippy::unwrap_used)]

use connector_api::{
    Access, AccessLevel, Account, Binding, Checkpoint, ConnectorError, Credential, Descriptor, Field, Group,
    Membership, Record, Resource, RowType, ScanLedger, ScanSummary, Section, SectionDescription, SystemConfig,
};
use jiff::Timestamp;

use crate::database::{Connection, Each, Table, Value};
use crate::sqlite::Sqlite;
use crate::{At, Ended, Fence, Hold, Location, RunState, Start, Store};

/// Fails from one call on, or does something else then, once, as soon as no transaction is open.
struct Lost {
    inner: Sqlite,
    calls: usize,
    meanwhile: Option<Box<dyn FnOnce() + Send>>,
    is_in_transaction: bool,
    /// The number of commits until one is done whose answer is lost.
    answered: usize,
}

impl Lost {
    fn new(inner: Sqlite, calls: usize) -> Self {
        // The machine does not lose its power here.
        let mut lost = Self { inner, calls, meanwhile: None, is_in_transaction: false, answered: usize::MAX };
        lost.inner.script("pragma synchronous = off").unwrap();
        lost
    }

    fn call(&mut self) -> Result<&mut Sqlite, ConnectorError> {
        match self.calls.checked_sub(1) {
            Some(calls) => self.calls = calls,
            None if self.is_in_transaction && self.meanwhile.is_some() => {}
            None if self.meanwhile.is_some() => {
                self.calls = usize::MAX;
                self.meanwhile.take().unwrap()();
            }
            None => return Err(ConnectorError::sink("the connection is lost", "connect again")),
        }
        Ok(&mut self.inner)
    }
}

impl Connection for Lost {
    fn migrations(&self) -> &'static [(&'static str, &'static str)] {
        self.inner.migrations()
    }

    fn for_update(&self) -> &'static str {
        self.inner.for_update()
    }

    fn order_of_bytes(&self) -> [&'static str; 2] {
        self.inner.order_of_bytes()
    }

    fn for_share(&self) -> &'static str {
        self.inner.for_share()
    }

    fn among(&self, parameter: &str) -> String {
        self.inner.among(parameter)
    }

    fn among_texts(&self, parameter: &str) -> String {
        self.inner.among_texts(parameter)
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, ConnectorError> {
        self.call()?.execute(sql, parameters)
    }

    fn query(&mut self, sql: &str, parameters: &[Value], each: Each<'_>) -> Result<(), ConnectorError> {
        self.call()?.query(sql, parameters, each)
    }

    fn insert(&mut self, table: Table, values: &[Value]) -> Result<(), ConnectorError> {
        self.call()?.insert(table, values)
    }

    fn script(&mut self, sql: &str) -> Result<(), ConnectorError> {
        self.call()?;
        self.is_in_transaction = false;
        self.inner.script(sql)?;
        if sql == "commit" {
            self.answered = self.answered.wrapping_sub(1);
            if self.answered == 0 {
                self.calls = 0;
                self.call()?;
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), ConnectorError> {
        self.call()?.begin()?;
        self.is_in_transaction = true;
        Ok(())
    }

    fn begin_reading(&mut self) -> Result<(), ConnectorError> {
        self.call()?.begin_reading()
    }

    fn own_schema(&mut self) -> Result<(), ConnectorError> {
        self.call()?.own_schema()
    }

    fn check_can_scrub(&mut self) -> Result<(), ConnectorError> {
        self.call()?.check_can_scrub()
    }

    fn scrub(&mut self) -> Result<(), ConnectorError> {
        self.call()?.scrub()
    }

    fn has_table(&mut self, name: &str) -> Result<bool, ConnectorError> {
        self.call()?.has_table(name)
    }

    fn reserve(&mut self, system: i64) -> Result<bool, ConnectorError> {
        self.call()?.reserve(system)
    }

    fn release(&mut self, system: i64) -> Result<(), ConnectorError> {
        self.call()?.release(system)
    }

    fn delete_of_run(&mut self, tables: &[&str], run: i64) -> Result<(), ConnectorError> {
        self.call()?.delete_of_run(tables, run)
    }

    fn expect_many(&mut self, is_many: bool) -> Result<(), ConnectorError> {
        self.call()?.expect_many(is_many)
    }

    fn reconnect(&mut self) -> Result<(), ConnectorError> {
        self.calls = usize::MAX;
        self.inner.reconnect()
    }

    fn analyze(&mut self, tables: &[&str]) -> Result<(), ConnectorError> {
        self.call()?.analyze(tables)
    }
}

fn descriptor() -> Descriptor {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let mut descriptor = Descriptor::new("Toy", "Toy", "1.0.0");
    descriptor.sections = vec![
        describe(Section::USERS).core().owning([RowType::new("account", "user")]),
        describe(Section::GROUPS).owning([RowType::new("group", "CREW"), RowType::new("membership", "CREW")]),
        describe(Section::SYSTEMS).owning([RowType::new("resource", "system")]),
        describe(Section::GRANTS).owning([RowType::new("binding", "accountToResource")]),
        describe(Section::LAST_LOGIN).filling_in([Field::new("account", "department")]),
    ];
    descriptor.volatile = vec![Field::new("account", "email")];
    descriptor
}

/// One version of an organisation: most of it differs from the version before.
fn rows(version: u32) -> Vec<Record> {
    let crew = Group::new("g", "CREW", format!("Crew {version}"));
    let ship = Resource::new("s", "system", "Endurance");
    let mut accounts = Vec::new();
    for id in version..version + 20 {
        let mut account = Account::new(id.to_string(), format!("user{id}"));
        account.display_name = Some(format!("in version {version}"));
        account.email = Some(format!("{version}@example.com"));
        accounts.push(account);
    }
    let of_each = |make: &dyn Fn(&Account) -> Record| accounts.iter().map(make).collect::<Vec<_>>();
    let sudo = Access::of_word(AccessLevel::Administer, "sudo");
    [
        of_each(&|account| account.clone().into()),
        vec![crew.clone().into()],
        of_each(&|account| Membership::new(account, &crew).into()),
        vec![ship.clone().into()],
        of_each(&|account| Binding::new(account, &ship).with_access(sudo.clone()).into()),
    ]
    .concat()
}

fn config() -> SystemConfig {
    SystemConfig::new("Toy", "toy", Credential::default()).with_name("hq")
}

/// The last section is not complete, so that rows are merged.
fn summary(descriptor: &Descriptor) -> ScanSummary {
    let mut ledger = ScanLedger::start(descriptor, &config());
    descriptor.sections.iter().for_each(|described| ledger.close(described.section.into()));
    ledger.close_incomplete(Section::LAST_LOGIN, ConnectorError::cancelled());
    ledger.finish(Ok(())).unwrap()
}

/// How a scan writes: each checkpoint and step in a transaction, or as few of them as it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Often,
    Seldom,
}

const BOTH: [Writes; 2] = [Writes::Often, Writes::Seldom];

fn scan(store: Store, version: u32, writes: Writes) -> Result<Ended, ConnectorError> {
    scan_with(store, version, Hold { above_percent: 100, at_least: 0 }, writes)
}

fn scan_with(store: Store, version: u32, hold: Hold, writes: Writes) -> Result<Ended, ConnectorError> {
    let (descriptor, config) = (descriptor(), config());
    let now = Timestamp::now();
    let start = Start { name: "hq", descriptor: &descriptor, config: &config, fence: Fence::Own, now, fresh: false };
    let mut scan = store.begin(start)?;
    let rows = rows(version);
    let done = scan.take_resume().map_or(0, |checkpoint| checkpoint.state.read::<usize>().unwrap());
    for (at, batch) in rows.chunks(20).enumerate().skip(done) {
        scan.stage(batch)?;
        let checkpoint = Checkpoint::new(&descriptor, &config, now, std::sync::Arc::new(at + 1));
        if writes == Writes::Often || at % 2 == 1 {
            scan.checkpoint(&checkpoint)?;
        } else {
            scan.defer_checkpoint(&checkpoint)?;
        }
    }
    match writes {
        Writes::Often => scan.publish(&summary(&descriptor), hold),
        Writes::Seldom => scan.publish_at_once(&summary(&descriptor), hold).map(|(_, ended)| ended),
    }
}

/// The snapshot, without volatile fields: these are as last seen.
fn snapshot(location: &Location) -> Vec<Record> {
    let mut store = Store::open(location).unwrap();
    let system = store.systems().unwrap().remove(0);
    let run = store.run_at(&system, At::Now).unwrap();
    let mut rows = Vec::new();
    store
        .records(&system, run, &mut |record| {
            rows.push(without_volatile(record));
            Ok(())
        })
        .unwrap();
    rows.sort_by_cached_key(Record::key);
    rows
}

fn without_volatile(mut record: Record) -> Record {
    if let Record::Account(account) = &mut record {
        account.email = None;
    }
    record
}

#[test]
fn whenever_the_connection_is_lost_the_last_snapshot_stands_and_the_next_scan_goes_on() {
    BOTH.into_iter().for_each(connection_is_lost);
}

fn connection_is_lost(writes: Writes) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let location = Location::sqlite(&path);
    let expected = |version| {
        let mut rows: Vec<Record> = rows(version).into_iter().map(without_volatile).collect();
        rows.sort_by_cached_key(Record::key);
        rows
    };
    scan(Store::open(&location).unwrap(), 0, writes).unwrap();
    let (mut version, mut calls) = (0, 0);
    // The last attempt of each version is the one that is published: the number of calls grows until it is enough.
    while version < 2 {
        let lost = Lost::new(Sqlite::open(&path).unwrap(), calls);
        match Store::new(Box::new(lost)).and_then(|store| scan(store, version + 1, writes)) {
            Ok(Ended::Published { .. }) => (version, calls) = (version + 1, 0),
            Ok(other) => panic!("{other:?}"),
            // Some attempts lose the connection earlier than the one before, since that one left something to do.
            Err(_) => calls += 1,
        }
        assert_eq!(snapshot(&location), expected(version), "{writes:?}: version {version}, {calls} calls");
    }
}

#[test]
fn the_ways_of_many_accounts_are_compared_with_few_questions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    // 20 accounts are gone, 20 are new.
    for version in [0, 20] {
        scan(Store::open(&Location::sqlite(&path)).unwrap(), version, Writes::Often).unwrap();
    }
    // Two for each of them and a few for all: one by one, it would be hundreds.
    let mut store = Store::new(Box::new(Lost::new(Sqlite::open(&path).unwrap(), 160))).unwrap();
    let system = store.systems().unwrap().remove(0);
    let (mut rows, mut grants) = (0, 0);
    let count = |of: &mut u64| {
        *of += 1;
        Ok(())
    };
    let done = store.diff_with_access(&system, (1, 2), &mut |_| count(&mut rows), &mut |_| count(&mut grants));
    done.unwrap();
    // Each account has a row, a membership and a binding, and the group has another name.
    assert_eq!((rows, grants), (3 * 40 + 1, 40));
}

#[test]
fn whenever_the_disk_is_full_the_last_snapshot_stands_and_the_next_scan_goes_on() {
    BOTH.into_iter().for_each(disk_is_full);
}

fn disk_is_full(writes: Writes) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let location = Location::sqlite(&path);
    scan(Store::open(&location).unwrap(), 0, writes).unwrap();
    let before = snapshot(&location);
    let mut refused = 0;
    // A little more room each time, until there is enough.
    for more in 0.. {
        let mut disk = Sqlite::open(&path).unwrap();
        disk.script("pragma synchronous = off").unwrap();
        let mut pages = 0;
        let count = &mut |row: &dyn crate::database::Row| {
            pages = row.number(0)?;
            Ok(())
        };
        disk.query("pragma page_count", &[], count).unwrap();
        disk.query(&format!("pragma max_page_count = {}", pages + more / 4), &[], &mut |_| Ok(())).unwrap();
        match Store::new(Box::new(disk)).and_then(|store| scan(store, 1, writes)) {
            Ok(_) => break,
            Err(error) => {
                assert!(error.message.contains("no space is left"), "{error}");
                assert_eq!(snapshot(&location), before, "{writes:?}: {more} pages");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    assert_ne!(snapshot(&location), before);
}

/// More commits than a scan makes.
const COMMITS: usize = 40;

#[test]
fn whichever_answer_to_a_commit_is_lost_a_scan_says_truly_whether_it_is_published() {
    BOTH.into_iter().for_each(answer_is_lost);
}

fn answer_is_lost(writes: Writes) {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first.db");
    scan(Store::open(&Location::sqlite(&first)).unwrap(), 0, writes).unwrap();
    for (hold, ends_as) in [
        (Hold { above_percent: 100, at_least: 0 }, RunState::Published),
        (Hold { above_percent: 0, at_least: 0 }, RunState::Held),
    ] {
        let (mut failed, mut done) = (0, 0);
        for answered in 1..COMMITS {
            let path = folder.path().join(format!("{}-{answered}.db", ends_as.as_str()));
            std::fs::copy(&first, &path).unwrap();
            let mut lost = Lost::new(Sqlite::open(&path).unwrap(), usize::MAX);
            lost.answered = answered;
            let ended = scan_with(Store::new(Box::new(lost)).unwrap(), 1, hold, writes);
            let mut store = Store::open(&Location::sqlite(&path)).unwrap();
            let system = store.systems().unwrap().remove(0);
            let newest = store.runs(&system).unwrap().remove(0);
            let context = format!("{writes:?}, commit {answered}: {ended:?}");
            match ended {
                Ok(Ended::Published { run, .. } | Ended::Held { run, .. }) => {
                    done += 1;
                    assert_eq!((newest.id, newest.state), (run, ends_as), "{context}");
                }
                Ok(_) => panic!("{context}"),
                Err(error) => {
                    failed += 1;
                    assert!(error.message.contains("the connection is lost"), "{context}");
                    assert!(newest.id == 1 || newest.state == RunState::Staging, "{context}");
                }
            }
        }
        assert!(failed > 2 && done > 3, "{failed} {done}");
    }
}

#[test]
fn a_run_that_is_accepted_twice_at_once_is_published_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let held = folder.path().join("held.db");
    scan(Store::open(&Location::sqlite(&held)).unwrap(), 0, Writes::Often).unwrap();
    let hold = Hold { above_percent: 0, at_least: 0 };
    let ended = scan_with(Store::open(&Location::sqlite(&held)).unwrap(), 1, hold, Writes::Seldom).unwrap();
    let Ended::Held { run, .. } = ended else { panic!("{ended:?}") };
    let mut expected: Vec<Record> = rows(1).into_iter().map(without_volatile).collect();
    expected.sort_by_cached_key(Record::key);
    let accept = move |lost: Lost| {
        Store::new(Box::new(lost)).and_then(|mut store| {
            let system = store.systems()?.remove(0);
            store.accept(&system, run)
        })
    };
    let (mut calls, mut refused, mut is_over) = (0, 0, false);
    while !is_over {
        // The other one comes to its end, or not so far.
        for others in [usize::MAX, 15, 30, 45] {
            let path = folder.path().join(format!("{calls}-{others}.db"));
            std::fs::copy(&held, &path).unwrap();
            let location = Location::sqlite(&path);
            let mut lost = Lost::new(Sqlite::open(&path).unwrap(), calls);
            let other = Lost::new(Sqlite::open(&path).unwrap(), others);
            let (done, is_done) = std::sync::mpsc::channel();
            lost.meanwhile = Some(Box::new(move || done.send(accept(other).is_ok()).unwrap()));
            let first = accept(lost);
            let other = is_done.try_recv();
            is_over = other.is_err();
            assert!(
                first.is_ok()
                    || !is_over && first.unwrap_err().code == connector_api::ErrorCode::Sink
                    || other == Ok(true)
            );
            refused += usize::from(other == Ok(false));
            let mut store = Store::open(&location).unwrap();
            let system = store.systems().unwrap().remove(0);
            let context = format!("{calls} calls, then {others} of the other");
            if store.run_at(&system, At::Now).unwrap() != run {
                store.accept(&system, run).unwrap_or_else(|error| panic!("{context}: {error}"));
            }
            assert_eq!(snapshot(&location), expected, "{context}");
        }
        calls += 1;
    }
    assert!(refused > 0);
}

#[test]
fn an_answer_takes_as_few_queries_of_many_accounts_as_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    scan(Store::open(&Location::sqlite(&path)).unwrap(), 0, Writes::Often).unwrap();
    // Twenty accounts are bound to the resource. The migrations, the system and the run are read as well, and for each level
    // those who have it by a binding and those who raise it.
    let mut store = Store::new(Box::new(Lost::new(Sqlite::open(&path).unwrap(), 30))).unwrap();
    let system = store.systems().unwrap().remove(0);
    let run = store.run_at(&system, At::Now).unwrap();
    let who = store.who(&system, run, "system", "s", 100).unwrap();
    assert_eq!((who.accounts, who.grants.len()), (20, 20));
    let who = store.who(&system, run, "system", "s", 3);
    assert!(who.is_err(), "the connection is lost by now");
}
