//! What goes wrong, when and where.

mod apply;
mod drift;
mod spec;
mod strike;
mod text;

pub use spec::{Drift, Effect, Fault, FaultError, RetryAfter, Scope, TotalFault};
pub(crate) use strike::{Faults, Strikes};
pub(crate) use text::nearest;
