//! What must hold: the rows of the output against a run in which nothing happened.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use willet_core::rows::Expected;
use willet_engine::codec::Decoder;
use willet_engine::config::{Plan, StreamConfig};
use willet_engine::event::EventBatch;
use willet_engine::journal::Entry;
use willet_engine::records::{RecordKind, Records};
use willet_engine::shard::Shard;
use willet_engine::verdict::{Outcome, Verdicts};
use willet_node::output::{Answers, Output, RowFormat};

/// Everything of a verdict in one line of text, numbers by their bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows;

/// The line before the first row.
pub const HEADING: &str = "offset\tkey\tcount\tversion\tlate\toutcome\n";

impl RowFormat for Rows {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(HEADING.as_bytes());
    }

    fn rows(&mut self, answers: &Answers<'_>, out: &mut Vec<u8>) {
        let mut text = String::new();
        for (index, verdict) in answers.indices().zip(answers.rows()) {
            let event = verdict.event as usize;
            let _ = write!(text, "{}", answers.events.rows()[event].offset);
            let window = answers.verdicts.windows.get(index);
            if let Some(window) = window {
                let _ = write!(text, ":{}:{}", window.id(""), answers.events.key(event));
            }
            let _ = write!(
                text,
                "\t{}\t{}\t{}\t{}\t",
                answers.events.key(event),
                verdict.sample_count,
                verdict.model_version,
                if verdict.is_late { "late" } else { "-" },
            );
            outcome(&verdict.outcome, answers.verdicts, &mut text);
            if let Some(drift) = answers.verdicts.drift(verdict) {
                let _ = write!(text, " drift {:016x}", drift.magnitude.to_bits());
            }
            if let Some(window) = window {
                let _ = write!(text, " {window:?}");
                for value in answers.events.values(event) {
                    let _ = write!(text, " {:016x}", value.to_bits());
                }
            }
            text.push('\n');
        }
        out.extend_from_slice(text.as_bytes());
    }
}

fn outcome(outcome: &Outcome, verdicts: &Verdicts, text: &mut String) {
    let Outcome::Scored(scored) = outcome else {
        let _ = write!(text, "{outcome:?}");
        return;
    };
    let numbers = [
        scored.score,
        scored.anomaly_score,
        scored.threshold,
        scored.confidence,
    ];
    for number in numbers {
        let _ = write!(text, "{:016x} ", number.to_bits());
    }
    text.push_str(if scored.is_anomaly {
        "anomaly"
    } else {
        "normal"
    });
    let Some(detail) = verdicts.detail(scored) else {
        return;
    };
    let _ = write!(text, " {:?}", detail.anomaly_type);
    for (name, share) in detail.names.iter().zip(&detail.contributions) {
        let _ = write!(text, " {name}={:016x}", share.to_bits());
    }
    for Expected { low, middle, high } in &detail.expected {
        let bits = [low, middle, high].map(|number| number.to_bits());
        let _ = write!(text, " {:016x}/{:016x}/{:016x}", bits[0], bits[1], bits[2]);
    }
}

/// A record of the log as the simulation remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is for.
    pub kind: RecordKind,
    /// When it arrived; 0 where nobody knows.
    pub arrived: i64,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// The output of a run of these records without crash, eviction or checkpoint, on one lane.
///
/// Events between two journal records are one batch.
pub fn undisturbed(config: &StreamConfig, log: &[Record]) -> Result<Vec<u8>, String> {
    // Neither this seed nor the number of lanes may show.
    const HASH_SEED: u64 = 1;
    let plan = Plan::new(config.clone(), 1).map_err(|error| error.to_string())?;
    let mut shard = Shard::new(plan, 1, HASH_SEED);
    let mut output = Memory::default();
    let entries = log
        .iter()
        .enumerate()
        .filter(|(_, record)| record.kind == RecordKind::Journal);
    for (offset, record) in entries {
        if let Ok(Entry::Poison { offset }) = Entry::decode(offset as u64, &record.payload) {
            shard.poison(offset);
        }
    }
    let mut at = 0;
    while at < log.len() {
        let offset = at as u64;
        if log[at].kind == RecordKind::Journal {
            let entry =
                Entry::decode(offset, &log[at].payload).map_err(|error| error.to_string())?;
            let mut verdicts = Verdicts::default();
            shard
                .on_journal(offset, entry, &mut verdicts)
                .map_err(|error| error.to_string())?;
            let (records, none) = (Records::new(), EventBatch::new());
            Answers::new(&records, &none, &verdicts, shard.plan()).write_to(&mut output, 0);
            at += 1;
            continue;
        }
        let mut records = Records::new();
        while at < log.len() && log[at].kind != RecordKind::Journal {
            let Record {
                kind,
                arrived,
                payload,
            } = &log[at];
            records.push(at as u64, *kind, *arrived, payload);
            at += 1;
        }
        let mut decoder = Decoder::new(&shard.plan().config().input, HASH_SEED)
            .map_err(|error| error.to_string())?;
        let (mut events, mut verdicts) = (EventBatch::new(), Verdicts::default());
        decoder.decode(&records, 0..records.len(), &mut events, &mut Vec::new());
        shard.on_batch(&events, at as u64, &mut verdicts);
        Answers::new(&records, &events, &verdicts, shard.plan()).write_to(&mut output, 0);
    }
    Ok(output.0)
}

/// Rows in memory.
#[derive(Debug, Default)]
struct Memory(Vec<u8>);

impl Output for Memory {
    fn write(&mut self, answers: &Answers<'_>) {
        if self.0.is_empty() {
            Rows.begin(&mut self.0);
        }
        Rows.rows(answers, &mut self.0);
    }
}

/// What was said to be damaged: rows of it may differ from those of an undamaged run.
#[derive(Clone, Debug, Default)]
pub struct Reported {
    /// Keys said to have started anew or to have lost records.
    pub keys: BTreeSet<String>,
    /// Everything from this offset on.
    pub from: Option<u64>,
    /// Records said to be lost.
    pub lost: BTreeSet<u64>,
    /// Both copies of the mark are gone and the log no longer reaches back: rows come twice behind a torn one, as was said.
    pub has_repeats: bool,
}

impl Reported {
    /// Notes that everything from an offset on may differ.
    pub fn all_from(&mut self, offset: u64) {
        self.from = Some(self.from.map_or(offset, |from| from.min(offset)));
    }

    fn covers(&self, offset: u64, key: &str) -> bool {
        self.keys.contains(key)
            || self.lost.contains(&offset)
            || self.from.is_some_and(|from| offset >= from)
    }
}

/// The first place where two outputs differ, for people.
pub fn first_difference(found: &[u8], expected: &[u8]) -> Option<String> {
    if found == expected {
        return None;
    }
    let lines = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().map(str::to_owned).collect()
    };
    let (found, expected) = (lines(found), lines(expected));
    let at = (0..found.len().max(expected.len()))
        .find(|at| found.get(*at) != expected.get(*at))
        .unwrap_or_default();
    let show = |lines: &[String]| lines.get(at).map_or("the end".to_owned(), Clone::clone);
    Some(format!(
        "line {} of {} (expected {} lines)\n  found    {}\n  expected {}",
        at + 1,
        found.len(),
        expected.len(),
        show(&found),
        show(&expected)
    ))
}

/// As [`first_difference`], but rows of what was reported as damaged may differ or be missing.
pub fn first_unreported(found: &[u8], expected: &[u8], reported: &Reported) -> Option<String> {
    if reported.has_repeats {
        return None;
    }
    let (found_rows, expected_rows) = match (by_offset(found), by_offset(expected)) {
        (Ok(found), Ok(expected)) => (found, expected),
        (Err(wrong), _) | (_, Err(wrong)) => return Some(wrong),
    };
    for (place, row) in &found_rows {
        let key = row.split('\t').nth(1).unwrap_or_default();
        if expected_rows.get(place) != Some(row) && !reported.covers(place.0, key) {
            return Some(format!(
                "a row differs and no damage was reported that covers it\n  found    {row}\n  expected {}",
                expected_rows.get(place).map_or("nothing", String::as_str)
            ));
        }
    }
    for (place, row) in &expected_rows {
        let key = row.split('\t').nth(1).unwrap_or_default();
        if !found_rows.contains_key(place) && !reported.covers(place.0, key) {
            return Some(format!(
                "a row is missing and no damage was reported that covers it\n  expected {row}"
            ));
        }
    }
    None
}

/// Rows by the record that caused them, and the window that they speak of if they do not speak of an event.
fn by_offset(output: &[u8]) -> Result<BTreeMap<(u64, String), String>, String> {
    let text = String::from_utf8_lossy(output);
    let mut rows = BTreeMap::new();
    for row in text.lines().filter(|line| format!("{line}\n") != HEADING) {
        let place = row.split('\t').next().unwrap_or_default();
        let (offset, window) = place.split_once(':').unwrap_or((place, ""));
        let Ok(offset) = offset.parse() else {
            return Err(format!("`{row}` is not a row of the output"));
        };
        if rows
            .insert((offset, window.to_owned()), row.to_owned())
            .is_some()
        {
            return Err(format!(
                "the row of record {place} stands twice in the output"
            ));
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_reported_must_not_differ() {
        let expected = format!("{HEADING}1\ta\tx\n2\tb\ty\n");
        let found = format!("{HEADING}1\ta\tx\n2\tb\tz\n");
        let mut reported = Reported::default();
        let differs = |reported: &Reported| {
            first_unreported(found.as_bytes(), expected.as_bytes(), reported).is_some()
        };
        assert!(first_difference(found.as_bytes(), expected.as_bytes()).is_some());
        assert!(differs(&reported));
        reported.keys.insert("b".to_owned());
        assert!(!differs(&reported));
        reported.keys.clear();
        reported.all_from(3);
        assert!(differs(&reported));
        reported.all_from(2);
        assert!(!differs(&reported));
        assert!(first_unreported(b"1\ta\n1\ta\n", b"1\ta\n", &reported).is_some());
    }
}
