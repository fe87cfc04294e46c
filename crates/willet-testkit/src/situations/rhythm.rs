//! A day with one bell: low at night, high around a peak, with noise.

use libm::exp;

use super::case::{Case, DAY, Event, HOUR, MONDAY};
use super::draw::Draw;

/// A rhythm of the day in even rows.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    step: i64,
    pub(super) rows: usize,
    pub(super) a_day: usize,
    peak: f64,
    width: f64,
    pub(super) low: f64,
    pub(super) tall: f64,
    pub(super) sigma: f64,
    pub(super) noise: Vec<f64>,
}

impl Rhythm {
    /// Rows of `step` seconds for so many days. Noise is 3 to 6 % of what the day rises by.
    pub(super) fn new(draw: &mut Draw, days: usize, step: i64) -> Self {
        let a_day = (DAY / step) as usize;
        let rows = days * a_day;
        let low = draw.scale(5.0..500.0);
        let tall = low * draw.uniform(1.0..5.0);
        let sigma = tall * draw.uniform(0.03..0.06);
        Self {
            step,
            rows,
            a_day,
            peak: draw.uniform(10.0..16.0),
            width: draw.uniform(3.0..5.0),
            low,
            tall,
            sigma,
            noise: draw.many(rows, |draw| sigma * draw.normal()),
        }
    }

    pub(super) fn day(&self, row: usize) -> usize {
        row / self.a_day
    }

    /// Saturday or Sunday.
    pub(super) fn is_weekend(&self, row: usize) -> bool {
        self.day(row) % 7 >= 5
    }

    pub(super) fn hour(&self, row: usize) -> f64 {
        (row as i64 * self.step) as f64 / HOUR as f64
    }

    /// Height at an hour, 0 to 1.
    pub(super) fn bell(&self, hour: f64) -> f64 {
        let off = ((hour - self.peak + 12.0).rem_euclid(24.0) - 12.0) / self.width;
        exp(-off * off)
    }

    /// A course made of the height of each row, without noise.
    pub(super) fn course(&self, height: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        (0..self.rows)
            .map(|row| self.low + self.tall * height(row, self.bell(self.hour(row))))
            .collect()
    }

    /// The row of an hour of a day.
    pub(super) fn at(&self, day: usize, hour: f64) -> usize {
        ((day as f64 + hour / 24.0) * self.a_day as f64).round() as usize
    }

    pub(super) fn at_peak(&self, day: usize) -> usize {
        self.at(day, self.peak)
    }

    /// Half a day from the peak, give or take an hour.
    pub(super) fn at_night(&self, draw: &mut Draw, day: usize) -> usize {
        let hour = self.peak + 12.0 + draw.uniform(-1.0..1.0);
        self.at(day, hour.rem_euclid(24.0))
    }

    /// The course with its noise.
    pub(super) fn noisy(&self, mut course: Vec<f64>) -> Vec<f64> {
        for (x, noise) in course.iter_mut().zip(&self.noise) {
            *x += noise;
        }
        course
    }

    /// Quiet from this day on, beginning on any Monday.
    pub(super) fn case(&self, draw: &mut Draw, values: Vec<f64>, quiet_from: usize) -> Case {
        self.timed(draw, Case::of(values, self.sigma), quiet_from)
    }

    pub(super) fn timed(&self, draw: &mut Draw, case: Case, quiet_from: usize) -> Case {
        let start = MONDAY + 7 * DAY * draw.whole(0..40) as i64;
        case.every_from(start, self.step)
            .ignore(0, quiet_from * self.a_day - 1)
    }

    /// An ordinary day, many times.
    pub(super) fn ordinary(&self, draw: &mut Draw, quiet_from: usize) -> Case {
        let values = self.noisy(self.course(|_, bell| bell));
        self.case(draw, values, quiet_from)
    }

    /// For some rows of a night the value is that of midday, which is within the usual range.
    pub(super) fn midday_at_night(
        &self,
        draw: &mut Draw,
        mut case: Case,
        day: usize,
        rows: usize,
    ) -> Case {
        let first = self.at_night(draw, day);
        let height = self.low + self.tall * draw.uniform(0.7..1.0);
        for row in first..first + rows {
            case.columns[0][row] = height + self.noise[row];
        }
        case.find(Event {
            settle: rows.max(3),
            ..Event::over(first, first + rows - 1)
        })
    }
}
