//! One seed, one scenario: played on one thread, without a clock, on a simulated disk.

mod actions;
mod damage;
mod finish;
mod known_seeds;
mod ledger;
mod player;
mod restart;
mod scenario;

use std::fmt;

pub use known_seeds::KNOWN_SEEDS;
pub use scenario::Scenario;

/// What happened in one or many seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Seeds played.
    pub seeds: u64,
    /// Events taken to the log.
    pub events: u64,
    /// Power cuts.
    pub crashes: u64,
    /// Processes that died while the disk lived on.
    pub kills: u64,
    /// Times that series left memory for the disk.
    pub evictions: u64,
    /// Events marked as late.
    pub late: u64,
    /// Changes of configuration.
    pub configurations: u64,
    /// Checkpoints finished.
    pub checkpoints: u64,
    /// Segments of the log let go by retention, as seen by its first offset rising.
    pub retentions: u64,
    /// Calls that failed because of the disk.
    pub refusals: u64,
    /// Bits flipped.
    pub flips: u64,
    /// Damage reported by an opening or a worker.
    pub reports: u64,
    /// Final logs that could be replayed from their beginning.
    pub replays: u64,
}

impl Totals {
    /// Adds those of another seed.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.events += other.events;
        self.crashes += other.crashes;
        self.kills += other.kills;
        self.evictions += other.evictions;
        self.late += other.late;
        self.configurations += other.configurations;
        self.checkpoints += other.checkpoints;
        self.retentions += other.retentions;
        self.refusals += other.refusals;
        self.flips += other.flips;
        self.reports += other.reports;
        self.replays += other.replays;
    }
}

/// What went wrong in a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What was expected, and what came.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, what } = self;
        write!(
            f,
            "seed {seed}: {what}\n  again: cargo run -p willet-testkit --bin simulate -- --seed {seed}"
        )
    }
}

/// How a seed ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What happened.
    pub totals: Totals,
    /// What was wrong, if anything was.
    pub failure: Option<Failure>,
    /// What was done, in order; empty unless asked for.
    pub trace: Vec<String>,
}

/// Plays a seed. The same seed does the same, always.
pub fn run(seed: u64, traced: bool) -> Outcome {
    let mut player = player::Player::new(seed, traced);
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| player.play()));
    let what = match played {
        Ok(Ok(())) => None,
        Ok(Err(what)) => Some(what),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Some(format!("panic: {}", text.unwrap_or("without words")))
        }
    };
    let (totals, trace) = player.end();
    Outcome {
        totals,
        failure: what.map(|what| Failure { seed, what }),
        trace,
    }
}
