//! Which endpoint a path names.

use hyper::Method;

use crate::organization::Kind;

/// An endpoint of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `GET /api/systemusers`
    SystemUsers,
    /// `POST /api/search/systemusers`
    SearchSystemUsers,
    /// `POST /api/search/systems`
    SearchSystems,
    /// `GET /api/systems`
    Systems,
    /// `GET /api/commands`
    Commands,
    /// `GET /api/applications`
    Applications,
    /// `GET /api/organizations`
    Organizations,
    /// `GET /api/organizations/{id}`
    Organization,
    /// `GET /api/users`: console administrators
    Administrators,
    /// `GET /api/radiusservers`
    RadiusServers,
    /// `GET /api/systemusers/{id}`, `/systems/{id}`, `/applications/{id}`, `/radiusservers/{id}`
    One(Kind),
    /// `GET /api/v2/users`
    Users,
    /// `GET /api/v2/usergroups`, `/systemgroups`, `/ldapservers`, `/activedirectories`, `/policies`, `/policygroups`
    Groups(Kind),
    /// `GET /api/v2/usergroups/{id}`, …, and of directories `GET /api/v2/ldapservers/{id}`, …
    Group(Kind),
    /// `GET /api/v2/usergroups/{id}/members`, …: direct members
    Members(Kind),
    /// `GET /api/v2/usergroups/{id}/membership`, …: direct and indirect members
    Membership(Kind),
    /// `GET /api/v2/users/{id}/memberof`, …
    MemberOf(Kind),
    /// `GET /api/v2/users/{id}/associations`, …: direct edges
    Associations(Kind),
    /// `GET /api/v2/users/{id}/systems`, …: direct and indirect edges
    Reach(Kind, Kind),
    /// `GET /api/v2/users/{id}/directories`, …: direct and indirect edges to directories of any kind
    DirectoriesOf(Kind),
    /// `GET /api/v2/groups`: groups of all kinds
    AllGroups,
    /// `GET /api/v2/directories`
    Directories,
    /// `GET /api/v2/service-accounts`
    ServiceAccounts,
    /// `GET /api/v2/roles`
    Roles,
    /// `GET /api/v2/approvalflowrequest`
    FlowRequests,
    /// `GET /api/v2/accessrequests`
    AccessRequests,
    /// `GET /api/v2/authn/policies`
    AuthnPolicies,
    /// `GET /api/v2/iplists`
    IpLists,
    /// `GET /api/v2/passwordpolicies`
    PasswordPolicies,
    /// `GET /api/v2/identity-providers`
    IdentityProviders,
    /// `GET /api/v2/systeminsights/users`, …
    SystemInsights(Table),
    /// `GET /api/v2/providers/{id}/organizations`
    ProviderOrganizations,
    /// `GET /api/v2/providers/{id}/administrators`
    ProviderAdministrators,
    /// `GET /api/v2/administrators/{id}/organizationlinks`
    OrganizationLinks,
    /// `POST /insights/directory/v1/events`
    Events,
    /// `POST /insights/directory/v1/events/count`
    EventCount,
    /// `POST /insights/directory/v1/events/distinct`
    EventDistinct,
    /// `POST /insights/directory/v1/events/interval`
    EventInterval,
    /// `POST /oauth2/token`
    Token,
}

/// A table of System Insights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Users,
    Groups,
    UserGroups,
    AuthorizedKeys,
}

impl Table {
    const ALL: [(&'static str, Self); 4] = [
        ("users", Self::Users),
        ("groups", Self::Groups),
        ("user_groups", Self::UserGroups),
        ("authorized_keys", Self::AuthorizedKeys),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, table)| *table == self).map_or("", |(name, _)| name)
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, table)| *table)
    }
}

/// An API, each of which has its own way to say no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    V1,
    V2,
    OAuth,
}

impl Api {
    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/oauth2/") {
            Self::OAuth
        } else if path.starts_with("/api/v2/") || path.starts_with("/insights/") {
            Self::V2
        } else {
            Self::V1
        }
    }
}

impl Endpoint {
    /// All endpoints.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![
            Self::SystemUsers,
            Self::SearchSystemUsers,
            Self::SearchSystems,
            Self::Systems,
            Self::Commands,
            Self::Applications,
            Self::Organizations,
            Self::Organization,
            Self::Administrators,
            Self::RadiusServers,
            Self::Users,
            Self::AllGroups,
            Self::Directories,
            Self::ServiceAccounts,
            Self::Roles,
            Self::FlowRequests,
            Self::AccessRequests,
            Self::AuthnPolicies,
            Self::IpLists,
            Self::PasswordPolicies,
            Self::IdentityProviders,
            Self::ProviderOrganizations,
            Self::ProviderAdministrators,
            Self::OrganizationLinks,
            Self::Events,
            Self::EventCount,
            Self::EventDistinct,
            Self::EventInterval,
            Self::Token,
        ];
        all.extend(Table::ALL.map(|(_, table)| Self::SystemInsights(table)));
        for kind in Kind::ALL {
            all.extend([
                Self::One(kind),
                Self::Groups(kind),
                Self::Group(kind),
                Self::Members(kind),
                Self::Membership(kind),
                Self::MemberOf(kind),
                Self::Associations(kind),
                Self::DirectoriesOf(kind),
            ]);
            all.extend(Kind::ALL.map(|to| Self::Reach(kind, to)));
        }
        all.retain(|endpoint| endpoint.exists());
        all
    }

    /// The name of the endpoint in faults and in the request log.
    pub(crate) fn class(self) -> String {
        match self {
            Self::SystemUsers => "systemusers".to_owned(),
            Self::SearchSystemUsers => "search.systemusers".to_owned(),
            Self::SearchSystems => "search.systems".to_owned(),
            Self::Systems => "systems".to_owned(),
            Self::Commands => "commands".to_owned(),
            Self::Applications => "applications".to_owned(),
            Self::Organizations => "organizations".to_owned(),
            Self::Organization => "organizations.one".to_owned(),
            Self::Administrators => "administrators".to_owned(),
            Self::RadiusServers => "radiusservers".to_owned(),
            Self::Users => "users".to_owned(),
            Self::Groups(kind) => kind.segment().to_owned(),
            Self::One(kind) | Self::Group(kind) => format!("{}.one", kind.segment()),
            Self::Members(kind) => format!("{}.members", kind.segment()),
            Self::Membership(kind) => format!("{}.membership", kind.segment()),
            Self::MemberOf(kind) => format!("{}.memberof", kind.segment()),
            Self::Associations(kind) => format!("{}.associations", kind.segment()),
            Self::Reach(from, to) => format!("{}.{}", from.segment(), to.segment()),
            Self::DirectoriesOf(kind) => format!("{}.directories", kind.segment()),
            Self::AllGroups => "groups".to_owned(),
            Self::Directories => "directories".to_owned(),
            Self::ServiceAccounts => "serviceaccounts".to_owned(),
            Self::Roles => "roles".to_owned(),
            Self::FlowRequests => "approvalflowrequest".to_owned(),
            Self::AccessRequests => "accessrequests".to_owned(),
            Self::AuthnPolicies => "authn.policies".to_owned(),
            Self::IpLists => "iplists".to_owned(),
            Self::PasswordPolicies => "passwordpolicies".to_owned(),
            Self::IdentityProviders => "identity-providers".to_owned(),
            Self::SystemInsights(table) => format!("systeminsights.{}", table.name()),
            Self::ProviderOrganizations => "providers.organizations".to_owned(),
            Self::ProviderAdministrators => "providers.administrators".to_owned(),
            Self::OrganizationLinks => "administrators.organizationlinks".to_owned(),
            Self::Events => "insights.events".to_owned(),
            Self::EventCount => "insights.events.count".to_owned(),
            Self::EventDistinct => "insights.events.distinct".to_owned(),
            Self::EventInterval => "insights.events.interval".to_owned(),
            Self::Token => "oauth.token".to_owned(),
        }
    }

    /// The one method that the endpoint takes.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::SearchSystemUsers | Self::SearchSystems | Self::Token => Method::POST,
            _ if self.is_of_insights() => Method::POST,
            _ => Method::GET,
        }
    }

    /// Whether the endpoint is one of Directory Insights.
    pub(crate) fn is_of_insights(self) -> bool {
        matches!(self, Self::Events | Self::EventCount | Self::EventDistinct | Self::EventInterval)
    }

    /// Whether the endpoint speaks of one organisation, so that a multi-tenant administrator has to name it.
    pub(crate) fn takes_organization(self) -> bool {
        !matches!(
            self,
            Self::Organizations
                | Self::Organization
                | Self::ProviderOrganizations
                | Self::ProviderAdministrators
                | Self::OrganizationLinks
                | Self::Token
        )
    }

    /// The endpoint and the object id that a path names.
    pub(crate) fn of_path(path: &str) -> Option<(Self, &str)> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let endpoint = match segments.as_slice() {
            ["oauth2", "token"] => Self::Token,
            ["insights", "directory", "v1", "events"] => Self::Events,
            ["insights", "directory", "v1", "events", "count"] => Self::EventCount,
            ["insights", "directory", "v1", "events", "distinct"] => Self::EventDistinct,
            ["insights", "directory", "v1", "events", "interval"] => Self::EventInterval,
            ["api", "systemusers"] => Self::SystemUsers,
            ["api", "search", "systemusers"] => Self::SearchSystemUsers,
            ["api", "search", "systems"] => Self::SearchSystems,
            ["api", "systems"] => Self::Systems,
            ["api", "commands"] => Self::Commands,
            ["api", "applications"] => Self::Applications,
            ["api", "organizations"] => Self::Organizations,
            ["api", "users"] => Self::Administrators,
            ["api", "radiusservers"] => Self::RadiusServers,
            ["api", "organizations", id] => return Self::known(Self::Organization, id),
            ["api", "systemusers", id] => return Self::known(Self::One(Kind::User), id),
            ["api", "systems", id] => return Self::known(Self::One(Kind::System), id),
            ["api", "applications", id] => return Self::known(Self::One(Kind::Application), id),
            ["api", "radiusservers", id] => return Self::known(Self::One(Kind::RadiusServer), id),
            ["api", "v2", "users"] => Self::Users,
            ["api", "v2", "directories"] => Self::Directories,
            ["api", "v2", "service-accounts"] => Self::ServiceAccounts,
            ["api", "v2", "roles"] => Self::Roles,
            ["api", "v2", "approvalflowrequest"] => Self::FlowRequests,
            ["api", "v2", "accessrequests"] => Self::AccessRequests,
            ["api", "v2", "groups"] => Self::AllGroups,
            ["api", "v2", "authn", "policies"] => Self::AuthnPolicies,
            ["api", "v2", "iplists"] => Self::IpLists,
            ["api", "v2", "passwordpolicies"] => Self::PasswordPolicies,
            ["api", "v2", "identity-providers"] => Self::IdentityProviders,
            ["api", "v2", "systeminsights", table] => Self::SystemInsights(Table::of_name(table)?),
            ["api", "v2", "identity-provider", "policies", id, rest] => {
                return Self::known(Self::of_object(Kind::IdpRoutingPolicy, rest)?, id);
            }
            ["api", "v2", kind] => Self::Groups(Kind::of_segment(kind)?),
            ["api", "v2", kind, id] => {
                return Self::known(Self::Group(Kind::of_segment(kind)?), id);
            }
            ["api", "v2", kind, id, rest] => {
                return Self::known(Self::of_object(Kind::of_segment(kind)?, rest)?, id);
            }
            _ => return None,
        };
        Self::known(endpoint, "")
    }

    fn of_object(kind: Kind, rest: &str) -> Option<Self> {
        Some(match (kind, rest) {
            (Kind::Provider, "organizations") => Self::ProviderOrganizations,
            (Kind::Provider, "administrators") => Self::ProviderAdministrators,
            (Kind::Administrator, "organizationlinks") => Self::OrganizationLinks,
            (_, "members") => Self::Members(kind),
            (_, "membership") => Self::Membership(kind),
            (_, "memberof") => Self::MemberOf(kind),
            (_, "associations") => Self::Associations(kind),
            (_, "directories") => Self::DirectoriesOf(kind),
            _ => Self::Reach(kind, Kind::of_segment(rest)?),
        })
    }

    fn known(self, id: &str) -> Option<(Self, &str)> {
        self.exists().then_some((self, id))
    }

    /// Whether the service has the endpoint for the kinds in it.
    fn exists(self) -> bool {
        use Kind::{System, SystemGroup, User, UserGroup};
        let principal = |kind| matches!(kind, User | UserGroup);
        let resource = |kind| Kind::RESOURCES.contains(&kind);
        let in_v1 = |kind| matches!(kind, User | System | Kind::Application | Kind::RadiusServer);
        match self {
            Self::One(kind) => in_v1(kind),
            Self::Group(kind) => matches!(kind, UserGroup | SystemGroup) || Kind::DIRECTORIES.contains(&kind),
            Self::Groups(kind) => matches!(
                kind,
                UserGroup | SystemGroup | Kind::LdapServer | Kind::ActiveDirectory | Kind::Policy | Kind::PolicyGroup
            ),
            Self::Members(kind) | Self::Membership(kind) => matches!(kind, UserGroup | SystemGroup),
            Self::DirectoriesOf(kind) => principal(kind),
            Self::MemberOf(kind) => matches!(kind, User | UserGroup | System | SystemGroup),
            Self::Associations(kind) => !kind.targets().0.is_empty(),
            Self::Reach(from, to) => principal(from) && resource(to) || resource(from) && principal(to),
            _ => true,
        }
    }
}
