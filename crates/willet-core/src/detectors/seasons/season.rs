use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::rows::{Band, Swing};
use crate::statistics::robust;

/// The recent values of one feature, and the period with which they repeat if there is one.
///
/// The period is looked for in the rank autocorrelation of the history with its linear trend taken out: ranks, so that a few spikes
/// do not hide it. It must stand out, and the values one to three periods ago must foretell the present better than the mean does.
///
/// Values are kept in single precision around the first one: a series is expected to move by less than 1e38.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    anchor: f64,
    /// Around the anchor; the lowest bit says that the value was held back, so that this is less than it was ([`marked`]).
    values: Vec<f32>,
    /// Where the next value goes once the history is full.
    next: u32,
    /// 0 while no period is known.
    period: u32,
    /// Autocorrelation at the period when it was last looked at.
    strength: f32,
    /// Values until it is looked at again.
    until_look: u32,
    /// Looks on end at which the period foretold nothing.
    failed: u8,
    /// Rows that one value kept is the mean of: more, the longer no period is found.
    every: u32,
    /// The rows of the value that is being made: how many, and their sum.
    gathered: u32,
    sum: f64,
    /// Whether one of them was held back.
    is_held: bool,
    /// Values of a period that was given, 0 of none; where nothing was it is looked for.
    given: Option<u32>,
}

/// Which of the values before say where one belongs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Compared {
    /// Those one to three times so many periods before.
    Cycles(usize),
    /// The two most alike of those one to three periods before: a Wednesday has two days of work behind it, a Tuesday two of rest. A
    /// longer season says which of them it is like.
    Alike,
}

/// What a longer season makes of the values one to three periods before one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Adjustment {
    /// It is like those of these periods.
    SameAs([bool; CYCLES]),
    /// It is so much more than they are.
    Additive(f64),
    /// It is so many times as far from this: the day of rest has nothing of the job, and all else of the night.
    Multiplicative { from: f64, by: f64 },
}

impl Adjustment {
    fn apply(self, value: f64) -> f64 {
        match self {
            Self::SameAs(_) => value,
            Self::Additive(by) => value + by,
            Self::Multiplicative { from, by } => from + by * (value - from),
        }
    }
}

impl Compared {
    /// Periods from one of them to the next.
    fn periods(self) -> usize {
        match self {
            Self::Cycles(cycle) => cycle.max(1),
            Self::Alike => 1,
        }
    }
}

/// A season as it was saved before it kept means; frozen.
#[derive(Serialize, Deserialize)]
pub(in super::super) struct SeasonV2 {
    anchor: f64,
    values: Vec<f32>,
    next: u32,
    period: u32,
    strength: f32,
    until_look: u32,
    failed: u8,
}

impl From<SeasonV2> for Season {
    fn from(state: SeasonV2) -> Self {
        Self {
            anchor: state.anchor,
            values: state.values,
            next: state.next,
            period: state.period,
            strength: state.strength,
            until_look: state.until_look,
            failed: state.failed,
            every: 1,
            gathered: 0,
            sum: 0.0,
            is_held: false,
            given: None,
        }
    }
}

/// Most rows that a value is the mean of.
const MOST_ROWS: u32 = 256;
/// A value may come early or late by one for so many of a period: ten to twenty minutes of a day.
const EARLY_OR_LATE: (u32, u32) = (96, 192);

/// Values kept: three days of five minutes, or six weeks of hours.
const HISTORY: usize = 1_024;
/// First look for a period, then whenever the history has grown by a quarter, then at every half of it.
const FIRST_LOOK: usize = 96;
const LOOK_EVERY: usize = HISTORY / 2;
/// Periods that the expected value is the median of.
pub(super) const CYCLES: usize = 3;
/// Shortest period: below, neighbours tell as much.
const SHORTEST: usize = 4;
/// The autocorrelation at a period must be at least this, and rise by this from its lowest before.
const LEAST_STRENGTH: f64 = 0.3;
/// The season must foretell the values this much better than their mean.
const LEAST_GAIN: f64 = 0.8;
/// It may be off by so many times what values usually are from their mean in so many of them: weekends are other days, but what switches on and
/// off at random repeats by chance only, and the more so the fewer periods were seen.
const WRONG: f64 = 1.5;
const MOST_WRONG: f64 = 0.14;
const FEW_PERIODS: usize = 4;
const MOST_WRONG_OF_FEW: f64 = 0.08;
/// Far from the others lies what is so many robust deviations off; these at least and one in so many at most. As many must have come a
/// period before another: three equal spikes at equal distances are no job.
const FAR: f64 = 8.0;
const FEWEST_FAR: usize = 4;
const MOST_FAR: usize = 25;
/// A new period must repeat this much better than the present one: else noise would change it at every look.
const STRONGER: f64 = 0.03;
/// Rows of an hour, a day, a week and a year at the steps in which clocks sample.
const NATURAL: [usize; 19] = [
    48, 52, 60, 72, 96, 120, 144, 168, 240, 288, 336, 360, 365, 720, 1_440, 2_880, 8_640, 17_280,
    86_400,
];
/// One of these beside a found period is taken for it if it repeats nearly as well: the peak of a few cycles is off by a row or two.
const AS_GOOD: f64 = 0.03;
/// Where values reach so many times farther than the longer season says, it speaks of a few of them.
const CONCENTRATED: f64 = 2.0;
/// So many of a period are a row of what is looked at around its peak; equally many for all that are compared.
const AROUND: usize = 48;
/// A period is given up when it foretold nothing at so many looks on end: a weekend has other days, and then it goes on as before.
const PATIENCE: u8 = 4;

impl Season {
    pub(super) fn new() -> Self {
        Self {
            anchor: 0.0,
            values: Vec::new(),
            next: 0,
            period: 0,
            strength: 0.0,
            until_look: FIRST_LOOK as u32,
            failed: 0,
            every: 1,
            gathered: 0,
            sum: 0.0,
            is_held: false,
            given: None,
        }
    }

    /// One whose period has so many rows; 0 of none.
    pub(super) fn given(rows: usize) -> Self {
        let fewest = (rows * CYCLES).div_ceil(HISTORY).max(1);
        // Whole parts of the period, if it has some that are about as long.
        let every = (fewest..=fewest * 2).find(|every| rows.is_multiple_of(*every));
        let every = every.unwrap_or(fewest);
        Self {
            every: every as u32,
            given: Some((rows as f64 / every as f64).round() as u32),
            ..Self::new()
        }
    }

    /// One that has learned nothing and goes by the same period if that was given.
    pub(super) fn anew(&self) -> Self {
        let of = |given: u32| Self::given((given * self.every) as usize);
        self.given.map_or_else(Self::new, of)
    }

    /// The clock was put back: the last rows come again.
    pub(super) fn turn_back(&mut self, rows: usize) {
        let again = (rows + self.every as usize / 2) / self.every as usize;
        let len = self.values.len();
        let again = again.min(len.saturating_sub(self.period as usize));
        if len < HISTORY {
            self.values.truncate(len - again);
        } else {
            // What is overwritten next counts as the oldest until then.
            self.next = ((self.next as usize + HISTORY - again) % HISTORY) as u32;
        }
    }

    /// The period in rows and how strongly the values repeat (autocorrelation of ranks).
    pub(super) fn found(&self) -> Option<(usize, f64)> {
        (self.period > 0).then_some((self.period as usize, f64::from(self.strength)))
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Rows that a value of the history is the mean of.
    pub(super) fn every(&self) -> u32 {
        self.every
    }

    /// What the season makes of the row to come; without one, 0.
    pub(super) fn expected(&self, adjustment: Adjustment) -> f64 {
        let at = |index| self.expected_with(index, adjustment);
        let here = at(self.values.len());
        if self.every == 1 || self.period == 0 {
            return here;
        }
        // Between the middles of two values.
        let place = (f64::from(self.gathered) + 0.5) / f64::from(self.every) - 0.5;
        let beside = if place < 0.0 {
            at(self.values.len() - 1)
        } else {
            at(self.values.len() + 1)
        };
        here + place.abs() * (beside - here)
    }

    fn expected_with(&self, index: usize, adjustment: Adjustment) -> f64 {
        let Adjustment::SameAs(periods) = adjustment else {
            return adjustment.apply(self.expected_at(index));
        };
        let back = |cycle: usize| index.checked_sub((cycle + 1) * self.period as usize);
        let chosen = (0..CYCLES).filter(|cycle| periods[*cycle]);
        let values: SmallVec<[f64; CYCLES]> =
            chosen.filter_map(back).map(|at| self.at(at)).collect();
        match values[..] {
            [one] => one,
            [one, other] => f64::midpoint(one, other),
            _ => self.expected_at(index),
        }
    }

    /// What it means for the value at `index` that the longer season makes `more` of the part of a period that it lies in, so many values
    /// before and after it.
    pub(super) fn adjustment(&self, index: usize, part: (usize, usize), more: f64) -> Adjustment {
        let period = self.period as usize;
        let (Some(first), last) = (index.checked_sub(part.0), index + part.1) else {
            return Adjustment::Additive(more);
        };
        if first < CYCLES * period || last >= self.values.len() + period {
            return Adjustment::Additive(more);
        }
        let (mut sums, mut usual) = ([0.0; CYCLES], 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for at in first..=last {
            for (cycle, sum) in sums.iter_mut().enumerate() {
                let value = self.at(at - (cycle + 1) * period);
                *sum += value;
                (low, high) = (low.min(value), high.max(value));
            }
            usual += self.expected_at(at);
        }
        let rows = (last - first + 1) as f64;
        let usual = usual / rows;
        let apart = sums.map(|sum| sum / rows - usual - more);
        let (least, most) = apart.iter().fold((-more, -more), |(least, most), apart| {
            (least.min(*apart), most.max(*apart))
        });
        let like = apart.map(|apart| apart.abs() <= (most - least) / 2.0);
        if like.contains(&true) {
            return Adjustment::SameAs(like);
        }
        let from = if more < 0.0 { low } else { high };
        if high - low <= CONCENTRATED * more.abs() || usual == from {
            return Adjustment::Additive(more);
        }
        let by = (usual + more - from) / (usual - from);
        Adjustment::Multiplicative {
            from,
            by: by.clamp(0.0, 1.0),
        }
    }

    /// Lowest and highest of the values one to three times `cycle` periods before the row to come, and beside them: where it belongs.
    pub(super) fn band(&self, of: Compared, adjustment: Adjustment) -> Option<(f64, f64)> {
        self.band_at(self.values.len(), of, adjustment)
    }

    /// The same of the value at `index`.
    fn band_at(&self, index: usize, of: Compared, adjustment: Adjustment) -> Option<(f64, f64)> {
        let back = self.period as usize * of.periods();
        if back == 0 || index < back {
            return None;
        }
        let off = self.early_or_late();
        let ends = |cycles: usize| {
            let at = index - cycles * back;
            self.ends(at.saturating_sub(off)..=(at + off).min(self.values.len() - 1))
        };
        let both = |a: (f32, f32), b: (f32, f32)| (a.0.min(b.0), a.1.max(b.1));
        let cycles = (index / back).min(CYCLES);
        let (low, high) = match (of, adjustment) {
            (Compared::Alike, Adjustment::SameAs(periods)) => {
                let chosen = (1..=cycles).filter(|cycle| periods[cycle - 1]);
                chosen.map(ends).reduce(both).unwrap_or_else(|| ends(1))
            }
            (Compared::Alike, _) if cycles == CYCLES => {
                let (a, b, c) = (ends(1), ends(2), ends(3));
                let pairs = [both(a, b), both(a, c), both(b, c)];
                let width = |pair: &(f32, f32)| pair.1 - pair.0;
                let narrowest = pairs
                    .into_iter()
                    .min_by(|a, b| width(a).total_cmp(&width(b)));
                narrowest.unwrap_or(a)
            }
            _ => (2..=cycles).fold(ends(1), |all, cycle| both(all, ends(cycle))),
        };
        let of = |end: f32| adjustment.apply(self.anchor + f64::from(end));
        Some((of(low), of(high)))
    }

    /// So many values it may come early or late.
    fn early_or_late(&self) -> usize {
        let off = self.period.min(EARLY_OR_LATE.1) / EARLY_OR_LATE.0;
        off.max(u32::from(self.every > 1)) as usize
    }

    /// Lowest and highest of some values.
    fn ends(&self, places: RangeInclusive<usize>) -> (f32, f32) {
        places.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), at| {
            (low.min(self.kept(at)), high.max(self.kept(at)))
        })
    }

    /// How far up and down it went in as many values as it may be early or late by now, the row to come the last of them; `None` where it
    /// may not, or too little is known. What came at one place in the last periods is missing once it is late.
    pub(super) fn swing(
        &self,
        next: f64,
        of: Compared,
        adjustment: impl FnOnce(usize) -> Adjustment,
    ) -> Option<Swing> {
        let back = self.period as usize * of.periods();
        let off = self.early_or_late();
        // Of means the row to come is a part only.
        let is_single = self.every == 1;
        let last = self.values.len().checked_sub(usize::from(!is_single))?;
        let place = last.checked_sub(2 * off)?;
        let first = place.checked_sub(2 * off)?;
        if back == 0 || off == 0 || place < CYCLES * back + off {
            return None;
        }
        let adjustment = adjustment(self.values.len() - place);
        let stretch = |cycles: usize| {
            let middle = place - cycles * back;
            middle - off..=middle + off
        };
        let held = |mut places: RangeInclusive<usize>| places.any(|at| self.is_held_at(at));
        let known = first..=(last - usize::from(is_single));
        if held(known.clone()) || (1..=CYCLES).any(|cycles| held(stretch(cycles))) {
            return None;
        }
        let mut now = self.ends(known);
        if is_single {
            let next = (next - self.anchor) as f32;
            now = (now.0.min(next), now.1.max(next));
        }
        let ends: SmallVec<[(f32, f32); CYCLES]> = match (of, adjustment) {
            (Compared::Alike, Adjustment::SameAs(periods)) => (0..CYCLES)
                .filter(|cycle| periods[*cycle])
                .map(|cycle| self.ends(stretch(cycle + 1)))
                .collect(),
            // What came in none of them is foretold by the longer season alone.
            (Compared::Alike, _) => return None,
            _ => (1..=CYCLES)
                .map(|cycle| self.ends(stretch(cycle)))
                .collect(),
        };
        let band = |of: fn(&(f32, f32)) -> f32| {
            let low = ends.iter().map(of).fold(f32::INFINITY, f32::min);
            let high = ends.iter().map(of).fold(f32::NEG_INFINITY, f32::max);
            self.around((low, high))
        };
        Some(Swing {
            now: self.around(now),
            lows: band(|ends| ends.0),
            highs: band(|ends| ends.1),
        })
    }

    fn around(&self, (low, high): (f32, f32)) -> Band {
        Band {
            low: self.anchor + f64::from(low),
            high: self.anchor + f64::from(high),
        }
    }

    /// What the value at `index` is off its band.
    pub(super) fn off_band_at(&self, index: usize, of: Compared, adjustment: Adjustment) -> f64 {
        let value = self.at(index);
        self.band_at(index, of, adjustment)
            .map_or(value, |(low, high)| {
                self.apart(value, value.clamp(low, high))
            })
    }

    /// Whether the history holds so many rows that the values `cycle` periods before are among them.
    pub(super) fn holds(&self, cycle: usize) -> bool {
        self.period > 0 && 5 * self.period as usize * cycle <= 4 * HISTORY
    }

    /// A value to come less what the season makes of it.
    pub(super) fn residual(&self, value: f64, adjustment: Adjustment) -> f64 {
        self.apart(value, self.expected(adjustment))
    }

    /// The value at `index` less what the season expected there.
    pub(super) fn residual_at(&self, index: usize) -> f64 {
        self.apart(self.at(index), self.expected_at(index))
    }

    /// Their difference; none where the precision of the history is all that parts them.
    fn apart(&self, value: f64, expected: f64) -> f64 {
        let size = (value - self.anchor)
            .abs()
            .max((expected - self.anchor).abs());
        let apart = value - expected;
        if self.period > 0 && apart.abs() <= 1e-6 * size {
            0.0
        } else {
            apart
        }
    }

    /// The first place in the history for which the season expects something.
    pub(super) fn first_expected(&self) -> usize {
        self.period as usize
    }

    /// Takes in a value, or what is remembered of one that was held back; returns whether there is another period now.
    pub(super) fn push(&mut self, value: f64, is_held: bool) -> bool {
        if self.values.is_empty() {
            self.anchor = value;
        }
        self.sum += (value - self.anchor).clamp(-1e38, 1e38);
        self.gathered += 1;
        self.is_held |= is_held;
        if self.gathered < self.every {
            return false;
        }
        let kept = marked((self.sum / f64::from(self.gathered)) as f32, self.is_held);
        (self.sum, self.gathered, self.is_held) = (0.0, 0, false);
        let may_coarsen = self.period == 0 && self.given.is_none() && self.every < MOST_ROWS;
        if self.values.len() == HISTORY && may_coarsen {
            self.coarsen();
        }
        if self.values.len() < HISTORY {
            self.values.push(kept);
        } else {
            self.values[self.next as usize] = kept;
            self.next = (self.next + 1) % HISTORY as u32;
        }
        if let Some(given) = self.given {
            return self.take_up(given);
        }
        self.until_look -= 1;
        if self.until_look > 0 {
            return false;
        }
        let grown = self.values.len() / 4;
        let every = if self.values.len() < HISTORY {
            grown
        } else {
            LOOK_EVERY
        };
        self.until_look = every.max(1) as u32;
        self.look()
    }

    /// Goes by a given period once it has come whole and a quarter more; whether it does so now.
    fn take_up(&mut self, given: u32) -> bool {
        let enough = given + (given / 4).max(SHORTEST as u32);
        if self.period > 0 || given == 0 || self.values.len() < enough as usize {
            return false;
        }
        self.period = given;
        true
    }

    /// Keeps the mean of two values for each two: twice the time in the same space.
    fn coarsen(&mut self) {
        self.values.rotate_left(self.next as usize);
        self.next = 0;
        let pairs = self.values.chunks_exact(2);
        let of = |pair: &[f32]| {
            let is_held = pair.iter().any(|x| is_marked(*x));
            marked(f32::midpoint(pair[0], pair[1]), is_held)
        };
        self.values = pairs.map(of).collect();
        self.every *= 2;
        self.until_look = (self.values.len() / 4) as u32;
    }

    /// Value `index` of the history, the oldest first.
    pub(super) fn at(&self, index: usize) -> f64 {
        self.anchor + f64::from(self.kept(index))
    }

    fn is_held_at(&self, index: usize) -> bool {
        is_marked(self.kept(index))
    }

    /// Whether the value at `index` or one that it is compared with was held back.
    pub(super) fn is_doubtful(&self, index: usize, of: Compared) -> bool {
        let back = self.period as usize * of.periods();
        let at = |cycles: usize| index.checked_sub(cycles * back);
        (0..=CYCLES)
            .filter_map(at)
            .any(|index| self.is_held_at(index))
    }

    fn kept(&self, index: usize) -> f32 {
        let at = self.next as usize + index;
        self.values[if at < self.values.len() {
            at
        } else {
            at - self.values.len()
        }]
    }

    /// Median of the values one to [`CYCLES`] periods before `index`.
    fn expected_at(&self, index: usize) -> f64 {
        let period = self.period as usize;
        if period == 0 || index < period {
            return 0.0;
        }
        let back = |cycle: usize| self.kept(index - cycle * period);
        let middle = match (index / period).min(CYCLES) {
            1 => back(1),
            2 => f32::midpoint(back(1), back(2)),
            _ => {
                let (a, b, c) = (back(1), back(2), back(3));
                a.max(b).min(a.min(b).max(c))
            }
        };
        self.anchor + f64::from(middle)
    }

    fn look(&mut self) -> bool {
        let values: Vec<f64> = (0..self.len())
            .map(|index| f64::from(self.kept(index)))
            .collect();
        let straight = without_trend(&values);
        let (mut correlations, mut likeness, mut found) =
            self.look_at(&straight, &ranks(&straight));
        if found.is_none() {
            // What is the same but for a few rows has no ranks to speak of: its sizes may repeat.
            let (by_size, like, sized) = self.look_at(&straight, &sizes(&straight));
            if sized.is_some() {
                (correlations, likeness, found) = (by_size, like, sized);
            }
        }
        // A job of a few rows is lost among the others, and far from them.
        let held: Vec<bool> = (0..self.len())
            .map(|index| self.is_held_at(index))
            .collect();
        let far = far(&straight, &held);
        if found.is_none() && !far.is_empty() {
            let (by_far, like, regular) = self.look_at(&far, &sized(&far));
            let repeats = |period: usize| {
                let pairs = far[period..].iter().zip(&far);
                pairs.filter(|(a, b)| **a != 0.0 && a == b).count()
            };
            let regular = regular.filter(|period| repeats(*period) >= FEWEST_FAR);
            if regular.is_some() {
                (correlations, likeness, found) = (by_far, like, regular);
            }
        }
        let present = self.period as usize;
        let before = self.period;
        // A period that is off by little repeats nearly as well where its peak is broad, and not at the very place.
        let is_stronger = |period: usize| {
            let repeats = |of| repetition(&likeness, of, period.min(present) / AROUND);
            let is_near = period.abs_diff(present) <= present / 16;
            let at = |period: usize| likeness.get(period).copied().unwrap_or(0.0);
            repeats(period) > repeats(present) + STRONGER
                || is_near && at(period) > at(present) + STRONGER
        };
        match found {
            Some(period) if present == 0 || is_stronger(period) => {
                self.period = period as u32;
                self.failed = 0;
            }
            None if present > 0 && !foretells(&straight, present) && !foretells(&far, present) => {
                self.failed += 1;
                if self.failed == PATIENCE {
                    (self.period, self.failed) = (0, 0);
                }
            }
            _ => self.failed = 0,
        }
        self.strength = correlations
            .get(self.period as usize)
            .map_or(0.0, |x| *x as f32);
        self.period != before
    }

    /// Autocorrelation and likeness of what stands for the values, and the period that these show and the values bear out.
    fn look_at(&self, straight: &[f64], ranks: &[i16]) -> (Vec<f64>, Vec<f64>, Option<usize>) {
        let correlations = autocorrelation(ranks);
        let likeness = likeness(ranks, &correlations);
        let found = period(&correlations, &likeness, self.every as usize)
            .filter(|period| foretells(straight, *period));
        (correlations, likeness, found)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>()
    }

    pub(super) fn is_sound(&self) -> bool {
        let len = self.values.len();
        len <= HISTORY
            && (self.next == 0 || (len == HISTORY && (self.next as usize) < len))
            && (self.period as usize) <= len
            && (1..=LOOK_EVERY.max(FIRST_LOOK) as u32).contains(&self.until_look)
            && self.failed < PATIENCE
            && self.every > 0
            && (self.given.is_some() || self.every.is_power_of_two() && self.every <= MOST_ROWS)
            && self
                .given
                .is_none_or(|given| self.period == 0 || self.period == given)
            && self.gathered < self.every
            && self.sum.is_finite()
            && self.anchor.is_finite()
            && self.values.iter().all(|x| x.is_finite())
    }
}

/// The values less the straight line through them.
fn without_trend(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let middle = (n - 1.0) / 2.0;
    let (mut along, mut spread) = (0.0, 0.0);
    for (i, x) in values.iter().enumerate() {
        let t = i as f64 - middle;
        along += t * (x - mean);
        spread += t * t;
    }
    let slope = if spread > 0.0 { along / spread } else { 0.0 };
    let line = |i: usize| mean + slope * (i as f64 - middle);
    values
        .iter()
        .enumerate()
        .map(|(i, x)| x - line(i))
        .collect()
}

/// Twice the rank of each value less the mean rank: whole numbers around 0; equal values share theirs.
fn ranks(values: &[f64]) -> Vec<i16> {
    // By whole numbers in the order of the values, which are compared without being made anew each time.
    let keys = values.iter().map(|x| total_order(*x)).zip(0..);
    let mut keys: Vec<(i64, u32)> = keys.collect();
    keys.sort_unstable_by_key(|(key, _)| *key);
    let order: Vec<usize> = keys.into_iter().map(|(_, at)| at as usize).collect();
    // What differs by rounding only is equal.
    let range = order
        .first()
        .zip(order.last())
        .map_or(0.0, |(low, high)| values[*high] - values[*low]);
    let mut ranks = vec![0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let mut to = from + 1;
        while to < order.len() && values[order[to]] - values[order[to - 1]] <= 1e-9 * range {
            to += 1;
        }
        let rank = (from + to) as i32 - values.len() as i32;
        order[from..to]
            .iter()
            .for_each(|at| ranks[*at] = rank as i16);
        from = to;
    }
    ranks
}

/// Whole numbers in the order of `f64::total_cmp`.
fn total_order(x: f64) -> i64 {
    let bits = x.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The value of a [whole number](total_order) in the order of values.
fn value_of(key: i64) -> f64 {
    f64::from_bits((key ^ ((key >> 63).cast_unsigned() >> 1).cast_signed()).cast_unsigned())
}

/// Each value's distance from the median in whole numbers, the farthest fiftieth as far as the next.
fn sizes(values: &[f64]) -> Vec<i16> {
    let nth = |of: &dyn Fn(f64) -> f64, place: usize| {
        let mut keys: Vec<i64> = values.iter().map(|x| total_order(of(*x))).collect();
        (place < keys.len()).then(|| value_of(*keys.select_nth_unstable(place).1))
    };
    let middle = nth(&|x| x, values.len() / 2).unwrap_or(0.0);
    let most = nth(&|x| (x - middle).abs(), values.len() * 49 / 50).unwrap_or(0.0);
    if most <= 0.0 {
        return vec![0; values.len()];
    }
    let clipped: Vec<f64> = values
        .iter()
        .map(|x| ((x - middle) / most).clamp(-1.0, 1.0))
        .collect();
    sized(&clipped)
}

/// Numbers from -1 to 1 less their mean, in whole numbers.
fn sized(values: &[f64]) -> Vec<i16> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let of = |x: &f64| ((x - mean) * 1_000.0) as i16;
    values.iter().map(of).collect()
}

/// Which few values lie far from the others or were held back, and on which side: 1 or -1, 0 for all others; nothing where they are too
/// few or too many.
fn far(values: &[f64], held: &[bool]) -> Vec<f64> {
    let (middle, unit) = robust(values);
    let of = |(x, is_held): (&f64, &bool)| {
        let apart = x - middle;
        if *is_held || apart.abs() > FAR * unit {
            apart.signum()
        } else {
            0.0
        }
    };
    let far: Vec<f64> = values.iter().zip(held).map(of).collect();
    let count = far.iter().filter(|x| **x != 0.0).count();
    if count >= FEWEST_FAR && count <= values.len() / MOST_FAR {
        far
    } else {
        Vec::new()
    }
}

/// Autocorrelation of the ranks at 0, 1, 2, ... up to what holds two periods and a bit.
fn autocorrelation(ranks: &[i16]) -> Vec<f64> {
    let n = ranks.len();
    let at = |lag: usize| {
        let products = ranks[lag..].iter().zip(ranks);
        let sum: i32 = products.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
        f64::from(sum) / (n - lag) as f64
    };
    let own = at(0);
    if own <= 0.0 {
        return Vec::new();
    }
    (0..n * 5 / 11).map(|lag| at(lag) / own).collect()
}

/// The cosine between the ranks and those a lag later. Where few periods overlap the autocorrelation is higher for what happens to
/// swing more; this is highest where the ranks repeat.
fn likeness(ranks: &[i16], correlations: &[f64]) -> Vec<f64> {
    let square = |rank: &i16| f64::from(i32::from(*rank) * i32::from(*rank));
    let whole: f64 = ranks.iter().map(square).sum();
    let (mut first, mut last) = (whole, whole);
    let n = ranks.len();
    let at = |(lag, correlation): (usize, &f64)| {
        let product = correlation * whole * (n - lag) as f64 / n as f64;
        let energy = (first * last).sqrt();
        last -= square(&ranks[lag]);
        first -= square(&ranks[n - 1 - lag]);
        if energy > 0.0 { product / energy } else { 0.0 }
    };
    correlations.iter().enumerate().map(at).collect()
}

/// The shortest lag at which the autocorrelation of means of `every` rows has a peak that is nearly its highest and stands out.
fn period(correlations: &[f64], likeness: &[f64], every: usize) -> Option<usize> {
    let falls = correlations
        .windows(2)
        .position(|pair| pair[1] >= pair[0])?;
    let least = LEAST_STRENGTH.max(4.0 / (correlations.len() as f64 * 2.2).sqrt());
    let mut lowest = correlations[..=falls].iter().copied().fold(1.0, f64::min);
    let mut peaks: Vec<(usize, f64)> = Vec::new();
    for lag in falls.max(SHORTEST)..correlations.len().saturating_sub(1) {
        let here = correlations[lag];
        lowest = lowest.min(here);
        let is_peak = here >= correlations[lag - 1] && here >= correlations[lag + 1];
        if is_peak && here >= least && here - lowest >= LEAST_STRENGTH {
            peaks.push((lag, here));
        }
    }
    let highest = peaks.iter().map(|(_, height)| *height).fold(0.0, f64::max);
    let first = peaks
        .into_iter()
        .find(|(_, height)| *height >= 0.9 * highest)?
        .0;
    // On a broad peak noise puts the first one early; around it and its multiples the middle is looked for.
    let off = (first / 8).max(1);
    let near = first - off..=first + off;
    let around = first / AROUND;
    let repeats = |period| repetition(likeness, period, around);
    let best = near.max_by(|a, b| repeats(*a).total_cmp(&repeats(*b)))?;
    let natural = NATURAL
        .into_iter()
        .filter(|rows| rows.is_multiple_of(every))
        .map(|rows| rows / every)
        .filter(|natural| natural.abs_diff(best) <= best / 64)
        .filter(|natural| repeats(*natural) + AS_GOOD >= repeats(best));
    let natural = natural.max_by(|a, b| repeats(*a).total_cmp(&repeats(*b)));
    Some(natural.unwrap_or(best))
}

/// Mean likeness at a period and its multiples, and so many rows around: the middle of a broad peak is told better than its highest point.
fn repetition(likeness: &[f64], period: usize, off: usize) -> f64 {
    let (mut count, mut sum) = (0, 0.0);
    for middle in (period..likeness.len().saturating_sub(off)).step_by(period.max(1)) {
        sum += likeness[middle - off..=middle + off].iter().sum::<f64>();
        count += 2 * off + 1;
    }
    sum / f64::from(count.max(1) as u32)
}

/// A value with its lowest bit set where it was held back: a ten-millionth of it, and no more memory.
fn marked(x: f32, is_held: bool) -> f32 {
    f32::from_bits(x.to_bits() & !1 | u32::from(is_held))
}

fn is_marked(x: f32) -> bool {
    x.to_bits() & 1 == 1
}

/// Whether the values one to three periods ago are nearer than the mean (0), and seldom far off.
fn foretells(values: &[f64], period: usize) -> bool {
    if values.is_empty() {
        return false;
    }
    let usual = values.iter().map(|x| x.abs()).sum::<f64>() / values.len() as f64;
    let (mut with, mut without, mut wrong) = (0.0, 0.0, 0);
    for index in period..values.len() {
        let cycles = (index / period).min(CYCLES);
        let mut back = [0.0; CYCLES];
        (0..cycles).for_each(|cycle| back[cycle] = values[index - (cycle + 1) * period]);
        back[..cycles].sort_unstable_by(f64::total_cmp);
        let middle = f64::midpoint(back[(cycles - 1) / 2], back[cycles / 2]);
        let off = (values[index] - middle).abs();
        with += off;
        without += values[index].abs();
        wrong += u32::from(off > WRONG * usual);
    }
    let most = if values.len() < FEW_PERIODS * period {
        MOST_WRONG_OF_FEW
    } else {
        MOST_WRONG
    };
    let rows = values.len().saturating_sub(period);
    with <= LEAST_GAIN * without && f64::from(wrong) <= most * rows as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn pushed(values: impl Iterator<Item = f64>) -> Season {
        let mut season = Season::new();
        values.for_each(|x| {
            season.push(x, false);
        });
        season
    }

    fn wave(period: usize, noise: f64) -> impl Iterator<Item = f64> {
        let mut random = Random::new(period as u64);
        (0..).map(move |i| {
            let angle = std::f64::consts::TAU * (i % period) as f64 / period as f64;
            1_000.0
                + 0.2 * f64::from(i as u32)
                + 50.0 * libm::sin(angle)
                + noise * (random.unit() - 0.5)
        })
    }

    #[test]
    fn a_period_is_found_under_trend_and_noise() {
        for period in [7, 24, 96, 288] {
            let season = pushed(wave(period, 60.0).take(1_500));
            let (found, strength) = season
                .found()
                .unwrap_or_else(|| panic!("{period} is not found"));
            assert!(found.abs_diff(period) <= period / 32, "{period}: {found}");
            assert!(strength > 0.5, "{period}: {strength}");
        }
    }

    const NOTHING_MORE: Adjustment = Adjustment::Additive(0.0);

    /// Noise, and a job of so many rows in each period.
    fn jobs(period: usize, rows: usize) -> impl Iterator<Item = f64> {
        let mut random = Random::new((period + rows) as u64);
        (0..).map(move |i| {
            let is_job = (period / 12..period / 12 + rows).contains(&(i % period));
            random.unit() + if is_job { 30.0 } else { 10.0 }
        })
    }

    #[test]
    fn the_period_of_what_comes_once_in_it_is_exact() {
        for (period, rows) in [
            (96, 3),
            (144, 3),
            (288, 4),
            (288, 12),
            (1_440, 20),
            (1_440, 60),
        ] {
            let season = pushed(jobs(period, rows).take(period * 8));
            let found = season
                .found()
                .map(|(found, _)| found * season.every() as usize);
            assert_eq!(found, Some(period), "{rows} rows");
        }
    }

    #[test]
    fn what_a_period_lacks_is_known_once_it_is_late() {
        let lacks = |early: usize| {
            let mut season = pushed(jobs(288, 6).take(288 * 10 + 24 - early));
            (0..12)
                .map(|_| {
                    let swing = season.swing(10.5, Compared::Cycles(1), |_| NOTHING_MORE);
                    season.push(10.5, false);
                    swing.expect("ten periods are known").lack()
                })
                .collect::<Vec<_>>()
        };
        // The job comes at row 24 of the period, and may come two later.
        let of = lacks(4);
        assert!(of[..6].iter().all(|lack| lack.abs() < 1.0), "{of:?}");
        assert!(of[6..].iter().all(|lack| *lack < -15.0), "{of:?}");
        let mut season = pushed(jobs(288, 6).take(288 * 10));
        for value in jobs(288, 6).skip(288 * 10).take(288 * 2) {
            let swing = season.swing(value, Compared::Cycles(1), |_| NOTHING_MORE);
            let lack = swing.expect("ten periods are known").lack();
            assert!(lack.abs() < 1.0, "{lack}");
            season.push(value, false);
        }
    }

    #[test]
    fn a_day_of_rest_has_the_night_and_not_the_job() {
        let season = pushed(jobs(288, 6).take(288 * 10));
        // The job is six of the twelve rows of its hour.
        let index = season.len() + 24;
        let like = season.adjustment(index, (0, 11), -10.0);
        let Adjustment::Multiplicative { from, by } = like else {
            panic!("{like:?}");
        };
        assert!((9.9..11.1).contains(&from) && by < 0.1, "{like:?}");
        // What the whole hour has less is taken from all of it.
        let like = season.adjustment(index + 40, (0, 11), -10.0);
        assert_eq!(like, Adjustment::Additive(-10.0));
        // The days before were the same.
        let like = season.adjustment(index, (0, 11), 0.0);
        assert!(matches!(like, Adjustment::SameAs(_)), "{like:?}");
    }

    #[test]
    fn a_few_spikes_do_not_hide_it() {
        let spiky = wave(48, 10.0)
            .enumerate()
            .map(|(i, x)| if i % 97 == 0 { x * 20.0 } else { x });
        assert_eq!(
            pushed(spiky.take(700)).found().map(|(period, _)| period),
            Some(48)
        );
    }

    #[test]
    fn noise_walks_and_constants_have_none() {
        for seed in 0..30 {
            let mut random = Random::new(seed);
            let noise = pushed((0..2_000).map(|_| random.unit()));
            assert_eq!(noise.found(), None, "noise {seed}");
            let mut level = 0.0;
            let near = pushed((0..2_000).map(|_| {
                level = 0.9 * level + random.unit() - 0.5;
                level
            }));
            assert_eq!(near.found(), None, "first order {seed}");
        }
        assert_eq!(pushed((0..1_000).map(|_| 5.0)).found(), None);
        assert_eq!(pushed((0..1_000).map(f64::from)).found(), None);
    }

    #[test]
    fn the_expected_value_is_that_of_the_season() {
        let season = pushed(wave(48, 0.0).take(481));
        let next = wave(48, 0.0).nth(481).expect("endless");
        // The trend of the two periods between is the level's part.
        assert!((season.expected(NOTHING_MORE) - next + 2.0 * 48.0 * 0.2).abs() < 0.01);
    }

    /// Autocorrelations, periods and forecasts by statsmodels: `scripts/golden_seasons.py`.
    #[test]
    fn seasons_are_those_of_statsmodels() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/seasons");
        let files: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder of golden vectors")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        assert!(files.len() >= 6, "golden vectors are missing: {files:?}");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a file of text");
            let numbers = |name: &str| -> Vec<f64> {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                let number = |text: &str| text.parse().expect("a number");
                line.expect("a line of that name")
                    .split_whitespace()
                    .map(number)
                    .collect()
            };
            let values = numbers("values ");
            let correlations = autocorrelation(&ranks(&without_trend(&values)));
            let expected = numbers("correlations ");
            assert_eq!(correlations.len(), expected.len(), "{file:?}");
            for (lag, (ours, theirs)) in correlations.iter().zip(&expected).enumerate() {
                assert!(
                    (ours - theirs).abs() < 1e-6,
                    "{file:?} lag {lag}: {ours} {theirs}"
                );
            }
            let period = numbers("period ")[0] as usize;
            let mut season = pushed(values.iter().copied());
            season.look();
            assert_eq!(
                season.found().map(|(period, _)| period),
                Some(period),
                "{file:?}"
            );
            // One period on, level taken out: the level is not the season's part.
            let next = numbers("next ");
            let mut ours = Vec::new();
            for value in &next {
                ours.push(season.expected(NOTHING_MORE));
                season.push(*value, false);
            }
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let off = mean(&ours) - mean(&next);
            let apart: Vec<f64> = ours
                .iter()
                .zip(&next)
                .map(|(a, b)| (a - off - b).abs())
                .collect();
            let swing: Vec<f64> = next.iter().map(|x| (x - mean(&next)).abs()).collect();
            assert!(
                mean(&apart) < 0.2 * mean(&swing),
                "{file:?}: {} of {}",
                mean(&apart),
                mean(&swing)
            );
        }
    }
}
