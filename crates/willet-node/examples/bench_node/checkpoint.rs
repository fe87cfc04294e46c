//! How long a batch waits while a checkpoint of all keys runs.
//!
//! As `willet_node::pipeline` does it: a step of the checkpoint between two batches. The delay of a batch is the step
//! before it and its own append (with the sync of the log), take and flush: the longest that whoever sent it can wait.

use std::path::Path;
use std::time::Instant;

use willet_engine::event::EventBatch;
use willet_engine::ports::PartitionLog as _;
use willet_engine::records::Records;

use crate::Result;
use crate::keys::{Process, Rounds, feed, open, take};

/// Events of a batch: a live stream's, not a file's.
const BATCH: usize = 1_000;
/// Batches without a checkpoint.
const QUIET: usize = 1_000;

/// Milliseconds of the parts of batches.
#[derive(Default)]
struct Delays {
    step: Vec<f64>,
    batch: Vec<f64>,
    whole: Vec<f64>,
}

pub(crate) fn run(path: &Path, keys: usize, events: usize, slice_kib: usize) -> Result<()> {
    std::fs::create_dir_all(path)?;
    let mut process = open(path, slice_kib << 10)?;
    let mut rounds = Rounds::new(keys);
    feed(&mut process, &mut rounds, keys * events)?;

    let mut quiet = Delays::default();
    for _ in 0..QUIET {
        one(&mut process, &mut rounds, &mut quiet)?;
    }
    quiet.print("without");

    // The second one replaces and deletes the chunks of the first, the third those of the second.
    for name in ["first", "second", "third"] {
        if name != "first" {
            feed(&mut process, &mut rounds, keys)?;
        }
        let begun = Instant::now();
        process.driver.worker().begin_checkpoint()?;
        let beginning = ms(begun);
        let mut delays = Delays::default();
        delays.step.push(beginning);
        delays.batch.push(0.0);
        delays.whole.push(beginning);
        while !one(&mut process, &mut rounds, &mut delays)? {}
        println!("{name}_begin {beginning:.2} ms");
        println!("{name}_seconds {:.2} s", ms(begun) / 1e3);
        delays.print(name);
        // What is tidied after the manifest.
        let mut after = Delays::default();
        for _ in 0..QUIET {
            one(&mut process, &mut rounds, &mut after)?;
        }
        after.print(&format!("after_{name}"));
    }
    let begun = Instant::now();
    process.close()?;
    println!("close {:.2} s", ms(begun) / 1e3);
    Ok(())
}

/// A step of the checkpoint, if one runs, then a batch; returns whether the checkpoint is finished with it.
fn one(process: &mut Process, rounds: &mut Rounds, delays: &mut Delays) -> Result<bool> {
    let (mut events, mut records) = (EventBatch::new(), Records::new());
    rounds.fill(&mut events, Some(&mut records), BATCH);
    let begun = Instant::now();
    let needless = process.driver.worker().checkpoint_step()?;
    process.log.needless(needless)?;
    let is_finished = needless.is_some();
    let step = ms(begun);
    let begun = Instant::now();
    take(process, &mut records, &mut events)?;
    let batch = ms(begun);
    delays.step.push(step);
    delays.batch.push(batch);
    delays.whole.push(step + batch);
    Ok(is_finished)
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

impl Delays {
    fn print(mut self, name: &str) {
        for (part, values) in [
            ("delay", &mut self.whole),
            ("of_step", &mut self.step),
            ("of_batch", &mut self.batch),
        ] {
            // The last step writes the manifest and tidies.
            let last = values.last().copied().unwrap_or(0.0);
            values.sort_by(f64::total_cmp);
            let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
            println!("{name}_{part}_p50 {:.2} ms", at(0.5));
            println!("{name}_{part}_p99 {:.2} ms", at(0.99));
            println!("{name}_{part}_max {:.2} ms", at(1.0));
            println!("{name}_{part}_last {last:.2} ms");
        }
    }
}
