//! Lists, one per owner, in two flat vectors: there may be millions.

/// For each owner, by its index, a list of items in the order of insertion.
#[derive(Debug, Clone)]
pub struct Lists<T> {
    /// Where each owner's items begin in `items`; the last entry is the end.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { starts: Vec::new(), items: Vec::new() }
    }
}

impl<T: Copy + Default> Lists<T> {
    /// Creates lists for `count` owners from pairs of owner and item. Iterates over the pairs twice and skips owners
    /// outside the range.
    pub fn new(count: usize, pairs: impl Iterator<Item = (u32, T)> + Clone) -> Self {
        // Counts are offset by two; filling the lists moves each start to its final value.
        let mut starts = vec![0_u32; count + 2];
        let pairs = pairs.filter(|(thing, _)| (*thing as usize) < count);
        for (thing, _) in pairs.clone() {
            starts[thing as usize + 2] += 1;
        }
        for at in 2..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut items = vec![T::default(); starts[count + 1] as usize];
        for (thing, item) in pairs {
            let next = &mut starts[thing as usize + 1];
            items[*next as usize] = item;
            *next += 1;
        }
        starts.pop();
        Self { starts, items }
    }
}

impl<T> Lists<T> {
    /// Returns the items of an owner; none for an unknown one.
    pub fn of(&self, thing: u32) -> &[T] {
        let thing = thing as usize;
        match (self.starts.get(thing), self.starts.get(thing + 1)) {
            (Some(from), Some(to)) => &self.items[*from as usize..*to as usize],
            _ => &[],
        }
    }

    /// Returns the number of owners.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Returns whether there are no owners.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns every item with its owner.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, &T)> + Clone {
        (0..self.len() as u32).flat_map(|thing| self.of(thing).iter().map(move |item| (thing, item)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_what_belongs_to_each_in_its_order() {
        let pairs = [(0, 7), (2, 1), (0, 9), (2, 3), (9, 4), (2, 5)];
        let lists: Lists<u32> = Lists::new(4, pairs.into_iter());
        let of = |thing| lists.of(thing).to_vec();
        assert_eq!(
            [of(0), of(1), of(2), of(3), of(4), of(9)],
            [vec![7, 9], vec![], vec![1, 3, 5], vec![], vec![], vec![]]
        );
        assert_eq!(
            lists.pairs().map(|(thing, item)| (thing, *item)).collect::<Vec<_>>(),
            [(0, 7), (0, 9), (2, 1), (2, 3), (2, 5)]
        );
        assert_eq!(lists.len(), 4);
    }
}
