//! Interned names: a million of them in little memory, concatenated in a single string.

use std::hash::BuildHasher;
use std::num::NonZeroU32;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// A set of distinct names.
#[derive(Debug, Default, Clone)]
pub struct Names {
    text: String,
    /// The end of each name in `text`, where the next one begins.
    ends: Vec<usize>,
    /// The position of each name in `ends`.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// The position of a name among [`Names`]. Counted from one, so that `Option<Name>` takes no more space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name(NonZeroU32);

impl Name {
    fn at(at: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(at))
    }

    /// Returns the number of names inserted before this one.
    pub fn index(self) -> u32 {
        self.0.get() - 1
    }
}

impl Names {
    /// Creates an empty set with room for this number of names; it grows beyond as needed.
    pub fn with_capacity(names: usize) -> Self {
        Self { ends: Vec::with_capacity(names), index: HashTable::with_capacity(names), ..Self::default() }
    }

    /// Inserts a name.
    ///
    /// # Errors
    /// Returns the existing name if it was inserted before.
    pub fn insert(&mut self, name: &str) -> Result<Name, Name> {
        let Self { text, ends, index, hasher } = self;
        let hash = |at: &u32| hasher.hash_one(nth(text, ends, *at));
        match index.entry(hasher.hash_one(name), |at| nth(text, ends, *at) == name, hash) {
            Entry::Occupied(at) => Err(Name::at(*at.get())),
            Entry::Vacant(place) => {
                let at = ends.len() as u32;
                place.insert(at);
                text.push_str(name);
                ends.push(text.len());
                Ok(Name::at(at))
            }
        }
    }

    /// Returns the position of a name, if it was inserted.
    pub fn find(&self, name: &str) -> Option<Name> {
        let Self { text, ends, index, hasher } = self;
        index.find(hasher.hash_one(name), |at| nth(text, ends, *at) == name).map(|at| Name::at(*at))
    }

    /// Returns the name at a position, counted from zero.
    pub fn nth(&self, index: u32) -> Option<&str> {
        ((index as usize) < self.ends.len()).then(|| nth(&self.text, &self.ends, index))
    }

    /// Returns the number of names.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the text of a name.
    pub fn get(&self, name: Name) -> &str {
        nth(&self.text, &self.ends, name.index())
    }
}

fn nth<'t>(text: &'t str, ends: &[usize], at: u32) -> &'t str {
    let at = at as usize;
    let start = at.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start..ends[at]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_apart_and_known_again() {
        let mut names = Names::default();
        let all = ["ada", "", "ad", "a", "München", "ada ", "İ"];
        let entered: Vec<_> = all.iter().map(|name| names.insert(name)).collect();
        assert!(entered.iter().all(Result::is_ok));
        for (name, place) in all.iter().zip(entered.into_iter().flatten()) {
            assert_eq!(names.get(place), *name);
            assert_eq!(names.insert(name), Err(place));
            assert_eq!(names.find(name), Some(place));
        }
        assert_eq!((names.len(), names.find("adam")), (all.len(), None));
        assert_eq!(size_of::<Option<Name>>(), 4);
    }
}
