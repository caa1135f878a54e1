//! `--store URL`: the store that a command works with, and the system in it.

mod files;

use std::env::{self, VarError};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use connector_api::secrecy::ExposeSecret;
use connector_api::{ConnectorError, Descriptor, Record, Registry, ScanSummary};
use connector_host::output::Origin;
use connector_host::{nearest, text_file};
use connector_store::{At, Location, SectionState, Store, System};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{name, print};

/// The variable that may hold the URL.
pub(super) const VARIABLE: &str = "ORBISID_STORE";

/// Which store.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub(super) struct LocationArguments {
    /// URL of the store: sqlite:FILE or postgres://USER@HOST/DATABASE [default: the environment variable ORBISID_STORE]
    #[arg(long, value_name = "URL")]
    store: Option<Url>,
    /// File that contains only the URL of the store, for a URL with a password
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    store_file: Option<PathBuf>,
}

/// Which store, and which system of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub(super) struct StoreArguments {
    #[command(flatten)]
    location: LocationArguments,
    /// Name of the system in the store [default: for a scan, the system's own name; otherwise the only system of the store]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// A URL as it was given. It is not shown: it may contain a password.
#[derive(Clone)]
pub(super) struct Url(String);

impl FromStr for Url {
    type Err = std::convert::Infallible;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Ok(Self(url.to_owned()))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url(…)")
    }
}

impl Url {
    /// Returns where the store is.
    ///
    /// # Errors
    /// `invalid_config` if it is not the URL of a store, or if it has a password, which others see on the command line.
    pub(super) fn location(&self, option: &str) -> Result<Location, ConnectorError> {
        let location: Location = self.0.parse()?;
        if location.has_password() {
            return Err(ConnectorError::invalid_config(
                format!("the URL of {option} contains a password, which others can see on the command line"),
                format!(
                    "put the URL into the variable {VARIABLE} or a file for {option}-file, or the password into the file \
                     of PGPASSFILE; and change the password"
                ),
            ));
        }
        Ok(location)
    }
}

/// Returns where the store is whose URL is in a file.
pub(super) fn location_in(file: &Path) -> Result<Location, ConnectorError> {
    if file.to_string_lossy().contains("://") {
        let message = "a URL was given where the name of a file is expected";
        return Err(ConnectorError::invalid_config(message, "write the URL into a file and pass the file's name"));
    }
    let text = text_file::read(file, "file with the URL of the store")?;
    let mut lines = text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty());
    let place = || format!("the file {}", file.display());
    match (lines.next(), lines.next()) {
        (Some(url), None) => url.parse().map_err(|error: ConnectorError| error.context(place())),
        (None, _) => Err(ConnectorError::invalid_config(format!("{} is empty", place()), WRITE_URL)),
        _ => Err(ConnectorError::invalid_config(format!("{} has more than one line", place()), WRITE_URL)),
    }
}

const WRITE_URL: &str = "write only the URL of the store into it, such as postgres://harness@db/history";

impl LocationArguments {
    /// Returns where the store is, if one was given.
    ///
    /// # Errors
    /// `invalid_config` if it is not the URL of a store, or if it has a password on the command line.
    pub(super) fn location(&self) -> Result<Option<Location>, ConnectorError> {
        if let Some(location) = self.given()? {
            return Ok(Some(location));
        }
        match env::var(VARIABLE) {
            Ok(url) if url.is_empty() => Ok(None),
            Ok(url) => url.parse().map(Some).map_err(|error: ConnectorError| error.context(VARIABLE)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(ConnectorError::invalid_config(
                format!("the variable {VARIABLE} is not UTF-8 text"),
                "set it again",
            )),
        }
    }

    /// Returns where the store is, if that was said on the command line.
    ///
    /// # Errors
    /// As for [`location`](Self::location).
    fn given(&self) -> Result<Option<Location>, ConnectorError> {
        match (&self.store, &self.store_file) {
            (Some(url), _) => url.location("--store").map(Some),
            (None, Some(path)) => location_in(path).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Returns where the store is that is there.
    ///
    /// # Errors
    /// As for [`location`](Self::location), and `invalid_config` if none was given or there is none.
    pub(super) fn existing(&self) -> Result<Location, ConnectorError> {
        let location = self.location()?.ok_or_else(|| {
            ConnectorError::invalid_config(
                "no store was given",
                format!("use --store URL, such as --store sqlite:history.db, or the variable {VARIABLE}"),
            )
        })?;
        match location.files().first() {
            Some(file) if !file.exists() => Err(ConnectorError::invalid_config(
                format!("there is no store at {location}"),
                "check the path; `harness scan --store URL` creates a store",
            )),
            _ => Ok(location),
        }
    }
}

/// The files of a store, with its name, so that nothing else writes them.
pub(super) fn files_of(location: &Location) -> Vec<(String, PathBuf)> {
    location.files().into_iter().map(|file| (format!("the store {location}"), file)).collect()
}

impl StoreArguments {
    /// Returns where the store is, if one was given.
    ///
    /// # Errors
    /// As for [`LocationArguments::location`].
    pub(super) fn location(&self) -> Result<Option<Location>, ConnectorError> {
        self.location.location()
    }

    /// Returns where the store is, if that was said on the command line.
    ///
    /// # Errors
    /// As for [`LocationArguments::location`].
    pub(super) fn given(&self) -> Result<Option<Location>, ConnectorError> {
        self.location.given()
    }

    /// Returns the name that was given.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Opens the store to ask it, which changes nothing, and finds the system. All answers are of one state of the store.
    ///
    /// # Errors
    /// `invalid_config` if no store was given, or no system of it is meant.
    pub(super) fn open_to_read(&self) -> Result<(Store, System), ConnectorError> {
        self.open_by(|location| {
            let mut store = Store::open_to_read(location)?;
            store.pin()?;
            Ok(store)
        })
    }

    /// Opens the store to change it, and finds the system.
    ///
    /// # Errors
    /// As for [`open_to_read`](Self::open_to_read).
    pub(super) fn open(&self) -> Result<(Store, System), ConnectorError> {
        self.open_by(Store::open)
    }

    fn open_by(&self, open: fn(&Location) -> Result<Store, ConnectorError>) -> Result<(Store, System), ConnectorError> {
        let location = self.location.existing()?;
        let mut store = open(&location)?;
        let systems = store.systems()?;
        let names = || systems.iter().map(|system| system.name.as_str());
        let all = || names().collect::<Vec<_>>().join(", ");
        let found = match &self.name {
            Some(name) => systems.iter().find(|system| system.name == *name).ok_or_else(|| {
                let remedy = match nearest(name, names()) {
                    Some(nearest) => format!("did you mean --name {nearest}?"),
                    None => format!("its systems are: {}", all()),
                };
                ConnectorError::invalid_config(format!("the store has no system {name}"), remedy)
            }),
            None => match &systems[..] {
                [only] => Ok(only),
                [] => Err(ConnectorError::invalid_config(
                    "the store is empty",
                    "keep a scan in it first, with `harness scan --store URL`",
                )),
                _ => Err(ConnectorError::invalid_config(
                    "the store has several systems",
                    format!("choose one with --name: {}", all()),
                )),
            },
        };
        let found = found?.clone();
        Ok((store, found))
    }
}

/// `FROM`: the rows that a question is about.
#[derive(Debug, Args)]
pub(super) struct FromArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Ask about the rows as of this run or time, such as 17 or 2026-03-03: the end of that day in your time zone [default: the
    /// last published run]
    #[arg(long, value_name = "RUN|TIME", conflicts_with = "from_file")]
    at: Option<Moment>,
    /// Ask about a file of rows, as `harness scan --output FILE.ndjson` writes it, instead of a store
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store", "store_file", "name"])]
    from_file: Option<PathBuf>,
}

/// Rows that questions are asked about.
pub(super) struct Rows {
    pub(super) store: Store,
    pub(super) system: System,
    pub(super) run: i64,
    /// When the scan began that they are of.
    started_at: Timestamp,
    pub(super) is_file: bool,
}

/// `OLD NEW | FROM`: what is compared.
#[derive(Debug, Args)]
pub(super) struct TwoArguments {
    /// Compare two files of rows instead, as `harness scan --output FILE.ndjson` writes them: the earlier one
    #[arg(value_name = "OLD", requires = "new", conflicts_with_all = ["store", "store_file", "name", "from", "to"])]
    old: Option<PathBuf>,
    /// And the later one
    #[arg(value_name = "NEW")]
    new: Option<PathBuf>,
    /// Earlier run or time, such as 17 or 2026-03-03: the end of that day in your time zone [default: the published run before
    /// --to]
    #[arg(long, value_name = "RUN|TIME")]
    from: Option<Moment>,
    /// Later run or time [default: the last published run]
    #[arg(long, value_name = "RUN|TIME")]
    to: Option<Moment>,
    #[command(flatten)]
    store: StoreArguments,
}

impl TwoArguments {
    /// Opens the store, or reads the files into one in memory: the rows at the later moment, and the run of the earlier one.
    pub(super) fn open(&self) -> Result<(Rows, i64), ConnectorError> {
        if let (Some(old), Some(new)) = (&self.old, &self.new) {
            return files::read_two(old, new);
        }
        let (mut store, system) = self.store.open_to_read()?;
        let run = store.run_at(&system, self.to.map_or(At::Now, |moment| moment.0))?;
        let from = store.run_at(&system, self.from.map_or(At::Before(run), |moment| moment.0))?;
        if from > run {
            let message = format!("--from is run {from}, which is later than run {run} of --to");
            return Err(ConnectorError::invalid_config(message, "exchange them"));
        }
        Ok((Rows::of_run(store, system, run)?, from))
    }
}

impl FromArguments {
    /// Refuses to write a file that is read from.
    pub(super) fn check_output(&self, name: &str, output: &Path) -> Result<(), ConnectorError> {
        let inputs = match &self.from_file {
            Some(path) => vec![(format!("--from-file {}", path.display()), path.clone())],
            None => self.store.location()?.as_ref().map(files_of).unwrap_or_default(),
        };
        connector_host::check_output(name, output, &inputs)
    }

    /// Whether a file of rows is asked, which keeps nothing.
    pub(super) fn is_file(&self) -> bool {
        self.from_file.is_some()
    }

    /// Opens the store at the moment that is meant, or reads the file into a store in memory.
    pub(super) fn open(&self) -> Result<Rows, ConnectorError> {
        self.open_by(StoreArguments::open_to_read)
    }

    /// Does the same with a store that is going to be changed.
    pub(super) fn open_to_write(&self) -> Result<Rows, ConnectorError> {
        self.open_by(StoreArguments::open)
    }

    fn open_by(
        &self,
        open: fn(&StoreArguments) -> Result<(Store, System), ConnectorError>,
    ) -> Result<Rows, ConnectorError> {
        if let Some(path) = &self.from_file {
            return files::read(path);
        }
        let (mut store, system) = open(&self.store)?;
        store.pin()?;
        let run = store.run_at(&system, self.at.map_or(At::Now, |moment| moment.0))?;
        Rows::of_run(store, system, run)
    }
}

impl Rows {
    fn of_run(mut store: Store, system: System, run: i64) -> Result<Self, ConnectorError> {
        let started_at = store.run_head(&system, run)?.started_at;
        Ok(Self { store, system, run, started_at, is_file: false })
    }

    /// The summary of the run.
    pub(super) fn summary(&mut self) -> Result<ScanSummary, ConnectorError> {
        let run = self.store.run(&self.system, self.run)?;
        run.and_then(|run| run.summary)
            .ok_or_else(|| ConnectorError::internal(format!("run {} of {} has no summary", self.run, self.system.name)))
    }

    /// Where the rows come from. Of a connector that is not compiled in, only the sections are known.
    pub(super) fn origin(&mut self) -> Result<Origin, ConnectorError> {
        let summary = self.summary()?;
        let registry = Registry::discover()?;
        let described = registry.descriptor(&summary.os_type).cloned().unwrap_or_else(|_| {
            let mut descriptor = Descriptor::new(&summary.os_type, "", "");
            descriptor.sections.clone_from(&summary.described);
            descriptor
        });
        Ok(Origin::new(&self.system.name, &described))
    }

    /// Such as `as of run 17 (2026-03-03 09:00 UTC)`.
    pub(super) fn as_of(&self) -> String {
        let time = shown(self.started_at);
        if self.is_file { format!("as of {time}") } else { format!("as of run {} ({time})", self.run) }
    }

    /// The run that is asked, unless it is a file.
    pub(super) fn run(&self) -> Option<i64> {
        (!self.is_file).then_some(self.run)
    }

    /// An answer as JSON: the fields of `what`, which is an object, with the system, the run, and what was not read.
    pub(super) fn answer(&mut self, mut what: Value) -> Result<Value, ConnectorError> {
        let unread = self.store.sections(self.run)?.into_iter().filter(|state| state.status != "complete");
        what["system"] = self.system.name.as_str().into();
        what["osType"] = self.system.os_type.as_str().into();
        what["run"] = self.run().into();
        what["startedAt"] = json!(self.started_at);
        what["notRead"] = unread.map(|state| as_json(&state)).collect();
        Ok(what)
    }

    /// Warns of the sections whose rows are older than the run, or missing.
    pub(super) fn warn_of_unread(&mut self) -> Result<(), ConnectorError> {
        for SectionState { section, status, code, as_of, .. } in self.store.sections(self.run)? {
            let code = code.map_or_else(String::new, |code| format!(": {code}"));
            match (status.as_str(), as_of) {
                ("complete", _) | ("skipped", None) => {}
                (_, None) => {
                    print::remark(&format!("{section} was never read ({status}{code}): its rows are missing here"))
                }
                (_, Some(time)) => {
                    let time = shown(time);
                    print::remark(&format!("{section} was not read ({status}{code}): its rows here are as of {time}"));
                }
            }
        }
        Ok(())
    }

    /// Finds the one row of these kinds that has this id, name or address, or this `TYPE:ID`.
    ///
    /// # Errors
    /// `invalid_config` if there is none, with the nearest name, or if there are several, with their ids.
    pub(super) fn one(&mut self, kinds: &[&str], called: &str) -> Result<Record, ConnectorError> {
        let mut found = Vec::new();
        for kind in kinds {
            found.append(&mut self.store.find(&self.system, self.run, kind, called)?);
        }
        if let (true, Some((of_type, external_id))) = (found.is_empty(), called.split_once(':')) {
            for kind in kinds {
                found.append(&mut self.store.find(&self.system, self.run, kind, external_id)?);
            }
            found.retain(|record| id_and_type(record) == Some((external_id, of_type)));
        }
        let mut found = spelled_so(found, called);
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => {
                let message = format!("there is no {} {called} {}", kinds.join(" or "), self.as_of());
                Err(ConnectorError::invalid_config(message, self.instead(kinds, called)?))
            }
            several => {
                let ids: Vec<(&str, &str)> = found.iter().filter_map(id_and_type).collect();
                let is_unique = ids.iter().all(|(id, _)| ids.iter().filter(|(other, _)| other == id).count() == 1);
                let id = |(id, of_type): &(&str, &str)| match is_unique {
                    true => format!("{id} ({of_type})"),
                    false => format!("{of_type}:{id}"),
                };
                let ids: Vec<String> = ids.iter().take(5).map(id).collect();
                let more = if several > ids.len() { ", …" } else { "" };
                let message = format!("{several} rows are called {called}");
                Err(ConnectorError::invalid_config(message, format!("name one by its id: {}{more}", ids.join(", "))))
            }
        }
    }

    /// What to ask for where nothing of these kinds is called so.
    fn instead(&mut self, kinds: &[&str], called: &str) -> Result<String, ConnectorError> {
        let others = ["account", "group", "resource"].into_iter().filter(|other| !kinds.contains(other));
        for other in others {
            if !self.store.find(&self.system, self.run, other, called)?.is_empty() {
                return Ok(format!(
                    "it is of kind {other}; `why` is asked of an account, and `who` of a resource or a group"
                ));
            }
        }
        for kind in kinds {
            if let Some(nearest) = self.store.nearest(&self.system, self.run, kind, called)? {
                return Ok(format!("did you mean {nearest}?"));
            }
        }
        Ok(match kinds {
            ["account"] => "name it by its user name, its address or its id".to_owned(),
            _ => "name it by its name or its id".to_owned(),
        })
    }
}

/// How a section that was not read stands, as JSON.
pub(super) fn as_json(state: &SectionState) -> Value {
    json!({
        "section": state.section,
        "status": state.status,
        "code": state.code,
        "asOf": state.as_of,
        "asOfRun": state.as_of_run,
    })
}

/// The id of an account, group or resource, and its kind or type.
fn id_and_type(record: &Record) -> Option<(&str, &str)> {
    match record {
        Record::Account(account) => Some((&account.external_id, account.kind.as_str())),
        Record::Group(group) => Some((&group.external_id, &group.group_type)),
        Record::Resource(resource) => Some((&resource.external_id, &resource.resource_type)),
        _ => None,
    }
}

/// Of rows whose names differ in case, returns the one whose name is spelled so, if it is the only one.
fn spelled_so(mut found: Vec<Record>, called: &str) -> Vec<Record> {
    let is_so = |record: &Record| name::of(record) == called;
    if found.len() > 1 && found.iter().filter(|record| is_so(record)).count() == 1 {
        found.retain(is_so);
    }
    found
}

/// `RUN|TIME`: a run by its number, or a moment by its date or time. A date means its end, in the reader's zone, and so does a
/// minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) At);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str =
            "write the number of a run, a date such as 2026-03-03, or a time such as 2026-03-03T09:00Z";
        const BEYOND: &str = "this day is beyond what a store can keep: write one before the year 9999";
        if let Ok(run) = text.parse() {
            return Ok(Self(At::Run(run)));
        }
        // As `harness history` shows it: `2026-03-03 09:00 UTC`, `2026-03-03 10:00 +01:00`.
        let shown = match text.rsplit_once(' ') {
            Some((time, "UTC")) => format!("{time}Z"),
            Some((time, offset)) if offset.starts_with(['+', '-']) => format!("{time}{offset}"),
            _ => text.to_owned(),
        };
        let text = shown.as_str();
        if let Ok(time) = text.parse::<Timestamp>() {
            return whole_minute(text, time).map(|time| Self(At::Time(time))).ok_or(EXPECTED);
        }
        let zone = TimeZone::system();
        let local = match text.parse::<jiff::civil::Date>() {
            Ok(date) if text.len() == 10 => {
                let end = date.tomorrow().and_then(|next| next.to_zoned(zone));
                return end.map(|end| Self(At::Time(end.timestamp()))).map_err(|_| BEYOND);
            }
            _ => text.parse::<jiff::civil::DateTime>().and_then(|time| time.to_zoned(zone)),
        };
        let time = local.map_err(|_| EXPECTED)?.timestamp();
        whole_minute(text, time).map(|time| Self(At::Time(time))).ok_or(EXPECTED)
    }
}

/// The end of the minute if a time has no seconds: `harness history` shows none.
fn whole_minute(text: &str, time: Timestamp) -> Option<Timestamp> {
    let of_day = text.get(11..).unwrap_or_default().split(['Z', 'z', '+', '-', '[']).next().unwrap_or_default();
    let has_minutes_only = of_day.matches(':').count() == 1;
    if has_minutes_only { time.checked_add(SignedDuration::from_millis(59_999)).ok() } else { Some(time) }
}

/// A time in the reader's zone, with the zone.
pub(super) fn shown(time: Timestamp) -> String {
    shown_in(time, TimeZone::system())
}

fn shown_in(time: Timestamp, zone: TimeZone) -> String {
    let local = time.to_zoned(zone);
    match local.offset().is_zero() {
        true => local.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        false => local.strftime("%Y-%m-%d %H:%M %:z").to_string(),
    }
}

/// The day of a time in the reader's zone.
pub(super) fn day(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_time_is_shown_in_the_readers_zone_and_understood_as_it_is_shown() {
        let time: Timestamp = "2026-03-03T23:30:00Z".parse().unwrap();
        let end_of_minute = time + SignedDuration::from_millis(59_999);
        for (zone, expected) in [
            (TimeZone::UTC, "2026-03-03 23:30 UTC"),
            (TimeZone::fixed(jiff::tz::offset(1)), "2026-03-04 00:30 +01:00"),
            (TimeZone::fixed(jiff::tz::offset(-5)), "2026-03-03 18:30 -05:00"),
        ] {
            let shown = shown_in(time, zone);
            assert_eq!(shown, expected);
            assert_eq!(shown.parse::<Moment>().map(|moment| moment.0), Ok(At::Time(end_of_minute)), "{shown}");
        }
    }

    #[test]
    fn a_name_that_is_spelled_so_wins_over_others() {
        let named = |name: &str| Record::from(connector_api::Account::new(name, name));
        let found = |names: &[&str]| spelled_so(names.iter().map(|name| named(name)).collect(), "ADA");
        assert_eq!(found(&["ada", "ADA"]), [named("ADA")]);
        assert_eq!(found(&["ada", "Ada"]).len(), 2);
        assert_eq!(found(&["ADA", "ADA"]).len(), 2);
    }

    #[test]
    fn a_moment_is_a_run_or_a_time() {
        let at = |text: &str| text.parse::<Moment>().map(|moment| moment.0);
        assert_eq!(at("17"), Ok(At::Run(17)));
        let time = "2026-03-03T09:00:00Z".parse().unwrap();
        assert_eq!(at("2026-03-03T09:00:00Z"), Ok(At::Time(time)));
        assert!(matches!(at("2026-03-03"), Ok(At::Time(_))));
        assert!(matches!(at("2026-03-03 09:00"), Ok(At::Time(_))));
        assert!(at("9999-12-31").unwrap_err().contains("before the year 9999"));
        assert!(matches!(at("9998-12-31"), Ok(At::Time(_))));
        for odd in ["", "yesterday", "2026-13-01"] {
            assert!(at(odd).is_err(), "{odd}");
        }
    }
}
