//! What a user has on devices apart from bindings: local accounts and SSH keys.

use std::collections::BTreeSet;

use connector_access::Subject;
use connector_api::{Account, Reason};
use jiff::Timestamp;
use serde_json::Value;

use super::{Privilege, day, devices};
use crate::api::lenient;
use crate::api::level::Level;
use crate::graph::evidence_table::Evidence;
use crate::options::attribute;

impl Privilege<'_> {
    /// Enters that a user's local accounts administer devices on which nothing in JumpCloud gives the right, if that is known.
    pub(super) fn judge_local_accounts(&self, user: u32, sudo: Level, administered: &[u32], reasons: &mut Vec<Reason>) {
        if administered.is_empty() || sudo > Level::Login || !self.knows_devices() || !self.knows_temporary_access() {
            return;
        }
        // JumpCloud manages an account on a device only for a user that may sign in there. Where the user may not, the account
        // is another one's.
        let reach = self.graph.reach(Subject::Account(user));
        let signs_in: BTreeSet<u32> = reach
            .iter()
            .filter(|reached| reached.rank() <= Level::Login.rank())
            .map(|reached| reached.resource())
            .collect();
        let others = administered.iter().filter(|device| signs_in.contains(&self.graph.device(**device))).count();
        if others > 0 {
            let on = devices(others);
            let message =
                format!("administers {on} by its local account, although nothing in JumpCloud gives the right there");
            reasons.push(Evidence::LocalAdministratorNotGranted.reason(message));
        }
    }

    /// Enters the evidence from a user's SSH keys, unless the user may not sign in by key.
    pub(super) fn judge_ssh_keys(&self, account: &Account, reasons: &mut Vec<Reason>) {
        // Most accounts have no key, or none with a date.
        if !account.attributes.mentions("create_date") {
            return;
        }
        let Some(Value::Array(keys)) = account.attributes.get("ssh_keys") else { return };
        let may_not = account.attributes.get("allow_public_key").and_then(|flag| lenient::flag(&flag)) == Some(false);
        let dated: Vec<Timestamp> = keys.iter().filter_map(|key| lenient::time(key.get("create_date")?)).collect();
        let oldest = dated.iter().copied().min();
        if let Some(oldest) = oldest.filter(|oldest| !may_not && self.is_stale(*oldest)) {
            let message = match keys.len() {
                1 => format!("has had the same SSH key since {}", day(oldest)),
                count if dated.len() == count => format!("has {count} SSH keys, the oldest of {}", day(oldest)),
                // How old the others are is not known.
                count => format!("has {count} SSH keys, one of {}", day(oldest)),
            };
            let reason = Evidence::StaleSshKey.reason(message);
            reasons.push(reason.by_setting(attribute::STALE_API_KEY_DAYS, self.stale_key_days.to_string()));
        }
    }
}
