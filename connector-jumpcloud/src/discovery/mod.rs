//! A scan: one file for each section, and here the plan by which they are read and the rows go out.
//!
//! The users are read last. Everything that an account's row says besides (groups, devices, last login, evidence of
//! privilege) is then known, so each account goes to the sink once, whole, as its page arrives, and none is held in
//! memory. What is held is the graph: ids and edges.

mod accounts;
mod administrators;
mod attribution;
mod edge_lists;
mod edges;
mod emit;
mod evidence;
mod explain;
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
mod fuzzing;
mod graph;
mod groups;
mod last_login;
mod logins;
mod memberships;
mod names;
mod organization;
mod people;
mod plan;
mod privilege;
mod reach;
mod rows;
mod section;
mod state;
mod users;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_api::{
    Checkpoint, ConnectorError, Descriptor, ErrorCode, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary,
    Section, SectionReport, SectionStatus, SystemConfig,
};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;

pub(crate) use evidence::rows as evidence_rows;
pub(crate) use explain::{
    explain, learn_organization, list as list_organizations, name as organization_name, not_visible,
    visible_organizations,
};
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
pub(crate) use fuzzing::fuzz_account;
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
pub use fuzzing::{fuzz_state, fuzz_state_is_good};
pub(crate) use plan::plan;
pub(crate) use users::Draft;

use crate::api::Id;
use crate::api::directories::{Directory, RadiusServer};
use crate::api::users::{self as users_api, SYSTEM_USERS, V2_USERS};
use crate::api::{
    administrators as administrators_api, applications as applications_api, directories as directories_api,
    systems as systems_api,
};
use crate::client::{Client, Meter, PageReader, is_absent};
use crate::options::{Options, UsersEndpoint};
use edge_lists::EdgeReader;
use edges::Counts;
use groups::Groups;
use logins::Logins;
use people::People;
use section::{Tally, is_unavailable};
use state::{Edge, Members, State};

/// What a scan works with.
pub(crate) struct Scan<'a> {
    pub(crate) client: &'a Client,
    pub(crate) options: &'a Options,
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) config: &'a SystemConfig,
    pub(crate) request: &'a ScanRequest,
    pub(crate) sink: Arc<dyn ScanSink>,
    pub(crate) course: SharedCourse,
}

/// What must be known of each section even when the scan ends in its middle.
#[derive(Default)]
pub(crate) struct SharedCourse(Mutex<BTreeMap<Section, InFlight>>);

/// A section as far as it came.
#[derive(Default, Clone)]
struct InFlight {
    /// What its requests cost.
    meter: Meter,
    /// Rows that the sink took.
    taken: u64,
}

impl SharedCourse {
    fn of(&self, section: Section) -> InFlight {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(section).or_default().clone()
    }

    fn took(&self, section: Section, rows: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(section).or_default().taken += rows;
    }
}

/// How far a scan came, whatever ended it.
#[derive(Default)]
struct Course {
    state: State,
    warnings: Vec<String>,
}

/// One section as it was read, whole or as far as it came.
struct Read {
    section: Section,
    found: Found,
    tally: Tally,
    result: Result<(), ConnectorError>,
}

enum Found {
    Groups(Groups),
    Memberships(People, Vec<Option<Members>>),
    Administrators(Vec<crate::api::administrators::Administrator>),
    Systems(Vec<crate::api::systems::System>, Vec<crate::api::systems::SystemGroup>),
    Applications(Vec<crate::api::applications::Application>),
    Directories(Vec<crate::api::directories::Directory>),
    Edges(Vec<Edge>),
    Logins(Logins),
}

/// The users' listing, opened at its first page: that page tells which endpoint serves, and how many users there are.
pub(crate) struct OpenUsers {
    pub(crate) path: &'static str,
    pub(crate) reader: PageReader<Draft>,
    pub(crate) total: Option<u64>,
    /// Requests to endpoints that are not served.
    pub(crate) in_vain: u64,
}

impl Scan<'_> {
    /// Runs the scan to its end, its failure, its time limit or its cancellation.
    pub(crate) async fn run(self) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(self.descriptor, self.config);
        let mut course = Course::default();
        let mut started_at = Timestamp::now();
        let result = match self.resume(&mut started_at) {
            Ok(state) => {
                course.state = state;
                self.run_until_ended(started_at, &mut course).await
            }
            Err(error) => Err(error),
        };
        ledger = ledger.started_at(started_at);
        for section in Section::ALL {
            let report = course.state.reports.remove(&section);
            ledger.close(self.ended(section, report, &result));
        }
        if let Some(endpoint) = course.state.users_endpoint {
            ledger.fact("usersEndpoint", endpoint);
        }
        let of_the_log = std::mem::take(&mut course.state.logins.warnings);
        course
            .warnings
            .into_iter()
            .chain(of_the_log)
            .chain(self.client.clock().warning())
            .for_each(|warning| ledger.warn(warning));
        ledger.finish(result)
    }

    async fn run_until_ended(&self, started_at: Timestamp, course: &mut Course) -> Result<(), ConnectorError> {
        let minutes = u64::from(self.options.scan_limit_minutes);
        tokio::select! {
            biased;
            () = self.request.cancel.cancelled() => Err(ConnectorError::cancelled()),
            result = tokio::time::timeout(Duration::from_secs(60 * minutes), self.read_and_emit(started_at, course)) => {
                result.unwrap_or_else(|_| Err(ConnectorError::new(
                    ErrorCode::Timeout,
                    format!("the scan did not end within {minutes} minutes"),
                    "raise scanLimitMinutes, or switch off sections that are not needed",
                )))
            }
        }
    }

    async fn read_and_emit(&self, started_at: Timestamp, course: &mut Course) -> Result<(), ConnectorError> {
        if course.state.reports.contains_key(&Section::Users) {
            // The accounts went out with what was known by then: what was not read cannot be made good any more.
            return self.emit_rest(course).await;
        }
        let mut tally = self.tally(Section::Users);
        let users = match open_users(self.client, self.options, &tally.meter).await {
            Ok(users) => users,
            Err(error) => {
                let error = explain(self.client, error).await;
                let report = tally.close(SectionStatus::Incomplete { error: error.clone() });
                course.state.reports.insert(Section::Users, report);
                return Err(error);
            }
        };
        tally.plan(users.in_vain);
        course.state.users_endpoint = Some(users.path.to_owned());
        self.read_sections(started_at, users.total, course).await?;
        self.emit_users(users, tally, course).await?;
        self.checkpoint(started_at, &course.state).await?;
        self.emit_rest(course).await
    }

    /// Reads every section but the users, side by side as far as one does not need another.
    async fn read_sections(
        &self,
        started_at: Timestamp,
        users: Option<u64>,
        course: &mut Course,
    ) -> Result<(), ConnectorError> {
        let mut reading: FuturesUnordered<BoxFuture<'_, Read>> = FuturesUnordered::new();
        for section in Section::ALL {
            if self.must_read(section, &course.state) {
                reading.extend(self.listing(section));
            }
        }
        let (mut memberships, mut grants) = (false, false);
        loop {
            let state = &mut course.state;
            if !memberships
                && state.reports.contains_key(&Section::Groups)
                && self.must_read(Section::Memberships, state)
            {
                memberships = true;
                reading.push(Box::pin(self.memberships(state)));
            }
            let needed = [Section::Groups, Section::Systems, Section::Applications, Section::Directories];
            let known = needed.iter().all(|section| !self.wants(*section) || state.reports.contains_key(section));
            if !grants && known && self.must_read(Section::Grants, state) {
                grants = true;
                reading.push(Box::pin(self.edges(users, state)));
            }
            let Some(mut read) = reading.next().await else { return Ok(()) };
            if read.section.is_core()
                && let Err(error) = read.result
            {
                // This ends the scan. The other sections give up what they hold: one that waits for a permit, and is not
                // run on, would keep the question behind it for ever.
                drop(reading);
                read.result = Err(explain(self.client, error).await);
                return self.enter(read, &mut course.state);
            }
            self.enter(read, &mut course.state)?;
            self.checkpoint(started_at, &course.state).await?;
        }
    }

    /// Enters a section into the state. A core section that is not whole ends the scan, and so does any when nothing
    /// more is answered.
    fn enter(&self, read: Read, state: &mut State) -> Result<(), ConnectorError> {
        let Read { section, found, tally, result } = read;
        match found {
            Found::Groups(groups) => (state.groups, state.absent_groups) = (groups.rows, groups.absent),
            Found::Memberships(people, members) => (state.people, state.members) = (people, members),
            Found::Administrators(administrators) => state.administrators = administrators,
            Found::Systems(systems, groups) => (state.systems, state.system_groups) = (systems, groups),
            Found::Applications(applications) => state.applications = applications,
            Found::Directories(directories) => state.directories = directories,
            Found::Edges(edges) => state.edges = edges,
            Found::Logins(logins) => state.logins = logins,
        }
        let ended = result.as_ref().err().filter(|error| ends_scan(section, error)).cloned();
        let report = match ended {
            Some(ref error) => tally.close(SectionStatus::Incomplete { error: error.clone() }),
            None => tally.close_by(result),
        };
        state.reports.insert(section, report);
        state.refused_sorts = self.client.refused_sorts();
        ended.map_or(Ok(()), |error| Err(error.context(section)))
    }

    /// The reading of a section that needs no other one.
    fn listing(&self, section: Section) -> Option<BoxFuture<'_, Read>> {
        let (client, limit, mut tally) = (self.client, self.limit(), self.tally(section));
        Some(match section {
            Section::Groups => {
                let details = self.options.group_details;
                Box::pin(async move {
                    let mut found = Groups::default();
                    let result = groups::read(client, limit, details, &mut found, &mut tally).await;
                    Read { section, found: Found::Groups(found), tally, result }
                })
            }
            Section::Administrators => Box::pin(async move {
                let mut rows = Vec::new();
                let result = tally.read_into(client, administrators_api::list(limit), &mut rows).await;
                Read { section, found: Found::Administrators(rows), tally, result }
            }),
            Section::Systems => Box::pin(async move {
                let (mut systems, mut groups) = (Vec::new(), Vec::new());
                let main = tally.read_into(client, systems_api::list(limit), &mut systems).await;
                let main = main.and_then(|()| organization::check_devices(client.org_id(), &systems));
                let result = tally.read_besides(main, client, systems_api::list_groups(limit), &mut groups).await;
                Read { section, found: Found::Systems(systems, groups), tally, result }
            }),
            Section::Applications => Box::pin(async move {
                let mut rows = Vec::new();
                let result = tally.read_into(client, applications_api::list(limit), &mut rows).await;
                Read { section, found: Found::Applications(rows), tally, result }
            }),
            Section::Directories => Box::pin(async move {
                let (mut rows, mut servers) = (Vec::new(), Vec::<RadiusServer>::new());
                let main = tally.read_into(client, directories_api::list(limit), &mut rows).await;
                let radius = directories_api::list_radius_servers(limit);
                let result = tally.read_besides(main, client, radius, &mut servers).await;
                rows.extend(servers.into_iter().map(Directory::from));
                Read { section, found: Found::Directories(rows), tally, result }
            }),
            Section::LastLogin => {
                let days = self.options.last_login_days;
                Box::pin(async move {
                    let mut logins = Logins::default();
                    learn_organization(client, &tally.meter).await;
                    let result = last_login::read(client, days, &mut logins, &mut tally).await;
                    Read { section, found: Found::Logins(logins), tally, result }
                })
            }
            _ => return None,
        })
    }

    /// The reading of the memberships of the groups in `state`.
    fn memberships(&self, state: &State) -> impl Future<Output = Read> + Send + use<'_> {
        let mut tally = self.tally(Section::Memberships);
        let reader = self.edge_reader(&tally);
        let groups: Vec<_> = state.groups.iter().map(|group| group.id.clone()).collect();
        let absent = state.absent_groups.clone();
        async move {
            let mut people = People::default();
            let read = memberships::read(&reader, &groups, &mut people, &mut tally).await;
            let read = read.and_then(|members| {
                let there: HashSet<_> =
                    groups.iter().zip(&members).filter_map(|(id, list)| list.as_ref().map(|_| id)).collect();
                groups::check_absent(&absent, |id| there.contains(id)).map(|()| members)
            });
            let (members, result) = match read {
                Ok(members) => (members, Ok(())),
                Err(error) => (Vec::new(), Err(error)),
            };
            Read { section: Section::Memberships, found: Found::Memberships(people, members), tally, result }
        }
    }

    /// The reading of the edges between what is in `state`.
    fn edges(&self, users: Option<u64>, state: &State) -> impl Future<Output = Read> + Send + use<'_> {
        let mut tally = self.tally(Section::Grants);
        let reader = self.edge_reader(&tally);
        let walks = edges::plan(&Counts::of(users, state), reader.limit);
        let asked = edges::asked(&walks, state);
        let users_paths = self.users_paths();
        async move {
            let mut edges = Vec::new();
            let result = edges::read(&reader, &walks, asked, users_paths, &mut edges, &mut tally).await;
            Read { section: Section::Grants, found: Found::Edges(edges), tally, result }
        }
    }

    /// The listings from which the ids of users are read whose bindings are asked for: the published one first, since the
    /// other may leave users out.
    fn users_paths(&self) -> &'static [&'static str] {
        match self.options.users_endpoint {
            UsersEndpoint::Auto => &[SYSTEM_USERS, V2_USERS],
            UsersEndpoint::V2 => &[V2_USERS],
            UsersEndpoint::Systemusers => &[SYSTEM_USERS],
        }
    }

    fn edge_reader(&self, tally: &Tally) -> EdgeReader<'_> {
        EdgeReader { client: self.client, meter: tally.meter.clone(), limit: self.limit() }
    }

    /// Whether this scan reads a section at all.
    fn wants(&self, section: Section) -> bool {
        section.is_core() || (self.options.wants(section) && !self.request.without.contains(&section))
    }

    /// Whether a section is still to be read: an interrupted scan has read some.
    fn must_read(&self, section: Section, state: &State) -> bool {
        let report = state.reports.get(&section);
        let open = report.is_none_or(|report| matches!(report.status, SectionStatus::Incomplete { .. }));
        section != Section::Users && self.wants(section) && open
    }

    /// The report of a section when the scan has ended. One that was read is complete only when its rows were taken, and
    /// all but the users' go out last.
    fn ended(
        &self,
        section: Section,
        report: Option<SectionReport>,
        result: &Result<(), ConnectorError>,
    ) -> SectionReport {
        let InFlight { meter, taken } = self.course.of(section);
        let mut report = report.unwrap_or_else(|| {
            let mut report = SectionReport::new(section, self.unread(section, result));
            section::enter_cost(&mut report, meter.read());
            report
        });
        if let Err(error) = result
            && section != Section::Users
            && report.status == SectionStatus::Complete
        {
            report.status = SectionStatus::Incomplete { error: error.clone() };
        }
        report.records = report.records.max(taken);
        report
    }

    fn unread(&self, section: Section, result: &Result<(), ConnectorError>) -> SectionStatus {
        match result {
            Err(error) if self.wants(section) => SectionStatus::Incomplete { error: error.clone() },
            _ => SectionStatus::Skipped,
        }
    }

    fn tally(&self, section: Section) -> Tally {
        Tally::begin(section, self.course.of(section).meter, &self.sink)
    }

    fn limit(&self) -> u64 {
        u64::from(self.options.page_size)
    }

    /// The state that an interrupted scan left, or an empty one.
    fn resume(&self, started_at: &mut Timestamp) -> Result<State, ConnectorError> {
        let Some(checkpoint) = &self.request.resume else {
            return Ok(State { without: self.request.without.clone(), ..State::default() });
        };
        checkpoint.verify(self.descriptor, self.config, Timestamp::now())?;
        let state: State = serde::Deserialize::deserialize(&checkpoint.state)
            .map_err(|error| Checkpoint::rejected(format!("its state is damaged: {error}")))?;
        state.check().map_err(Checkpoint::rejected)?;
        if state.without != self.request.without {
            return Err(Checkpoint::rejected("other sections were left out when it was made"));
        }
        self.client.refuse_sorts(state.refused_sorts.iter().cloned());
        *started_at = checkpoint.started_at;
        Ok(state)
    }

    /// Keeps what was read so far, if the host wants checkpoints.
    async fn checkpoint(&self, started_at: Timestamp, state: &State) -> Result<(), ConnectorError> {
        if !self.request.checkpoints {
            return Ok(());
        }
        let state = serde_json::to_value(state)
            .map_err(|error| ConnectorError::internal(format!("the state could not be stored: {error}")))?;
        self.sink.checkpoint(Checkpoint::new(self.descriptor, self.config, started_at, state)).await
    }
}

/// Whether a section that is not whole ends the scan.
fn ends_scan(section: Section, error: &ConnectorError) -> bool {
    match error.code {
        ErrorCode::AddressBlocked => true,
        // A device of another organisation.
        ErrorCode::WrongOrganization => section.is_core() || section == Section::Systems,
        _ => section.is_core(),
    }
}

/// One thing was asked for by id, and another was answered.
fn another_answered(kind: &str, asked: &Id, answered: &Id) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::MalformedResponse,
        format!("the {kind} {asked} was asked for by id, and {answered} was answered"),
        "scan again; when it lasts, report it to JumpCloud",
    )
}

/// Opens the users' listing at the endpoint that the options choose, or at the first that is served.
pub(crate) async fn open_users(client: &Client, options: &Options, meter: &Meter) -> Result<OpenUsers, ConnectorError> {
    let paths: &[&'static str] = match options.users_endpoint {
        UsersEndpoint::Auto => &[V2_USERS, SYSTEM_USERS],
        UsersEndpoint::V2 => &[V2_USERS],
        UsersEndpoint::Systemusers => &[SYSTEM_USERS],
    };
    let (mut absent, mut empty) = (None, None);
    for (in_vain, path) in (0..).zip(paths) {
        let mut reader = PageReader::new(client, meter, users_api::list(path, u64::from(options.page_size)));
        match reader.total().await {
            Ok(total) => {
                tracing::info!(endpoint = path, ?total, "the users' endpoint");
                let users = OpenUsers { path, reader, total, in_vain };
                if total != Some(0) {
                    return Ok(users);
                }
                // Another may know of some: an organisation without any is rare.
                empty.get_or_insert(users);
            }
            Err(error) if is_unavailable(&error) && empty.is_some() => {}
            Err(error) if is_absent(&error) => absent = Some(error),
            Err(error) => return Err(error.context(Section::Users)),
        }
    }
    if let Some(users) = empty {
        return Ok(OpenUsers { in_vain: paths.len() as u64 - 1, ..users });
    }
    let mut error = absent.unwrap_or_else(|| ConnectorError::internal("there is no users' endpoint"));
    if options.users_endpoint != UsersEndpoint::Auto {
        error.remedy = format!("set usersEndpoint to auto, which finds the listing that there is; or {}", error.remedy);
    }
    Err(error.context(Section::Users))
}
