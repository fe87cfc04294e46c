//! Verdicts that anybody would agree with, where they come of more than one series: buckets, keys, settings of the command line.

use std::fmt::Write as _;

use crate::tool::{folder, stdout, write};

/// Monday 2026-01-05, midnight UTC.
const MONDAY: i64 = 1_767_571_200;
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// Numbers between -1 and 1 that look like noise.
fn noise(row: i64) -> f64 {
    let mixed = (row as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(31)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// The cells of a column in rows that were flagged.
fn flagged(csv: &str, column: &str) -> Vec<String> {
    let mut lines = csv.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let place = |name: &str| {
        head.iter()
            .position(|head| *head == name)
            .expect("a column of the output")
    };
    let (flag, column) = (place("is_anomaly"), place(column));
    lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|cells| cells[flag] == "1")
        .map(|cells| cells[column].to_owned())
        .collect()
}

#[test]
fn in_buckets_of_an_hour_the_night_without_its_job_is_told_and_those_with_it_are_not() {
    let folder = folder();
    for (name, events) in [("once", 1), ("often", 20)] {
        let mut rows = String::from("timestamp,source,seconds\n");
        for day in (0..45).filter(|day| *day != 38) {
            for event in 0..events {
                let at = MONDAY + day * DAY + 2 * HOUR + 60 * event;
                let _ = writeln!(rows, "{at},backup,{:.1}", 30.0 + noise(day * 60 + event));
            }
        }
        let file = format!("{name}.csv");
        write(folder.path(), &file, &rows);
        let hours = "streams:\n  - name: jobs\n    bucket: {every: hour, what: count}\n";
        write(folder.path(), "hours.yaml", hours);
        let out = stdout(
            folder.path(),
            &["detect", &file, "--config", "hours.yaml", "--format", "csv"],
        );
        let told = flagged(&out, "begin");
        let missing = "2026-02-12T02:00:00Z".to_owned();
        assert!(told.contains(&missing), "{name}: {told:?}");
        // The first nights are news.
        let later: Vec<&String> = told
            .iter()
            .filter(|at| at.as_str() > "2026-01-15")
            .collect();
        assert!(later.len() <= 2, "{name}: {later:?}");
    }
}

#[test]
fn a_spike_long_after_a_shift_is_flagged_in_each_of_several_interleaved_sources() {
    let folder = folder();
    let mut rows = String::from("timestamp,source,value\n");
    for row in 0..2_200 {
        for (key, level) in [("a", 10.0), ("b", 200.0), ("c", -3.0)] {
            let shift = if row >= 1_000 { 20.0 } else { 0.0 };
            let spike = if row == 2_000 { 200.0 } else { 0.0 };
            let value = level + noise(row * 7 + key.len() as i64 + level as i64) + shift + spike;
            let _ = writeln!(rows, "{},{key},{value:.3}", MONDAY + row * 60);
        }
    }
    write(folder.path(), "rows.csv", &rows);
    let out = stdout(folder.path(), &["detect", "rows.csv", "--format", "csv"]);
    let told = flagged(&out, "timestamp");
    let at = |row: i64| (MONDAY + row * 60).to_string();
    let found = told.iter().filter(|time| **time == at(2_000));
    assert_eq!(found.count(), 3, "{told:?}");
    // Long after the shift the new level is normal.
    let others = told
        .iter()
        .filter(|time| **time > at(1_200) && **time != at(2_000));
    assert!(others.count() <= 3, "{told:?}");
}

#[test]
fn only_deviations_of_the_direction_asked_for_are_flagged() {
    let folder = folder();
    let mut rows = String::from("timestamp,value\n");
    for row in 0..1_500 {
        let by = match row {
            700 | 1_000 => -30.0,
            1_300 => 30.0,
            _ => 0.0,
        };
        let _ = writeln!(rows, "{},{:.3}", MONDAY + row * 60, 50.0 + noise(row) + by);
    }
    write(folder.path(), "rows.csv", &rows);
    let out = stdout(
        folder.path(),
        &["detect", "rows.csv", "--direction", "up", "--format", "csv"],
    );
    let told = flagged(&out, "timestamp");
    assert!(
        told.contains(&(MONDAY + 1_300 * 60).to_string()),
        "{told:?}"
    );
    let down = [700, 1_000].map(|row| (MONDAY + row * 60).to_string());
    assert!(down.iter().all(|at| !told.contains(at)), "{told:?}");
}
