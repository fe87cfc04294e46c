//! A shard in process, on one core.

use willet_engine::codec::{Decoder, InputConfig};
use willet_engine::config::{DetectorConfig, Plan, StreamConfig};
use willet_engine::event::EventBatch;
use willet_engine::records::Records;
use willet_engine::shard::Shard;
use willet_engine::verdict::Verdicts;

use crate::Result;
use crate::clock::{Clock, Spent, print_rate, resident_bytes};
use crate::data::{HASH_SEED, Load};

/// Events of a batch: what a read of some 200 KiB holds.
const BATCH: usize = 4_096;

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
    let is_decoded = form == "decoded";
    let (mut batches, mut texts) = (load.batches(BATCH), load.records(form, BATCH));
    let (mut rejections, mut verdicts) = (Vec::new(), Verdicts::default());
    let mut next_offset = 0;
    let before = resident_bytes();
    // Warm-up and growth are not what is asked for, but large models would take most of a minute to grow.
    let warm = (load.keys * 320).clamp(events / 10, events / 2);
    let (mut taken, mut measured) = (0, 0);
    let mut spent = Spent::default();
    let mut longest = 0.0_f64;
    while measured < events {
        // Made before the clock starts, and just before it is taken: as warm in the caches as a decoder leaves it.
        let (mut batch, mut records) = if is_decoded {
            (batches.next().unwrap_or_default(), Records::new())
        } else {
            (EventBatch::new(), texts.next().unwrap_or_default())
        };
        batch.number_from(next_offset);
        records.number_from(next_offset);
        next_offset += BATCH as u64;
        let clock = Clock::start();
        if !is_decoded {
            decoder.decode(&records, 0..records.len(), &mut batch, &mut rejections);
        }
        shard.on_batch(&batch, next_offset, &mut verdicts);
        let this = clock.spent();
        taken += batch.len();
        if verdicts.rows.len() != BATCH || !rejections.is_empty() {
            return Err(format!("{} rejected", rejections.len()).into());
        }
        if taken > warm {
            measured += batch.len();
            spent.wall += this.wall;
            spent.cpu += this.cpu;
            longest = longest.max(this.wall);
        }
    }
    print_rate("events_per_second", measured, spent, "events");
    println!("longest_batch_of_{BATCH} {:.1} ms", longest * 1e3);
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
