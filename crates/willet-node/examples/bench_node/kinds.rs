//! A row of each kind, alone: no key, no decision.

use willet_core::detectors::{KINDS, find};
use willet_core::rows::{Raw, Rows};

use crate::Result;
use crate::clock::Clock;
use crate::data::Noise;

/// Rows before the clock starts: every window is full.
const WARM: usize = 2_000;
/// Seconds of measuring each.
const SECONDS: f64 = 0.3;

pub(crate) fn run() -> Result<()> {
    for name in KINDS.iter().flat_map(willet_core::detectors::Kind::names) {
        for width in [1, 10] {
            let (kind, options) = find(name)?;
            let mut detector = kind.build(&options, width, 7)?;
            let mut noise = Noise::new(2);
            let rows: Vec<f64> = (0..WARM * width)
                .map(|index| noise.reading(index % width))
                .collect();
            let mut out = vec![Raw::WarmingUp; 100];
            let mut pass = |detector: &mut dyn willet_core::detectors::Detector| -> Result<()> {
                for rows in rows.chunks_exact(100 * width) {
                    detector.score_learn(Rows::new(rows, width)?, &mut out)?;
                }
                Ok(())
            };
            pass(&mut *detector)?;
            let clock = Clock::start();
            let mut count = 0;
            let spent = loop {
                pass(&mut *detector)?;
                count += WARM;
                let spent = clock.spent();
                if spent.cpu > SECONDS {
                    break spent;
                }
            };
            let row = 1e9 * spent.cpu / count as f64;
            println!("{name}_d{width} {row:.0} ns/row (cpu)");
            println!("{name}_d{width}_memory {} bytes", detector.memory_bytes());
        }
    }
    Ok(())
}
