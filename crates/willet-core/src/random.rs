//! Seeded random numbers whose stream is fixed: the generator is named, the distributions are ours.

use rand_core::Rng as _;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

/// A PCG generator (O'Neill 2014, MCG 128/64 XSL-RR). Its state is 16 bytes and is saved with the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Random(Pcg64Mcg);

impl Random {
    /// The generator of a seed; near seeds give unrelated streams.
    pub fn new(seed: u64) -> Self {
        let low = mix(seed);
        let high = mix(seed ^ 0x9e37_79b9_7f4a_7c15);
        Self(Pcg64Mcg::new(u128::from(high) << 64 | u128::from(low)))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in 0..1, 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `0..bound` (Lemire 2019, by widening multiplication; its bias is below 2^-32 for the bounds used here).
    pub fn below(&mut self, bound: usize) -> usize {
        debug_assert!(bound > 0 && u32::try_from(bound).is_ok());
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): every bit of the input moves every bit of the output.
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Seed of a series: a hash of the configured seed, its key and its kind that never changes between versions
/// (FNV-1a, then [`mix`]).
pub fn series_seed(configured: u64, key: &str, kind: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let parts = [
        &configured.to_le_bytes()[..],
        key.as_bytes(),
        &[0],
        kind.as_bytes(),
    ];
    for byte in parts.into_iter().flatten() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    mix(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learned state depends on this stream: it must never change.
    #[test]
    fn the_stream_is_fixed() {
        let mut random = Random::new(42);
        assert_eq!(
            [random.bits(), random.bits()],
            [4_773_456_050_722_981_713, 5_497_465_313_196_819_624]
        );
        assert_eq!(series_seed(0, "pump-7", "hst"), 6_960_983_746_263_283_607);
        assert_ne!(
            series_seed(0, "pump-7", "hst"),
            series_seed(0, "pump-7", "iforest")
        );
        assert_ne!(series_seed(0, "a", "bc"), series_seed(0, "ab", "c"));
    }

    #[test]
    fn below_reaches_every_number_about_equally() {
        let mut random = Random::new(1);
        let mut counts = [0u32; 7];
        (0..70_000).for_each(|_| counts[random.below(7)] += 1);
        assert!(
            counts.iter().all(|count| (9_600..10_400).contains(count)),
            "{counts:?}"
        );
    }
}
