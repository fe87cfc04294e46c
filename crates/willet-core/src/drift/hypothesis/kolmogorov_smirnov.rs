use libm::{exp, expm1, lgamma, log, log1p, pow};

/// What a Kolmogorov–Smirnov test found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Ks {
    /// Largest difference of the two distribution functions, in 0..=1.
    pub statistic: f64,
    /// Chance of at least this statistic where both samples are drawn from the same continuous distribution.
    pub p_value: f64,
}

/// How the p-value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KsMethod {
    /// By counting lattice paths: `O(n m)`; ties make it conservative. `method='exact'` of `scipy`.
    Exact,
    /// From the distribution of one sample of n m / (n + m) values: fast, good from some dozens of values on. `method='asymp'` of `scipy`.
    Asymptotic,
}

/// Two-sided Kolmogorov–Smirnov test of two samples, as `scipy.stats.ks_2samp`; `None` where one is empty or holds what is not finite.
///
/// # References
/// Hodges, "The significance probability of the Smirnov two-sample test", Arkiv för Matematik 1958.
pub fn ks_2samp(a: &[f64], b: &[f64], method: KsMethod) -> Option<Ks> {
    if a.is_empty() || b.is_empty() || !a.iter().chain(b).all(|x| x.is_finite()) {
        return None;
    }
    let sorted = |sample: &[f64]| {
        let mut sorted = sample.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    let (n, m) = (a.len(), b.len());
    let steps = ks_steps(&sorted(a), &sorted(b));
    let statistic = steps as f64 / (n as f64 * m as f64);
    let p_value = match method {
        KsMethod::Exact => ks_exact_p(steps, n, m),
        KsMethod::Asymptotic => kolmogorov_survival(effective_size(n, m), statistic),
    };
    Some(Ks { statistic, p_value })
}

/// The number of values of one sample that tells as much as two of these sizes.
pub(crate) fn effective_size(n: usize, m: usize) -> u64 {
    let (n, m) = (n as f64, m as f64);
    // Halves to the even number, as SciPy (and IEEE 754) has it.
    (n * m / (n + m)).round_ties_even() as u64
}

/// The statistic of two sorted samples times `n m`: a whole number.
pub(crate) fn ks_steps<T: PartialOrd + Copy>(a: &[T], b: &[T]) -> u64 {
    let (n, m) = (a.len() as i64, b.len() as i64);
    let (mut i, mut j) = (0, 0);
    let (mut apart, mut largest) = (0_i64, 0_i64);
    while i < a.len() && j < b.len() {
        let x = if a[i] < b[j] { a[i] } else { b[j] };
        while i < a.len() && a[i] <= x {
            i += 1;
            apart += m;
        }
        while j < b.len() && b[j] <= x {
            j += 1;
            apart -= n;
        }
        largest = largest.max(apart.abs());
    }
    largest as u64
}

/// Exact chance that the statistic of samples of `n` and `m` values is at least `steps / (n m)`.
///
/// A merged order of both samples is a path over a lattice, all equally likely; the recursion is over the chance that a path to
/// a point has left the band before. All its terms are positive, so a small p-value keeps its digits.
pub fn ks_exact_p(steps: u64, n: usize, m: usize) -> f64 {
    if steps == 0 {
        return 1.0;
    }
    let is_outside = |i: usize, j: usize| {
        let apart = i as i128 * m as i128 - j as i128 * n as i128;
        apart.unsigned_abs() >= u128::from(steps)
    };
    let mut left = vec![0.0_f64; m + 1];
    for i in 0..=n {
        for j in 0..=m {
            left[j] = if is_outside(i, j) {
                1.0
            } else if i + j == 0 {
                0.0
            } else {
                let below = if i > 0 { left[j] * i as f64 } else { 0.0 };
                let beside = if j > 0 { left[j - 1] * j as f64 } else { 0.0 };
                (below + beside) / (i + j) as f64
            };
        }
    }
    left[m].clamp(0.0, 1.0)
}

/// Chance that the two-sided Kolmogorov–Smirnov statistic of one sample of `n` values exceeds `x`, as `scipy.stats.kstwo.sf`.
///
/// The regions and methods are those of Simard and L'Ecuyer; each is good to 1e-6 or much better where it is used.
///
/// # References
/// Simard, L'Ecuyer, "Computing the Two-Sided Kolmogorov-Smirnov Distribution", J. Stat. Software 2011.
pub fn kolmogorov_survival(n: u64, x: f64) -> f64 {
    if n == 0 || x <= 0.0 {
        return 1.0;
    }
    if x >= 1.0 {
        return 0.0;
    }
    let size = n as f64;
    let t = size * x;
    let square = t * x;
    let survival = if t <= 1.0 {
        if t <= 0.5 {
            return 1.0;
        }
        // Ruben, Gambino 1982: n! (2x − 1/n)ⁿ.
        -expm1(lgamma(size + 1.0) - size * log(size) + size * log(2.0 * t - 1.0))
    } else if t >= size - 1.0 {
        2.0 * exp(size * log1p(-x))
    } else if square >= 370.0 {
        0.0
    } else if x >= 0.5 || square >= if n <= 140 { 4.0 } else { 2.2 } {
        // Both sides at once are rarer than the p-value has digits.
        2.0 * one_sided(size, x)
    } else if n <= 140 || (n <= 100_000 && size * pow(x, 1.5) <= 1.4) {
        1.0 - durbin(n, x)
    } else {
        1.0 - pelz_good(size, x)
    };
    survival.clamp(0.0, 1.0)
}

/// Chance that the one-sided statistic of `n` values exceeds `x`: Smirnov's sum, whose terms are all positive.
fn one_sided(n: f64, x: f64) -> f64 {
    let last = (n * (1.0 - x)).floor();
    let mut sum = 0.0;
    let mut j = 0.0;
    while j <= last {
        let (up, down) = (x + j / n, 1.0 - x - j / n);
        if down > 0.0 {
            let choose = lgamma(n + 1.0) - lgamma(j + 1.0) - lgamma(n - j + 1.0);
            sum += exp(choose + (j - 1.0) * log(up) + (n - j) * log(down));
        }
        j += 1.0;
    }
    x * sum
}

/// Chance that the statistic stays below `x`, by Durbin's matrix in the form of Marsaglia, Tsang and Wang, "Evaluating Kolmogorov's
/// Distribution", J. Stat. Software 2003: n! / nⁿ times the middle of the n-th power of a matrix of 2 ⌈n x⌉ − 1 rows.
fn durbin(n: u64, x: f64) -> f64 {
    let t = n as f64 * x;
    let k = t.ceil() as usize;
    let size = 2 * k - 1;
    let h = k as f64 - t;
    let mut inverse_factorial = vec![1.0; size + 2];
    for i in 1..inverse_factorial.len() {
        inverse_factorial[i] = inverse_factorial[i - 1] / i as f64;
    }
    let mut powers = vec![1.0; size + 1];
    for i in 1..powers.len() {
        powers[i] = powers[i - 1] * h;
    }
    let mut matrix = vec![0.0; size * size];
    for i in 0..size {
        for j in 0..size.min(i + 2) {
            // The first column and the last row are short of what lies outside of the band.
            let mut entry = 1.0;
            if j == 0 {
                entry -= powers[i + 1];
            }
            if i == size - 1 {
                entry -= powers[size - j];
            }
            if i == size - 1 && j == 0 && 2.0 * h > 1.0 {
                entry += pow(2.0 * h - 1.0, size as f64);
            }
            matrix[i * size + j] = entry * inverse_factorial[i + 1 - j];
        }
    }
    let (power, exponent) = matrix_power(&matrix, size, n);
    let middle = power[(k - 1) * size + k - 1];
    if middle <= 0.0 {
        return 0.0;
    }
    let size = n as f64;
    exp(log(middle) + exponent + lgamma(size + 1.0) - size * log(size)).min(1.0)
}

/// A power of a square matrix and the logarithm of what it must be multiplied with.
fn matrix_power(matrix: &[f64], size: usize, mut power: u64) -> (Vec<f64>, f64) {
    let mut result = vec![0.0; size * size];
    (0..size).for_each(|i| result[i * size + i] = 1.0);
    let mut base = matrix.to_vec();
    let (mut of_result, mut of_base) = (0.0, 0.0);
    while power > 0 {
        if power % 2 == 1 {
            result = product(&result, &base, size);
            of_result += of_base + rescale(&mut result);
        }
        base = product(&base, &base, size);
        of_base = 2.0 * of_base + rescale(&mut base);
        power /= 2;
    }
    (result, of_result)
}

/// Divides by the largest entry and gives its logarithm: powers must neither overflow nor vanish.
fn rescale(matrix: &mut [f64]) -> f64 {
    let largest = matrix.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return 0.0;
    }
    matrix.iter_mut().for_each(|x| *x /= largest);
    log(largest)
}

fn product(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut out = vec![0.0; size * size];
    for (row, line) in a.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
        for (x, other) in row.iter().zip(b.chunks_exact(size)) {
            if *x != 0.0 {
                for (sum, y) in line.iter_mut().zip(other) {
                    *sum += x * y;
                }
            }
        }
    }
    out
}

/// Chance that the statistic stays below `x`, by an expansion in 1 / √n: Kolmogorov's limit and three corrections.
///
/// # References
/// Pelz, Good, "Approximating the Lower Tail-Areas of the Kolmogorov-Smirnov One-Sample Statistic", JRSS B 1976.
fn pelz_good(n: f64, x: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    let z = n.sqrt() * x;
    let (z2, p2) = (z * z, PI * PI);
    let (z4, p4) = (z2 * z2, p2 * p2);
    let (z6, p6) = (z4 * z2, p4 * p2);
    let mut sums = [0.0_f64; 6];
    for k in 0..40 {
        // Half whole numbers carry the limit and its corrections, whole ones what two of these have beside.
        let (half, whole) = (f64::from(k) + 0.5, f64::from(k + 1));
        let weight = exp(-half * half * p2 / (2.0 * z2));
        let (h2, h4) = (half * half, half * half * half * half);
        let h6 = h4 * h2;
        sums[0] += weight;
        sums[1] += (p2 * h2 - z2) * weight;
        sums[2] +=
            (6.0 * z6 + 2.0 * z4 + p2 * (2.0 * z4 - 5.0 * z2) * h2 + p4 * (1.0 - 2.0 * z2) * h4)
                * weight;
        sums[3] += (-30.0 * z6 - 90.0 * z6 * z2
            + p2 * (135.0 * z4 - 96.0 * z6) * h2
            + p4 * (212.0 * z4 - 60.0 * z2) * h4
            + p6 * (5.0 - 30.0 * z2) * h6)
            * weight;
        let weight = exp(-whole * whole * p2 / (2.0 * z2));
        let w2 = whole * whole;
        sums[4] += p2 * w2 * weight;
        sums[5] += (3.0 * p2 * w2 * z2 - p4 * w2 * w2) * weight;
    }
    let root = TAU.sqrt();
    // Each sum over all whole numbers is twice the sum over one side; the first of them is Kolmogorov's.
    let k0 = root / z * sums[0];
    let k1 = root / (6.0 * z4) * sums[1];
    let k2 = root / (72.0 * z6 * z) * sums[2] - root / (36.0 * z2 * z) * sums[4];
    let k3 = root / (6_480.0 * z6 * z4) * sums[3] + root / (216.0 * z6) * sums[5];
    k0 + k1 / n.sqrt() + k2 / n + k3 / (n * n.sqrt())
}
