//! Evidence of privilege and of risk, as rows carry it: what is so, how grave it is, and what to do.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::section::Section;

/// One piece of evidence on an account or a group.
///
/// A host decides by `kind` who is privileged and sorts by `severity`; it need not know any `code`. Which codes a
/// connector has, and what each means, stands in [`Descriptor::evidence`](crate::Descriptor::evidence).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reason {
    /// A stable snake_case word.
    pub code: String,
    /// Whether it gives privilege or is a risk.
    pub kind: ReasonKind,
    /// How grave it is on this account or group.
    pub severity: Severity,
    /// What is so, as a sentence whose subject is the account or group. It changes only when a fact changes: it gives
    /// dates, never ages. The exception is a scan that read less: what rests on a section that was not read is missing, or
    /// said to be not known.
    pub message: String,
    /// One plain line: what an auditor or administrator does about it.
    pub remedy: String,
    /// What it is about, where an account or group may have several reasons of one code: the `externalId` of the group that
    /// gives privilege, for example. Of one code, subject and setting there is one reason at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The sections that decide whether it is so: where one of them was not read whole, a host keeps the reason that it had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// The sections that only its message or severity are drawn from, such as a count: where one of them was not read whole, a
    /// host keeps the words that it had, as long as the scan finds that it is still so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details_from: Vec<Section>,
    /// The setting without which this would be no evidence, where one decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<DecidingSetting>,
}

impl Reason {
    /// Evidence that rests on no setting.
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
            setting: None,
        }
    }

    /// The same evidence, about one of several things that may give it.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// What makes it that reason and no other on its account or group.
    pub fn key(&self) -> (&str, Option<&str>, Option<&DecidingSetting>) {
        (&self.code, self.subject.as_deref(), self.setting.as_ref())
    }

    /// The same evidence, of which these sections decide whether it is so.
    #[must_use]
    pub fn drawn_from(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.sections.extend(sections);
        self
    }

    /// The same evidence, of which these sections decide only message and severity.
    #[must_use]
    pub fn with_details_from(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.details_from.extend(sections);
        self
    }

    /// The same evidence, which rests on the setting `name` with `value`.
    #[must_use]
    pub fn by_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.setting = Some(DecidingSetting { name: name.into(), value: value.into() });
        self
    }
}

/// What a [`Reason`] says of an account or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ReasonKind {
    /// It gives privilege: who has it may do what others may not.
    Privilege,
    /// It gives none: it makes what the account may do more dangerous, or should not be so.
    Risk,
}

/// How grave a [`Reason`] is, ordered from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
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
    /// The severity's word, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The next graver severity; the gravest has none above it.
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
    /// Its value, or the one of several values that decides.
    pub value: String,
}

/// The gravest severity of the evidence on one account or group, whatever its kind, where some of it gives privilege.
/// `None` for who is not privileged.
pub(crate) fn gravest_of_privileged(reasons: &[Reason]) -> Option<Severity> {
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
    fn who_has_only_a_risk_is_not_privileged_and_who_has_both_is_as_grave_as_the_graver() {
        let risk = Reason::new("left_over", ReasonKind::Risk, Severity::High, "is left over", "remove it");
        let power = Reason::new("power", ReasonKind::Privilege, Severity::Low, "may do more", "check it");
        assert_eq!(gravest_of_privileged(&[]), None);
        assert_eq!(gravest_of_privileged(std::slice::from_ref(&risk)), None);
        assert_eq!(gravest_of_privileged(&[power, risk]), Some(Severity::High));
    }
}
