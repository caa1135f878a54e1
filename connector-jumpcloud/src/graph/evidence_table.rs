//! The table of evidence: every code with its kind, its severities, what it means, what to do and where it comes from.
//! Reasons are made from it, and the operator's page is drawn from it.
//!
//! The host's policy decides what the evidence weighs. Who only has risks is not privileged.

use connector_api::ReasonKind::{Privilege, Risk};
use connector_api::Severity::{Critical, High, Info, Low, Medium};
use connector_api::{EvidenceRow, Reason, ReasonKind, Section, Severity};

/// What is said of one kind of evidence.
#[derive(Debug)]
struct Entry {
    code: &'static str,
    kind: ReasonKind,
    /// Those that occur, gravest first.
    severities: &'static [Severity],
    /// The sections that always decide whether it is so; what else it rests on is entered with each reason.
    sections: &'static [Section],
    /// The sections that only its words and severity are drawn from.
    details_from: &'static [Section],
    meaning: &'static str,
    remedy: &'static str,
    source: &'static str,
}

impl Evidence {
    /// A reason of the one severity that this evidence has.
    pub(crate) fn reason(self, message: impl Into<String>) -> Reason {
        let severities = self.entry().severities;
        debug_assert!(severities.len() == 1, "{self:?} has several severities");
        self.reason_of(severities[0], message)
    }

    /// A reason of the gravest severity that this evidence may have.
    pub(crate) fn gravest(self, message: impl Into<String>) -> Reason {
        self.reason_of(self.entry().severities[0], message)
    }

    /// A reason of the least severity: it gives power over what there is none of now, and waits for the first.
    pub(crate) fn waiting(self, message: impl Into<String>) -> Reason {
        let severities = self.entry().severities;
        debug_assert!(severities.len() == 2, "{self:?} has one severity for power and one for none yet");
        self.reason_of(severities[severities.len() - 1], message)
    }

    /// A reason of one of the severities that this evidence may have.
    pub(crate) fn reason_of(self, severity: Severity, message: impl Into<String>) -> Reason {
        let Entry { code, kind, severities, sections, details_from, remedy, .. } = *self.entry();
        debug_assert!(severities.contains(&severity), "{self:?} is never {severity}");
        let reason = Reason::new(code, kind, severity, message, remedy).drawn_from(sections.iter().copied());
        reason.with_details_from(details_from.iter().copied())
    }

    /// Whether a reason is of this kind of evidence.
    pub(crate) fn is_said_by(self, reason: &Reason) -> bool {
        reason.code == self.entry().code
    }
}

/// A name that somebody chose, apart from the sentence around it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\\\""))
}

/// The table as hosts see it.
pub(crate) fn rows() -> Vec<EvidenceRow> {
    let row = |evidence: &Evidence| {
        let Entry { code, kind, severities, meaning, remedy, source, .. } = *evidence.entry();
        EvidenceRow::new(code, kind, severities).explained(meaning, remedy, source)
    };
    Evidence::ALL.iter().map(row).collect()
}

macro_rules! evidence {
    ($($name:ident $code:literal $kind:ident $severities:tt from [$($section:ident),*] $(details [$($detail:ident),*])?: $meaning:literal, $remedy:literal, $source:literal;)*) => {
        /// The kinds of evidence that there are.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Evidence {
            $($name),*
        }

        impl Evidence {
            /// Every kind: what gives privilege first, then risks.
            const ALL: &[Self] = &[$(Self::$name),*];

            const fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$name => &Entry {
                        code: $code,
                        kind: $kind,
                        severities: &$severities,
                        sections: &[$(Section::$section),*],
                        details_from: &[$($(Section::$detail),*)?],
                        meaning: $meaning,
                        remedy: $remedy,
                        source: $source,
                    },)*
                }
            }
        }
    };
}

evidence! {
    ConsoleRole "console_role" Privilege [High, Low] from []:
        "Has a role in the JumpCloud console. Said of an administrator or a service account; of a role: who has it may act \
         there. Low for the built-in role Read Only, which changes nothing",
        "Check that each holder still needs the role, and give the least role that suffices",
        "GET /api/users: role, roleName, roles, roleNames; GET /api/v2/service-accounts: roleId, roleName";
    ConsoleAdministrator "console_administrator" Privilege [High, Low] from [USERS]:
        "Linked to an administrator of the console. JumpCloud links the user itself. Low where that administrator's role is Read Only",
        "Check that the person still needs to administer JumpCloud; judge both accounts together",
        "users: admin";
    GlobalSudoWithoutPassword "global_sudo_without_password" Privilege [High, Medium] from [USERS] details [SYSTEMS, GRANTS]:
        "Administrator of all its devices, without a password. The user's own flags make it so. Medium where it is known to be bound to no \
         device now",
        "Check that the user needs it on every device; if not, take it back and give it on single devices, with password",
        "users: sudo, passwordless_sudo";
    GlobalSudo "global_sudo" Privilege [Medium, Low] from [USERS] details [SYSTEMS, GRANTS]:
        "Administrator of all its devices. The user's own flags make it so, with a password. Low where it is known to be bound to no device now",
        "Check that the user needs it on every device; if not, take it back and give it on single devices",
        "users: sudo";
    SudoOnSystemsWithoutPassword "sudo_on_systems_without_password" Privilege [High] from [GROUPS, MEMBERSHIPS, SYSTEMS, GRANTS]:
        "Administrator of some devices, without a password. The user, or each member of the group: by bindings, or by \
         attributes of the groups on the way to the device",
        "Check who needs it on these devices; require the password, or remove the right from the binding or the group",
        "GET /api/v2/{kind}/{id}/associations and usergroups: attributes.sudo";
    SudoOnSystems "sudo_on_systems" Privilege [Medium] from [GROUPS, MEMBERSHIPS, SYSTEMS, GRANTS]:
        "Administrator of some devices. With a password; the user, or each member of the group: by bindings, or by \
         attributes of the groups on the way to the device",
        "Check who needs it on these devices, and remove the right from the binding or the group where nobody does",
        "GET /api/v2/{kind}/{id}/associations and usergroups: attributes.sudo";
    GroupSudoWithoutPassword "group_sudo_without_password" Privilege [High, Medium] from [GROUPS] details [SYSTEMS, GRANTS]:
        "The members of the group become administrators of its devices, without a password. Medium where it is known \
         that neither it nor a group above it is bound to a device now",
        "Check that all members need it; require the password, or switch it off on the group",
        "usergroups: attributes.sudo";
    GroupSudo "group_sudo" Privilege [Medium, Low] from [GROUPS] details [SYSTEMS, GRANTS]:
        "The members of the group become administrators of its devices. Low where it is known that neither it nor a \
         group above it is bound to a device now",
        "Check that all members need it, and switch it off on the group where not",
        "usergroups: attributes.sudo";
    PosixAdminGroup "posix_admin_group" Privilege [Medium, Low] from [GROUPS] details [SYSTEMS, GRANTS]:
        "The members of the group are in a POSIX group that administers a device. It is root, wheel, sudo, admin or \
         docker. Low where it is known that neither the group nor one above it is bound to a device now",
        "Check that all members need it, and take the POSIX group off the group where not",
        "usergroups: attributes.posixGroups";
    PrivilegedGroup "privileged_group" Privilege [High, Medium, Low] from [GROUPS, MEMBERSHIPS] details [SYSTEMS, GRANTS]:
        "Is in a group that gives privilege. The user or group is in it directly or through other groups, and \
         group_sudo, group_sudo_without_password, posix_admin_group or group_name holds for it; as severe as that. Where \
         the group makes its members administrators of devices, sudo_on_systems is said instead of group_sudo",
        "Check that each still needs to be in the group, and take out who does not; where only its name speaks for it, \
         narrow privilegedGroupPatterns",
        "GET /api/v2/usergroups/{id}/members";
    GroupName "group_name" Privilege [Low] from [GROUPS]:
        "The group's name contains one of privilegedGroupPatterns. In any case of letters; one reason for each that it \
         contains",
        "Look at what the group gives; where that is nothing, narrow privilegedGroupPatterns",
        "usergroups: name";
    WithoutMfa "privileged_without_mfa" Risk [Critical, High, Medium] from []:
        "No second factor is set up. Said of a privileged account that is enabled; one more severe than its privilege",
        "Have the second factor set up, and require it",
        "users: mfa, mfaEnrollment, totp_enabled; GET /api/users: totpEnrolled";
    MfaExempt "privileged_mfa_exempt" Risk [Critical, High, Medium] from []:
        "Exempt from the second factor. Said of a privileged account that is enabled; one more severe than its privilege",
        "End the exemption unless there is a reason for it",
        "users: mfa.exclusion, mfa.exclusionUntil";
    StaleApiKey "stale_api_key" Risk [Medium] from [ADMINISTRATORS]:
        "An API key is older than staleApiKeyDays. Said of an administrator who can use it",
        "Find out what uses the key, and replace it",
        "GET /api/users: apiKeyUpdatedAt, apiKeyHash.createdAt";
    ApiKeyNeverExpires "api_key_never_expires" Risk [Medium] from [ADMINISTRATORS]:
        "An API key never expires. Said of an administrator who can use it",
        "Give the key a time at which it expires, in good time before what uses it must change",
        "GET /api/users: apiKeyHash.expireAt";
    PasswordNeverExpires "privileged_password_never_expires" Risk [Low] from []:
        "Password never expires. Said of a privileged account that is enabled",
        "Let the password expire, or make sure that it is changed in another way",
        "users: password_never_expires";
    NeverLoggedIn "privileged_never_logged_in" Risk [Low] from [LAST_LOGIN]:
        "No login in the time looked back on. Said of a privileged account that is enabled, where the log covers \
         (nearly) all of the time since lastLogin.since and the account is older",
        "Ask whether the account is still needed, and suspend it if not",
        "POST /insights/directory/v1/events";
    DisabledButBound "disabled_but_bound" Risk [Low] from [USERS, MEMBERSHIPS, SYSTEMS, APPLICATIONS, DIRECTORIES, GRANTS]:
        "Suspended, and still bound. A user to a device, an application or a directory, directly or by a \
         group: who unlocks the account gives all of that back. No privilege by itself",
        "Remove the bindings and memberships, once it is sure that the account stays suspended",
        "users: suspended, state; GET /api/v2/{kind}/{id}/associations";
    ButDisabled "privileged_but_disabled" Risk [Info] from []:
        "Privileged, but not enabled. The account is suspended, or not activated yet",
        "Take its privilege away unless it is to be used again",
        "users: activated, suspended, state; GET /api/users: suspended";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_stands_once_with_severities_from_the_gravest_on() {
        let entries: Vec<_> = Evidence::ALL.iter().map(|evidence| evidence.entry()).collect();
        let codes: BTreeSet<_> = entries.iter().map(|entry| entry.code).collect();
        assert_eq!(codes.len(), entries.len());
        for Entry { code, severities, remedy, .. } in entries {
            assert!(severities.windows(2).all(|pair| pair[0] > pair[1]), "{code}");
            assert!(!severities.is_empty() && !remedy.ends_with('.'), "{code}");
        }
    }
}
