//! What goes wrong, when and where: `kinds` names the faults, `parse` reads their text form, `selection` draws which requests
//! they hit, and `spoiled_answer` does to an answer what they ask for. What needs more than the answer acts in the server, where it holds a fault.

mod drift;
mod kinds;
mod parse;
mod selection;
mod spoiled_answer;

pub use kinds::{Drift, Effect, Fault, FaultError, RetryAfter, Scope, TotalFault};
pub(crate) use parse::nearest;
pub(crate) use selection::{Faults, Strikes};
