//! How far a row lies beyond all that its series has been.

use libm::{fabs, log2};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::CLEAR;
use super::extent::{Extent, FIRST_MODE, Least, SLOW_ROWS};
use super::guard::{Guard, Learning};
use crate::statistics::{Counter, robust};

/// How far the values of a row lie beyond all that they have been, in the series' own units.
///
/// A score says how rare a row is among others, and many scores end somewhere: they know no size beyond the largest they have seen.
/// This knows nothing else. Of each value three courses are kept: the value itself, what it is off its local level, and its steps; the
/// first two, or only the steps where the value does nothing but rise (a counter). Of each course the extremes of the last
/// 4,096 learned rows and of the last hundred are known. A value outside the long extremes lies `margin` units beyond, where
/// the unit is how far the recent values reach from their middle, and no less than a quarter of what the long ones do: so heavy tails
/// bring a wide unit, a level that moved does not.
///
/// Only rows that were taken for normal are learned, so a spike hides no other.
///
/// Cost: a few comparisons a value. Memory some 650 bytes a value, and 112 for each further mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    values: Vec<Courses>,
    /// The first rows, until there are enough to tell the wild ones among them.
    young: Vec<f64>,
    /// Rows learned.
    rows: u32,
    crossings: Crossings,
}

/// How far usual rows come beyond all before them: what drifts does so again and again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Crossings {
    /// Runs of rows with a margin of [`LEAST_CROSSING`] · 2^i or more; they fade like the long extremes.
    runs: [f32; CROSSINGS],
    /// How many of those the present run counts in.
    present: u8,
}

/// Rows that are looked at together before any is judged.
pub(super) const YOUNG: usize = 32;
/// Values of a course before anything is beyond them.
const LEAST: usize = YOUNG / 2;
/// Among the first rows a value is wild beyond so many robust deviations.
pub(super) const WILD: f64 = 8.0;
/// So many times fewer values are wild lately where it is chance.
const FEW_WILD: usize = 40;
/// The unit is at least so much of what the long extremes reach.
const OF_SLOW: f64 = 0.25;
/// The same of what a value is off its local level: no shift leaves anything behind in that.
const OF_SLOW_AROUND: f64 = 1.0;
/// Square of the margin that says half of what being beyond all rows does.
const TRIFLE: f64 = 0.25;
/// Weight of the newest row in the local level.
const LEVEL: f64 = 1.0 / 16.0;
/// Extremes this near to each other, beside how far a value lies beyond, are one value.
pub(super) const SAME: f64 = 1e-6;

/// Sizes of crossings that are told apart, and the least.
const CROSSINGS: usize = 10;
const LEAST_CROSSING: f64 = 1.0 / 32.0;
/// As far as so many runs came is as far as they usually come ...
const OFTEN: f32 = 3.0;
/// ... and so many times that is one unit more.
const OF_CROSSINGS: f64 = 2.0;

impl Crossings {
    fn note(&mut self, margin: f64) {
        let reached = if margin > 0.0 {
            let sizes = log2(margin / LEAST_CROSSING) + 1.0;
            sizes.clamp(0.0, CROSSINGS as f64) as u8
        } else {
            0
        };
        for runs in &mut self.runs {
            *runs *= 1.0 - 1.0 / SLOW_ROWS as f32;
        }
        if reached == 0 {
            self.present = 0;
        }
        for size in self.present..reached {
            self.runs[usize::from(size)] += 1.0;
        }
        self.present = self.present.max(reached);
    }

    /// The margin that they usually come to.
    fn usual(&self) -> f64 {
        let sizes = self.runs.iter().take_while(|runs| **runs >= OFTEN).count();
        match sizes {
            0 => 0.0,
            sizes => LEAST_CROSSING * f64::from(1u32 << (sizes - 1)),
        }
    }

    fn is_sound(&self) -> bool {
        usize::from(self.present) <= CROSSINGS && self.runs.iter().all(|runs| *runs >= 0.0)
    }
}

/// How far a row lies beyond all before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Far {
    /// The value that lies farthest.
    pub feature: usize,
    /// How far, in units of how far its values usually reach; above 0.
    pub margin: f64,
    /// The margins of all values, 0 where they lie within.
    pub margins: SmallVec<[f64; 8]>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Courses {
    value: Extent,
    around: Extent,
    steps: Extent,
    /// Local level of the learned values, and of all: what is held back for long must not leave the level behind.
    level: f64,
    recent: f64,
    /// The last value that came.
    last: f64,
    /// Smallest distance of neighbours as they came, 0 while they are equal: what they are off their bands may be less.
    step: f64,
    came: Option<f64>,
    counter: Counter,
    rows: u32,
    /// Whether the last learned value was in another mode than the level.
    is_away: bool,
}

impl Courses {
    fn new(first: f64) -> Self {
        Self {
            value: Extent::default(),
            around: Extent::default(),
            steps: Extent::default(),
            level: first,
            recent: first,
            last: first,
            step: 0.0,
            came: None,
            counter: Counter::default(),
            rows: 0,
            is_away: false,
        }
    }

    /// One that has learned its first values without what is wild among them.
    fn grown(first: &[f64]) -> Self {
        let usable = first.iter().copied().filter(|x| fabs(*x) <= 1e100);
        let first: SmallVec<[f64; YOUNG]> = usable.collect();
        let (middle, unit) = robust(&first);
        let mut course = Self::new(middle);
        let is_wild = |x: &f64| fabs(*x - middle) > WILD * unit;
        // Several are another way of running.
        let few = first.iter().filter(|x| is_wild(x)).count() < FIRST_MODE;
        let tame = first.iter().copied().filter(|x| !few || !is_wild(x));
        let tame: SmallVec<[f64; YOUNG]> = tame.collect();
        tame.iter().for_each(|x| course.take(*x, Learning::Back));
        course.value.split(&tame, course.least(OF_SLOW));
        course
    }

    fn least(&self, of_slow: f64) -> Least {
        let step = if self.counter.is_one() {
            0.0
        } else {
            self.step
        };
        Least { of_slow, step }
    }

    fn margin(&self, x: f64) -> f64 {
        if (self.rows as usize) < LEAST {
            return 0.0;
        }
        if self.counter.is_one() {
            return self
                .steps
                .margin(self.counter.change(x), self.least(OF_SLOW));
        }
        let own = self.value.margin(x, self.least(OF_SLOW));
        let apart = self.apart(x);
        own.max(self.around.margin(apart, self.least(OF_SLOW_AROUND)))
    }

    /// How far a value is from its local level: the learned one, or that of all values where it is nearer.
    fn apart(&self, x: f64) -> f64 {
        let (learned, all) = (x - self.level, x - self.recent);
        if fabs(all) < fabs(learned) {
            all
        } else {
            learned
        }
    }

    /// Lowest, middle and highest of what was usual, as values.
    fn usual(&self, x: f64) -> [f64; 3] {
        let least = self.least(OF_SLOW);
        if self.counter.is_one() {
            let usual = self.steps.usual(self.counter.change(x), least);
            return usual.map(|step| self.last + step);
        }
        if self.value.margin(x, least) > 0.0 {
            let usual = self.value.usual(x, least);
            return [usual[0], self.level.clamp(usual[0], usual[2]), usual[2]];
        }
        let usual = self.around.usual(self.apart(x), self.least(OF_SLOW_AROUND));
        usual.map(|around| x - self.apart(x) + around)
    }

    /// Takes note of a value as it came.
    fn see(&mut self, x: f64) {
        let step = self.came.replace(x).map_or(0.0, |before| fabs(x - before));
        if step > 0.0 && (self.step == 0.0 || step < self.step) {
            self.step = step;
        }
    }

    /// Takes note of what a value that came is off where it belongs.
    fn take(&mut self, x: f64, learning: Learning) {
        let change = self.counter.change(x);
        let before = std::mem::replace(&mut self.last, x);
        self.counter.push_step(x, change);
        let apart = self.apart(x);
        let weight = LEVEL.max(1.0 / f64::from(self.rows + 1));
        self.recent += weight * (x - self.recent);
        if learning == Learning::Not {
            return;
        }
        let has_lasted = learning == Learning::Lasted;
        let learn = |extent: &mut Extent, x, least| {
            if learning == Learning::Usual {
                extent.learn(x, least);
            } else {
                extent.learn_now(x, least);
            }
        };
        let (least, around) = (self.least(OF_SLOW), self.least(OF_SLOW_AROUND));
        if self.rows > 0 {
            learn(&mut self.steps, change, least);
            learn(&mut self.around, apart, around);
        }
        learn(&mut self.value, x, least);
        // One row in another mode leaves the level where it is; two take it there.
        let is_here = has_lasted || self.value.are_together(x, self.level, least);
        if has_lasted {
            self.level = self.recent;
        } else if is_here {
            self.level += weight * (x - self.level);
        } else if self.is_away && self.value.are_together(x, before, least) {
            self.level = f64::midpoint(before, x);
        }
        self.is_away = !self.value.are_together(x, self.level, least);
        self.rows = self.rows.saturating_add(1);
    }
}

impl Reach {
    /// How far a row lies beyond; `None` within, or while too little is known.
    pub fn far(&self, row: &[f64]) -> Option<Far> {
        if self.values.is_empty() {
            return None;
        }
        let margins = |(course, x): (&Courses, &f64)| {
            if x.is_nan() { 0.0 } else { course.margin(*x) }
        };
        let mut of = self.values.iter().zip(row).map(margins).enumerate();
        let first = of.find(|(_, margin)| *margin > 0.0)?;
        let (feature, margin) = of.fold(
            first,
            |most, this| if this.1 > most.1 { this } else { most },
        );
        Some(Far {
            feature,
            margin,
            margins: self.values.iter().zip(row).map(margins).collect(),
        })
    }

    /// What is usual of a value of a row: lowest, middle, highest.
    pub(super) fn usual(&self, row: &[f64], feature: usize) -> Option<[f64; 3]> {
        Some(self.values.get(feature)?.usual(*row.get(feature)?))
    }

    /// How far the normal values of a feature reach, where a value of a row lies this margin beyond them.
    pub(super) fn unit(&self, row: &[f64], feature: usize, margin: f64) -> Option<f64> {
        let course = self.values.get(feature)?;
        // What is looked at of a counter are its steps.
        if course.counter.is_one() {
            return None;
        }
        let x = row[feature];
        let [low, _, high] = course.usual(x);
        let unit = (x - high).max(low - x) / margin;
        (unit > 0.0 && unit.is_finite()).then_some(unit)
    }

    /// Depth that a row brings by lying beyond the learned ones: as rare as one in all of them once that is no trifle, and rarer the
    /// farther it is.
    pub fn depth(&self, far: &Far) -> f64 {
        let unit = 1.0 + OF_CROSSINGS * self.crossings.usual();
        depth(self.rows, self.values.len(), far.margin / unit)
    }

    /// Takes note of how far a row lay beyond that is usual by all else.
    pub(super) fn note(&mut self, far: Option<&Far>) {
        if !self.values.is_empty() {
            self.crossings.note(far.map_or(0.0, |far| far.margin));
        }
    }

    /// Takes note of a row as it came.
    pub(super) fn see(&mut self, row: &[f64]) {
        for (course, x) in self.values.iter_mut().zip(row) {
            if fabs(*x) <= 1e100 {
                course.see(*x);
            }
        }
    }

    /// Takes note of a row.
    pub(super) fn take(&mut self, row: &[f64], learning: Learning) {
        let learns = learning != Learning::Not;
        if self.values.is_empty() {
            if learns && row.iter().any(|x| !x.is_nan()) {
                let known = |x: &f64| if fabs(*x) <= 1e100 { *x } else { f64::NAN };
                self.young.extend(row.iter().map(known));
                if self.young.len() >= YOUNG * row.len() {
                    self.grow_up(row.len());
                }
            }
            return;
        }
        for (course, x) in self.values.iter_mut().zip(row) {
            if !x.is_nan() && fabs(*x) <= 1e100 {
                if course.rows == 0 {
                    *course = Courses::new(*x);
                }
                course.take(*x, learning);
            }
        }
        if learns {
            self.rows = self.rows.saturating_add(1);
        }
    }

    /// Learns the first rows without what is wild among them.
    fn grow_up(&mut self, width: usize) {
        let rows = std::mem::take(&mut self.young);
        let column = |feature: usize| -> SmallVec<[f64; YOUNG]> {
            rows.iter().skip(feature).step_by(width).copied().collect()
        };
        self.values = (0..width)
            .map(|feature| Courses::grown(&column(feature)))
            .collect();
        self.rows = YOUNG as u32;
    }

    /// Starts a value anew with what it has been, as it is seen now.
    pub(super) fn restart(&mut self, feature: usize, history: &[f64]) {
        let Some(course) = self.values.get_mut(feature) else {
            return;
        };
        // What was held back stands in the history as less than it was, and makes what came a period later look strange.
        let (middle, unit) = robust(history);
        let is_wild = |x: &f64| fabs(*x - middle) > WILD * unit;
        let later = &history[history.len() / 2..];
        let few = later.iter().filter(|x| is_wild(x)).count() * FEW_WILD <= later.len();
        let tame = history.iter().copied().filter(|x| !few || !is_wild(x));
        let tame: Vec<f64> = tame.collect();
        let (first, later) = tame.split_at(tame.len().min(YOUNG));
        *course = Courses::grown(first);
        let mut guard = Guard::default();
        for x in later {
            let far = course.margin(*x);
            let passage = guard.pass(depth(course.rows, 1, far), far >= CLEAR, 0.0);
            course.take(*x, passage.learning);
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let modes = |course: &Courses| {
            let extents = [&course.value, &course.around, &course.steps];
            extents
                .iter()
                .map(|extent| extent.heap_bytes())
                .sum::<usize>()
        };
        self.values.capacity() * size_of::<Courses>()
            + self.values.iter().map(modes).sum::<usize>()
            + self.young.capacity() * size_of::<f64>()
    }

    /// Whether the parts belong together; state that came from outside is checked with this.
    pub fn is_sound(&self) -> bool {
        let is_sound = |course: &Courses| {
            course.value.is_sound()
                && course.around.is_sound()
                && course.steps.is_sound()
                && course.level.is_finite()
                && course.recent.is_finite()
                && course.last.is_finite()
                && course.step >= 0.0
                && course.counter.is_sound()
        };
        self.values.iter().all(is_sound)
            && self.crossings.is_sound()
            && self.young.iter().all(|x| !x.is_infinite())
    }
}

/// Depth of a margin beyond all of `rows` rows of `width` values.
fn depth(rows: u32, width: usize, margin: f64) -> f64 {
    let rows = f64::from(rows.min(SLOW_ROWS) + 1);
    let records = libm::log10(rows / (2.0 * width as f64)).max(0.0);
    let square = margin * margin;
    (records + depth_of(margin)) * square / (square + TRIFLE)
}

/// Depth of a margin beyond that of the first row beyond all others: each doubling is a hundred times rarer.
pub(super) fn depth_of(margin: f64) -> f64 {
    // Most rows lie within, and the logarithm of 1 is known.
    if margin == 0.0 {
        return 0.0;
    }
    2.0 * log2(1.0 + margin)
}
