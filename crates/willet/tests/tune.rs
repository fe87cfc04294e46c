//! Window sizes measured: figures held against those of other verbs, the choice, the page, wrong input.

use std::path::Path;

use serde_json::Value;

use crate::tool::{folder, refused, run, spike, stdout, write};

const ARGUMENTS: [&str; 6] = [
    "tune",
    "--windows",
    "rows.csv",
    "--sizes",
    "400,100,200",
    "--format",
];

/// Rows of two keys in turn, whose level moves: windows of different lengths differ. One row in 90 is far off.
fn moving(rows: usize, has_labels: bool) -> String {
    let mut text = String::from("timestamp,source,value,other");
    text.push_str(if has_labels { ",label\n" } else { "\n" });
    for row in 0..rows {
        let is_odd = row % 90 == 89;
        let level = 20.0 + row as f64 / 100.0 + if is_odd { 15.0 } else { 0.0 };
        let noise = (row * 37 % 101) as f64 / 10.0;
        let time = 1_767_225_600 + row * 30;
        let key = ["cellar", "roof"][row % 2];
        text.push_str(&format!("{time},{key},{},{noise}", level + noise));
        if has_labels {
            text.push_str(if is_odd { ",1" } else { ",0" });
        }
        text.push('\n');
    }
    text
}

fn tuned(folder: &Path, more: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = ARGUMENTS
        .iter()
        .chain(&["ndjson"])
        .chain(more)
        .copied()
        .collect();
    let text = stdout(folder, &arguments);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Verdicts of a run by key, as `willet detect` writes them.
fn detected(folder: &Path, algorithm: &str, size: &str) -> Vec<(String, Option<f64>, bool)> {
    let set = format!("window_size={size}");
    let text = stdout(
        folder,
        &[
            "detect", "rows.csv", "-q", "-a", algorithm, "--set", &set, "--format", "ndjson",
        ],
    );
    text.lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            (
                row["source"].as_str().expect("a key").to_owned(),
                row["anomaly_score"].as_f64(),
                row["is_anomaly"] == true,
            )
        })
        .collect()
}

#[test]
fn figures_are_those_of_detect_and_evaluate_under_the_same_settings() {
    let folder = folder();
    write(folder.path(), "rows.csv", moving(2_000, true));
    let found = tuned(folder.path(), &["-a", "knn"]);
    let sizes: Vec<_> = found
        .iter()
        .map(|one| number(&one["window_size"]))
        .collect();
    assert_eq!(sizes, [100.0, 200.0, 400.0]);
    let largest = detected(folder.path(), "knn", "400");
    for (one, size) in found.iter().zip(["100", "200", "400"]) {
        let rows = detected(folder.path(), "knn", size);
        let flagged = rows.iter().filter(|row| row.2).count();
        let warm_up = rows.iter().filter(|row| row.1.is_none()).count();
        assert_eq!(
            (&one["flagged"], &one["warm_up"]),
            (&flagged.into(), &warm_up.into())
        );
        assert!(number(&one["micros_a_row"]) > 0.0 && number(&one["memory_bytes"]) > 1_000.0);

        // By hand: rows of each key from the one on that the window has no room for.
        let (mut apart, mut both, mut either) = (Vec::new(), 0, 0);
        for key in ["cellar", "roof"] {
            let of = |rows: &[(String, Option<f64>, bool)]| -> Vec<(Option<f64>, bool)> {
                let rows = rows.iter().filter(|row| row.0 == key);
                rows.map(|row| (row.1, row.2)).collect()
            };
            let from: usize = size.parse().expect("a size");
            for (a, b) in of(&rows).iter().zip(of(&largest)).skip(from) {
                apart.extend(a.0.zip(b.0).map(|(a, b)| (a - b).abs()));
                both += usize::from(a.1 && b.1);
                either += usize::from(a.1 || b.1);
            }
        }
        if size == "400" {
            assert!(one["score_stability"].is_null() && one["same_flags"].is_null());
        } else {
            let expected = 1.0 - apart.iter().sum::<f64>() / apart.len() as f64;
            assert!(
                (number(&one["score_stability"]) - expected).abs() < 1e-6,
                "{one}, expected {expected}"
            );
            assert!(expected < 0.999, "windows of different lengths differ");
            assert_eq!(
                one["same_flags"].as_f64(),
                (either > 0).then(|| both as f64 / either as f64)
            );
        }

        let set = format!("window_size={size}");
        let evaluated = stdout(
            folder.path(),
            &[
                "evaluate", "rows.csv", "-a", "knn", "--set", &set, "--format", "json",
            ],
        );
        let evaluated: Value = serde_json::from_str(&evaluated).expect("JSON");
        let whole = tuned(folder.path(), &["-a", "knn", "--probation", "0"]);
        let same = whole
            .iter()
            .find(|other| other["window_size"] == one["window_size"]);
        let precision = number(&same.expect("the same size")["average_precision"]);
        assert!((precision - number(&evaluated["average_precision"])).abs() < 1e-9);
    }
}

#[test]
fn with_labels_the_best_average_precision_is_recommended() {
    let folder = folder();
    write(folder.path(), "rows.csv", moving(3_000, true));
    let found = tuned(folder.path(), &["-a", "mahalanobis,copod"]);
    assert_eq!(found.len(), 6);
    let precision = |one: &Value| number(&one["average_precision"]);
    let best = found.iter().map(precision).fold(0.0, f64::max);
    let chosen: Vec<_> = found
        .iter()
        .filter(|one| one["recommended"] == true)
        .collect();
    let [chosen] = chosen[..] else {
        panic!("{found:?}")
    };
    let as_good = found.iter().filter(|one| precision(one) >= best - 0.005);
    let cheapest = as_good
        .map(|one| number(&one["micros_a_row"]))
        .fold(f64::INFINITY, f64::min);
    assert!(precision(chosen) >= best - 0.005 && number(&chosen["micros_a_row"]) == cheapest);
    for name in ["mahalanobis", "copod"] {
        let of_kind = found.iter().filter(|one| one["algorithm"] == name);
        let best = of_kind.filter(|one| one["best_of_algorithm"] == true);
        assert_eq!(best.count(), 1, "{name}");
    }
}

#[test]
fn without_labels_the_smallest_window_that_agrees_is_recommended() {
    let folder = folder();
    write(folder.path(), "rows.csv", moving(3_000, false));
    let size_under = |tolerance: &str| {
        let found = tuned(folder.path(), &["-a", "zscore", "--tolerance", tolerance]);
        let agrees = |one: &&Value| {
            let stability = one["score_stability"].as_f64();
            stability.is_some_and(|found| 1.0 - found <= tolerance.parse().expect("a number"))
        };
        let smallest = found.iter().find(agrees).unwrap_or(&found[2])["window_size"].clone();
        let chosen = found.iter().find(|one| one["recommended"] == true);
        assert_eq!(chosen.expect("one")["window_size"], smallest);
        number(&smallest)
    };
    assert_eq!((size_under("0.9"), size_under("0")), (100.0, 400.0));
    let said = run(
        folder.path(),
        &[&ARGUMENTS[..], &["csv", "-a", "zscore"]].concat(),
    )
    .stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.contains("labelled as an anomaly")
            && said.contains("note: take zscore with a window of"),
        "{said}"
    );
    assert!(
        !said.contains('█') && !said.contains(" of 3 "),
        "no bar in a pipe: {said}"
    );
}

#[test]
fn text_ends_with_advice_and_a_command_that_runs() {
    let folder = folder();
    write(folder.path(), "rows.csv", moving(1_500, true));
    let text = stdout(
        folder.path(),
        &[&ARGUMENTS[..], &["text", "-a", "zscore,ecod"]].concat(),
    );
    assert!(
        text.contains("1,500 rows of 2 keys") && text.contains("\ntake "),
        "{text}"
    );
    assert_eq!(text.matches("<==\n").count(), 1, "{text}");
    let command = text.lines().last().expect("a line").trim();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    assert!(
        command.starts_with("willet detect rows.csv --algorithm "),
        "{command}"
    );
    assert_eq!(stdout(folder.path(), &words).lines().count(), 1_501);
}

#[test]
fn without_names_each_kind_whose_window_is_what_it_learns_from_is_measured() {
    let folder = folder();
    write(folder.path(), "rows.csv", moving(300, true));
    let arguments = [
        "tune",
        "rows.csv",
        "--windows",
        "-s",
        "64",
        "--format",
        "csv",
        "--html",
        "out.html",
    ];
    let csv = stdout(folder.path(), &arguments);
    let names: Vec<&str> = csv
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    for name in [
        "iforest",
        "lof",
        "knn",
        "hbos",
        "copod",
        "ecod",
        "ocsvm",
        "statistical",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert_eq!(names.iter().filter(|name| **name == "auto").count(), 1);
    for name in ["rcf", "rare", "seasonal", "ensemble"] {
        assert!(!names.contains(&name), "{name} in {names:?}");
    }
    let page = std::fs::read_to_string(folder.path().join("out.html")).expect("the page");
    assert!(
        !page.contains("http")
            && page.contains("\"algorithm\":\"iforest\"")
            && page.contains("\"algorithm\":\"auto\"")
            && page.contains("willet tune")
    );
}

#[test]
fn the_default_is_measured_too_and_recommended_where_nothing_beats_it() {
    // Spikes so clear that any detector finds them all: the default is as good as any.
    let mut text = String::from("value,label\n");
    for row in 0..1_500 {
        let is_odd = row > 400 && row % 150 == 149;
        let value = 10 * (row * 37 % 11) + if is_odd { 5_000 } else { 0 };
        text.push_str(&format!("{value},{}\n", u8::from(is_odd)));
    }
    let folder = folder();
    write(folder.path(), "rows.csv", text);
    let arguments = ["tune", "--windows", "rows.csv", "-s", "100,200", "--format"];
    let output = run(folder.path(), &[&arguments[..], &["ndjson"]].concat());
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let auto = found.iter().find(|one| one["algorithm"] == "auto");
    let auto = auto.expect("the default is in the table");
    assert!(auto["window_size"].is_null());
    let best = found.iter().map(|one| number(&one["average_precision"]));
    let best = best.fold(0.0, f64::max);
    let beats = number(&auto["average_precision"]) >= best - 0.005;
    assert_eq!(auto["recommended"], beats);
    let said = String::from_utf8_lossy(&output.stderr);
    let words = if beats {
        "take auto, the default: nothing here beats its average precision of"
    } else {
        "auto, the default, has"
    };
    assert!(said.contains(words), "{said}");
    let text = stdout(folder.path(), &[&arguments[..], &["text"]].concat());
    let command = text.lines().last().expect("a line");
    assert_eq!(command.ends_with("--algorithm auto"), beats, "{text}");
}

#[test]
fn sizes_that_no_key_fills_are_left_out_and_told() {
    let folder = folder();
    write(folder.path(), "rows.csv", spike(700, 600));
    let output = run(
        folder.path(),
        &[
            "tune",
            "--windows",
            "rows.csv",
            "-a",
            "zscore",
            "--format",
            "csv",
        ],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("sizes 1000,2000,5000,10000 are left out: the file has 700 rows"),
        "{said}"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
}

#[test]
fn wrong_input_is_refused_with_a_way_out() {
    let folder = folder();
    write(folder.path(), "rows.csv", spike(300, 200));
    let check = |arguments: &[&str], words: &str| {
        let arguments: Vec<&str> = [&["tune"], arguments].concat();
        refused(folder.path(), &arguments, 2, words);
    };
    check(&["rows.csv"], "--windows");
    check(&["--windows", "nowhere.csv"], "no file `nowhere.csv`");
    check(
        &["--windows", "rows.csv"],
        "expected sizes below that (such as --sizes 75,150)",
    );
    check(
        &["--windows", "rows.csv", "-a", "knn,ifrest"],
        "did you mean `iforest`?",
    );
    check(
        &["--windows", "rows.csv", "-a", "rcf"],
        "rcf has no window_size to tune, expected one of statistical,",
    );
    check(
        &["--windows", "rows.csv", "-a", "knn", "-s", "10"],
        "knn: detector.window_size is 10, expected a whole number from 32 to",
    );
    check(
        &["--windows", "rows.csv", "-s", "1k"],
        "expected a whole number of rows such as 1000",
    );
    check(
        &["--windows", "rows.csv", "-s", "0"],
        "expected a whole number of rows such as 1000",
    );
    check(
        &["--windows", "rows.csv", "--tolerance", "5"],
        "expected a number of 0 or more and below 1",
    );
    check(
        &["--windows", "rows.csv", "-s", "64", "--html", "no/out.html"],
        "cannot write `no/out.html`",
    );
}
