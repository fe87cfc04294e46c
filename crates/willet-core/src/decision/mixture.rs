//! How sure an answer is.

use libm::exp;
use serde::{Deserialize, Serialize};

/// Tells rows that came from what the series has been from those that did not, by their depths.
///
/// The depth L of a row that came from it is exponential: 10^−L is uniform. The others are taken for exponential too, with a
/// smaller rate ξ: the class of alternatives behind the bound −e·p·ln p. Their share π and ξ are learned from the series' own
/// depths, a step of expectation and maximisation a row, beginning at what was asked for. The odds that a row did not come from
/// what the series has been are π ξ / (1 − π) · 10^((1 − ξ) L): they rise with the depth, and at any depth they are as large as
/// depths like it were frequent beyond what was to be expected.
///
/// # References
/// Sellke, Bayarri, Berger, "Calibration of p Values for Testing Precise Null Hypotheses", American Statistician 2001;
/// Efron, "Large-Scale Simultaneous Hypothesis Testing", JASA 2004; Cappé, Moulines, "On-line Expectation-Maximization Algorithm
/// for Latent Data Models", JRSS B 2009.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mixture {
    /// Rows, of those the ones that are taken for others, and the sum of these ones' depths; all fade.
    rows: f64,
    others: f64,
    depths: f64,
}

/// Share of others where nobody said.
pub(super) const PRIOR_SHARE: f64 = 0.005;
/// Rows that the first share is worth.
const PRIOR_ROWS: f64 = 200.0;
/// ξ before data, and how many others it is worth.
const PRIOR_RATE: f64 = 0.15;
const PRIOR_OTHERS: f64 = 3.0;
const RATES: (f64, f64) = (0.02, 0.6);
/// All rows so rare may be others where those make up half of what was counted.
const MOST: f64 = 2.0;
/// Rows that are remembered.
const MEMORY: f64 = 8_192.0;

impl Mixture {
    /// Share of rows that did not come from what the series has been; `share` was asked for.
    pub(super) fn share(&self, share: f64) -> f64 {
        let pi = (self.others + share * PRIOR_ROWS) / (self.rows + PRIOR_ROWS);
        pi.clamp(1e-6, 0.5)
    }

    /// Probability that a row of this depth did not come from what the series has been; `share` was asked for. Rows as rare as `counted`
    /// were counted, whatever is foretold of them: where they are more than the others are, most of them are none of those.
    pub(super) fn probability(&self, depth: f64, counted: f64, share: f64) -> f64 {
        let pi = self.share(share);
        let xi = (self.others + PRIOR_OTHERS) / (self.depths + PRIOR_OTHERS / PRIOR_RATE);
        let xi = xi.clamp(RATES.0, RATES.1);
        let lambda = depth * std::f64::consts::LN_10;
        let odds = pi * xi / (1.0 - pi) * exp(((1.0 - xi) * lambda).min(690.0));
        let probability = odds / (1.0 + odds);
        // Most rows are far from the bound, which rises from here.
        if counted >= 0.0 && probability <= MOST * pi {
            return probability;
        }
        probability.min(MOST * pi * exp((counted * std::f64::consts::LN_10).min(690.0)))
    }

    /// Takes note of a row by its depth and its [probability](Mixture::probability).
    pub(super) fn push(&mut self, depth: f64, probability: f64) {
        let kept = 1.0 - 1.0 / MEMORY;
        let lambda = depth * std::f64::consts::LN_10;
        self.rows = self.rows * kept + 1.0;
        self.others = self.others * kept + probability;
        self.depths = self.depths * kept + probability * lambda;
    }

    pub(super) fn is_sound(&self) -> bool {
        self.rows >= 0.0 && self.others >= 0.0 && self.depths >= 0.0 && self.depths.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Depths of which a share are of the others, and which.
    fn depths(share: f64, rate: f64) -> Vec<(f64, bool)> {
        let mut random = Random::new(11);
        (0..40_000)
            .map(|_| {
                let is_other = random.unit() < share;
                let natural = -libm::log(1.0 - random.unit()) / if is_other { rate } else { 1.0 };
                (natural / std::f64::consts::LN_10, is_other)
            })
            .collect()
    }

    #[test]
    fn share_and_odds_are_those_of_the_rows() {
        for (share, rate) in [(0.05, 0.1), (0.02, 0.2)] {
            let mut mixture = Mixture::default();
            let mut judged = Vec::new();
            for (depth, is_other) in depths(share, rate) {
                judged.push((mixture.probability(depth, depth, PRIOR_SHARE), is_other));
                let probability = mixture.probability(depth, depth, PRIOR_SHARE);
                mixture.push(depth, probability);
            }
            let found = mixture.share(PRIOR_SHARE);
            assert!((found / share - 1.0).abs() < 0.35, "{share}: {found}");
            // Of the second half, by how sure it was.
            let mut late = judged.split_off(20_000);
            late.sort_by(|a, b| a.0.total_cmp(&b.0));
            for part in late[late.len() - 1_000..].chunks(250) {
                let sure = part.iter().map(|(sure, _)| sure).sum::<f64>() / 250.0;
                let right = part.iter().filter(|(_, is_other)| *is_other).count() as f64 / 250.0;
                assert!(
                    (sure - right).abs() < 0.15,
                    "{share}: {sure} sure, {right} right"
                );
            }
            assert!(mixture.is_sound());
        }
    }

    #[test]
    fn what_was_counted_often_is_not_foretold_away() {
        let mut mixture = Mixture::default();
        for (depth, _) in depths(0.01, 0.2) {
            let probability = mixture.probability(depth, depth, PRIOR_SHARE);
            mixture.push(depth, probability);
        }
        let common = mixture.probability(9.0, 1.0, PRIOR_SHARE);
        assert!(common < 0.3, "one row in ten, {common}");
        assert!(mixture.probability(9.0, 4.0, PRIOR_SHARE) > 0.99);
    }
}
