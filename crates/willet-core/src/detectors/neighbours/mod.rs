//! Nearest neighbours in a sliding window, exact at every row.

mod knn;
mod lists;
mod lof;
mod window;

pub(super) use knn::NearestNeighbours;
pub(super) use lof::LocalOutlierFactor;

/// Whether features are brought to one scale before distances are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scaling {
    /// Each feature divided by its standard deviation in the window.
    Standard,
    /// As they come.
    None,
}

impl crate::settings::Choice for Scaling {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("standard", Self::Standard), ("none", Self::None)];
}
