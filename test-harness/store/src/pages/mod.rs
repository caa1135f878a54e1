//! What a page shows: answers that are bounded, paged by key, and read by an index.

mod place;
mod standing;

pub use place::RunHead;
pub use standing::{Need, Standing, StandingKey};
