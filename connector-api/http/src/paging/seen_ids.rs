//! The rows of a list that were received, with their pass. As small as possible, since a list may have millions.
//!
//! If the endpoint sorts, rows come in the order of their ids. As long as they do, the list of ids is its own index.
//! From the first row that does not ascend, an index is kept for the rows that follow.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::row::RowId;

/// The rows received, each with the last pass that had it.
#[derive(Debug)]
pub(super) struct SeenIds<I> {
    ids: Vec<I>,
    passes: Vec<u8>,
    /// The number of ascending ids at the front.
    ascending: usize,
    /// The positions of the others.
    others: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<I> Default for SeenIds<I> {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            passes: Vec::new(),
            ascending: 0,
            others: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<I: RowId> SeenIds<I> {
    /// Records a row of a pass and returns the last pass that had it before, if any.
    pub(super) fn insert(&mut self, id: &I, pass: u8) -> Option<u8> {
        if self.ascending == self.ids.len() && self.ids.last().is_none_or(|last| last < id) {
            self.ascending += 1;
            self.push(id, pass);
            return None;
        }
        let Self { ids, ascending, others, hasher, .. } = self;
        if let Ok(at) = ids[..*ascending].binary_search(id) {
            return Some(std::mem::replace(&mut self.passes[at], pass));
        }
        let hash = |at: &u32| hasher.hash_one(&ids[*at as usize]);
        match others.entry(hasher.hash_one(id), |at| ids[*at as usize] == *id, hash) {
            Entry::Occupied(at) => Some(std::mem::replace(&mut self.passes[*at.get() as usize], pass)),
            Entry::Vacant(place) => {
                place.insert(ids.len() as u32);
                self.push(id, pass);
                None
            }
        }
    }

    /// Returns the last pass that had a row, if any.
    pub(super) fn pass(&self, id: &I) -> Option<u8> {
        let at = self.ids[..self.ascending].binary_search(id).ok().or_else(|| {
            let at = self.others.find(self.hasher.hash_one(id), |at| self.ids[*at as usize] == *id);
            at.map(|at| *at as usize)
        });
        at.map(|at| self.passes[at])
    }

    fn push(&mut self, id: &I, pass: u8) {
        self.ids.push(id.clone());
        self.passes.push(pass);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn in_any_order_it_remembers_what_a_map_would() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for disorder in [0, 1, 50, 100] {
            let (mut seen, mut map) = (SeenIds::default(), HashMap::new());
            for pass in 1..4 {
                for row in 0..2_000_u32 {
                    let row = if random.u32(0..100) < disorder { random.u32(0..3_000) } else { row };
                    assert_eq!(seen.pass(&row), map.get(&row).copied(), "seed {seed}, disorder {disorder}");
                    assert_eq!(seen.insert(&row, pass), map.insert(row, pass), "seed {seed}, disorder {disorder}");
                }
            }
        }
    }
}
