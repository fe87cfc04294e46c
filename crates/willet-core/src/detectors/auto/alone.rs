use serde::{Deserialize, Serialize};

use crate::decision::Scale;
use crate::rows::Expected;
use crate::statistics::ExponentialMoments;

/// How far each value is from where it has been for long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Alone {
    values: Vec<ExponentialMoments>,
    /// Of each value the mean squared step, and where the last one was.
    steps: Vec<(f64, f64)>,
    scale: Scale,
}

/// Rows that the memory is of.
const LONG_ROWS: u32 = 4_096;
/// A value moves it by no more than so many deviations do.
const CLIP: f64 = 3.0;
/// Rows that steps are remembered for.
const STEPS: u32 = 1_024;
/// Rows before it means anything.
const WARM_UP: u32 = 16;

impl Alone {
    pub(super) fn new(width: usize) -> Self {
        Self {
            values: vec![ExponentialMoments::default(); width],
            steps: vec![(0.0, f64::NAN); width],
            scale: Scale::default(),
        }
    }

    fn is_warm(&self) -> bool {
        self.values.iter().any(|value| value.count() >= WARM_UP)
    }

    /// Squared deviations of the values, 0 where they are not known.
    pub(super) fn squares<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.values.iter().zip(row).map(|(value, x)| {
            if value.count() < WARM_UP || x.is_nan() {
                return 0.0;
            }
            let deviations = (x - value.mean()) / value.deviation();
            deviations * deviations
        })
    }

    fn distance(&self, row: &[f64]) -> Option<f64> {
        self.is_warm()
            .then(|| self.squares(row).sum::<f64>().sqrt())
    }

    pub(super) fn depth(&self, row: &[f64]) -> Option<f64> {
        self.scale.depth(self.distance(row)?)
    }

    /// Learns a row; returns its depth before.
    pub(super) fn score_learn(&mut self, row: &[f64]) -> Option<f64> {
        let distance = self.distance(row);
        let depth = distance.and_then(|distance| self.scale.depth(distance));
        if let Some(distance) = distance {
            self.scale.learn(distance, depth);
        }
        for (value, x) in self.values.iter_mut().zip(row) {
            if x.is_nan() {
                continue;
            }
            let most = CLIP * value.deviation();
            let apart = x - value.mean();
            let apart = if value.count() < WARM_UP {
                apart
            } else {
                apart.clamp(-most, most)
            };
            value.push(value.mean() + apart, LONG_ROWS);
        }
        for ((value, (square, last)), x) in self.values.iter().zip(&mut self.steps).zip(row) {
            let most = 2.0 * CLIP * value.deviation();
            let step = (x - *last).clamp(-most, most);
            if !step.is_nan() {
                *square += (step * step - *square) / f64::from(value.count().clamp(1, STEPS));
            }
            *last = *x;
        }
        depth
    }

    /// How alike neighbouring rows are in the value in which they are most: their correlation.
    pub(super) fn likeness(&self) -> f64 {
        let of = self.values.iter().zip(&self.steps);
        let of = of.map(|(value, (square, _))| {
            let variance = value.deviation() * value.deviation();
            if value.count() < WARM_UP || value.variance() <= 0.0 {
                0.0
            } else {
                1.0 - square / (2.0 * variance)
            }
        });
        of.fold(0.0, f64::max)
    }

    /// The row with values that lie far off brought nearer: a strange row must not make those beside it strange.
    pub(super) fn tamed(&self, row: &[f64]) -> Vec<f64> {
        let tame = |(value, x): (&ExponentialMoments, &f64)| {
            if value.count() < WARM_UP {
                return *x;
            }
            let most = CLIP * value.deviation();
            x.clamp(value.mean() - most, value.mean() + most)
        };
        self.values.iter().zip(row).map(tame).collect()
    }

    /// Bands of the values; nothing while too little is known.
    pub(super) fn expected(&self) -> Vec<Expected> {
        if !self.values.iter().all(|value| value.count() >= WARM_UP) {
            return Vec::new();
        }
        let around = |value: &ExponentialMoments| Expected::around(value.mean(), value.deviation());
        self.values.iter().map(around).collect()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<ExponentialMoments>()
            + self.steps.capacity() * size_of::<(f64, f64)>()
            + self.scale.heap_bytes()
    }

    pub(super) fn is_sound(&self, width: usize) -> bool {
        self.values.len() == width && self.steps.len() == width && self.scale.is_sound()
    }
}
