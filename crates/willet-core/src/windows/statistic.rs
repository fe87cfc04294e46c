use serde::{Deserialize, Serialize};

/// What is told of a feature in a window, as it stands in configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatisticName {
    /// Mean of the values; `name_mean`.
    Mean,
    /// Standard deviation, divided by the count; `name_std`.
    #[serde(alias = "std")]
    StandardDeviation,
    /// Smallest value; `name_min`.
    #[serde(alias = "min")]
    Minimum,
    /// Largest value; `name_max`.
    #[serde(alias = "max")]
    Maximum,
    /// Each of [`quantiles`](super::WindowConfig::quantiles); `name_q05`, `name_q95`, `name_q99_9`.
    Quantiles,
    /// Slope of the line of least squares, a second (windows by seconds) or a row (by samples); `name_slope`.
    Slope,
    /// Number of values that are not missing; `name_count`.
    Count,
    /// Number of different values; `name_distinct`.
    Distinct,
    /// Shannon's entropy of the values in bits, 0 to log2 of their number; `name_entropy`.
    Entropy,
}

/// A statistic as it is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Statistic {
    Mean,
    StandardDeviation,
    Minimum,
    Maximum,
    Quantile(f64),
    Slope,
    Count,
    Distinct,
    Entropy,
}

impl Statistic {
    /// Those of a name.
    pub(super) fn of(name: StatisticName, quantiles: &[f64]) -> Vec<Self> {
        match name {
            StatisticName::Mean => vec![Self::Mean],
            StatisticName::StandardDeviation => vec![Self::StandardDeviation],
            StatisticName::Minimum => vec![Self::Minimum],
            StatisticName::Maximum => vec![Self::Maximum],
            StatisticName::Quantiles => quantiles.iter().map(|q| Self::Quantile(*q)).collect(),
            StatisticName::Slope => vec![Self::Slope],
            StatisticName::Count => vec![Self::Count],
            StatisticName::Distinct => vec![Self::Distinct],
            StatisticName::Entropy => vec![Self::Entropy],
        }
    }

    /// What is put behind the name of a feature.
    pub(super) fn suffix(&self) -> String {
        match self {
            Self::Mean => "mean".to_owned(),
            Self::StandardDeviation => "std".to_owned(),
            Self::Minimum => "min".to_owned(),
            Self::Maximum => "max".to_owned(),
            Self::Quantile(q) => {
                // Four places behind the point, since 100 times 0.07 is not quite 7; two before it, so that names sort.
                let percent = format!("{:07.4}", q * 100.0);
                let percent = percent.trim_end_matches('0').trim_end_matches('.');
                format!("q{}", percent.replace('.', "_"))
            }
            Self::Slope => "slope".to_owned(),
            Self::Count => "count".to_owned(),
            Self::Distinct => "distinct".to_owned(),
            Self::Entropy => "entropy".to_owned(),
        }
    }

    pub(super) fn needs_moments(&self) -> bool {
        use Statistic::{Count, Maximum, Mean, Minimum, StandardDeviation};
        matches!(self, Mean | StandardDeviation | Minimum | Maximum | Count)
    }

    pub(super) fn needs_order(&self) -> bool {
        matches!(self, Self::Quantile(_) | Self::Distinct | Self::Entropy)
    }
}
