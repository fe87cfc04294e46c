use serde::{Deserialize, Serialize};

use super::{Calibrator, GUARD_DEPTH};

/// A [`Calibrator`] that does not take the extreme for normal until it has lasted.
///
/// For the parts of a detector that bring several scores of their own to one scale before they are combined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    calibrator: Calibrator,
    /// Scores held back, less those that were normal since.
    held: u32,
}

/// Scores beyond [`GUARD_DEPTH`] that are held back before they are learned: longer than a spike stays in a short mean.
const HELD: u32 = 100;

impl Scale {
    /// Depth L = −log10 p of a score; `None` while too few have been seen.
    pub fn depth(&self, score: f64) -> Option<f64> {
        self.calibrator.depth(score)
    }

    /// Takes in a score whose depth is known.
    pub fn learn(&mut self, score: f64, depth: Option<f64>) {
        if depth.is_some_and(|depth| depth >= GUARD_DEPTH) && self.held < HELD {
            self.held += 1;
            return;
        }
        self.held = self.held.saturating_sub(1);
        self.calibrator.learn(score);
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.calibrator.heap_bytes()
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.calibrator.is_sound()
    }
}

impl From<Calibrator> for Scale {
    fn from(calibrator: Calibrator) -> Self {
        Self {
            calibrator,
            held: 0,
        }
    }
}
