//! What was measured, put beside each other.

use anyhow::Result;
use willet_core::evaluation::{AS_PRECISE, Agreement, WindowCell, choose_window, evaluate};

use crate::cmd::recorded::{Recorded, Scored};

/// A detector under a window size.
pub(super) struct Cell {
    pub(super) algorithm: String,
    /// `None` of the default detector, which has none to set.
    pub(super) window_size: Option<usize>,
    pub(super) micros_a_row: f64,
    /// As [`Agreement::scores`] and [`Agreement::flags`] with the detector's largest window, which has none.
    pub(super) stability: Option<f64>,
    pub(super) same_flags: Option<f64>,
    /// Rows of the whole file.
    pub(super) flagged: usize,
    pub(super) warm_up: usize,
    pub(super) memory_bytes: usize,
    pub(super) average_precision: Option<f64>,
    /// Whether it is the one to take of its detector.
    pub(super) is_best_of_kind: bool,
    /// Whether it is the one to take.
    pub(super) is_recommended: bool,
}

/// Cells as they are measured.
pub(super) struct Tuned<'a> {
    recorded: &'a Recorded,
    sizes: &'a [usize],
    tolerance: f64,
    cells: Vec<Cell>,
    /// The default detector as it is.
    default: Option<Cell>,
}

/// All cells, and what follows from them.
pub(super) struct Found {
    /// By detector, then by size.
    pub(super) cells: Vec<Cell>,
    pub(super) recommended: usize,
    /// Which to take and why, in a sentence.
    pub(super) advice: String,
}

impl<'a> Tuned<'a> {
    /// `sizes` rise and are not empty.
    pub(super) fn new(recorded: &'a Recorded, sizes: &'a [usize], tolerance: f64) -> Self {
        Self {
            recorded,
            sizes,
            tolerance,
            cells: Vec::new(),
            default: None,
        }
    }

    /// Measures a detector under each size.
    pub(super) fn measure(
        &mut self,
        algorithm: &str,
        mut score: impl FnMut(usize) -> Result<Scored>,
    ) -> Result<()> {
        let begin = self.cells.len();
        let mut largest: Option<Scored> = None;
        // The largest first: the others are held against it.
        for size in self.sizes.iter().rev() {
            let scored = score(*size)?;
            let agreement = largest
                .as_ref()
                .map(|largest| self.agreement(*size, &scored, largest))
                .unwrap_or_default();
            let mut cell = self.cell(algorithm, Some(*size), &scored);
            cell.stability = agreement.scores();
            cell.same_flags = agreement.flags();
            self.cells.push(cell);
            largest.get_or_insert(scored);
        }
        self.cells[begin..].reverse();
        Ok(())
    }

    /// Takes in what the default detector said: what is recommended is held against it.
    pub(super) fn measure_default(&mut self, algorithm: &str, scored: &Scored) {
        self.default = Some(self.cell(algorithm, None, scored));
    }

    fn cell(&self, algorithm: &str, window_size: Option<usize>, scored: &Scored) -> Cell {
        Cell {
            algorithm: algorithm.to_owned(),
            window_size,
            micros_a_row: scored.micros_a_row,
            stability: None,
            same_flags: None,
            flagged: scored.flags.iter().filter(|flag| **flag).count(),
            warm_up: scored.warm_up,
            memory_bytes: scored.memory_bytes,
            average_precision: self.average_precision(scored),
            is_best_of_kind: false,
            is_recommended: false,
        }
    }

    fn agreement(&self, size: usize, scored: &Scored, largest: &Scored) -> Agreement {
        let mut agreement = Agreement::default();
        for key in 0..self.recorded.keys() {
            let places = self.recorded.places(key).get(size..).unwrap_or_default();
            let of = |scored: &Scored| -> (Vec<f64>, Vec<bool>) {
                let rows = places.iter();
                rows.map(|place| (scored.scores[*place], scored.flags[*place]))
                    .unzip()
            };
            let (first, second) = (of(scored), of(largest));
            agreement.take((&first.0, &first.1), (&second.0, &second.1));
        }
        agreement
    }

    fn average_precision(&self, scored: &Scored) -> Option<f64> {
        let labelled = self.recorded.counted();
        let (scores, labels): (Vec<f64>, Vec<bool>) = labelled
            .filter_map(|(row, label, _)| label.map(|label| (scored.scores[row], label)))
            .unzip();
        evaluate(&scores, &labels).map(|found| found.average_precision)
    }

    pub(super) fn choose(mut self) -> Found {
        let sizes = self.sizes.len();
        let measured: Vec<WindowCell> = (0..)
            .zip(&self.cells)
            .map(|(place, cell)| WindowCell {
                kind: place / sizes,
                size: cell.window_size.unwrap_or_default(),
                cost: cell.micros_a_row,
                average_precision: cell.average_precision,
                stability: cell.stability,
            })
            .collect();
        for (kind, cells) in measured.chunks(sizes).enumerate() {
            if let Some(choice) = choose_window(cells, self.tolerance) {
                self.cells[kind * sizes + choice.cell()].is_best_of_kind = true;
            }
        }
        let choice = choose_window(&measured, self.tolerance)
            .expect("there is a size, and a detector beside it");
        let mut recommended = choice.cell();
        let name = |kind: usize| self.cells[kind * sizes].algorithm.as_str();
        let mut advice = choice.advice(&measured, name, self.tolerance);
        if let Some(mut default) = self.default.take() {
            let chosen = &self.cells[recommended];
            match (default.average_precision, chosen.average_precision) {
                (Some(own), Some(other)) if own >= other - AS_PRECISE => {
                    advice = format!(
                        "take {}, the default: nothing here beats its average precision of {own:.3} (of those with a window {} with {} comes next, {other:.3})",
                        default.algorithm,
                        chosen.algorithm,
                        chosen.window_size.unwrap_or_default(),
                    );
                    recommended = self.cells.len();
                }
                (Some(own), _) => {
                    advice += &format!("; {}, the default, has {own:.3}", default.algorithm);
                }
                (None, _) => {
                    advice += &format!(
                        "; {}, the default, is in the table and has no window to choose",
                        default.algorithm
                    );
                }
            }
            default.is_best_of_kind = true;
            self.cells.push(default);
        }
        self.cells[recommended].is_recommended = true;
        Found {
            advice,
            cells: self.cells,
            recommended,
        }
    }
}
