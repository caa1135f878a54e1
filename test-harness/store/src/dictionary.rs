//! The numbers of what was ever seen of one system: objects, ways of membership, and terms of bindings.
//!
//! A membership is stored as numbers, so each id in it is looked up here, in memory. An entry is 16 bytes: a digest of what
//! it stands for, and its number. The digest is seeded at random, so nobody can choose ids that share one. One bit of the
//! number marks what the current run has a row of, so a row that is sent twice is found without more memory.

use std::hash::{BuildHasher, Hash, RandomState};
use std::ops::Range;

use connector_api::ConnectorError;

use crate::database::Connection;

/// Reserve at first this number of new numbers at once, then twice as many each time.
const FIRST: i64 = 16;
/// Reserve this number at first where nothing is known: all that comes is new.
const FIRST_OF_ALL: i64 = 128;
/// Reserve at most this number at once.
const MOST: i64 = 8192;

/// The number of tables that the entries are in. A table that is full is copied into a larger one, and then only that part of
/// the entries is in memory twice.
const TABLES: usize = 64;

/// Marks what has a row in the current run.
const STAGED: u32 = 1 << 31;

/// What has a number.
#[derive(Debug)]
pub(crate) struct Numbers {
    kind: &'static str,
    seeds: [RandomState; 2],
    known: [Entries; TABLES],
    /// Reserved and not used.
    free: Range<i64>,
    block: i64,
}

/// What something is called by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Referred {
    pub(crate) number: u32,
    /// Whether the number was not used before.
    pub(crate) is_new: bool,
    /// Whether the current run has a row of it.
    pub(crate) is_staged: bool,
}

/// Numbers by digests. Where there is no entry, the number is 0.
#[derive(Debug, Default)]
struct Entries {
    slots: Vec<([u32; 3], u32)>,
    taken: usize,
}

impl Entries {
    /// Returns the number at a digest: 0 if there is none yet. Whoever sets it first takes the place.
    fn at(&mut self, digest: [u32; 3]) -> &mut u32 {
        // At most seven eighths full, so the way to an entry is short, and a quarter larger each time, so few stay empty.
        if (self.taken + 1) * 8 > self.slots.len() * 7 {
            let larger = vec![([0; 3], 0); self.slots.len() * 5 / 4 + 16];
            for (digest, number) in std::mem::replace(&mut self.slots, larger) {
                if number != 0 {
                    let slot = self.slot(digest);
                    self.slots[slot] = (digest, number);
                }
            }
        }
        let slot = self.slot(digest);
        let (known, number) = &mut self.slots[slot];
        if *number == 0 {
            *known = digest;
            self.taken += 1;
        }
        number
    }

    /// The slot of a digest, or the free one that it would have.
    fn slot(&self, digest: [u32; 3]) -> usize {
        let slots = self.slots.len();
        // Digests are random: each slot is as likely as any other.
        let mut slot = ((u64::from(digest[0]) * slots as u64) >> 32) as usize;
        while self.slots[slot].1 != 0 && self.slots[slot].0 != digest {
            slot = if slot + 1 == slots { 0 } else { slot + 1 };
        }
        slot
    }
}

impl Numbers {
    /// Creates an empty set of numbers of one kind.
    pub(crate) fn new(kind: &'static str) -> Self {
        let seeds = [RandomState::new(), RandomState::new()];
        Self { kind, seeds, known: std::array::from_fn(|_| Entries::default()), free: 0..0, block: FIRST }
    }

    /// Has more numbers reserved at once if none was entered.
    pub(crate) fn expect_new(&mut self) {
        if self.count() == 0 {
            self.block = FIRST_OF_ALL;
        }
    }

    /// Returns how many there are.
    pub(crate) fn count(&self) -> usize {
        self.known.iter().map(|entries| entries.taken).sum()
    }

    /// Enters what the store has, and whether the current run has a row of it.
    pub(crate) fn enter(&mut self, what: impl Hash, number: i64, is_staged: bool) -> Result<(), ConnectorError> {
        let digest = self.digest(what);
        let number = u32::try_from(number).map_err(|_| too_many(self.kind))?;
        let known = self.known[table(digest)].at(digest);
        if *known != 0 || number == 0 {
            return Err(ConnectorError::internal(format!(
                "the store has one {} twice, or without a number",
                self.kind
            )));
        }
        *known = if is_staged { number | STAGED } else { number };
        Ok(())
    }

    /// Returns the number of what is referred to.
    pub(crate) fn refer(&mut self, database: &mut dyn Connection, what: impl Hash) -> Result<Referred, ConnectorError> {
        let (number, is_new) = self.number(database, what)?;
        Ok(Referred { number: *number & !STAGED, is_new, is_staged: *number & STAGED != 0 })
    }

    /// Returns the number of what has a row, and whether the run had one of it before.
    pub(crate) fn stage(&mut self, database: &mut dyn Connection, what: impl Hash) -> Result<Referred, ConnectorError> {
        let (number, is_new) = self.number(database, what)?;
        let referred = Referred { number: *number & !STAGED, is_new, is_staged: *number & STAGED != 0 };
        *number |= STAGED;
        Ok(referred)
    }

    fn number(&mut self, database: &mut dyn Connection, what: impl Hash) -> Result<(&mut u32, bool), ConnectorError> {
        let digest = self.digest(what);
        let known = self.known[table(digest)].at(digest);
        if *known != 0 {
            return Ok((known, false));
        }
        if self.free.is_empty() {
            let first = database.numbers(self.kind, self.block)?;
            self.free = first..first + self.block;
            self.block = (self.block * 2).min(MOST);
        }
        let number = self.free.next().and_then(|number| u32::try_from(number).ok());
        *known = number.filter(|number| number & STAGED == 0).ok_or_else(|| too_many(self.kind))?;
        Ok((known, true))
    }

    fn digest(&self, what: impl Hash) -> [u32; 3] {
        let [first, second] = [&self.seeds[0], &self.seeds[1]].map(|seed| seed.hash_one(&what));
        [first as u32, (first >> 32) as u32, second as u32]
    }
}

/// The table that has a digest. Its place there depends on the other words of it.
fn table([.., last]: [u32; 3]) -> usize {
    last as usize % TABLES
}

fn too_many(kind: &str) -> ConnectorError {
    ConnectorError::sink(
        format!("the store has no number left for another {kind}"),
        "keep these systems in more than one store",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_finds_what_it_was_given_however_it_has_grown() {
        let mut entries = Entries::default();
        // Many share a slot with others: those at both ends, where the way leads round.
        let digest = |number: u32| [[0, u32::MAX, number.wrapping_mul(0x9e37_79b9)][number as usize % 3], number, 7];
        for number in 1..=3_000 {
            let known = entries.at(digest(number));
            assert_eq!(std::mem::replace(known, number), 0);
        }
        for number in 1..=3_000 {
            assert_eq!(*entries.at(digest(number)), number);
        }
        assert_eq!(entries.taken, 3_000);
        assert!(entries.slots.len() < 3_000 * 3 / 2, "{}", entries.slots.len());
    }
}
