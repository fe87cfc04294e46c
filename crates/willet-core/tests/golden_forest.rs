//! How well anomalies of labelled streams are told, against references whose scores are as random as ours.
//! `scripts/golden_forest/sets.py` makes the files and says how they are laid out.

use std::path::Path;

use willet_core::detectors::find;
use willet_core::evaluation::evaluate;
use willet_core::settings::Value;

use crate::streams::score_learn;

/// Rows that are not counted.
const SKIPPED: usize = 100;
const SEEDS: u64 = 10;
/// How far the mean over all seeds may be from that of the reference.
const TOLERANCE: f64 = 0.01;

#[test]
fn anomalies_are_told_as_well_as_by_the_references() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/streams");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of golden sets")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 12, "{names:?}");
    let mut report = String::new();
    let mut is_near = true;
    for path in names {
        let text = std::fs::read_to_string(&path).expect("a file of text");
        let file = path.file_stem().expect("a name").to_string_lossy();
        for expected in text.lines().filter_map(|line| line.strip_prefix("expect ")) {
            let words: Vec<&str> = expected.split(' ').collect();
            let expected: f64 = words[1].parse().expect("a number");
            let found = mean_auc(words[0], &words[2..], &text);
            is_near &= (found - expected).abs() <= TOLERANCE;
            let apart = found - expected;
            report += &format!(
                "{file} {}: {found:.4}, reference {expected:.4}, {apart:+.4}\n",
                words[0]
            );
        }
    }
    println!("{report}");
    assert!(is_near, "{report}");
}

fn mean_auc(name: &str, settings: &[&str], text: &str) -> f64 {
    let (kind, mut options) = find(name).expect("a known kind");
    for setting in settings {
        let (name, value) = setting.split_once('=').expect("a name and a value");
        let value = value
            .parse()
            .map_or_else(|_| Value::Text(value.to_owned()), Value::Number);
        options.push((name.to_owned(), value));
    }
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for row in text.lines().filter_map(|line| line.strip_prefix("row ")) {
        let (label, row) = row.split_once(' ').expect("a label and values");
        labels.push(label == "1");
        values.extend(row.split(' ').map(|x| x.parse::<f64>().expect("a number")));
    }
    let width = values.len() / labels.len();
    let one = |seed: u64| {
        let mut detector = kind.build(&options, width, seed).expect("sound settings");
        let out = score_learn(&mut *detector, &values);
        let scores: Vec<f64> = out
            .iter()
            .map(|raw| raw.score().unwrap_or(f64::NEG_INFINITY))
            .collect();
        evaluate(&scores[SKIPPED..], &labels[SKIPPED..])
            .expect("both labels")
            .roc_auc
    };
    (0..SEEDS).map(one).sum::<f64>() / SEEDS as f64
}
