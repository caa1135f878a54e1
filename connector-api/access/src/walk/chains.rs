//! Chains of containers that lead to a resource: a device group, or one inside another.

use smallvec::SmallVec;

/// The empty chain.
pub(crate) const NO_CHAIN: u32 = u32::MAX;

/// Chains of containers, outermost first. Each chain is stored as its last container and the chain before it.
#[derive(Debug, Default)]
pub(crate) struct Chains(SmallVec<[(u32, u32); 2]>);

impl Chains {
    /// Appends `container` to a chain.
    pub(crate) fn behind(&mut self, before: u32, container: u32) -> u32 {
        self.0.push((container, before));
        self.0.len() as u32 - 1
    }

    /// Returns the number of chains.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the containers of a chain, innermost first.
    pub(crate) fn containers(&self, chain: u32) -> impl Iterator<Item = u32> {
        let link = |at: u32| self.0.get(at as usize);
        std::iter::successors(link(chain), move |(_, before)| link(*before)).map(|(container, _)| *container)
    }

    /// Returns the number of containers in a chain.
    pub(crate) fn length(&self, chain: u32) -> u32 {
        if chain == NO_CHAIN { 0 } else { self.containers(chain).count() as u32 }
    }

    /// Returns whether two chains pass the same containers.
    pub(crate) fn are_alike(&self, one: u32, other: u32) -> bool {
        one == other || self.containers(one).eq(self.containers(other))
    }
}
