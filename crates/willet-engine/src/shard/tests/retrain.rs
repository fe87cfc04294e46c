//! Training anew: by drift, by count, by rate, by command; and the way back.

use super::*;
use crate::config::{Adaptation, DriftConfig, RetrainConfig};

fn adapting(algorithm: &str, adaptation: Adaptation, retrain: RetrainConfig) -> StreamConfig {
    StreamConfig {
        drift: DriftConfig {
            detection: Some(adaptation != Adaptation::Report),
            adaptation,
            ..DriftConfig::default()
        },
        retrain,
        ..config(algorithm)
    }
}

fn noise(random: &mut Random) -> f64 {
    (0..6).map(|_| random.unit()).sum::<f64>() - 3.0
}

/// One key whose spread grows fivefold after `change` rows.
fn changing(seed: u64, rows: usize, change: usize) -> Vec<Item> {
    let mut random = Random::new(seed);
    let mut next = |row: usize| noise(&mut random) * if row < change { 1.0 } else { 5.0 };
    (0..rows).map(|row| event("a", 100.0 + next(row))).collect()
}

fn run(config: &StreamConfig, log: &[Item]) -> Driver {
    let mut driver = Driver::new(shard(config, 1));
    driver.run(log, 0, log.len(), 16);
    driver
}

fn history(driver: &Driver) -> Vec<(Reason, RetrainState)> {
    let described = driver.shard.describe("a").expect("spoke");
    let retrains = described.retrains.iter();
    retrains
        .map(|retrain| (retrain.reason, retrain.state))
        .collect()
}

#[test]
fn after_a_drift_a_new_model_learns_what_came_since_and_no_event_waits_for_it() {
    let log = changing(7, 3_200, 2_500);
    let fixed = [(
        "window_size".to_owned(),
        willet_core::settings::Value::Number(2_000.0),
    )];
    let with = |adaptation| {
        let mut config = adapting("zscore", adaptation, RetrainConfig::default());
        config.detector.settings = fixed.clone().into_iter().collect();
        config
    };
    let left = run(&with(Adaptation::Report), &log);
    let trained = run(&with(Adaptation::Retrain), &log);
    assert_eq!(history(&left), []);
    assert_eq!(history(&trained), [(Reason::Drift, RetrainState::Done)]);
    assert_eq!(trained.shard.retrains(), [1, 0, 0, 0]);
    // The one before answers: no row is without a score once there are scores.
    let scored = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Scored(_));
    assert!(
        trained
            .said
            .range(200..)
            .all(|(_, verdict)| scored(verdict))
    );
    // It has not the narrow past in its window.
    let width = |driver: &Driver| {
        let expected = driver.shard.describe("a").expect("spoke").expected;
        expected[0].high - expected[0].low
    };
    assert!(
        width(&trained) > 1.3 * width(&left),
        "{} {}",
        width(&trained),
        width(&left)
    );
}

#[test]
fn training_depends_on_the_log_alone_even_where_it_is_cut_in_the_middle() {
    let mut log = changing(3, 2_400, 1_200);
    for at in [620, 1_900] {
        let key = "a".to_owned();
        log.insert(at, Item::Journal(Entry::Retrain { key }));
    }
    let key = "a".to_owned();
    log.insert(2_100, Item::Journal(Entry::BackToBefore { key }));
    for (algorithm, adaptation) in [
        ("hst", Adaptation::Retrain),
        ("zscore", Adaptation::Incremental),
        ("ensemble", Adaptation::Switch),
    ] {
        let retrain = RetrainConfig {
            auto_retrain: true,
            retrain_threshold: 350.0,
            cool_down: 100,
            rows: 300,
            slice: 3,
        };
        let config = adapting(algorithm, adaptation, retrain);
        let expected = run(&config, &log);
        assert!(history(&expected).len() > 4, "{algorithm}");
        let mut first = Driver::new(shard(&config, 2));
        // Cut behind the command, while the new model is behind with the kept rows.
        first.run(&log, 0, 640, 7);
        let unfinished = |driver: &Driver| {
            let last = history(driver).pop();
            last == Some((Reason::Command, RetrainState::Running))
        };
        assert!(unfinished(&first), "{algorithm} {:?}", history(&first));
        let manifest = first.checkpoint();
        let mut second = first.restore(&manifest, 3);
        second.run(&log, 640, log.len(), 50);
        first.said.append(&mut second.said);
        assert_eq!(first.said, expected.said, "{algorithm}");
        assert_eq!(history(&second), history(&expected), "{algorithm}");
    }
}

#[test]
fn rows_and_anomalies_make_it_due_but_not_before_the_cool_down() {
    let by_count = RetrainConfig {
        auto_retrain: true,
        retrain_threshold: 400.0,
        cool_down: 10,
        ..RetrainConfig::default()
    };
    let quiet = changing(1, 2_050, usize::MAX);
    let driver = run(&adapting("zscore", Adaptation::Report, by_count), &quiet);
    assert_eq!(driver.shard.retrains(), [0, 5, 0, 0]);

    let by_rate = RetrainConfig {
        retrain_threshold: 0.2,
        cool_down: 600,
        ..by_count
    };
    let mut config = adapting("hst", Adaptation::Report, by_rate);
    config.decision.threshold = Some(0.3);
    let driver = run(&config, &quiet);
    let counts = driver.shard.retrains();
    assert_eq!(counts[0] + counts[1] + counts[3], 0);
    assert!((1..=3).contains(&counts[2]), "{counts:?}");
}

#[test]
fn back_to_before_is_what_it_was() {
    let mut log = changing(5, 1_500, 1_000);
    log.insert(
        1_300,
        Item::Journal(Entry::Retrain {
            key: "a".to_owned(),
        }),
    );
    let config = config("zscore");
    let back = Item::Journal(Entry::BackToBefore {
        key: "a".to_owned(),
    });
    let mut driver = run(&config, &log[..1_300]);
    let before = driver.shard.describe("a").expect("spoke").expected;
    // Nothing was kept to learn from: the new model warms up with what comes.
    driver.run(&log, 1_300, log.len(), 16);
    assert_eq!(history(&driver), [(Reason::Command, RetrainState::Done)]);
    let described = driver.shard.describe("a").expect("spoke");
    assert!(described.has_before);
    assert_ne!(described.expected, before);
    let end = log.len();
    log.push(back.clone());
    driver.run(&log, end, end + 1, 1);
    let described = driver.shard.describe("a").expect("spoke");
    assert_eq!(history(&driver), [(Reason::Command, RetrainState::Undone)]);
    let narrow = |expected: &[Expected]| expected[0].high - expected[0].low;
    assert!(narrow(&described.expected) < 3.0 * narrow(&before));
    // And back again.
    assert!(described.has_before);
    log.push(back);
    driver.run(&log, end + 1, end + 2, 1);
    assert_eq!(history(&driver), [(Reason::Command, RetrainState::Done)]);
    assert!(driver.shard.describe("a").expect("spoke").has_before);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let text = |config| Plan::new(config, 1).expect_err("refused").to_string();
    let retrain = RetrainConfig {
        slice: 1,
        ..RetrainConfig::default()
    };
    assert_eq!(
        text(adapting("hst", Adaptation::Retrain, retrain)),
        "retrain.slice is 1, expected 2 to 1000"
    );
    let switch = text(adapting(
        "hst",
        Adaptation::Switch,
        RetrainConfig::default(),
    ));
    assert!(
        switch.starts_with("drift.adaptation is switch, expected report"),
        "{switch}"
    );
}

#[test]
fn a_model_of_an_earlier_plan_with_other_values_answers_as_far_as_it_can() {
    let mut random = Random::new(2);
    let mut wide = || Item::Event {
        key: "a".to_owned(),
        time: None,
        id: None,
        values: vec![random.unit(), random.unit()],
    };
    let mut log = changing(2, 200, usize::MAX);
    log.push(Item::Journal(Entry::Configure {
        config: Box::new(config("hst")),
    }));
    log.extend((0..3).map(|_| wide()));
    log.push(Item::Journal(Entry::Retrain {
        key: "a".to_owned(),
    }));
    log.extend((0..600).map(|_| wide()));
    let driver = run(
        &adapting("zscore", Adaptation::Report, RetrainConfig::default()),
        &log,
    );
    let last = driver
        .said
        .values()
        .next_back()
        .map(|verdict| verdict.outcome);
    assert!(matches!(last, Some(Outcome::Scored(_))), "{last:?}");
    assert_eq!(history(&driver), [(Reason::Command, RetrainState::Done)]);
}
