//! A scan as people watch it: what each section has read, the pace, the log. However many watch, the scan does the same.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_api::{Descriptor, Progress, ScanPlan, Section, Stage};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::progress::Reporter;
use crate::words::count;

/// Lines of the log that are kept, the newest.
const LINES: usize = 200;

/// Points of the curve of the pace. When there are more, each two become one.
const POINTS: usize = 240;

/// Time over which the present pace is measured, in seconds.
const RECENT: f64 = 15.0;

/// What a scan did up to a moment.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// When the scan began, UTC.
    pub started_at: Timestamp,
    /// The moment, UTC.
    pub as_of: Timestamp,
    /// The sections that have begun or are planned, in the order of the descriptor.
    pub sections: Vec<LiveSection>,
    /// Requests a second, from the beginning on.
    pub pace: Vec<PacePoint>,
    /// The log, the newest line last.
    pub log: Vec<LogLine>,
    /// Lines of the log that are no longer kept.
    pub lines_before: u64,
    /// Whether the scan is over.
    pub has_ended: bool,
}

/// A section of a running scan.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LiveSection {
    /// The section's word.
    pub section: Section,
    /// Its title in the descriptor.
    pub title: String,
    /// Its newest progress; `None` before it begins.
    pub progress: Option<Progress>,
    /// Requests that were planned for it.
    pub planned: Option<u64>,
}

impl LiveSection {
    /// Returns whether nothing more will be read.
    pub fn is_done(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| progress.stage == Stage::Done)
    }

    /// Returns its requests so far.
    pub fn requests(&self) -> u64 {
        self.progress.as_ref().map_or(0, |progress| progress.requests)
    }
}

/// A stretch of time with one pace.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PacePoint {
    /// Its end, in seconds from the beginning of the scan.
    pub second: f64,
    /// Its length, in seconds.
    pub length: f64,
    /// Requests in it.
    pub requests: u64,
    /// Requests in it that were refused because of their rate.
    pub refusals: u64,
}

impl PacePoint {
    /// Returns requests a second.
    pub fn rate(&self) -> f64 {
        if self.length > 0.0 { self.requests as f64 / self.length } else { 0.0 }
    }

    fn and(self, later: Self) -> Self {
        Self {
            second: later.second,
            length: self.length + later.length,
            requests: self.requests + later.requests,
            refusals: self.refusals + later.refusals,
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogLine {
    /// When, UTC.
    pub at: Timestamp,
    /// Whether somebody should look at it.
    pub is_warning: bool,
    /// What happened.
    pub text: String,
}

impl Snapshot {
    /// Returns the requests of all sections so far.
    pub fn requests(&self) -> u64 {
        self.sections.iter().map(LiveSection::requests).sum()
    }

    /// Returns the requests that were planned, if there is a plan.
    pub fn planned(&self) -> Option<u64> {
        let planned: u64 = self.sections.iter().filter_map(|section| section.planned).sum();
        (planned > 0).then_some(planned)
    }

    /// Returns the requests so far that were refused because of their rate.
    pub fn refusals(&self) -> u64 {
        self.sections.iter().filter_map(|section| section.progress.as_ref()).map(|progress| progress.refusals).sum()
    }

    /// Returns the milliseconds spent in back-off so far, summed over all requests.
    pub fn wait_ms(&self) -> u64 {
        self.sections.iter().filter_map(|section| section.progress.as_ref()).map(|progress| progress.wait_ms).sum()
    }

    /// Returns requests a second at present.
    pub fn rate(&self) -> f64 {
        let newest = self.pace.last().map_or(0.0, |point| point.second);
        let recent = self.pace.iter().rev().take_while(|point| newest - point.second < RECENT);
        recent.copied().reduce(|later, earlier| earlier.and(later)).map_or(0.0, |point| point.rate())
    }

    /// Returns the share of the plan that is done, from 0 to 1, if there is a plan. A section that is done counts with what
    /// was planned for it.
    pub fn share(&self) -> Option<f64> {
        let planned = self.planned()?;
        let done: u64 = self
            .sections
            .iter()
            .filter_map(|section| {
                let planned = section.planned?;
                Some(if section.is_done() { planned } else { section.requests().min(planned) })
            })
            .sum();
        Some(done as f64 / planned as f64)
    }

    /// Returns the time that is left by the plan and the present pace, if both are known.
    pub fn left(&self) -> Option<Duration> {
        let (planned, share, rate) = (self.planned()?, self.share()?, self.rate());
        let requests = planned as f64 * (1.0 - share);
        (rate > 0.0 && !self.has_ended).then(|| Duration::from_secs_f64((requests / rate).min(1e7)))
    }
}

/// Receives the progress of a scan and shows it to any number of people.
///
/// Progress only changes counters. A snapshot is made by [`publish`](Self::publish), which somebody calls from time to time,
/// and only if anybody watches or the scan is over.
#[derive(Debug)]
pub struct Live {
    state: Mutex<State>,
    snapshots: watch::Sender<Arc<Snapshot>>,
}

#[derive(Debug)]
struct State {
    snapshot: Snapshot,
    /// Requests and refusals at the last point of the pace.
    counted: (u64, u64),
}

impl Live {
    /// Starts with the sections of a connector.
    pub fn new(descriptor: &Descriptor, started_at: Timestamp) -> Self {
        let section = |described: &connector_api::SectionDescription| LiveSection {
            section: described.section,
            title: described.title.clone(),
            progress: None,
            planned: None,
        };
        let sections = descriptor.sections.iter().map(section).collect();
        let snapshot = Snapshot { started_at, as_of: started_at, sections, ..Snapshot::default() };
        let (snapshots, _) = watch::channel(Arc::new(snapshot.clone()));
        Self { state: Mutex::new(State { snapshot, counted: (0, 0) }), snapshots }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters what a scan will cost.
    pub fn plan(&self, plan: &ScanPlan, now: Timestamp) {
        let mut state = self.state();
        for section in &mut state.snapshot.sections {
            section.planned =
                plan.sections.iter().find(|planned| planned.section == section.section).map(|planned| planned.requests);
        }
        state.log(now, false, format!("{} planned", count(plan.requests(), "request")));
    }

    /// Adds a line to the log.
    pub fn log(&self, now: Timestamp, is_warning: bool, text: impl Into<String>) {
        self.state().log(now, is_warning, text.into());
    }

    /// Adds a point to the pace, and makes a snapshot for those who watch.
    pub fn publish(&self, now: Timestamp) {
        let mut state = self.state();
        state.measure(now);
        if self.snapshots.receiver_count() > 0 {
            self.snapshots.send_replace(Arc::new(state.snapshot.clone()));
        }
    }

    /// The scan is over: makes the last snapshot.
    pub fn end(&self, now: Timestamp) {
        let mut state = self.state();
        state.measure(now);
        state.snapshot.has_ended = true;
        self.snapshots.send_replace(Arc::new(state.snapshot.clone()));
    }

    /// Returns the present state.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let mut snapshot = self.state().snapshot.clone();
        if !snapshot.has_ended {
            snapshot.as_of = now;
        }
        snapshot
    }

    /// Returns snapshots from now on. One that is slow misses some and gets the newest.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }
}

impl State {
    fn log(&mut self, at: Timestamp, is_warning: bool, text: String) {
        let lines = &mut self.snapshot.log;
        if lines.len() >= LINES {
            lines.remove(0);
            self.snapshot.lines_before += 1;
        }
        self.snapshot.log.push(LogLine { at, is_warning, text });
    }

    fn measure(&mut self, now: Timestamp) {
        let length = now.duration_since(self.snapshot.as_of).as_secs_f64();
        // The clock may be set back.
        if length <= 0.0 {
            return;
        }
        let (requests, refusals) = (self.snapshot.requests(), self.snapshot.refusals());
        let (requests_before, refusals_before) = std::mem::replace(&mut self.counted, (requests, refusals));
        let refused = refusals.saturating_sub(refusals_before);
        let second = now.duration_since(self.snapshot.started_at).as_secs_f64();
        let requests = requests.saturating_sub(requests_before);
        self.snapshot.pace.push(PacePoint { second, length, requests, refusals: refused });
        if self.snapshot.pace.len() > POINTS {
            let pairs = self.snapshot.pace.chunks(2);
            let merged = pairs.filter_map(|pair| pair.iter().copied().reduce(PacePoint::and));
            self.snapshot.pace = merged.collect();
        }
        self.snapshot.as_of = now;
        if refused > 0 {
            let rate = self.snapshot.rate();
            let noun = if refused == 1 { "request" } else { "requests" };
            self.log(now, true, format!("{refused} {noun} refused for their rate; now {rate:.0} a second"));
        }
    }
}

impl Reporter for Live {
    fn progress(&self, progress: &Progress) {
        let now = Timestamp::now();
        let mut state = self.state();
        let known = state.snapshot.sections.iter_mut().find(|section| section.section == progress.section);
        let Some(section) = known else { return };
        let before = section.progress.replace(progress.clone());
        let title = section.title.clone();
        let was_done = before.as_ref().is_some_and(|before| before.stage == Stage::Done);
        match (before.is_some(), progress.stage == Stage::Done) {
            (_, true) if !was_done => {
                let Progress { done, requests, .. } = progress;
                state.log(
                    now,
                    false,
                    format!("{title}: read, {}, {}", count(*done, "item"), count(*requests, "request")),
                );
            }
            (false, false) => state.log(now, false, format!("{title}: started")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{SectionDescription, SectionPlan};
    use jiff::SignedDuration;

    use super::*;

    fn live() -> (Live, Timestamp) {
        let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
        let mut descriptor = Descriptor::new("X", "X", "1.0.0");
        descriptor.sections = [Section::USERS, Section::GROUPS].map(describe).into();
        let start: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        (Live::new(&descriptor, start), start)
    }

    fn after(start: Timestamp, seconds: i64) -> Timestamp {
        start + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn the_time_that_is_left_follows_from_the_plan_and_the_present_pace() {
        let (live, start) = live();
        let planned = |section, requests| SectionPlan::new(section, requests, "");
        let plan = ScanPlan::new(1, vec![planned(Section::USERS, 80), planned(Section::GROUPS, 20)]);
        live.plan(&plan, start);
        live.progress(&Progress::done(Section::GROUPS, 5).with_requests(10));
        live.progress(&Progress::reading(Section::USERS, 50).with_requests(10).with_waits(3, 40));
        live.publish(after(start, 10));
        let snapshot = live.snapshot(after(start, 10));
        assert_eq!((snapshot.requests(), snapshot.refusals(), snapshot.wait_ms()), (20, 3, 40));
        assert_eq!(snapshot.share(), Some(0.3));
        assert_eq!(snapshot.rate(), 2.0);
        assert_eq!(snapshot.left(), Some(Duration::from_secs(35)));
        assert!(snapshot.log.iter().any(|line| line.is_warning && line.text.starts_with("3 requests refused")));
    }

    #[test]
    fn without_a_plan_no_time_is_claimed() {
        let (live, start) = live();
        live.progress(&Progress::reading(Section::USERS, 50).with_requests(10));
        live.publish(after(start, 10));
        let snapshot = live.snapshot(after(start, 10));
        assert_eq!((snapshot.share(), snapshot.left()), (None, None));
    }

    #[test]
    fn a_long_scan_keeps_a_bounded_curve_and_log_that_lose_no_request() {
        let (live, start) = live();
        for second in 1..=1_000 {
            live.progress(&Progress::reading(Section::USERS, 1).with_requests(second).with_waits(second, 0));
            live.publish(after(start, second as i64));
        }
        let snapshot = live.snapshot(start);
        assert!(snapshot.pace.len() <= POINTS && snapshot.log.len() <= LINES);
        assert_eq!(snapshot.pace.iter().map(|point| point.requests).sum::<u64>(), 1_000);
        assert_eq!(snapshot.lines_before as usize + snapshot.log.len(), 1_001);
    }

    #[test]
    fn whoever_watches_gets_the_newest_snapshot_and_the_end() {
        let (live, start) = live();
        let watcher = live.watch();
        live.progress(&Progress::reading(Section::USERS, 50).with_requests(10));
        assert_eq!(watcher.borrow().requests(), 0, "progress alone costs no snapshot");
        live.publish(after(start, 1));
        assert_eq!(watcher.borrow().requests(), 10);
        live.end(after(start, 2));
        assert!(watcher.borrow().has_ended);
    }
}
