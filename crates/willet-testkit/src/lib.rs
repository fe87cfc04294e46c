//! Deterministic simulation of the embedded engine: log, shard, checkpoints and output on a disk that fails as disks fail.
//!
//! One seed is one [`simulation::run`]: a stream, a configuration, faults and crashes, all drawn from it. However it went,
//! the output must be byte for byte that of a run without any of it.
//!
//! ```
//! let outcome = willet_testkit::simulation::run(7, false);
//! assert!(outcome.failure.is_none(), "{}", outcome.failure.unwrap());
//! assert!(outcome.totals.crashes >= 3);
//! ```
//!
//! Where to look: [`fuzz`] feeds mutated bytes to every reader; [`streams`] makes the events, [`simulation`] plays, [`check`] says what must hold.

pub mod check;
pub mod fuzz;
pub mod laws;
pub mod simulation;
pub mod situations;
pub mod streams;
