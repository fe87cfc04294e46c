//! Contributions for detectors that only give a score: what does the score lose when one feature is made normal?

use crate::rows::{Expected, Explanation};

/// Weighs each feature by the drop of the score when its value is replaced by the expected middle.
///
/// Costs one score a feature.
pub(super) fn explain(
    row: &[f64],
    expected: Vec<Expected>,
    score: impl Fn(&[f64]) -> f64,
) -> Explanation {
    if expected.is_empty() {
        return Explanation::from_weights(vec![0.0; row.len()], expected);
    }
    let whole = score(row);
    let mut changed = row.to_vec();
    let weights = (0..row.len())
        .map(|feature| {
            changed[feature] = expected[feature].middle;
            let drop = whole - score(&changed);
            changed[feature] = row[feature];
            drop
        })
        .collect();
    Explanation::from_weights(weights, expected)
}
