//! What is known of a row's place in the seasons of its values.

mod given;
mod long_season;
mod season;

use serde::{Deserialize, Serialize};

use super::contract::{Epochs, LONGER};
use crate::rows::{Band, Swing};
use crate::statistics::Counter;
use given::InRows;
pub(super) use given::Seasonality;
use long_season::LongSeason;
pub(super) use season::SeasonV2;
use season::{Adjustment, Compared, Season};

/// The seasons of each value of a series: a period, and a longer one of several periods, as a week has days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Seasons {
    values: Vec<Of>,
    /// Rows of the given seasons; 0 while they are not known, or looked for.
    given: (u32, u32),
    /// Distance of the rows in microseconds; 0 while it is not known.
    step: i64,
}

/// The seasons of one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Of {
    counter: Counter,
    season: Season,
    long: LongSeason,
}

impl Of {
    fn new() -> Self {
        Self {
            counter: Counter::default(),
            season: Season::new(),
            long: LongSeason::default(),
        }
    }

    /// Of seasons that were given.
    fn given(InRows { period, cycle }: InRows) -> Self {
        Self {
            counter: Counter::default(),
            season: Season::given(period),
            long: LongSeason::given(cycle),
        }
    }

    /// What is looked at of a value: of a counter what it counted.
    fn seen(&self, value: f64) -> f64 {
        if self.counter.is_one() {
            self.counter.step(value)
        } else {
            value
        }
    }

    /// What the seasons make of what is seen of the row to come.
    fn expected(&self) -> f64 {
        self.season.expected(self.adjustment(0))
    }

    /// Takes in a value that came; whether there is another period now.
    fn push(&mut self, value: f64, is_held: bool) -> bool {
        let seen = self.seen(value);
        let was_counter = self.counter.is_one();
        if self.counter.push(value) && !was_counter {
            let steps: Vec<f64> = (1..self.season.len())
                .map(|index| self.season.at(index) - self.season.at(index - 1))
                .collect();
            (self.season, self.long) = (self.season.anew(), self.long.anew());
            steps
                .into_iter()
                .for_each(|step| _ = self.season.push(step, false));
            return true;
        }
        self.long
            .push(self.season.residual(seen, Adjustment::Additive(0.0)));
        let is_another = self.season.push(seen, is_held);
        if is_another {
            let period = self.season.found().map_or(0, |(period, _)| period);
            self.long.start(period * self.season.every() as usize);
            if self.season.every() == 1 {
                (self.season.first_expected()..self.season.len())
                    .for_each(|index| self.long.push(self.season.residual_at(index)));
            }
        }
        is_another
    }

    fn cycle(&self) -> usize {
        self.long.found().map_or(0, |(cycle, _)| cycle)
    }

    /// Which values say where one belongs.
    fn compared(&self) -> Compared {
        match self.cycle() {
            0 => Compared::Cycles(1),
            cycle if self.season.holds(cycle) => Compared::Cycles(cycle),
            _ => Compared::Alike,
        }
    }

    /// Where the row to come belongs: within what came at the same place in the last periods.
    fn band(&self) -> Band {
        if self.counter.is_one() {
            return Band::NONE;
        }
        let of = self.compared();
        let adjustment = match of {
            Compared::Cycles(_) => Adjustment::Additive(0.0),
            Compared::Alike => self.adjustment(0),
        };
        self.season
            .band(of, adjustment)
            .map_or(Band::NONE, Band::from)
    }

    /// What the longer season makes of a value `back` values of the history before the one to come.
    fn adjustment(&self, back: usize) -> Adjustment {
        let every = self.season.every() as usize;
        let more = self.long.expected_before(back * every);
        let Compared::Alike = self.compared() else {
            return Adjustment::Additive(more);
        };
        let (before, after) = self.long.part_around(back * every);
        let part = (before / every, after / every);
        let index = self.season.len() - back;
        self.season.adjustment(index, part, more)
    }

    /// How far it went up and down by the time of the row to come, which is `seen`.
    fn swing(&self, seen: f64) -> Swing {
        if self.counter.is_one() || seen.is_nan() {
            return Swing::NONE;
        }
        let of = self.compared();
        let swing = self.season.swing(seen, of, |back| self.adjustment(back));
        swing.unwrap_or(Swing::NONE)
    }

    /// The same of a row `back` rows before the one to come: what it was off that.
    fn off_before(&self, back: usize) -> f64 {
        let index = self.season.len() - back;
        let of = self.compared();
        let adjustment = match of {
            Compared::Cycles(_) => Adjustment::Additive(0.0),
            Compared::Alike => self.adjustment(back),
        };
        self.season.off_band_at(index, of, adjustment)
    }

    /// Rows of the history that something is expected of.
    fn known(&self) -> usize {
        let cycle = match self.compared() {
            Compared::Cycles(cycle) => cycle,
            Compared::Alike => season::CYCLES,
        };
        self.season
            .len()
            .saturating_sub(self.season.first_expected() * cycle)
    }
}

/// The longer seasons as they were saved beside the others; frozen.
#[derive(Serialize, Deserialize)]
pub(super) struct SeasonsV2(Vec<LongSeason>);

impl SeasonsV2 {
    /// The seasons of now.
    pub(super) fn with(self, seasons: Vec<SeasonV2>) -> Seasons {
        let of = |(season, long): (SeasonV2, LongSeason)| Of {
            counter: Counter::default(),
            season: season.into(),
            long,
        };
        Seasons {
            values: seasons.into_iter().zip(self.0).map(of).collect(),
            given: (0, 0),
            step: 0,
        }
    }
}

impl Seasons {
    pub(super) fn new(width: usize, seasonality: &Seasonality) -> Self {
        let of = match seasonality {
            Seasonality::Found => Of::new(),
            // Their rows are known once the pace is.
            Seasonality::Given(_) => Of::given(InRows {
                period: 0,
                cycle: 0,
            }),
        };
        Self {
            values: vec![of; width],
            given: (0, 0),
            step: 0,
        }
    }

    /// Takes up given seasons in rows of this step in microseconds, and begins anew where rows of another step were learned; whether it did
    /// either.
    pub(super) fn keep_pace(&mut self, seasonality: &Seasonality, step: i64) -> bool {
        let before = std::mem::replace(&mut self.step, step);
        let Some(given) = seasonality.in_rows(step) else {
            let is_another = before > 0 && step.abs_diff(before) * 5 > before.unsigned_abs();
            if is_another {
                self.values.fill(Of::new());
            }
            return is_another;
        };
        let (period, _) = self.given;
        // The pace shakes.
        if period > 0 && given.period.abs_diff(period as usize) * 20 <= period as usize {
            return false;
        }
        self.given = (given.period as u32, given.cycle as u32);
        self.values.fill(Of::given(given));
        true
    }

    /// The clock was put back: the last rows come again.
    pub(super) fn turn_back(&mut self, rows: usize) {
        for of in &mut self.values {
            of.season.turn_back(rows);
            of.long.turn_back(rows);
        }
    }

    /// The row less what the seasons make of it.
    pub(super) fn residuals(&self, row: &[f64]) -> impl Iterator<Item = f64> {
        let values = self.values.iter().zip(row);
        values.map(|(of, value)| of.season.residual(of.seen(*value), of.adjustment(0)))
    }

    /// What the seasons make of the row to come.
    pub(super) fn expected(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|of| {
            let expected = of.expected();
            if of.counter.is_one() {
                of.counter.before() + expected
            } else {
                expected
            }
        })
    }

    /// Where each value of the row to come belongs.
    pub(super) fn bands(&self, out: &mut Vec<Band>) {
        out.clear();
        out.extend(self.values.iter().map(Of::band));
    }

    /// How far each value went up and down by the time of a row to come.
    pub(super) fn swings(&self, row: &[f64], out: &mut Vec<Swing>) {
        out.clear();
        let values = self.values.iter().zip(row);
        out.extend(values.map(|(of, value)| of.swing(*value)));
    }

    /// Takes in a row or what is remembered of one that was held back, a missing value as what is expected of it; whether any value has
    /// another period now.
    pub(super) fn push(&mut self, row: &[f64], is_held: bool) -> bool {
        let mut is_another = false;
        for (of, value) in self.values.iter_mut().zip(row) {
            let value = if !value.is_nan() {
                *value
            } else if of.counter.is_one() {
                of.counter.before() + of.expected()
            } else {
                of.expected()
            };
            is_another |= of.push(value, is_held);
        }
        is_another
    }

    /// A number for each value that changes with the seasons that are known of it; 0 without any.
    pub(super) fn epochs(&self, out: &mut Epochs) {
        out.clear();
        out.extend(self.values.iter().map(|of| {
            let found = of.season.found().filter(|_| !of.counter.is_one());
            found.map_or(0, |(period, _)| (period << LONGER | of.cycle()) as u64)
        }));
    }

    /// What the last values of a feature were off their bands; empty where single values are not kept.
    pub(super) fn off_before(&self, feature: usize) -> Vec<f64> {
        let Some(of) = self.values.get(feature) else {
            return Vec::new();
        };
        if of.season.every() > 1 || of.counter.is_one() {
            return Vec::new();
        }
        let compared = of.compared();
        (1..=of.known())
            .rev()
            .filter(|back| !of.season.is_doubtful(of.season.len() - back, compared))
            .map(|back| of.off_before(back))
            .collect()
    }

    /// The last rows less what the seasons made of them. Of means of several rows what is left is made as large as that of one.
    pub(super) fn residuals_before(&self) -> Vec<f64> {
        let rows = self.values.iter().map(Of::known).min().unwrap_or(0);
        let of = |back: usize| {
            self.values.iter().map(move |of| {
                let season = &of.season;
                season.residual_at(season.len() - back) * f64::from(season.every()).sqrt()
            })
        };
        (1..=rows).rev().flat_map(of).collect()
    }

    pub(super) fn about(&self) -> String {
        let found = self.values.iter().enumerate();
        let found = found.filter_map(|(value, of)| Some((value, of.season.found()?, of)));
        let told: Vec<String> = found
            .map(|(value, (period, strength), one)| {
                let of = if self.values.len() > 1 {
                    format!(" in feature {value}")
                } else {
                    String::new()
                };
                let rows = period * one.season.every() as usize;
                let known = if self.given.0 > 0 {
                    "given".to_owned()
                } else {
                    format!("correlation {strength:.2}")
                };
                let short = format!("season of {rows} rows{of} ({known})");
                match one.long.found() {
                    Some((cycle, gain)) => format!(
                        "{short}, and one of {} rows (takes {:.0} % of what that leaves)",
                        cycle * rows,
                        gain * 100.0
                    ),
                    None => short,
                }
            })
            .collect();
        if told.is_empty() {
            "no season".to_owned()
        } else {
            told.join(", ")
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let of = |of: &Of| of.season.heap_bytes() + of.long.heap_bytes();
        self.values.capacity() * size_of::<Of>() + self.values.iter().map(of).sum::<usize>()
    }

    pub(super) fn is_sound(&self, width: usize) -> bool {
        let is_sound = |of: &Of| {
            let period = of.season.found().map_or(0, |(period, _)| period);
            let period = period * of.season.every() as usize;
            of.counter.is_sound() && of.season.is_sound() && of.long.is_sound(period)
        };
        self.values.len() == width && self.values.iter().all(is_sound)
    }
}
