//! Chance that depends on nothing but a seed and a place.

/// A small generator whose whole sequence follows from where it was thrown, so that row 731,442 can be
/// made without the rows before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice for the object `index` of one `stream` of objects.
    pub(crate) fn thrown(seed: u64, stream: u64, index: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xA24B_AED4_963E_E407));
        dice.0 = dice.roll() ^ index.wrapping_mul(0x9FB2_1C65_1E98_DF25);
        dice.roll();
        dice
    }

    /// The next 64 bits (SplitMix64).
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`; 0 when nothing is below it.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(bound)) >> 64) as u64
    }

    /// Whether an event of the given chance happens.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// Whether object `index` of its kind gives a right to administer. Large organisations have more objects, and few more
    /// administrators: beyond the `first` objects the chance is a thirtieth.
    pub(crate) fn administers(&mut self, index: u64, first: u64, chance: u64) -> bool {
        self.below(if index < first { 100 } else { 3_000 }) < chance
    }

    /// One of the items. The slice must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// A reversible shuffle of `0..size`: position → index and back, without a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shuffle {
    size: u64,
    step: u64,
    offset: u64,
}

impl Shuffle {
    /// A shuffle of `0..size` drawn from the dice.
    pub(crate) fn drawn(size: u64, dice: &mut Dice) -> Self {
        let size = size.max(1);
        let mut step = dice.below(size).max(1);
        while gcd(step, size) != 1 {
            step += 1;
        }
        Self { size, step: step % size, offset: dice.below(size) }
    }

    /// The index at a position below the size.
    pub(crate) fn index(&self, position: u64) -> u64 {
        let index = u128::from(position) * u128::from(self.step) + u128::from(self.offset);
        (index % u128::from(self.size)) as u64
    }

    /// The position of an index below the size.
    pub(crate) fn position(&self, index: u64) -> u64 {
        let distance = (index + self.size - self.offset) % self.size;
        let position = u128::from(distance) * u128::from(inverse(self.step, self.size));
        (position % u128::from(self.size)) as u64
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The multiplicative inverse of `value` modulo `modulus`, to which it is coprime.
fn inverse(value: u64, modulus: u64) -> u64 {
    let (mut rest, mut next_rest) = (i128::from(modulus), i128::from(value));
    let (mut factor, mut next_factor) = (0_i128, 1_i128);
    while next_rest > 0 {
        let quotient = rest / next_rest;
        (rest, next_rest) = (next_rest, rest - quotient * next_rest);
        (factor, next_factor) = (next_factor, factor - quotient * next_factor);
    }
    factor.rem_euclid(i128::from(modulus)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_a_bijection_and_knows_the_way_back() {
        for size in 1..200 {
            for seed in 0..5 {
                let shuffle = Shuffle::drawn(size, &mut Dice::thrown(seed, 1, size));
                let mut seen: Vec<u64> = (0..size).map(|position| shuffle.index(position)).collect();
                for (position, &index) in seen.iter().enumerate() {
                    assert_eq!(shuffle.position(index), position as u64, "size {size} seed {seed}");
                }
                seen.sort_unstable();
                assert!(seen.into_iter().eq(0..size), "size {size} seed {seed}");
            }
        }
    }
}
