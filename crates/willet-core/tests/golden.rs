//! Scores of reference implementations. `scripts/golden.py` makes the files and says how they are laid out.

use std::path::Path;

use willet_core::detectors::find;
use willet_core::rows::{Raw, Rows};
use willet_core::settings::Value;

#[test]
fn scores_are_those_of_the_reference() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of golden vectors")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    names.sort();
    assert!(names.len() >= 10, "golden vectors are missing: {names:?}");
    for path in names {
        let text = std::fs::read_to_string(&path).expect("a file of text");
        check(&path.display().to_string(), &text);
    }
}

fn check(file: &str, text: &str) {
    let lines = || {
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(what, _)| *what != "#")
    };
    let numbers = |text: &str| -> Vec<f64> {
        let number = |text: &str| text.parse().expect("a number");
        text.split(' ').map(number).collect()
    };
    let name = lines().find(|(what, _)| *what == "kind").expect("a kind").1;
    let (kind, mut options) = find(name).expect("a known kind");
    for (_, setting) in lines().filter(|(what, _)| *what == "set") {
        let (name, value) = setting.split_once(' ').expect("a name and a value");
        let value = value
            .parse()
            .map_or_else(|_| Value::Text(value.to_owned()), Value::Number);
        options.push((name.to_owned(), value));
    }
    let learned: Vec<Vec<f64>> = lines()
        .filter(|(what, _)| *what == "learn")
        .map(|(_, row)| numbers(row))
        .collect();
    let width = learned.first().expect("a row").len();
    let mut detector = kind.build(&options, width, 1).expect("sound settings");
    for row in &learned {
        detector.learn(Rows::one(row)).expect("the width");
    }
    let mut compared = 0;
    for (_, line) in lines().filter(|(what, _)| *what == "score") {
        let values = numbers(line);
        let (expected, row) = values.split_first().expect("a score and a row");
        let mut found = [Raw::WarmingUp];
        detector
            .score(Rows::one(row), &mut found)
            .expect("the width");
        let found = found[0].score().expect("warm");
        assert!(
            (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
            "{file}: {found}, expected {expected} for {row:?}"
        );
        compared += 1;
    }
    assert!(compared >= 10, "{file} has {compared} scores");
}
