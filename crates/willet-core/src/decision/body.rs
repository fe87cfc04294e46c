//! How rare a score would be were all rows like most of them.

use libm::{log, log10, pow};
use serde::{Deserialize, Serialize};

use super::Calibrator;

/// The tail of normal scores, foretold from where most scores are.
///
/// Counting says how rare a score is among all rows, and anomalies are among them: the rarest hundredth of a series that has a
/// hundredth of anomalies is not rare by chance. So the tail is carried on from the half, the quarter and the last share that anomalies
/// do not reach, as L = L½ + (L¼ − L½) tᵏ with t in units of the distance from the half to the quarter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    half: f64,
    unit: f64,
    exponent: f64,
}

/// Shares of normal rows at least as strange as the first two points.
const SHARES: (f64, f64) = (0.5, 0.25);
/// The third: as far out as anomalies leave the tail to the others.
const OUT: f64 = 0.03;
const TIMES_ANOMALIES: f64 = 2.5;
/// Between heavy tails and those of a normal distribution.
const EXPONENTS: (f64, f64) = (0.5, 2.0);

impl Body {
    /// The body of scores of which `anomalies` are a share.
    pub(super) fn of(scores: &Calibrator, anomalies: f64) -> Option<Self> {
        let out = OUT.max(TIMES_ANOMALIES * anomalies).min(0.2);
        // Anomalies lie above all of these points.
        let at = |share: f64| scores.score_at(-log10(share * (1.0 - anomalies) + anomalies));
        let (half, quarter, far) = (at(SHARES.0)?, at(SHARES.1)?, at(out)?);
        let unit = quarter - half;
        if unit <= 0.0 || far <= quarter {
            return None;
        }
        let step = log10(SHARES.0 / SHARES.1);
        let exponent = log(log10(SHARES.0 / out) / step) / log((far - half) / unit);
        Some(Self {
            half,
            unit,
            exponent: exponent.clamp(EXPONENTS.0, EXPONENTS.1),
        })
    }

    /// −log10 of the share of normal rows at least as strange.
    pub(super) fn depth(&self, score: f64) -> f64 {
        let t = ((score - self.half) / self.unit).max(0.0);
        -log10(SHARES.0) + log10(SHARES.0 / SHARES.1) * pow(t, self.exponent)
    }

    /// Whether it is of a rising tail; state that came from outside is checked with this.
    pub(super) fn is_sound(&self) -> bool {
        self.half.is_finite()
            && self.unit > 0.0
            && (EXPONENTS.0..=EXPONENTS.1).contains(&self.exponent)
    }
}
