//! How fast records become events, on one core: `cargo run --release -p willet-engine --example bench_codec`.
//! Each line is the best of several rounds over the same records.

use std::hint::black_box;
use std::time::{Duration, Instant};

use willet_engine::codec::{Column, Decoder, InputConfig, Role};
use willet_engine::event::EventBatch;
use willet_engine::records::{RecordKind, Records};

const RECORDS: usize = 200_000;
const BATCH: usize = 4_096;
const ROUNDS: usize = 7;

fn main() {
    let value = |name: &str| Column::new(name, Role::Value);
    let time = Column::new("timestamp", Role::Timestamp);
    let keyed = [
        time.clone(),
        Column::new("source", Role::Key),
        value("value"),
    ];
    let wide =
        std::iter::once(time.clone()).chain((0..10).map(|index| value(&format!("v{index}"))));

    measure(
        "csv, a value",
        &InputConfig::csv([value("value")]),
        |index| number(index, 0),
    );
    measure(
        "csv, time and a value",
        &InputConfig::csv([time, value("value")]),
        |index| format!("{},{}", stamp(index), number(index, 0)),
    );
    measure(
        "csv, time, key and a value",
        &InputConfig::csv(keyed),
        |index| format!("{},pump-{},{}", stamp(index), index % 100, number(index, 0)),
    );
    measure(
        "csv, time and ten values",
        &InputConfig::csv(wide),
        |index| {
            let values: Vec<String> = (0..10).map(|column| number(index, column)).collect();
            format!("{},{}", stamp(index), values.join(","))
        },
    );
    measure("json, one value", &InputConfig::json(), |index| {
        format!(
            r#"{{"source": "pump-{}", "timestamp": "{}Z", "values": {{"temperature": {}}}}}"#,
            index % 100,
            stamp(index),
            number(index, 0)
        )
    });
    measure("json, ten values", &InputConfig::json(), |index| {
        let values: Vec<String> = (0..10)
            .map(|column| format!(r#""value_{column}": {}"#, number(index, column)))
            .collect();
        format!(
            r#"{{"source": "pump-{}", "timestamp": "{}Z", "values": {{{}}}}}"#,
            index % 100,
            stamp(index),
            values.join(", ")
        )
    });
    measure("json, metric and value", &InputConfig::json(), |index| {
        format!(
            r#"{{"source": "pump-{}", "metric": "m{}", "value": {}, "timestamp": {}}}"#,
            index % 100,
            index % 3,
            number(index, 0),
            1_767_323_045 + index
        )
    });
}

fn stamp(index: usize) -> String {
    format!(
        "2026-01-{:02}T{:02}:{:02}:{:02}",
        index / 86_400 + 1,
        index / 3600 % 24,
        index / 60 % 60,
        index % 60
    )
}

fn number(index: usize, column: usize) -> String {
    let digits = (index * 7919 + column * 104_729) % 1_000_003;
    format!("{}.{:03}", digits / 1000, digits % 1000)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
fn measure(name: &str, config: &InputConfig, make: impl Fn(usize) -> String) {
    let mut records = Records::new();
    for index in 0..RECORDS {
        records.push(index as u64, RecordKind::Event, 0, make(index).as_bytes());
    }
    let mut decoder = Decoder::new(config, 1).expect("the configurations above are valid");
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for first in (0..RECORDS).step_by(BATCH) {
            events.clear();
            let range = first..RECORDS.min(first + BATCH);
            decoder.decode(&records, range, &mut events, &mut rejections);
            black_box(&events);
        }
        best = best.min(start.elapsed());
    }
    assert!(rejections.is_empty(), "{:?}", rejections[0]);
    let seconds = best.as_secs_f64();
    println!(
        "{name:28} {:>6.2} million events/s  {:>5.0} MB/s",
        RECORDS as f64 / seconds / 1e6,
        records.byte_len() as f64 / seconds / 1e6
    );
}
