use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::covariance::NARROW;
use super::{Covariance, dot, triangle};

/// A normal distribution of rows that is learned with exponential forgetting, and how far a row is from its middle.
///
/// The correlations are drawn towards none as if `width` rows without any had been seen beside it: the matrix can be inverted from
/// the first rows on. Distances use the correlations as they were when last looked at, every `1 + width² / 64` rows and at most every fourth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gaussian {
    covariance: Covariance,
    /// Cholesky's factor of the correlations when they were last looked at, the lower triangle row by row.
    factor: Vec<f64>,
    /// Rows until they are looked at again.
    until_factor: u64,
}

/// Lines of the factor that are worked on together.
const LINES: usize = 4;
/// What `sum` makes of no numbers: added to a number it changes none of its bits.
const EMPTY: f64 = -0.0;
/// Rows before distances mean anything.
pub(crate) const WARM_UP: u64 = 32;

impl Gaussian {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            covariance: Covariance::new(width),
            factor: vec![0.0; triangle(width)],
            until_factor: WARM_UP,
        }
    }

    pub(crate) fn covariance(&self) -> &Covariance {
        &self.covariance
    }

    pub(crate) fn is_warm(&self) -> bool {
        self.covariance.rows() >= WARM_UP
    }

    fn width(&self) -> usize {
        self.covariance.width()
    }

    fn every(&self) -> u64 {
        (1 + self.width() * self.width() / 64).max(4) as u64
    }

    /// Takes in a row; normal is that of about the last `window` rows.
    pub(crate) fn push(&mut self, row: &[f64], window: usize) {
        self.covariance.push(row, window);
        self.until_factor -= 1;
        if self.until_factor == 0 {
            self.factorise(window);
            self.until_factor = self.every();
        }
    }

    /// Cholesky's factor of the correlations.
    fn factorise(&mut self, window: usize) {
        let width = self.width();
        let seen = self.covariance.rows().min(window as u64) as f64;
        let kept = seen / (seen + width as f64);
        let mut deviations = SmallVec::<[f64; NARROW]>::new();
        deviations.extend((0..width).map(|feature| self.covariance.deviation(feature)));
        for (row, own) in deviations.iter().enumerate() {
            let (done, behind) = self.factor.split_at_mut(triangle(row));
            let this = &mut behind[..=row];
            let line = self.covariance.line(row);
            for column in 0..row {
                let other = &done[triangle(column)..=triangle(column) + column];
                let correlation = kept * line[column] / (own * deviations[column]);
                let rest = correlation - dot(&this[..column], &other[..column]);
                this[column] = rest / other[column];
            }
            let rest = 1.0 - dot(&this[..row], &this[..row]);
            // Rounding may take a little too much away; what is drawn towards none keeps it above this.
            this[row] = rest.max(1.0 - kept).max(1e-9).sqrt();
        }
    }

    /// The row in standard deviations with what each feature has in common with those before it taken out.
    fn whiten(&self, row: &[f64], whitened: &mut [f64]) {
        let mean = self.covariance.mean();
        let apart =
            |feature: usize| (row[feature] - mean[feature]) / self.covariance.deviation(feature);
        let line = |feature: usize| &self.factor[triangle(feature)..=triangle(feature) + feature];
        let whole = row.len() / LINES * LINES;
        for first in (0..whole).step_by(LINES) {
            // Each line's products are summed in their order. A sum waits for the one before it, several do not wait for each other.
            let lines: [&[f64]; LINES] = std::array::from_fn(|at| &line(first + at)[..first]);
            let mut sums = [EMPTY; LINES];
            for (column, x) in whitened[..first].iter().enumerate() {
                for (sum, line) in sums.iter_mut().zip(lines) {
                    *sum += line[column] * x;
                }
            }
            for (at, mut sum) in sums.into_iter().enumerate() {
                let (feature, line) = (first + at, line(first + at));
                for column in first..feature {
                    sum += line[column] * whitened[column];
                }
                whitened[feature] = (apart(feature) - sum) / line[feature];
            }
        }
        for feature in whole..row.len() {
            let line = line(feature);
            let rest = apart(feature) - dot(&line[..feature], &whitened[..feature]);
            whitened[feature] = rest / line[feature];
        }
    }

    /// Distance from the mean in standard deviations.
    pub(crate) fn distance(&self, row: &[f64]) -> f64 {
        let (mut narrow, mut wide);
        let whitened = if row.len() <= NARROW {
            narrow = [0.0; NARROW];
            &mut narrow[..row.len()]
        } else {
            wide = vec![0.0; row.len()];
            &mut wide[..]
        };
        self.whiten(row, whitened);
        dot(whitened, whitened).sqrt()
    }

    /// Each feature's part of the squared distance: its deviation times what is left of it beside the others. They sum to it.
    pub(crate) fn parts(&self, row: &[f64]) -> Vec<f64> {
        let mut solved = vec![0.0; row.len()];
        self.whiten(row, &mut solved);
        for feature in (0..solved.len()).rev() {
            solved[feature] /= self.factor[triangle(feature) + feature];
            let (value, line) = (solved[feature], triangle(feature));
            for (other, part) in solved[..feature].iter_mut().zip(&self.factor[line..]) {
                *other -= part * value;
            }
        }
        let mean = self.covariance.mean();
        let part = |(feature, solved): (usize, f64)| {
            (row[feature] - mean[feature]) / self.covariance.deviation(feature) * solved
        };
        solved.into_iter().enumerate().map(part).collect()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.covariance.heap_bytes() + self.factor.capacity() * size_of::<f64>()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub(crate) fn is_sound(&self, width: usize) -> bool {
        self.covariance.is_sound(width)
            && self.factor.len() == triangle(width)
            && self.factor.iter().all(|x| x.is_finite())
            && self.until_factor > 0
            && self.until_factor <= self.every().max(WARM_UP)
            && (!self.is_warm() || (0..width).all(|row| self.factor[triangle(row) + row] > 0.0))
    }
}
