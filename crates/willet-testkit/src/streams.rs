//! Seeded streams of events as NDJSON records: many keys, noise, spikes, late events, repeated ids, lines that are none.

use std::fmt::Write as _;

use willet_core::random::Random;

/// What a stream is made of.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Lines in all.
    pub lines: usize,
    /// Keys that they speak of.
    pub keys: usize,
    /// Values of an event.
    pub width: usize,
    /// Share of events whose time lies behind.
    pub late: f64,
    /// Share of events that carry an id.
    pub with_id: f64,
    /// Share of the ids that were used before.
    pub repeated: f64,
    /// Share of lines that are no event.
    pub bad: f64,
    /// Share of events far from normal.
    pub spikes: f64,
}

/// First event time, in microseconds: 2026-01-01.
const BEGIN: i64 = 1_767_225_600_000_000;
/// Time between two events.
const STEP: i64 = 250_000;

/// The name of a key; some are awkward on purpose.
pub fn key(index: usize) -> String {
    match index {
        0 => "\u{e9}t\u{e9} \u{2014} 1".to_owned(),
        1 => "a b".to_owned(),
        _ => format!("sensor-{index}"),
    }
}

/// Time of the line with this number, in microseconds.
pub fn time_of(line: usize) -> i64 {
    BEGIN + line as i64 * STEP
}

/// The lines of a stream.
pub fn lines(random: &mut Random, shape: &Shape) -> Vec<Vec<u8>> {
    (0..shape.lines)
        .map(|line| {
            if random.unit() < shape.bad {
                bad_line(random)
            } else {
                event(random, shape, line)
            }
        })
        .collect()
}

fn bad_line(random: &mut Random) -> Vec<u8> {
    let bad: [&[u8]; 6] = [
        b"",
        b"{\"source\": \"a\", \"values\": {\"f0\": ",
        b"[1, 2, 3]",
        b"\xff\xfe\x00",
        b"{\"source\": \"a b\", \"values\": {\"f0\": 1e300}}",
        b"{\"source\": \"a b\", \"timestamp\": \"yesterday\", \"values\": {\"f0\": 1}}",
    ];
    bad[random.below(bad.len())].to_vec()
}

fn event(random: &mut Random, shape: &Shape, line: usize) -> Vec<u8> {
    // Some keys speak seldom, so that they go cold.
    let spread = random.unit() * random.unit();
    let number = ((spread * shape.keys as f64) as usize).min(shape.keys - 1);
    let mut text = format!("{{\"source\":\"{}\"", key(number));
    if random.unit() < shape.with_id {
        let id = if random.unit() < shape.repeated {
            line - random.below(line.min(40) + 1)
        } else {
            line
        };
        let _ = write!(text, ",\"id\":\"event {id}\"");
    }
    if random.below(10) > 0 {
        let behind = if random.unit() < shape.late {
            (1 + random.below(200) as i64) * STEP
        } else {
            0
        };
        let _ = write!(text, ",\"timestamp\":{}", time_of(line) - behind);
    }
    text.push_str(",\"values\":{");
    let width = match random.below(200) {
        // Names that its series does not know, and values that are missing.
        0 => shape.width + 1,
        1 => 1,
        _ => shape.width,
    };
    for value in 0..width {
        let comma = if value == 0 { "" } else { "," };
        let level = 10.0 + number as f64 + 3.0 * value as f64;
        let noise = random.unit() + random.unit() + random.unit() - 1.5;
        let spike = if random.unit() < shape.spikes {
            30.0
        } else {
            0.0
        };
        if random.below(150) == 0 {
            let _ = write!(text, "{comma}\"f{value}\":null");
        } else {
            let _ = write!(text, "{comma}\"f{value}\":{}", level + noise + spike);
        }
    }
    text.push_str("}}");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let shape = Shape {
            lines: 500,
            keys: 9,
            width: 2,
            late: 0.1,
            with_id: 0.5,
            repeated: 0.1,
            bad: 0.02,
            spikes: 0.01,
        };
        let stream = |seed| lines(&mut Random::new(seed), &shape);
        assert_eq!(stream(1), stream(1));
        assert_ne!(stream(1), stream(2));
    }
}
