use libm::{exp, log10};
use serde::{Deserialize, Serialize};

/// Counts how often a series was how strange, to say how far its next flag can be trusted.
///
/// p is a share of *normal* scores. A series that was as strange a hundred times has shown that this is no rarity in it,
/// and one of fifty rows has shown nothing at all. So confidence takes the larger of p and the share of all rows judged
/// lately that were at least as deep, the row itself counted: p̂ = (k + 1) / (n + 1).
///
/// p̂ is uniform on normal rows and taken for Beta(ξ, 1) on anomalies, which is the class of alternatives behind the
/// bound −e·p·ln p. The odds of an anomaly are then π/(1 − π) · ξ · p̂^(ξ − 1).
///
/// # References
/// Sellke, Bayarri, Berger, "Calibration of p Values for Testing Precise Null Hypotheses", American Statistician 2001;
/// Efron, "Large-Scale Simultaneous Hypothesis Testing", JASA 2004 (two groups, and their null from the data).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    rows: u16,
    above: [u16; LEVELS.len()],
}

/// Depths that are counted.
const LEVELS: [f64; 8] = [2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
/// At so many rows all counts are halved.
const MOST_ROWS: u16 = 8_192;
/// ξ: how much smaller than uniform p̂ is on anomalies. With [`PRIOR_SHARE`] the maximum of likelihood on the labelled
/// streams and tables (`auto`, `zscore`, `knn`, `iforest` together), rounded.
const SHAPE: f64 = 0.36;
/// π: share of anomalies where nobody said.
pub(super) const PRIOR_SHARE: f64 = 0.05;

impl Tally {
    /// The depth that the series' own history admits: no more than `depth`.
    pub(super) fn admitted(&self, depth: f64) -> f64 {
        let Some(level) = LEVELS.iter().rposition(|level| depth >= *level) else {
            return depth;
        };
        let share = f64::from(self.above[level] + 1) / f64::from(self.rows + 1);
        depth.min(-log10(share.min(1.0)) + 0.0)
    }

    /// Takes note of a judged row.
    pub(super) fn push(&mut self, depth: f64) {
        for (count, level) in self.above.iter_mut().zip(LEVELS) {
            *count += u16::from(depth >= level);
        }
        self.rows += 1;
        if self.rows >= MOST_ROWS {
            self.rows /= 2;
            self.above.iter_mut().for_each(|count| *count /= 2);
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.rows < MOST_ROWS && self.above.iter().all(|count| *count <= self.rows)
    }
}

/// Probability of an anomaly at an admitted depth, where `share` of the rows are.
pub(super) fn probability(depth: f64, share: f64) -> f64 {
    let odds = share / (1.0 - share);
    // p̂^(ξ − 1), kept finite: 1e300 is as good as certain.
    let factor = SHAPE * exp(((1.0 - SHAPE) * depth * std::f64::consts::LN_10).min(690.0));
    1.0 - 1.0 / (1.0 + odds * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rarity_that_comes_often_or_early_is_not_believed() {
        let mut tally = Tally::default();
        assert_eq!(tally.admitted(6.0), 0.0);
        (0..1_000).for_each(|_| tally.push(0.5));
        assert!((tally.admitted(6.0) - 3.0).abs() < 0.01);
        assert_eq!(tally.admitted(1.5), 1.5);
        (0..99).for_each(|_| tally.push(6.0));
        assert!((tally.admitted(6.0) - 1.04).abs() < 0.01);
        assert!((tally.admitted(8.0) - 3.04).abs() < 0.01);
        (0..100_000).for_each(|_| tally.push(0.5));
        assert!(tally.is_sound() && tally.admitted(6.0) > 3.0);
    }

    #[test]
    fn probability_grows_with_depth_and_ends_at_one() {
        let at = |depth| probability(depth, PRIOR_SHARE);
        assert!((0.01..0.03).contains(&at(0.0)));
        assert!((0.3..0.4).contains(&at(2.3)));
        assert!(at(4.0) > 0.8 && at(1e9) <= 1.0 && at(f64::MAX) <= 1.0);
    }
}
