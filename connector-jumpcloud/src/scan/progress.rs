//! The counts of one section while it is read, and the report made from them.

use std::sync::Arc;

use connector_api::{
    ConnectorError, DanglingReference, ErrorCode, Progress, ScanSink, Section, SectionReport, SectionStatus, Stage,
};
use tokio::time::Instant;

use crate::client::{Client, Identified, Listing, ListingStats, Meter, PageReader, Reading};
use crate::graph::evidence_table::quoted;
use crate::scan::state::State;
use crate::sections;

/// How many dangling references a report shows, and how many notes.
const EXAMPLES: usize = 20;
/// How many of these notes may be about its lists.
const LISTS_EXAMPLES: usize = 8;

/// One section's counts.
pub(crate) struct SectionProgress {
    section: Section,
    pub(crate) meter: Meter,
    sink: Arc<dyn ScanSink>,
    began: Instant,
    report: SectionReport,
    done: u64,
    expected: Option<u64>,
    /// Whether the target answered the section's main listing, or any of several alike.
    answered: bool,
    /// Whether there is nothing to read, as a note says.
    skipped: bool,
    /// Notes beyond the limit.
    more_notes: u64,
    /// Edges received, and how many of them lead to an object of unknown kind.
    edges: u64,
    unknown_kinds: u64,
}

impl SectionProgress {
    /// The counts of a section whose requests `meter` counts.
    pub(crate) fn metered(section: Section, meter: Meter, sink: &Arc<dyn ScanSink>) -> Self {
        Self { meter, ..Self::new(section, sink) }
    }

    /// Which section.
    pub(crate) fn section(&self) -> Section {
        self.section
    }

    /// Shows that the section begins.
    pub(crate) fn begin(&self) {
        self.show(Stage::Reading);
    }

    /// Counts made while a section is not being read.
    pub(crate) fn new(section: Section, sink: &Arc<dyn ScanSink>) -> Self {
        Self {
            section,
            meter: Meter::default(),
            sink: Arc::clone(sink),
            began: Instant::now(),
            report: SectionReport::new(section, SectionStatus::Skipped),
            done: 0,
            expected: None,
            answered: false,
            skipped: false,
            more_notes: 0,
            edges: 0,
            unknown_kinds: 0,
        }
    }

    /// Counts items that were received.
    pub(crate) fn advance(&mut self, items: usize, expected: Option<u64>) {
        self.answered = true;
        self.done += items as u64;
        self.expected = expected.or(self.expected);
        self.show(Stage::Reading);
    }

    /// A listing was read to its end.
    pub(crate) fn listing(&mut self, stats: ListingStats) {
        self.report.duplicates += stats.duplicates;
        if let Some(planned) = stats.planned {
            self.plan(planned);
        }
        for note in stats.notes {
            // Many lists may have notes, and must leave room for those about the section itself.
            if self.report.notes.len() < LISTS_EXAMPLES {
                self.report.notes.push(note);
            } else {
                self.more_notes += 1;
            }
        }
    }

    /// Adds to the expected requests.
    pub(crate) fn plan(&mut self, requests: u64) {
        *self.report.planned_requests.get_or_insert(0) += requests;
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        if self.report.notes.len() < EXAMPLES {
            self.report.notes.push(note.into());
        } else {
            self.more_notes += 1;
        }
    }

    /// Notes that a setting leaves out evidence of privilege, so that there may be more than the rows have.
    pub(crate) fn lack_evidence(&mut self, note: impl Into<String>) {
        self.report.lacks_evidence = true;
        self.note(note);
    }

    /// Ends the section as skipped, because nobody can or has to do anything about what the note says.
    pub(crate) fn skip(&mut self, note: impl Into<String>) {
        self.skipped = true;
        self.note(note);
    }

    /// Enters how many rows went to the sink.
    pub(crate) fn sent(&mut self, rows: u64) {
        self.report.records = rows;
    }

    /// Adds the dropped references, the notes and the cost to the section's report.
    pub(crate) fn enter_aside(self, report: &mut SectionReport) {
        enter_cost(report, self.meter.read());
        // A section of which nothing could be planned stays without a plan.
        if let (Some(planned), Some(more)) = (&mut report.planned_requests, self.report.planned_requests) {
            *planned += more;
        }
        report.notes.extend(self.report.notes);
        report.dangling += self.report.dangling;
        let room = EXAMPLES.saturating_sub(report.dangling_examples.len());
        report.dangling_examples.extend(self.report.dangling_examples.into_iter().take(room));
    }

    /// Counts a dropped reference to an object that is not in the scan.
    pub(crate) fn dangling(&mut self, from: impl FnOnce() -> String, to: impl FnOnce() -> String) {
        self.report.dangling += 1;
        if self.report.dangling_examples.len() < EXAMPLES {
            self.report.dangling_examples.push(DanglingReference::new(from(), to()));
        }
    }

    /// Edges were received.
    pub(crate) fn edges(&mut self, edges: usize) {
        self.edges += edges as u64;
    }

    /// Counts a dropped edge to an object of unknown kind.
    pub(crate) fn unknown_kind(&mut self, from: impl FnOnce() -> String, to: impl FnOnce() -> String) {
        self.unknown_kinds += 1;
        self.dangling(from, to);
    }

    /// Compares edges to unknown kinds with all edges: one in a hundred may be of a new kind, or a single one of fewer.
    ///
    /// # Errors
    /// `inconsistent_listing` with an example.
    pub(crate) fn check_kinds(&self) -> Result<(), ConnectorError> {
        if self.unknown_kinds <= (self.edges / 100).max(1) {
            return Ok(());
        }
        let example = self.report.dangling_examples.first();
        let example =
            example.map_or_else(String::new, |example| format!(", such as {} -> {}", example.from, example.to));
        Err(ConnectorError::new(
            ErrorCode::InconsistentListing,
            format!("{} of {} edges lead to an object of an unknown kind{example}", self.unknown_kinds, self.edges),
            "report this with the version of the connector: access is not complete without these edges",
        ))
    }

    /// Closes the section.
    pub(crate) fn close(mut self, status: SectionStatus) -> SectionReport {
        self.show(Stage::Done);
        let reading = self.meter.read();
        tracing::debug!(section = %self.section, items = self.done, requests = reading.requests, "a section was read");
        match self.more_notes {
            0 => {}
            1 => self.report.notes.push("1 more note is not shown".to_owned()),
            more => self.report.notes.push(format!("{more} more notes are not shown")),
        }
        self.report.status = status;
        enter_cost(&mut self.report, reading);
        self.report.duration_ms += u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.report
    }

    /// Closes the section with the result of its reading. A section that was refused only in part is not unavailable. One
    /// whose feature the organisation has not set up is skipped: nobody has to do anything about it.
    pub(crate) fn close_by(mut self, result: Result<(), ConnectorError>) -> SectionReport {
        let status = match result {
            Ok(()) if self.skipped => SectionStatus::Skipped,
            Ok(()) => SectionStatus::Complete,
            Err(error) if error.code == ErrorCode::NotFound && !self.answered && self.is_of_feature() => {
                self.note(SectionReport::NOT_SET_UP);
                SectionStatus::Skipped
            }
            Err(error) if error.is_unavailable() => {
                let error = with_option(self.section, error);
                if self.answered { SectionStatus::Incomplete { error } } else { error.into() }
            }
            Err(error) => error.into(),
        };
        self.close(status)
    }

    /// Whether the section's first list belongs to a feature that the organisation may not have set up.
    fn is_of_feature(&self) -> bool {
        let first = sections::of(self.section).and_then(|known| known.about().rights.first());
        first.is_some_and(|right| right.of_feature)
    }

    /// Reads a listing into `rows` after the section's main one, which ended with `main`. If the main one was refused, this
    /// one may still be read, but the section stays unavailable.
    pub(crate) async fn read_besides<T>(
        &mut self,
        main: Result<(), ConnectorError>,
        client: &Client,
        listing: Listing,
        rows: &mut Vec<T>,
    ) -> Result<(), ConnectorError>
    where
        T: Identified + Send + 'static,
    {
        match main {
            Err(error) if error.is_unavailable() => {
                // The error of the main listing is the more useful one.
                let _ = self.read_into(client, listing, rows).await;
                self.answered = false;
                Err(error)
            }
            Err(error) => Err(error),
            Ok(()) => self.read_into(client, listing, rows).await,
        }
    }

    /// Reads a listing into `rows`, which keeps what was read before an error.
    pub(crate) async fn read_into<T>(
        &mut self,
        client: &Client,
        listing: Listing,
        rows: &mut Vec<T>,
    ) -> Result<(), ConnectorError>
    where
        T: Identified + Send + 'static,
    {
        let mut reader = PageReader::new(client, &self.meter, listing);
        let result = async {
            self.expected = match (self.expected, reader.total().await?) {
                (Some(before), Some(more)) => Some(before + more),
                (before, more) => before.or(more),
            };
            self.answered = true;
            while let Some(more) = reader.next().await? {
                self.advance(more.len(), None);
                rows.extend(more);
            }
            Ok(())
        }
        .await;
        let stats = reader.stats();
        // A list that is refused or not there costs the request that shows it.
        if result.is_err() && stats.planned.is_none() {
            self.plan(1);
        }
        self.listing(stats);
        result
    }

    fn show(&self, stage: Stage) {
        let cost = self.meter.read();
        let Self { section, done, expected, .. } = *self;
        let progress = match stage {
            Stage::Done => Progress::done(section, done),
            _ => Progress::reading(section, done),
        };
        self.sink.progress(progress.of(expected).with_requests(cost.requests).with_waits(cost.refusals, cost.wait_ms));
    }
}

/// Replaces the paths of lists in the notes by the names of their groups.
pub(crate) fn name_lists(report: &mut SectionReport, state: &State) {
    for note in &mut report.notes {
        let Some((path, rest)) = note.find([':', ' ']).map(|end| note.split_at(end)) else { continue };
        let ["", "api", "v2", kind, id, what] = path.split('/').collect::<Vec<_>>()[..] else { continue };
        let name = match kind {
            "usergroups" => state
                .found
                .groups
                .rows
                .iter()
                .find(|group| group.id.to_string() == id)
                .and_then(|group| group.name.as_ref()),
            "systemgroups" => state
                .found
                .systems
                .groups
                .iter()
                .find(|group| group.id.to_string() == id)
                .and_then(|group| group.name.as_ref()),
            _ => None,
        };
        if let Some(name) = name {
            *note = format!("{what} of {}{rest}", quoted(name));
        }
    }
}

/// Logs how a section ended. It is known only now: sections that it refers to, or the end of the scan, may make it incomplete.
pub(crate) fn log_end(report: &SectionReport) {
    let (section, status, requests) = (report.section, report.status.as_str(), report.requests);
    match report.status.error() {
        Some(error) => tracing::info!(%section, status, requests, %error, "a section is not complete"),
        None => tracing::info!(%section, status, requests, rows = report.records, "a section has ended"),
    }
}

/// Adds the cost of a section's requests to its report.
pub(crate) fn enter_cost(report: &mut SectionReport, reading: Reading) {
    report.requests += reading.requests;
    report.retries += reading.retries;
    report.wait_ms += reading.wait_ms;
    report.bytes += reading.bytes;
}

/// The same error; its remedy also names the setting that turns an optional section off.
fn with_option(section: Section, mut error: ConnectorError) -> ConnectorError {
    if let Some(option) = sections::of(section).and_then(|known| known.about().option.as_ref()) {
        error.remedy = format!("{}; or set {} to false", error.remedy, option.name);
    }
    error
}
