//! Drift: has what is normal changed? One contract, one table of tests, and the tests as plain functions.
#![doc = include_str!("guide.md")]

mod contract;
mod correction;
mod guarded;
mod per_feature;

pub mod hypothesis;

mod adwin;
mod ddm;
mod hddm;
mod kswin;
mod monitor;
mod page_hinkley;
mod performance;
mod windowed;

pub use contract::{Drift, DriftDetector, FeatureDrift, Input, Kind, Level};
pub use correction::holm;
pub use performance::{LabelError, Metric, PerformanceDrift};

use crate::error::ConfigError;
use per_feature::PerFeature;
use windowed::Windowed;

/// Every drift test Willet knows, in the order the documentation lists them.
pub const KINDS: &[Kind] = &[
    Kind::of::<monitor::Monitor>(),
    Kind::of::<Windowed<windowed::KsTest>>(),
    Kind::of::<Windowed<windowed::Chi2Test>>(),
    Kind::of::<Windowed<windowed::PermutationTest>>(),
    Kind::of::<Windowed<windowed::PsiTest>>(),
    Kind::of::<Windowed<windowed::WassersteinTest>>(),
    Kind::of::<PerFeature<adwin::Adwin>>(),
    Kind::of::<PerFeature<page_hinkley::PageHinkley>>(),
    Kind::of::<PerFeature<kswin::Kswin>>(),
    Kind::of::<PerFeature<ddm::Ddm>>(),
    Kind::of::<PerFeature<ddm::Eddm>>(),
    Kind::of::<PerFeature<hddm::HddmA>>(),
    Kind::of::<PerFeature<hddm::HddmW>>(),
];

/// The test of a name or an alias.
pub fn find(name: &str) -> Result<&'static Kind, ConfigError> {
    let wanted = name.to_lowercase().replace('-', "_");
    KINDS
        .iter()
        .find(|kind| kind.names().any(|name| name == wanted))
        .ok_or_else(|| ConfigError::unknown("drift test", name, KINDS.iter().flat_map(Kind::names)))
}
