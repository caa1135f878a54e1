//! Evidence from API keys and client secrets. A credential that cannot be used is none.

use connector_api::{Account, Reason, Section, Severity};
use jiff::{SignedDuration, Timestamp};

use super::{Evidence, OwnRisks, Privilege, attribute, day, most_severe_first, quoted};
use crate::api::administrators::{ApiKey, Expiry, Role as Held};
use crate::api::service_accounts::{Credential, ServiceAccount};
use crate::graph::authority;

/// A credential that expires within this number of days expires soon: twice the time of JumpCloud's own reminder.
const SOON_DAYS: i64 = 14;

impl Privilege<'_> {
    /// The evidence from an administrator's API key, unless the key has expired.
    pub(super) fn of_api_key(&self, key: Option<ApiKey>) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let Some(key) = key else { return reasons };
        if matches!(key.expiry, Expiry::At(end) if end <= self.now) {
            return reasons;
        }
        if key.expiry == Expiry::Never {
            let message = format!("has an API key that never expires{}", created_on(key.made_at));
            reasons.push(Evidence::ApiKeyNeverExpires.reason(message));
        }
        if let Some(made_at) = key.made_at
            && self.is_stale(made_at)
        {
            let reason = Evidence::StaleApiKey.reason(format!("has had the same API key since {}", day(made_at)));
            reasons.push(reason.by_setting(attribute::STALE_API_KEY_DAYS, self.stale_key_days.to_string()));
        }
        reasons
    }

    /// Enters the evidence for a service account.
    pub(crate) fn judge_service_account(&self, account: &mut Account, one: &ServiceAccount, role: Option<&Held>) {
        let held = self.holds(role.map_or(&[], std::slice::from_ref), Section::SERVICE_ACCOUNTS);
        let mut reasons: Vec<Reason> = held.into_iter().collect();
        let mut of_use: Vec<Reason> =
            one.credentials().iter().flat_map(|credential| self.of_credential(credential)).collect();
        of_use.extend(role.and_then(|role| self.broad_role(role)));
        of_use.extend(several_organizations(one));
        let has_expired = account.password.as_ref().and_then(|password| password.expired) == Some(true);
        let left_over = role.filter(|_| has_expired).map(|role| self.expired_but_bound(account, role));
        self.judge_risks(account, Section::SERVICE_ACCOUNTS, OwnRisks { of_use, left_over }, &mut reasons);
        account.reasons = most_severe_first(reasons);
    }

    fn of_credential(&self, credential: &Credential) -> Option<Reason> {
        if credential.is_usable(self.now) != Some(true) {
            return None;
        }
        let reason = match credential.expiry {
            Expiry::Never => {
                let made = created_on(credential.created_at);
                let message = format!("has {} that never expires{made}", credential.words());
                Evidence::CredentialNeverExpires.reason(message)
            }
            Expiry::At(end) if end <= self.now + SignedDuration::from_hours(24 * SOON_DAYS) => {
                let message = format!("has {} that expires on {}", credential.words(), day(end));
                Evidence::CredentialExpiresSoon.reason(message)
            }
            _ => return None,
        };
        Some(match credential.subject() {
            Some(subject) => reason.about(subject),
            None => reason,
        })
    }

    /// The evidence that a program may change everything, or read what everything rests on.
    fn broad_role(&self, role: &Held) -> Option<Reason> {
        let authority = self.meaning(std::slice::from_ref(role)).authority?;
        let name = quoted(&self.name_of(role));
        let reason = if authority.changes_everything() {
            Evidence::BroadRole.reason_of(Severity::High, format!("may change everything by the role {name}"))
        } else if authority.reads_core() {
            Evidence::BroadRole
                .reason_of(Severity::Medium, format!("may read {} by the role {name}", authority::core()))
        } else {
            return None;
        };
        Some(reason.about(role.id.as_deref().or(role.name.as_deref()).unwrap_or_default()))
    }

    fn expired_but_bound(&self, account: &Account, role: &Held) -> Reason {
        let expired_at = account.password.as_ref().and_then(|password| password.expires_at);
        let on = expired_at.filter(|end| *end <= self.now).map_or(String::new(), |end| format!(" on {}", day(end)));
        let name = quoted(&self.name_of(role));
        Evidence::ExpiredButBound.reason(format!("has expired{on}, but still has the role {name}"))
    }
}

/// The evidence that a service account of a provider reaches more than this organisation.
fn several_organizations(one: &ServiceAccount) -> Option<Reason> {
    let message = match (one.organizations(), one.provider()) {
        (Some(count), _) if count > 1 => format!("reaches {count} organisations"),
        (None, Some(_)) => "belongs to a provider: how many organisations it reaches is not known".to_owned(),
        _ => return None,
    };
    Some(Evidence::SeveralOrganizations.reason(message))
}

fn created_on(made_at: Option<Timestamp>) -> String {
    made_at.map_or(String::new(), |made_at| format!(", created on {}", day(made_at)))
}
