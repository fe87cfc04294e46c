//! Windows and buckets: what closes, when, under which id, and that it depends on the log alone.

use willet_core::windows::{
    Aggregation, BucketConfig, StatisticName, Unit, WindowConfig, WindowType,
};

use super::*;

const SECOND: i64 = 1_000_000;

fn counted(every: &str, allowed_lateness_ms: u64) -> StreamConfig {
    let bucket: BucketConfig =
        serde_json::from_str(&format!(r#"{{"every": "{every}", "what": "count"}}"#))
            .expect("valid");
    StreamConfig {
        bucket: Some(bucket),
        allowed_lateness_ms,
        ..config("zscore")
    }
}

fn tick(second: i64) -> Item {
    Item::Journal(Entry::Tick {
        at: Timestamp(second * SECOND),
    })
}

fn at(key: &str, second: i64) -> Item {
    timed(key, second * SECOND, 1.0)
}

fn run(config: &StreamConfig, log: &[Item]) -> Driver {
    let mut driver = Driver::new(shard(config, 1));
    driver.run(log, 0, log.len(), 5);
    driver
}

#[test]
fn buckets_close_by_events_and_by_ticks_and_silence_counts_nothing() {
    let log = [
        at("a", 0),
        at("b", 0),
        at("a", 30),
        at("a", 61),
        at("a", 185),
        tick(200),
        tick(240),
    ];
    let driver = run(&counted("minute", 0), &log);
    let closed: Vec<(&str, &str, Option<i64>, f64)> = driver
        .closed
        .iter()
        .map(|(id, (key, begin, values, _))| (id.as_str(), key.as_str(), *begin, values[0]))
        .collect();
    let expected = [
        ("s/0/3.1", "a", Some(0), 2.0),
        ("s/0/4.1", "a", Some(60), 1.0),
        ("s/0/4.2", "a", Some(120), 0.0),
        ("s/0/1.1", "b", Some(0), 1.0),
        ("s/0/1.2", "b", Some(60), 0.0),
        ("s/0/1.3", "b", Some(120), 0.0),
        ("s/0/4.3", "a", Some(180), 1.0),
        ("s/0/1.4", "b", Some(180), 0.0),
    ];
    assert_eq!(closed, expected);
    let gathered = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Gathered(_));
    assert!(driver.said.values().all(gathered));
}

#[test]
fn a_late_event_corrects_its_bucket_under_the_same_id() {
    let log = [
        at("a", 0),
        at("a", 65),
        at("a", 10),
        at("a", 200),
        at("a", 20),
    ];
    let driver = run(&counted("minute", 60_000), &log);
    let ids: Vec<(&str, f64)> = driver
        .closed
        .iter()
        .map(|(id, (.., values, _))| (id.as_str(), values[0]))
        .collect();
    let expected = [
        ("s/0/1.1", 1.0),
        ("s/0/1.1@1", 2.0),
        ("s/0/3.1", 1.0),
        ("s/0/3.2", 0.0),
    ];
    assert_eq!(ids, expected);
    // A correction is looked at and not learned a second time: the last event came too late for any.
    let last = driver.said[&4];
    assert_eq!(
        last.outcome,
        Outcome::Gathered(crate::verdict::Taken::TooLate)
    );
    assert!(last.is_late);
}

#[test]
fn a_source_that_falls_silent_is_an_anomaly_by_ticks_alone() {
    let mut log: Vec<Item> = Vec::new();
    let mut random = Random::new(4);
    for second in 0..6_000 {
        if random.below(3) > 0 {
            log.push(at("a", second));
        }
        // Somebody else speaks on.
        log.push(at("b", second));
    }
    for minute in 100..105 {
        for second in 0..60 {
            log.push(at("b", minute * 60 + second));
        }
        log.push(tick(minute * 60 + 60));
    }
    let driver = run(&counted("minute", 0), &log);
    let flagged: Vec<_> = driver
        .closed
        .iter()
        .filter(|(_, (.., anomaly))| *anomaly == Some(true))
        .map(|(_, (key, begin, values, _))| (key.as_str(), *begin, values[0]))
        .collect();
    assert_eq!(flagged[0], ("a", Some(6_000), 0.0), "{flagged:?}");
    assert!(flagged.iter().all(|(key, ..)| *key == "a"), "{flagged:?}");
}

fn windows(config: WindowConfig) -> StreamConfig {
    StreamConfig {
        windows: Some(config),
        ..super::config("zscore")
    }
}

fn every_shape() -> Vec<StreamConfig> {
    let base = WindowConfig {
        max_rows: 200,
        ..WindowConfig::default()
    };
    vec![
        counted("10s", 0),
        counted("7s", 30_000),
        windows(WindowConfig {
            window_size: Some(8.0),
            slide_interval: Some(3.0),
            aggregation: Aggregation::Statistics,
            statistics: vec![StatisticName::Mean, StatisticName::Quantiles],
            ..base.clone()
        }),
        windows(WindowConfig {
            window_type: WindowType::Session,
            gap: Some(12.0),
            allowed_lateness: 20.0,
            aggregation: Aggregation::Statistics,
            ..base.clone()
        }),
        windows(WindowConfig {
            window_type: WindowType::Tumbling,
            window_unit: Unit::Seconds,
            window_size: Some(30.0),
            ..base
        }),
    ]
}

/// Events of some keys, some late, with ticks between; one key falls silent half way.
fn lively(seed: u64, events: i64) -> Vec<Item> {
    let mut random = Random::new(seed);
    let mut log = Vec::new();
    for second in 0..events {
        let key = match random.below(7) {
            0 if second > events / 2 => 1,
            key => key,
        };
        let late = if random.below(10) == 0 {
            random.below(40) as i64
        } else {
            0
        };
        let value = random.unit() + if random.below(50) == 0 { 9.0 } else { 0.0 };
        let time = (second - late) * SECOND;
        log.push(timed(&format!("key-{key}"), time, value));
        if random.below(25) == 0 {
            log.push(tick(second));
        }
    }
    log
}

fn same(found: &[(String, Said)], expected: &[(String, Said)], shape: usize) {
    assert_eq!(found.len(), expected.len(), "shape {shape}");
    for (found, expected) in found.iter().zip(expected) {
        // As text, for a missing value is not equal to itself.
        assert_eq!(
            format!("{found:?}"),
            format!("{expected:?}"),
            "shape {shape}"
        );
    }
}

#[test]
fn what_closes_depends_on_the_log_alone() {
    let log = lively(11, 3_000);
    for (index, config) in every_shape().iter().enumerate() {
        let expected = run(config, &log);
        assert!(expected.closed.len() > 100, "shape {index}");
        let scored = |(_, (.., anomaly)): &&(String, Said)| anomaly.is_some();
        assert!(
            expected.closed.iter().filter(scored).count() > 50,
            "shape {index}"
        );

        let mut forked = Driver::new(shard(config, 4));
        forked.run(&log, 0, log.len(), 64);
        same(&forked.closed, &expected.closed, index);
        assert_eq!(forked.said, expected.said, "shape {index}");

        // Saved, thrown out of memory, and taken up again with other lanes.
        let mut first = Driver::new(shard(config, 2));
        first.run(&log, 0, 1_234, 10);
        let manifest = first.checkpoint();
        first.run(&log, 1_234, 1_700, 3);
        let mut second = first.restore(&manifest, 3);
        let low_water = manifest.low_water as usize;
        second.run(&log, low_water, 2_000, 16);
        while let Some(chunk) = second.shard.evict(usize::MAX, 500) {
            second.write(chunk);
        }
        second.run(&log, 2_000, log.len(), 16);
        let mut closed = first.closed[..].to_vec();
        let last = first.closed.last().map(|(id, _)| id);
        let known = second.closed.iter().position(|(id, _)| last == Some(id));
        closed.extend_from_slice(&second.closed[known.expect("replayed") + 1..]);
        same(&closed, &expected.closed, index);
    }
}

#[test]
fn rows_are_judged_and_their_windows_as_a_whole() {
    let config = windows(WindowConfig {
        window_type: WindowType::Tumbling,
        window_size: Some(20.0),
        ..WindowConfig::default()
    });
    let mut random = Random::new(3);
    let mut noise = || (0..6).map(|_| random.unit()).sum::<f64>() - 3.0;
    // Somewhat off for a window: no row of it is far out.
    let log: Vec<Item> = (0..12_000)
        .map(|row| {
            let off = if (10_000..10_020).contains(&row) {
                1.6
            } else {
                1.0
            };
            event("a", off * noise() + (off - 1.0))
        })
        .collect();
    let driver = run(&config, &log);
    assert_eq!(driver.closed.len(), 600);
    let scored = |verdict: &&Verdict| matches!(verdict.outcome, Outcome::Scored(_));
    assert!(driver.said.values().filter(scored).count() > 11_500);
    let flagged: Vec<usize> = (0..600)
        .filter(|window| driver.closed[*window].1.3 == Some(true))
        .collect();
    assert!(flagged.contains(&500), "{flagged:?}");
    assert!(flagged.len() < 8, "{flagged:?}");
}

#[test]
fn a_changed_window_starts_anew_and_what_cannot_be_is_refused() {
    let mut both = counted("minute", 0);
    both.windows = windows(WindowConfig::default()).windows;
    let text = |config: StreamConfig| Plan::new(config, 1).expect_err("refused").to_string();
    assert_eq!(
        text(both),
        "windows is windows and bucket, expected one of them (a bucket is a window with one value)"
    );
    let missing = windows(WindowConfig::default());
    assert_eq!(
        text(missing),
        "windows.window_size is not given, expected a number of rows"
    );

    let mut log: Vec<Item> = (0..300).map(|second| at("a", second)).collect();
    log.push(Item::Journal(Entry::Configure {
        config: Box::new(counted("30s", 0)),
    }));
    log.extend((300..600).map(|second| at("a", second)));
    log.push(event("a", 1.0));
    let driver = run(&counted("minute", 0), &log);
    let values: Vec<f64> = driver
        .closed
        .iter()
        .map(|(_, (.., values, _))| values[0])
        .collect();
    assert_eq!(&values[..4], [60.0; 4]);
    assert_eq!(&values[4..], [30.0; 9]);
    let untimed = driver
        .said
        .values()
        .next_back()
        .map(|verdict| verdict.outcome);
    assert_eq!(untimed, Some(Outcome::Rejected(Misfit::Time)));
}
