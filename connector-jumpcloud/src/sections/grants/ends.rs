//! The ends from which bindings are listed, so that the number of requests is as small as possible.
//!
//! Each kind of binding can be listed from either end. Where several kinds come in one list, an object costs one request
//! for all of them, else one for each.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::api::Id;
use crate::api::kind::Kind;
use crate::client::{Listing, grouped};
use crate::scan::planner::Planner;
use crate::scan::state::State;

/// The kinds that are bound to others.
const SUBJECTS: [Kind; 2] = [Kind::User, Kind::UserGroup];

/// The objects whose edges are listed. A copy shares their ids.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    /// How many there are of each kind; of users only if the target reports it.
    pub(super) numbers: BTreeMap<Kind, u64>,
    /// Their ids, those of users only once they were listed.
    ids: BTreeMap<Kind, Arc<[Id]>>,
    pub(super) known: KnownIds,
}

/// The ids that are known of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownIds {
    All,
    /// Those of the first page, which are enough for a plan.
    FirstPage,
}

impl Objects {
    pub(super) fn of(users: Option<u64>, state: &State) -> Self {
        let mut ids: BTreeMap<Kind, Vec<Id>> = BTreeMap::new();
        ids.insert(Kind::UserGroup, state.found.groups.rows.iter().map(|group| group.id.clone()).collect());
        for thing in crate::sections::things(&state.found) {
            ids.entry(thing.kind).or_default().push(thing.id.clone());
        }
        let all = ids.into_iter().map(|(kind, ids)| (kind, ids.len() as u64, ids));
        Self::new(users, all, KnownIds::All)
    }

    /// The objects of a plan.
    pub(super) fn counted(planner: &Planner<'_>) -> Self {
        let things = planner.things.iter().map(|(kind, things)| (*kind, things.count, things.first.clone()));
        let groups = (Kind::UserGroup, planner.groups.len() as u64, planner.groups.clone());
        Self::new(planner.users, things.chain([groups]), KnownIds::FirstPage)
    }

    fn new(users: Option<u64>, objects: impl Iterator<Item = (Kind, u64, Vec<Id>)>, known: KnownIds) -> Self {
        let (mut numbers, mut all) = (BTreeMap::new(), BTreeMap::new());
        numbers.extend(users.map(|users| (Kind::User, users)));
        for (kind, number, ids) in objects {
            numbers.insert(kind, number);
            all.insert(kind, ids.into());
        }
        Self { numbers, ids: all, known }
    }

    /// The known ids of a kind.
    pub(super) fn ids(&self, kind: Kind) -> &[Id] {
        self.ids.get(&kind).map_or(&[], |ids| ids)
    }

    /// How many there are of a kind.
    pub(super) fn number(&self, kind: Kind) -> u64 {
        self.numbers.get(&kind).copied().unwrap_or(0)
    }

    pub(super) fn lists_users(&self) -> bool {
        self.ids.contains_key(&Kind::User)
    }

    /// Enters the ids of the users.
    pub(super) fn enter_users(&mut self, ids: Vec<Id>) {
        if self.known == KnownIds::All {
            self.numbers.insert(Kind::User, ids.len() as u64);
        }
        self.ids.insert(Kind::User, ids.into());
    }

    /// How many there are, and what it costs to know the ids of the users.
    pub(super) fn counts(&self, limit: u64) -> Counts {
        // A reported number of 0 may be wrong, and no edge must be missed because of it: then users are never asked, as
        // if their number were not reported.
        let objects: BTreeMap<Kind, u64> =
            self.numbers.iter().map(|(kind, number)| (*kind, *number)).filter(|(_, number)| *number > 0).collect();
        let users = objects.get(&Kind::User).filter(|_| !self.lists_users());
        let listing = users.map_or(0, |users| Listing::requests(*users, limit));
        Counts { objects, listing }
    }
}

/// How many objects there are of each kind; a kind without objects is not in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) objects: BTreeMap<Kind, u64>,
    /// The requests for the ids of the users.
    pub(super) listing: u64,
}

/// One end of edges: a kind, and the kinds to which the edges of each of its objects are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) of: Kind,
    pub(super) to: Arc<[Kind]>,
    pub(super) objects: u64,
}

/// Chooses the ends that need the fewest requests, if lists of several kinds are answered `together` for some kinds.
///
/// For each choice of the subjects that may be asked, every kind of thing takes its own best ends; so all ends are compared.
pub(super) fn choose(counts: &Counts, together: impl Fn(Kind) -> bool) -> Vec<End> {
    let mut best: Option<(u64, BTreeMap<Kind, Vec<Kind>>)> = None;
    for asked in [&[][..], &[Kind::UserGroup], &[Kind::User], &SUBJECTS] {
        let Some((cost, lists)) = with_subjects(counts, asked, &together) else { continue };
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, lists));
        }
    }
    let lists = best.map(|(_, lists)| lists).unwrap_or_default();
    lists.into_iter().map(|(of, to)| End { of, to: to.into(), objects: counts.objects[&of] }).collect()
}

/// The fewest requests if only some subjects may be asked, and the kinds to list of each kind; `None` if one of these
/// subjects cannot be asked.
fn with_subjects(
    counts: &Counts,
    asked: &[Kind],
    together: &impl Fn(Kind) -> bool,
) -> Option<(u64, BTreeMap<Kind, Vec<Kind>>)> {
    let mut cost = if asked.contains(&Kind::User) { counts.listing } else { 0 };
    for subject in asked {
        let objects = counts.objects.get(subject)?;
        cost += if together(*subject) { *objects } else { 0 };
    }
    // Users can be bound even if their number is not known.
    let there = |subject: &Kind| *subject == Kind::User || counts.objects.contains_key(subject);
    let subjects: Vec<Kind> = SUBJECTS.into_iter().filter(there).collect();
    let mut lists: BTreeMap<Kind, Vec<Kind>> = BTreeMap::new();
    for (&thing, &things) in counts.objects.iter().filter(|(kind, _)| !SUBJECTS.contains(kind)) {
        // Bit n of a choice: the edges from the nth subject are listed from there.
        let from_subject = |choice: usize, at: usize| choice & (1 << at) != 0;
        let cost_of = |choice: usize| -> Option<u64> {
            let (mut of_subjects, mut of_things) = (0, 0);
            for (at, subject) in subjects.iter().enumerate() {
                if !from_subject(choice, at) {
                    of_things += 1;
                } else if !asked.contains(subject) {
                    return None;
                } else if !together(*subject) {
                    of_subjects += counts.objects[subject];
                }
            }
            let lists = if together(thing) { of_things.min(1) } else { of_things };
            Some(of_subjects + lists * things)
        };
        let choices = (0..1 << subjects.len()).filter_map(|choice| Some((cost_of(choice)?, choice)));
        let (least, choice) = choices.min()?;
        cost += least;
        for (at, &subject) in subjects.iter().enumerate() {
            let (of, to) = if from_subject(choice, at) { (subject, thing) } else { (thing, subject) };
            lists.entry(of).or_default().push(to);
        }
    }
    Some((cost, lists))
}

/// The kind at which the devices in device groups are listed: the devices where there are fewer.
pub(super) fn of_device_groups(objects: &Objects) -> Kind {
    let (devices, groups) = (objects.number(Kind::System), objects.number(Kind::SystemGroup));
    if 0 < devices && devices < groups { Kind::System } else { Kind::SystemGroup }
}

/// The lists in a sentence: how many are read of each object, by the kind of object; and the requests for anything else.
pub(super) fn in_words(lists: &[(Kind, u64, u64)], others: &[(u64, &str)]) -> String {
    let mut lists_of: Vec<(Kind, u64, u64)> = Vec::new();
    for (kind, lists, objects) in lists.iter().filter(|(_, _, objects)| *objects > 0) {
        match lists_of.iter_mut().find(|(known, ..)| known == kind) {
            Some((_, known, _)) => *known += lists,
            None => lists_of.push((*kind, *lists, *objects)),
        }
    }
    // Kinds with one name are one part of the sentence.
    let mut parts: Vec<(&str, RangeInclusive<u64>, u64)> = Vec::new();
    for (kind, lists, objects) in lists_of {
        match parts.iter_mut().find(|(name, ..)| *name == plural(kind)) {
            Some((_, known, total)) => {
                *known = lists.min(*known.start())..=lists.max(*known.end());
                *total += objects;
            }
            None => parts.push((plural(kind), lists..=lists, objects)),
        }
    }
    let of_each = |(name, lists, objects): &(&str, RangeInclusive<u64>, u64)| {
        let objects = grouped(*objects);
        match (*lists.start(), *lists.end()) {
            (1, 1) => format!("1 list for each of {objects} {name}"),
            (least, most) if least == most => format!("{most} lists for each of {objects} {name}"),
            (least, most) => format!("{least} to {most} lists for each of {objects} {name}"),
        }
    };
    let others = others.iter().filter(|(requests, _)| *requests > 0);
    let others = others.map(|(requests, purpose)| format!("{} {purpose}", grouped(*requests)));
    parts.iter().map(of_each).chain(others).collect::<Vec<_>>().join(", ")
}

/// The plain name of several objects of a kind.
fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "users",
        Kind::UserGroup => "user groups",
        Kind::System => "devices",
        Kind::SystemGroup => "device groups",
        Kind::Application => "applications",
        _ => "directories",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(users: u64, groups: u64, things: &[(Kind, u64)]) -> Counts {
        let mut counts = Counts { listing: Listing::requests(users, 100), ..Counts::default() };
        let objects = [(Kind::User, users), (Kind::UserGroup, groups)];
        counts.objects.extend(objects.into_iter().chain(things.iter().copied()).filter(|(_, objects)| *objects > 0));
        counts
    }

    /// The end at which the edges between two kinds are listed.
    fn end(asked: &[End], from: Kind, to: Kind) -> Option<Kind> {
        let has = |of: Kind, kind: Kind| asked.iter().any(|asked| asked.of == of && asked.to.contains(&kind));
        assert!(!(has(from, to) && has(to, from)), "once is enough: {asked:?}");
        [(from, to), (to, from)].into_iter().find(|(of, kind)| has(*of, *kind)).map(|(of, _)| of)
    }

    /// The requests for some lists, by counting them.
    fn cost(counts: &Counts, lists: &BTreeMap<Kind, u64>, together: &impl Fn(Kind) -> bool) -> u64 {
        let of = |(kind, lists): (&Kind, &u64)| counts.objects[kind] * if together(*kind) { 1 } else { *lists };
        lists.iter().map(of).sum::<u64>() + lists.get(&Kind::User).map_or(0, |_| counts.listing)
    }

    /// The fewest requests of all combinations of ends.
    fn fewest(counts: &Counts, together: &impl Fn(Kind) -> bool) -> u64 {
        let there = |kind: &Kind| counts.objects.contains_key(kind);
        let things: Vec<Kind> = counts.objects.keys().copied().filter(|kind| !SUBJECTS.contains(kind)).collect();
        let subjects = SUBJECTS.into_iter().filter(|kind| *kind == Kind::User || there(kind));
        let pairs: Vec<(Kind, Kind)> =
            subjects.flat_map(|subject| things.iter().map(move |thing| (subject, *thing))).collect();
        let costs = (0..1_u32 << pairs.len()).filter_map(|choice| {
            let mut lists: BTreeMap<Kind, u64> = BTreeMap::new();
            for (at, (subject, thing)) in pairs.iter().enumerate() {
                let of = if choice & (1 << at) == 0 { thing } else { subject };
                *lists.entry(*of).or_default() += 1;
            }
            lists.keys().all(there).then(|| cost(counts, &lists, together))
        });
        costs.min().unwrap_or(0)
    }

    #[test]
    fn no_other_ends_need_fewer_requests() {
        const KINDS: [Kind; 4] = [Kind::System, Kind::SystemGroup, Kind::Application, Kind::RadiusServer];
        // A generator of numbers that needs no crate.
        let mut state = 7_u64;
        let mut below = |most: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % most
        };
        for case in 0..400 {
            let most = [4, 40, 3000][below(3) as usize];
            let things: Vec<_> = KINDS.into_iter().map(|kind| (kind, below(most))).collect();
            let counts = counts(below(2 * most), below(most), &things);
            let answers = below(64);
            let together = |kind: Kind| match kind {
                Kind::User => answers & 1 != 0,
                Kind::UserGroup => answers & 2 != 0,
                kind => KINDS.iter().position(|known| *known == kind).is_some_and(|at| answers & (4 << at) != 0),
            };
            let asked = choose(&counts, together);
            let lists = asked.iter().map(|asked| (asked.of, asked.to.len() as u64)).collect();
            assert_eq!(cost(&counts, &lists, &together), fewest(&counts, &together), "case {case}: {counts:?}");
            for (thing, _) in counts.objects.iter().filter(|(kind, _)| !SUBJECTS.contains(kind)) {
                assert!(end(&asked, Kind::User, *thing).is_some(), "case {case}: {asked:?}");
                let groups = counts.objects.contains_key(&Kind::UserGroup);
                assert_eq!(end(&asked, Kind::UserGroup, *thing).is_some(), groups, "case {case}: {asked:?}");
            }
        }
    }

    #[test]
    fn one_kind_at_a_time_the_end_with_fewer_objects_is_asked() {
        let devices = |users, groups, devices, from| {
            end(&choose(&counts(users, groups, &[(Kind::System, devices)]), |_| false), from, Kind::System)
        };
        assert_eq!(devices(10_000, 30, 2000, Kind::UserGroup), Some(Kind::UserGroup));
        assert_eq!(devices(10_000, 30, 20, Kind::UserGroup), Some(Kind::System));
        assert_eq!(devices(10_000, 30, 2000, Kind::User), Some(Kind::System));
        assert_eq!(devices(50, 30, 2000, Kind::User), Some(Kind::User));
        assert_eq!(devices(1999, 30, 2000, Kind::User), Some(Kind::System), "listing the ids costs too");
    }

    #[test]
    fn together_an_object_that_is_asked_anyway_is_asked_for_everything() {
        let things = [(Kind::System, 2000), (Kind::Application, 300)];
        let asked = choose(&counts(10_000, 30, &things), |_| true);
        assert_eq!(end(&asked, Kind::UserGroup, Kind::System), Some(Kind::System), "the devices are asked for users");
        let asked = choose(&counts(250, 30, &things), |_| true);
        assert_eq!(asked.iter().map(|asked| asked.of).collect::<Vec<_>>(), SUBJECTS);
        assert!(asked.iter().all(|asked| *asked.to == [Kind::System, Kind::Application]), "{asked:?}");
    }

    #[test]
    fn a_plan_names_each_kind_of_object_once() {
        let lists = [
            (Kind::SystemGroup, 1, 5),
            (Kind::System, 1, 60),
            (Kind::SystemGroup, 2, 5),
            (Kind::LdapServer, 2, 1),
            (Kind::GSuite, 3, 0),
            (Kind::RadiusServer, 1, 2),
        ];
        assert_eq!(
            in_words(&lists, &[(3, "for the ids of the users"), (0, "for nothing")]),
            "3 lists for each of 5 device groups, 1 list for each of 60 devices, 1 to 2 lists for each of 3 directories, \
             3 for the ids of the users"
        );
    }

    #[test]
    fn users_whose_number_is_not_reported_are_never_asked() {
        for users in [None, Some(0)] {
            let objects = Objects::new(users, [(Kind::System, 300, Vec::new())].into_iter(), KnownIds::FirstPage);
            for together in [true, false] {
                let asked = choose(&objects.counts(100), |_| together);
                assert_eq!(end(&asked, Kind::User, Kind::System), Some(Kind::System), "{users:?}");
            }
        }
    }
}
