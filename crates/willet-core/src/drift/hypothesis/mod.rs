//! Two-sample tests as plain functions: samples in, statistic and p-value out.

mod chi_squared;
mod distance;
mod kolmogorov_smirnov;
mod permutation;

pub use chi_squared::{Chi2, Continuity, chi2_contingency, chi2_survival, chisquare};
pub use distance::{psi, wasserstein_distance};
pub use kolmogorov_smirnov::{Ks, KsMethod, kolmogorov_survival, ks_2samp, ks_exact_p};
pub(crate) use permutation::permutation_p;
pub use permutation::permutation_test;

pub(crate) use distance::wasserstein_sorted;
pub(crate) use kolmogorov_smirnov::ks_steps;
