use libm::log;

/// Population stability index of two histograms over the same bins: Σ (p − q) ln(p / q) of the shares of the bins, 0 or more. Half a
/// value is added to each bin, so that an empty one does not make it infinite. By custom below 0.1 is stable, above 0.2 (some say
/// 0.25) is a change. `None` where lengths differ or there is no bin.
///
/// # References
/// Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan University 2018.
pub fn psi(reference: &[f64], current: &[f64]) -> Option<f64> {
    if reference.len() != current.len() || reference.is_empty() {
        return None;
    }
    let bins = reference.len() as f64;
    let total = |counts: &[f64]| counts.iter().sum::<f64>() + HALF * bins;
    let (all_p, all_q) = (total(current), total(reference));
    let parts = current.iter().zip(reference).map(|(p, q)| {
        let (p, q) = ((p + HALF) / all_p, (q + HALF) / all_q);
        (p - q) * log(p / q)
    });
    Some(parts.sum())
}

/// Jeffreys' prior for a share.
const HALF: f64 = 0.5;

/// First Wasserstein (earth mover's) distance of two samples, in the unit of the values, as `scipy.stats.wasserstein_distance`; `None`
/// where a sample is empty or holds what is not finite. `O(n log n)`.
///
/// # References
/// Vallender, "Calculation of the Wasserstein Distance Between Probability Distributions on the Line", 1974.
pub fn wasserstein_distance(a: &[f64], b: &[f64]) -> Option<f64> {
    let sorted = |sample: &[f64]| {
        let mut sorted = sample.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    if a.is_empty() || b.is_empty() || !a.iter().chain(b).all(|x| x.is_finite()) {
        return None;
    }
    Some(wasserstein_sorted(&sorted(a), &sorted(b)))
}

/// The same of two sorted samples that are not empty: the area between their distribution functions.
pub(crate) fn wasserstein_sorted(a: &[f64], b: &[f64]) -> f64 {
    let (per_a, per_b) = (1.0 / a.len() as f64, 1.0 / b.len() as f64);
    let (mut i, mut j) = (0, 0);
    let mut last = a[0].min(b[0]);
    let mut area = 0.0;
    while i < a.len() || j < b.len() {
        let next = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) | (None, Some(x)) => *x,
            (None, None) => break,
        };
        area += (i as f64 * per_a - j as f64 * per_b).abs() * (next - last);
        last = next;
        while a.get(i).is_some_and(|x| *x <= next) {
            i += 1;
        }
        while b.get(j).is_some_and(|x| *x <= next) {
            j += 1;
        }
    }
    area
}
