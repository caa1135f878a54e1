//! Evidence of privilege and of risk, as rows carry it: the fact, its severity, and the remedy.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::section::Section;

/// One piece of evidence on an account, a group or a resource.
///
/// A host decides by `kind` who is privileged and sorts by `severity`; it need not know any `code`. A connector lists
/// its codes and their meaning in [`Descriptor::evidence`](crate::Descriptor::evidence).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reason {
    /// A stable snake_case word.
    pub code: String,
    /// Whether it gives privilege or is a risk.
    pub kind: ReasonKind,
    /// The severity on this account, group or resource.
    pub severity: Severity,
    /// The fact, as a sentence whose subject is the account, group or resource. It changes only when a fact changes, so it gives
    /// dates, never ages. A scan that read less is the exception: facts of a section that was not read are missing, or
    /// stated as not known.
    pub message: String,
    /// What an auditor or administrator does about it, in one plain line.
    pub remedy: String,
    /// What the reason is about, if one row may have several reasons of one code: for example, the
    /// `externalId` of the group that gives privilege. There is at most one reason per code, subject and setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The sections that decide whether the reason applies. If one of them was not complete, a host keeps the reason
    /// that it had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// The sections that only determine its message or severity, such as a count. If one of them was not complete, a
    /// host keeps the earlier text as long as the scan finds that the reason still applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details_from: Vec<Section>,
    /// When the fact ends by itself, UTC, such as privilege that was approved until then. Absent for standing privilege.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The setting without which this would not be evidence, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<DecidingSetting>,
}

impl Reason {
    /// Creates evidence that depends on no setting.
    pub fn new(
        code: impl Into<String>,
        kind: ReasonKind,
        severity: Severity,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (code, message, remedy) = (code.into(), message.into(), remedy.into());
        Self {
            code,
            kind,
            severity,
            message,
            remedy,
            subject: None,
            sections: Vec::new(),
            details_from: Vec::new(),
            expires_at: None,
            setting: None,
        }
    }

    /// Sets the subject.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Returns what identifies the reason on its row: code, subject and setting.
    pub fn key(&self) -> (&str, Option<&str>, Option<&DecidingSetting>) {
        (&self.code, self.subject.as_deref(), self.setting.as_ref())
    }

    /// Adds sections that decide whether the reason applies.
    #[must_use]
    pub fn drawn_from(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.sections.extend(sections);
        self
    }

    /// Adds sections that only determine message and severity.
    #[must_use]
    pub fn with_details_from(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.details_from.extend(sections);
        self
    }

    /// Sets when the fact ends by itself.
    #[must_use]
    pub fn until(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Returns whether the reason is privilege that does not end by itself.
    pub fn is_standing_privilege(&self) -> bool {
        self.kind == ReasonKind::Privilege && self.expires_at.is_none()
    }

    /// Sets the setting `name` with `value`, on which the evidence depends.
    #[must_use]
    pub fn by_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.setting = Some(DecidingSetting { name: name.into(), value: value.into() });
        self
    }
}

/// What a [`Reason`] means for an account, group or resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ReasonKind {
    /// It gives privilege: its owner may do what others may not.
    Privilege,
    /// It gives no privilege: it makes the account's privileges more dangerous, or it should not be so. Resources have
    /// reasons of this kind only.
    Risk,
}

impl ReasonKind {
    /// Returns the kind's word, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Privilege => "privilege",
            Self::Risk => "risk",
        }
    }
}

/// The severity of a [`Reason`], in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Severity {
    /// For information.
    Info,
    /// To be looked at when there is time.
    Low,
    /// To be looked at soon.
    Medium,
    /// To be looked at first, unless something is critical.
    High,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// Returns the severity's word, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Returns the next higher severity, or the highest itself.
    #[must_use]
    pub const fn above(self) -> Self {
        match self {
            Self::Info => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A setting of the system that decides whether something is evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DecidingSetting {
    /// The attribute's name, such as `privilegedGroupPatterns`.
    pub name: String,
    /// Its value, or the deciding one of several values.
    pub value: String,
}

/// Returns the highest severity of all reasons, whatever their kind, if one of them gives privilege; otherwise `None`.
pub(crate) fn severity_of_privileged(reasons: &[Reason]) -> Option<Severity> {
    let privileged = reasons.iter().any(|reason| reason.kind == ReasonKind::Privilege);
    reasons.iter().filter(|_| privileged).map(|reason| reason.severity).max()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn severities_are_ordered_and_their_words_are_their_json() {
        let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        assert!(all.is_sorted());
        for severity in all {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
            assert!(severity.above() > severity || severity == Severity::Critical);
        }
    }

    #[test]
    fn who_has_only_a_risk_is_not_privileged_and_who_has_both_is_as_severe_as_the_worst() {
        let risk = Reason::new("left_over", ReasonKind::Risk, Severity::High, "is left over", "remove it");
        let power = Reason::new("power", ReasonKind::Privilege, Severity::Low, "may do more", "check it");
        assert_eq!(severity_of_privileged(&[]), None);
        assert_eq!(severity_of_privileged(std::slice::from_ref(&risk)), None);
        assert_eq!(severity_of_privileged(&[power, risk]), Some(Severity::High));
    }
}
