//! What a listing lists.

use std::fmt::Debug;
use std::hash::Hash;

use serde::de::DeserializeOwned;

/// What can distinguish rows.
pub trait RowId: Clone + Debug + Ord + Hash + Send + Sync + 'static {}

impl<I: Clone + Debug + Ord + Hash + Send + Sync + 'static> RowId for I {}

/// Something that a listing lists.
pub trait Identified: Sized {
    /// How it comes: itself, or something that may be a null record.
    type Wire: DeserializeOwned + Into<Option<Self>>;

    /// What distinguishes rows. The order of ids must be the target's, where it is asked to sort by them.
    type Id: RowId;

    /// What distinguishes it from the others in the same listing.
    fn id(&self) -> &Self::Id;
}
