//! Nothing is wrong.

use std::f64::consts::TAU;

use libm::{exp, sin};

use super::case::{Case, DAY, HOUR, MINUTE};
use super::draw::Draw;
use super::noise::{Noise, level_and_deviation};
use super::rhythm::Rhythm;

/// Plain noise: there is nothing to say.
pub(super) fn noise(draw: &mut Draw) -> Case {
    Noise::white(draw, 3_000).case()
}

/// Plain noise once a second for a day: whoever is called ten times turns the thing off.
pub(super) fn noise_for_a_day(draw: &mut Draw) -> Case {
    Noise::white(draw, DAY as usize)
        .case()
        .every(1)
        .may_be_false(10)
}

/// Values anywhere between two bounds, alike often: none is ever outside.
pub(super) fn between_bounds(draw: &mut Draw) -> Case {
    let low = draw.scale(0.1..1e3);
    let values = draw.many(3_000, |draw| draw.uniform(low..2.0 * low));
    Case::of(values, low / 10.0)
}

/// A value that wanders around its level: all of it is as it always was.
pub(super) fn wandering(draw: &mut Draw) -> Case {
    let keeps = draw.uniform(0.9..0.97);
    let shape = draw.wandering(4_000, keeps);
    let (level, sigma) = level_and_deviation(draw);
    let values = shape.iter().map(|x| level + sigma * x).collect();
    Case::of(values, sigma / 10.0).every(MINUTE)
}

/// A random walk, as of prices: it goes where it goes, in steps as ever.
pub(super) fn walk(draw: &mut Draw) -> Case {
    let mut at = 0.0;
    let shape = draw.many(4_000, |draw| {
        at += draw.normal();
        at
    });
    Noise::shaped(draw, &shape).case().every(MINUTE)
}

/// A slow change, straight or in a long wave, by 20 to 40 deviations in 5,000 rows, with nothing wrong.
pub(super) fn slow_change(draw: &mut Draw) -> Case {
    let n = 5_000;
    let by = draw.sign() * draw.uniform(20.0..40.0);
    let (is_straight, waves) = (draw.chance(0.5), draw.uniform(0.5..1.0));
    let mut shape = draw.many(n, Draw::normal);
    for (row, x) in shape.iter_mut().enumerate() {
        let done = row as f64 / n as f64;
        *x += by
            * if is_straight {
                done
            } else {
                sin(TAU * waves * done)
            };
    }
    Noise::shaped(draw, &shape).case()
}

/// Noise with heavy tails (Student's t of 2.5 to 4 degrees): far readings belong to it, and five in 1,000 is plenty.
pub(super) fn heavy_tail(draw: &mut Draw) -> Case {
    let degrees = draw.uniform(2.5..4.0);
    let shape = draw.many(4_000, |draw| draw.student(degrees));
    Noise::shaped(draw, &shape).case().may_be_false_share(0.005)
}

/// Latencies with a long tail (lognormal): the long ones belong to it, and five in 1,000 is plenty.
pub(super) fn skewed(draw: &mut Draw) -> Case {
    let (level, spread) = (draw.scale(1.0..1e3), draw.uniform(0.5..0.9));
    let values = draw.many(4_000, |draw| level * exp(spread * draw.normal()));
    Case::of(values, level / 20.0).may_be_false_share(0.005)
}

/// A daily rhythm for eight weeks of hours or four of a quarter of one, and nothing else.
pub(super) fn season(draw: &mut Draw) -> Case {
    let (days, step) = draw.pick(&[(56, HOUR), (28, 15 * MINUTE)]);
    Rhythm::new(draw, days, step).ordinary(draw, 10)
}
