//! A scan: the order in which sections are read and their rows are sent.
//!
//! The users are read last. By then everything else in an account's row (groups, devices, last login, evidence of
//! privilege) is known, so each account is sent once, complete, as its page arrives, and is not kept in memory. Only the
//! graph of ids and edges is kept.

#[cfg(any(fuzzing, test, feature = "fuzzing"))]
mod fuzzing;
pub(crate) mod outlet;
pub(crate) mod people;
pub(crate) mod planner;
pub(crate) mod progress;
mod schedule;
pub(crate) mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_api::{
    Checkpoint, ConnectorError, Descriptor, ErrorCode, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary,
    Section, SectionReport, SectionStatus, SystemConfig,
};
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
pub(crate) use fuzzing::fuzz_account;
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
pub use fuzzing::{fuzz_state, fuzz_state_is_good};
use jiff::Timestamp;
use progress::SectionProgress;
use state::State;

use crate::api::Id;
use crate::client::{Client, Meter};
use crate::explain_refusal::explain;
use crate::options::Options;
use crate::options::attribute::SCAN_LIMIT_MINUTES;
use crate::sections;
use crate::sections::users::endpoint::Search;

/// What a scan works with.
pub(crate) struct Scan<'a> {
    pub(crate) client: &'a Client,
    pub(crate) options: &'a Options,
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) config: &'a SystemConfig,
    pub(crate) request: &'a ScanRequest,
    pub(crate) sink: Arc<dyn ScanSink>,
    pub(crate) in_flight: InFlight,
}

/// What must be known about each section even if the scan ends while it is read.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<BTreeMap<Section, SectionInFlight>>);

/// The progress of a section.
#[derive(Default, Clone)]
pub(crate) struct SectionInFlight {
    /// The cost of its requests.
    meter: Meter,
    /// Rows that the sink accepted.
    pub(crate) taken: u64,
}

impl InFlight {
    pub(crate) fn of(&self, section: Section) -> SectionInFlight {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(section).or_default().clone()
    }

    fn took(&self, section: Section, rows: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(section).or_default().taken += rows;
    }
}

impl Scan<'_> {
    /// Runs the scan until it ends, fails, exceeds its time limit or is cancelled.
    pub(crate) async fn run(self) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(self.descriptor, self.config);
        // Checkpoints share it.
        let mut state = Arc::<State>::default();
        let mut started_at = Timestamp::now();
        let result = match self.resume(&mut started_at) {
            Ok(resumed) => {
                state = Arc::new(resumed);
                self.run_until_ended(started_at, &mut state).await
            }
            Err(error) => Err(error),
        };
        ledger = ledger.started_at(started_at);
        for section in sections::words() {
            let report = self.ended(section, state.reports.get(&section).cloned(), &result);
            progress::log_end(&report);
            ledger.close(report);
        }
        if let Some(endpoint) = &state.users_endpoint {
            ledger.fact("usersEndpoint", endpoint.as_str());
        }
        for (name, fact) in sections::ALL.iter().flat_map(|section| section.facts(&state.found)) {
            ledger.fact(name, fact);
        }
        state.warnings.iter().cloned().chain(self.client.clock().warning()).for_each(|warning| ledger.warn(warning));
        ledger.finish(result)
    }

    async fn run_until_ended(&self, started_at: Timestamp, state: &mut Arc<State>) -> Result<(), ConnectorError> {
        let minutes = u64::from(self.options.scan_limit_minutes);
        tokio::select! {
            biased;
            () = self.request.cancel.cancelled() => Err(ConnectorError::cancelled()),
            result = tokio::time::timeout(Duration::from_secs(60 * minutes), self.read_and_emit(started_at, state)) => {
                result.unwrap_or_else(|_| Err(ConnectorError::new(
                    ErrorCode::Timeout,
                    format!("the scan did not end within {minutes} minutes"),
                    format!("raise {SCAN_LIMIT_MINUTES}, or skip sections that are not needed"),
                )))
            }
        }
    }

    async fn read_and_emit(&self, started_at: Timestamp, state: &mut Arc<State>) -> Result<(), ConnectorError> {
        if state.reports.contains_key(&Section::USERS) {
            // The accounts were sent with what was known by then: data that was not read cannot be added any more.
            return self.emit_rest(Arc::make_mut(state)).await;
        }
        let progress = self.progress(Section::USERS);
        progress.begin();
        let mut search = Search::new(self.client, self.options, &progress.meter);
        let first = match search.next().await {
            Ok(first) => first,
            Err(error) => return Err(self.users_not_listed(error, progress, Arc::make_mut(state)).await),
        };
        // The credential is accepted, even if this endpoint is not served.
        let (users, mut progress) = self.read_sections(started_at, search.rest(first), progress, state).await?;
        progress.plan(users.in_vain);
        self.emit_users(users, progress, Arc::make_mut(state)).await?;
        self.checkpoint(started_at, state).await?;
        self.emit_rest(Arc::make_mut(state)).await
    }

    /// Ends the users' section because their list cannot be opened, and returns the error that ends the scan.
    async fn users_not_listed(
        &self,
        error: ConnectorError,
        progress: SectionProgress,
        state: &mut State,
    ) -> ConnectorError {
        let error = explain(self.client, error).await;
        let report = progress.close(SectionStatus::Incomplete { error: error.clone() });
        state.reports.insert(Section::USERS, report);
        error
    }

    /// Whether this scan reads a section at all.
    pub(crate) fn wants(&self, section: Section) -> bool {
        wants(section, self.options, self.request)
    }

    /// The report of a section at the end of the scan. A section that was read is complete only if its rows were accepted,
    /// and all rows except the users' are sent last.
    fn ended(
        &self,
        section: Section,
        report: Option<SectionReport>,
        result: &Result<(), ConnectorError>,
    ) -> SectionReport {
        let SectionInFlight { meter, taken } = self.in_flight.of(section);
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

    fn progress(&self, section: Section) -> SectionProgress {
        SectionProgress::metered(section, self.in_flight.of(section).meter, &self.sink)
    }

    /// The state that an interrupted scan left, or an empty one.
    fn resume(&self, started_at: &mut Timestamp) -> Result<State, ConnectorError> {
        self.request.verify(self.descriptor)?;
        let Some(checkpoint) = &self.request.resume else {
            return Ok(State { without: self.request.without.clone(), ..State::default() });
        };
        checkpoint.verify(self.descriptor, self.config, Timestamp::now())?;
        let state: State = checkpoint.state.read()?;
        state.check().map_err(Checkpoint::rejected)?;
        check_skipped(&state.without, &self.request.without)?;
        self.client.refuse_sorts(state.refused_sorts.iter().cloned());
        *started_at = checkpoint.started_at;
        Ok(state)
    }

    /// Saves what was read so far, if the host wants checkpoints.
    async fn checkpoint(&self, started_at: Timestamp, state: &Arc<State>) -> Result<(), ConnectorError> {
        if !self.request.checkpoints {
            return Ok(());
        }
        self.sink.checkpoint(Checkpoint::new(self.descriptor, self.config, started_at, Arc::clone(state))).await
    }
}

/// Refuses a checkpoint that was made while other sections were skipped.
fn check_skipped(then: &BTreeSet<Section>, now: &BTreeSet<Section>) -> Result<(), ConnectorError> {
    let (mut reasons, mut steps) = (Vec::new(), Vec::new());
    for (sections, made, step) in [(then - now, "without", "skip"), (now - then, "with", "do not skip")] {
        if !sections.is_empty() {
            let names = sections.iter().map(Section::as_str).collect::<Vec<_>>().join(", ");
            reasons.push(format!("{made} {names}"));
            steps.push(format!("{step} {names}"));
        }
    }
    if reasons.is_empty() {
        return Ok(());
    }
    let error = Checkpoint::rejected(format!("it was made {}", reasons.join(" and ")));
    let remedy = format!("to resume, {}; or {}", steps.join(", and "), error.remedy);
    Err(error.with_remedy(remedy))
}

/// Whether a section is read: every core section, and the others unless they are skipped. A section computed from another
/// is skipped with it, and with any other that this request alone skips: its rows would be without what a host knows.
fn wants(section: Section, options: &Options, request: &ScanRequest) -> bool {
    let chosen = |section| options.wants(section) && !request.without.contains(&section);
    let about = sections::of(section).map(|known| known.about());
    let is_whole = about.is_none_or(|about| match about.made_of {
        Some(of) => chosen(of) && !about.after.iter().any(|needed| request.without.contains(needed)),
        None => true,
    });
    sections::is_core(section) || (chosen(section) && is_whole)
}

/// The error if a request by id returned another object.
pub(crate) fn another_answered(kind: &str, asked: &Id, answered: &Id) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::MalformedResponse,
        format!("JumpCloud returned {answered} when asked for the {kind} {asked}"),
        "scan again; if it persists, report it to JumpCloud",
    )
}
