//! The numbers of what was ever seen of one system: objects, ways of membership, and terms of bindings.
//!
//! A membership is stored as numbers, so each id in it is looked up here, in memory. An entry is 16 bytes: a digest of what
//! it stands for, and its number. The digest is seeded at random, so nobody can choose ids that share one. One bit of the
//! number marks what the current run has a row of, so a row that is sent twice is found without more memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::ops::Range;

use connector_api::ConnectorError;

use crate::database::Connection;

/// Reserve at first this number of new numbers at once, then twice as many each time.
const FIRST: i64 = 16;
/// Reserve at most this number at once.
const MOST: i64 = 8192;

/// The number of tables that the entries are in. A table that is full is copied into one of twice the size, and then only that
/// part of the entries is in memory twice.
const TABLES: usize = 64;

/// Marks what has a row in the current run.
const STAGED: u32 = 1 << 31;

/// What has a number.
#[derive(Debug)]
pub(crate) struct Numbers {
    kind: &'static str,
    seeds: [RandomState; 2],
    known: [HashMap<[u32; 3], u32, BuildHasherDefault<Taken>>; TABLES],
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

/// A hash that is already one.
#[derive(Debug, Default)]
pub(crate) struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // The digest is written as its length and its bytes: the last eight of these are as good as any.
        for chunk in bytes.chunks_exact(8) {
            let mut eight = [0; 8];
            eight.copy_from_slice(chunk);
            self.0 = u64::from_ne_bytes(eight);
        }
    }

    fn write_usize(&mut self, _: usize) {}
}

impl Numbers {
    /// Creates an empty set of numbers of one kind.
    pub(crate) fn new(kind: &'static str) -> Self {
        let seeds = [RandomState::new(), RandomState::new()];
        Self { kind, seeds, known: std::array::from_fn(|_| HashMap::default()), free: 0..0, block: FIRST }
    }

    /// Enters what the store has, and whether the current run has a row of it.
    pub(crate) fn enter(&mut self, what: impl Hash, number: i64, is_staged: bool) -> Result<(), ConnectorError> {
        let digest = self.digest(what);
        let number = u32::try_from(number).map_err(|_| too_many(self.kind))?;
        match self.known[table(digest)].insert(digest, if is_staged { number | STAGED } else { number }) {
            None => Ok(()),
            Some(_) => Err(ConnectorError::internal(format!("the store has one {} twice", self.kind))),
        }
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
        match self.known[table(digest)].entry(digest) {
            Entry::Occupied(known) => Ok((known.into_mut(), false)),
            Entry::Vacant(new) => {
                if self.free.is_empty() {
                    let first = database.numbers(self.kind, self.block)?;
                    self.free = first..first + self.block;
                    self.block = (self.block * 2).min(MOST);
                }
                let number = self.free.next().and_then(|number| u32::try_from(number).ok());
                let number = number.filter(|number| number & STAGED == 0).ok_or_else(|| too_many(self.kind))?;
                Ok((new.insert(number), true))
            }
        }
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
