use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::rows::Expected;

/// Mean and covariances of rows with exponential forgetting: until `window` rows came each weighs the same, then older ones weigh
/// less and less. `O(width²)` a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Covariance {
    rows: u64,
    mean: Vec<f64>,
    /// The lower triangle, row by row.
    values: Vec<f64>,
}

/// Rows up to this width need no memory from the heap.
pub(super) const NARROW: usize = 128;

/// Place of the first value of a row in a lower triangle that lies row by row; also the length of one of so many rows.
pub(crate) fn triangle(row: usize) -> usize {
    row * (row + 1) / 2
}

/// Sum of the products.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Covariance {
    /// Of rows of `width` values.
    pub fn new(width: usize) -> Self {
        Self {
            rows: 0,
            mean: vec![0.0; width],
            values: vec![0.0; triangle(width)],
        }
    }

    /// Values in a row.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// Rows taken in so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The means.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Covariance of two features, divided by the number of rows.
    pub fn of(&self, a: usize, b: usize) -> f64 {
        let (row, column) = (a.max(b), a.min(b));
        self.values[triangle(row) + column]
    }

    /// Covariances of a feature with those before it and with itself.
    pub(super) fn line(&self, feature: usize) -> &[f64] {
        &self.values[triangle(feature)..=triangle(feature) + feature]
    }

    /// Standard deviation of a feature, never 0: of a constant feature any other value is far away.
    pub fn deviation(&self, feature: usize) -> f64 {
        let least = (1e-9 * self.mean[feature].abs()).max(1e-12);
        self.of(feature, feature).max(0.0).sqrt().max(least)
    }

    /// Takes in a row.
    pub fn push(&mut self, row: &[f64], window: usize) {
        debug_assert_eq!(row.len(), self.width());
        self.rows += 1;
        let weight = 1.0 / self.rows.min(window as u64) as f64;
        let kept = 1.0 - weight;
        // The mean moves last: the products are of deviations from the mean before.
        let mut apart = SmallVec::<[f64; NARROW]>::new();
        apart.extend(row.iter().zip(&self.mean).map(|(x, mean)| x - mean));
        let mut rest = &mut self.values[..];
        for (own, own_apart) in apart.iter().enumerate() {
            let (line, behind) = rest.split_at_mut(own + 1);
            rest = behind;
            let share = weight * own_apart;
            for (value, other) in line.iter_mut().zip(&apart) {
                *value = kept * (*value + share * other);
            }
        }
        for (mean, x) in self.mean.iter_mut().zip(row) {
            *mean += weight * (x - *mean);
        }
    }

    /// What is normal of each feature.
    pub fn expected(&self) -> Vec<Expected> {
        let mean = self.mean.iter().enumerate();
        mean.map(|(feature, mean)| Expected::around(*mean, self.deviation(feature)))
            .collect()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        (self.mean.capacity() + self.values.capacity()) * size_of::<f64>()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub(crate) fn is_sound(&self, width: usize) -> bool {
        let all = self.mean.iter().chain(&self.values);
        self.mean.len() == width
            && self.values.len() == triangle(width)
            && all.into_iter().all(|x| x.is_finite())
    }
}

/// Eigenvalues, largest first, and vectors of a symmetric matrix that lies row by row, by Jacobi's rotations.
///
/// # References
/// Golub, Van Loan, "Matrix Computations", section 8.5.
pub(crate) fn eigen(mut matrix: Vec<f64>, width: usize) -> (Vec<f64>, Vec<f64>) {
    /// Far more than ever needed: each sweep squares what is left.
    const SWEEPS: usize = 30;
    let mut vectors = vec![0.0; width * width];
    (0..width).for_each(|i| vectors[i * width + i] = 1.0);
    let size: f64 = matrix.iter().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let beside = (0..width).flat_map(|i| (0..i).map(move |j| (i, j)));
        let left: f64 = beside
            .map(|(i, j)| matrix[i * width + j] * matrix[i * width + j])
            .sum();
        if left <= 1e-26 * size {
            break;
        }
        for p in 0..width {
            for q in p + 1..width {
                rotate(&mut matrix, &mut vectors, width, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..width).collect();
    let value = |i: usize| matrix[i * width + i];
    order.sort_by(|a, b| value(*b).total_cmp(&value(*a)));
    let columns = order.iter().map(|&of| (0..width).map(move |i| (i, of)));
    let sorted = columns.flatten().map(|(i, of)| vectors[i * width + of]);
    (order.iter().map(|&i| value(i)).collect(), sorted.collect())
}

/// Makes the value at (p, q) 0.
fn rotate(matrix: &mut [f64], vectors: &mut [f64], width: usize, p: usize, q: usize) {
    let beside = matrix[p * width + q];
    if beside == 0.0 {
        return;
    }
    let slope = (matrix[q * width + q] - matrix[p * width + p]) / (2.0 * beside);
    let tangent = slope.signum() / (slope.abs() + (slope * slope + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for i in 0..width {
        let (a, b) = (matrix[i * width + p], matrix[i * width + q]);
        matrix[i * width + p] = cosine * a - sine * b;
        matrix[i * width + q] = sine * a + cosine * b;
    }
    for i in 0..width {
        let (a, b) = (matrix[p * width + i], matrix[q * width + i]);
        matrix[p * width + i] = cosine * a - sine * b;
        matrix[q * width + i] = sine * a + cosine * b;
        let (a, b) = (vectors[i * width + p], vectors[i * width + q]);
        vectors[i * width + p] = cosine * a - sine * b;
        vectors[i * width + q] = sine * a + cosine * b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn eigenvectors_are_turned_into_themselves() {
        let mut random = Random::new(4);
        for width in [1, 2, 7, 20] {
            let mut matrix = vec![0.0; width * width];
            for i in 0..width {
                for j in 0..=i {
                    let value = random.unit() - 0.5;
                    matrix[i * width + j] = value;
                    matrix[j * width + i] = value;
                }
            }
            let (values, vectors) = eigen(matrix.clone(), width);
            assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
            for (value, vector) in values.iter().zip(vectors.chunks_exact(width)) {
                let length: f64 = vector.iter().map(|x| x * x).sum();
                assert!((length - 1.0).abs() < 1e-12);
                for (row, x) in matrix.chunks_exact(width).zip(vector) {
                    let turned: f64 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                    assert!((turned - value * x).abs() < 1e-10, "width {width}");
                }
            }
        }
    }

    #[test]
    fn until_the_window_is_full_every_row_weighs_the_same() {
        let mut random = Random::new(6);
        let mut covariance = Covariance::new(2);
        let rows: Vec<[f64; 2]> = (0..40)
            .map(|_| [1e6 + random.unit(), random.unit()])
            .collect();
        rows.iter().for_each(|row| covariance.push(row, 100));
        let count = rows.len() as f64;
        let mean = [0, 1].map(|f| rows.iter().map(|row| row[f]).sum::<f64>() / count);
        for (a, b) in [(0, 0), (0, 1), (1, 1)] {
            let sum: f64 = rows
                .iter()
                .map(|row| (row[a] - mean[a]) * (row[b] - mean[b]))
                .sum();
            assert!((covariance.of(a, b) - sum / count).abs() < 1e-9);
        }
    }
}
