//! Time itself is not even.

use libm::exp;

use super::case::{Case, Event, HOUR, MINUTE, MONDAY};
use super::draw::Draw;
use super::noise::Noise;
use super::rhythm::Rhythm;

/// A rhythm of local time in rows of UTC: after the change to or from summer time it comes an hour off. Normal again four days
/// later; then, at night, the value of midday.
pub(super) fn summer_time(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 50, HOUR);
    let (change, by) = (draw.whole(20..26), draw.sign());
    let course = rhythm.course(|row, bell| {
        if rhythm.day(row) < change {
            bell
        } else {
            rhythm.bell(rhythm.hour(row) + by)
        }
    });
    let values = rhythm.noisy(course);
    let case = rhythm
        .case(draw, values, 10)
        .ignore(change * 24, (change + 4) * 24);
    let day = draw.whole(38..46);
    rhythm.midday_at_night(draw, case, day, 3)
}

/// Hourly rows with five gaps of 3 to 9 hours; the rhythm goes on by the clock. Later, at night, the value of midday.
pub(super) fn gaps(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 42, HOUR);
    let case = rhythm.ordinary(draw, 10);
    let day = draw.whole(36..40);
    let mut case = rhythm.midday_at_night(draw, case, day, 3);
    let mut came = vec![true; rhythm.rows];
    for day in [12, 17, 22, 27, 32] {
        let first = rhythm.at(day, draw.uniform(0.0..20.0));
        let long = draw.whole(3..10);
        came[first..first + long].fill(false);
        case = case.ignore(first, first + long + 3);
    }
    case.keep(&came)
}

/// 5 % of the hourly rows are lost here and there; later, at night, the value of midday for three hours.
pub(super) fn lost_rows(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 42, HOUR);
    let case = rhythm.ordinary(draw, 10);
    let day = draw.whole(28..38);
    let case = rhythm.midday_at_night(draw, case, day, 3);
    let came: Vec<bool> = case
        .strange
        .iter()
        .map(|strange| *strange || !draw.chance(0.05))
        .collect();
    case.keep(&came)
}

/// 5 % of the cells are empty; a reading is 15 to 200 deviations off.
pub(super) fn empty_cells(draw: &mut Draw) -> Case {
    let mut noise = Noise::white(draw, 2_000);
    for x in &mut noise.values {
        if draw.chance(0.05) {
            *x = f64::NAN;
        }
    }
    let row = draw.whole(1_000..1_900);
    let size = draw.sign() * draw.scale(15.0..200.0);
    noise.spiked(row, size).every(MINUTE)
}

/// Events as they come, many at one and the same time, sizes that vary by a factor; one is 20 times the largest or more.
pub(super) fn bursts_of_events(draw: &mut Draw) -> Case {
    let (level, spread) = (draw.scale(100.0..1e4), draw.uniform(0.3..0.6));
    let mut values = draw.many(2_500, |draw| level * exp(spread * draw.normal()));
    let largest = values.iter().copied().fold(0.0, f64::max);
    let row = draw.whole(1_500..2_400);
    values[row] = largest * draw.scale(20.0..200.0);
    let mut now = MONDAY;
    let times = (0..2_500).map(|_| {
        now += draw.pick(&[0, 0, 1, 1, 2, 3, 60]);
        now
    });
    let times = Some(times.collect());
    let case = Case::of(values, 0.0)
        .find(Event::at(row))
        .may_be_false_share(0.005);
    Case { times, ..case }
}
