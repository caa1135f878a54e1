//! The differences of two runs, sorted by what they mean.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use connector_api::{Access, Account, ConnectorError, Grant, Principal, Record, ResourceRef};
use connector_store::pages::Factor;
use connector_store::{Change, Changes, Store};
use jiff::Timestamp;

use crate::visit::{Place, Strength};

/// Rows that may differ, and grants that may, for changes of access to be shown: at once, or if somebody asks for all of them.
pub(super) const AT_ONCE: usize = 2_000;
pub(super) const MOST: usize = 20_000;

/// Rows of a kind that are listed.
const LISTED: usize = 50;

/// Whether somebody may do more or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    More,
    Less,
}

/// What an account or group may do now with some things, or no longer.
#[derive(Debug)]
pub(super) struct Shift {
    pub(super) side: Side,
    pub(super) principal: Principal,
    pub(super) access: Access,
    /// The weaker access before, or now.
    pub(super) other: Option<Access>,
    pub(super) ends: Option<Timestamp>,
    /// At least one.
    pub(super) things: Vec<ResourceRef>,
}

/// A change of what protects an account.
#[derive(Debug)]
pub(super) struct Protection {
    pub(super) account: Record,
    pub(super) is_weaker: bool,
    /// With the account as subject.
    pub(super) words: String,
}

/// Rows of a kind that have no section of their own.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) count: u64,
    pub(super) first: Vec<Change>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) shifts: Vec<Shift>,
    /// Accounts that are new or gone.
    pub(super) accounts: Vec<Change>,
    pub(super) protection: Vec<Protection>,
    pub(super) others: BTreeMap<&'static str, Others>,
    /// How many rows and grants are looked at, at most.
    pub(super) most: usize,
    /// Whether more rows or grants differ.
    pub(super) is_too_much: bool,
    /// How many there are of each kind, where that is known although they were not looked at.
    pub(super) counted: Option<Changes>,
}

/// Room for some things of a list, after which nothing more is read of it.
pub(super) struct Room(Cell<Option<usize>>);

impl Room {
    pub(super) fn of(many: usize) -> Self {
        Self(Cell::new(Some(many)))
    }

    /// Takes room for one more.
    ///
    /// # Errors
    /// If there is none: the list is longer, and is not read further.
    pub(super) fn take(&self) -> Result<(), ConnectorError> {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(1)));
        if self.is_over() { Err(ConnectorError::internal("enough was read")) } else { Ok(()) }
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.get().is_none()
    }
}

impl Found {
    /// Reads what differs, as far as `most` rows and grants go. If more rows or grants differ, what is known of access would be a part
    /// without an order, so it is left out.
    pub(super) fn read(store: &mut Store, place: &Place, from: i64, most: usize) -> Result<Self, ConnectorError> {
        let mut found = Self { most, ..Self::default() };
        let (rows, grants) = (Room::of(most), Room::of(most));
        let mut shifts = BTreeMap::new();
        let done = store.diff_with_access(
            &place.system,
            (from, place.run.id),
            &mut |change| {
                rows.take()?;
                found.row(change);
                Ok(())
            },
            &mut |change| {
                grants.take()?;
                grant(place, &mut shifts, change);
                Ok(())
            },
        );
        found.is_too_much = rows.is_over() || grants.is_over();
        if !found.is_too_much {
            done?;
            found.shifts = shifts.into_values().collect();
        }
        Ok(found)
    }

    fn row(&mut self, change: Change) {
        let title = match (&change, change.record()) {
            (Change::New(_) | Change::Gone(_), Record::Account(_)) => return self.accounts.push(change),
            (Change::Changed { before: Record::Account(before), after }, Record::Account(now)) => {
                let changes = protection(before, now);
                if !changes.is_empty() {
                    let after = after.clone();
                    return self.protection.extend(changes.into_iter().map(|(is_weaker, words)| Protection {
                        account: after.clone(),
                        is_weaker,
                        words,
                    }));
                }
                "Accounts: evidence, names and other facts"
            }
            (_, Record::Membership(_)) => "Memberships",
            (_, Record::Binding(_)) => "Bindings",
            (_, Record::Group(_)) => "Groups",
            (_, Record::Resource(_)) => "Devices, applications and other things",
            _ => "Policies",
        };
        let others = self.others.entry(title).or_default();
        others.count += 1;
        if others.first.len() < LISTED {
            others.first.push(change);
        }
    }

    /// How many changes have no section of their own.
    pub(super) fn rest(&self) -> u64 {
        self.others.values().map(|others| others.count).sum()
    }

    /// How many accounts and groups may do more or less.
    pub(super) fn subjects(&self, side: Side) -> u64 {
        let shifts = self.shifts.iter().filter(|shift| shift.side == side);
        let mut subjects: BTreeSet<&str> = shifts.map(|shift| shift.principal.external_id()).collect();
        subjects.extend(self.accounts.iter().filter_map(|change| match (change, change.record(), side) {
            (Change::New(_), Record::Account(account), Side::More)
            | (Change::Gone(_), Record::Account(account), Side::Less) => Some(account.external_id.as_str()),
            _ => None,
        }));
        subjects.len() as u64
    }
}

/// Strongest first, then by name.
type Key = (std::cmp::Reverse<Strength>, String, String, Side, Option<Access>, Option<Timestamp>);

fn grant(place: &Place, shifts: &mut BTreeMap<Key, Shift>, change: Change) {
    let (side, held, other) = match change {
        Change::New(Record::Grant(grant)) => (Side::More, grant, None),
        Change::Gone(Record::Grant(grant)) => (Side::Less, grant, None),
        Change::Changed { before: Record::Grant(before), after: Record::Grant(after) } => {
            if place.strength(&after.access) >= place.strength(&before.access) {
                (Side::More, after, Some(before.access.clone()))
            } else {
                let now = after.access.clone();
                (Side::Less, before, Some(now))
            }
        }
        _ => return,
    };
    let Grant { principal, resource, access, expires_at, .. } = *held;
    let key = (
        std::cmp::Reverse(place.strength(&access)),
        principal.name().to_owned(),
        principal.external_id().to_owned(),
        side,
        other.clone(),
        expires_at,
    );
    let new = || Shift { side, principal, access, other, ends: expires_at, things: Vec::new() };
    shifts.entry(key).or_insert_with(new).things.push(resource);
}

/// What changed in the protection of an account: whether it is weaker, and in words.
fn protection(before: &Account, now: &Account) -> Vec<(bool, String)> {
    let mut changes = Vec::new();
    let factor = match (Factor::of(before), Factor::of(now)) {
        (was, is) if was == is => None,
        (_, Factor::SetUp) => Some((false, "has set up a second factor")),
        (Factor::SetUp, Factor::Exempt) => Some((true, "has no second factor any more, and is exempt from it")),
        (_, Factor::Exempt) => Some((true, "is exempt from the second factor")),
        (Factor::Exempt, Factor::NotSetUp) => Some((false, "is no longer exempt from the second factor")),
        (Factor::SetUp, Factor::NotSetUp) => Some((true, "has no second factor any more")),
        (_, Factor::NotSetUp) => Some((true, "is now known to have no second factor")),
        _ => None,
    };
    changes.extend(factor.map(|(is_weaker, words)| (is_weaker, words.to_owned())));
    match (before.enabled, now.enabled) {
        (Some(true), Some(false)) => changes.push((false, "is disabled and cannot sign in".to_owned())),
        (Some(false), Some(true)) => changes.push((true, "is enabled again".to_owned())),
        _ => {}
    }
    let never = |account: &Account| account.password.as_ref().and_then(|password| password.never_expires);
    match (never(before), never(now)) {
        (Some(false), Some(true)) => changes.push((true, "has a password that no longer expires".to_owned())),
        (Some(true), Some(false)) => changes.push((false, "has a password that expires again".to_owned())),
        _ => {}
    }
    changes
}
