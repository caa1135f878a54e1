//! Which users have the name of a local administrator. It is found while the users are read, since their names are not kept.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::Found;
use crate::api::systems::System;
use crate::sections::{self, users::draft::Draft};

/// A user whose user name, or local name on devices, is that of local administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SameName {
    /// The place of the name among those of local administrators.
    pub(super) name: u32,
    /// Index into [`People`](crate::scan::people::People).
    pub(super) user: u32,
    /// Whether it is written in the same case.
    exact: bool,
    /// If the user's accounts on devices have this name: whether it is written in the same case.
    on_devices: Option<bool>,
}

/// A name of local administrators that a user has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnName {
    /// Its place among the names of local administrators.
    place: u32,
    /// Whether it is written in the same case.
    exact: bool,
    /// If the user's accounts on devices have this name: whether it is written in the same case.
    on_devices: Option<bool>,
}

/// Compares users with the names of local administrators.
pub(crate) struct SameNames<'a> {
    found: &'a Found,
    /// The places of the names, by the name in lower case.
    places: HashMap<String, Vec<u32>>,
    /// For each name, the devices that an account of that name administers and JumpCloud manages, and whether names there
    /// are the same in any case.
    managed: HashMap<u32, Vec<(u32, bool)>>,
    users: Vec<SameName>,
    /// For each user, the devices that its own local account administers.
    administered: HashMap<u32, Vec<u32>>,
}

impl<'a> SameNames<'a> {
    pub(crate) fn of(found: &'a sections::Found) -> Self {
        let sections::Found { local_accounts: found, systems, .. } = found;
        let mut managed: HashMap<u32, Vec<(u32, bool)>> = HashMap::new();
        for one in found.administrators.iter().filter(|one| one.managed == Some(true) && one.suspended != Some(true)) {
            let ignores_case = systems.devices.get(one.device as usize).is_some_and(System::ignores_case);
            managed.entry(one.name).or_default().push((one.device, ignores_case));
        }
        let mut places: HashMap<String, Vec<u32>> = HashMap::new();
        let names = &found.names.0;
        for (at, name) in (0..names.len() as u32).filter_map(|at| Some((at, names.nth(at)?))) {
            places.entry(name.to_lowercase()).or_default().push(at);
        }
        Self { found, places, managed, users: Vec::new(), administered: HashMap::new() }
    }

    /// The names of local administrators that a user has.
    pub(crate) fn of_user(&self, user: &Draft) -> Vec<OwnName> {
        let mut same: Vec<OwnName> = Vec::new();
        if self.places.is_empty() {
            return same;
        }
        // With a local name, the accounts on devices have that one, and the user name belongs to nobody there.
        let names = [(&user.user_name, user.local_name.is_none()), (&user.local_name, true)];
        for (own, is_on_devices) in names.into_iter().filter_map(|(own, is)| Some((own.as_ref()?, is))) {
            for &place in self.places.get(&own.to_lowercase()).into_iter().flatten() {
                let exact = self.found.names.0.nth(place) == Some(own);
                let on_devices = is_on_devices.then_some(exact);
                match same.iter_mut().find(|known| known.place == place) {
                    Some(known) => {
                        known.exact |= exact;
                        known.on_devices = known.on_devices.max(on_devices);
                    }
                    None => same.push(OwnName { place, exact, on_devices }),
                }
            }
        }
        same
    }

    /// Enters a user with these names.
    pub(crate) fn enter(&mut self, user: u32, names: Vec<OwnName>) {
        for (name, exact) in names.iter().filter_map(|name| Some((name.place, name.on_devices?))) {
            let devices = self.managed.get(&name).into_iter().flatten();
            let devices = devices.filter(|(_, ignores_case)| exact || *ignores_case).map(|(device, _)| *device);
            let devices: Vec<u32> = devices.collect();
            if !devices.is_empty() {
                self.administered.entry(user).or_default().extend(devices);
            }
        }
        let same = |OwnName { place, exact, on_devices }| SameName { name: place, user, exact, on_devices };
        self.users.extend(names.into_iter().map(same));
    }

    /// The devices that a user's own local account administers.
    pub(crate) fn administered(&self, user: u32) -> &[u32] {
        self.administered.get(&user).map(Vec::as_slice).unwrap_or_default()
    }

    /// The users that were entered.
    pub(crate) fn into_users(self) -> Vec<SameName> {
        self.users
    }
}

/// The users with each name.
pub(super) struct UsersByName<'a>(HashMap<u32, Vec<&'a SameName>>);

impl<'a> UsersByName<'a> {
    pub(super) fn of(users: &'a [SameName]) -> Self {
        let mut by_name: HashMap<u32, Vec<&SameName>> = HashMap::new();
        for same in users {
            by_name.entry(same.name).or_default().push(same);
        }
        Self(by_name)
    }

    /// The users whose accounts on devices have a name.
    pub(super) fn owners(&self, name: u32, ignores_case: bool) -> impl Iterator<Item = u32> {
        let same = self.0.get(&name).into_iter().flatten();
        let own = same.filter(move |same| same.on_devices.is_some_and(|exact| exact || ignores_case));
        own.map(|same| same.user)
    }

    /// The users with a name, in the order of their list.
    pub(super) fn of_name(&self, name: u32, ignores_case: bool) -> impl Iterator<Item = u32> {
        let same = self.0.get(&name).into_iter().flatten();
        same.filter(move |same| same.exact || ignores_case).map(|same| same.user)
    }
}
