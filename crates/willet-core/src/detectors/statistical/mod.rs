mod feature;

use super::contract::{Algorithm, Alias};
use crate::error::ConfigError;
use crate::rows::{Expected, Explanation, Raw};
use crate::settings::Choice;
use feature::Feature;

crate::settings! {
    /// Settings of [`Statistical`].
    pub(super) struct StatisticalConfig {
        /// How far a value is from normal.
        method: Method = Method::ZScore, ();
        /// How many recent values normal is learned from; zscore and ewma forget at that pace, the others keep a window.
        window_size: usize = 1_000, 4..=1_000_000;
        /// Weight of the newest value in the forecast of ewma.
        smoothing: f64 = 0.3, 0.001..=1.0;
    }
}

/// How a value's distance from normal is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Standard deviations from the mean.
    ZScore,
    /// Median absolute deviations from the median, scaled to standard deviations.
    RobustZScore,
    /// Standard deviations of the forecast error from an exponentially weighted forecast.
    Ewma,
    /// Interquartile ranges outside the quartiles (negative inside).
    Iqr,
    /// As robust z-score, with a deviation of its own for each side of the median.
    Mad,
}

impl Choice for Method {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("zscore", Self::ZScore),
        ("robust_zscore", Self::RobustZScore),
        ("ewma", Self::Ewma),
        ("iqr", Self::Iqr),
        ("mad", Self::Mad),
    ];
}

#[doc = include_str!("../pages/statistical.md")]
#[derive(Debug)]
pub(super) struct Statistical {
    features: Vec<Feature>,
}

/// Values of a feature before its score means anything.
const WARM_UP: usize = 10;

impl Algorithm for Statistical {
    const NAME: &'static str = "statistical";
    const ALIASES: &'static [Alias] = &[
        Alias {
            name: "zscore",
            preset: &[("method", "zscore")],
        },
        Alias {
            name: "robust_zscore",
            preset: &[("method", "robust_zscore")],
        },
        Alias {
            name: "ewma",
            preset: &[("method", "ewma")],
        },
        Alias {
            name: "iqr",
            preset: &[("method", "iqr")],
        },
        Alias {
            name: "mad",
            preset: &[("method", "mad")],
        },
    ];
    const SUMMARY: &'static str =
        "distance of each feature from its usual value; single values with a stable level";
    const PAPER: &'static str = "Shewhart 1931; Iglewicz, Hoaglin 1993; Roberts 1959; Tukey 1977";
    const PAGE: &'static str = include_str!("../pages/statistical.md");
    const TAKES_MISSING: bool = true;
    const SATURATES: bool = false;
    const STATE_VERSION: u16 = 1;

    type Config = StatisticalConfig;
    type State = Vec<feature::State>;

    fn new(config: &StatisticalConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        Ok(Self {
            features: (0..width).map(|_| Feature::new(config)).collect(),
        })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        let scores = self
            .features
            .iter()
            .zip(row)
            .filter(|(_, x)| !x.is_nan())
            .filter_map(|(feature, x)| feature.score(*x));
        scores.reduce(f64::max).map_or(Raw::WarmingUp, Raw::Score)
    }

    fn learn_row(&mut self, row: &[f64]) {
        for (feature, x) in self.features.iter_mut().zip(row) {
            if !x.is_nan() {
                feature.learn(*x);
            }
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        let weights = self.features.iter().zip(row).map(|(feature, x)| {
            let distance = if x.is_nan() {
                0.0
            } else {
                feature.distance(*x)
            };
            distance * distance
        });
        let weights = weights.collect();
        Explanation::from_weights(weights, self.expected())
    }

    fn expected(&self) -> Vec<Expected> {
        let expected: Option<Vec<_>> = self.features.iter().map(Feature::expected).collect();
        expected.unwrap_or_default()
    }

    fn heap_bytes(&self) -> usize {
        self.features.capacity() * size_of::<Feature>()
            + self.features.iter().map(Feature::heap_bytes).sum::<usize>()
    }

    fn save(&self) -> Self::State {
        self.features.iter().map(Feature::save).collect()
    }

    fn restore(
        config: &StatisticalConfig,
        width: usize,
        _seed: u64,
        state: Self::State,
    ) -> Result<Self, String> {
        if state.len() != width {
            return Err(format!("it has {} features, expected {width}", state.len()));
        }
        let features: Option<Vec<_>> = state
            .into_iter()
            .map(|state| Feature::restore(config, state))
            .collect();
        features
            .map(|features| Self { features })
            .ok_or_else(|| "it belongs to another method or window_size".to_owned())
    }
}
