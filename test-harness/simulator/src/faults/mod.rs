//! What goes wrong, when and where: `spec` names the faults, `parse` reads their text form, `strike` draws which requests
//! they hit, and `apply` spoils an answer. What needs more than the answer acts in the server, where it holds a fault.

mod apply;
mod drift;
mod parse;
mod spec;
mod strike;

pub(crate) use parse::nearest;
pub use spec::{Drift, Effect, Fault, FaultError, RetryAfter, Scope, TotalFault};
pub(crate) use strike::{Faults, Strikes};
