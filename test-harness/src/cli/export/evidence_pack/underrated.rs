//! Risks that may be more severe than they say.
//!
//! How severe a risk is follows from the privileges of its row. A privilege that was known stays while its section is not read,
//! but a risk that was found then was rated without it.

use std::collections::{BTreeSet, HashMap};

use connector_api::{ReasonKind, Severity};
use connector_store::{Finding, SectionState};

/// Returns the ids of the risks that were rated without a privilege of their row, which is at least as severe as they are and more
/// severe than what was read. `states` are the sections after the run.
pub(super) fn underrated<'a>(findings: &'a [Finding], states: &[SectionState]) -> BTreeSet<&'a str> {
    let mut rows = HashMap::<_, Vec<&Finding>>::new();
    // All is of this run, as a rule.
    if states.iter().any(|state| state.as_of_run.is_some() && state.status != "complete") {
        findings.iter().for_each(|finding| rows.entry(finding.record.key()).or_default().push(finding));
    }
    let of_row = |row: &[&'a Finding]| {
        let (privileges, risks): (Vec<_>, Vec<_>) =
            row.iter().copied().partition(|finding| finding.reason.kind == ReasonKind::Privilege);
        risks
            .into_iter()
            .filter(|risk| is_underrated(risk, &privileges, states))
            .map(|risk| &*risk.id)
            .collect::<Vec<_>>()
    };
    rows.values().flat_map(|row| of_row(row)).collect()
}

fn is_underrated(risk: &Finding, privileges: &[&Finding], states: &[SectionState]) -> bool {
    let not_read = |privilege: &Finding| {
        let sections = &privilege.reason.sections;
        let is_older = |state: &SectionState| state.status != "complete" && state.as_of_run < Some(risk.since_run);
        let mut unread = states.iter().filter(|state| sections.contains(&state.section) && is_older(state));
        privilege.since_run < risk.since_run && unread.next().is_some()
    };
    let (unread, read): (Vec<_>, Vec<_>) = privileges.iter().copied().partition(|privilege| not_read(privilege));
    let worst = |of: &[&Finding]| of.iter().map(|finding| finding.reason.severity).max();
    let (unread, read) = (worst(&unread), worst(&read));
    unread > read && unread >= Some(risk.reason.severity) && risk.reason.severity < Severity::Critical
}
