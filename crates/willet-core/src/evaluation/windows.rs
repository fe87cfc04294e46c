//! Which window is long enough? Scores under one window size beside those under another, and a choice among measured sizes.

/// How alike two windows of one kind judge the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    rows: usize,
    apart: f64,
    both: usize,
    either: usize,
}

impl Agreement {
    /// Takes in the rows of a series: `anomaly_score` (not finite where there is none) and flag of each under either window.
    ///
    /// Give it rows from the one on that the smaller window has no room for: before it both hold the same rows, and agree for
    /// that reason only.
    pub fn take(&mut self, first: (&[f64], &[bool]), second: (&[f64], &[bool])) {
        for (a, b) in first.0.iter().zip(second.0) {
            if a.is_finite() && b.is_finite() {
                self.rows += 1;
                self.apart += (a - b).abs();
            }
        }
        for (a, b) in first.1.iter().zip(second.1) {
            self.both += usize::from(*a && *b);
            self.either += usize::from(*a || *b);
        }
    }

    /// One less the mean distance between the two scores of a row: 1 where all are equal. Scores that know nothing of each other
    /// come to 0.75 or so, for most rows of any series score between 0 and 0.5. `None` without a row that both scored.
    pub fn scores(&self) -> Option<f64> {
        (self.rows > 0).then(|| 1.0 - self.apart / self.rows as f64)
    }

    /// Of the rows that either flags, the share that both flag; `None` where there is none.
    pub fn flags(&self) -> Option<f64> {
        (self.either > 0).then(|| self.both as f64 / self.either as f64)
    }
}

/// One kind at one window size, measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowCell {
    /// Which kind it is; cells of one kind have one number.
    pub kind: usize,
    /// Rows of the window.
    pub size: usize,
    /// Time a row took, in any unit.
    pub cost: f64,
    /// Where rows have labels.
    pub average_precision: Option<f64>,
    /// [`Agreement::scores`] with the largest window of its kind; the largest has none.
    pub stability: Option<f64>,
}

/// The cell to take, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowChoice {
    /// The best average precision.
    MostPrecise(usize),
    /// An average precision within [`AS_PRECISE`] of the best, for less.
    AsPrecise {
        /// The one to take.
        chosen: usize,
        /// The best.
        best: usize,
    },
    /// The smallest window whose scores agree with those of the largest.
    Stable(usize),
    /// No window agrees with the largest, so the largest: a larger one may change scores still.
    Largest(usize),
}

impl WindowChoice {
    /// The cell to take.
    pub fn cell(self) -> usize {
        match self {
            Self::MostPrecise(cell) | Self::Stable(cell) | Self::Largest(cell) => cell,
            Self::AsPrecise { chosen, .. } => chosen,
        }
    }

    /// Which to take and why, in a sentence; `name` says what a kind is called.
    ///
    /// # Panics
    /// If the choice was made among other cells.
    pub fn advice<'a>(
        self,
        cells: &[WindowCell],
        name: impl Fn(usize) -> &'a str,
        tolerance: f64,
    ) -> String {
        let of = |cell: &WindowCell| format!("{} with a window of {}", name(cell.kind), cell.size);
        let precision = |cell: &WindowCell| cell.average_precision.unwrap_or_default();
        let cell = &cells[self.cell()];
        let sizes = || cells.iter().map(|cell| cell.size);
        let why = match self {
            Self::MostPrecise(_) => {
                format!(
                    "its average precision of {:.3} is the best",
                    precision(cell)
                )
            }
            Self::AsPrecise { best, .. } => format!(
                "its average precision of {:.3} is as good as any (the best, {}, has {:.3}) and it costs least",
                precision(cell),
                of(&cells[best]),
                precision(&cells[best]),
            ),
            Self::Stable(_) => format!(
                "no smaller window scores rows as the largest, {}, does, within {tolerance} (its scores are {:.3} away on \
                 average); which algorithm finds most, only labels can say",
                sizes().max().unwrap_or(cell.size),
                1.0 - cell.stability.unwrap_or(1.0),
            ),
            Self::Largest(_) if sizes().all(|size| size == cell.size) => {
                "it costs least, and there is no other size to hold against".to_owned()
            }
            Self::Largest(_) => format!(
                "no smaller window scores rows as the largest does within {tolerance} (other sizes or a larger tolerance may \
                 show one)"
            ),
        };
        format!("take {}: {why}", of(cell))
    }
}

/// Average precisions this near are taken for equal: a few rows more or less make more of a difference.
pub const AS_PRECISE: f64 = 0.005;

/// The cell to take: with labels the cheapest of the most precise, without the smallest window within `tolerance` of the largest
/// one's scores (the cheapest, where several kinds have one as small). `None` without cells.
pub fn choose_window(cells: &[WindowCell], tolerance: f64) -> Option<WindowChoice> {
    let all = || 0..cells.len();
    let cheapest = |cells_of: &mut dyn Iterator<Item = usize>| {
        cells_of.min_by(|a, b| cells[*a].cost.total_cmp(&cells[*b].cost))
    };
    let precision = |cell: usize| cells[cell].average_precision.unwrap_or(f64::NEG_INFINITY);
    let best = all().max_by(|a, b| {
        let by_cost = || cells[*b].cost.total_cmp(&cells[*a].cost);
        precision(*a).total_cmp(&precision(*b)).then_with(by_cost)
    })?;
    if cells[best].average_precision.is_some() {
        let as_precise = |cell: &usize| precision(*cell) >= precision(best) - AS_PRECISE;
        let chosen = cheapest(&mut all().filter(as_precise))?;
        return Some(if chosen == best {
            WindowChoice::MostPrecise(best)
        } else {
            WindowChoice::AsPrecise { chosen, best }
        });
    }
    let agrees = |cell: &usize| {
        let stability = cells[*cell].stability;
        stability.is_some_and(|stability| 1.0 - stability <= tolerance)
    };
    if let Some(size) = all().filter(agrees).map(|cell| cells[cell].size).min() {
        let smallest = |cell: &usize| agrees(cell) && cells[*cell].size == size;
        return cheapest(&mut all().filter(smallest)).map(WindowChoice::Stable);
    }
    let largest = all().map(|cell| cells[cell].size).max()?;
    cheapest(&mut all().filter(|cell| cells[*cell].size == largest)).map(WindowChoice::Largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(size: usize, cost: f64, precision: Option<f64>, stability: Option<f64>) -> WindowCell {
        WindowCell {
            kind: 0,
            size,
            cost,
            average_precision: precision,
            stability,
        }
    }

    #[test]
    fn agreement_is_the_mean_distance_of_scores_and_the_share_of_flags_in_common() {
        let mut agreement = Agreement::default();
        assert_eq!((agreement.scores(), agreement.flags()), (None, None));
        agreement.take(
            (&[0.2, f64::NEG_INFINITY, 0.9], &[false, false, true]),
            (&[0.4, 0.5, 0.9], &[true, false, true]),
        );
        assert!((agreement.scores().expect("rows") - 0.9).abs() < 1e-12);
        assert_eq!(agreement.flags(), Some(0.5));
    }

    #[test]
    fn with_labels_precision_decides_and_near_ties_go_to_the_cheaper() {
        let mut cells = [
            cell(500, 1.0, Some(0.700), Some(0.99)),
            cell(1_000, 2.0, Some(0.797), Some(0.99)),
            cell(5_000, 9.0, Some(0.800), None),
        ];
        let chosen = choose_window(&cells, 0.05);
        assert_eq!(chosen, Some(WindowChoice::AsPrecise { chosen: 1, best: 2 }));
        cells[1].average_precision = Some(0.790);
        assert_eq!(
            choose_window(&cells, 0.05),
            Some(WindowChoice::MostPrecise(2))
        );
    }

    #[test]
    fn without_labels_the_smallest_window_that_agrees_is_taken() {
        let cells = [
            cell(500, 1.0, None, Some(0.90)),
            cell(1_000, 3.0, None, Some(0.96)),
            cell(1_000, 2.0, None, Some(0.95)),
            cell(2_000, 1.0, None, Some(1.0)),
            cell(5_000, 1.0, None, None),
        ];
        assert_eq!(choose_window(&cells, 0.051), Some(WindowChoice::Stable(2)));
        assert_eq!(choose_window(&cells, 0.001), Some(WindowChoice::Stable(3)));
        assert_eq!(
            choose_window(&cells[..3], 0.001),
            Some(WindowChoice::Largest(2))
        );
        assert_eq!(choose_window(&[], 0.05), None);
        let advice = WindowChoice::Stable(2).advice(&cells, |_| "knn", 0.051);
        assert!(
            advice.starts_with("take knn with a window of 1000: no smaller window scores rows as the largest, 5000, does"),
            "{advice}"
        );
    }
}
