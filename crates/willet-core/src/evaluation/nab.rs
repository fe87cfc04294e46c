//! The scoring rule of the Numenta Anomaly Benchmark: early in a labelled window is better than late, once is enough.

use std::ops::Range;

use super::labelled_windows;

/// What hits, false alarms and misses weigh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NabProfile {
    /// A window found in its first row.
    pub hit: f64,
    /// A row flagged far from a window.
    pub false_alarm: f64,
    /// A window not found.
    pub miss: f64,
}

impl NabProfile {
    /// The standard profile of NAB 1.1.
    pub const STANDARD: Self = Self {
        hit: 1.0,
        false_alarm: 0.11,
        miss: 1.0,
    };
    /// The one that rewards few false alarms.
    pub const LOW_FALSE_ALARMS: Self = Self {
        hit: 1.0,
        false_alarm: 0.22,
        miss: 1.0,
    };
    /// The one that rewards few misses.
    pub const LOW_MISSES: Self = Self {
        hit: 1.0,
        false_alarm: 0.11,
        miss: 2.0,
    };
}

/// A scored, labelled series, for [`nab`].
#[derive(Clone, Copy, Debug)]
pub struct LabelledSeries<'a> {
    /// A score for each row, higher is stranger; negative infinity where there is none.
    pub scores: &'a [f64],
    /// True inside a labelled window.
    pub labels: &'a [bool],
    /// Rows at the beginning that are not counted.
    pub probation: usize,
}

/// Score of a threshold under the NAB rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nab {
    /// 100 for finding every window in its first row with no false alarm, 0 for never saying anything; it may be negative.
    pub score: f64,
    /// The threshold: rows at or above it are flagged. Infinite where flagging nothing is best.
    pub threshold: f64,
}

/// Rows that NAB does not count at the beginning of a series: 15 %, at most 750.
pub fn nab_probation(rows: usize) -> usize {
    (rows * 15 / 100).min(750)
}

/// The best score under the NAB rule that one threshold for all series can have, and that threshold.
///
/// In each window the best placed flag counts, by a sigmoid that falls from its first row to its last; other flags in it count
/// nothing. A flag outside costs, little just behind a window and all of it far away. The score is scaled between that of a detector
/// that never flags (0) and a perfect one (100). `None` where no row is inside a window.
///
/// `O(n log n)` in the rows of all series.
///
/// # References
/// Lavin, Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", ICMLA 2015.
pub fn nab(series: &[LabelledSeries<'_>], profile: NabProfile) -> Option<Nab> {
    let mut rows: Vec<Placed> = Vec::new();
    let (mut windows, mut countable) = (0, 0);
    for one in series {
        debug_assert_eq!(one.scores.len(), one.labels.len());
        let found = labelled_windows(one.labels);
        for (row, (window, weight)) in placed(&found, one.labels.len())
            .into_iter()
            .enumerate()
            .skip(one.probation)
        {
            rows.push(Placed {
                score: one.scores[row],
                window: window.map(|window| windows + window),
                weight,
            });
        }
        countable += found
            .iter()
            .filter(|window| window.end > one.probation)
            .count();
        windows += found.len();
    }
    if countable == 0 {
        return None;
    }
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    let null = -profile.miss * countable as f64;
    let perfect = profile.hit * windows as f64;
    let (mut best, mut threshold) = (null, f64::INFINITY);
    let mut seen: Vec<Option<f64>> = vec![None; windows];
    let (mut hits, mut false_alarms, mut missed) = (0.0, 0.0, countable);
    for group in rows.chunk_by(|a, b| a.score == b.score) {
        for row in group {
            let Some(window) = row.window else {
                false_alarms += row.weight;
                continue;
            };
            let earlier = seen[window];
            if earlier.is_none() {
                missed -= 1;
            }
            let gain = row.weight - earlier.unwrap_or(0.0);
            if earlier.is_none() || gain > 0.0 {
                hits += gain;
                seen[window] = Some(row.weight);
            }
        }
        let raw =
            profile.hit * hits + profile.false_alarm * false_alarms - profile.miss * missed as f64;
        if raw > best {
            (best, threshold) = (raw, group[0].score);
        }
    }
    Some(Nab {
        score: 100.0 * (best - null) / (perfect - null),
        threshold,
    })
}

/// A row as the rule sees it.
struct Placed {
    score: f64,
    window: Option<usize>,
    /// What a flag here counts: up to 1 in a window, down to -1 outside.
    weight: f64,
}

/// Window and weight of each row.
fn placed(windows: &[Range<usize>], rows: usize) -> Vec<(Option<usize>, f64)> {
    // Nothing before it makes a flag before the first window better.
    let mut out = vec![(None, -1.0); rows];
    let first_row = sigmoid(-1.0);
    for (index, window) in windows.iter().enumerate() {
        let (last, width) = (window.end - 1, window.len() as f64);
        for row in window.clone() {
            let place = -((last - row + 1) as f64) / width;
            out[row] = (Some(index), sigmoid(place) / first_row);
        }
        let next = windows.get(index + 1).map_or(rows, |next| next.start);
        for (row, out) in out.iter_mut().enumerate().take(next).skip(window.end) {
            // Behind a window of one row the quotient is infinite, which is far away.
            out.1 = sigmoid((row - last) as f64 / (width - 1.0));
        }
    }
    out
}

/// The benchmark's: 1 far inside, 0 at the end of the window, -1 from three widths behind it on.
fn sigmoid(place: f64) -> f64 {
    if place > 3.0 {
        return -1.0;
    }
    2.0 / (1.0 + libm::exp(5.0 * place)) - 1.0
}
