//! The level or the noise changes, and then something happens.

use std::ops::Range;

use super::case::{Case, Event};
use super::draw::Draw;
use super::noise::Noise;

fn lasting(row: usize) -> Event {
    Event {
        late: 12,
        settle: 100,
        ..Event::at(row)
    }
}

/// The level moves by 8 to 40 deviations and stays: told within a dozen rows, quiet again after a hundred.
pub(super) fn stays(draw: &mut Draw) -> Case {
    let at = draw.whole(900..1_300);
    let size = draw.sign() * draw.scale(8.0..40.0);
    let mut noise = Noise::white(draw, 2_200);
    noise.shift(at, size);
    noise.case().find(lasting(at))
}

/// A shift, and so many rows later a reading beyond the new level.
fn then_a_spike(draw: &mut Draw, gap: Range<usize>) -> Case {
    let at = draw.whole(800..1_200);
    let row = at + draw.whole(gap);
    let way = draw.sign();
    let (size, beyond) = (way * draw.scale(10.0..40.0), draw.scale(15.0..200.0));
    let mut noise = Noise::white(draw, row + 200);
    noise.shift(at, size);
    let sigma = noise.sigma;
    noise
        .spiked(row, size + way * beyond)
        .ignore(at, at + 100)
        .ladder(row, way * sigma)
}

/// 200 to 400 rows after a lasting shift a reading is 15 to 200 deviations beyond the new level.
pub(super) fn spike_soon_after(draw: &mut Draw) -> Case {
    then_a_spike(draw, 200..400)
}

/// 1,000 to 1,500 rows after a lasting shift, the new level long known, a reading is 15 to 200 deviations beyond it.
pub(super) fn spike_after(draw: &mut Draw) -> Case {
    then_a_spike(draw, 1_000..1_500)
}

/// 3,000 rows after a lasting shift a reading is 15 to 200 deviations beyond the new level.
pub(super) fn spike_long_after(draw: &mut Draw) -> Case {
    then_a_spike(draw, 2_900..3_100)
}

/// 500 to 1,500 rows after a shift the level moves again by 10 to 30 deviations, to where it never was.
pub(super) fn second(draw: &mut Draw) -> Case {
    let first = draw.whole(800..1_200);
    let at = first + draw.whole(500..1_500);
    let way = draw.sign();
    let (size, further) = (draw.scale(10.0..30.0), draw.scale(10.0..30.0));
    // Farther the same way, or back and beyond the old level.
    let by = if draw.chance(0.6) {
        further
    } else {
        -size - further
    };
    let mut noise = Noise::white(draw, at + 400);
    noise.shift(first, way * size);
    noise.shift(at, way * by);
    noise.case().ignore(first, first + 100).find(lasting(at))
}

/// The level moves by 10 to 30 deviations for 150 to 400 rows and returns: its begin is told, normal rows after the return are not.
pub(super) fn and_back(draw: &mut Draw) -> Case {
    let at = draw.whole(900..1_300);
    let back = at + draw.whole(150..400);
    let size = draw.sign() * draw.scale(10.0..30.0);
    let mut noise = Noise::white(draw, 2_600);
    noise.shift(at, size);
    noise.shift(back, -size);
    noise.case().find(lasting(at)).ignore(back, back + 100)
}

/// The level climbs by 10 to 30 deviations over 300 to 800 rows and stays; 300 to 600 rows later a reading is 15 to 200 beyond.
pub(super) fn climb_then_spike(draw: &mut Draw) -> Case {
    let (at, long) = (draw.whole(700..1_000), draw.whole(300..800));
    let row = at + long + draw.whole(300..600);
    let way = draw.sign();
    let (size, beyond) = (draw.scale(10.0..30.0), draw.scale(15.0..200.0));
    let mut shape = draw.many(row + 200, Draw::normal);
    for (i, x) in shape.iter_mut().enumerate() {
        *x += way * size * (i.saturating_sub(at) as f64 / long as f64).min(1.0);
    }
    Noise::shaped(draw, &shape)
        .spiked(row, way * (size + beyond))
        .ignore(at, at + long + 100)
}

/// The noise becomes 6 to 12 times as large and stays so: told within 30 rows, quiet again after 200.
pub(super) fn noise_grows(draw: &mut Draw) -> Case {
    let at = draw.whole(900..1_300);
    let times = draw.uniform(6.0..12.0);
    let mut noise = Noise::white(draw, 2_200);
    noise.stretch(at, times);
    noise.case().find(Event {
        late: 30,
        settle: 200,
        ..Event::at(at)
    })
}

/// The noise becomes 3 to 6 times as large; 600 rows later or more a reading is 12 to 100 of the new deviations off.
pub(super) fn noise_grows_then_spike(draw: &mut Draw) -> Case {
    let at = draw.whole(700..1_000);
    let row = at + draw.whole(600..1_200);
    let times = draw.uniform(3.0..6.0);
    let size = draw.sign() * draw.scale(12.0..100.0) * times;
    let mut noise = Noise::white(draw, row + 200);
    noise.stretch(at, times);
    noise.spiked(row, size).ignore(at, at + 200)
}

/// The noise falls to a tenth for 800 rows or more; then a reading is 6 to 20 of the old deviations off, 60 to 200 of the new.
pub(super) fn noise_falls_then_spike(draw: &mut Draw) -> Case {
    let at = draw.whole(700..1_000);
    let row = at + draw.whole(800..1_400);
    let size = draw.sign() * draw.scale(6.0..20.0);
    let mut noise = Noise::white(draw, row + 200);
    noise.stretch(at, 0.1);
    noise.spiked(row, size).ignore(at, at + 100)
}
