//! Wall time beside the time this thread had a core: on a busy machine only the second says what the code costs.

use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Clock {
    wall: Instant,
    cpu: Option<f64>,
}

/// Seconds since a clock began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) wall: f64,
    /// Of the calling thread; the wall's where the system does not tell.
    pub(crate) cpu: f64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: thread_seconds(),
        }
    }

    pub(crate) fn spent(&self) -> Spent {
        let wall = self.wall.elapsed().as_secs_f64();
        let cpu = self
            .cpu
            .and_then(|begun| Some(thread_seconds()? - begun))
            .unwrap_or(wall);
        Spent { wall, cpu }
    }
}

fn thread_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// Memory of this process that is in use, in bytes.
pub(crate) fn resident_bytes() -> f64 {
    const PAGE: f64 = 4_096.0;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0.0) * PAGE
}

/// Prints a rate by wall and by core time.
pub(crate) fn print_rate(name: &str, count: usize, spent: Spent, unit: &str) {
    println!("{name} {:.0} {unit}/s", count as f64 / spent.wall);
    println!("{name}_cpu {:.0} {unit}/cpu-s", count as f64 / spent.cpu);
}
