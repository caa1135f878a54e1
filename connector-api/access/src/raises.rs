//! Raises of groups and accounts, and what the groups of a way raise together.

use crate::rank::Rank;

/// A raise: the minimum access that somebody has on every resource of some types that is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Raise {
    /// The minimum access.
    pub rank: Rank,
    /// The indices of the resource types to which it applies.
    pub types: Vec<u16>,
    /// The word for it in a path, if it is an account's own raise.
    pub raised_by: Option<String>,
}

impl Raise {
    /// Creates a raise to a rank on resources of these types.
    pub fn new(rank: Rank, types: impl IntoIterator<Item = u16>) -> Self {
        Self { rank, types: types.into_iter().collect(), raised_by: None }
    }

    /// Returns the rank on a resource type; the weakest if the raise does not apply.
    pub(crate) fn on(&self, resource_type: u16) -> Rank {
        if self.types.contains(&resource_type) { self.rank } else { Rank::default() }
    }
}

/// The distinct levels. A level is what the groups of a way raise together, by resource type.
#[derive(Debug, Default)]
pub(crate) struct Levels(Vec<Vec<Rank>>);

/// A position among the [`Levels`], counted from one.
pub(crate) type Level = u32;

/// The level of a way whose groups raise nothing.
pub(crate) const NO_LEVEL: Level = 0;

impl Levels {
    /// Adds a group's raise to a level.
    pub(crate) fn raised(&mut self, level: Level, raise: Option<&Raise>) -> Level {
        let Some(raise) = raise else { return level };
        let mut ranks = self.ranks(level).to_vec();
        for &resource_type in &raise.types {
            let at = resource_type as usize;
            ranks.resize(ranks.len().max(at + 1), Rank::default());
            ranks[at] = ranks[at].max(raise.rank);
        }
        self.place(ranks)
    }

    /// Returns the maximum of two levels on each type.
    pub(crate) fn both(&mut self, one: Level, other: Level) -> Level {
        if one == other {
            return one;
        }
        let (mut ranks, other) = (self.ranks(one).to_vec(), self.ranks(other));
        ranks.resize(ranks.len().max(other.len()), Rank::default());
        ranks.iter_mut().zip(other).for_each(|(rank, other)| *rank = (*rank).max(*other));
        self.place(ranks)
    }

    /// Returns whether a level is higher than another on some type.
    pub(crate) fn exceeds(&self, level: Level, other: Level) -> bool {
        level != other
            && (0_u16..).zip(self.ranks(level)).any(|(resource_type, rank)| *rank > self.on(other, resource_type))
    }

    /// Returns a level's rank on a resource type; the weakest if it raises nothing there.
    pub(crate) fn on(&self, level: Level, resource_type: u16) -> Rank {
        self.ranks(level).get(resource_type as usize).copied().unwrap_or_default()
    }

    fn ranks(&self, level: Level) -> &[Rank] {
        level.checked_sub(1).map_or(&[], |at| &self.0[at as usize])
    }

    fn place(&mut self, ranks: Vec<Rank>) -> Level {
        let known = self.0.iter().position(|known| *known == ranks);
        let at = known.unwrap_or_else(|| {
            self.0.push(ranks);
            self.0.len() - 1
        });
        at as Level + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_higher_when_it_gives_more_on_some_type() {
        let mut levels = Levels::default();
        let raise = |rank, of: u16| Raise::new(Rank(rank), [of]);
        let devices = levels.raised(NO_LEVEL, Some(&raise(2, 0)));
        let servers = levels.raised(NO_LEVEL, Some(&raise(1, 3)));
        assert!(levels.exceeds(devices, servers) && levels.exceeds(servers, devices));
        let both = levels.both(devices, servers);
        assert_eq!((levels.on(both, 0), levels.on(both, 1), levels.on(both, 3)), (Rank(2), Rank(0), Rank(1)));
        assert!(levels.exceeds(both, devices) && !levels.exceeds(devices, both) && !levels.exceeds(both, both));
        assert_eq!(levels.raised(devices, Some(&raise(1, 3))), both, "each level has one position");
        assert_eq!(levels.raised(both, None), both);
    }
}
