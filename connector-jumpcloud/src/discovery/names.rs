//! Different names, a million of them in little room: one behind the other in a single text.

use std::hash::BuildHasher;
use std::num::NonZeroU32;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// Names, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: String,
    /// Where in `text` each name ends, and the next begins.
    ends: Vec<usize>,
    /// Where in `ends` each name is.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// Which of the [`Names`]. Counted from one, so that a place for none costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(NonZeroU32);

impl Name {
    fn at(at: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(at))
    }
}

impl Names {
    /// Enters a name.
    ///
    /// # Errors
    /// The same name, where it was entered before.
    pub(super) fn insert(&mut self, name: &str) -> Result<Name, Name> {
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

    /// The name itself.
    pub(super) fn get(&self, name: Name) -> &str {
        nth(&self.text, &self.ends, name.0.get() - 1)
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
        let told = ["ada", "", "ad", "a", "München", "ada ", "İ"];
        let entered: Vec<_> = told.iter().map(|name| names.insert(name)).collect();
        assert!(entered.iter().all(Result::is_ok));
        for (name, place) in told.iter().zip(entered.into_iter().flatten()) {
            assert_eq!(names.get(place), *name);
            assert_eq!(names.insert(name), Err(place));
        }
        assert_eq!(size_of::<Option<Name>>(), 4);
    }
}
