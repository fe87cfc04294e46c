//! Nearest neighbours in a sliding window, exact at every row.

mod knn;
mod lists;
mod lof;
mod window;

pub(super) use knn::NearestNeighbours;
pub(super) use lof::LocalOutlierFactor;
