//! How long events wait while their series is trained anew: `cargo run --release -p willet-engine --example bench_retrain`.
#![expect(clippy::disallowed_methods, reason = "a bench looks at the clock")]

use std::sync::Arc;
use std::time::Instant;

use willet_core::random::Random;
use willet_engine::config::{DetectorConfig, Plan, RetrainConfig, StreamConfig};
use willet_engine::event::{EventBatch, EventHead, Layout, key_hash};
use willet_engine::journal::Entry;
use willet_engine::shard::{RetrainState, Shard};
use willet_engine::verdict::{Outcome, Verdicts};

const HASH_SEED: u64 = 5;
const KEY: &str = "pump-7";
const WIDTH: usize = 10;
/// Events before the training: the kept rows, and the windows of all kinds, are full.
const BEFORE: u64 = 3_000;

struct Run {
    shard: Shard,
    layout: Arc<Layout>,
    random: Random,
    next: u64,
}

impl Run {
    fn new(algorithm: &str) -> Self {
        let config = StreamConfig {
            detector: DetectorConfig {
                algorithm: algorithm.to_owned(),
                ..DetectorConfig::default()
            },
            // Rows are kept, and only a command trains.
            retrain: RetrainConfig {
                auto_retrain: true,
                retrain_threshold: 1e12,
                ..RetrainConfig::default()
            },
            ..StreamConfig::default()
        };
        Self {
            shard: Shard::new(Plan::new(config, 1).expect("valid"), 1, HASH_SEED),
            layout: Arc::new(Layout::positional(WIDTH)),
            random: Random::new(3),
            next: 0,
        }
    }

    /// Seconds that one event took, and whether it got a score.
    fn event(&mut self) -> (f64, bool) {
        let row: Vec<f64> = (0..WIDTH).map(|_| self.random.unit()).collect();
        let mut batch = EventBatch::new();
        let head = EventHead {
            offset: self.next,
            key: KEY,
            key_hash: key_hash(HASH_SEED, KEY),
            id_hash: None,
            time: None,
            label: None,
        };
        batch.push(head, &self.layout, &row);
        self.next += 1;
        let mut verdicts = Verdicts::default();
        let begun = Instant::now();
        self.shard.on_batch(&batch, self.next, &mut verdicts);
        let took = begun.elapsed().as_secs_f64();
        let has_score = matches!(verdicts.rows[0].outcome, Outcome::Scored(_));
        (took, has_score)
    }

    fn is_training(&self) -> bool {
        let described = self.shard.describe(KEY).expect("it spoke");
        let last = described.retrains.last();
        last.is_some_and(|last| last.state == RetrainState::Running)
    }
}

fn main() {
    for algorithm in [
        "zscore",
        "hst",
        "iforest",
        "rcf",
        "lof",
        "ocsvm",
        "autoencoder",
        "ensemble",
        "auto",
    ] {
        let mut run = Run::new(algorithm);
        let mut usual = 0.0_f64;
        for row in 0..BEFORE {
            let (took, _) = run.event();
            if row >= BEFORE - 1_000 {
                usual = usual.max(took);
            }
        }
        let entry = Entry::Retrain {
            key: KEY.to_owned(),
        };
        let begun = Instant::now();
        let offset = run.next;
        let command = run
            .shard
            .on_journal(offset, entry, &mut Verdicts::default());
        command.expect("a command is refused by no plan");
        run.next += 1;
        let mut longest = begun.elapsed().as_secs_f64();
        let (mut events, mut without) = (0, 0);
        while run.is_training() && events < 10_000 {
            let (took, has_score) = run.event();
            longest = longest.max(took);
            events += 1;
            without += u64::from(!has_score);
        }
        println!("{algorithm}_longest_before {:.3} ms", usual * 1e3);
        println!("{algorithm}_longest_training {:.3} ms", longest * 1e3);
        println!("{algorithm}_events_of_training {events} events");
        println!("{algorithm}_without_score {without} events");
    }
}
