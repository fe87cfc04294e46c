//! Wire types of Willet: what stands in JSON at every door. Nothing else.

mod verdict;

pub use verdict::{Named, Verdict};
