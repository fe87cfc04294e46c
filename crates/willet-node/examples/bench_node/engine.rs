//! A shard in process, on one core.

use std::time::Instant;

use willet_engine::codec::{Decoder, InputConfig};
use willet_engine::config::{DetectorConfig, Plan, StreamConfig};
use willet_engine::event::EventBatch;
use willet_engine::shard::Shard;
use willet_engine::verdict::Verdicts;

use crate::Result;
use crate::clock::{Clock, print_rate, resident_bytes};
use crate::data::{HASH_SEED, Load};

/// Events of a batch: what a read of some 200 KiB holds.
const BATCH: usize = 4_096;
/// Batches made beforehand; they come round again with new offsets.
const BATCHES: usize = 64;

pub(crate) fn plan(algorithm: &str, input: InputConfig) -> Result<Plan> {
    let config = StreamConfig {
        input,
        detector: DetectorConfig {
            algorithm: algorithm.to_owned(),
            ..DetectorConfig::default()
        },
        ..StreamConfig::default()
    };
    Ok(Plan::new(config, 1)?)
}

pub(crate) fn run(algorithm: &str, load: &Load, events: usize, form: &str) -> Result<()> {
    let input = if form == "csv" {
        load.csv()
    } else {
        InputConfig::json()
    };
    let mut decoder = Decoder::new(&input, HASH_SEED)?;
    let mut shard = Shard::new(plan(algorithm, input)?, 1, HASH_SEED);
    let mut decoded = load.batches(BATCHES, BATCH);
    let mut records = if form == "decoded" {
        Vec::new()
    } else {
        load.records(form, BATCHES, BATCH)
    };
    let (mut space, mut rejections, mut verdicts) =
        (EventBatch::new(), Vec::new(), Verdicts::default());
    let mut next_offset = 0;
    let before = resident_bytes();
    // Warm-up and growth are not what is asked for; one sweep of large models would take most of a minute.
    let warm = (load.keys * 320).clamp(events / 10, events / 2);
    let (mut taken, mut scored, mut clock) = (0, 0, None);
    let mut longest = 0.0_f64;
    let mut busy = 0.0;
    while taken < warm + events {
        if taken >= warm && clock.is_none() {
            (clock, busy, longest) = (Some(Clock::start()), 0.0, 0.0);
        }
        let at = next_offset as usize / BATCH % BATCHES;
        let begun = Instant::now();
        let batch = if let Some(records) = records.get_mut(at) {
            records.number_from(next_offset);
            space.clear();
            decoder.decode(records, 0..records.len(), &mut space, &mut rejections);
            &space
        } else {
            decoded[at].number_from(next_offset);
            &decoded[at]
        };
        next_offset += batch.len() as u64;
        shard.on_batch(batch, next_offset, &mut verdicts);
        let seconds = begun.elapsed().as_secs_f64();
        busy += seconds;
        longest = longest.max(seconds);
        taken += batch.len();
        scored += verdicts.rows.len();
    }
    if !rejections.is_empty() || scored != taken {
        return Err(format!("{} rejected, {scored} of {taken} scored", rejections.len()).into());
    }
    let spent = clock.map_or_else(|| Clock::start().spent(), |clock| clock.spent());
    print_rate(
        "events_per_second",
        taken - warm.div_ceil(BATCH) * BATCH,
        spent,
        "events",
    );
    println!("longest_batch_of_{BATCH} {:.1} ms", longest * 1e3);
    println!("outside_engine {:.1} %", 100.0 * (1.0 - busy / spent.wall));
    println!(
        "resident_growth {:.1} MiB",
        (resident_bytes() - before) / f64::from(1 << 20)
    );
    println!(
        "occupancy {:.1} MiB",
        (shard.occupancy().resident_bytes + shard.occupancy().index_bytes) as f64
            / f64::from(1 << 20)
    );
    Ok(())
}
