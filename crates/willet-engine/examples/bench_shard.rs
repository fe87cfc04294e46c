//! Time of `Shard::on_batch` an event: `cargo run --release -p willet-engine --example bench_shard`.
#![expect(clippy::disallowed_methods, reason = "a bench looks at the clock")]

use std::sync::Arc;
use std::time::Instant;

use willet_engine::config::{DetectorConfig, Plan, StreamConfig};
use willet_engine::event::{EventBatch, EventHead, Layout, Timestamp, key_hash};
use willet_engine::shard::Shard;
use willet_engine::verdict::Verdicts;

const HASH_SEED: u64 = 5;
const ROWS: u64 = 1_000_000;
const BATCH: u64 = 500;
const RUNS: u32 = 5;

/// Nanoseconds an event, the best of some runs; and how many anomalies there were.
fn time(algorithm: &str, width: usize, keys: u64, drift: Option<bool>) -> (f64, usize) {
    let mut best = f64::MAX;
    let mut anomalies = 0;
    for _ in 0..RUNS {
        let mut config = StreamConfig {
            detector: DetectorConfig {
                algorithm: algorithm.to_owned(),
                ..DetectorConfig::default()
            },
            ..StreamConfig::default()
        };
        config.drift.detection = drift;
        let plan = Plan::new(config, 1).expect("valid");
        let layout = Arc::new(Layout::positional(width));
        let names: Vec<String> = (0..keys).map(|key| format!("pump-{key}")).collect();
        let hashes: Vec<u64> = names.iter().map(|key| key_hash(HASH_SEED, key)).collect();
        let mut shard = Shard::new(plan, 1, HASH_SEED);
        let mut batch = EventBatch::new();
        let mut verdicts = Verdicts::default();
        let mut row = vec![0.0; width];
        let mut state = 88_172_645_463_325_252_u64;
        let mut spent = 0;
        anomalies = 0;
        for first in (0..ROWS).step_by(BATCH as usize) {
            batch.clear();
            for offset in first..first + BATCH {
                for x in &mut row {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    *x = (state >> 11) as f64 / (1_u64 << 53) as f64;
                }
                if offset % 1_999 == 0 {
                    row[0] += 9.0;
                }
                let key = (offset % keys) as usize;
                let head = EventHead {
                    offset,
                    key: &names[key],
                    key_hash: hashes[key],
                    id_hash: None,
                    time: Some(Timestamp(offset as i64 * 1_000_000)),
                    label: None,
                };
                batch.push(head, &layout, &row);
            }
            verdicts.clear();
            let began = Instant::now();
            shard.on_batch(&batch, first + BATCH, &mut verdicts);
            spent += began.elapsed().as_nanos();
            anomalies += verdicts.found.details.len();
        }
        best = best.min(spent as f64 / ROWS as f64);
    }
    (best, anomalies)
}

fn main() {
    for (algorithm, width, keys, drift) in [
        ("zscore", 1, 1, Some(false)),
        ("zscore", 1, 1_000, Some(false)),
        ("zscore", 10, 1, Some(false)),
        ("zscore", 1, 1, None),
    ] {
        let (nanoseconds, anomalies) = time(algorithm, width, keys, drift);
        println!(
            "{algorithm} d={width} keys={keys} drift={drift:?}: {nanoseconds:.1} ns an event, {anomalies} anomalies"
        );
    }
}
