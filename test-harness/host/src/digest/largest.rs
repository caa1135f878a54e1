//! The largest few of many items.

/// The items with the largest keys, largest first. Of equal keys the first one counts as larger.
#[derive(Debug, Clone)]
pub struct Top<K, T> {
    items: Vec<(K, T)>,
}

impl<K, T> Default for Top<K, T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<K: Ord, T> Top<K, T> {
    /// How many are kept.
    pub const LIMIT: usize = 10;

    /// Keeps the result of `make` if its key is among the largest.
    pub(super) fn offer(&mut self, key: K, make: impl FnOnce() -> T) {
        let place = self.items.partition_point(|(other, _)| *other >= key);
        if place < Self::LIMIT {
            self.items.insert(place, (key, make()));
            self.items.truncate(Self::LIMIT);
        }
    }

    /// The kept items with their keys, largest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &T)> {
        self.items.iter().map(|(key, item)| (key, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_largest_are_kept_and_the_first_of_equals_comes_first() {
        let mut top = Top::default();
        for (at, key) in [3, 9, 1, 9, 7, 2, 8, 4, 6, 5, 0, 10].into_iter().enumerate() {
            top.offer(key, || at);
        }
        let kept: Vec<(i32, usize)> = top.iter().map(|(key, at)| (*key, *at)).collect();
        let expected = [(10, 11), (9, 1), (9, 3), (8, 6), (7, 4), (6, 8), (5, 9), (4, 7), (3, 0), (2, 5)];
        assert_eq!(kept, expected);
    }
}
