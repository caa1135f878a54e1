//! The state of the pace: the level, windows of responses, and cuts on trial.

use tokio::time::Instant;

use super::settings::PACE;

#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) rate: f64,
    pub(super) stage: Stage,
}

/// What is known about a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stage {
    /// Just measured after a higher rate was refused. The measurement may be too low if requests had to wait, so the
    /// level is probed at once.
    New { refused: f64 },
    /// It was served, and a slightly higher rate was refused.
    Settled,
    /// On trial, between a rate that was served and one that was refused.
    Between { served: f64, refused: f64 },
}

/// The responses to the requests sent since some instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) began: Instant,
    /// Whether anything was served yet. Refusals before that only mean that the allowance is still used up.
    pub(super) open: bool,
    pub(super) served: f64,
    pub(super) refused: f64,
}

/// A cut whose effect is not known yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    /// The rate before the first of consecutive cuts, or what was actually sent.
    pub(super) rate: f64,
    /// The share of refusals before that cut.
    pub(super) share: f64,
    /// The number of consecutive cuts.
    pub(super) cuts: u32,
}

impl Level {
    /// Returns the seconds until the level is probed.
    pub(super) fn quiet(&self) -> f64 {
        match self.stage {
            Stage::Settled => {
                (PACE.quiet_requests / self.rate).clamp(PACE.shortest_quiet_seconds, PACE.longest_quiet_seconds)
            }
            Stage::New { .. } | Stage::Between { .. } => 0.0,
        }
    }

    /// Returns the seconds until the level is known to be served.
    pub(super) fn test(&self) -> f64 {
        self.quiet() + PACE.step_seconds.max(PACE.step_requests / self.rate)
    }

    pub(super) fn rate(&self, age: f64) -> f64 {
        if age < self.quiet() || matches!(self.stage, Stage::Between { .. }) {
            return self.rate;
        }
        self.rate * (1.0 + PACE.step_share) * (PACE.growth_per_second * (age - self.test()).max(0.0)).exp()
    }
}

impl Window {
    pub(super) fn starting(began: Instant) -> Self {
        Self { began, open: false, served: 0.0, refused: 0.0 }
    }

    /// Creates a window at a time when the allowance is known not to be used up.
    pub(super) fn opening(began: Instant) -> Self {
        Self { open: true, ..Self::starting(began) }
    }

    pub(super) fn count(&mut self, sent: Instant, served: bool) {
        if sent < self.began || !(self.open || served) {
            return;
        }
        if !self.open {
            (self.open, self.began) = (true, sent);
        } else if served {
            self.served += 1.0;
        } else {
            self.refused += 1.0;
        }
    }

    pub(super) fn age(&self, now: Instant) -> f64 {
        if self.open { (now - self.began).as_secs_f64() } else { 0.0 }
    }

    pub(super) fn answers(&self) -> f64 {
        self.served + self.refused
    }

    pub(super) fn share(&self) -> f64 {
        self.refused / self.answers().max(1.0)
    }

    /// Returns whether more was refused than the tolerated share and chance explain.
    pub(super) fn is_strained(&self, tolerated: f64) -> bool {
        let usual = tolerated * self.answers();
        self.refused > usual + PACE.chance_deviations * (usual * (1.0 - tolerated)).sqrt()
    }
}
