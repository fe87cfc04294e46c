//! Contributions for detectors that only give a score: what does the score owe to one feature?

use crate::rows::{Expected, Explanation};

/// Weighs each feature by what the score loses when its value is replaced by the expected middle, and what it gains when that of the
/// middle row is replaced by its value: the first and last term of its Shapley value. Where a score saturates, one of them still tells.
///
/// Costs two scores a feature.
///
/// # References
/// Štrumbelj, Kononenko, "An Efficient Explanation of Individual Classifications using Game Theory", JMLR 2010.
pub(super) fn explain(
    row: &[f64],
    expected: Vec<Expected>,
    score: impl Fn(&[f64]) -> f64,
) -> Explanation {
    if expected.is_empty() {
        return Explanation::from_weights(vec![0.0; row.len()], expected);
    }
    let middle: Vec<f64> = expected.iter().map(|expected| expected.middle).collect();
    let (whole, none) = (score(row), score(&middle));
    let (mut without, mut alone) = (row.to_vec(), middle.clone());
    let weights = (0..row.len())
        .map(|feature| {
            without[feature] = middle[feature];
            alone[feature] = row[feature];
            let weight = (whole - score(&without)).max(0.0) + (score(&alone) - none).max(0.0);
            without[feature] = row[feature];
            alone[feature] = middle[feature];
            weight
        })
        .collect();
    Explanation::from_weights(weights, expected)
}
