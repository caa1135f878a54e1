//! The connector, with each of its breakages where it takes effect.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connector_api::secrecy::ExposeSecret;
use connector_api::{
    Access, AccessLevel, AccessPath, Check, Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor,
    ErrorCode, Organization, Progress, Record, Retry, ScanFailure, ScanLedger, ScanPlan, ScanRequest, ScanSink,
    ScanSummary, Section, SectionPlan, SectionReport, SectionStatus, Severity, SystemConfig, async_trait,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::descriptor::descriptor;
use super::{Breakage, RESOURCES, account, grant, group, membership, reason, resource, sections};

const PAGE: usize = 50;

/// The state in a checkpoint.
#[derive(Serialize, Deserialize)]
struct State {
    sent: usize,
    secret: String,
}

thread_local! {
    /// Counts the scans of a connector that changes its order. Per thread, and so per test: a test runs on one thread.
    static SCANS: Cell<usize> = const { Cell::new(0) };
}

/// The connector with the breakage of that index.
pub struct ReferenceConnector<const BREAKAGE: usize> {
    pub(super) config: SystemConfig,
    pub(super) requests: AtomicUsize,
    refused: AtomicUsize,
}

impl<const BREAKAGE: usize> TryFrom<SystemConfig> for ReferenceConnector<BREAKAGE> {
    type Error = ConnectorError;

    fn try_from(config: SystemConfig) -> Result<Self, ConnectorError> {
        let connector = Self { config, requests: AtomicUsize::new(0), refused: AtomicUsize::new(0) };
        let no_secret = connector.config.credential.secret().expose_secret().is_empty();
        if connector.is(Breakage::RefusesToConnect) || (connector.is(Breakage::NeedsSecretSecretly) && no_secret) {
            return Err(ConnectorError::invalid_config("no", "none"));
        }
        if connector.config.hostname.starts_with("plainhttp-") && !connector.is(Breakage::SpeaksPlainHttp) {
            if connector.is(Breakage::AsksBeforeItRefuses) {
                let address = connector.config.hostname.trim_start_matches("plainhttp-");
                let asked = std::net::TcpStream::connect(address)
                    .and_then(|mut connection| connection.write_all(b"GET / HTTP/1.1\r\n\r\n"));
                asked.map_err(|_| ConnectorError::internal("the trap does not answer"))?;
            }
            let message = "the secret would travel readable";
            return Err(ConnectorError::new(ErrorCode::InsecureEndpoint, message, "use HTTPS"));
        }
        Ok(connector)
    }
}

impl<const BREAKAGE: usize> ReferenceConnector<BREAKAGE> {
    pub(super) const BREAKAGE: Breakage = Breakage::ALL[BREAKAGE];

    pub(super) fn is(&self, breakage: Breakage) -> bool {
        Self::BREAKAGE == breakage
    }

    /// Returns the rows of every section, as this connector reads them.
    fn rows(&self, without: &BTreeSet<Section>) -> Vec<(Section, Vec<Record>)> {
        let mut sections = sections();
        let left_out = without.contains(&Section::APPLICATIONS);
        if left_out || self.config.hostname == "fails-applications" {
            // Without applications, what they add to an account is unknown.
            let mut first = account(0);
            first.department = None;
            sections[0].1[0] = first.into();
        }
        if left_out {
            // And so is who reaches them.
            sections[4].1.clear();
        }
        match Self::BREAKAGE {
            Breakage::DropsARow => drop(sections[0].1.pop()),
            Breakage::InvertsEnabled | Breakage::InvertsAdmin => {
                for (user, row) in sections[0].1.iter_mut().enumerate() {
                    let mut inverted = account(user);
                    let field = match Self::BREAKAGE {
                        Breakage::InvertsEnabled => &mut inverted.enabled,
                        _ => &mut inverted.admin,
                    };
                    *field = field.map(|value| !value);
                    *row = inverted.into();
                }
            }
            Breakage::LeavesOutTheWord => {
                let mut wordless = grant(0);
                wordless.via = vec![AccessPath::new(Access::new(AccessLevel::Use, ""), Vec::new())];
                sections[4].1[RESOURCES] = wordless.into();
            }
            Breakage::ChangesOrder => sections[0].1.rotate_left(SCANS.replace(SCANS.get() + 1)),
            Breakage::RepeatsARow => sections[0].1.push(account(7).into()),
            Breakage::SharesAUsername => {
                let mut twin = account(1);
                twin.external_id = "u000".into();
                sections[0].1[0] = twin.into();
            }
            Breakage::DanglingMembership => sections[2].1.push(membership(9_999, 0).into()),
            Breakage::MembershipsFirst => sections.swap(1, 2),
            Breakage::WrongMemberCount => {
                let mut wrong = group(3);
                wrong.member_count = Some(1);
                sections[1].1[3] = wrong.into();
            }
            Breakage::UnannouncedType => {
                let mut odd = group(3);
                odd.group_type = "ODD_GROUP".into();
                sections[1].1[3] = odd.into();
            }
            Breakage::UnannouncedReason | Breakage::MoreSevereThanAnnounced | Breakage::PrivilegedWithoutReason => {
                let mut third = group(3);
                match Self::BREAKAGE {
                    Breakage::UnannouncedReason => third.reasons.push(reason("second", Severity::Low)),
                    Breakage::MoreSevereThanAnnounced => third.reasons = vec![reason("first", Severity::Critical)],
                    _ => third.reasons.clear(),
                }
                sections[1].1[3] = third.into();
            }
            Breakage::PrivilegedResource => {
                let mut first = resource(0);
                first.reasons.push(reason("first", Severity::Low));
                sections[3].1[0] = first.into();
            }
            Breakage::LeaksInRecord => {
                let mut talkative = account(0);
                talkative.description = Some(self.config.credential.secret().expose_secret().to_owned());
                sections[0].1[0] = talkative.into();
            }
            _ => {}
        }
        sections
    }

    /// Returns the number of rows that an interrupted scan had sent.
    fn resume_from(&self, request: &ScanRequest) -> Result<usize, ConnectorError> {
        let Some(checkpoint) = &request.resume else { return Ok(0) };
        let is_ours =
            checkpoint.version == Checkpoint::VERSION && checkpoint.connector_version == Self::describe().version;
        if self.is(Breakage::RefusesNamelessly) && !is_ours {
            return Err(Checkpoint::rejected("it is not from here"));
        }
        let misread = self.is(Breakage::MisreadsOtherVersions) && !is_ours;
        if !self.is(Breakage::TakesAnyCheckpoint) && !misread {
            let verified = checkpoint.verify(&Self::describe(), &self.config, Timestamp::now());
            let leaks = self.is(Breakage::LeaksInRefusedCheckpoint);
            verified.map_err(|error| if leaks { self.indiscreet(error) } else { error })?;
        }
        let lenient = self.is(Breakage::TakesAnyCheckpoint) || self.is(Breakage::TakesDamagedCheckpoint);
        let sent = match checkpoint.state.read::<State>() {
            Ok(State { sent, .. }) => sent,
            Err(_) if lenient => 0,
            Err(error) => return Err(error),
        };
        Ok(match Self::BREAKAGE {
            Breakage::ResumeLosesRows => sent + 1,
            Breakage::MisreadsOtherVersions if misread => sent + 1,
            Breakage::ResumeRepeatsRows => sent.saturating_sub(1),
            _ => sent,
        })
    }

    async fn read(
        &self,
        request: &ScanRequest,
        sink: &dyn ScanSink,
        ledger: &mut ScanLedger,
    ) -> Result<(), ConnectorError> {
        if !self.is(Breakage::LeavesOutCore) {
            let leaks = self.is(Breakage::LeaksInRefusedRequest);
            request.verify(&Self::describe()).map_err(|error| if leaks { self.indiscreet(error) } else { error })?;
        }
        let started = Timestamp::now();
        let mut sent = 0;
        let mut skip = self.resume_from(request)?;
        for (section, rows) in self.rows(&request.without) {
            let more = section == Section::APPLICATIONS && request.without.contains(&Section::GRANTS);
            let left_out = request.without.contains(&section) || (more && self.is(Breakage::LeavesOutMore));
            if left_out && !Self::describe().is_core(section) {
                if self.is(Breakage::SendsWhatIsLeftOut) {
                    sink.records(rows).await?;
                }
                let complete = self.is(Breakage::CallsLeftOutComplete);
                let status = if complete { SectionStatus::Complete } else { SectionStatus::Skipped };
                ledger.close(SectionReport::new(section, status));
                continue;
            }
            let mut report = SectionReport::new(section, SectionStatus::Complete);
            if self.is(Breakage::ClosesBeforeItsRows) {
                ledger.close(report.clone().with_records(rows.len() as u64));
            }
            let page = if self.is(Breakage::HugeBatches) { 5_000 } else { PAGE };
            let mut pages = Vec::new();
            for rows in rows.chunks(page) {
                match self.page(section).await {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(error) => {
                        report.status = SectionStatus::Incomplete { error };
                        break;
                    }
                }
                let (known, rows) = rows.split_at(skip.min(rows.len()));
                skip -= known.len();
                let rows = rows.to_vec();
                report.records += rows.len() as u64;
                if self.is(Breakage::IgnoresBackPressure) {
                    pages.push(rows);
                    continue;
                }
                self.send(rows, &mut sent, started, request, sink).await?;
                sink.progress(Progress::reading(section, sent as u64));
            }
            for result in futures_util::future::join_all(pages.into_iter().map(|rows| sink.records(rows))).await {
                result?;
            }
            if let Some(report) = self.judged(self.as_whole_as_its_sources(report, ledger)) {
                ledger.close(report);
            }
        }
        Ok(())
    }

    /// Reads one page with retries, and returns whether that succeeded.
    async fn page(&self, section: Section) -> Result<bool, ConnectorError> {
        match self.answer(section).await {
            Ok(()) => Ok(true),
            Err(error) if error.retry == Retry::Never => Err(error),
            Err(_) if self.is(Breakage::LosesWhatFailsInPassing) => Ok(false),
            Err(_) => self.answer(section).await.map(|()| true),
        }
    }

    async fn send(
        &self,
        rows: Vec<Record>,
        sent: &mut usize,
        started: Timestamp,
        request: &ScanRequest,
        sink: &dyn ScanSink,
    ) -> Result<(), ConnectorError> {
        if request.cancel.is_cancelled() && !self.is(Breakage::IgnoresCancel) {
            return Err(ConnectorError::cancelled());
        }
        *sent += rows.len();
        let taken = sink.records(rows).await;
        match Self::BREAKAGE {
            Breakage::SwallowsSinkError => {}
            Breakage::GoesOnAfterSinkError => {
                self.refused.fetch_add(usize::from(taken.is_err()), Ordering::Relaxed);
            }
            _ => taken?,
        }
        if request.checkpoints {
            let secret =
                if self.is(Breakage::LeaksInCheckpoint) { self.config.credential.secret().expose_secret() } else { "" };
            let state = State { sent: *sent, secret: secret.to_owned() };
            sink.checkpoint(Checkpoint::new(&Self::describe(), &self.config, started, Arc::new(state))).await?;
        }
        Ok(())
    }

    /// Marks a section as incomplete if it is drawn from one that is not complete.
    fn as_whole_as_its_sources(&self, mut report: SectionReport, ledger: &ScanLedger) -> SectionReport {
        let described = Self::describe();
        let mut sources = described.section(report.section).into_iter().flat_map(|described| &described.drawn_from);
        let broken = sources.find_map(|source| Some(ledger.section(*source)?.status.error()?.clone().context(source)));
        if let Some(error) = broken
            && report.status == SectionStatus::Complete
            && !self.is(Breakage::CallsDrawnComplete)
        {
            report.status = SectionStatus::Incomplete { error };
        }
        report
    }

    /// Returns the report as this connector records it.
    fn judged(&self, mut report: SectionReport) -> Option<SectionReport> {
        let core = Self::describe().is_core(report.section);
        match Self::BREAKAGE {
            Breakage::ForgetsASection if report.section == Section::MEMBERSHIPS => return None,
            Breakage::Miscounts if report.section == Section::USERS => report.records += 1,
            Breakage::ScansWithoutRights if self.config.hostname == "unauthorized" => {
                report.status = SectionStatus::Complete;
            }
            Breakage::BlamesAnother if self.config.hostname == "fails-users" => match report.section {
                Section::USERS => report.status = SectionStatus::Complete,
                Section::GROUPS => {
                    let error = ConnectorError::new(ErrorCode::ServerError, "by mistake", "change it");
                    report = report.incomplete(error);
                }
                _ => {}
            },
            Breakage::TakesOthersAlong
                if self.config.hostname == "fails-grants" && report.section == Section::APPLICATIONS =>
            {
                report = report.incomplete(ConnectorError::internal("by mistake"));
            }
            Breakage::HidesIncompleteCore if core => report.status = SectionStatus::Complete,
            Breakage::HidesIncompleteOptional if !core => report.status = SectionStatus::Complete,
            _ => {}
        }
        Some(report)
    }
}

#[async_trait]
impl<const BREAKAGE: usize> Connector for ReferenceConnector<BREAKAGE> {
    fn describe() -> Descriptor {
        descriptor(Self::BREAKAGE)
    }

    async fn test_connection(&self) -> ConnectionReport {
        let mut checks = Vec::new();
        for described in Self::describe().sections.into_iter().filter(|described| described.core) {
            let name = described.section.as_str();
            let failed = match self.answer(described.section).await {
                Ok(()) if self.is(Breakage::FailsHealthyTest) => Some(ConnectorError::internal("by mistake")),
                Ok(()) => None,
                Err(error) => Some(error),
            };
            if let Some(error) = failed {
                checks.push(Check::failed(name, error, Duration::ZERO));
                break;
            }
            checks.push(Check::passed(name, "all of them", Duration::ZERO));
            if self.is(Breakage::TestsUsersAlone) {
                break;
            }
        }
        ConnectionReport::new(checks)
    }

    async fn plan(&self, _: &ScanRequest) -> Result<Option<ScanPlan>, ConnectorError> {
        let secret = if self.is(Breakage::LeaksInPlan) { self.config.credential.secret().expose_secret() } else { "" };
        Ok(Some(ScanPlan::new(0, vec![SectionPlan::new(Section::USERS, 3, format!("3 pages {secret}"))])))
    }

    async fn organizations(&self) -> Result<Vec<Organization>, ConnectorError> {
        match self.answer(Section::USERS).await {
            Err(error) if self.is(Breakage::LeaksInOrganizations) => Err(self.indiscreet(error)),
            answered => answered.map(|()| Vec::new()),
        }
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        assert!(!self.is(Breakage::Panics), "it panics");
        let secret = self.config.credential.secret().expose_secret();
        match Self::BREAKAGE {
            Breakage::LeaksInLog => tracing::trace!(token = secret, "scanning"),
            Breakage::PrintsSecret => println!("scanning by {secret}"),
            Breakage::PrintsSecretAsError => eprintln!("scanning by {secret}"),
            Breakage::LeaksThroughLog => log::trace!("scanning by {secret}"),
            _ => {}
        }
        let mut ledger = ScanLedger::start(&Self::describe(), &self.config);
        let read = self.read(&request, &*sink, &mut ledger);
        let result = if self.is(Breakage::IgnoresCancelWhileWaiting) || self.is(Breakage::IgnoresCancel) {
            read.await
        } else {
            request.cancel.run_until_cancelled(read).await.unwrap_or_else(|| Err(ConnectorError::cancelled()))
        };
        let refused = self.refused.load(Ordering::Relaxed) > 0;
        ledger.finish(if refused { Err(ConnectorError::sink("the sink failed", "mend it")) } else { result })
    }
}
