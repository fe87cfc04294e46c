use libm::log10;
use serde::{Deserialize, Serialize};

/// A generalised Pareto distribution fitted to what exceeds a level: how rare is a value beyond the data?
///
/// # References
/// Hosking, Wallis, "Parameter and Quantile Estimation for the Generalized Pareto Distribution", Technometrics 1987
/// (probability-weighted moments); Pickands, "Statistical Inference Using Extreme Order Statistics", 1975.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParetoTail {
    /// Where the tail begins.
    start: f64,
    /// −log10 of the probability just above the start.
    depth: f64,
    scale: f64,
    shape: f64,
}

/// Shape believed before data: a little heavier than exponential, so that few data never make a value absurdly rare.
const PRIOR_SHAPE: f64 = 0.2;
/// How many exceedances the prior weighs.
const PRIOR_WEIGHT: f64 = 10.0;
/// Below this the tail would have an end (or nearly), beyond which everything ties.
const SHAPE_RANGE: (f64, f64) = (0.01, 0.9);

impl ParetoTail {
    /// Fits to exceedances of `level`, given strangest first as (value, weight), and starts at `start >= level`
    /// where −log10 of the probability is `depth`.
    pub fn fit(
        level: f64,
        exceedances: impl Iterator<Item = (f64, f64)> + Clone,
        start: f64,
        depth: f64,
    ) -> Self {
        let total: f64 = exceedances.clone().map(|(_, weight)| weight).sum();
        let (mut mean, mut weighted, mut above) = (0.0, 0.0, 0.0);
        for (value, weight) in exceedances {
            let excess = value - level;
            let survival = (above + weight / 2.0) / total.max(1e-300);
            mean += weight * excess;
            weighted += weight * excess * survival;
            above += weight;
        }
        let (mean, weighted) = if total > 0.0 {
            (mean / total, weighted / total)
        } else {
            (0.0, 0.0)
        };
        let spread = mean - 2.0 * weighted;
        let shape = if spread > 1e-9 * mean && mean > 0.0 {
            2.0 - mean / spread
        } else {
            PRIOR_SHAPE
        };
        let shape =
            (total * shape.clamp(-0.5, 0.9) + PRIOR_WEIGHT * PRIOR_SHAPE) / (total + PRIOR_WEIGHT);
        // The mean excess is what the data know best: keep it under the shrunk shape. A tail that thins out has a
        // smaller scale at its start than at the level it was fitted from.
        let scale = mean * (1.0 - shape) + shape * (start - level);
        // A series without spread still gives a finite answer.
        let floor = (1e-3 * start.abs() + 1e-3) * if mean > 0.0 { 1e-3 } else { 1.0 };
        Self {
            start,
            depth,
            scale: scale.max(0.2 * mean).max(floor),
            shape: shape.clamp(SHAPE_RANGE.0, SHAPE_RANGE.1),
        }
    }

    /// Where the tail begins.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// −log10 of the probability of a value at least this strange; rises strictly from the start on.
    pub fn depth_at(&self, value: f64) -> f64 {
        let excess = (value - self.start) / self.scale;
        self.depth + log10(1.0 + self.shape * excess.max(0.0)) / self.shape
    }
}

impl ParetoTail {
    /// The value whose [`ParetoTail::depth_at`] is `depth`: the start, at and below its depth.
    pub fn value_at(&self, depth: f64) -> f64 {
        let beyond = (self.shape * (depth - self.depth)).clamp(0.0, 300.0);
        self.start + self.scale * (libm::pow(10.0, beyond) - 1.0) / self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Excesses of an exponential distribution at the plotting positions: the fit must find its scale.
    #[test]
    fn an_exponential_tail_is_found() {
        let n = 2_000;
        let excess: Vec<(f64, f64)> = (0..n)
            .map(|i| {
                (
                    10.0 - 2.0 * libm::log((f64::from(i) + 0.5) / f64::from(n)),
                    1.0,
                )
            })
            .collect();
        let tail = ParetoTail::fit(10.0, excess.iter().copied(), 10.0, 1.0);
        assert!((tail.scale - 2.0).abs() < 0.05, "{tail:?}");
        assert!(tail.shape < 0.03, "{tail:?}");
        // One in ten at the start; two scales on, e^-2 of that.
        assert!((tail.depth_at(14.0) - (1.0 + 2.0 * std::f64::consts::LOG10_E)).abs() < 0.05);
    }

    #[test]
    fn data_without_spread_give_a_finite_rising_tail() {
        let tail = ParetoTail::fit(0.0, std::iter::repeat_n((0.0, 1.0), 50), 0.0, 1.7);
        let depths: Vec<f64> = [0.0, 1e-9, 0.1, 1.0, 1e3, 1e100]
            .iter()
            .map(|s| tail.depth_at(*s))
            .collect();
        assert!(
            depths.windows(2).all(|pair| pair[0] < pair[1]),
            "{depths:?}"
        );
        assert!(depths[5].is_finite());
    }
}
