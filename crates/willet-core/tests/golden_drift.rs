//! p-values of `scipy` and alarms of River. `scripts/golden_drift.py` makes the files and says how they are laid out.

use std::path::Path;

use willet_core::drift::hypothesis::{
    Continuity, KsMethod, chi2_contingency, chisquare, kolmogorov_survival, ks_2samp,
    permutation_test, wasserstein_distance,
};
use willet_core::drift::{Level, find};
use willet_core::random::Random;

fn lines(file: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/drift");
    let text = std::fs::read_to_string(path.join(file)).expect("a file of text");
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(what, _)| *what != "#")
        .map(|(what, rest)| (what.to_owned(), rest.to_owned()))
        .collect()
}

fn numbers(text: &str) -> Vec<f64> {
    text.split_whitespace()
        .map(|text| text.parse().expect("a number"))
        .collect()
}

#[test]
fn p_values_are_those_of_scipy() {
    let lines = lines("tests.txt");
    for (what, rest) in &lines {
        let (expected, values) = rest.split_once(" : ").expect("two parts");
        let expected = numbers(expected);
        let (a, b) = values.split_once('|').unwrap_or((values, ""));
        let (a, b) = (numbers(a), numbers(b));
        let found = match what.as_str() {
            "ks" => {
                let exact = ks_2samp(&a, &b, KsMethod::Exact).expect("values");
                let limit = ks_2samp(&a, &b, KsMethod::Asymptotic).expect("values");
                vec![exact.statistic, exact.p_value, limit.p_value]
            }
            "wasserstein" => vec![wasserstein_distance(&a, &b).expect("values")],
            "permutation" => {
                let mut random = Random::new(1);
                vec![permutation_test(&a, &b, 10_000, &mut random).expect("values")]
            }
            "kolmogorov" => vec![kolmogorov_survival(a[0] as u64, a[1])],
            "contingency" => [Continuity::None, Continuity::Yates]
                .map(|continuity| {
                    chi2_contingency(&a[1..], a[0] as usize, continuity).expect("a table")
                })
                .iter()
                .flat_map(|found| [found.statistic, found.p_value])
                .collect(),
            "chisquare" => {
                let found = chisquare(&a, &b).expect("counts");
                vec![found.statistic, found.p_value]
            }
            _ => panic!("nobody compares {what}"),
        };
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                "{what}: {found}, expected {expected} for {}",
                &values[..values.len().min(60)]
            );
        }
    }
    assert!(lines.len() >= 100, "only {} lines", lines.len());
}

#[test]
fn alarms_are_those_of_river() {
    let streams = lines("streams.txt");
    let mut compared = 0;
    for (name, rest) in lines("alarms.txt") {
        let (stream, rows) = rest.split_once(' ').unwrap_or((&rest, ""));
        let expected: Vec<usize> = rows
            .split_whitespace()
            .map(|row| row.parse().expect("a row"))
            .collect();
        let (test, level) = match name.split_once('.') {
            Some((test, _)) => (test, Level::Warning),
            None => (name.as_str(), Level::Drift),
        };
        let (_, values) = streams
            .iter()
            .find(|(found, _)| *found == stream)
            .expect("a stream of that name");
        let mut detector = find(test)
            .expect("known")
            .build(&Vec::new(), 1, 0)
            .expect("defaults are valid");
        let mut found = Vec::new();
        for (row, x) in numbers(values).iter().enumerate() {
            if detector.update(&[*x]).expect("the width").level == level {
                found.push(row);
            }
        }
        assert_eq!(found, expected, "{name} of {stream}");
        compared += found.len();
    }
    assert!(compared > 100, "{compared} alarms compared");
}
