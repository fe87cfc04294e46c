//! Running statistics with bounded state: moments, a sorted window, quantiles, the tail of a distribution.

mod counter;
mod covariance;
mod exponential_moments;
mod gaussian;
mod incomplete_gamma;
mod pareto_tail;
mod robust;
mod sorted_window;
mod upper_digest;

pub(crate) use counter::Counter;
pub use covariance::Covariance;
pub(crate) use covariance::{dot, eigen, triangle};
pub use exponential_moments::ExponentialMoments;
pub(crate) use gaussian::Gaussian;
pub(crate) use incomplete_gamma::upper_gamma;
pub use pareto_tail::ParetoTail;
pub(crate) use robust::robust;
pub use sorted_window::SortedWindow;
pub(crate) use sorted_window::{outer_quantiles, quantile, select_quantile};
pub use upper_digest::UpperDigest;
