//! Fields, keys and settings.

use willet_core::decision::{DecisionConfig, Direction};

use super::case::{Case, Event, MINUTE, MONDAY};
use super::draw::Draw;
use super::noise::Noise;
use super::several::spikes;
use super::states::begins_idle;

/// A value is missing in the first record or the first few; later it is 30 to 200 deviations off for one row.
pub(super) fn missing_at_first(draw: &mut Draw) -> Case {
    let (n, sigma) = (1_500, draw.uniform(0.1..0.5));
    let humidity = draw.many(n, |draw| 40.0 + draw.normal());
    let mut temperature = draw.many(n, |draw| 21.0 + sigma * draw.normal());
    temperature[..draw.pick(&[1, 1, 2, 5])].fill(f64::NAN);
    let row = draw.whole(1_000..1_400);
    temperature[row] += draw.sign() * draw.scale(30.0..200.0) * sigma;
    Case::wide(vec![
        ("humidity".to_owned(), humidity, 1.0),
        ("temperature".to_owned(), temperature, sigma),
    ])
    .every(MINUTE)
    .find(Event::at(row))
}

/// Codes of which five ever come, and the kind `rare` asked for the one that never came. Usual codes are usual.
pub(super) fn code_never_seen(draw: &mut Draw) -> Case {
    let codes = [200.0, 201.0, 304.0, 404.0, 500.0];
    let shares = [0.6, 0.15, 0.12, 0.08, 0.05];
    let mut values = draw.many(3_000, |draw| codes[draw.weighted(&shares)]);
    let row = draw.whole(1_500..2_900);
    values[row] = draw.pick(&[418.0, 507.0, 102.0]);
    let case = Case::of(values, 0.0).find(Event::at(row));
    Case {
        kind: Some("rare"),
        ..case
    }
}

/// Six sensors in one file, each with a level of its own; one reads 15 to 50 deviations off, where others always read.
pub(super) fn keys_in_turn(draw: &mut Draw) -> Case {
    let (rounds, count) = (700, 6);
    let lowest = draw.scale(5.0..50.0);
    let levels: Vec<f64> = (0..count)
        .map(|key| lowest * libm::pow(1.5, f64::from(key)))
        .collect();
    let count = levels.len();
    let mut values: Vec<f64> = (0..rounds * count)
        .map(|row| levels[row % count] * (1.0 + 0.01 * draw.normal()))
        .collect();
    let (odd, round) = (draw.whole(0..count - 1), draw.whole(350..690));
    let row = round * count + odd;
    values[row] = levels[odd] * (1.0 + 0.01 * draw.scale(15.0..50.0));
    let times = (0..values.len()).map(|row| MONDAY + MINUTE * (row / count) as i64);
    let times = Some(times.collect());
    let keys = Some((0..values.len()).map(|row| row % count).collect());
    let event = Event {
        late: 0,
        ..Event::at(row)
    };
    let case = Case::of(values, 0.01 * lowest).find(event);
    Case {
        times,
        keys,
        ..case
    }
}

fn contamination(share: f64) -> DecisionConfig {
    DecisionConfig {
        contamination: Some(share),
        ..DecisionConfig::default()
    }
}

/// Idle for 100 rows, then active in 20 to 45 % of the rows; 1 % was asked for, so no more than 2 % are flagged.
pub(super) fn contamination_begins_idle(draw: &mut Draw) -> Case {
    let values = begins_idle(draw, 5_000);
    let case = Case::of(values, 0.1)
        .ignore(0, 600)
        .may_be_false_share(0.02);
    Case {
        decision: contamination(0.01),
        ..case
    }
}

/// Five spikes in 3,000 rows and 1 % asked for: the spikes are flagged, and no more than 1.5 % of the rows.
pub(super) fn contamination_spikes(draw: &mut Draw) -> Case {
    let shift = draw.whole(0..90);
    let mut places: Vec<usize> = (800..2_900).step_by(150).collect();
    while places.len() > 5 {
        let out = draw.whole(0..places.len());
        places.remove(out);
    }
    places.iter_mut().for_each(|row| *row += shift);
    let case = spikes(draw, &places, 3_000).may_be_false(45);
    Case {
        decision: contamination(0.01),
        ..case
    }
}

/// Noise, a rate of 1 in 1,000 rows and three spikes in 10,000: the spikes, and no more than twice the rate.
pub(super) fn rate_is_kept(draw: &mut Draw) -> Case {
    let second = 6_000 + draw.whole(0..500);
    let case = spikes(draw, &[3_000, second, 9_000], 10_000).may_be_false(17);
    let decision = DecisionConfig {
        rate: Some("1 per 1000 rows".to_owned()),
        ..DecisionConfig::default()
    };
    Case { decision, ..case }
}

/// Only deviations upwards count: a reading 20 to 100 up is flagged, those as far down are not.
pub(super) fn only_up(draw: &mut Draw) -> Case {
    let mut noise = Noise::white(draw, 2_500);
    for row in [900, 1_700] {
        noise.put(row, -draw.scale(20.0..100.0));
    }
    let row = draw.whole(1_900..2_400);
    let case = noise.spiked(row, draw.scale(20.0..100.0));
    let decision = DecisionConfig {
        direction: Direction::Up,
        ..DecisionConfig::default()
    };
    Case { decision, ..case }
}
