//! Evidence of privilege that ends by itself.

use std::collections::HashMap;

use connector_access::Subject;
use connector_api::{Reason, Severity};
use jiff::Timestamp;

use super::{Evidence, Privilege, day, quoted};
use crate::api::Id;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::sections::temporary_access::ApprovedAccess;

impl Privilege<'_> {
    /// Enters the evidence of access that was approved until a certain time, for a user whose own flags allow `own`.
    pub(super) fn judge_temporary(&self, id: &Id, user: u32, own: Level, reasons: &mut Vec<Reason>) {
        let expiring = self.graph.expiring_groups(user);
        if !expiring.is_empty() {
            for end in self.graph.ends_by_expiring(user) {
                let Some(until) = end.shortest.last().and_then(|group| expiring.get(group)) else { continue };
                let mut standing = Vec::new();
                self.judge_end(&end, 0, "is in", &mut standing);
                reasons.extend(standing.into_iter().map(|reason| until_then(reason, *until)));
            }
        }
        let approved = self.graph.temporary().bindings(id);
        if approved.is_empty() {
            return;
        }
        let standing = self.standing_levels(user, own);
        for (resource, access) in approved {
            let level = |device: &u32| standing.get(device).copied().unwrap_or_default();
            // A device group stands for its devices.
            let has = match self.graph.kind(*resource) {
                Kind::SystemGroup => self.graph.inside(*resource).iter().map(level).min().unwrap_or_default(),
                _ => level(resource),
            };
            if access.level > has {
                reasons.push(self.administers_until(*resource, access));
            }
        }
    }

    /// The level that a user has on each resource by what does not end.
    fn standing_levels(&self, user: u32, own: Level) -> HashMap<u32, Level> {
        let reach = self.graph.reach(Subject::Account(user));
        let standing = reach.iter().filter_map(|reached| {
            let rank = reached.standing_rank()?;
            Some((reached.resource(), Level::of_rank(rank).max(own)))
        });
        standing.collect()
    }

    fn administers_until(&self, resource: u32, access: &ApprovedAccess) -> Reason {
        let name = quoted(&self.graph.name_of_resource(resource));
        let on = if self.graph.kind(resource) == Kind::SystemGroup { "the devices of" } else { "the device" };
        let (severity, how) = match access.level {
            Level::SudoWithoutPassword => (Severity::Medium, " without a password"),
            _ => (Severity::Low, ""),
        };
        let message = format!("is administrator{how} on {on} {name} until {}", day(access.expires_at));
        let reason = Evidence::TemporaryAdministrator.reason_of(severity, message);
        reason.about(access.id.clone()).until(access.expires_at)
    }
}

/// The same evidence for the time until a membership expires: one level less severe.
fn until_then(standing: Reason, until: Timestamp) -> Reason {
    let by_group = Evidence::PrivilegedGroup.is_said_by(&standing);
    let evidence = if by_group { Evidence::TemporaryPrivilegedGroup } else { Evidence::TemporaryAdministrator };
    let severity = if standing.severity >= Severity::High { Severity::Medium } else { Severity::Low };
    let mut reason = evidence.reason_of(severity, format!("{}, until {}", standing.message, day(until)));
    reason.sections.extend(standing.sections);
    reason.sections.sort_unstable();
    reason.sections.dedup();
    reason.details_from = standing.details_from;
    (reason.subject, reason.setting) = (standing.subject, standing.setting);
    reason.until(until)
}
