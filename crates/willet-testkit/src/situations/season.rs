//! A rhythm of the day or the week.

use std::f64::consts::TAU;

use libm::{exp, log, sin};

use super::case::{Case, Event, HOUR, MINUTE};
use super::draw::Draw;
use super::rhythm::Rhythm;

/// Hourly rows with a daily rhythm for six weeks; for two or three hours of a night the value of midday.
pub(super) fn hours(draw: &mut Draw) -> Case {
    let days = draw.whole(38..46);
    let rhythm = Rhythm::new(draw, days, HOUR);
    let (day, rows) = (draw.whole(28..36), draw.whole(2..4));
    let case = rhythm.ordinary(draw, 10);
    rhythm.midday_at_night(draw, case, day, rows)
}

/// A row every five minutes for twelve days; for half an hour of a night or a whole one the value of midday.
pub(super) fn five_minutes(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 12, 5 * MINUTE);
    let (day, rows) = (draw.whole(8..11), draw.whole(6..13));
    let case = rhythm.ordinary(draw, 4);
    rhythm.midday_at_night(draw, case, day, rows)
}

/// A row every minute for eight days; for 15 to 30 minutes of a night the value of midday.
pub(super) fn minutes(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 8, MINUTE);
    let (day, rows) = (draw.whole(5..7), draw.whole(15..31));
    let case = rhythm.ordinary(draw, 3);
    rhythm.midday_at_night(draw, case, day, rows)
}

/// A single reading of midday in the middle of a night; rows of five or fifteen minutes, or hours.
pub(super) fn one_at_night(draw: &mut Draw) -> Case {
    let step = draw.pick(&[5 * MINUTE, 15 * MINUTE, HOUR]);
    let (days, quiet_from, which) = if step == HOUR {
        (40, 10, 28..38)
    } else {
        (12, 4, 8..11)
    };
    let rhythm = Rhythm::new(draw, days, step);
    let day = draw.whole(which);
    let case = rhythm.ordinary(draw, quiet_from);
    let case = rhythm.midday_at_night(draw, case, day, 1);
    let row = case.events[0].first;
    case.ladder(row, rhythm.sigma)
}

/// Rows of five minutes; one reading lies 12 to 200 deviations above the daily peak.
pub(super) fn above_the_peak(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 12, 5 * MINUTE);
    let mut case = rhythm.ordinary(draw, 4);
    let row = draw.whole(8 * rhythm.a_day..11 * rhythm.a_day);
    case.columns[0][row] = rhythm.low + rhythm.tall + draw.scale(12.0..200.0) * rhythm.sigma;
    case.find(Event::at(row))
}

/// The hours before the peak of a day, in which it must be told that the peak does not come.
fn until_peak(rhythm: &Rhythm, day: usize) -> Event {
    let peak = rhythm.at_peak(day);
    Event {
        late: 3,
        until: peak + 6,
        settle: 24,
        ..Event::over(peak - 4, peak)
    }
}

/// Hourly rows for six weeks; one day the value stays where it is at night.
pub(super) fn peak_missing(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 42, HOUR);
    let off = draw.whole(28..38);
    let course = rhythm.course(|row, bell| if rhythm.day(row) == off { 0.0 } else { bell });
    let values = rhythm.noisy(course);
    let event = until_peak(&rhythm, off);
    rhythm.case(draw, values, 10).find(event)
}

/// Hourly rows for nine weeks, weekends at a quarter; one Saturday is as busy around its peak as a weekday.
pub(super) fn busy_saturday(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 63, HOUR);
    let (week, rows) = (draw.whole(5..8), draw.whole(4..7));
    let first = rhythm.at_peak(7 * week + 5) - 2;
    let course = rhythm.course(|row, bell| {
        let is_busy = (first..first + rows).contains(&row);
        bell * if rhythm.is_weekend(row) && !is_busy {
            0.25
        } else {
            1.0
        }
    });
    let values = rhythm.noisy(course);
    rhythm.case(draw, values, 21).find(Event {
        settle: 24,
        ..Event::over(first, first + rows - 1)
    })
}

/// Hourly rows for nine weeks, weekends at a quarter; one Wednesday is as calm as a Sunday.
pub(super) fn calm_wednesday(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 63, HOUR);
    let off = 7 * draw.whole(5..8) + 2;
    let course = rhythm.course(|row, bell| {
        let is_calm = rhythm.is_weekend(row) || rhythm.day(row) == off;
        bell * if is_calm { 0.25 } else { 1.0 }
    });
    let values = rhythm.noisy(course);
    let event = until_peak(&rhythm, off);
    rhythm.case(draw, values, 21).find(event)
}

/// A rhythm of the day and one of eight hours (shifts), rows of fifteen minutes for four weeks; at night the value of midday.
pub(super) fn two(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 28, 15 * MINUTE);
    let phase = draw.uniform(0.0..TAU);
    let course = rhythm.course(|row, bell| bell + 0.2 * sin(TAU * rhythm.hour(row) / 8.0 + phase));
    let values = rhythm.noisy(course);
    let case = rhythm.case(draw, values, 7);
    let (day, rows) = (draw.whole(18..26), draw.whole(3..7));
    rhythm.midday_at_night(draw, case, day, rows)
}

/// A daily rhythm that climbs by its own height in six weeks; at night it rises by as much as by midday.
pub(super) fn on_a_trend(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 42, HOUR);
    let rise = draw.uniform(0.7..1.5) / rhythm.rows as f64;
    let course = rhythm.course(|row, bell| bell + rise * row as f64);
    let mut values = rhythm.noisy(course);
    let day = draw.whole(28..38);
    let (first, rows) = (rhythm.at_night(draw, day), draw.whole(2..4));
    let by = rhythm.tall * draw.uniform(0.7..1.0);
    values[first..first + rows]
        .iter_mut()
        .for_each(|x| *x += by);
    rhythm.case(draw, values, 10).find(Event {
        settle: 3,
        ..Event::over(first, first + rows - 1)
    })
}

/// Level, height and noise of a rhythm grow together, to twice as much in six weeks; at night the value of midday.
pub(super) fn grows(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 42, HOUR);
    let in_all = log(draw.uniform(1.6..2.4));
    let growth = |row: usize| exp(in_all * row as f64 / rhythm.rows as f64);
    let case = rhythm.ordinary(draw, 10);
    let (day, rows) = (draw.whole(28..38), draw.whole(2..4));
    let mut case = rhythm.midday_at_night(draw, case, day, rows);
    for (row, x) in case.columns[0].iter_mut().enumerate() {
        *x *= growth(row);
    }
    case
}

/// A daily rhythm whose noise has heavy tails; at night the value of midday, farther off than any noise of the file.
pub(super) fn heavy_tail(draw: &mut Draw) -> Case {
    let mut rhythm = Rhythm::new(draw, 42, HOUR);
    let shape = draw.many(rhythm.rows, |draw| draw.student(3.0));
    let farthest = shape.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    rhythm.sigma = 0.4 * rhythm.tall / farthest;
    rhythm.noise = shape.iter().map(|x| rhythm.sigma * x).collect();
    let (day, rows) = (draw.whole(28..38), draw.whole(2..4));
    let case = rhythm.ordinary(draw, 10);
    rhythm
        .midday_at_night(draw, case, day, rows)
        .may_be_false_share(0.005)
}
