//! The table of evidence: every code with its kind, severities, meaning, remedy and source. Reasons and the operator's page
//! are made from it.
//!
//! The host's policy decides how to rate the evidence. An account with only risks is not privileged.

use connector_api::ReasonKind::{Privilege, Risk};
use connector_api::Severity::{Critical, High, Info, Low, Medium};
use connector_api::{EvidenceRow, Reason, ReasonKind, Section, Severity};

/// One kind of evidence.
#[derive(Debug)]
struct Entry {
    code: &'static str,
    kind: ReasonKind,
    /// The possible severities, most severe first.
    severities: &'static [Severity],
    /// The sections that it always depends on; further ones are entered with each reason.
    sections: &'static [Section],
    /// The sections that only its message and severity depend on.
    details_from: &'static [Section],
    meaning: &'static str,
    remedy: &'static str,
    source: &'static str,
}

impl Evidence {
    /// A reason with the only severity of this evidence.
    pub(crate) fn reason(self, message: impl Into<String>) -> Reason {
        let severities = self.entry().severities;
        debug_assert!(severities.len() == 1, "{self:?} has several severities");
        self.reason_of(severities[0], message)
    }

    /// A reason with the highest severity of this evidence.
    pub(crate) fn most_severe(self, message: impl Into<String>) -> Reason {
        self.reason_of(self.entry().severities[0], message)
    }

    /// A reason with the lowest severity: the rights have no effect until the first device is bound.
    pub(crate) fn waiting(self, message: impl Into<String>) -> Reason {
        let severities = self.entry().severities;
        debug_assert!(severities.len() == 2, "{self:?} has one severity for power and one for none yet");
        self.reason_of(severities[severities.len() - 1], message)
    }

    /// A reason with one of the severities of this evidence.
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

/// A name in quotes, so that it cannot be taken for part of the sentence.
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
        /// The kinds of evidence.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Evidence {
            $($name),*
        }

        impl Evidence {
            /// Every kind: privilege first, then risks.
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
        "Has a role in the JumpCloud console. Reported for administrators, service accounts and the roles themselves. Low \
         if its scopes only read; where scopes are not known, for the built-in role Read Only, which cannot change anything. \
         Not reported if its scopes allow nothing. Who may change commands runs programs on devices",
        "Check that each holder still needs the role, and assign the least privileged role that is enough",
        "GET /api/v2/roles: scopes; GET /api/users: role, roleName, roles, roleNames; GET /api/v2/service-accounts: roleId, roleName";
    ConsoleAdministrator "console_administrator" Privilege [High, Low] from [USERS]:
        "Linked to a console administrator. JumpCloud itself reports the link. Low if that administrator's role may only read. \
         Not reported if the role's scopes allow nothing",
        "Check that the person still needs to administer JumpCloud; review both accounts together",
        "users: admin";
    GlobalSudoWithoutPassword "global_sudo_without_password" Privilege [High, Medium] from [USERS] details [SYSTEMS, GRANTS]:
        "Administrator of all its devices, without a password. Set by the user's own flags. Medium if the scan shows that \
         the user is bound to no device at present",
        "Check that the user needs this on every device; if not, remove it and grant it on single devices, with a password",
        "users: sudo, passwordless_sudo";
    GlobalSudo "global_sudo" Privilege [Medium, Low] from [USERS] details [SYSTEMS, GRANTS]:
        "Administrator of all its devices. Set by the user's own flags, with a password. Low if the scan shows that the user \
         is bound to no device at present",
        "Check that the user needs this on every device; if not, remove it and grant it on single devices",
        "users: sudo";
    SudoOnSystemsWithoutPassword "sudo_on_systems_without_password" Privilege [High] from [GROUPS, MEMBERSHIPS, SYSTEMS, GRANTS]:
        "Administrator of some devices, without a password. Applies to the user, or to each member of the group: through \
         bindings, or through attributes of the groups on the path to the device",
        "Check who needs this on these devices; require the password, or remove the right from the binding or the group",
        "GET /api/v2/{kind}/{id}/associations and usergroups: attributes.sudo";
    SudoOnSystems "sudo_on_systems" Privilege [Medium] from [GROUPS, MEMBERSHIPS, SYSTEMS, GRANTS]:
        "Administrator of some devices. With a password; applies to the user, or to each member of the group: through \
         bindings, or through attributes of the groups on the path to the device",
        "Check who needs this on these devices; if nobody does, remove the right from the binding or the group",
        "GET /api/v2/{kind}/{id}/associations and usergroups: attributes.sudo";
    GroupSudoWithoutPassword "group_sudo_without_password" Privilege [High, Medium] from [GROUPS] details [SYSTEMS, GRANTS]:
        "The members of the group become administrators of its devices, without a password. Medium if the scan shows \
         that neither the group nor a parent group is bound to a device at present",
        "Check that all members need this; require the password, or turn it off on the group",
        "usergroups: attributes.sudo";
    GroupSudo "group_sudo" Privilege [Medium, Low] from [GROUPS] details [SYSTEMS, GRANTS]:
        "The members of the group become administrators of its devices. Low if the scan shows that neither the group nor \
         a parent group is bound to a device at present",
        "Check that all members need this; if not, turn it off on the group",
        "usergroups: attributes.sudo";
    PosixAdminGroup "posix_admin_group" Privilege [Medium, Low] from [GROUPS] details [SYSTEMS, GRANTS]:
        "The members of the group are in an administrative POSIX group. That is root, wheel, sudo, admin or docker. Low \
         if the scan shows that neither the group nor a parent group is bound to a device at present",
        "Check that all members need this; if not, remove the POSIX group from the group",
        "usergroups: attributes.posixGroups";
    PrivilegedGroup "privileged_group" Privilege [High, Medium, Low] from [GROUPS, MEMBERSHIPS] details [SYSTEMS, GRANTS]:
        "Is in a privileged group, directly or through other groups; the severity is the group's. If the members administer \
         devices through it, sudo_on_systems or sudo_on_systems_without_password is reported instead of group_sudo or \
         group_sudo_without_password",
        "Check that each member still needs to be in the group, and remove those who do not; if only the group's name makes \
         it privileged, narrow privilegedGroupPatterns",
        "GET /api/v2/usergroups/{id}/members";
    GroupName "group_name" Privilege [Low] from [GROUPS]:
        "The group's name contains one of privilegedGroupPatterns. Case is ignored; one reason per matching pattern",
        "Check what the group gives access to; if that is nothing, narrow privilegedGroupPatterns",
        "usergroups: name";
    TemporaryAdministrator "temporary_administrator" Privilege [Medium, Low] from [SYSTEMS, TEMPORARY_ACCESS]:
        "Administrator of devices until a certain time. Approved for the user itself, or by a membership that expires. \
         Medium without a password. Not reported where the user has the same right without an end",
        "Nothing, if the approval was right: the right ends by itself; otherwise revoke the request",
        "GET /api/v2/approvalflowrequest, GET /api/v2/accessrequests: status, expiry, level";
    TemporaryPrivilegedGroup "temporary_privileged_group" Privilege [Medium, Low] from [GROUPS, MEMBERSHIPS, TEMPORARY_ACCESS] details [SYSTEMS, GRANTS]:
        "Is in a privileged group until a certain time, directly or through other groups. One level less severe than \
         privileged_group, which is reported instead if one of the memberships does not expire",
        "Nothing, if the approval was right: the membership ends by itself; otherwise revoke the request",
        "GET /api/v2/approvalflowrequest, GET /api/v2/accessrequests: resourceId, tempGroupId, expiry";
    LocalAdministrator "local_administrator" Privilege [Medium, Low] from [LOCAL_ACCOUNTS] details [SYSTEMS]:
        "Administers a device as a local account that no user's account in JumpCloud stands for. JumpCloud can neither \
         suspend it nor require a second factor. Not reported for suspended accounts. Low if System Insights reports that it \
         is an account of the system itself, such as root",
        "Find out who uses the account; if nobody needs it, take away its administrator rights, else bind its user to the \
         device so that JumpCloud manages it",
        "GET /api/systems: userMetrics; GET /api/v2/systeminsights/users";
    LocalAdministratorNotGranted "local_administrator_not_granted" Privilege [Medium] from [USERS, GROUPS, MEMBERSHIPS, SYSTEMS, LOCAL_ACCOUNTS, GRANTS, TEMPORARY_ACCESS]:
        "Administers devices by its local accounts, although nothing in JumpCloud gives the right there. JumpCloud manages \
         these accounts for the user. Not reported for suspended accounts",
        "Check whether the user needs this; if so, grant it in JumpCloud, else take it away on the device",
        "GET /api/systems: userMetrics; GET /api/v2/systeminsights/users";
    WithoutMfa "privileged_without_mfa" Risk [Critical, High, Medium] from []:
        "No second factor is set up. Reported for privileged accounts that are not known to be disabled; one level more \
         severe than the privilege",
        "Have a second factor set up, and require it",
        "users: mfa, mfaEnrollment, totp_enabled; GET /api/users: totpEnrolled";
    MfaExempt "privileged_mfa_exempt" Risk [Critical, High, Medium] from []:
        "Exempt from the second factor. Reported for privileged accounts that are not known to be disabled; one level more \
         severe than the privilege",
        "End the exemption unless there is a reason for it",
        "users: mfa.exclusion, mfa.exclusionUntil";
    OpenSignIn "privileged_sign_in_without_mfa" Risk [Critical, High, Medium] from [CONDITIONAL_ACCESS]:
        "No second factor is needed to sign in to the user portal or the console. By a policy or, if none applies, by the \
         account's own setting; a default access policy other than JumpCloud's own cannot be read. Reported for privileged \
         accounts that are not known to be disabled, if it does not depend on conditions; one level more severe than the \
         privilege",
        "Require a second factor by a conditional access policy that applies to the account, or by its own setting",
        "GET /api/v2/authn/policies; users: enable_user_portal_multifactor, mfa.exclusion; GET /api/users: \
         enableMultiFactor";
    StaleApiKey "stale_api_key" Risk [Medium] from [ADMINISTRATORS]:
        "An API key is older than staleApiKeyDays. Reported for administrators that are not known to be disabled, unless the \
         key has expired",
        "Find out what uses the key, and replace it",
        "GET /api/users: apiKeyUpdatedAt, apiKeyHash.createdAt";
    ApiKeyNeverExpires "api_key_never_expires" Risk [Medium] from [ADMINISTRATORS]:
        "An API key never expires. Reported for administrators that are not known to be disabled",
        "Set an expiry date for the key that leaves enough time to replace it wherever it is used",
        "GET /api/users: apiKeyHash.expireAt";
    BroadRole "broad_role" Risk [High, Medium] from [SERVICE_ACCOUNTS, ROLES]:
        "A program may change or read everything. Reported for service accounts whose role has the scopes for all users, \
         groups, devices, bindings, applications, commands and directories; medium if it may only read them all",
        "Give the service account a role with only the scopes that it uses",
        "GET /api/v2/roles: scopes; GET /api/v2/service-accounts: roleId";
    CredentialNeverExpires "credential_never_expires" Risk [Medium] from [SERVICE_ACCOUNTS]:
        "A service account has a client secret or an API key that never expires",
        "Create a credential with a lifetime, replace this one wherever it is used, and delete it",
        "GET /api/v2/service-accounts: authConfigList[].clientSecretConfig, apiKeyConfig: expiresAt, lifetime";
    CredentialExpiresSoon "credential_expires_soon" Risk [Low] from [SERVICE_ACCOUNTS]:
        "A service account has a client secret or an API key that expires within 14 days. What uses it will then stop",
        "Find out what uses the credential, and replace it before that day",
        "GET /api/v2/service-accounts: authConfigList[].clientSecretConfig, apiKeyConfig: expiresAt";
    SeveralOrganizations "reaches_several_organizations" Risk [Medium] from [SERVICE_ACCOUNTS]:
        "A service account of a provider reaches several organisations, though it is listed in this one",
        "Check that it needs all of these organisations; if not, use a service account of one organisation",
        "GET /api/v2/service-accounts: orgCount, providerId";
    ExpiredButBound "expired_but_bound" Risk [Low] from [SERVICE_ACCOUNTS]:
        "A service account has expired, but still has its role. A new credential restores that access",
        "Delete the service account once it is certain that nothing will use it again",
        "GET /api/v2/service-accounts: status, expiresAt, roleId";
    PasswordNeverExpires "privileged_password_never_expires" Risk [Low] from []:
        "The password never expires. Reported for privileged accounts that are not known to be disabled",
        "Let the password expire, or make sure that it is changed by other means",
        "users: password_never_expires; where it is not said, the password policies";
    NeverLoggedIn "privileged_never_logged_in" Risk [Low] from [LAST_LOGIN]:
        "No login in the look-back window. Reported for privileged accounts that are not known to be disabled nor to be \
         created after lastLogin.since, if the log covers at least 90% of the window",
        "Ask whether the account is still needed; if not, suspend it",
        "POST /insights/directory/v1/events";
    StaleSshKey "stale_ssh_key" Risk [Low] from [USERS]:
        "An SSH key is older than staleApiKeyDays. Reported for privileged accounts that are not known to be disabled, unless \
         the user may not sign in by key",
        "Ask whether each key is still used, and have the old ones replaced",
        "users: ssh_keys, allow_public_key";
    SshRootLogin "ssh_root_login" Risk [Medium] from [SYSTEMS]:
        "Root may sign in by SSH. Reported for devices, and for the local account root of such a device unless it is suspended",
        "Check what signs in as root; have it sign in as an account of its own and become administrator, then turn root login \
         off",
        "GET /api/systems: allowSshRootLogin, modifySSHDConfig, os, sshRootEnabled";
    DeviceWithoutMfa "device_without_mfa" Risk [Low] from [SYSTEMS]:
        "Signing in to the device takes no second factor. Reported for devices",
        "Require a second factor for the device if people sign in there",
        "GET /api/systems: allowMultiFactorAuthentication";
    ProvisioningBroken "provisioning_broken" Risk [High] from [DIRECTORIES]:
        "JumpCloud cannot change the accounts in a directory any more: those of people who leave stay active there. Reported \
         for directories",
        "Authorise the directory again in the JumpCloud portal, then check the accounts of everybody who left since",
        "GET /api/v2/directories: oAuthStatus";
    RadiusByCertificateAlone "radius_by_certificate_alone" Risk [Low] from [DIRECTORIES]:
        "A RADIUS server lets users in by a certificate alone. No password and no second factor is asked for. Reported for \
         RADIUS servers",
        "Check that certificates are revoked when a device is lost or a person leaves, or require a password as well",
        "GET /api/radiusservers: userPasswordEnabled, userCertEnabled, deviceCertEnabled, mfa";
    DisabledButBound "disabled_but_bound" Risk [Low] from [USERS, MEMBERSHIPS, SYSTEMS, APPLICATIONS, DIRECTORIES, GRANTS]:
        "Suspended, but still bound. The user is bound to a device, an application or a directory, directly or through a \
         group; reactivating the account restores that access. Not a privilege by itself",
        "Remove the bindings and memberships once it is certain that the account stays suspended",
        "users: suspended, state; GET /api/v2/{kind}/{id}/associations";
    ButDisabled "privileged_but_disabled" Risk [Info] from []:
        "Privileged, but not enabled. The account is suspended, expired or not activated yet",
        "Remove its privilege unless the account will be used again",
        "users: activated, suspended, state; GET /api/users: suspended";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_is_listed_once_with_its_severities_in_descending_order() {
        let entries: Vec<_> = Evidence::ALL.iter().map(|evidence| evidence.entry()).collect();
        let codes: BTreeSet<_> = entries.iter().map(|entry| entry.code).collect();
        assert_eq!(codes.len(), entries.len());
        for Entry { code, severities, remedy, .. } in entries {
            assert!(severities.windows(2).all(|pair| pair[0] > pair[1]), "{code}");
            assert!(!severities.is_empty() && !remedy.ends_with('.'), "{code}");
        }
    }
}
