//! Small whole numbers.

use std::ops::Range;

use super::case::{Case, Event, MINUTE};
use super::draw::Draw;
use super::rhythm::Rhythm;

/// Counts with an absurd one among them, in a row from `from` on.
fn with_absurd(draw: &mut Draw, mut values: Vec<f64>, from: usize, size: Range<f64>) -> Case {
    let row = draw.whole(from..values.len() - 50);
    values[row] = draw.scale(size).round();
    Case::of(values, 0.0).find(Event::at(row))
}

/// 0 or 1, the 1 in 2 to 10 % of the rows; one reading of 50 to 100,000.
pub(super) fn zero_or_one(draw: &mut Draw) -> Case {
    let share = draw.uniform(0.02..0.1);
    let values = draw.many(4_000, |draw| f64::from(u8::from(draw.chance(share))));
    with_absurd(draw, values, 2_500, 50.0..1e5)
}

/// One event in 2 to 20 rows, never more than 5 in one; one reading of 50 to 100,000.
pub(super) fn rare(draw: &mut Draw) -> Case {
    let rate = draw.scale(0.05..0.5);
    let values = draw.many(4_000, |draw| draw.poisson(rate).min(5.0));
    let case = with_absurd(draw, values, 2_500, 50.0..1e5);
    let row = case.events[0].first;
    case.ladder(row, 1.0)
}

/// 3 to 20 a row; one reading 20 to 300 deviations above.
pub(super) fn small(draw: &mut Draw) -> Case {
    let rate = draw.scale(3.0..20.0);
    let values = draw.many(3_000, |draw| draw.poisson(rate));
    let above = |deviations: f64| rate + deviations * rate.sqrt();
    with_absurd(draw, values, 1_500, above(20.0)..above(300.0))
}

/// Zero but for 2 to 5 % of the rows with 1 to 4; one reading of 40 to 400.
pub(super) fn mostly_zero(draw: &mut Draw) -> Case {
    let share = draw.uniform(0.02..0.05);
    let values = draw.many(4_000, |draw| {
        let count = draw.whole(1..5) as f64;
        if draw.chance(share) { count } else { 0.0 }
    });
    with_absurd(draw, values, 2_500, 40.0..400.0).every(15 * MINUTE)
}

/// 0, 1, 2 or 3 in 90, 7, 2 and 1 % of the rows, none of them strange; one reading of 30 to 3,000.
pub(super) fn few_values(draw: &mut Draw) -> Case {
    let values = draw.many(5_000, |draw| {
        draw.weighted(&[0.90, 0.07, 0.02, 0.01]) as f64
    });
    with_absurd(draw, values, 3_000, 30.0..3e3)
}

/// Whole numbers of which five or six ever come; one reading 20 or more away.
pub(super) fn ties(draw: &mut Draw) -> Case {
    let (level, sigma) = (draw.whole(5..100) as f64, draw.uniform(0.7..1.0));
    let mut values = draw.many(3_000, |draw| (level + sigma * draw.normal()).round());
    let row = draw.whole(1_500..2_900);
    values[row] += draw.sign() * draw.scale(20.0..500.0).round();
    Case::of(values, 0.0).find(Event::at(row))
}

/// An error in ten minutes or fewer, then 10 to 20 a minute for half an hour: told within three rows, and calm behind it.
pub(super) fn incident(draw: &mut Draw) -> Case {
    let (usual, much) = (draw.uniform(0.03..0.1), draw.uniform(10.0..20.0));
    let (first, long) = (draw.whole(2_000..3_500), draw.whole(20..40));
    let mut values = draw.many(4_000, |draw| draw.poisson(usual));
    values[first..first + long].fill_with(|| draw.poisson(much));
    Case::of(values, 0.0).every(MINUTE).find(Event {
        late: 3,
        until: first + long - 1,
        settle: 20,
        ..Event::at(first)
    })
}

/// Requests in five minutes, many by day and few at night; one midday none at all for half an hour or more.
pub(super) fn silent_midday(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 12, 5 * MINUTE);
    let (few, many) = (draw.uniform(2.0..5.0), draw.uniform(60.0..200.0));
    let mut values: Vec<f64> = (0..rhythm.rows)
        .map(|row| draw.poisson(few + many * rhythm.bell(rhythm.hour(row))))
        .collect();
    let (day, long) = (draw.whole(8..11), draw.whole(6..13));
    let first = rhythm.at_peak(day);
    values[first..first + long].fill(0.0);
    Case::of(values, 0.0)
        .every(5 * MINUTE)
        .ignore(0, 4 * rhythm.a_day - 1)
        .find(Event {
            late: 3,
            until: first + long - 1,
            settle: 12,
            ..Event::at(first)
        })
}
