//! One reading out of line.

use libm::exp;

use super::case::{Case, Event};
use super::draw::Draw;
use super::noise::{Noise, level_and_deviation};

/// A reading 8 to 1,000 deviations off in plain noise.
pub(super) fn plain(draw: &mut Draw) -> Case {
    let n = draw.whole(1_500..2_500);
    let row = draw.whole(n / 2..n - 50);
    let size = draw.sign() * draw.scale(8.0..1e3);
    let noise = Noise::white(draw, n);
    let sigma = noise.sigma;
    noise.spiked(row, size).ladder(row, sigma)
}

/// Noise with heavy tails, and a reading three times as far off or more as the farthest of the whole file.
pub(super) fn heavy_tail(draw: &mut Draw) -> Case {
    let shape = draw.many(2_500, |draw| draw.student(3.0));
    let farthest = shape.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    let row = draw.whole(1_500..2_400);
    let size = draw.sign() * draw.scale(3.0..30.0) * farthest;
    let noise = Noise::shaped(draw, &shape);
    let sigma = noise.sigma;
    noise
        .spiked(row, size)
        .ladder(row, sigma)
        .may_be_false_share(0.005)
}

/// A value that wanders slowly jumps by 10 to 100 of its deviations for one reading.
pub(super) fn wandering(draw: &mut Draw) -> Case {
    let keeps = draw.uniform(0.8..0.95);
    let shape = draw.wandering(2_500, keeps);
    let size = draw.sign() * draw.scale(10.0..100.0);
    let row = draw.whole(1_200..2_400);
    Noise::shaped(draw, &shape).spiked(row, size)
}

/// Times that vary by a factor, as latencies do; one is three times the longest ever or more.
pub(super) fn by_a_factor(draw: &mut Draw) -> Case {
    let (level, spread) = (draw.scale(0.1..1e3), draw.uniform(0.15..0.4));
    let mut values = draw.many(2_500, |draw| level * exp(spread * draw.normal()));
    let longest = values.iter().copied().fold(0.0, f64::max);
    let row = draw.whole(1_200..2_400);
    values[row] = longest * draw.scale(3.0..100.0);
    Case::of(values, level / 100.0)
        .find(Event::at(row))
        .may_be_false_share(0.003)
}

/// A straight rise with noise; a reading is 15 to 200 deviations off the line.
pub(super) fn on_a_trend(draw: &mut Draw) -> Case {
    let slope = draw.sign() * draw.uniform(0.005..0.02);
    let mut shape = draw.many(2_000, Draw::normal);
    for (row, x) in shape.iter_mut().enumerate() {
        *x += slope * row as f64;
    }
    let row = draw.whole(1_000..1_900);
    shape[row] = slope * row as f64 + draw.sign() * draw.scale(15.0..200.0);
    Noise::shaped(draw, &shape).case().find(Event::at(row))
}

/// Small noise on a huge level, as of meters and prices in cents; a reading is 15 to 200 deviations off.
pub(super) fn on_a_huge_level(draw: &mut Draw) -> Case {
    let (_, sigma) = level_and_deviation(draw);
    let level = sigma * draw.scale(1e6..1e9);
    let mut values = draw.many(2_000, |draw| level + sigma * draw.normal());
    let row = draw.whole(1_000..1_900);
    values[row] = level + draw.sign() * draw.scale(15.0..200.0) * sigma;
    Case::of(values, sigma).find(Event::at(row))
}

/// A sensor far from zero reports 0 once, as a lost reading is often written.
pub(super) fn reads_zero(draw: &mut Draw) -> Case {
    let (level, spread) = (draw.scale(5.0..500.0), draw.uniform(0.01..0.05));
    let mut values = draw.many(2_000, |draw| level * (1.0 + spread * draw.normal()));
    let row = draw.whole(600..1_900);
    values[row] = 0.0;
    Case::of(values, level / 50.0).find(Event::at(row))
}
