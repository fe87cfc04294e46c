//! What is learned, and what is told once.

use serde::{Deserialize, Serialize};

/// Holds strange rows back from what normal is learned from, and lets in what lasts or comes back.
///
/// A *visit* is a strange row and the strange ones right behind it. What has lasted for [`LASTED`] rows is the new normal; so is what
/// came for the fourth time within some 3,000 rows or at equal distances, and about as deep, or made up [`HELD`] of them. Where a share was asked for, what comes back more rarely
/// than that stays held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Guard {
    /// Strange rows on end, up to now.
    block: u32,
    /// Greatest depth that was told of the present visit; 0 while nothing was.
    told: f64,
    /// Rows ever, and the visits that came last.
    rows: u64,
    visits: [Visit; REMEMBERED],
    /// Rows held back lately; they fade.
    held: f64,
    /// Share of strange rows lately.
    share: f64,
}

/// When a visit began, its greatest depth, and whether a row of it lay clearly beyond all before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Visit {
    began: u64,
    depth: f32,
    is_clear: bool,
}

/// Visits that are remembered.
const REMEMBERED: usize = 8;
/// A row comes back where visits were at most so much less deep, and clearly beyond if it is: a spike is not what noise has been.
const LESS_DEEP: f64 = 4.0;

/// From this depth on a row is strange.
pub(super) const STRANGE: f64 = 4.0;
/// Rows on end ...
const LASTED: u32 = 60;
/// ... visits ...
const VISITS: f64 = 3.4;
/// ... and rows held back, after which they are learned.
const HELD: f64 = 100.0;
/// So many visits at equal distances are no chance; each may come early or late by one in so many rows of the distance, which is no
/// shorter than this.
const REGULAR: u64 = 4;
const EARLY_OR_LATE: u64 = 64;
const LEAST_DISTANCE: u64 = 200;
/// What visits and rows held back fade by a row: a third is left after 3,000.
const FADE: f64 = 1.0 - 1.0 / 3_000.0;
/// Rows that the share of strange ones is of.
const SHARE_ROWS: f64 = 500.0;
/// A row of the same visit is told again when it is this much deeper.
const NEWS: f64 = 2.0;

/// What the guard makes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// It is told if it is an anomaly: nothing of the visit was yet, or it is far beyond what was.
    pub(super) is_news: bool,
    pub(super) learning: Learning,
}

/// Whether a row is taken for normal, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learning {
    /// It is held back.
    #[default]
    Not,
    /// It is nothing strange.
    Usual,
    /// It is strange and has come often.
    Back,
    /// It is strange and has lasted: here is the new level.
    Lasted,
}

impl Guard {
    /// Judges a row's depth. What comes back is let in where it makes up more than `rare` of the rows: who asked for a share expects as
    /// much to stay strange.
    pub(super) fn pass(&mut self, depth: f64, is_clear: bool, rare: f64) -> Passage {
        let is_strange = f64::from(u8::from(depth >= STRANGE));
        self.share += (is_strange - self.share) / SHARE_ROWS;
        self.rows += 1;
        self.held *= FADE;
        if depth < STRANGE {
            self.block = 0;
            return Passage {
                is_news: true,
                learning: Learning::Usual,
            };
        }
        self.block = self.block.saturating_add(1);
        if self.block == 1 {
            self.visits.rotate_right(1);
            self.visits[0] = Visit {
                began: self.rows,
                ..Visit::default()
            };
            self.told = 0.0;
        }
        self.visits[0].depth = self.visits[0].depth.max(depth.min(1e6) as f32);
        self.visits[0].is_clear |= is_clear;
        let is_news = self.told == 0.0 || depth > self.told + NEWS;
        self.held += 1.0;
        let comes_back = (self.visits_like(depth, is_clear) >= VISITS
            || self.held >= HELD
            || self.is_regular(depth, is_clear))
            && self.share >= rare;
        let learning = if comes_back {
            Learning::Back
        } else if self.block >= LASTED {
            Learning::Lasted
        } else {
            Learning::Not
        };
        if learning != Learning::Not {
            self.held -= 1.0;
        }
        Passage { is_news, learning }
    }

    /// Visits lately that were about as deep; they fade.
    fn visits_like(&self, depth: f64, is_clear: bool) -> f64 {
        self.like(depth, is_clear)
            .map(|visit| libm::pow(FADE, (self.rows - visit.began) as f64))
            .sum()
    }

    /// Whether the visits that were about as deep are the last of those that came at equal distances: what a clock brings is no chance,
    /// however seldom it comes.
    pub(super) fn is_regular(&self, depth: f64, is_clear: bool) -> bool {
        let present = self.visits[0].began;
        let came = |back: u64, off: u64| {
            let mut visits = self.like(depth, is_clear);
            visits.any(|visit| (visit.began + back).abs_diff(present) <= off)
        };
        self.like(depth, is_clear).any(|visit| {
            let distance = present - visit.began;
            let off = 1 + distance / EARLY_OR_LATE;
            distance >= LEAST_DISTANCE && (2..REGULAR).all(|times| came(times * distance, off))
        })
    }

    fn like(&self, depth: f64, is_clear: bool) -> impl Iterator<Item = &Visit> {
        let least = depth.min(1e6) - LESS_DEEP;
        self.visits.iter().filter(move |visit| {
            visit.began > 0 && (visit.is_clear || !is_clear) && f64::from(visit.depth) >= least
        })
    }

    /// Takes note that a row of this depth was told.
    pub(super) fn tell(&mut self, depth: f64) {
        if self.block > 0 {
            self.told = self.told.max(depth);
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.visits.iter().all(|visit| visit.began <= self.rows)
            && self.share >= 0.0
            && self.held >= 0.0
            && self.told >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What becomes of single strange rows that come at these distances.
    fn visits(distances: impl IntoIterator<Item = u32>, depth: f64) -> Vec<Learning> {
        let mut guard = Guard::default();
        let mut visit = |distance| {
            (1..distance).for_each(|_| _ = guard.pass(0.5, false, 0.0));
            guard.pass(depth, true, 0.0).learning
        };
        distances.into_iter().map(&mut visit).collect()
    }

    #[test]
    fn what_is_rare_stays_held_back_and_what_comes_back_does_not() {
        let mut random = Random::new(3);
        let rare: Vec<u32> = (0..40)
            .map(|_| 2_000 + (random.unit() * 4_000.0) as u32)
            .collect();
        let held = visits(rare, 9.0);
        let learned = held
            .iter()
            .filter(|learning| **learning != Learning::Not)
            .count();
        assert!(
            learned <= 2,
            "{learned} of 40 that chance brought were learned"
        );
        let often = visits([100, 250, 170, 90, 300], 9.0);
        assert_eq!(often[..3], [Learning::Not; 3]);
        assert_eq!(often[3..], [Learning::Back; 2]);
    }

    #[test]
    fn what_a_clock_brings_is_learned_however_seldom() {
        let nightly = visits([700, 1_440, 1_445, 1_436, 1_440, 1_440], 9.0);
        assert_eq!(nightly[..3], [Learning::Not; 3]);
        assert_eq!(nightly[3..], [Learning::Back; 3]);
        // Two are in between, and one came in another night.
        let other = visits([700, 1_440, 500, 940, 1_000, 440, 1_440], 9.0);
        assert_eq!(other[6], Learning::Back);
    }

    #[test]
    fn what_lasts_is_learned_and_told_once_unless_it_grows() {
        let mut guard = Guard::default();
        let mut news = Vec::new();
        for row in 0..100 {
            let depth = if row == 30 { 20.0 } else { 9.0 };
            let passage = guard.pass(depth, true, 0.0);
            if passage.is_news {
                guard.tell(depth);
                news.push(row);
            }
            let expected = if row < 59 {
                Learning::Not
            } else {
                Learning::Lasted
            };
            assert_eq!(passage.learning, expected, "row {row}");
        }
        assert_eq!(news, [0, 30]);
        assert!(guard.is_sound());
    }
}
