//! Files as people have them: read as they are meant, or refused with a way out; what is not judged is said.

use std::fmt::Write as _;
use std::path::Path;

use crate::tool::{folder, refused, run, write};

/// Values around 20 that no rule explains.
fn noise(row: u64, salt: u64) -> f64 {
    let mut random = willet_core::random::Random::new(row << 8 | salt);
    (random.unit() + random.unit() + random.unit() - 1.5) * 2.0
}

fn time(row: u64) -> String {
    let (day, minute) = (6 + row / 1_440, row % 1_440);
    format!("2025-01-{day:02}T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

/// Lines under a head, one a row.
fn file(head: &str, rows: u64, line: impl Fn(u64) -> String) -> String {
    let mut text = head.to_owned();
    (0..rows).for_each(|row| {
        let _ = writeln!(text, "{}", line(row));
    });
    text
}

/// Row of the spike in the files below.
const SPIKE: u64 = 500;

fn value(row: u64) -> f64 {
    20.0 + noise(row, 1) + if row == SPIKE { 60.0 } else { 0.0 }
}

struct Found {
    /// Verdicts, in order.
    rows: Vec<serde_json::Value>,
    said: String,
    code: Option<i32>,
}

impl Found {
    fn is_anomaly(&self, row: usize) -> bool {
        self.rows[row]["is_anomaly"] == true
    }
}

fn detect(folder: &Path, name: &str, text: &str, more: &[&str]) -> Found {
    write(folder, name, text);
    let output = run(
        folder,
        &[&["detect", name, "--format", "ndjson"], more].concat(),
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    let rows = String::from_utf8_lossy(&output.stdout);
    Found {
        rows: rows
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect(),
        said,
        code: output.status.code(),
    }
}

/// The spike is found, in a run that says `words`.
#[track_caller]
fn finds_the_spike(name: &str, text: &str, words: &str) {
    let folder = folder();
    let found = detect(folder.path(), name, text, &[]);
    assert_eq!(found.code, Some(0), "{}", found.said);
    assert!(found.said.contains(words), "{}", found.said);
    assert_eq!(found.rows.len(), 600, "{}", found.said);
    assert!(
        found.is_anomaly(SPIKE as usize),
        "{}",
        found.rows[SPIKE as usize]
    );
    assert!(!found.said.contains("rejected"), "{}", found.said);
}

#[test]
fn numbers_are_read_as_a_country_writes_them() {
    let comma = |row| format!("{:.2}", value(row)).replace('.', ",");
    finds_the_spike(
        "comma.csv",
        &file("Zeit;Druck;Stufe\n", 600, |row| {
            format!("{};{};{}", time(row), comma(row), row % 3)
        }),
        "numbers have a comma before the fraction",
    );
    finds_the_spike(
        "quoted.csv",
        &file("\u{feff}Zeit,Druck\r\n", 600, |row| {
            format!("{},\"{}\"\r", time(row), comma(row))
        }),
        "numbers have a comma before the fraction",
    );
    finds_the_spike(
        "thousands.csv",
        &file("time;x\n", 600, |row| {
            let text = format!("{:.1}", 100.0 * value(row));
            let (whole, fraction) = text.split_once('.').expect("a fraction");
            let (thousands, rest) = whole.split_at(whole.len() - 3);
            format!("{};{thousands}.{rest},{fraction}", time(row))
        }),
        "numbers have a comma before the fraction and `.` between thousands",
    );
}

#[test]
fn a_number_that_may_mean_two_things_is_asked_about() {
    let folder = folder();
    let text = file("time;x\n", 600, |row| {
        let level = if row == SPIKE { 5_000 } else { 990 + row % 20 };
        let text = match level {
            1_000.. => format!("{}.{:03}", level / 1_000, level % 1_000),
            _ => level.to_string(),
        };
        format!("{};{text}", time(row))
    });
    write(folder.path(), "t.csv", &text);
    refused(
        folder.path(),
        &["detect", "t.csv"],
        2,
        "which may be thousands or a fraction (--decimal . or --decimal , says which",
    );
    let found = detect(folder.path(), "t.csv", &text, &["--decimal", ","]);
    assert_eq!(found.rows[15]["values"]["x"], 1_005.0);
    assert!(found.is_anomaly(SPIKE as usize));
    let found = detect(folder.path(), "t.csv", &text, &["--decimal", "."]);
    assert_eq!(found.rows[15]["values"]["x"], 1.005);
    refused(
        folder.path(),
        &["detect", "t.csv", "--decimal", ";"],
        2,
        "expected . or ,",
    );
}

#[test]
fn what_stands_around_the_rows_is_passed_over() {
    let row = |row| format!("{};{:.2}", time(row), value(row));
    for (head, words) in [
        ("sep=;\ntime;x\n", "(\"sep=;\"): skipped"),
        (
            "Station Nord\n\nfrom 2025-01-06\ntime;x\n",
            "the first 3 lines are not part of the table",
        ),
        (
            "time;x\n;hPa\n",
            "the line under the header is no row (\"hPa\"): skipped",
        ),
        ("time;x;extra\n", "`extra` has no cells"),
    ] {
        finds_the_spike("around.csv", &file(head, 600, row), words);
    }
    let folder = folder();
    let text = file("a\nb\ntime;x\nu;v\nu;v\n", 600, row);
    let flags = ["--skip-lines", "2", "--skip-rows", "2", "--sep", ";"];
    let found = detect(folder.path(), "given.csv", &text, &flags);
    assert_eq!(
        (found.code, found.rows.len()),
        (Some(0), 600),
        "{}",
        found.said
    );
}

#[test]
fn a_stream_of_the_configuration_says_the_same() {
    let folder = folder();
    write(
        folder.path(),
        "willet.yaml",
        "streams:\n- name: press\n  input:\n    format: csv\n    delimiter: ';'\n    decimal: ','\n    thousands: '.'\n    skip_lines: 1\n    skip_rows: 1\n    columns:\n    - {name: time, role: timestamp}\n    - {name: x, text_is_missing: true}\n",
    );
    let text = file("Presse\r\nx;time\r\nbar;\r\n", 600, |row| match row {
        7 => format!("aus;{}\r", time(row)),
        row => format!("1.0{:02},5;{}\r", row % 20, time(row)),
    });
    let found = detect(folder.path(), "c.csv", &text, &["--config", "willet.yaml"]);
    assert_eq!(
        (found.code, found.rows.len()),
        (Some(0), 600),
        "{}",
        found.said
    );
    assert_eq!(found.rows[3]["values"]["x"], 1_003.5);
    assert_eq!(found.rows[7]["skipped"], "missing");
    assert!(
        found
            .said
            .contains("column `x`: 1 cell is no number (the first \"aus\")"),
        "{}",
        found.said
    );
}

#[test]
fn one_odd_cell_or_an_empty_beginning_does_not_take_a_column_away() {
    for odd in ["#N/A", "sensor off", "None", "\\N"] {
        let text = file("timestamp,temp,hum\n", 600, |row| {
            let temp = if row == 12 {
                odd.to_owned()
            } else {
                format!("{:.2}", value(row))
            };
            format!("{},{temp},{}", time(row), 40 + row % 4)
        });
        finds_the_spike("odd.csv", &text, "");
    }
    let text = file("timestamp,hum,temp\n", 600, |row| {
        let temp = if row < 150 {
            String::new()
        } else {
            format!("{:.2}", value(row))
        };
        format!("{},{:.2},{temp}", time(row), 40.0 + noise(row, 2))
    });
    finds_the_spike("empty.csv", &text, "600 rows");
}

#[test]
fn a_value_that_is_null_at_first_is_judged() {
    let line = |row| {
        let temp = match row {
            0 => "null".to_owned(),
            row => format!("{:.2}", value(row)),
        };
        format!("{{\"hum\": {:.2}, \"temp\": {temp}}}", 40.0 + noise(row, 2))
    };
    finds_the_spike("null.ndjson", &file("", 600, line), "600 rows");
}

#[test]
fn a_temperature_called_t_is_no_time_and_a_date_without_dashes_is_one() {
    let folder = folder();
    let text = file("h,t,p\n", 600, |row| {
        format!(
            "{:.2},{:.2},1012.{}",
            44.0 + noise(row, 2),
            value(row),
            row % 9
        )
    });
    let found = detect(folder.path(), "t.csv", &text, &[]);
    assert!(
        found
            .said
            .contains("column `t` is not used as the event time"),
        "{}",
        found.said
    );
    assert!(found.rows[0]["timestamp"].is_null() && found.rows[9]["values"]["t"].is_number());
    assert!(found.is_anomaly(SPIKE as usize));
    let text = file("date,x\n", 28, |row| {
        format!("202202{:02},{}", row + 1, row % 5)
    });
    let found = detect(folder.path(), "d.csv", &text, &[]);
    assert_eq!(found.rows[27]["timestamp"], "2022-02-28T00:00:00Z");
    assert!(
        found
            .said
            .contains("column `date` is the event time: 2022-02-01T00:00:00Z"),
        "{}",
        found.said
    );
}

#[test]
fn an_id_that_names_the_sensor_is_the_key() {
    let folder = folder();
    let line = |row: u64| {
        let (sensor, at) = (row % 3, row / 3);
        let level = [10.0, 50.0, 1_010.0][sensor as usize];
        let spike = if row == 1_501 { 30.0 } else { 0.0 };
        format!(
            "s{sensor},{},{:.2}",
            time(at),
            level + noise(row, 1) + spike
        )
    };
    let text = file("id,timestamp,value\n", 1_800, line);
    let found = detect(folder.path(), "id.csv", &text, &[]);
    assert!(
        found.said.contains("column `id` repeats (s0, s1, s2)"),
        "{}",
        found.said
    );
    assert!(!found.said.contains("skipped"), "{}", found.said);
    assert_eq!(found.rows[1_501]["source"], "s1");
    assert!(found.is_anomaly(1_501));
    // Who says that it is one is told what comes of it.
    let found = detect(folder.path(), "id.csv", &text, &["--id", "id"]);
    assert!(
        found.said.contains("1,797 rows skipped (1,797 duplicate)")
            && found
                .said
                .contains("1,797 of 1,800 rows bear an id that came before"),
        "{}",
        found.said
    );
}

#[test]
fn what_python_writes_for_no_number_is_missing() {
    let folder = folder();
    let text = file("", 600, |row| {
        let v = match row {
            100 | 101 => "NaN".to_owned(),
            200 => "Infinity".to_owned(),
            201 => "-Infinity".to_owned(),
            row => format!("{:.3}", value(row)),
        };
        format!("{{\"timestamp\": \"{}\", \"v\": {v}}}", time(row))
    });
    let found = detect(folder.path(), "p.ndjson", &text, &[]);
    assert_eq!(
        (found.code, found.rows.len()),
        (Some(0), 600),
        "{}",
        found.said
    );
    for row in [100, 101, 200, 201] {
        assert_eq!(found.rows[row]["skipped"], "missing", "{}", found.rows[row]);
    }
    assert!(
        found.said.contains("4 rows skipped (4 missing)"),
        "{}",
        found.said
    );
    assert!(found.is_anomaly(SPIKE as usize));
}

#[test]
fn newest_rows_first_are_turned_round_or_told() {
    let folder = folder();
    let text = file("date,size\n", 600, |row| {
        format!("{},{:.2}", time(599 - row), value(599 - row))
    });
    let found = detect(folder.path(), "n.csv", &text, &[]);
    assert!(
        found
            .said
            .contains("the newest rows come first: read from the last row to the first")
            && !found.said.contains("late"),
        "{}",
        found.said
    );
    assert_eq!(found.rows[0]["timestamp"], "2025-01-06T00:00:00Z");
    assert!(found.is_anomaly(SPIKE as usize));
    let arguments = ["detect", "n.csv", "--data-dir", "state", "-o", "out.csv"];
    let said = run(folder.path(), &arguments).stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.contains("so that all that follow are late")
            && said.contains("599 late")
            && said.contains("599 of 600 rows are older than rows before them"),
        "{said}"
    );
}

#[test]
fn a_run_in_which_nothing_was_judged_fails() {
    let folder = folder();
    // Ten columns where the first lines promised one.
    let text = file("x\n1\n2\n", 400, |row| format!("{row},{row},{row}"));
    write(folder.path(), "none.csv", &text);
    let columns = "input: {format: csv, columns: [{name: x}]}";
    write(
        folder.path(),
        "one.yaml",
        format!("streams:\n- {columns}\n"),
    );
    let rejected = file("x\n", 400, |row| format!("{row},{row}"));
    write(folder.path(), "wide.csv", rejected);
    refused(
        folder.path(),
        &["detect", "wide.csv", "--config", "one.yaml"],
        2,
        "nothing was judged: all 400 records were rejected",
    );
    let text = file("", 50, |_| "{\"values\": {\"a\": null}}".to_owned());
    write(folder.path(), "null.ndjson", text);
    refused(
        folder.path(),
        &["detect", "null.ndjson"],
        2,
        "nothing was judged: 50 rows skipped (50 missing)",
    );
    // A few rows that are only learned are no failure.
    let few = file("x\n", 9, |row| row.to_string());
    assert_eq!(detect(folder.path(), "few.csv", &few, &[]).code, Some(0));
}
