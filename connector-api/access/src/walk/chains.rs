//! Containers on the way to a resource: a device group, or one inside another.

/// No container.
pub(crate) const NO_CHAIN: u32 = u32::MAX;

/// Containers that were passed, outermost first. Each chain is its last container, and the chain before that.
#[derive(Debug, Default)]
pub(crate) struct Chains(Vec<(u32, u32)>);

impl Chains {
    /// The chain that ends with `container` behind another.
    pub(crate) fn behind(&mut self, before: u32, container: u32) -> u32 {
        self.0.push((container, before));
        self.0.len() as u32 - 1
    }

    /// How many chains there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The containers of a chain, innermost first.
    pub(crate) fn containers(&self, chain: u32) -> impl Iterator<Item = u32> {
        let link = |at: u32| self.0.get(at as usize);
        std::iter::successors(link(chain), move |(_, before)| link(*before)).map(|(container, _)| *container)
    }

    /// How many containers a chain has.
    pub(crate) fn length(&self, chain: u32) -> u32 {
        if chain == NO_CHAIN { 0 } else { self.containers(chain).count() as u32 }
    }

    /// Whether two chains pass the same containers.
    pub(crate) fn are_alike(&self, one: u32, other: u32) -> bool {
        one == other || self.containers(one).eq(self.containers(other))
    }
}
