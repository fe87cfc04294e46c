//! What a change of configuration keeps, and what is only looked at.

use super::*;

fn configure(algorithm: &str, settings: &[(&str, f64)]) -> Item {
    let mut config = config(algorithm);
    for (name, value) in settings {
        let value = willet_core::settings::Value::Number(*value);
        config.detector.settings.insert((*name).to_owned(), value);
    }
    Item::Journal(Entry::Configure {
        config: Box::new(config),
    })
}

/// A stream whose detector is changed in the middle.
fn changed(first: &Item, second: &Item) -> (Vec<Item>, usize) {
    let mut log = vec![first.clone()];
    log.extend(stream(11, 3_000, 5));
    let at = log.len();
    log.push(second.clone());
    log.extend(stream(12, 3_000, 5));
    (log, at)
}

#[test]
fn the_old_model_answers_until_the_new_one_is_warm() {
    let (log, at) = changed(&configure("zscore", &[]), &configure("hst", &[]));
    let said = whole(&config("zscore"), &log);
    let after = |offset: usize| said.range(offset as u64..).map(|(_, verdict)| verdict);
    assert!(after(at).all(|verdict| matches!(verdict.outcome, Outcome::Scored(_))));
    assert!(
        after(at)
            .take(100)
            .all(|verdict| verdict.model_version == 1)
    );
    assert!(after(at + 2_500).all(|verdict| verdict.model_version == 2));
    // Once the new model answers for a key, the old one never does again: versions only rise, key by key.
    let late = after(at).skip_while(|verdict| verdict.model_version == 1);
    assert!(late.clone().count() > 1_000);
}

#[test]
fn the_change_over_is_the_same_after_a_checkpoint_at_any_place() {
    let (log, at) = changed(&configure("zscore", &[]), &configure("hst", &[]));
    let expected = whole(&config("zscore"), &log);
    for cut in [at - 1, at + 1, at + 300, at + 1_200, at + 2_000] {
        let mut driver = Driver::new(shard(&config("zscore"), 2));
        driver.run(&log, 0, cut, 64);
        let manifest = driver.checkpoint();
        let mut restored = driver.restore(&manifest, 1);
        restored.run(&log, manifest.low_water as usize, log.len(), 500);
        for (offset, verdict) in &restored.said {
            assert_eq!(verdict, &expected[offset], "cut at {cut}");
        }
        assert!(restored.said.len() >= log.len() - cut - 1);
    }
}

#[test]
fn a_model_too_old_to_answer_is_forgotten_in_memory_as_on_disk() {
    let (mut log, at) = changed(&configure("zscore", &[]), &configure("hst", &[]));
    log.truncate(at + 40);
    let cut = log.len();
    // While the series warm up the plan changes until the first one is forgotten and the second is not.
    log.extend(
        (1..=4).map(|change| configure("hst", &[("window_size", 250.0 - f64::from(change))])),
    );
    log.extend(stream(13, 600, 5));
    let expected = whole(&config("zscore"), &log);
    let mut driver = Driver::new(shard(&config("zscore"), 2));
    driver.run(&log, 0, cut, 64);
    let manifest = driver.checkpoint();
    let mut restored = driver.restore(&manifest, 1);
    restored.run(&log, manifest.low_water as usize, log.len(), 500);
    for (offset, verdict) in &restored.said {
        assert_eq!(verdict, &expected[offset], "offset {offset}");
    }
}

#[test]
fn a_longer_window_keeps_what_was_learned_and_a_shorter_one_does_not() {
    for algorithm in ["zscore", "mad", "iforest", "hst", "ensemble"] {
        let settings: &[(&str, f64)] = if algorithm == "ensemble" {
            &[]
        } else {
            &[("window_size", 400.0)]
        };
        let longer: &[(&str, f64)] = if algorithm == "ensemble" {
            &[]
        } else {
            &[("window_size", 900.0)]
        };
        let (log, at) = changed(
            &configure(algorithm, settings),
            &configure(algorithm, longer),
        );
        let said = whole(&config(algorithm), &log);
        let first = said.range(at as u64..).next().expect("an answer").1;
        assert!(matches!(first.outcome, Outcome::Scored(_)), "{algorithm}");
        let version = u32::from(algorithm != "ensemble") + 1;
        assert_eq!(first.model_version, version, "{algorithm}");
    }
    let (log, at) = changed(
        &configure("mad", &[("window_size", 400.0)]),
        &configure("mad", &[("window_size", 100.0)]),
    );
    let said = whole(&config("mad"), &log);
    let first = said.range(at as u64..).next().expect("an answer").1;
    assert_eq!(first.model_version, 1, "the old one answers meanwhile");
}

#[test]
fn a_reset_leaves_nothing_that_answers() {
    let mut log = vec![configure("zscore", &[])];
    log.extend(stream(13, 500, 1));
    log.push(configure("hst", &[]));
    log.extend(stream(14, 20, 1));
    log.push(Item::Journal(Entry::Reset { key: None }));
    let at = log.len();
    log.extend(stream(15, 20, 1));
    let said = whole(&config("zscore"), &log);
    assert!(
        said.range(at as u64..)
            .all(|(_, verdict)| verdict.outcome == Outcome::WarmingUp)
    );
}

#[test]
fn a_peek_answers_as_the_batch_would_and_changes_nothing() {
    let log = stream(16, 2_000, 3);
    let mut driver = Driver::new(shard(&config("ensemble"), 2));
    driver.run(&log, 0, log.len(), 100);
    let mut batch = EventBatch::new();
    for (index, value) in [12.0, 90.0, f64::NAN].into_iter().enumerate() {
        let key = format!("key-{index}");
        let head = EventHead {
            offset: log.len() as u64,
            key: &key,
            key_hash: key_hash(HASH_SEED, &key),
            id_hash: None,
            time: None,
            label: None,
        };
        batch.push(head, &Arc::new(Layout::positional(1)), &[value]);
    }
    let before = driver.shard.describe("key-1");
    let (mut peeked, mut again, mut taken) = Default::default();
    driver.shard.peek(&batch, &mut peeked);
    driver.shard.peek(&batch, &mut again);
    assert_eq!(driver.shard.describe("key-1"), before);
    driver
        .shard
        .on_batch(&batch, log.len() as u64 + 1, &mut taken);
    let same = |verdicts: &Verdicts| format!("{verdicts:?}");
    assert_eq!(same(&peeked), same(&again));
    assert_eq!(peeked.rows[..2], taken.rows[..2]);
    assert!(peeked.rows[1].is_anomaly());
}

#[test]
fn a_key_is_described_by_what_it_takes_for_normal() {
    let log = stream(17, 2_000, 2);
    let mut driver = Driver::new(shard(&config("zscore"), 1));
    driver.run(&log, 0, log.len(), 100);
    let described = driver.shard.describe("key-0").expect("it spoke");
    assert!(!described.is_warming_up && described.algorithm == "zscore");
    let band = described.expected[0];
    assert!(
        band.low < band.middle && (10.0..15.0).contains(&band.middle) && band.middle < band.high
    );
    assert_eq!(driver.shard.describe("nobody"), None);
}
