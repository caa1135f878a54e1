//! How many objects of one kind there are, and how that changes while a listing is read.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// The objects of one kind that exist now: the generated ones, less the deleted, plus the created.
#[derive(Debug)]
pub(crate) struct Population {
    generated: u64,
    change: RwLock<Change>,
}

#[derive(Debug, Default, Clone)]
struct Change {
    created: u64,
    deleted: BTreeSet<u64>,
}

impl Population {
    pub(crate) fn new(generated: u64) -> Self {
        Self { generated, change: RwLock::default() }
    }

    /// How many there were at the start.
    pub(crate) fn generated(&self) -> u64 {
        self.generated
    }

    /// One consistent view, for the length of one answer.
    pub(crate) fn now(&self) -> Census {
        let change = self.change.read().unwrap_or_else(PoisonError::into_inner);
        Census {
            total: self.generated + change.created,
            generated: self.generated,
            deleted: change.deleted.iter().copied().collect(),
        }
    }

    /// Deletes one.
    pub(crate) fn delete(&self, index: u64) {
        self.change.write().unwrap_or_else(PoisonError::into_inner).deleted.insert(index);
    }

    /// Creates one, younger than all others.
    pub(crate) fn create(&self) {
        self.change.write().unwrap_or_else(PoisonError::into_inner).created += 1;
    }
}

/// Who exists at one moment.
#[derive(Debug, Clone)]
pub struct Census {
    total: u64,
    generated: u64,
    /// Ascending.
    deleted: Vec<u64>,
}

impl Census {
    /// A census of things that never change.
    pub(crate) fn of(count: u64) -> Self {
        Self { total: count, generated: count, deleted: Vec::new() }
    }

    /// How many exist.
    pub fn count(&self) -> u64 {
        self.total - self.deleted.len() as u64
    }

    /// The index of the object at a position in the order of creation.
    pub(crate) fn index(&self, position: u64) -> u64 {
        let mut index = position;
        for &deleted in &self.deleted {
            if deleted > index {
                break;
            }
            index += 1;
        }
        index
    }

    /// Whether an object exists.
    pub fn contains(&self, index: u64) -> bool {
        index < self.total && self.deleted.binary_search(&index).is_err()
    }

    /// Whether nothing was deleted.
    pub(crate) fn is_undiminished(&self) -> bool {
        self.deleted.is_empty()
    }

    /// All that existed from the start until now.
    pub fn throughout(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.generated).filter(|&index| self.contains(index))
    }

    /// All that existed at some time.
    pub fn ever(&self) -> std::ops::Range<u64> {
        0..self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_skip_the_deleted_and_reach_the_created() {
        let population = Population::new(6);
        for index in [0, 3, 4] {
            population.delete(index);
        }
        population.create();
        let census = population.now();
        let indices: Vec<u64> = (0..census.count()).map(|position| census.index(position)).collect();
        assert_eq!(indices, [1, 2, 5, 6]);
        assert_eq!(census.throughout().collect::<Vec<_>>(), [1, 2, 5]);
        assert_eq!(census.ever(), 0..7);
    }
}
