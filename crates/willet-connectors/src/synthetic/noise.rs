//! Random numbers, the same on every machine.

use rand_core::Rng;
use rand_pcg::Pcg64Mcg;

use super::config::NoiseKind;

/// Random numbers of one series.
#[derive(Clone, Debug)]
pub(super) struct Random(Pcg64Mcg);

impl Random {
    /// The numbers of series `index` under `seed`.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        let state =
            (u128::from(mix(seed ^ mix(index))) << 64) | u128::from(mix(seed.wrapping_add(!index)));
        let mut random = Self(Pcg64Mcg::new(state));
        // The first outputs of neighbouring states are alike.
        for _ in 0..4 {
            random.0.next_u64();
        }
        random
    }

    /// Above 0, up to 1.
    pub(super) fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        ((self.0.next_u64() >> 11) + 1) as f64 * STEP
    }

    /// From `low` up to `high`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number, both ends included.
    pub(super) fn whole(&mut self, low: u64, high: u64) -> u64 {
        // The bias is below 1 in 2^31 for the lengths allowed.
        low + self.0.next_u64() % (high - low + 1)
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -libm::log(self.unit())
    }

    /// Noise with deviation 1.
    pub(super) fn noise(&mut self, kind: NoiseKind) -> f64 {
        /// Deviation of Student's t with 3 degrees of freedom is the root of 3.
        const ROOT_3: f64 = 1.732_050_807_568_877_2;
        match kind {
            NoiseKind::Normal => self.normal(),
            NoiseKind::Heavy => {
                let (a, b, c) = (self.normal(), self.normal(), self.normal());
                let chi = libm::sqrt((a * a + b * b + c * c) / 3.0);
                self.normal() / (chi.max(1e-3) * ROOT_3)
            }
        }
    }

    fn normal(&mut self) -> f64 {
        // 1 - unit() would be as good; the half step keeps both ends open.
        let unit = (self.0.next_u64() >> 12) as f64 + 0.5;
        quantile(unit / (1u64 << 52) as f64)
    }
}

/// Quantile of the normal distribution (Acklam 2003, relative error below 1.2e-9).
fn quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    /// Where the tails begin.
    const TAIL: f64 = 0.024_25;
    let tail = |p: f64| {
        let q = libm::sqrt(-2.0 * libm::log(p));
        polynomial(&C, q) / (polynomial(&D, q) * q + 1.0)
    };
    if p < TAIL {
        tail(p)
    } else if p > 1.0 - TAIL {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    }
}

/// Horner's rule, the highest power first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

/// The finisher of `SplitMix64`.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, expected) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.01, -2.326_347_874_040_841),
            (0.999_9, 3.719_016_485_455_681),
        ] {
            assert!(
                (quantile(p) - expected).abs() < 1e-7,
                "{p}: {}",
                quantile(p)
            );
        }
    }

    #[test]
    fn noise_has_deviation_one() {
        for (kind, tolerance) in [(NoiseKind::Normal, 0.01), (NoiseKind::Heavy, 0.25)] {
            let mut random = Random::new(1, 2);
            let noise: Vec<f64> = (0..100_000).map(|_| random.noise(kind)).collect();
            let mean = noise.iter().sum::<f64>() / noise.len() as f64;
            let squares = noise.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
            let deviation = libm::sqrt(squares / noise.len() as f64);
            assert!(mean.abs() < 0.02, "{kind:?} mean {mean}");
            assert!(
                (deviation - 1.0).abs() < tolerance,
                "{kind:?} deviation {deviation}"
            );
        }
    }
}
