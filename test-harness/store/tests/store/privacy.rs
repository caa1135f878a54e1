//! Who can read a store, and what is in it.
