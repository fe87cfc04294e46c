use std::io::Write as _;
use std::process::Stdio;

use crate::tool::{command, folder, run, spike, stdout, write};

#[test]
fn a_spike_in_a_csv_is_the_only_row_flagged_and_rows_pass_as_they_came() {
    let folder = folder();
    let input = spike(600, 500);
    write(folder.path(), "pump.csv", &input);
    let out = stdout(folder.path(), &["detect", "pump.csv"]);
    let (rows, given): (Vec<&str>, Vec<&str>) = (out.lines().collect(), input.lines().collect());
    assert_eq!(
        rows[0],
        "timestamp,source,value,label,score,anomaly_score,is_anomaly,confidence,anomaly_type,note"
    );
    assert_eq!(rows.len(), given.len());
    assert!(
        rows.iter()
            .zip(&given)
            .all(|(row, given)| row.starts_with(given))
    );
    let flagged: Vec<usize> = (1..rows.len())
        .filter(|row| rows[*row].split(',').nth(6) == Some("1"))
        .collect();
    assert_eq!(flagged, [501]);
    assert!(rows[501].contains(",spike,value 60 is "), "{}", rows[501]);
    assert!(rows[1].ends_with(",,,0,,,warming up"), "{}", rows[1]);
}

#[test]
fn every_way_in_gives_the_same_verdicts() {
    let folder = folder();
    let csv = spike(400, 300);
    write(folder.path(), "a.csv", &csv);
    let json: String = csv
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!(
                "{{\"timestamp\":\"{}\",\"source\":\"{}\",\"values\":{{\"value\":{}}}}}\n",
                cells[0], cells[1], cells[2]
            )
        })
        .collect();
    write(folder.path(), "a.ndjson", &json);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv.as_bytes()).expect("into memory");
    write(
        folder.path(),
        "a.csv.gz",
        gzip.finish().expect("into memory"),
    );

    let expected = stdout(folder.path(), &["detect", "a.csv", "--format", "ndjson"]);
    assert!(
        expected
            .lines()
            .nth(300)
            .is_some_and(|line| line.contains("\"is_anomaly\":true"))
    );
    assert_eq!(stdout(folder.path(), &["detect", "a.ndjson"]), expected);
    assert_eq!(
        stdout(folder.path(), &["detect", "a.csv.gz", "--format", "ndjson"]),
        expected
    );

    let mut piped = command(folder.path(), &["detect", "-", "--format", "ndjson"]);
    let mut piped = piped
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    piped
        .stdin
        .take()
        .expect("piped")
        .write_all(csv.as_bytes())
        .expect("written");
    let output = piped.wait_with_output().expect("ends");
    assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), expected);
}

#[test]
fn an_anomaly_says_how_sure_and_why() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(600, 500));
    let out = stdout(
        folder.path(),
        &[
            "detect",
            "pump.csv",
            "--algorithm",
            "zscore",
            "--format",
            "ndjson",
            "--only-anomalies",
        ],
    );
    let line: serde_json::Value = serde_json::from_str(&out).expect("one line of JSON");
    assert_eq!(line["id"], "default/0/500");
    assert_eq!(line["source"], "pump-7");
    assert_eq!(line["timestamp"], "2026-01-01T08:20:00Z");
    assert_eq!(line["anomaly_type"], "spike");
    assert_eq!(line["contributions"]["value"], 1.0);
    assert!(line["expected"]["value"][2].as_f64().expect("a band") < 30.0);
    // Once in 500 rows: more than that the history does not bear out.
    assert!(line["confidence"].as_f64().expect("a number") > 0.3);
    assert!(line["anomaly_score"].as_f64() > line["threshold"].as_f64());
}

#[test]
fn every_algorithm_runs_by_every_name() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(400, 380));
    let listed = stdout(folder.path(), &["detectors", "--format", "json"]);
    let kinds: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    for kind in kinds.as_array().expect("a list") {
        let aliases = kind["aliases"].as_array().expect("a list").iter();
        for name in std::iter::once(&kind["name"]).chain(aliases) {
            let name = name.as_str().expect("a name");
            let out = stdout(folder.path(), &["detect", "pump.csv", "-q", "-a", name]);
            let spike = out.lines().nth(381).expect("a row");
            assert_eq!(spike.split(',').nth(6), Some("1"), "{name}: {spike}");
        }
    }
}

#[test]
fn keys_are_learned_apart() {
    let folder = folder();
    let mut text = String::from("key,value\n");
    for row in 0..1_000 {
        text.push_str(&format!("small,{}\nlarge,{}\n", row % 7, 1_000 + row % 7));
    }
    text.push_str("small,1003\n");
    write(folder.path(), "two.csv", text);
    let out = stdout(folder.path(), &["detect", "two.csv", "--only-anomalies"]);
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(
        out.lines()
            .nth(1)
            .is_some_and(|row| row.starts_with("small,1003,"))
    );
}

#[test]
fn names_that_the_input_has_already_are_kept_apart() {
    let folder = folder();
    write(folder.path(), "a.csv", "score,value\n1,2\n3,4\n");
    let out = stdout(folder.path(), &["detect", "a.csv", "-c", "value"]);
    assert!(
        out.starts_with("score,value,willet_score,anomaly_score,"),
        "{out}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = folder();
    write(folder.path(), "long.csv", spike(30_000, 20_000));
    let mut child = command(folder.path(), &["detect", "long.csv"]);
    let mut child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_chart_shows_the_anomaly_and_the_summary() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(600, 500));
    let out = stdout(
        folder.path(),
        &["detect", "pump.csv", "-a", "zscore", "--format", "chart"],
    );
    assert!(
        out.contains('▲') && out.contains("600 rows, 1 anomalies"),
        "{out}"
    );
    assert!(
        out.contains("2026-01-01T08:20:00Z")
            && out.contains("spike: value 60 is 39 above the usual 20 to 21"),
        "{out}"
    );
    assert!(!out.contains('\u{1b}'), "colours belong to terminals");
}

#[test]
fn generated_streams_are_the_same_each_time_and_their_trouble_is_found() {
    let folder = folder();
    let arguments = ["generate", "-n", "20000", "--seed", "5", "--interval", "60"];
    let first = stdout(folder.path(), &arguments);
    assert_eq!(first, stdout(folder.path(), &arguments));
    assert_eq!(first.lines().count(), 20_001);
    write(folder.path(), "g.csv", &first);
    let report = stdout(
        folder.path(),
        &["evaluate", "g.csv", "--format", "json", "-a", "ewma"],
    );
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let positives = first
        .lines()
        .filter(|line| line.split(',').nth(3) == Some("1"))
        .count();
    assert_eq!(report["positives"], positives);
    // Chance would give the share of positives.
    let chance = positives as f64 / 20_000.0;
    assert!(
        report["average_precision"].as_f64().expect("a number") > 2.0 * chance,
        "{report}"
    );
    let few = run(
        folder.path(),
        &["generate", "-n", "3", "--format", "ndjson"],
    );
    assert_eq!(String::from_utf8_lossy(&few.stdout).lines().count(), 3);
}

#[test]
fn evaluate_counts_by_hand() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(600, 500));
    let report = stdout(
        folder.path(),
        &[
            "evaluate",
            "pump.csv",
            "--format",
            "json",
            "--probation",
            "100",
        ],
    );
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(
        (&report["rows"], &report["positives"]),
        (&500.into(), &1.into())
    );
    assert_eq!(
        (&report["roc_auc"], &report["average_precision"]),
        (&1.0.into(), &1.0.into())
    );
    assert_eq!(
        (&report["precision"], &report["recall"]),
        (&1.0.into(), &1.0.into())
    );
}

#[test]
fn a_growing_file_is_followed_through_rotation() {
    let folder = folder();
    let path = write(folder.path(), "live.csv", spike(300, 250));
    let mut child = command(
        folder.path(),
        &[
            "detect", "live.csv", "-a", "zscore", "--follow", "-q", "-o", "out.csv",
        ],
    );
    let mut child = child.stderr(Stdio::null()).spawn().expect("starts");
    let rows = |wanted: usize| {
        crate::kills::eventually(|| {
            let out = std::fs::read_to_string(folder.path().join("out.csv")).unwrap_or_default();
            out.lines().count() > wanted
        });
    };
    rows(300);
    std::fs::rename(&path, folder.path().join("live.csv.1")).expect("renamed");
    write(
        folder.path(),
        "live.csv",
        "timestamp,source,value,label\n2026-01-02T00:00:00Z,pump-7,99,0\n",
    );
    rows(301);
    child.kill().expect("it was running");
    child.wait().expect("ends");
    let out = std::fs::read_to_string(folder.path().join("out.csv")).expect("written");
    let last = out.lines().last().expect("rows");
    assert!(
        last.starts_with("2026-01-02T00:00:00Z,pump-7,99,0,")
            && last.split(',').nth(6) == Some("1"),
        "{last}"
    );
}

#[test]
fn a_history_is_learned_first_and_nothing_of_it_is_written() {
    let folder = folder();
    let whole = spike(600, 500);
    let (header, rows) = whole.split_once('\n').expect("a header");
    let rows: Vec<&str> = rows.lines().collect();
    let part = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n"));
    write(folder.path(), "whole.csv", &whole);
    write(folder.path(), "past.csv", part(&rows[..400]));
    write(folder.path(), "now.csv", part(&rows[400..]));
    let expected = stdout(folder.path(), &["detect", "whole.csv"]);
    let found = stdout(
        folder.path(),
        &["detect", "now.csv", "--history", "past.csv"],
    );
    let expected: Vec<&str> = expected.lines().skip(401).collect();
    let found: Vec<&str> = found.lines().skip(1).collect();
    assert_eq!(found, expected);
    assert_eq!(found.len(), 200);

    let refused = |arguments: &[&str], says: &str| {
        let output = run(folder.path(), arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(says), "{message}");
    };
    refused(
        &[
            "detect",
            "now.csv",
            "--history",
            "past.csv",
            "--data-dir",
            "d",
        ],
        "keeps what it learned",
    );
    refused(&["detect", "-", "--history", "-"], "only once");
    write(folder.path(), "empty.csv", format!("{header}\n"));
    refused(
        &["detect", "now.csv", "--history", "empty.csv"],
        "no column holds numbers",
    );
}

#[test]
fn buckets_of_a_file_have_a_row_each_and_end_with_the_file() {
    let folder = folder();
    let mut rows = String::from("timestamp,source,value\n");
    for second in 0..600 {
        use std::fmt::Write as _;
        let at = 1_767_225_600 + second;
        let _ = writeln!(rows, "{at},a,1");
        if second < 200 {
            let _ = writeln!(rows, "{at},b,1");
        }
    }
    write(folder.path(), "rows.csv", &rows);
    let counts = "streams:\n  - name: counts\n    detector: {algorithm: zscore}\n    bucket: {every: minute, what: count}\n";
    write(folder.path(), "counts.yaml", counts);
    let arguments = ["detect", "rows.csv", "--config", "counts.yaml"];
    let once = stdout(folder.path(), &arguments);
    let lines: Vec<&str> = once.lines().collect();
    assert!(lines[0].starts_with("id,timestamp,source,begin,end,events,values,score"));
    let silent =
        "counts/0/399.6,2026-01-01T00:08:00Z,b,2026-01-01T00:08:00Z,2026-01-01T00:09:00Z,0,";
    assert!(
        lines.last().is_some_and(|last| last.starts_with(silent)),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 1 + 9 + 9);

    let durable = [
        &arguments[..],
        &["--data-dir", "data", "--output", "out.csv"],
    ]
    .concat();
    stdout(folder.path(), &durable);
    let kept = std::fs::read_to_string(folder.path().join("out.csv")).expect("written");
    // The log begins with the configuration, so that offsets are one higher.
    assert_eq!(kept.lines().count(), lines.len());
    let replayed = stdout(folder.path(), &["replay", "data", "--format", "csv"]);
    assert_eq!(replayed, kept);
}
