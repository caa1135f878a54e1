//! An organisation that is computed, not stored: every object and every edge follows from the seed and an index.

mod access_requests;
mod administrators;
mod dice;
mod events;
mod graph;
mod groups;
mod local_accounts;
mod names;
mod node;
mod population;
mod resources;
mod roles;
mod service_accounts;
mod settings;
mod sign_ins;
mod systems;
mod users;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

pub use access_requests::{AccessRequest, cast as cast_of_access_requests};
pub use administrators::{Administrator, cast as cast_of_administrators};
pub(crate) use dice::Dice;
pub use events::{Actor, Event, EventKind};
pub(crate) use graph::{Direction, Path};
pub use graph::{Edge, Members, Reached};
pub(crate) use groups::Sizes;
pub use groups::{UserGroup, cast as cast_of_groups};
pub(crate) use local_accounts::LOCAL_ACCOUNTS;
pub use local_accounts::LocalAccount;
pub(crate) use names::STREETS;
pub use node::{Kind, Node};
pub use population::Census;
pub(crate) use population::Population;
pub use resources::{Application, Directory, RadiusServer};
pub use roles::Role;
pub use service_accounts::{Credential, ServiceAccount, cast as cast_of_service_accounts};
pub use settings::PasswordPolicy;
pub(crate) use sign_ins::IP_LISTS;
pub use sign_ins::{AuthnCondition, AuthnEffect, AuthnPolicy, SignInTruth};
pub use systems::{Os, System, SystemGroup, cast as cast_of_system_groups};
pub use users::{User, UserMfa, UserRole, UserState, cast as cast_of_users};

use super::behaviour::{Behaviour, OrganizationNames};
use super::options::SimulatorOptions;

/// What the dice of an object are thrown for.
#[derive(Clone, Copy)]
enum Stream {
    User = 1,
    UserGroup,
    Membership,
    GroupRank,
    System,
    SystemGroup,
    UserState,
    Login,
    Owner,
    Edge,
    RadiusServer,
    Administrator,
    Event,
    EventTime,
    GroupSize,
    ServiceAccount,
    LocalAccount,
}

/// Administrator rights on a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sudo {
    /// Whether they are given.
    pub enabled: bool,
    /// Whether they are used without asking for the password.
    pub without_password: bool,
}

/// Groups in the order of their names, by kind and by how many there ever were.
type NameOrders = BTreeMap<(Kind, u64), Arc<[u64]>>;

/// One simulated organisation, and the truth about it: what a connector should find, computed without HTTP.
#[derive(Debug)]
pub struct Organization {
    seed: u64,
    index: u64,
    now: Timestamp,
    users: Population,
    user_groups: Population,
    systems: Population,
    sizes: Sizes,
    /// How many events there ever were.
    events: u64,
    behaviour: Behaviour,
    by_name: Mutex<NameOrders>,
}

impl Organization {
    /// The `index`-th organisation of a simulation.
    pub(crate) fn new(options: &SimulatorOptions, index: u64) -> Self {
        let seed = options.seed.wrapping_add(index.wrapping_mul(0x9E37_79B9));
        Self {
            seed,
            index,
            now: options.now,
            users: Population::new(options.users),
            user_groups: Population::new(options.groups),
            systems: Population::new(options.systems),
            behaviour: options.behaviour.clone(),
            by_name: Mutex::default(),
            events: options.events.unwrap_or_else(|| (options.users * 8).min(2_000_000)),
            sizes: Sizes::new(seed, options),
        }
    }

    /// Its ObjectId.
    pub fn organization_id(&self) -> String {
        self.id(Node::new(Kind::Organization, self.index))
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Its place among the organisations of a provider.
    pub(crate) fn index(&self) -> u64 {
        self.index
    }

    /// How the service answers for it.
    pub(crate) fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// The moment at which it is seen.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Its name.
    pub fn display_name(&self) -> String {
        match self.index {
            0 => "Northwind Ω Trading".to_owned(),
            index => format!("Subsidiary №{index}"),
        }
    }

    /// The name that lists give it, which some organisations lack.
    pub fn listed_name(&self) -> Option<String> {
        let named = match self.behaviour.organization_names {
            OrganizationNames::Given => true,
            OrganizationNames::Some => self.index % 3 != 2,
            OrganizationNames::Null => false,
        };
        named.then(|| self.display_name())
    }

    /// The domain of its e-mail addresses.
    pub fn domain(&self) -> String {
        match self.index {
            0 => "northwind.example".to_owned(),
            index => format!("sub{index}.example"),
        }
    }

    /// The ObjectId of an object.
    pub fn id(&self, node: Node) -> String {
        node::object_id(self.seed, node, self.generated(node.kind))
    }

    /// The object of a kind with an ObjectId, when it exists now.
    pub fn find(&self, kind: Kind, id: &str) -> Option<Node> {
        let index = node::index_of(self.seed, kind, self.generated(kind), id)?;
        let exists = match self.population(kind) {
            Some(population) => population.now().contains(index),
            None => index < self.generated(kind),
        };
        exists.then_some(Node::new(kind, index))
    }

    /// The objects of a kind that exist now.
    pub fn census(&self, kind: Kind) -> Census {
        match self.population(kind) {
            Some(population) => population.now(),
            None => Census::of(self.generated(kind)),
        }
    }

    /// The groups of a kind that exist now, in the order of their names.
    pub(crate) fn groups_by_name(&self, kind: Kind) -> Vec<u64> {
        let census = self.census(kind);
        let ever = census.ever().end;
        let name = |index| match kind {
            Kind::UserGroup => self.user_group(index).name,
            _ => self.system_group(index).name,
        };
        let mut orders = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let order = orders.entry((kind, ever)).or_insert_with(|| {
            let mut named: Vec<(String, u64)> = (0..ever).map(|index| (name(index), index)).collect();
            named.sort_unstable();
            named.into_iter().map(|(_, index)| index).collect()
        });
        order.iter().copied().filter(|&index| census.contains(index)).collect()
    }

    /// The users that exist now.
    pub fn users(&self) -> impl Iterator<Item = User> + '_ {
        let census = self.users.now();
        (0..census.count()).map(move |position| self.user(census.index(position)))
    }

    /// The user groups that exist now.
    pub fn user_groups(&self) -> impl Iterator<Item = UserGroup> + '_ {
        let census = self.user_groups.now();
        (0..census.count()).map(move |position| self.user_group(census.index(position)))
    }

    /// The devices that exist now.
    pub fn systems(&self) -> impl Iterator<Item = System> + '_ {
        let census = self.systems.now();
        (0..census.count()).map(move |position| self.system(census.index(position)))
    }

    pub(crate) fn population(&self, kind: Kind) -> Option<&Population> {
        match kind {
            Kind::User => Some(&self.users),
            Kind::UserGroup => Some(&self.user_groups),
            Kind::System => Some(&self.systems),
            _ => None,
        }
    }

    fn generated(&self, kind: Kind) -> u64 {
        match kind {
            Kind::User => self.users.generated(),
            Kind::UserGroup => self.user_groups.generated(),
            Kind::System => self.systems.generated(),
            Kind::SystemGroup => self.system_group_count(),
            Kind::Application => resources::APPLICATION_COUNT,
            Kind::RadiusServer => resources::RADIUS_SERVER_COUNT,
            Kind::Administrator => self.administrator_count(),
            Kind::ServiceAccount => self.service_account_count(),
            Kind::Organization => self.index + 1,
            Kind::Command => resources::COMMAND_COUNT,
            Kind::Policy => resources::POLICY_COUNT,
            Kind::PolicyGroup => resources::POLICY_GROUP_COUNT,
            Kind::PasswordManagerItem => resources::PASSWORD_ITEM_COUNT,
            Kind::ActiveDirectory
            | Kind::GSuite
            | Kind::LdapServer
            | Kind::Office365
            | Kind::Provider
            | Kind::IdpRoutingPolicy => 1,
        }
    }
}
