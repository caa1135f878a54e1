//! How often each kind of evidence was found.

use std::collections::BTreeMap;

use connector_api::{Reason, Severity};

use super::{MAX_KINDS, OTHER};

/// How often one kind of evidence was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceCount {
    /// Accounts or resources with it, by its highest severity on each.
    pub by_severity: BTreeMap<Severity, u64>,
    /// Accounts among them that are not privileged.
    pub not_privileged: u64,
}

impl EvidenceCount {
    /// Accounts or resources with it.
    pub fn total(&self) -> u64 {
        self.by_severity.values().sum()
    }
}

/// Counts each kind of evidence on one account or resource once, by its highest severity there. `is_unprivileged`: it is an
/// account without privilege.
pub(super) fn count(counts: &mut BTreeMap<String, EvidenceCount>, reasons: &[Reason], is_unprivileged: bool) {
    let mut highest: BTreeMap<&str, Severity> = BTreeMap::new();
    for reason in reasons {
        let known = highest.entry(&reason.code).or_insert(reason.severity);
        *known = reason.severity.max(*known);
    }
    for (code, severity) in highest {
        let known = counts.contains_key(code) || counts.len() < MAX_KINDS;
        let count = counts.entry(if known { code } else { OTHER }.to_owned()).or_default();
        *count.by_severity.entry(severity).or_default() += 1;
        count.not_privileged += u64::from(is_unprivileged);
    }
}
