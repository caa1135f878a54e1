//! What an organisation consists of, and how its things are called.

use super::dice::Dice;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A directory user.
    User,
    /// A group of users.
    UserGroup,
    /// A device.
    System,
    /// A group of devices.
    SystemGroup,
    /// A single sign-on application.
    Application,
    /// An Active Directory.
    ActiveDirectory,
    /// A Google Workspace.
    GSuite,
    /// An LDAP server.
    LdapServer,
    /// A Microsoft 365 tenant.
    Office365,
    /// A RADIUS server.
    RadiusServer,
    /// A console administrator.
    Administrator,
    /// An organisation.
    Organization,
    /// A provider, who manages several organisations.
    Provider,
    /// A command that devices run.
    Command,
    /// A policy that devices obey.
    Policy,
    /// A group of policies.
    PolicyGroup,
    /// A rule that sends users to an identity provider.
    IdpRoutingPolicy,
    /// An entry of the password manager.
    PasswordManagerItem,
    /// What a program signs in with.
    ServiceAccount,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 19] = [
        Self::User,
        Self::UserGroup,
        Self::System,
        Self::SystemGroup,
        Self::Application,
        Self::ActiveDirectory,
        Self::GSuite,
        Self::LdapServer,
        Self::Office365,
        Self::RadiusServer,
        Self::Administrator,
        Self::Organization,
        Self::Provider,
        Self::Command,
        Self::Policy,
        Self::PolicyGroup,
        Self::IdpRoutingPolicy,
        Self::PasswordManagerItem,
        Self::ServiceAccount,
    ];

    /// The kinds of directory.
    pub const DIRECTORIES: [Self; 4] = [Self::ActiveDirectory, Self::GSuite, Self::LdapServer, Self::Office365];

    /// The kinds of which a user or a user group can be bound to objects, and that give access.
    pub const RESOURCES: [Self; 8] = [
        Self::System,
        Self::SystemGroup,
        Self::Application,
        Self::ActiveDirectory,
        Self::GSuite,
        Self::LdapServer,
        Self::Office365,
        Self::RadiusServer,
    ];

    /// The name that the graph gives the kind, as in `type` and `targets`.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::UserGroup => "user_group",
            Self::System => "system",
            Self::SystemGroup => "system_group",
            Self::Application => "application",
            Self::ActiveDirectory => "active_directory",
            Self::GSuite => "g_suite",
            Self::LdapServer => "ldap_server",
            Self::Office365 => "office_365",
            Self::RadiusServer => "radius_server",
            Self::Administrator => "administrator",
            Self::Organization => "organization",
            Self::Provider => "provider",
            Self::Command => "command",
            Self::Policy => "policy",
            Self::PolicyGroup => "policy_group",
            Self::IdpRoutingPolicy => "idp_routing_policy",
            Self::PasswordManagerItem => "password_manager_item",
            Self::ServiceAccount => "service_account",
        }
    }

    /// The path segment under which the V2 API keeps objects of the kind.
    pub fn segment(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::UserGroup => "usergroups",
            Self::System => "systems",
            Self::SystemGroup => "systemgroups",
            Self::Application => "applications",
            Self::ActiveDirectory => "activedirectories",
            Self::GSuite => "gsuites",
            Self::LdapServer => "ldapservers",
            Self::Office365 => "office365s",
            Self::RadiusServer => "radiusservers",
            Self::Administrator => "administrators",
            Self::Organization => "organizations",
            Self::Provider => "providers",
            Self::Command => "commands",
            Self::Policy => "policies",
            Self::PolicyGroup => "policygroups",
            Self::IdpRoutingPolicy => "identity-provider/policies",
            Self::PasswordManagerItem => "passwordmanageritems",
            Self::ServiceAccount => "service-accounts",
        }
    }

    /// The names of what an object of the kind can be bound to: its association targets. Those that only the newest
    /// documents have come last, and apart.
    pub fn targets(self) -> (&'static [&'static str], &'static [&'static str]) {
        const OF_PRINCIPALS: &[&str] = &[
            "active_directory",
            "application",
            "g_suite",
            "idp_routing_policy",
            "ldap_server",
            "office_365",
            "password_manager_item",
            "radius_server",
            "system",
            "system_group",
        ];
        const OF_DEVICES: &[&str] = &["command", "policy", "policy_group", "user", "user_group"];
        const PRINCIPALS: &[&str] = &["user", "user_group"];
        match self {
            Self::User | Self::UserGroup => (OF_PRINCIPALS, &["policy", "policy_group"]),
            Self::System => (OF_DEVICES, &[]),
            Self::SystemGroup => (OF_DEVICES, &["radius_server"]),
            Self::Application => (PRINCIPALS, &["agent_group"]),
            Self::ActiveDirectory | Self::GSuite | Self::LdapServer | Self::Office365 | Self::IdpRoutingPolicy => {
                (PRINCIPALS, &[])
            }
            Self::RadiusServer => (PRINCIPALS, &["system_group"]),
            Self::Command => (&["system", "system_group", "password_manager_item"], &[]),
            Self::Policy | Self::PolicyGroup => (&["system", "system_group"], PRINCIPALS),
            Self::PasswordManagerItem => (&["user", "user_group", "command"], &[]),
            Self::Administrator | Self::Organization | Self::Provider | Self::ServiceAccount => (&[], &[]),
        }
    }

    /// Who is bound to whom: objects of a lower rank to those of a higher one.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::User | Self::UserGroup => 0,
            Self::System | Self::SystemGroup => 1,
            Self::PasswordManagerItem => 3,
            _ => 2,
        }
    }

    /// The kind kept under a path segment of the V2 API.
    pub fn of_segment(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.segment() == segment)
    }

    /// The kind of a graph name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One object: the `index`-th of its kind, in the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Which one it is.
    pub index: u64,
}

impl Node {
    /// The `index`-th object of a kind.
    pub fn new(kind: Kind, index: u64) -> Self {
        Self { kind, index }
    }
}

/// 2014-03-01T00:00:00Z, when the organisation signed up.
const FOUNDED: u64 = 1_393_632_000;
/// 2026-03-01T00:00:00Z: everything that the generator makes is older.
const GENERATED: u64 = 1_772_323_200;

/// When the `index`-th of `count` objects was created, in seconds of Unix time: ascending with the index.
pub(crate) fn created(index: u64, count: u64) -> u64 {
    let span = u128::from(GENERATED - FOUNDED);
    FOUNDED + (u128::from(index) * span / u128::from(count.max(1))) as u64
}

/// The ObjectId of the `index`-th of `count` objects: time, kind, organisation, index. Ids ascend with the
/// index, as ids of the service ascend with time.
pub(crate) fn object_id(seed: u64, node: Node, count: u64) -> String {
    // An object far behind the last one, which is in no organisation, has an ObjectId all the same.
    let time = created(node.index, count).min(u64::from(u32::MAX));
    format!("{time:08x}{:02x}{:06x}{:08x}", node.kind as u8 + 0x10, organization_part(seed), node.index)
}

/// The index in an ObjectId made by [`object_id`], when it is one.
pub(crate) fn index_of(seed: u64, kind: Kind, count: u64, id: &str) -> Option<u64> {
    let index = u64::from_str_radix(id.get(16..)?, 16).ok()?;
    (object_id(seed, Node::new(kind, index), count) == id).then_some(index)
}

fn organization_part(seed: u64) -> u64 {
    Dice::thrown(seed, 0x1D, 0).roll() & 0xFF_FFFF
}
