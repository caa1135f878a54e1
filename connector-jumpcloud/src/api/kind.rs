//! The kinds of objects in JumpCloud's graph.

use serde::{Deserialize, Serialize};

/// A kind of object in the graph, with its word in `type` and `targets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    User,
    UserGroup,
    System,
    SystemGroup,
    Application,
    LdapServer,
    GSuite,
    Office365,
    ActiveDirectory,
    RadiusServer,
}

impl Kind {
    const ALL: &[Self] = &[
        Self::User,
        Self::UserGroup,
        Self::System,
        Self::SystemGroup,
        Self::Application,
        Self::LdapServer,
        Self::GSuite,
        Self::Office365,
        Self::ActiveDirectory,
        Self::RadiusServer,
    ];

    /// The kind of a word.
    pub(crate) fn of_word(is: impl Fn(&str) -> bool) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| is(kind.word()))
    }

    /// The word in `type` and `targets`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::UserGroup => "user_group",
            Self::System => "system",
            Self::SystemGroup => "system_group",
            Self::Application => "application",
            Self::LdapServer => "ldap_server",
            Self::GSuite => "g_suite",
            Self::Office365 => "office_365",
            Self::ActiveDirectory => "active_directory",
            Self::RadiusServer => "radius_server",
        }
    }

    /// The `resourceType` of an object that can be reached.
    pub(crate) const fn resource_type(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::SystemGroup => "systemGroup",
            Self::Application => "application",
            Self::LdapServer => "ldapServer",
            Self::GSuite => "gSuite",
            Self::Office365 => "office365",
            Self::ActiveDirectory => "activeDirectory",
            Self::RadiusServer => "radiusServer",
            Self::User | Self::UserGroup => "account",
        }
    }

    /// The first part of its paths.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::UserGroup => "usergroups",
            Self::System => "systems",
            Self::SystemGroup => "systemgroups",
            Self::Application => "applications",
            Self::LdapServer => "ldapservers",
            Self::GSuite => "gsuites",
            Self::Office365 => "office365s",
            Self::ActiveDirectory => "activedirectories",
            Self::RadiusServer => "radiusservers",
        }
    }
}
