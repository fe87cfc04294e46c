//! The table in text, CSV and JSON.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::cells::{Cell, Found};
use crate::cmd::charts::{grouped, memory};
use crate::cmd::recorded::Recorded;

pub(super) fn text(found: &Found, recorded: &Recorded, file: &Path) -> String {
    let mut out = recorded.summary();
    let _ = write!(
        out,
        "\n\n{:<18}{:>8}{:>10}{:>11}{:>12}{:>9}{:>9}{:>12}{:>10}\n",
        "algorithm",
        "window",
        "µs/row",
        "stability",
        "same flags",
        "flagged",
        "warm-up",
        "memory",
        "avg prec"
    );
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    for cell in &found.cells {
        let mark = match cell {
            cell if cell.is_recommended => "  <==",
            cell if cell.is_best_of_kind => "  <",
            _ => "",
        };
        let _ = writeln!(
            out,
            "{:<18}{:>8}{:>10}{:>11}{:>12}{:>9}{:>9}{:>12}{:>10}{mark}",
            cell.algorithm,
            (cell.window_size).map_or("-".to_owned(), |size| grouped(size as u64)),
            format!("{:.2}", cell.micros_a_row),
            number(cell.stability),
            (cell.same_flags).map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share)),
            grouped(cell.flagged as u64),
            grouped(cell.warm_up as u64),
            memory(cell.memory_bytes),
            number(cell.average_precision),
        );
    }
    let chosen = &found.cells[found.recommended];
    let _ = writeln!(
        out,
        "\n{} (< is what to take of each algorithm)\n  willet detect {} --algorithm {}{}",
        found.advice,
        quoted(file),
        chosen.algorithm,
        (chosen.window_size).map_or(String::new(), |size| format!(" --set window_size={size}"))
    );
    out
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+,:@".contains(character);
    if path.chars().all(is_plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

pub(super) fn json(cell: &Cell) -> Value {
    json!({
        "algorithm": cell.algorithm,
        "window_size": cell.window_size,
        "micros_a_row": cell.micros_a_row,
        "score_stability": cell.stability,
        "same_flags": cell.same_flags,
        "flagged": cell.flagged,
        "warm_up": cell.warm_up,
        "memory_bytes": cell.memory_bytes,
        "average_precision": cell.average_precision,
        "best_of_algorithm": cell.is_best_of_kind,
        "recommended": cell.is_recommended,
    })
}

pub(super) fn ndjson(found: &Found) -> String {
    let lines = found.cells.iter().map(|cell| format!("{}\n", json(cell)));
    lines.collect()
}

pub(super) fn csv(found: &Found) -> String {
    let mut out = String::from(
        "algorithm,window_size,micros_a_row,score_stability,same_flags,flagged,warm_up,memory_bytes,average_precision,best_of_algorithm,recommended\n",
    );
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for cell in &found.cells {
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{}",
            cell.algorithm,
            (cell.window_size).map_or(String::new(), |size| size.to_string()),
            cell.micros_a_row,
            number(cell.stability),
            number(cell.same_flags),
            cell.flagged,
            cell.warm_up,
            cell.memory_bytes,
            number(cell.average_precision),
            cell.is_best_of_kind,
            cell.is_recommended
        );
    }
    out
}
