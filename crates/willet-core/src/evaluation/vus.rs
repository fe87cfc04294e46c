//! Volume under the surface: precision and recall with soft borders around labelled windows.

use super::labelled_windows;

/// Widest buffer around a window, in rows (both sides together), as in the TSB-AD benchmark.
const WIDEST_BUFFER: usize = 100;
/// Thresholds of each curve, as there.
const THRESHOLDS: usize = 250;

/// Volume under the precision-recall surface (VUS-PR): the area under a precision-recall curve that counts windows instead of
/// rows, averaged over buffers of 0 to 100 rows around them. In 0..=1; `None` without a labelled row.
///
/// Higher scores are stranger; rows without a score count as the lowest: pass negative infinity. Labels are those of one series in
/// order, true inside a labelled window. A row at distance `d` from a window counts as an anomaly by `√(1 − d/w)` where the buffer
/// `w` reaches it (up to `w/2` away), so that a score that comes a little early or late is not wrong altogether; recall is
/// weighted by the share of windows that were found at all.
///
/// `O(n log n + 100 · (rows in and beside windows))`.
///
/// # References
/// Paparrizos, Boniol, Palpanas, Tsay, Elmore, Franklin, "Volume Under the Surface: A New Accuracy Evaluation Measure for
/// Time-Series Anomaly Detection", VLDB 2022.
pub fn vus_pr(scores: &[f64], labels: &[bool]) -> Option<f64> {
    debug_assert_eq!(scores.len(), labels.len());
    let windows = labelled_windows(labels);
    if windows.is_empty() {
        return None;
    }
    let curve = Thresholds::of(scores);
    let mut inside = vec![0.0; THRESHOLDS];
    for row in (0..labels.len()).filter(|row| labels[*row]) {
        inside[curve.first[row]] += 1.0;
    }
    let positives: f64 = inside.iter().sum();
    let mut near = vec![0.0; labels.len()];
    let area: f64 = (0..=WIDEST_BUFFER)
        .map(|buffer| {
            let reach = buffer / 2;
            // What rows beside the windows count, by the first threshold that takes them.
            let mut beside = vec![0.0; THRESHOLDS];
            for window in &windows {
                for (row, distance) in beside_window(window, reach, labels.len()) {
                    near[row] += libm::sqrt(1.0 - distance as f64 / buffer as f64);
                }
            }
            for window in &windows {
                for (row, _) in beside_window(window, reach, labels.len()) {
                    if !labels[row] {
                        beside[curve.first[row]] += near[row].min(1.0);
                    }
                    // Taken: two windows may share a row.
                    near[row] = 0.0;
                }
            }
            let found = curve.found(scores, &joined(&windows, reach, labels.len()));
            let (mut hits, mut soft, mut recall, mut area) = (0.0, 0.0, 0.0, 0.0);
            for place in 0..THRESHOLDS {
                hits += inside[place] + beside[place];
                soft += beside[place];
                let weighted = (hits / (positives + soft / 2.0)).min(1.0) * found[place];
                area += (weighted - recall) * (hits / curve.taken[place] as f64);
                recall = weighted;
            }
            area
        })
        .sum();
    Some(area / (WIDEST_BUFFER + 1) as f64)
}

/// Where a curve is looked at: at quantiles of the scores, falling.
struct Thresholds {
    threshold: Vec<f64>,
    /// Rows at or above each.
    taken: Vec<usize>,
    /// The first threshold that takes a row.
    first: Vec<usize>,
}

impl Thresholds {
    fn of(scores: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let last = scores.len() - 1;
        let step = last as f64 / (THRESHOLDS - 1) as f64;
        let threshold: Vec<f64> = (0..THRESHOLDS)
            .map(|place| match place {
                place if place == THRESHOLDS - 1 => last,
                place => (place as f64 * step) as usize,
            })
            .map(|rank| scores[order[rank]])
            .collect();
        let taken: Vec<usize> = threshold
            .iter()
            .map(|threshold| order.partition_point(|row| scores[*row] >= *threshold))
            .collect();
        let mut first = vec![0; scores.len()];
        for (rank, row) in order.into_iter().enumerate() {
            first[row] = taken.partition_point(|taken| *taken <= rank);
        }
        Self {
            threshold,
            taken,
            first,
        }
    }

    /// Share of the ranges with a row at or above each threshold.
    fn found(&self, scores: &[f64], ranges: &[std::ops::Range<usize>]) -> Vec<f64> {
        let strongest: Vec<f64> = ranges
            .iter()
            .map(|range| {
                scores[range.clone()]
                    .iter()
                    .copied()
                    .fold(f64::NEG_INFINITY, f64::max)
            })
            .collect();
        let share = |threshold: &f64| {
            let found = strongest.iter().filter(|score| **score >= *threshold);
            found.count() as f64 / strongest.len() as f64
        };
        self.threshold.iter().map(share).collect()
    }
}

/// Rows up to `reach` beside a window, each with its distance.
fn beside_window(
    window: &std::ops::Range<usize>,
    reach: usize,
    rows: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let (start, last) = (window.start, window.end - 1);
    let after = (window.end..rows.min(window.end + reach)).map(move |row| (row, row - last));
    let before = (start.saturating_sub(reach)..start).map(move |row| (row, start - row));
    after.chain(before)
}

/// Windows with their buffers, those that touch as one.
fn joined(
    windows: &[std::ops::Range<usize>],
    reach: usize,
    rows: usize,
) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::with_capacity(windows.len());
    for window in windows {
        let (start, end) = (
            window.start.saturating_sub(reach),
            rows.min(window.end + reach),
        );
        match out.last_mut() {
            Some(before) if start < before.end => before.end = end,
            _ => out.push(start..end),
        }
    }
    out
}
