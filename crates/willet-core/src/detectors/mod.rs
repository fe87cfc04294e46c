//! Detectors: one contract, one table of kinds.
#![doc = include_str!("guide.md")]

mod ablation;
mod contract;
mod glance;
mod guarded;
mod shingled;

mod auto;
mod autoencoder;
mod ensemble;
mod half_space_trees;
mod hbos;
mod isolation_forest;
mod loda;
mod mahalanobis;
mod neighbours;
mod one_class_svm;
mod pca;
mod random_cut_forest;
mod rare;
mod seasonal;
mod seasons;
mod statistical;
mod tails;

pub use contract::{Alias, Detector, Epochs, Kind, LONGER, MAX_WIDTH, Options, Snapshot};
pub use guarded::LARGEST;

use crate::error::ConfigError;
use crate::settings::{Choice, Value};

/// Every kind Willet knows, in the order the documentation lists them.
pub const KINDS: &[Kind] = &[
    Kind::of::<auto::Auto>(),
    Kind::of::<statistical::Statistical>(),
    Kind::of::<seasonal::Seasonal>(),
    Kind::of::<half_space_trees::HalfSpaceTrees>(),
    Kind::of::<isolation_forest::IsolationForest>(),
    Kind::of::<random_cut_forest::RandomCutForest>(),
    Kind::of::<neighbours::LocalOutlierFactor>(),
    Kind::of::<neighbours::NearestNeighbours>(),
    Kind::of::<tails::TailDetector<tails::Copod>>(),
    Kind::of::<tails::TailDetector<tails::Ecod>>(),
    Kind::of::<hbos::Hbos>(),
    Kind::of::<loda::Loda>(),
    Kind::of::<one_class_svm::OneClassSvm>(),
    Kind::of::<mahalanobis::Mahalanobis>(),
    Kind::of::<pca::Pca>(),
    Kind::of::<autoencoder::Autoencoder>(),
    Kind::of::<rare::Rare>(),
    Kind::of::<ensemble::Ensemble>(),
];

/// Whether features are brought to one scale before they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scaling {
    /// Each feature divided by its standard deviation.
    Standard,
    /// As they come.
    None,
}

impl Choice for Scaling {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("standard", Self::Standard), ("none", Self::None)];
}

/// The kind of a name or an alias, with the settings the alias stands for.
pub fn find(name: &str) -> Result<(&'static Kind, Options), ConfigError> {
    let wanted = name.to_lowercase().replace('-', "_");
    for kind in KINDS {
        if kind.name == wanted {
            return Ok((kind, Vec::new()));
        }
        if let Some(alias) = kind.aliases.iter().find(|alias| alias.name == wanted) {
            let preset = alias.preset.iter();
            return Ok((
                kind,
                preset
                    .map(|(name, value)| ((*name).to_owned(), Value::Text((*value).to_owned())))
                    .collect(),
            ));
        }
    }
    Err(ConfigError::unknown(
        "algorithm",
        name,
        KINDS.iter().flat_map(Kind::names),
    ))
}
