use super::*;
use crate::verdict::Scored;
use willet_core::windows::{Aggregation, WindowConfig};

/// An event of one key: names with their values.
type Named = Vec<(&'static str, f64)>;

fn batch(first: u64, events: &[Named]) -> EventBatch {
    let mut batch = EventBatch::new();
    for (index, event) in events.iter().enumerate() {
        let head = EventHead {
            offset: first + index as u64,
            key: "k",
            key_hash: key_hash(HASH_SEED, "k"),
            id_hash: None,
            time: None,
            label: None,
        };
        let layout = Arc::new(Layout::named(event.iter().map(|(name, _)| name)));
        let values: Vec<f64> = event.iter().map(|(_, value)| *value).collect();
        batch.push(head, &layout, &values);
    }
    batch
}

fn take(shard: &mut Shard, first: u64, events: &[Named]) -> Verdicts {
    let mut out = Verdicts::default();
    shard.on_batch(&batch(first, events), first + events.len() as u64, &mut out);
    out
}

fn scored(verdict: &Verdict) -> Scored {
    match verdict.outcome {
        Outcome::Scored(scored) => scored,
        other => panic!("{other:?}"),
    }
}

fn noise(row: u64, salt: u64) -> f64 {
    Random::new(row << 8 | salt).unit()
}

/// Names of the values that an anomaly is explained by, the one with the largest share first.
fn blamed(out: &Verdicts, row: usize) -> Box<str> {
    let scored = scored(&out.rows[row]);
    assert!(scored.is_anomaly, "{scored:?}");
    let detail = out.detail(&scored).expect("an anomaly says why");
    let shares = &detail.contributions;
    let main = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]));
    detail.names[main.expect("a name")].clone()
}

/// 1,500 rows: `hum` from the first on, `temp` from row `from` on; 60 in place of 21 at row 1,300.
fn climate(from: u64, null_before: bool) -> Vec<Named> {
    (0..1_500)
        .map(|row| {
            let temp = if row == 1_300 {
                60.0
            } else {
                21.0 + noise(row, 3)
            };
            let hum = ("hum", 40.0 + noise(row, 1));
            match row < from {
                true if null_before => vec![hum, ("temp", f64::NAN)],
                true => vec![hum],
                false => vec![hum, ("temp", temp)],
            }
        })
        .collect()
}

#[test]
fn a_value_that_is_null_or_absent_at_first_is_judged_from_its_first_number_on() {
    for from in [1, 20, 200, 700] {
        for null_before in [true, false] {
            let mut shard = shard(&config("auto"), 1);
            let out = take(&mut shard, 0, &climate(from, null_before));
            assert_eq!(&*blamed(&out, 1_300), "temp", "from {from}");
            let flagged = out.rows.iter().filter(|row| row.is_anomaly()).count();
            assert!(flagged < 20, "{flagged} from {from}");
        }
    }
}

#[test]
fn a_name_that_joins_does_not_start_the_others_anew() {
    let mut events = climate(700, false);
    // Just after it joined, the value that was there before is far off.
    events[705][0].1 = 90.0;
    let mut shard = shard(&config("auto"), 1);
    let out = take(&mut shard, 0, &events);
    assert_eq!(&*blamed(&out, 705), "hum");
    let is_judged = |row: &Verdict| matches!(row.outcome, Outcome::Scored(_));
    assert!(out.rows[200..].iter().all(is_judged));
    let told = shard.describe("k").expect("known");
    let names: Vec<&str> = told.names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["hum", "temp"]);
    assert_eq!(told.expected.len(), 2);
}

#[test]
fn events_of_other_names_are_judged_by_themselves() {
    // `{"value": 1}` and `{"a": 1}` in turn from row 300 on.
    let events: Vec<Named> = (0..2_000)
        .map(|row| match row {
            1_801 => vec![("a", 500.0)],
            1_901 => vec![("value", 50.0)],
            row if row < 300 || row % 2 == 0 => vec![("value", noise(row, 1))],
            _ => vec![("a", 100.0 + noise(row, 2))],
        })
        .collect();
    let mut shard = shard(&config("auto"), 1);
    let out = take(&mut shard, 0, &events);
    assert_eq!(&*blamed(&out, 1_801), "a");
    assert_eq!(&*blamed(&out, 1_901), "value");
    assert!(out.rows.iter().all(|row| row.rejection().is_none()));
}

#[test]
fn names_without_end_are_bounded_and_disturb_no_other() {
    let names: Vec<&'static str> = (0..400)
        .map(|name| &*Box::leak(format!("n{name}").into_boxed_str()))
        .collect();
    let mut shard = shard(&config("zscore"), 1);
    let events: Vec<Named> = (0..4_000)
        .map(|row| {
            let spike = if row == 3_900 { 40.0 } else { 0.0 };
            let mut event = vec![("value", noise(row, 1) + spike)];
            if row >= 500 && row % 5 == 0 {
                event.push((names[row as usize / 10], 1.0));
            }
            event
        })
        .collect();
    let out = take(&mut shard, 0, &events);
    assert_eq!(&*blamed(&out, 3_900), "value");
    let bytes = shard.describe("k").expect("known").memory_bytes;
    assert!(bytes < 4 << 20, "{bytes}");
}

#[test]
fn late_names_go_on_after_a_restart_as_if_there_was_none() {
    let events = climate(400, false);
    let expected = take(&mut shard(&config("auto"), 1), 0, &events);
    let mut before = Driver::new(shard(&config("auto"), 1));
    let _ = take(&mut before.shard, 0, &events[..900]);
    let manifest = before.checkpoint();
    let mut after = before.restore(&manifest, 4);
    let rest = batch(900, &events[900..]);
    let missing = after.shard.missing(&rest);
    let missing = missing
        .iter()
        .map(|missing| (missing.key.to_owned(), missing.at));
    let missing = missing.collect();
    after.load(missing);
    // Asking changes nothing.
    let mut peeked = Verdicts::default();
    after.shard.peek(&rest, &mut peeked);
    let mut out = Verdicts::default();
    after.shard.on_batch(&rest, 1_500, &mut out);
    for (row, (got, wanted)) in out.rows.iter().zip(&expected.rows[900..]).enumerate() {
        match (got.outcome, wanted.outcome) {
            (Outcome::Scored(got), Outcome::Scored(wanted)) => {
                assert_eq!(got.score.to_bits(), wanted.score.to_bits(), "row {row}");
                assert_eq!(got.is_anomaly, wanted.is_anomaly);
            }
            (got, wanted) => assert_eq!(got, wanted),
        }
    }
    assert_eq!(
        scored(&peeked.rows[0]).score,
        scored(&expected.rows[900]).score
    );
}

#[test]
fn windows_hold_the_names_that_come_before_the_first_of_them_closes() {
    let mut config = config("zscore");
    config.windows = Some(WindowConfig {
        window_size: Some(20.0),
        aggregation: Aggregation::Statistics,
        ..WindowConfig::default()
    });
    let mut shard = shard(&config, 1);
    let out = take(&mut shard, 0, &climate(3, true)[..60]);
    let closed = out.closed.expect("windows closed");
    let names = closed.events.layout(0).names().iter();
    let names: Vec<&str> = names.map(|name| &**name).collect();
    assert!(names.iter().any(|name| name.contains("temp")), "{names:?}");
}

#[test]
fn windows_of_a_former_plan_leave_no_names_behind_in_memory_either() {
    let windows = |size: f64| {
        let windows: WindowConfig = serde_json::from_str(&format!(
            r#"{{"window_type": "tumbling", "window_size": {size}, "window_unit": "samples", "aggregation": "statistics"}}"#
        ))
        .expect("valid");
        StreamConfig {
            windows: Some(windows),
            ..config("zscore")
        }
    };
    let before: Vec<Named> = (0..5)
        .map(|i| vec![("x", f64::from(i)), ("y", 1.0)])
        .collect();
    let after: Vec<Named> = (0..8)
        .map(|i| vec![("x", f64::from(i)), ("z", 2.0)])
        .collect();
    let width = |is_on_disk: bool| {
        let mut driver = Driver::new(shard(&windows(100.0), 1));
        take(&mut driver.shard, 0, &before);
        let config = Box::new(windows(4.0));
        let entry = Entry::Configure { config };
        let journalled = driver.shard.on_journal(5, entry, &mut Verdicts::default());
        journalled.expect("a plan");
        if is_on_disk {
            let manifest = driver.checkpoint();
            driver = driver.restore(&manifest, 1);
            let events = batch(6, &after);
            let missing = driver.shard.missing(&events);
            let missing = missing.into_iter().map(|it| (it.key.to_owned(), it.at));
            let missing = missing.collect();
            driver.load(missing);
        }
        let out = take(&mut driver.shard, 6, &after);
        let closed = out.closed.expect("two windows of four");
        assert_eq!(closed.events.len(), 2);
        closed.events.values(0).len()
    };
    assert_eq!(width(false), width(true));
}
