//! No kind takes memory from the heap for a sample once it is warm, but for upkeep that comes once in many rows.

use willet_core::detectors::KINDS;
use willet_core::random::Random;
use willet_core::rows::{Raw, Rows};

const WIDTH: usize = 10;
/// Past every kind's warm-up and first windows.
const BEFORE: usize = 3_000;
const ROWS: usize = 1_000;
/// Rows that may take memory: trees renewed, windows turned, digests grown.
const UPKEEP: usize = ROWS / 20;

#[test]
fn a_warm_detector_takes_no_memory_for_a_sample() {
    let mut random = Random::new(1);
    let values: Vec<f64> = (0..(BEFORE + ROWS) * WIDTH)
        .map(|_| random.unit())
        .collect();
    let (before, after) = values.split_at(BEFORE * WIDTH);
    let mut failed = String::new();
    for kind in KINDS {
        let mut detector = kind.build(&Vec::new(), WIDTH, 1).expect("sound");
        let mut out = vec![Raw::WarmingUp; BEFORE];
        let rows = Rows::new(before, WIDTH).expect("whole rows");
        detector.score_learn(rows, &mut out).expect("the width");
        let mut taken = 0;
        for row in after.chunks_exact(WIDTH) {
            let mut out = [Raw::WarmingUp];
            let info = allocation_counter::measure(|| {
                let learned = detector.score_learn(Rows::one(row), &mut out);
                learned.expect("the width");
            });
            taken += usize::from(info.count_total > 0);
        }
        if taken > UPKEEP {
            failed += &format!("{}: {taken} of {ROWS} rows\n", kind.name);
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn a_warm_drift_test_takes_no_memory_for_a_sample() {
    for kind in willet_core::drift::KINDS {
        let mut random = Random::new(2);
        let mut detector = kind.build(&Vec::new(), WIDTH, 1).expect("sound");
        let mut row = [0.0; WIDTH];
        let mut taken = 0;
        for i in 0..BEFORE + ROWS {
            row.iter_mut().for_each(|x| *x = random.unit());
            let info = allocation_counter::measure(|| {
                _ = detector.update(&row).expect("the width");
            });
            taken += usize::from(i >= BEFORE && info.count_total > 0);
        }
        assert!(taken <= UPKEEP, "{}: {taken} of {ROWS} rows", kind.name);
    }
}
