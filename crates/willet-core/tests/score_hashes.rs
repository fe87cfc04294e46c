//! The bits of every kind's scores on a fixed stream, against a checked-in file: the same on every machine and after
//! every change that does not mean to change them. `make gen` writes the file anew.

use std::fmt::Write as _;

use willet_core::decision::Calibrator;
use willet_core::rows::Raw;

use crate::streams::{all_names, build, normal_rows, score_learn};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/score_hashes.txt");

#[test]
fn scores_have_the_checked_in_bits() {
    let mut found = String::new();
    for name in all_names() {
        for width in [1, 10] {
            let mut values = normal_rows(42, 2_000, width);
            values.iter_mut().step_by(1_999).for_each(|x| *x += 8.0);
            values[5_003 % (2_000 * width)] = f64::NAN;
            let mut calibrator = Calibrator::default();
            let mut hash = 0xcbf2_9ce4_8422_2325_u64;
            let mut take = |bits: u64| {
                hash = (hash ^ bits)
                    .wrapping_mul(0x0000_0100_0000_01b3)
                    .rotate_left(17);
            };
            for raw in score_learn(&mut *build(name, width), &values) {
                let Raw::Score(score) = raw else {
                    take(u64::from(raw == Raw::Missing));
                    continue;
                };
                take(score.to_bits());
                take(calibrator.depth(score).map_or(1, f64::to_bits));
                calibrator.learn(score);
            }
            writeln!(found, "{name} d={width} {hash:016x}").expect("into memory");
        }
    }
    if std::env::var_os("WILLET_BLESS").is_some() {
        std::fs::write(FILE, &found).expect("the file can be written");
    }
    let expected = std::fs::read_to_string(FILE).unwrap_or_default();
    assert_eq!(
        found, expected,
        "scores changed; if they were meant to, run `make gen` and say so in the changelog"
    );
}
