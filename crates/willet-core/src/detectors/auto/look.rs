use serde::{Deserialize, Serialize};

use crate::statistics::ExponentialMoments;

/// What a series looks like: whether neighbours are alike, in any of its features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Look {
    features: Vec<Feature>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Feature {
    moments: ExponentialMoments,
    /// Mean product of a value's deviation and the next one's.
    product: f64,
    before: Option<f64>,
}

/// Rows a look speaks of.
const ROWS: u32 = 1_000;
/// Deviations beyond this many standard deviations count as this many: a spike says nothing about neighbours.
const CLIP: f64 = 3.0;

impl Look {
    pub(super) fn new(width: usize) -> Self {
        Self {
            features: vec![Feature::default(); width],
        }
    }

    pub(super) fn push(&mut self, row: &[f64]) {
        for (feature, x) in self.features.iter_mut().zip(row) {
            feature.push(*x);
        }
    }

    /// The largest correlation of a feature's neighbours, and whose it is.
    pub(super) fn likeness(&self) -> (usize, f64) {
        let of = self.features.iter().map(Feature::likeness).enumerate();
        of.fold(
            (0, 0.0),
            |best, this| if this.1 > best.1 { this } else { best },
        )
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.features.capacity() * size_of::<Feature>()
    }

    pub(super) fn is_sound(&self, width: usize) -> bool {
        self.features.len() == width
    }
}

impl Feature {
    fn push(&mut self, x: f64) {
        if x.is_nan() {
            self.before = None;
            return;
        }
        let deviation = self.moments.deviation();
        let warm = self.moments.count() >= 8;
        let most = if warm {
            CLIP * deviation
        } else {
            f64::INFINITY
        };
        let apart = (x - self.moments.mean()).clamp(-most, most);
        if let Some(before) = self.before {
            let weight = 1.0 / f64::from(self.moments.count().max(1));
            self.product += weight * (before * apart - self.product);
        }
        self.before = Some(apart);
        self.moments.push(self.moments.mean() + apart, ROWS);
    }

    /// Lag-one autocorrelation; 0 of a constant.
    fn likeness(&self) -> f64 {
        let variance = self.moments.variance();
        let least = self.moments.mean() * 1e-9;
        if variance > least * least {
            (self.product / variance).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_walk_is_told_from_noise() {
        let mut random = Random::new(1);
        let mut look = Look::new(2);
        let mut level = 0.0;
        for _ in 0..500 {
            level = 0.9 * level + random.unit() - 0.5;
            look.push(&[random.unit(), level]);
        }
        let (feature, likeness) = look.likeness();
        assert!(feature == 1 && likeness > 0.75, "{likeness}");
        let mut noise = Look::new(1);
        (0..500).for_each(|_| noise.push(&[random.unit()]));
        assert!(noise.likeness().1.abs() < 0.2);
        let mut constant = Look::new(1);
        (0..500).for_each(|_| constant.push(&[1e9]));
        assert_eq!(constant.likeness().1, 0.0);
    }
}
