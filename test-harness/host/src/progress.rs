//! Progress of a scan, as bars or log lines.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use connector_api::{Progress, Section, Stage};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::words::count;

/// Receives the progress of each section. Must return at once.
pub trait Reporter: Send + Sync {
    /// A section made progress.
    fn progress(&self, progress: &Progress);

    /// The scan is over: nothing more is shown.
    fn finish(&self) {}

    /// A whole scan was cancelled while its archive takes it over, which is not interrupted.
    fn finishing(&self) {
        tracing::warn!(target: LOG_TARGET, "the scan is whole and is being kept; a second signal ends the program at once");
    }
}

/// Shows nothing.
#[derive(Debug, Default)]
pub struct Quiet;

impl Reporter for Quiet {
    fn progress(&self, _: &Progress) {}
}

/// One bar per section, for a terminal.
#[derive(Debug)]
pub struct Bars {
    screen: MultiProgress,
    bars: Mutex<BTreeMap<Section, ProgressBar>>,
}

impl Bars {
    /// Bars on `screen`, which is shared with the logs so that they do not mix.
    pub fn new(screen: MultiProgress) -> Self {
        Self { screen, bars: Mutex::default() }
    }

    fn bar(&self, section: Section) -> ProgressBar {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let place = bars.range(..section).count();
        bars.entry(section)
            .or_insert_with(|| {
                let bar = self.screen.insert(place, ProgressBar::no_length());
                bar.set_prefix(section.to_string());
                bar.set_style(style("  {prefix:<15}{human_pos:>9} {spinner} {rate:>10}  {msg}"));
                bar.enable_steady_tick(Duration::from_millis(120));
                bar
            })
            .clone()
    }
}

impl Reporter for Bars {
    fn progress(&self, progress: &Progress) {
        let bar = self.bar(progress.section);
        if let (Some(expected), None) = (progress.expected, bar.length()) {
            bar.set_style(style("  {prefix:<15}{human_pos:>9} {bar:24} {human_len} {rate:>10}  {msg}"));
            bar.set_length(expected);
        } else if let Some(expected) = progress.expected {
            bar.set_length(expected);
        }
        bar.set_position(progress.done);
        bar.set_message(count(progress.requests, "request"));
        if progress.stage == Stage::Done {
            bar.abandon();
        }
    }

    fn finish(&self) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        for bar in std::mem::take(&mut *bars).into_values() {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
            let _ = write!(out, "{:.0}/s", state.pos() as f64 / state.elapsed().as_secs_f64().max(0.001));
        })
        .progress_chars("━╸ ")
}

/// A log line when a section starts, every few seconds while it is read, and when it ends.
#[derive(Debug, Default)]
pub struct LogLines {
    sections: Mutex<BTreeMap<Section, Pulse>>,
}

/// When a section was last logged.
#[derive(Debug)]
struct Pulse {
    started: Instant,
    logged: Instant,
    ended: bool,
}

impl LogLines {
    /// The time between two lines of one section.
    const EVERY: Duration = Duration::from_secs(5);

    /// What to log about `progress` at `now`, if anything, and how long the section has taken.
    fn due(&self, progress: &Progress, now: Instant) -> Option<(&'static str, Duration)> {
        let mut sections = self.sections.lock().unwrap_or_else(PoisonError::into_inner);
        let mut news = None;
        let pulse = sections.entry(progress.section).or_insert_with(|| {
            news = Some("started");
            Pulse { started: now, logged: now, ended: false }
        });
        if progress.stage == Stage::Done {
            news = (!pulse.ended).then_some("done");
            pulse.ended = true;
        } else if now.saturating_duration_since(pulse.logged) >= Self::EVERY {
            news = Some("reading");
        }
        let news = news?;
        pulse.logged = now;
        Some((news, now.saturating_duration_since(pulse.started)))
    }
}

/// The `target` of progress lines, for log filters.
pub const LOG_TARGET: &str = "scan_progress";

impl Reporter for LogLines {
    fn progress(&self, progress: &Progress) {
        let Some((stage, elapsed)) = self.due(progress, Instant::now()) else { return };
        let Progress { section, done, expected, requests, .. } = progress;
        // A rate over less than a second means nothing.
        let per_second = (elapsed >= Duration::from_secs(1)).then(|| (*done as f64 / elapsed.as_secs_f64()).round());
        tracing::info!(target: LOG_TARGET, section = section.as_str(), done, expected, requests, per_second, "{stage}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(stage: Stage) -> Progress {
        let progress = Progress::reading(Section::USERS, 1).with_requests(1);
        if stage == Stage::Done { Progress::done(Section::USERS, 1).with_requests(1) } else { progress }
    }

    #[test]
    fn a_section_is_logged_at_its_start_every_five_seconds_and_once_at_its_end() {
        let lines = LogLines::default();
        let start = Instant::now();
        let mut said = Vec::new();
        for (second, stage) in [
            (0, Stage::Reading),
            (1, Stage::Reading),
            (5, Stage::Reading),
            (6, Stage::Reading),
            (7, Stage::Done),
            (8, Stage::Done),
        ] {
            said.extend(lines.due(&at(stage), start + Duration::from_secs(second)).map(|(news, _)| (second, news)));
        }
        assert_eq!(said, [(0, "started"), (5, "reading"), (7, "done")]);
    }
}
