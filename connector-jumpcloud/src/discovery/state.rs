//! What a scan has read so far: the sections that were read before the users, and the names of the users.
//!
//! It is kept small, since it is held in memory for the whole scan, and it is what a checkpoint stores.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use connector_api::{Access, Section, SectionReport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::Id;
use crate::api::administrators::Administrator;
use crate::api::applications::Application;
use crate::api::directories::Directory;
use crate::api::graph::Kind;
use crate::api::systems::{System, SystemGroup};
use crate::api::user_groups::UserGroup;

/// Everything that was read. A section that is not in `reports` has not been read to its end.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) reports: BTreeMap<Section, SectionReport>,
    pub(crate) users_endpoint: Option<String>,
    pub(crate) people: People,
    pub(crate) groups: Vec<UserGroup>,
    /// The direct members of each of `groups`, in its order; `None` for a group that vanished meanwhile.
    pub(crate) members: Vec<Option<Members>>,
    pub(crate) administrators: Vec<Administrator>,
    pub(crate) systems: Vec<System>,
    pub(crate) system_groups: Vec<SystemGroup>,
    pub(crate) applications: Vec<Application>,
    pub(crate) directories: Vec<Directory>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) logins: Logins,
}

impl State {
    /// Whether the parts fit together: a checkpoint comes from a file.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn check(&self) -> Result<(), String> {
        let known = self.people.len() as u32;
        let members = self.members.iter().flatten();
        if members.clone().flat_map(|members| &members.users).any(|user| *user >= known) {
            return Err("a membership names a user that is not there".to_owned());
        }
        if self.reports.contains_key(&Section::Memberships) && self.members.len() != self.groups.len() {
            return Err("the memberships do not fit the groups".to_owned());
        }
        Ok(())
    }
}

/// A group's direct members.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Members {
    /// Indices into [`People`].
    pub(crate) users: Vec<u32>,
    pub(crate) groups: Vec<Id>,
    /// Members of other kinds, by kind.
    pub(crate) others: Vec<(String, Id)>,
}

/// An edge of the graph, from who is bound to what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edge {
    pub(crate) from: Node,
    pub(crate) to: Node,
    pub(crate) access: Access,
}

/// A thing in the graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) id: Id,
}

/// The directory's users as far as a scan must remember each of them: id, name, and a few flags.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "PeopleWire")]
pub(crate) struct People {
    ids: Vec<Id>,
    index: HashMap<Id, u32>,
    names: Vec<Option<Box<str>>>,
    sudo: Vec<Access>,
    /// Those that the users' listing held, in its order.
    listed: Vec<u32>,
    taken: HashSet<u64>,
    /// Users whose address is an administrator's too.
    emails: HashMap<String, u32>,
}

#[derive(Serialize, Deserialize, Clone)]
struct PeopleWire {
    ids: Vec<Id>,
    names: Vec<Option<Box<str>>>,
    sudo: Vec<Access>,
    listed: Vec<u32>,
    emails: BTreeMap<String, u32>,
}

impl From<PeopleWire> for People {
    fn from(wire: PeopleWire) -> Self {
        let mut people = Self::default();
        for id in wire.ids {
            people.intern(&id);
        }
        for (at, name) in wire.names.into_iter().enumerate().take(people.ids.len()) {
            if let Some(name) = name {
                people.taken.insert(digest(&name));
                people.names[at] = Some(name);
            }
        }
        for (at, sudo) in wire.sudo.into_iter().enumerate().take(people.ids.len()) {
            people.sudo[at] = sudo;
        }
        let known = people.ids.len() as u32;
        people.listed = wire.listed.into_iter().filter(|at| *at < known).collect();
        people.emails = wire.emails.into_iter().filter(|(_, at)| *at < known).collect();
        people
    }
}

impl From<&People> for PeopleWire {
    fn from(people: &People) -> Self {
        Self {
            ids: people.ids.clone(),
            names: people.names.clone(),
            sudo: people.sudo.clone(),
            listed: people.listed.clone(),
            emails: people.emails.iter().map(|(email, at)| (email.clone(), *at)).collect(),
        }
    }
}

impl Serialize for People {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PeopleWire::from(self).serialize(serializer)
    }
}

impl People {
    /// The index of a user, who need not have been listed yet.
    pub(crate) fn intern(&mut self, id: &Id) -> u32 {
        if let Some(at) = self.index.get(id) {
            return *at;
        }
        let at = self.ids.len() as u32;
        self.ids.push(id.clone());
        self.names.push(None);
        self.sudo.push(Access::Login);
        self.index.insert(id.clone(), at);
        at
    }

    /// Enters a listed user under a name that no other account has: `name`, or `name#id` when that is taken.
    pub(crate) fn list(&mut self, id: &Id, name: String, sudo: Access) -> u32 {
        let at = self.intern(id);
        let name = self.unique(name, id);
        self.sudo[at as usize] = sudo;
        self.listed.push(at);
        self.names[at as usize] = Some(name.into_boxed_str());
        at
    }

    /// A name that no other account has, kept from now on.
    pub(crate) fn unique(&mut self, name: String, id: &Id) -> String {
        if self.taken.insert(digest(&name)) {
            return name;
        }
        let name = format!("{name}#{id}");
        self.taken.insert(digest(&name));
        name
    }

    /// The user's address, in lower case, is an administrator's too.
    pub(crate) fn shares_email(&mut self, at: u32, email: String) {
        self.emails.insert(email, at);
    }

    /// The user whose address, in whatever case, is an administrator's too.
    pub(crate) fn with_email(&self, email: &str) -> Option<u32> {
        self.emails.get(&email.to_lowercase()).copied()
    }

    pub(crate) fn find(&self, id: &Id) -> Option<u32> {
        self.index.get(id).copied()
    }

    pub(crate) fn id(&self, at: u32) -> &Id {
        &self.ids[at as usize]
    }

    /// The user's name, if the listing held the user.
    pub(crate) fn name(&self, at: u32) -> Option<&str> {
        self.names[at as usize].as_deref()
    }

    /// What the user's own flags allow on every device that the user reaches.
    pub(crate) fn sudo(&self, at: u32) -> Access {
        self.sudo[at as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Those that the users' listing held, in its order.
    pub(crate) fn listed(&self) -> &[u32] {
        &self.listed
    }
}

fn digest(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Recent logins by who signed in.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Logins {
    /// The first instant looked at; absent when logins were not read.
    pub(crate) since: Option<Timestamp>,
    pub(crate) by_id: BTreeMap<Id, Login>,
    /// Logins that name their user only by user name or address.
    pub(crate) by_name: BTreeMap<String, Login>,
}

/// One account's logins.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) succeeded_at: Option<Timestamp>,
    pub(crate) failed_at: Option<Timestamp>,
    pub(crate) service: Option<String>,
    pub(crate) mfa: Option<bool>,
}

impl Login {
    /// Both accounts of one person's logins as one.
    pub(crate) fn merge(&mut self, other: &Login) {
        if other.succeeded_at > self.succeeded_at {
            self.succeeded_at = other.succeeded_at;
            self.service.clone_from(&other.service);
            self.mfa = other.mfa;
        }
        self.failed_at = self.failed_at.max(other.failed_at);
    }
}
