//! A scan: one file for each section, and here the plan by which they are read and the rows go out.
//!
//! The users are read last. Everything that an account's row says besides (groups, devices, last login, evidence of
//! privilege) is then known, so each account goes to the sink once, whole, as its page arrives, and none is held in
//! memory. What is held is the graph: ids and edges.

pub(crate) mod emit;
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
mod fuzzing;
pub(crate) mod people;
mod plan;
pub(crate) mod progress;
mod read;
pub(crate) mod rows;
pub(crate) mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_api::{
    Checkpoint, ConnectorError, Descriptor, ErrorCode, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary,
    Section, SectionReport, SectionStatus, SystemConfig,
};
use jiff::Timestamp;

#[cfg(any(fuzzing, test, feature = "fuzzing"))]
pub(crate) use fuzzing::fuzz_account;
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
pub use fuzzing::{fuzz_state, fuzz_state_is_good};
pub(crate) use plan::plan;

use crate::api::Id;
use crate::client::{Client, Meter};
use crate::descriptor::{SECTIONS, is_core};
use crate::explain::explain;
use crate::options::Options;
use crate::sections::users::endpoint::open_users;
use progress::Tally;
use state::State;

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
pub(crate) struct InFlight {
    /// What its requests cost.
    meter: Meter,
    /// Rows that the sink took.
    pub(crate) taken: u64,
}

impl SharedCourse {
    pub(crate) fn of(&self, section: Section) -> InFlight {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(section).or_default().clone()
    }

    fn took(&self, section: Section, rows: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(section).or_default().taken += rows;
    }
}

/// How far a scan came, whatever ended it.
#[derive(Default)]
pub(crate) struct Course {
    pub(crate) state: State,
    pub(crate) warnings: Vec<String>,
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
        for &section in SECTIONS {
            let report = course.state.reports.remove(&section);
            let report = self.ended(section, report, &result);
            progress::log_end(&report);
            ledger.close(report);
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
        if course.state.reports.contains_key(&Section::USERS) {
            // The accounts went out with what was known by then: what was not read cannot be made good any more.
            return self.emit_rest(course).await;
        }
        let mut tally = self.tally(Section::USERS);
        let users = match open_users(self.client, self.options, &tally.meter).await {
            Ok(users) => users,
            Err(error) => {
                let error = explain(self.client, error).await;
                let report = tally.close(SectionStatus::Incomplete { error: error.clone() });
                course.state.reports.insert(Section::USERS, report);
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

    /// Whether this scan reads a section at all.
    fn wants(&self, section: Section) -> bool {
        let chosen = |section| self.options.wants(section) && !self.request.without.contains(&section);
        is_core(section) || (chosen(section) && (chosen(Section::GRANTS) || !is_effective(section)))
    }

    /// Whether a section is still to be read: an interrupted scan has read some.
    fn must_read(&self, section: Section, state: &State) -> bool {
        let report = state.reports.get(&section);
        let open = report.is_none_or(|report| matches!(report.status, SectionStatus::Incomplete { .. }));
        section != Section::USERS && !is_effective(section) && self.wants(section) && open
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
            progress::enter_cost(&mut report, meter.read());
            report
        });
        if let Err(error) = result
            && section != Section::USERS
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
        self.request.verify(self.descriptor)?;
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

/// The sections that are made of what others read, without a request of their own.
const EFFECTIVE: [Section; 2] = [Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS];

fn is_effective(section: Section) -> bool {
    EFFECTIVE.contains(&section)
}

/// One thing was asked for by id, and another was answered.
pub(crate) fn another_answered(kind: &str, asked: &Id, answered: &Id) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::MalformedResponse,
        format!("the {kind} {asked} was asked for by id, and {answered} was answered"),
        "scan again; when it lasts, report it to JumpCloud",
    )
}
