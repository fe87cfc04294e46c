//! Rows laid out so that their kernels with another row are quick to take.

/// Rows that lie side by side, feature by feature: their distances are taken together.
const LANES: usize = 8;

/// Rows by place, in blocks of [`LANES`].
#[derive(Clone, Debug)]
pub(super) struct Tiles {
    width: usize,
    values: Vec<f64>,
}

impl Tiles {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            values: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    /// Puts a row at a place; places before it that were never filled hold zeros.
    pub(super) fn put(&mut self, place: usize, row: impl Iterator<Item = f64>) {
        let tile = place / LANES * LANES * self.width;
        if self.values.len() <= tile {
            self.values.resize(tile + LANES * self.width, 0.0);
        }
        for (feature, x) in row.enumerate() {
            self.values[tile + feature * LANES + place % LANES] = x;
        }
    }

    pub(super) fn row(&self, place: usize) -> impl Iterator<Item = f64> + '_ {
        let tile = place / LANES * LANES * self.width;
        (0..self.width).map(move |feature| self.values[tile + feature * LANES + place % LANES])
    }

    /// exp(−γ·|x − y|²) for the rows at the first `out.len()` places.
    pub(super) fn kernels(&self, gamma: f64, row: &[f64], out: &mut [f64]) {
        let tiles = self.values.chunks_exact(LANES * self.width);
        for (tile, out) in tiles.zip(out.chunks_mut(LANES)) {
            let mut sums = [0.0; LANES];
            for (values, x) in tile.as_chunks::<LANES>().0.iter().zip(row) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    let difference = value - x;
                    *sum += difference * difference;
                }
            }
            let kernels = exp_minus(sums.map(|squared| gamma * squared));
            out.copy_from_slice(&kernels[..out.len()]);
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f64>()
    }
}

/// e^−x for x of 0 or more, within 2 units of the last place; 0 from 700 on.
///
/// Additions and multiplications only, so that its bits are the same everywhere as those of `libm` are, and no branch, so that
/// several are taken together: x = n·ln 2 + r, and the series of e^−r up to where it ends in a number's last place.
fn exp_minus(x: [f64; LANES]) -> [f64; LANES] {
    /// Adding it rounds to a whole number, which is then in the lowest bits.
    const ROUNDING: f64 = 6_755_399_441_055_744.0;
    /// ln 2 in two parts, of which the first times n is exact.
    const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    const FARTHEST: f64 = 700.0;
    let near = x.map(|x| if x < FARTHEST { x } else { FARTHEST });
    let rounded = near.map(|x| x * std::f64::consts::LOG2_E + ROUNDING);
    let mut rest = [0.0; LANES];
    for (rest, (near, rounded)) in rest.iter_mut().zip(near.iter().zip(&rounded)) {
        let n = rounded - ROUNDING;
        *rest = n * LN_2[0] - near + n * LN_2[1];
    }
    let mut series = [1.0; LANES];
    for over in INVERSES {
        for (series, rest) in series.iter_mut().zip(&rest) {
            *series = 1.0 + rest * over * *series;
        }
    }
    for (series, (x, rounded)) in series.iter_mut().zip(x.iter().zip(&rounded)) {
        // 2^−n by its exponent.
        let power = f64::from_bits(1.0_f64.to_bits().wrapping_sub(rounded.to_bits() << 52));
        *series = if *x < FARTHEST { *series * power } else { 0.0 };
    }
    series
}

/// 1/13, 1/12, ... 1: of a series by Horner's rule.
const INVERSES: [f64; 13] = [
    1.0 / 13.0,
    1.0 / 12.0,
    1.0 / 11.0,
    1.0 / 10.0,
    1.0 / 9.0,
    1.0 / 8.0,
    1.0 / 7.0,
    1.0 / 6.0,
    1.0 / 5.0,
    1.0 / 4.0,
    1.0 / 3.0,
    1.0 / 2.0,
    1.0,
];

/// A sum of products in four lanes: in an order that does not depend on the machine, and no sum waits for the one before.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Place of the first of the smallest sums of two; 0 of none.
pub(super) fn smallest(a: &[f64], b: &[f64]) -> usize {
    let ((a_fours, a_rest), (b_fours, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut lanes = [f64::INFINITY; 4];
    for (a, b) in a_fours.iter().zip(b_fours) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            let sum = a + b;
            *lane = if sum < *lane { sum } else { *lane };
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a + b);
    let least = rest.chain(lanes).fold(f64::INFINITY, f64::min);
    let place = a.iter().zip(b).position(|(a, b)| a + b == least);
    place.unwrap_or(0)
}

/// Place of the first of the largest values; 0 of none.
pub(super) fn largest(values: &[f32]) -> usize {
    let (fours, rest) = values.as_chunks::<4>();
    let mut lanes = [f32::NEG_INFINITY; 4];
    for four in fours {
        for (lane, x) in lanes.iter_mut().zip(four) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    let all = rest.iter().chain(&lanes).copied();
    let most = all.fold(f32::NEG_INFINITY, f32::max);
    values.iter().position(|x| *x == most).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use libm::exp;

    #[test]
    fn the_exponential_is_that_of_libm() {
        for step in 0..200_000 {
            let x = f64::from(step) * 0.0035;
            let (found, expected) = (exp_minus([x; LANES])[3], exp(-x));
            assert!(
                (found - expected).abs() <= 5e-16 * expected,
                "{x}: {found}, {expected}"
            );
        }
        let ends = [0.0, 700.0, 1e300, f64::INFINITY, 0.0, 0.0, 0.0, 700.0];
        assert_eq!(exp_minus(ends), [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn kernels_sums_and_the_smallest_are_those_of_one_by_one() {
        let mut random = Random::new(5);
        for (rows, width) in [(1, 1), (7, 3), (8, 2), (21, 10)] {
            let all: Vec<Vec<f64>> = (0..rows)
                .map(|_| (0..width).map(|_| random.unit()).collect())
                .collect();
            let mut tiles = Tiles::new(width);
            for (place, row) in all.iter().enumerate() {
                tiles.put(place, row.iter().copied());
            }
            let probe: Vec<f64> = (0..width).map(|_| random.unit()).collect();
            let mut out = vec![0.0; rows];
            tiles.kernels(0.7, &probe, &mut out);
            for (place, (row, kernel)) in all.iter().zip(&out).enumerate() {
                let squared: f64 = row.iter().zip(&probe).map(|(a, b)| (a - b) * (a - b)).sum();
                assert!((kernel - exp(-0.7 * squared)).abs() < 1e-15);
                assert!(tiles.row(place).eq(row.iter().copied()));
            }
            let slow: f64 = out.iter().map(|x| x * x).sum();
            assert!((dot(&out, &out) - slow).abs() < 1e-12);
            let least = out.iter().copied().fold(f64::INFINITY, f64::min);
            let single: Vec<f32> = out.iter().map(|x| *x as f32).collect();
            let most = single.iter().copied().fold(0.0, f32::max);
            assert_eq!(out[smallest(&out, &vec![0.0; rows])], least);
            assert_eq!(single[largest(&single)], most);
        }
    }
}
