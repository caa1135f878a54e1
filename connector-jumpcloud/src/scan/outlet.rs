//! Sends the rows that refer to users, after the users' accounts.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, Record, Section, SectionStatus};

use super::Scan;
use super::progress::SectionProgress;
use super::state::State;
use crate::graph::Graph;
use crate::graph::evidence_rules::Privilege;
use crate::sections::{self, Discovery};
use crate::verification;

/// Rows per batch.
const BATCH: usize = 100;

/// Batches and subjects of a walk between two moments in which other tasks and timers run.
const STEPS: u32 = 64;

/// Everything that is known when the rows are sent.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) scan: &'a Scan<'a>,
    pub(crate) state: &'a State,
    pub(crate) graph: &'a Graph<'a>,
    pub(crate) privilege: &'a Privilege<'a>,
}

/// Rows on their way to the sink, counted for their sections.
pub(crate) struct Outlet<'a> {
    scan: &'a Scan<'a>,
    batch: Vec<Record>,
    /// The sections of the batch's rows, each with how many follow one another.
    pending: Vec<(Section, u64)>,
    /// Steps since other tasks last ran.
    steps: u32,
    /// Counts of the sections while their rows are made, in addition to those of reading.
    asides: BTreeMap<Section, SectionProgress>,
    /// Sections that ended before their last row, and why.
    ended: BTreeMap<Section, ConnectorError>,
    /// Warnings of the summary.
    warnings: Vec<String>,
}

impl<'a> Outlet<'a> {
    pub(crate) fn new(scan: &'a Scan<'a>) -> Self {
        Self {
            scan,
            batch: Vec::with_capacity(BATCH),
            pending: Vec::new(),
            steps: 0,
            asides: BTreeMap::new(),
            ended: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Sends a row that a section owns.
    pub(crate) async fn send(&mut self, section: Section, record: impl Into<Record>) -> Result<(), ConnectorError> {
        match self.pending.last_mut() {
            Some((last, rows)) if *last == section => *rows += 1,
            _ => self.pending.push((section, 1)),
        }
        self.batch.push(record.into());
        if self.batch.len() == BATCH { self.flush().await } else { Ok(()) }
    }

    pub(crate) async fn flush(&mut self) -> Result<(), ConnectorError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        self.scan.sink.records(std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH))).await?;
        self.pending.drain(..).for_each(|(section, rows)| self.scan.in_flight.took(section, rows));
        self.step().await
    }

    /// Counts a batch, or a subject of a walk, which may have no rows. Nothing of a walk waits if the sink is always ready,
    /// so other tasks and timers run once per [`STEPS`], and a scan that was cancelled ends there.
    pub(crate) async fn step(&mut self) -> Result<(), ConnectorError> {
        self.steps += 1;
        if self.steps < STEPS {
            return Ok(());
        }
        self.steps = 0;
        tokio::task::yield_now().await;
        self.check_cancelled()
    }

    fn check_cancelled(&self) -> Result<(), ConnectorError> {
        if self.scan.request.cancel.is_cancelled() { Err(ConnectorError::cancelled()) } else { Ok(()) }
    }

    /// Ends a section before its last row.
    pub(crate) fn end(&mut self, section: Section, why: ConnectorError) {
        self.ended.insert(section, why);
    }

    /// Adds a warning to the summary.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// The counts of a section while its rows are made.
    pub(crate) fn aside(&mut self, section: Section) -> &mut SectionProgress {
        self.asides.entry(section).or_insert_with(|| SectionProgress::new(section, &self.scan.sink))
    }
}

impl Scan<'_> {
    /// Sends everything except the users: it is all in memory by now.
    pub(crate) async fn emit_rest(&self, state: &mut State) -> Result<(), ConnectorError> {
        for section in sections::ALL {
            section.name_accounts(state);
        }
        let made = |section: &&dyn Discovery| section.about().made_of.filter(|of| state.reports.contains_key(of));
        let made = sections::ALL.iter().filter_map(|section| Some((section.about().section, made(section)?)));
        let made = made.filter(|(section, _)| self.wants(*section));
        let made: Vec<_> = made.map(|(section, of)| (self.progress(section), section, of)).collect();
        made.iter().for_each(|(progress, ..)| progress.begin());
        let mut outlet = Outlet::new(self);
        let result = self.emit_all(state, &mut outlet).await;
        state.warnings.append(&mut outlet.warnings);
        for (section, aside) in std::mem::take(&mut outlet.asides) {
            if let Some(report) = state.reports.get_mut(&section) {
                aside.enter_aside(report);
            }
        }
        judge(state);
        for (progress, section, of) in made {
            // If what it is made of is not complete either, a higher limit would not make it complete.
            let status = match (status_of_made(state, of), outlet.ended.remove(&section)) {
                (SectionStatus::Complete, Some(error)) => SectionStatus::Incomplete { error },
                (status, _) => status,
            };
            let report = progress.close(status);
            state.reports.insert(section, report);
        }
        judge(state);
        result
    }

    async fn emit_all(&self, state: &State, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let graph = Graph::new(state, &state.people, self.client.clock().now(), outlet.aside(Section::GRANTS));
        let privilege = self.privilege(state, &graph);
        let known = Known { scan: self, state, graph: &graph, privilege: &privilege };
        // A section computed from others has no rows if those were not read.
        let is_made = |section: &&&dyn Discovery| {
            let of = section.about().made_of;
            of.is_none_or(|of| self.wants(section.about().section) && state.reports.contains_key(&of))
        };
        for record in Record::KINDS {
            for section in sections::ALL.iter().filter(is_made) {
                if section.about().owns.iter().any(|(owned, _)| owned == record) {
                    section.emit(record, &known, outlet).await?;
                }
            }
        }
        outlet.flush().await?;
        verification::verify(&known, outlet).await
    }

    pub(crate) fn privilege<'s>(&self, state: &'s State, graph: &'s Graph<'s>) -> Privilege<'s> {
        let Self { options, client, .. } = self;
        let now = client.clock().now();
        Privilege::new(&options.privileged_group_patterns, options.stale_api_key_days, now, state, graph)
    }
}

/// A section is complete only if everything that it refers to is.
fn judge(state: &mut State) {
    for section in sections::ALL {
        let broken = section.about().after.iter().find_map(|part| {
            let status = &state.reports.get(part)?.status;
            status.error().map(|error| error.clone().context(part))
        });
        if let (Some(error), Some(report)) = (broken, state.reports.get_mut(&section.about().section))
            && report.status == SectionStatus::Complete
        {
            report.status = SectionStatus::Incomplete { error };
        }
    }
}

/// A section computed from another is only as complete as that one.
fn status_of_made(state: &State, of: Section) -> SectionStatus {
    match state.reports.get(&of).map(|report| &report.status) {
        Some(SectionStatus::Unavailable { error }) => SectionStatus::Incomplete { error: error.clone() },
        Some(status) => status.clone(),
        None => SectionStatus::Skipped,
    }
}
