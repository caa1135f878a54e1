//! Latencies by kind of request, and how they compare with earlier ones.

use std::collections::HashMap;

use crate::concurrency::settings::CONCURRENCY;

/// Seconds that responses took, by kind of request.
#[derive(Debug, Default)]
pub(super) struct Latencies(HashMap<String, Sample>);

/// How many there are, their sum, and the sum of their squares.
#[derive(Debug, Default, Clone, Copy)]
struct Sample {
    responses: f64,
    sum: f64,
    squares: f64,
}

impl Sample {
    fn mean(&self) -> f64 {
        self.sum / self.responses
    }

    /// The variance of one response. As long as there is but one, it may be anything.
    fn variance(&self) -> f64 {
        let square = self.mean() * self.mean();
        if self.responses < 2.0 { square } else { (self.squares / self.responses - square).max(0.0) }
    }
}

/// The latency as a multiple of what it was before for the same mix of requests, and the standard error of that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    pub(super) ratio: f64,
    pub(super) error: f64,
}

impl Latencies {
    pub(super) fn count(&mut self, path: &str, seconds: f64) {
        let mut kind = kind(path);
        if self.0.len() >= CONCURRENCY.most_kinds && !self.0.contains_key(&kind) {
            kind.clear();
        }
        let sample = self.0.entry(kind).or_default();
        sample.responses += 1.0;
        sample.sum += seconds;
        sample.squares += seconds * seconds;
    }

    /// Compares with what was measured before. `None` where the two have nothing in common.
    pub(super) fn against(&self, before: &Self) -> Option<Comparison> {
        let (mut now, mut now_variance, mut then, mut then_variance) = (0.0, 0.0, 0.0, 0.0);
        for (kind, sample) in &self.0 {
            let Some(earlier) = before.0.get(kind) else { continue };
            now += sample.sum;
            now_variance += sample.responses * sample.variance();
            then += sample.responses * earlier.mean();
            then_variance += sample.responses * sample.responses * earlier.variance() / earlier.responses;
        }
        if now <= 0.0 || then <= 0.0 {
            return None;
        }
        let ratio = now / then;
        Some(Comparison { ratio, error: ratio * (now_variance / (now * now) + then_variance / (then * then)).sqrt() })
    }
}

/// What a path asks for: ids in it are no part of that.
fn kind(path: &str) -> String {
    let is_id = |part: &str| part.len() > 24 || part.bytes().filter(u8::is_ascii_digit).count() > 1;
    let parts = path.split('/').map(|part| if is_id(part) { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
