use libm::fabs;
use smallvec::SmallVec;

/// Median and deviation by the median of absolute deviations; where that is 0, by their mean.
pub(crate) fn robust(values: &[f64]) -> (f64, f64) {
    let median = |values: &mut [f64]| {
        values.sort_unstable_by(f64::total_cmp);
        let n = values.len();
        if n == 0 {
            0.0
        } else {
            f64::midpoint(values[(n - 1) / 2], values[n / 2])
        }
    };
    let mut sorted: SmallVec<[f64; 32]> = SmallVec::from_slice(values);
    let middle = median(&mut sorted);
    sorted.iter_mut().for_each(|x| *x = fabs(*x - middle));
    let mean = sorted.iter().sum::<f64>() / sorted.len().max(1) as f64;
    let unit = 1.4826 * median(&mut sorted);
    // One value among equal ones is wild; a few are not.
    (middle, if unit > 0.0 { unit } else { mean })
}
