//! How good were the scores? Measures against labels.

/// Measures of one scored, labelled series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Rows counted.
    pub rows: usize,
    /// Rows labelled as anomalies.
    pub positives: usize,
    /// Probability that an anomaly scores above a normal row, ties half.
    pub roc_auc: f64,
    /// Mean precision at each anomaly, ties taken together.
    pub average_precision: f64,
    /// Best harmonic mean of precision and recall over all thresholds.
    pub best_f1: f64,
    /// Threshold that gives it.
    pub best_threshold: f64,
}

/// Measures scores against labels (true is an anomaly); `None` where all labels are equal.
/// Rows without a score count as the lowest: pass negative infinity.
///
/// `O(n log n)`.
///
/// # References
/// Hanley, `McNeil`, "The Meaning and Use of the Area under a ROC Curve", Radiology 1982.
pub fn evaluate(scores: &[f64], labels: &[bool]) -> Option<Evaluation> {
    debug_assert_eq!(scores.len(), labels.len());
    let positives = labels.iter().filter(|label| **label).count();
    let negatives = labels.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));

    let (mut hits, mut misses) = (0_usize, 0_usize);
    let (mut pairs, mut precision_sum) = (0.0, 0.0);
    let (mut best_f1, mut best_threshold) = (0.0, f64::INFINITY);
    for group in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let found = group.iter().filter(|row| labels[**row]).count();
        let wrong = group.len() - found;
        // Anomalies before this group beat its normal rows; those inside tie.
        pairs += hits as f64 * wrong as f64 + 0.5 * found as f64 * wrong as f64;
        hits += found;
        misses += wrong;
        let precision = hits as f64 / (hits + misses) as f64;
        precision_sum += found as f64 * precision;
        let f1 = 2.0 * hits as f64 / (hits + misses + positives) as f64;
        if f1 > best_f1 {
            (best_f1, best_threshold) = (f1, scores[group[0]]);
        }
    }
    Some(Evaluation {
        rows: labels.len(),
        positives,
        roc_auc: pairs / (positives as f64 * negatives as f64),
        average_precision: precision_sum / positives as f64,
        best_f1,
        best_threshold,
    })
}

/// Counts of a system's own decisions against labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Anomalies flagged.
    pub hits: usize,
    /// Normal rows flagged.
    pub false_alarms: usize,
    /// Anomalies not flagged.
    pub misses: usize,
    /// Rows counted.
    pub rows: usize,
}

impl Decisions {
    /// Counts one row.
    pub fn count(&mut self, is_flagged: bool, is_anomaly: bool) {
        self.rows += 1;
        self.hits += usize::from(is_flagged && is_anomaly);
        self.false_alarms += usize::from(is_flagged && !is_anomaly);
        self.misses += usize::from(!is_flagged && is_anomaly);
    }

    /// Share of flags that were right; `None` without flags.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.hits, self.hits + self.false_alarms)
    }

    /// Share of anomalies flagged; `None` without anomalies.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.hits, self.hits + self.misses)
    }

    /// Share of rows flagged.
    pub fn alarm_rate(&self) -> Option<f64> {
        ratio(self.hits + self.false_alarms, self.rows)
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn roc_auc_is_the_share_of_pairs_in_order(rows in prop::collection::vec((0u8..20, any::<bool>()), 2..60)) {
            let scores: Vec<f64> = rows.iter().map(|(score, _)| f64::from(*score)).collect();
            let labels: Vec<bool> = rows.iter().map(|(_, label)| *label).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (a, _) in rows.iter().filter(|(_, label)| *label) {
                for (b, _) in rows.iter().filter(|(_, label)| !*label) {
                    pairs += 1.0;
                    won += match a.cmp(b) { std::cmp::Ordering::Greater => 1.0, std::cmp::Ordering::Equal => 0.5, std::cmp::Ordering::Less => 0.0 };
                }
            }
            if let Some(found) = evaluate(&scores, &labels) { prop_assert!((found.roc_auc - won / pairs).abs() < 1e-12) } else { prop_assert_eq!(pairs, 0.0) }
        }
    }

    /// By hand: hits at ranks 1, 3 and 4 of 5.
    #[test]
    fn average_precision_and_best_f1_by_hand() {
        let found = evaluate(
            &[0.9, 0.8, 0.7, 0.6, 0.1],
            &[true, false, true, true, false],
        )
        .expect("both labels");
        assert!((found.average_precision - (1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0).abs() < 1e-12);
        assert!((found.best_f1 - 6.0 / 7.0).abs() < 1e-12);
        assert_eq!(found.best_threshold, 0.6);
    }
}
