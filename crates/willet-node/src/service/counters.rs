//! What the service counts. Plain atomics, read by whoever shows them.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use willet_engine::verdict::SKIPS;

/// Numbers of one stream since the start.
#[derive(Debug, Default)]
pub struct StreamCounters {
    /// Events taken by the shard.
    pub events: AtomicU64,
    /// Anomalies among them.
    pub anomalies: AtomicU64,
    /// Anomalies whose confidence is above 0.8.
    pub confident: AtomicU64,
    /// Drifts found.
    pub drifts: AtomicU64,
    /// Trainings begun, by reason as [`Reason::ALL`](willet_engine::shard::Reason::ALL) lists them.
    pub retrains: [AtomicU64; 4],
    /// Events that a door refused as not understood.
    pub rejected: AtomicU64,
    /// Events marked late.
    pub late: AtomicU64,
    /// Events whose id was seen before.
    pub duplicates: AtomicU64,
    /// Events that were taken and neither judged nor put to others, by reason as [`SKIPS`](willet_engine::verdict::SKIPS) lists them.
    pub skipped: [AtomicU64; SKIPS.len()],
    /// Keys known.
    pub keys: AtomicU64,
    /// Bytes of series in memory.
    pub resident_bytes: AtomicU64,
    /// Arrival of the newest event taken, microseconds since the epoch.
    pub last_event_at: AtomicI64,
    /// Version of the model.
    pub model_version: AtomicU64,
    /// Times the shard panicked and was started again.
    pub restarts: AtomicU64,
    /// Records marked as poison.
    pub poisoned: AtomicU64,
    /// Checkpoints finished.
    pub checkpoints: AtomicU64,
    /// Offset behind the last record taken.
    pub position: AtomicU64,
    /// Offset behind the last record whose verdict is durable.
    pub delivered: AtomicU64,
}

impl StreamCounters {
    /// Events that were taken and not judged, whatever the reason.
    pub fn skipped_events(&self) -> u64 {
        self.skipped.iter().map(|count| count.load(Relaxed)).sum()
    }
}

/// Numbers of the whole node since the start.
#[derive(Debug)]
pub struct Counters {
    /// Commits of the log.
    pub log_commits: AtomicU64,
    /// Records written to the log.
    pub log_records: AtomicU64,
    /// Payload bytes written to the log.
    pub log_payload_bytes: AtomicU64,
    /// Bytes of the log on disk.
    pub log_bytes: AtomicU64,
    /// Appends that the log refused.
    pub log_errors: AtomicU64,
    /// Transactions of the store.
    pub store_commits: AtomicU64,
    /// Tries of the store that failed and were made again.
    pub store_retries: AtomicU64,
    /// When the verdicts that are on their way to the store were handed on, microseconds since the epoch; 0 where none are.
    pub outputs_since: AtomicI64,
    /// From arrival to verdict.
    pub latency: Histogram,
    /// Time of one commit of the log.
    pub commit_time: Histogram,
    /// Time of one event inside its shard.
    pub processing_time: Histogram,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            log_commits: AtomicU64::new(0),
            log_records: AtomicU64::new(0),
            log_payload_bytes: AtomicU64::new(0),
            log_bytes: AtomicU64::new(0),
            log_errors: AtomicU64::new(0),
            store_commits: AtomicU64::new(0),
            store_retries: AtomicU64::new(0),
            outputs_since: AtomicI64::new(0),
            latency: Histogram::new(),
            commit_time: Histogram::new(),
            processing_time: Histogram::new(),
        }
    }
}

/// Upper bounds of the buckets of a [`Histogram`], in seconds.
pub const BOUNDS: [f64; 22] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2,
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// A histogram of durations: all since the start, and the last half minute or so for quantiles.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS.len() + 1],
    sum_nanos: AtomicU64,
    recent: Mutex<Recent>,
}

#[derive(Debug)]
struct Recent {
    window: i64,
    now: [u64; BOUNDS.len() + 1],
    before: [u64; BOUNDS.len() + 1],
}

/// Length of the two windows that quantiles look at, microseconds.
const WINDOW: i64 = 15_000_000;

impl Histogram {
    fn new() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            sum_nanos: AtomicU64::new(0),
            recent: Mutex::new(Recent {
                window: 0,
                now: [0; BOUNDS.len() + 1],
                before: [0; BOUNDS.len() + 1],
            }),
        }
    }

    /// Notes `count` things that took `seconds` each; `now` in microseconds since the epoch.
    pub fn note(&self, seconds: f64, count: u64, now: i64) {
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(count, Relaxed);
        let nanos = (seconds.max(0.0) * 1e9) as u64;
        self.sum_nanos
            .fetch_add(nanos.saturating_mul(count), Relaxed);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.turn(now);
        recent.now[bucket] += count;
    }

    /// Counts by bucket, the last for what is above all bounds, and the sum in seconds.
    pub fn totals(&self) -> ([u64; BOUNDS.len() + 1], f64) {
        let counts = std::array::from_fn(|bucket| self.counts[bucket].load(Relaxed));
        (counts, self.sum_nanos.load(Relaxed) as f64 / 1e9)
    }

    /// Quantile `q` of the last 15 to 30 s, in seconds, interpolated inside its bucket; `None` where nothing came.
    pub fn quantile(&self, q: f64, now: i64) -> Option<f64> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.turn(now);
        let counts: Vec<u64> = recent
            .now
            .iter()
            .zip(&recent.before)
            .map(|(now, before)| now + before)
            .collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = q * total as f64;
        let mut below = 0.0;
        for (bucket, count) in counts.iter().enumerate() {
            let count = *count as f64;
            if below + count >= rank {
                let low = bucket.checked_sub(1).map_or(0.0, |below| BOUNDS[below]);
                let high = BOUNDS.get(bucket).copied().unwrap_or(2.0 * low);
                return Some(low + (high - low) * ((rank - below) / count).clamp(0.0, 1.0));
            }
            below += count;
        }
        Some(BOUNDS[BOUNDS.len() - 1])
    }
}

impl Recent {
    fn turn(&mut self, now: i64) {
        let window = now / WINDOW;
        if window == self.window {
            return;
        }
        let is_next = window == self.window + 1;
        let empty = [0; BOUNDS.len() + 1];
        let former = std::mem::replace(&mut self.now, empty);
        self.before = if is_next { former } else { empty };
        self.window = window;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_look_at_the_last_half_minute_only() {
        let histogram = Histogram::new();
        histogram.note(0.004, 90, 0);
        histogram.note(0.2, 10, 0);
        let at = |q, now| histogram.quantile(q, now).expect("something came");
        assert!((0.0025..=0.005).contains(&at(0.5, 1)));
        assert!((0.1..=0.25).contains(&at(0.95, WINDOW)));
        assert_eq!(histogram.quantile(0.5, 3 * WINDOW), None);
        let (counts, sum) = histogram.totals();
        assert_eq!(counts.iter().sum::<u64>(), 100);
        assert!((sum - 2.36).abs() < 1e-6);
    }
}
