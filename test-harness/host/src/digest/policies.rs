//! Policies, counted.

use connector_api::Policy;

/// Counts over policies.
#[derive(Debug, Clone, Default)]
pub struct PolicyCounts {
    /// All of them.
    pub total: u64,
    /// Those that are enabled and not known to only monitor.
    pub enforced: u64,
    /// Those that are enabled, but enforce nothing.
    pub monitoring: u64,
    /// Those that are not enabled.
    pub disabled: u64,
}

impl PolicyCounts {
    pub(super) fn observe(&mut self, policy: &Policy) {
        self.total += 1;
        match (policy.enabled, policy.monitor_only) {
            (Some(true), Some(true)) => self.monitoring += 1,
            (Some(true), _) => self.enforced += 1,
            (Some(false), _) => self.disabled += 1,
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_enforced_if_it_is_enabled_and_does_more_than_monitor() {
        let mut policies = PolicyCounts::default();
        for (enabled, monitor_only) in [
            (Some(true), None),
            (Some(true), Some(false)),
            (Some(true), Some(true)),
            (Some(false), Some(true)),
            (None, None),
        ] {
            let mut policy = Policy::default();
            (policy.enabled, policy.monitor_only) = (enabled, monitor_only);
            policies.observe(&policy);
        }
        let PolicyCounts { total, enforced, monitoring, disabled } = policies;
        assert_eq!((total, enforced, monitoring, disabled), (5, 2, 1, 1));
    }
}
