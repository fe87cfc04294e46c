//! Values that stand, switch, come back.

use std::ops::Range;

use super::case::{Case, DAY, Event, HOUR, MINUTE, MONDAY};
use super::draw::Draw;
use super::noise::Noise;

/// What is told within three rows, lasts until a row and is over 20 rows later.
fn episode(first: usize, until: usize) -> Event {
    Event {
        late: 3,
        until,
        settle: 20,
        ..Event::at(first)
    }
}

/// A value that never changed is different for one row.
pub(super) fn constant_changes_once(draw: &mut Draw) -> Case {
    let level = draw.whole(0..100) as f64;
    let mut values = vec![level; 1_200];
    let row = draw.whole(600..1_100);
    values[row] += draw.sign() * draw.whole(1..4) as f64;
    Case::of(values, 0.0).find(Event::at(row))
}

/// A value that never changed is a hundred times as large or more, or large where it was 0, for one row.
pub(super) fn constant_then_huge(draw: &mut Draw) -> Case {
    let level = (draw.whole(0..3) * draw.whole(1..50)) as f64;
    let mut values = vec![level; 1_200];
    let row = draw.whole(300..1_100);
    values[row] = level.max(1.0) * draw.scale(100.0..1e4).round();
    Case::of(values, 0.0).find(Event::at(row))
}

/// A value that never changed takes another and keeps it: told at once, and normal after 60 rows.
pub(super) fn constant_steps(draw: &mut Draw) -> Case {
    let at = draw.whole(600..1_000);
    let level = draw.whole(0..100) as f64;
    let new = level + draw.sign() * draw.whole(1..50) as f64;
    let mut values = vec![level; 1_600];
    values[at..].fill(new);
    Case::of(values, 0.0).find(Event {
        late: 3,
        settle: 60,
        ..Event::at(at)
    })
}

/// A machine with three to five settings held for 30 to 120 rows each, all known after 1,500 rows; then a reading far outside all.
pub(super) fn plateaus(draw: &mut Draw) -> Case {
    let (n, sigma) = (5_000, draw.scale(0.01..100.0));
    let (count, lowest) = (draw.whole(3..6), draw.uniform(1.0..1.8));
    let level = |which: usize| 20.0 * sigma * (which as f64 + lowest);
    let mut values: Vec<f64> = Vec::new();
    let mut which = 0;
    while values.len() < n {
        let long = draw.whole(30..120);
        values.extend(draw.many(long, |draw| level(which) + sigma * draw.normal()));
        which = (which + draw.whole(1..count)) % count;
    }
    values.truncate(n);
    let row = draw.whole(3_000..4_900);
    values[row] = level(count - 1) * draw.scale(3.0..10.0);
    Case::of(values, sigma)
        .ignore(0, 1_500)
        .find(Event::at(row))
}

/// Two levels that take turns, each for a time of the range.
fn turns(draw: &mut Draw, n: usize, levels: [f64; 2], stays: &Range<usize>) -> Vec<f64> {
    let mut values = Vec::new();
    for level in levels.into_iter().cycle() {
        let long = draw.whole(stays.clone());
        values.extend(std::iter::repeat_n(level, long));
        if values.len() >= n {
            break;
        }
    }
    values.truncate(n);
    values
}

/// Idle or active for 5 to 40 rows at a time, both normal. One reading is three times the active level or more.
pub(super) fn idle_or_active(draw: &mut Draw) -> Case {
    let active = draw.scale(10.0..1e3);
    let idle = active * draw.uniform(0.05..0.2);
    let mut values = turns(draw, 4_000, [idle, active], &(5..40));
    for x in &mut values {
        *x += 0.02 * active * draw.normal();
    }
    let row = draw.whole(2_000..3_900);
    values[row] = active * draw.scale(3.0..30.0);
    Case::of(values, active / 50.0)
        .ignore(0, 300)
        .find(Event::at(row))
}

/// Idle for the first 100 rows, then active in 20 to 45 % of the rows for good.
pub(super) fn begins_idle(draw: &mut Draw, n: usize) -> Vec<f64> {
    let share = draw.uniform(0.2..0.45);
    (0..n)
        .map(|row| {
            let active = draw.uniform(1.0..3.0);
            if row >= 100 && draw.chance(share) {
                active
            } else {
                0.0
            }
        })
        .collect()
}

/// Idle for the first 100 rows, then active in 20 to 45 % of the rows for good: normal after 600. One reading is ten times as large.
pub(super) fn idle_then_active(draw: &mut Draw) -> Case {
    let mut values = begins_idle(draw, 4_000);
    let row = draw.whole(2_500..3_950);
    values[row] = draw.scale(30.0..3e3).round();
    Case::of(values, 0.1).ignore(0, 600).find(Event::at(row))
}

/// A compressor that is on for 20 and off for 40 rows or so, always: normal after 300 rows.
pub(super) fn on_and_off(draw: &mut Draw) -> Case {
    let level = draw.scale(10.0..1e3);
    let (on, off) = (draw.whole(10..25), draw.whole(20..45));
    let mut values = Vec::new();
    while values.len() < 4_000 {
        let on = draw.whole(on - 1..on + 2);
        let off = draw.whole(off - 1..off + 2);
        values.extend(std::iter::repeat_n(level, on));
        values.extend(std::iter::repeat_n(0.1 * level, off));
    }
    for x in &mut values {
        *x += 0.01 * level * draw.normal();
    }
    Case::of(values, level / 100.0).ignore(0, 300)
}

/// A job once a night that takes an hour or two, over a low load.
struct Job {
    step: i64,
    values: Vec<f64>,
    low: f64,
    tall: f64,
    /// First row of each night's.
    begins: Vec<usize>,
    rows: usize,
}

impl Job {
    /// It begins a row early or late at times where rows are shorter than it.
    fn new(draw: &mut Draw, days: usize, step: i64) -> Self {
        let a_day = (DAY / step) as usize;
        let low = draw.scale(5.0..50.0);
        let tall = low * draw.uniform(4.0..10.0);
        let an_hour = HOUR as f64 / step as f64;
        let rows = ((draw.uniform(1.0..2.0) * an_hour).round() as usize).max(1);
        let first = (draw.uniform(1.0..4.0) * an_hour) as usize;
        let begins = (0..days).map(|day| {
            let early = if step < HOUR { draw.whole(0..3) } else { 1 };
            day * a_day + first + early - 1
        });
        let begins: Vec<usize> = begins.collect();
        let mut values = draw.many(days * a_day, |draw| low * (1.0 + 0.04 * draw.normal()));
        for begin in &begins {
            values[*begin..begin + rows]
                .iter_mut()
                .for_each(|x| *x += tall);
        }
        Self {
            step,
            values,
            low,
            tall,
            begins,
            rows,
        }
    }

    fn skip(&mut self, day: usize) -> usize {
        let first = self.begins[day];
        self.values[first..first + self.rows]
            .iter_mut()
            .for_each(|x| *x -= self.tall);
        first
    }

    fn case(self, quiet_from: usize) -> Case {
        let a_day = (DAY / self.step) as usize;
        Case::of(self.values, self.low / 50.0)
            .every(self.step)
            .ignore(0, quiet_from * a_day)
    }
}

/// A job that runs every night, rows of five minutes: normal after five days, its begin and its end too.
pub(super) fn nightly_job(draw: &mut Draw) -> Case {
    Job::new(draw, 15, 5 * MINUTE).case(5)
}

/// A job of every night does not run in one; rows of five minutes: told within the time it takes and half as long again.
pub(super) fn job_missing(draw: &mut Draw) -> Case {
    let day = draw.whole(10..14);
    let mut job = Job::new(draw, 15, 5 * MINUTE);
    let (first, rows) = (job.skip(day), job.rows);
    job.case(5).find(Event {
        late: rows / 2,
        settle: 12,
        ..Event::over(first, first + rows - 1)
    })
}

/// Bytes written each hour: a backup at the same hour of every night for 40 nights, but one.
pub(super) fn backup_missing(draw: &mut Draw) -> Case {
    let day = draw.whole(28..38);
    let mut job = Job::new(draw, 40, HOUR);
    let (first, rows) = (job.skip(day), job.rows);
    job.case(10).find(Event::over(first, first + rows - 1))
}

/// Events of a job that runs once a night, counted by the hour; one night there are none.
pub(super) fn events_missing(draw: &mut Draw) -> Case {
    let (days, day) = (45, draw.whole(30..42));
    let is_one = draw.chance(0.5);
    let mut values = vec![0.0; days * 24];
    for night in (0..days).filter(|night| *night != day) {
        values[night * 24] = if is_one {
            1.0
        } else {
            draw.whole(18..23) as f64
        };
    }
    Case::of(values, 0.0)
        .every_from(MONDAY + 2 * HOUR, HOUR)
        .ignore(0, 10 * 24)
        .find(Event::at(day * 24))
}

/// A counter that starts anew every midnight: normal after six days. One day it jumps by 40 to 90 usual steps between two rows.
pub(super) fn counter_of_the_day(draw: &mut Draw) -> Case {
    let (days, a_day, step) = (22, 96, draw.scale(50.0..5e3));
    let (day, at) = (draw.whole(14..21), draw.whole(20..70));
    let (row, jump) = (day * a_day + at, step * draw.scale(40.0..90.0));
    let mut count = 0.0;
    let values = (0..days * a_day).map(|i| {
        if i % a_day == 0 {
            count = 0.0;
        }
        count += step * (1.0 + 0.05 * draw.normal()) + if i == row { jump } else { 0.0 };
        count
    });
    let values = values.collect();
    Case::of(values, 0.0)
        .every(15 * MINUTE)
        .ignore(0, 6 * a_day)
        .find(Event {
            settle: 4,
            ..episode(row, (day + 1) * a_day - 1)
        })
}

/// A counter that has only grown begins again near zero: told within three rows, and it grows on as before.
pub(super) fn counter_begins_again(draw: &mut Draw) -> Case {
    let (at, step) = (draw.whole(1_200..2_000), draw.scale(50.0..5e3));
    let mut count = 0.0;
    let values = (0..2_500).map(|row| {
        if row == at {
            count = 0.0;
        }
        count += step * (1.0 + 0.05 * draw.normal());
        count
    });
    let values = values.collect();
    Case::of(values, 0.0).every(MINUTE).find(Event {
        settle: 100,
        ..episode(at, at)
    })
}

/// A sensor that always trembled shows one and the same value for 60 to 120 rows: told before it moves again.
pub(super) fn stuck(draw: &mut Draw) -> Case {
    let (first, long) = (draw.whole(1_200..2_200), draw.whole(60..120));
    let mut noise = Noise::white(draw, 2_500);
    let value = noise.values[first];
    noise.values[first..first + long].fill(value);
    noise.case().ignore(first, first + 5).find(Event {
        late: 0,
        settle: 20,
        ..Event::over(first + 5, first + long - 1)
    })
}

/// A signal that never passed two thirds of its scale stands at its very end (1023, 4095, 100) for 20 to 60 rows.
pub(super) fn at_the_end_of_its_scale(draw: &mut Draw) -> Case {
    let top = draw.pick(&[100.0, 1_023.0, 4_095.0]);
    let shape = draw.wandering(2_500, 0.9);
    let (first, long) = (draw.whole(1_200..2_300), draw.whole(20..60));
    let mut values: Vec<f64> = shape
        .iter()
        .map(|x| top * (0.4 + 0.06 * x).clamp(0.1, 0.66))
        .collect();
    values[first..first + long].fill(top);
    Case::of(values, top / 100.0)
        .every(10)
        .find(episode(first, first + long - 1))
}

/// Steady traffic, as a value of each minute.
fn traffic(draw: &mut Draw, n: usize) -> Vec<f64> {
    let (level, spread) = (draw.scale(50.0..5e3), draw.uniform(0.03..0.08));
    draw.many(n, |draw| level * (1.0 + spread * draw.normal()))
}

/// Steady traffic falls to nothing for 10 to 60 rows and comes back: told within three rows, quiet 20 rows after it came back.
pub(super) fn outage(draw: &mut Draw) -> Case {
    let mut values = traffic(draw, 2_500);
    let (first, long) = (draw.whole(1_000..2_200), draw.whole(10..60));
    values[first..first + long].fill(0.0);
    Case::of(values, 0.0)
        .every(MINUTE)
        .find(episode(first, first + long - 1))
}

/// Two outages, 500 to 1,000 rows apart: both are told.
pub(super) fn two_outages(draw: &mut Draw) -> Case {
    let mut values = traffic(draw, 3_000);
    let first = draw.whole(1_000..1_500);
    let second = first + draw.whole(500..1_000);
    let rows = [first, second].map(|first| first..first + draw.whole(10..40));
    for rows in &rows {
        values[rows.clone()].fill(0.0);
    }
    let case = Case::of(values, 0.0).every(MINUTE);
    rows.iter().fold(case, |case, rows| {
        case.find(episode(rows.start, rows.end - 1))
    })
}
