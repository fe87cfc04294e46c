use crate::detectors::Detector;
use crate::error::WidthError;
use crate::rows::{Explanation, Raw, Rows};

/// Values at which a row would be normal: the guilty feature moved towards what is expected of it, as little as is enough.
///
/// Features are tried by their share in the score. Where moving the first is not enough it stays at its expected value and the next
/// is moved too, up to three. Empty where that does not help, or where the detector does not know what to expect.
/// `is_normal` judges a row and its score; at most some dozen scores are asked for.
///
/// # References
/// Wachter, Mittelstadt, Russell, "Counterfactual Explanations without Opening the Black Box", 2017.
pub fn counterfactual(
    detector: &dyn Detector,
    row: &[f64],
    explanation: &Explanation,
    is_normal: impl Fn(&[f64], f64) -> bool,
) -> Result<Vec<(usize, f64)>, WidthError> {
    let normal = |candidate: &[f64]| -> Result<bool, WidthError> {
        let mut out = [Raw::WarmingUp];
        detector.score(Rows::one(candidate), &mut out)?;
        Ok(out[0]
            .score()
            .is_some_and(|score| is_normal(candidate, score)))
    };
    let mut order: Vec<usize> = (0..row.len()).collect();
    let share = |feature: &usize| {
        explanation
            .contributions
            .get(*feature)
            .copied()
            .unwrap_or(0.0)
    };
    order.sort_by(|a, b| share(b).total_cmp(&share(a)));
    let mut candidate = row.to_vec();
    let mut moved = Vec::new();
    for feature in order.into_iter().take(MOST_FEATURES) {
        let Some(expected) = explanation.expected.get(feature) else {
            break;
        };
        candidate[feature] = expected.middle;
        if !normal(&candidate)? {
            moved.push((feature, expected.middle));
            continue;
        }
        // Between the farthest value known to be normal and the nearest known not to be.
        let (mut near, mut far) = (expected.middle, row[feature]);
        let edge = if far > near {
            expected.high
        } else {
            expected.low
        };
        let first = Some(edge).filter(|edge| (far - edge) * (edge - near) > 0.0);
        for step in 0..STEPS {
            let between = first
                .filter(|_| step == 0)
                .unwrap_or(f64::midpoint(near, far));
            candidate[feature] = between;
            if normal(&candidate)? {
                near = between;
            } else {
                far = between;
            }
        }
        moved.push((feature, near));
        return Ok(moved);
    }
    Ok(Vec::new())
}

/// Features moved at most: an answer with more of them tells nobody what to do.
const MOST_FEATURES: usize = 3;
/// Halvings of the distance: to about a hundredth of it.
const STEPS: usize = 7;
