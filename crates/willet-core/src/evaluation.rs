//! How good were the scores? Measures against labels.

mod nab;
mod vus;
mod windows;

pub use nab::{LabelledSeries, Nab, NabProfile, nab, nab_probation};
pub use vus::vus_pr;
pub use windows::{AS_PRECISE, Agreement, WindowCell, WindowChoice, choose_window};

use std::ops::Range;

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

/// The labelled windows of a series: its runs of true, in order.
pub fn labelled_windows(labels: &[bool]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut windows = Vec::new();
    for run in labels.chunk_by(|a, b| a == b) {
        if run[0] {
            windows.push(start..start + run.len());
        }
        start += run.len();
    }
    windows
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

    /// Scores without a pattern, ties where `modulus` is small, and one high score `shift` rows from the start of each window.
    fn series(
        rows: usize,
        windows: &[(usize, usize)],
        modulus: usize,
        shift: isize,
    ) -> (Vec<f64>, Vec<bool>) {
        let mut scores: Vec<f64> = (0..rows)
            .map(|row| (row * 7919 % modulus) as f64 / modulus as f64)
            .collect();
        let mut labels = vec![false; rows];
        for &(first, last) in windows {
            labels[first..=last].fill(true);
            scores[first.saturating_add_signed(shift)] += 0.75;
        }
        (scores, labels)
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
    }

    /// The expected numbers are those of `vus_pr`, `nab_points` and `nab_score` of the scorer that `make accuracy` calls (numpy, the
    /// definitions of TSB-AD and NAB 1.1), on the same scores.
    #[test]
    fn vus_pr_and_nab_are_those_of_the_reference() {
        const PROFILES: [NabProfile; 3] = [
            NabProfile::STANDARD,
            NabProfile::LOW_FALSE_ALARMS,
            NabProfile::LOW_MISSES,
        ];
        let first = series(400, &[(60, 80), (200, 203), (300, 339)], 1009, 2);
        let ties = series(400, &[(60, 80), (130, 160), (300, 339)], 50, -3);
        let short = series(90, &[(20, 29)], 11, 5);
        let cases = [
            (
                &first,
                0,
                0.547_379_864_287_486_2,
                [
                    93.309_922_537_053_05,
                    89.643_255_870_386_38,
                    95.539_948_358_035_36,
                ],
                0.993_062_438_057_482_6,
            ),
            (
                &ties,
                100,
                0.550_436_904_001_897,
                [
                    51.371_092_785_035_046,
                    27.457_634_562_249_9,
                    65.265_066_275_025_03,
                ],
                0.96,
            ),
            (
                &short,
                13,
                0.566_561_451_256_461_5,
                [
                    92.989_628_345_489_18,
                    92.989_628_345_489_18,
                    95.326_418_896_992_79,
                ],
                1.477_272_727_272_727_3,
            ),
        ];
        for ((values, labels), probation, vus, scores, threshold) in cases {
            close(vus_pr(values, labels).expect("windows"), vus);
            for (profile, score) in PROFILES.into_iter().zip(scores) {
                let one = LabelledSeries {
                    scores: values,
                    labels,
                    probation,
                };
                let found = nab(&[one], profile).expect("windows");
                close(found.score, score);
                close(found.threshold, threshold);
            }
        }
        let both = [(&first, 0), (&short, 13)].map(|(series, probation)| LabelledSeries {
            scores: &series.0,
            labels: &series.1,
            probation,
        });
        let expected = [
            93.229_848_989_162_1,
            90.479_848_989_162_08,
            95.486_565_992_774_73,
        ];
        for (profile, expected) in PROFILES.into_iter().zip(expected) {
            close(nab(&both, profile).expect("windows").score, expected);
        }
    }

    #[test]
    fn windows_at_the_edge_and_none_at_all() {
        assert_eq!(labelled_windows(&[true, false, true, true]), [0..1, 2..4]);
        assert_eq!(labelled_windows(&[]), []);
        assert_eq!(vus_pr(&[0.1, 0.2], &[false, false]), None);
        assert_eq!(vus_pr(&[], &[]), None);
        close(vus_pr(&[0.1], &[true]).expect("a window"), 1.0);
        let unscored = [f64::NEG_INFINITY, f64::NEG_INFINITY, 0.5];
        assert!(vus_pr(&unscored, &[true, false, false]).is_some_and(f64::is_finite));
        let one = |labels, probation| {
            let series = LabelledSeries {
                scores: &[0.9, 0.1, 0.2],
                labels,
                probation,
            };
            nab(&[series], NabProfile::STANDARD)
        };
        assert_eq!(one(&[false; 3], 0), None);
        assert_eq!(one(&[true, false, false], 1), None, "only in the probation");
        // A window of one row, found in its only row.
        let found = one(&[true, false, false], 0).expect("a window");
        assert_eq!(found.threshold, 0.9);
        close(found.score, 100.0);
    }

    proptest! {
        #[test]
        fn vus_pr_and_nab_stay_in_their_ranges(rows in prop::collection::vec((0u8..20, prop::bool::weighted(0.2)), 1..300)) {
            let scores: Vec<f64> = rows.iter().map(|(score, _)| f64::from(*score)).collect();
            let labels: Vec<bool> = rows.iter().map(|(_, label)| *label).collect();
            let has_window = labels.contains(&true);
            match vus_pr(&scores, &labels) {
                Some(found) => prop_assert!((0.0..=1.0 + 1e-12).contains(&found)),
                None => prop_assert!(!has_window),
            }
            match nab(&[LabelledSeries { scores: &scores, labels: &labels, probation: 0 }], NabProfile::STANDARD) {
                Some(found) => prop_assert!((0.0..=100.0 + 1e-9).contains(&found.score)),
                None => prop_assert!(!has_window),
            }
        }
    }
}
