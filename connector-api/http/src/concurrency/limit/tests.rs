//! Single decisions, from responses that are made up.

use std::time::Duration;

use super::*;

/// A limit, and the time.
struct Measured {
    limit: Limit,
    now: Instant,
}

impl Measured {
    fn new() -> Self {
        let now = Instant::now();
        Self { limit: Limit::new(now), now }
    }

    /// Serves requests to a path one after the other, each in this many milliseconds.
    fn serve(&mut self, requests: u32, path: &str, latency_ms: u64, full: bool) -> usize {
        for _ in 0..requests {
            let sent = self.now;
            self.now += Duration::from_millis(latency_ms);
            self.limit.served(path, sent, self.now, full);
        }
        self.limit.requests()
    }

    fn fail(&mut self, requests: u32) -> usize {
        for _ in 0..requests {
            self.now += Duration::from_millis(10);
            self.limit.failed(self.now, self.now);
        }
        self.limit.requests()
    }
}

#[test]
fn a_first_step_is_taken_back_only_where_the_latency_clearly_grew() {
    let mut mixed = Measured::new();
    for path in ["/a", "/b", "/c", "/d"] {
        mixed.serve(1, path, 100, true);
    }
    assert_eq!(mixed.limit.requests(), 16);
    mixed.serve(1, "/a", 150, true);
    assert_eq!(mixed.serve(7, "/e", 100, true), 32, "one response of the only common kind shows nothing");

    let mut slower = Measured::new();
    assert_eq!(slower.serve(4, "/a", 100, true), 16);
    assert_eq!(slower.serve(8, "/a", 200, true), 8);
}

#[test]
fn a_step_that_is_not_used_is_taken_back_and_measured_anew() {
    let mut limit = Measured::new();
    assert_eq!(limit.serve(4, "/a", 100, true), 16);
    assert_eq!(limit.serve(3 * 8, "/a", 100, false), 16);
    assert_eq!(limit.serve(8, "/a", 100, false), 8);
    // By now each response takes longer, whatever the limit is.
    assert_eq!(limit.serve(4, "/a", 900, true), 16);
    assert_eq!(limit.serve(8, "/a", 900, true), 32);
}

#[test]
fn where_the_rate_is_limited_only_failures_lower_the_limit() {
    let mut limit = Measured::new();
    limit.serve(4, "/a", 100, true);
    assert_eq!(limit.serve(8, "/a", 100, true), 32);
    limit.limit.limit_rate(limit.now);
    for latency_ms in [100, 2_000, 1, 500] {
        for _ in 0..400 {
            assert_eq!(limit.serve(1, "/a", latency_ms, true), 16, "{latency_ms} ms");
        }
    }
    assert!((2..=8).contains(&limit.fail(30)));
    assert_eq!(limit.serve(10_000, "/a", 500, true), 16);
}

#[test]
fn a_limit_that_was_low_when_the_rate_became_limited_rises_to_sixteen() {
    let mut limit = Measured::new();
    limit.limit.limit_rate(limit.now);
    assert_eq!(limit.limit.requests(), 8);
    assert_eq!(limit.serve(250, "/a", 100, false), 16);
}

#[test]
fn only_a_share_of_failures_that_chance_does_not_explain_is_too_large() {
    assert!(!exceeds(0, 0, 0.1) && !exceeds(5, 40, 0.1) && !exceeds(10, 100, 0.1));
    assert!(exceeds(4, 4, 0.1) && exceeds(8, 40, 0.1) && exceeds(17, 100, 0.1));
}

#[test]
fn a_step_down_that_fails_is_tried_again_before_a_longer_latency_is_believed() {
    for failing in 0..=3 {
        let mut limit = Measured::new();
        limit.serve(4, "/a", 100, true);
        limit.serve(8, "/a", 100, true);
        assert_eq!(limit.serve(16, "/a", 100, true), 32);
        for _ in 0..failing {
            assert_eq!(limit.serve(256 + 96, "/a", 800, true), 25);
            assert_eq!(limit.serve(75, "/a", 800, true), 32, "no response came sooner");
        }
        if failing == 3 {
            assert_eq!(limit.serve(10 * (256 + 96), "/a", 800, true), 32, "the latency is the usual one now");
        } else {
            assert_eq!(limit.serve(256 + 96, "/a", 800, true), 25);
            assert_eq!(limit.serve(75, "/a", 600, true), 20);
        }
    }
}
