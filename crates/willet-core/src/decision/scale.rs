use serde::{Deserialize, Serialize};

use super::Calibrator;

/// A [`Calibrator`] that does not take the extreme for normal until it has lasted.
///
/// For the parts of a detector that bring several scores of their own to one scale before they are combined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    calibrator: Calibrator,
    /// Scores held back, less those that were normal since.
    held: u32,
    stretch: Stretch,
}

/// Learns of a long strange stretch only a part: its rows are to stay rare to its end, and are still learned in the long run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Stretch {
    /// Share of strange rows among the last.
    share: f32,
    skipped: u8,
}

/// From this depth on a row is a strange one of a stretch ...
const LIFTED: f64 = 2.0;
/// ... which begins where most of about the last so many rows are.
const STRETCH_ROWS: f32 = 32.0;
/// Of a stretch one row of so many is learned.
const PART: u8 = 8;
/// Scores that must be known before anything is a stretch: before, the detector may still be settling.
const KNOWN: u64 = 512;

impl Stretch {
    /// Whether a row of this depth is learned.
    pub(super) fn admits(&mut self, depth: f64, seen: u64) -> bool {
        let is_strange = depth >= LIFTED && seen >= KNOWN;
        self.share += (f32::from(u8::from(is_strange)) - self.share) / STRETCH_ROWS;
        if !is_strange || self.share < 0.5 {
            return true;
        }
        self.skipped = (self.skipped + 1) % PART;
        self.skipped == 0
    }
}

/// From this depth (1 in 10,000) a score is extreme.
const GUARD_DEPTH: f64 = 4.0;
/// Scores beyond it that are held back before they are learned: longer than a spike stays in a short mean.
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
        if self
            .stretch
            .admits(depth.unwrap_or(0.0), self.calibrator.seen())
        {
            self.calibrator.learn(score);
        }
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
            stretch: Stretch::default(),
        }
    }
}
