//! Wire types of Willet: what stands in JSON at every door. Nothing else.

mod problem;
mod verdict;

pub use problem::{Code, Problem};
pub use verdict::{Drift, Named, Pairs, Verdict, Window};
