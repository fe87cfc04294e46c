//! More than one, or early.

use super::case::{Case, Event};
use super::draw::Draw;
use super::noise::Noise;

/// Plain noise with spikes of 15 to 60 deviations, all of one size or nearly.
pub(super) fn spikes(draw: &mut Draw, rows: &[usize], n: usize) -> Case {
    let size = draw.sign() * draw.scale(15.0..60.0);
    let mut noise = Noise::white(draw, n);
    for row in rows {
        noise.put(*row, size * draw.uniform(0.97..1.03));
    }
    rows.iter()
        .fold(noise.case(), |case, row| case.find(Event::at(*row)))
}

fn apart(draw: &mut Draw, gap: usize) -> Case {
    let (first, count) = (draw.whole(600..900), draw.whole(3..5));
    let rows: Vec<usize> = (0..count).map(|k| first + gap * k).collect();
    spikes(draw, &rows, 2_000)
}

/// Three or four spikes of one size, 20 rows apart: each is one, and the normal rows between are normal.
pub(super) fn spikes_20_apart(draw: &mut Draw) -> Case {
    apart(draw, 20)
}

/// Three or four spikes of one size, 90 rows apart: each is one, and the normal rows between are normal.
pub(super) fn spikes_90_apart(draw: &mut Draw) -> Case {
    apart(draw, 90)
}

/// Three or four spikes of one size, 150 rows apart: each is one, and the normal rows between are normal.
pub(super) fn spikes_150_apart(draw: &mut Draw) -> Case {
    apart(draw, 150)
}

/// Five strange readings on end: told at the first or second, and nothing is told of the normal rows behind them.
pub(super) fn burst_of_five(draw: &mut Draw) -> Case {
    let first = draw.whole(800..1_800);
    let size = draw.sign() * draw.scale(15.0..100.0);
    let mut noise = Noise::white(draw, 2_000);
    noise.shift(first, size);
    noise.shift(first + 5, -size);
    noise.case().find(Event {
        late: 1,
        until: first + 4,
        settle: 3,
        ..Event::at(first)
    })
}

/// A wild reading among the first 40, when nobody knows yet what is normal; a like one 800 rows later or more is told.
pub(super) fn early_spike(draw: &mut Draw) -> Case {
    let (early, row) = (draw.whole(5..40), draw.whole(800..1_900));
    let size = draw.sign() * draw.scale(20.0..200.0);
    let again = size * draw.uniform(0.7..1.0);
    let mut noise = Noise::white(draw, 2_000);
    noise.put(early, size);
    noise.spiked(row, again).ignore(early, early + 2)
}

/// 200 rows of noise are enough to know that 12 to 200 deviations are not normal.
pub(super) fn short_history(draw: &mut Draw) -> Case {
    let row = draw.whole(110..195);
    let size = draw.sign() * draw.scale(12.0..200.0);
    Noise::white(draw, 200).spiked(row, size)
}
