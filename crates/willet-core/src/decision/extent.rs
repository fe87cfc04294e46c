//! Where the numbers of a course have been.

use libm::{fabs, log1p};
use serde::{Deserialize, Serialize};

use super::reach::{SAME, YOUNG};

/// Extremes of a course of numbers, kept around the first of them.
///
/// Numbers that came far from all others are a mode of their own: what lies between two modes is as strange as what lies beyond them,
/// and one mode says nothing of how far the other reaches. A mode is forgotten when nothing came there for 4,096 numbers.
///
/// Memory: 176 bytes, and 112 for each further mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Extent {
    anchor: f64,
    /// The mode that the last number came to.
    present: Mode,
    others: Vec<Mode>,
    rows: u32,
    /// The last numbers, which are not taken in yet.
    last: [f32; DELAY],
    came: u32,
}

/// Numbers with nothing between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mode {
    middle: f64,
    blocks: [Ends; BLOCKS],
    fast: [Ends; 2],
    slow: Ends,
    rows: u32,
    /// Times that numbers came here from elsewhere.
    visits: u32,
    /// Numbers of the course when it was left.
    left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Ends {
    low: f32,
    high: f32,
}

/// The least that a unit may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Least {
    /// Of what the long extremes reach.
    pub(super) of_slow: f64,
    /// Smallest step of the numbers.
    pub(super) step: f64,
}

/// Rows that the long extremes are of.
pub(super) const SLOW_ROWS: u32 = BLOCKS as u32 * BLOCK_ROWS;
const BLOCKS: usize = 8;
const BLOCK_ROWS: u32 = 512;
/// Rows of one of the two blocks that the recent extremes are of.
const FAST_ROWS: u32 = 64;
/// Rows after which a number is taken in.
const DELAY: usize = 6;
/// Weight of the newest number in the middle.
const MIDDLE: f64 = 1.0 / MIDDLE_ROWS as f64;
const MIDDLE_ROWS: u32 = 64;
/// A value that never changed must have been the same for so many rows before a change is far.
const STILL_ROWS: u32 = 200;
/// The unit is at least so much of what the other side reaches, and so many of the smallest steps of values that come in steps.
const OF_OTHER_SIDE: f64 = 1.0 / 6.0;
const OF_STEP: f64 = 2.5;
/// No margin is larger: its square must stay finite.
const FARTHEST: f64 = 1e150;
/// Margin of a change of what never changed.
const NEVER: f64 = 16.0;
/// A number so far from all modes begins one.
const APART: f64 = 1.5;
/// Modes that are told apart.
const MODES: usize = 4;
/// A mode of one number may reach so much of the gap to the next one; one of n by n² less ...
const OF_GAP: f64 = 0.5;
/// ... where n is the numbers, a visit saying no more than so many, and so many of a stay as much as one.
const OF_VISIT: u32 = 4;
const STAY: u32 = 16;
/// A mode that lies within a unit of the next one has at least so much of that one's unit: a value that stood still beside noise.
const OF_NEXT: f64 = 0.0625;
/// Among the first numbers these many make a mode where the gap is so many times wider than any within a mode.
pub(super) const FIRST_MODE: usize = 4;
const FIRST_GAP: f64 = 4.0;

const NOTHING: Ends = Ends {
    low: f32::INFINITY,
    high: f32::NEG_INFINITY,
};

impl Ends {
    /// Numbers are no NaN here, and `min` would look whether they are.
    fn take(&mut self, x: f32) {
        if x < self.low {
            self.low = x;
        }
        if x > self.high {
            self.high = x;
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }
}

/// What a mode knows of the one next to it.
#[derive(Clone, Copy, Debug)]
struct Next {
    /// What lies between them.
    gap: f64,
    /// How far numbers reach here at least, for they do there.
    unit: f64,
}

impl Default for Mode {
    fn default() -> Self {
        Self {
            middle: 0.0,
            blocks: [NOTHING; BLOCKS],
            fast: [NOTHING; 2],
            slow: NOTHING,
            rows: 0,
            visits: 1,
            left: 0,
        }
    }
}

impl Mode {
    /// One of some numbers.
    fn of(numbers: &[f32]) -> Self {
        let mut mode = Self::default();
        numbers.iter().for_each(|x| mode.take(*x));
        mode.visits = mode.rows;
        mode
    }

    #[inline]
    fn take(&mut self, x: f32) {
        let weight = if self.rows < MIDDLE_ROWS {
            1.0 / f64::from(self.rows + 1)
        } else {
            MIDDLE
        };
        self.middle += weight * (f64::from(x) - self.middle);
        // A block is of whole recent ones.
        if self.rows.is_multiple_of(FAST_ROWS) {
            self.begin_blocks();
        }
        self.fast[1].take(x);
        self.blocks[BLOCKS - 1].take(x);
        self.slow.take(x);
        self.rows = self.rows.saturating_add(1);
    }

    #[cold]
    fn begin_blocks(&mut self) {
        self.fast = [self.fast[1], NOTHING];
        if self.rows.is_multiple_of(BLOCK_ROWS) {
            self.blocks.rotate_left(1);
            self.blocks[BLOCKS - 1] = NOTHING;
            self.slow = self.blocks.into_iter().fold(NOTHING, Ends::with);
        }
    }

    /// Whether a number lies beyond.
    fn excludes(&self, x: f32) -> bool {
        x > self.slow.high || x < self.slow.low
    }

    /// Takes in all of another.
    fn join(&mut self, other: &Self) {
        let (own, its) = (f64::from(self.rows), f64::from(other.rows));
        self.middle = (own * self.middle + its * other.middle) / (own + its).max(1.0);
        let blocks = self.blocks.iter_mut().chain(&mut self.fast);
        for (block, its) in blocks.zip(other.blocks.iter().chain(&other.fast)) {
            *block = block.with(*its);
        }
        self.slow = self.slow.with(other.slow);
        self.rows = self.rows.saturating_add(other.rows);
        self.visits = self.visits.saturating_add(other.visits);
    }

    /// How far a number lies beyond, and whether above.
    fn excess(&self, apart: f64) -> Option<(f64, bool)> {
        let (low, high) = (f64::from(self.slow.low), f64::from(self.slow.high));
        if apart > high {
            Some((apart - high, true))
        } else if apart < low {
            Some((low - apart, false))
        } else {
            None
        }
    }

    /// How far numbers usually reach to one side; no less than what the gap to the next mode asks for.
    fn unit(&self, is_up: bool, next: Option<Next>, least: Least) -> f64 {
        let side = |ends: Ends| {
            let up = f64::from(ends.high) - self.middle;
            let down = self.middle - f64::from(ends.low);
            let (own, other) = if is_up { (up, down) } else { (down, up) };
            own.max(OF_OTHER_SIDE * other).max(0.0)
        };
        let recent = self.fast[0].with(self.fast[1]);
        let unit = side(recent)
            .max(least.of_slow * side(self.slow))
            .max(OF_STEP * least.step);
        // Of few rows the extremes are not known yet.
        let unit = unit * (1.0 + YOUNG as f64 / f64::from(self.rows.max(1)));
        let Some(Next { gap, unit: least }) = next else {
            return unit;
        };
        let known = self.rows.min(
            self.visits
                .saturating_mul(OF_VISIT)
                .saturating_add(self.rows / STAY),
        );
        let known = f64::from(known.max(1));
        unit.max(OF_GAP * gap / (known * known)).max(least)
    }

    /// Units beyond; 0 within, and while too little is known.
    fn margin(&self, x: f64, apart: f64, next: Option<Next>, least: Least) -> f64 {
        let Some((excess, is_up)) = self.excess(apart) else {
            return 0.0;
        };
        let width = f64::from(self.slow.high) - f64::from(self.slow.low);
        // What single precision cannot tell apart is not apart.
        if excess <= 1e-6 * fabs(width) + 4e-16 * fabs(x) + 2e-7 * fabs(apart.min(1e38)) {
            return 0.0;
        }
        let is_still = width <= SAME * excess && next.is_none_or(|next| next.unit == 0.0);
        if is_still && self.rows < STILL_ROWS && next.is_none() {
            return 0.0;
        }
        let unit = self.unit(is_up, next, least);
        let margin = (excess / unit).min(FARTHEST);
        if !is_still || next.is_some() && self.rows < STILL_ROWS {
            return margin;
        }
        // Extremes that may be one value but for rounding say nothing of a unit; those that are not do.
        let never = NEVER + log1p(excess);
        if unit > 0.0 { margin.max(never) } else { never }
    }

    /// The gap to another mode; below 0 where they overlap.
    fn gap(&self, other: &Self) -> f64 {
        let low = self.slow.low.max(other.slow.low);
        let high = self.slow.high.min(other.slow.high);
        f64::from(low) - f64::from(high)
    }
}

impl Extent {
    /// Takes in a number, a little later: what leaves step by step within a few rows must not carry its bounds along.
    pub(super) fn learn(&mut self, x: f64, least: Least) {
        if self.rows == 0 && self.came == 0 {
            self.anchor = x;
        }
        let x = self.near(x);
        let came = self.came as usize;
        let place = if came < DELAY { came } else { came - DELAY };
        if came >= DELAY {
            self.take(self.last[place], least);
        }
        self.last[place] = x;
        // Counts on without end; what is past the first round is all alike.
        self.came = if came == 2 * DELAY - 1 {
            DELAY as u32
        } else {
            self.came + 1
        };
    }

    /// Takes in a number at once.
    pub(super) fn learn_now(&mut self, x: f64, least: Least) {
        if self.rows == 0 && self.came == 0 {
            self.anchor = x;
        }
        self.take(self.near(x), least);
    }

    /// Tells modes apart among the first numbers, which were all learned as one.
    pub(super) fn split(&mut self, first: &[f64], least: Least) {
        let mut sorted: Vec<f32> = first.iter().map(|x| self.near(*x)).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let gap = |at: usize| f64::from(sorted[at]) - f64::from(sorted[at - 1]);
        let mut gaps: Vec<usize> = (1..sorted.len()).collect();
        gaps.sort_by(|a, b| gap(*b).total_cmp(&gap(*a)));
        // As many gaps as modes have between them; the next widest lies within a mode.
        let Some(within) = gaps.get(MODES - 1).map(|at| gap(*at)) else {
            return;
        };
        let is_wide = |at: &usize| {
            gap(*at) > FIRST_GAP * within && gap(*at) > OF_STEP * least.step && gap(*at) > 0.0
        };
        let mut cuts: Vec<usize> = gaps.into_iter().take(MODES - 1).filter(is_wide).collect();
        cuts.sort_unstable();
        let mut modes: Vec<&[f32]> = Vec::new();
        let mut from = 0;
        for cut in cuts {
            if cut - from >= FIRST_MODE && sorted.len() - cut >= FIRST_MODE {
                modes.push(&sorted[from..cut]);
                from = cut;
            }
        }
        self.present = Mode::of(&sorted[from..]);
        self.others = modes.into_iter().map(Mode::of).collect();
    }

    fn near(&self, x: f64) -> f32 {
        (x - self.anchor).clamp(-1e38, 1e38) as f32
    }

    #[inline]
    fn take(&mut self, x: f32, least: Least) {
        let is_beyond = self.present.rows > 0 && self.present.excludes(x);
        if is_beyond {
            self.find_mode(x, least);
        }
        self.present.take(x);
        if is_beyond {
            self.join_near(least);
        }
        self.rows = self.rows.saturating_add(1);
        if self.rows.is_multiple_of(BLOCK_ROWS) {
            let rows = self.rows;
            self.others.retain(|mode| rows - mode.left <= SLOW_ROWS);
        }
    }

    /// Goes to the mode of a number beyond the present one; begins one where all are far.
    #[cold]
    fn find_mode(&mut self, x: f32, least: Least) {
        let apart = f64::from(x);
        let (place, margin) = self.nearest(self.anchor + apart, apart, least);
        if margin >= APART && self.others.len() + 1 < MODES {
            self.others.push(Mode::default());
            self.go_to(self.others.len());
            self.present.visits = 1;
        } else {
            self.go_to(place);
        }
    }

    /// Makes a mode the present one; 0 is that already.
    fn go_to(&mut self, place: usize) {
        if place > 0 {
            self.present.left = self.rows;
            std::mem::swap(&mut self.present, &mut self.others[place - 1]);
            self.present.visits = self.present.visits.saturating_add(1);
        }
    }

    /// Joins the present mode with those it has come near to.
    fn join_near(&mut self, least: Least) {
        let mut place = 0;
        while place < self.others.len() {
            let gap = self.present.gap(&self.others[place]);
            let is_up = self.others[place].slow.low > self.present.slow.high;
            let unit = |mode: &Mode, is_up| mode.unit(is_up, None, least);
            let units = unit(&self.present, is_up).min(unit(&self.others[place], !is_up));
            if gap <= units {
                let other = self.others.swap_remove(place);
                self.present.join(&other);
                place = 0;
            } else {
                place += 1;
            }
        }
    }

    fn mode(&self, place: usize) -> &Mode {
        if place == 0 {
            &self.present
        } else {
            &self.others[place - 1]
        }
    }

    /// The mode that a number lies nearest to, in its units, and how many.
    fn nearest(&self, x: f64, apart: f64, least: Least) -> (usize, f64) {
        if self.others.is_empty() {
            return (0, self.present.margin(x, apart, None, least));
        }
        let mut nearest = (0, f64::INFINITY);
        for place in 0..=self.others.len() {
            let mode = self.mode(place);
            let Some((excess, is_up)) = mode.excess(apart) else {
                return (place, 0.0);
            };
            // Only its neighbours speak of a number: none that lies behind another.
            let mut next = Next {
                gap: f64::INFINITY,
                unit: 0.0,
            };
            let mut is_hidden = false;
            for other in (0..=self.others.len()).filter(|other| *other != place) {
                let (other, gap) = (self.mode(other), mode.gap(self.mode(other)));
                let is_above = other.slow.low > mode.slow.high;
                is_hidden |= is_above == is_up && gap < excess;
                if gap < next.gap {
                    let unit = other.unit(!is_above, None, least);
                    let is_within = gap <= unit;
                    next.unit = if is_within { OF_NEXT * unit } else { 0.0 };
                    next.gap = gap.max(0.0);
                }
            }
            if !is_hidden {
                let margin = mode.margin(x, apart, Some(next), least);
                if margin < nearest.1 {
                    nearest = (place, margin);
                }
            }
        }
        nearest
    }

    /// Whether two numbers belong to the same mode.
    pub(super) fn are_together(&self, x: f64, y: f64, least: Least) -> bool {
        self.others.is_empty()
            || self.nearest(x, x - self.anchor, least).0
                == self.nearest(y, y - self.anchor, least).0
    }

    /// Lowest, middle and highest of the mode that a number is nearest to.
    pub(super) fn usual(&self, x: f64, least: Least) -> [f64; 3] {
        let mode = self.mode(self.nearest(x, x - self.anchor, least).0);
        [
            self.anchor + f64::from(mode.slow.low),
            self.anchor + mode.middle,
            self.anchor + f64::from(mode.slow.high),
        ]
    }

    /// Units above all; 0 below their upper end, or while too little is known.
    pub(super) fn margin_above(&self, x: f64, least: Least) -> f64 {
        let apart = x - self.anchor;
        let all = self
            .others
            .iter()
            .fold(self.present.slow, |all, mode| all.with(mode.slow));
        let (low, high) = (f64::from(all.low), f64::from(all.high));
        // Scores that were all one number say nothing of how far another is.
        let varied = high - low > SAME * (apart - high);
        if self.rows as usize >= YOUNG && apart > high && varied {
            self.margin(x, least)
        } else {
            0.0
        }
    }

    /// Units beyond all modes; 0 within one.
    pub(super) fn margin(&self, x: f64, least: Least) -> f64 {
        let apart = x - self.anchor;
        if self.rows == 0 || self.present.excess(apart).is_none() {
            return 0.0;
        }
        self.nearest(x, apart, least).1
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.others.capacity() * size_of::<Mode>()
    }

    pub(super) fn is_sound(&self) -> bool {
        let mut modes = self.others.iter().chain([&self.present]);
        let is_mode = |mode: &Mode| mode.middle.is_finite() && mode.left <= self.rows;
        self.anchor.is_finite() && self.others.len() < MODES && modes.all(is_mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const LEAST: Least = Least {
        of_slow: 0.25,
        step: 0.0,
    };

    /// What was learned of numbers that come at one of some levels, in any order, and half a unit around it.
    fn learned(levels: &[f64], n: usize) -> Extent {
        let mut random = Random::new(9);
        let mut draw = || {
            let at = ((random.unit() * levels.len() as f64) as usize).min(levels.len() - 1);
            levels[at] + random.unit() - 0.5
        };
        let first: Vec<f64> = (0..YOUNG).map(|_| draw()).collect();
        let mut extent = Extent::default();
        first.iter().for_each(|x| extent.learn_now(*x, LEAST));
        extent.split(&first, LEAST);
        (0..n).for_each(|_| extent.learn(draw(), LEAST));
        assert!(extent.is_sound());
        extent
    }

    #[test]
    fn modes_are_told_apart_wherever_they_are() {
        for offset in [0.0, 1e5] {
            let levels = [10.0, 20.0, 50.0].map(|level| offset + level);
            let extent = learned(&levels, 1_000);
            assert_eq!(extent.others.len(), 2);
            for level in levels {
                assert!(extent.margin(level + 0.4, LEAST) < 0.2);
                assert!(extent.are_together(level - 0.3, level + 0.3, LEAST));
                let [low, middle, high] = extent.usual(level + 0.1, LEAST);
                assert!((low - level + 0.5).abs() < 0.1 && (high - level - 0.5).abs() < 0.1);
                assert!((middle - level).abs() < 0.2, "{middle}");
            }
            assert!(!extent.are_together(levels[0], levels[1], LEAST));
            for between in [15.0, 30.0, 5.0, 60.0] {
                assert!(extent.margin(offset + between, LEAST) > 3.0, "{between}");
            }
            // Above all is above the highest only.
            assert_eq!(extent.margin_above(offset + 30.0, LEAST), 0.0);
            assert!(extent.margin_above(offset + 60.0, LEAST) > 3.0);
        }
    }

    #[test]
    fn a_margin_is_the_distance_in_what_numbers_usually_reach() {
        let extent = learned(&[0.0], 2_000);
        for distance in [1.0, 2.0, 5.0] {
            for side in [-1.0, 1.0] {
                let margin = extent.margin(side * (0.5 + 0.5 * distance), LEAST);
                assert!(
                    (margin / distance - 1.0).abs() < 0.1,
                    "{margin} for {distance}"
                );
            }
        }
        assert_eq!(extent.margin(0.2, LEAST), 0.0);
    }

    #[test]
    fn one_way_of_running_is_not_parted() {
        let mut random = Random::new(1);
        for _ in 0..200 {
            let first: Vec<f64> = (0..YOUNG).map(|_| random.unit() + random.unit()).collect();
            let mut extent = Extent::default();
            first.iter().for_each(|x| extent.learn_now(*x, LEAST));
            extent.split(&first, LEAST);
            assert!(extent.others.is_empty(), "{first:?}");
        }
    }

    #[test]
    fn a_mode_where_nothing_comes_is_forgotten() {
        let mut extent = learned(&[0.0, 10.0], 500);
        (0..2 * SLOW_ROWS).for_each(|i| extent.learn(f64::from(i % 2) * 0.5, LEAST));
        assert!(extent.others.is_empty());
        assert!(extent.heap_bytes() > 0, "its place is kept");
        assert!(extent.margin(10.0, LEAST) > 3.0);
    }
}
