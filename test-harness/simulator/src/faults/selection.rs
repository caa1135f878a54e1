//! Which requests a fault affects.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Effect, Fault};
use crate::organization::Dice;

/// The faults of a simulation, and how often each endpoint was asked.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    faults: Vec<Fault>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Requests of each class.
    requests: HashMap<String, u64>,
    /// Matching requests and strikes of each fault.
    faults: Vec<(u64, u64)>,
}

/// The effects that one request suffers.
#[derive(Debug)]
pub(crate) struct Strikes {
    effects: Vec<Effect>,
    /// The how-manyth request of its class this is, from 0.
    pub(crate) ordinal: u64,
    /// Decides details of the effects.
    pub(crate) rng: ChaCha8Rng,
    pub(crate) seed: u64,
    /// The share of groups that have vanished.
    pub(crate) vanished: f64,
}

impl Faults {
    pub(crate) fn new(seed: u64, faults: Vec<Fault>) -> Self {
        let counts = Counts { faults: vec![(0, 0); faults.len()], ..Counts::default() };
        Self { seed, faults, counts: Mutex::new(counts) }
    }

    /// Decides what the next request of a class suffers: the same for the same seed and the same ordinal.
    pub(crate) fn strike(&self, class: &str) -> Strikes {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let ordinal = match counts.requests.get_mut(class) {
            Some(count) => {
                *count += 1;
                *count - 1
            }
            None => {
                counts.requests.insert(class.to_owned(), 1);
                0
            }
        };
        let place = class.bytes().fold(self.seed, |hash, byte| Dice::thrown(hash, u64::from(byte), 0).roll());
        let mut rng = ChaCha8Rng::seed_from_u64(Dice::thrown(place, 0, ordinal).roll());
        let mut strikes = Strikes { effects: Vec::new(), ordinal, rng: rng.clone(), seed: self.seed, vanished: 0.0 };
        for (fault, (matched, struck)) in self.faults.iter().zip(&mut counts.faults) {
            if !fault.covers(class) {
                continue;
            }
            let hit = fault.effect == Effect::GroupVanishes || rng.random_bool(fault.rate);
            *matched += 1;
            if *matched <= fault.after || fault.times.is_some_and(|times| *struck >= times) || !hit {
                continue;
            }
            *struck += 1;
            strikes.effects.push(fault.effect.clone());
            if fault.effect == Effect::GroupVanishes {
                strikes.vanished = fault.rate;
            }
        }
        strikes.rng = rng;
        strikes
    }
}

impl Strikes {
    pub(crate) fn has(&self, effect: &Effect) -> bool {
        self.effects.contains(effect)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Effect> {
        self.effects.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// Whether a listed group has vanished: a property of the group, not of the request.
    pub(crate) fn group_has_vanished(&self, group: u64) -> bool {
        self.has(&Effect::GroupVanishes)
            && (Dice::thrown(self.seed, 0x6071, group).below(10_000) as f64) < self.vanished * 10_000.0
    }
}
