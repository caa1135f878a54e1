//! What a scan keeps of each directory user: as little as possible, since there may be a million.

use std::borrow::Cow;
use std::hash::BuildHasher;

use connector_access::{Name, Names};
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::api::Id;
use crate::api::level::Level;

/// The directory's users: id, name, and a few flags of each.
///
/// Names are unique in a scan and the same in every row. A user's name is the user name, else the address, else the id; an
/// administrator's is the address, else the id. If a name is already used, the later account gets `name#id`. Users get
/// their names before administrators, each in the order of ids.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(from = "PeopleWire")]
pub(crate) struct People {
    ids: Vec<Id>,
    /// Where each id is.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The name of each user whom the listing held.
    named: Vec<Option<Name>>,
    names: Names,
    sudo: Vec<Level>,
    /// Those that the users' listing held, in its order.
    listed: Vec<u32>,
    /// Users that may be the same person as an administrator.
    links: Vec<Link>,
}

/// A user and an administrator that may be the same person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) user: u32,
    /// The administrator's id.
    pub(crate) administrator: String,
    pub(crate) evidence: LinkEvidence,
}

/// Why two accounts may belong to one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LinkEvidence {
    /// They have the same address, ignoring case.
    SharedEmail,
    /// The user's `admin` names the administrator.
    DeclaredByTarget,
}

impl LinkEvidence {
    /// The word in a link.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::SharedEmail => "sharedEmail",
            Self::DeclaredByTarget => "declaredByTarget",
        }
    }
}

/// Users as they are read from a checkpoint.
#[derive(Deserialize)]
struct PeopleWire {
    ids: Vec<Id>,
    names: Vec<Option<Box<str>>>,
    sudo: Vec<Level>,
    listed: Vec<u32>,
    links: Vec<Link>,
}

impl From<PeopleWire> for People {
    fn from(wire: PeopleWire) -> Self {
        let mut people = Self::default();
        for id in wire.ids {
            people.intern(&id);
        }
        for (named, name) in people.named.iter_mut().zip(wire.names) {
            *named = name.map(|name| people.names.insert(&name).unwrap_or_else(|same| same));
        }
        for (sudo, level) in people.sudo.iter_mut().zip(wire.sudo) {
            *sudo = level;
        }
        let known = people.ids.len() as u32;
        people.listed = wire.listed.into_iter().filter(|at| *at < known).collect();
        people.links = wire.links.into_iter().filter(|link| link.user < known).collect();
        people
    }
}

/// As [`PeopleWire`], without a copy: there may be a million.
impl Serialize for People {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut people = serializer.serialize_struct("People", 5)?;
        people.serialize_field("ids", &self.ids)?;
        people.serialize_field("names", &NamesOf(self))?;
        people.serialize_field("sudo", &self.sudo)?;
        people.serialize_field("listed", &self.listed)?;
        people.serialize_field("links", &self.links)?;
        people.end()
    }
}

/// The name of each user.
struct NamesOf<'a>(&'a People);

impl Serialize for NamesOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.len() as u32).map(|at| self.0.name(at)))
    }
}

/// The most users for which room is reserved: their reported number may be wrong.
const MOST_EXPECTED: u64 = 1_000_000;

impl People {
    /// Nobody yet, with room for the expected users.
    pub(crate) fn expecting(users: u64) -> Self {
        let users = users.min(MOST_EXPECTED) as usize;
        Self {
            ids: Vec::with_capacity(users),
            index: HashTable::with_capacity(users),
            named: Vec::with_capacity(users),
            names: Names::with_capacity(users),
            sudo: Vec::with_capacity(users),
            listed: Vec::with_capacity(users),
            ..Self::default()
        }
    }

    /// The index of a user, even if it is not listed yet.
    pub(crate) fn intern(&mut self, id: &Id) -> u32 {
        let Self { ids, hasher, .. } = self;
        let hash = |at: &u32| hasher.hash_one(&ids[*at as usize]);
        match self.index.entry(hasher.hash_one(id), |at| ids[*at as usize] == *id, hash) {
            Entry::Occupied(at) => *at.get(),
            Entry::Vacant(place) => {
                let at = ids.len() as u32;
                place.insert(at);
                self.ids.push(id.clone());
                self.named.push(None);
                self.sudo.push(Level::Login);
                at
            }
        }
    }

    /// Enters a listed user under a unique name: `name`, or `name#id` if that is used; `None` if it was listed before.
    pub(crate) fn list(&mut self, id: &Id, name: &str, sudo: Level) -> Option<u32> {
        let at = self.intern(id);
        if self.is_listed(at) {
            return None;
        }
        // A membership may have named it in another case.
        self.ids[at as usize] = id.clone();
        self.named[at as usize] = Some(self.enter_name(name, id));
        self.sudo[at as usize] = sudo;
        self.listed.push(at);
        Some(at)
    }

    /// A unique name, reserved from now on: `name`, with `#id` appended until it is unique.
    pub(crate) fn unique(&mut self, name: &str, id: &Id) -> &str {
        let name = self.enter_name(name, id);
        self.names.get(name)
    }

    /// A unique name that is not a user's, reserved from now on: `name`, else `other`, with `#` appended until it is unique.
    pub(crate) fn reserve(&mut self, name: &str, other: &str) -> Name {
        if let Ok(name) = self.names.insert(name) {
            return name;
        }
        let mut other = other.to_owned();
        loop {
            match self.names.insert(&other) {
                Ok(name) => return name,
                Err(_) => other.push('#'),
            }
        }
    }

    /// The text of a reserved name.
    pub(crate) fn text(&self, name: Name) -> &str {
        self.names.get(name)
    }

    fn enter_name(&mut self, name: &str, id: &Id) -> Name {
        let mut name = Cow::Borrowed(name);
        loop {
            match self.names.insert(&name) {
                Ok(name) => return name,
                Err(_) => name = Cow::Owned(format!("{name}#{id}")),
            }
        }
    }

    /// Enters that a user may be the same person as an administrator.
    pub(crate) fn link(&mut self, user: u32, administrator: String, evidence: LinkEvidence) {
        self.links.push(Link { user, administrator, evidence });
    }

    /// The users that may be the same person as an administrator, in the order of the listing.
    pub(crate) fn links(&self) -> &[Link] {
        &self.links
    }

    pub(crate) fn find(&self, id: &Id) -> Option<u32> {
        self.index.find(self.hasher.hash_one(id), |at| self.ids[*at as usize] == *id).copied()
    }

    pub(crate) fn id(&self, at: u32) -> &Id {
        &self.ids[at as usize]
    }

    /// Whether the users' listing held the user.
    pub(crate) fn is_listed(&self, at: u32) -> bool {
        self.named[at as usize].is_some()
    }

    /// The user's name, if the listing held the user.
    pub(crate) fn name(&self, at: u32) -> Option<&str> {
        self.named[at as usize].map(|name| self.names.get(name))
    }

    /// What the user's own flags allow on every device that the user reaches.
    pub(crate) fn sudo(&self, at: u32) -> Level {
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

/// Accounts that are not users, and their names in rows, given after those of all sections before.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Accounts<T> {
    rows: Vec<T>,
    #[serde(skip, default = "Vec::new")]
    names: Vec<String>,
}

impl<T> Accounts<T> {
    pub(crate) fn rows(&self) -> &[T] {
        &self.rows
    }

    /// Gives each account a unique name; `named` returns its preferred name and its id.
    pub(crate) fn name(&mut self, people: &mut People, named: impl Fn(&T) -> (String, &Id)) {
        let unique = |row: &T| {
            let (name, id) = named(row);
            people.unique(&name, id).to_owned()
        };
        self.names = self.rows.iter().map(unique).collect();
    }

    /// Each with its name.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&T, &str)> {
        self.rows.iter().zip(self.names.iter().map(String::as_str))
    }
}

impl<T> Default for Accounts<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T> From<Vec<T>> for Accounts<T> {
    fn from(rows: Vec<T>) -> Self {
        Self { rows, names: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_the_id_behind_it() {
        let ids: Vec<Id> = (1..4).map(|at| format!("{at:024x}").parse().unwrap()).collect();
        let mut people = People::default();
        let names = ["ada".to_owned(), "ada".to_owned(), format!("ada#{}", ids[1])];
        for (id, name) in ids.iter().zip(names) {
            assert!(people.list(id, &name, Level::Login).is_some() && people.list(id, "again", Level::Sudo).is_none());
        }
        let names: Vec<_> = (0..3).map(|at| people.name(at).unwrap().to_owned()).collect();
        assert_eq!(names[0], "ada");
        assert_eq!(names[1], format!("ada#{}", ids[1]));
        assert_eq!(names[2], format!("ada#{}#{}", ids[1], ids[2]));
    }
}
