//! A series by itself (`willet_core::series`) gives the verdicts that a shard gives for its key: one meaning through every door.

use std::collections::BTreeMap;
use std::sync::Arc;

use willet_core::decision::DecisionConfig;
use willet_core::random::Random;
use willet_core::series::{Answer, Series, SeriesConfig};
use willet_engine::config::{DetectorConfig, DriftConfig, Plan, StreamConfig};
use willet_engine::event::{EventBatch, EventHead, Layout, Timestamp, key_hash};
use willet_engine::shard::Shard;
use willet_engine::verdict::{Outcome, Verdicts};

const HASH_SEED: u64 = 5;
const KEY: &str = "pump-7";

/// Rows in time with spikes, a shift, missing values and missing rows.
fn rows(seed: u64) -> Vec<(i64, [f64; 3])> {
    let mut random = Random::new(seed);
    let mut time = 1_767_323_045_000_000;
    (0..1_500)
        .map(|i| {
            time += if i % 311 == 310 {
                240_000_000
            } else {
                60_000_000
            };
            let noise = |random: &mut Random| random.unit() + random.unit() - 1.0;
            let season = f64::from((i % 24 - 12_i32).abs()) / 6.0 - 1.0;
            let mut row = [
                noise(&mut random),
                season + noise(&mut random),
                noise(&mut random),
            ];
            match i {
                700 | 901 => row[1] += 8.0,
                1_000.. => row[2] += 4.0,
                _ => {}
            }
            if i % 97 == 0 {
                row[0] = f64::NAN;
            }
            if (640..650).contains(&i) {
                row = [f64::NAN; 3];
            }
            (time, row)
        })
        .collect()
}

fn check(algorithm: &str, decision: &DecisionConfig) {
    let detector = DetectorConfig {
        algorithm: algorithm.to_owned(),
        settings: BTreeMap::new(),
    };
    let config = StreamConfig {
        detector,
        decision: decision.clone(),
        // A series by itself looks for none: whoever holds it does.
        drift: DriftConfig {
            detection: Some(false),
            ..DriftConfig::default()
        },
        seed: 9,
        ..StreamConfig::default()
    };
    let plan = Plan::new(config, 1).expect("valid");
    let layout = Arc::new(Layout::positional(3));
    let mut series = Series::new(&SeriesConfig {
        kind: plan.kind(),
        options: plan.options(),
        names: layout.names().iter().map(ToString::to_string).collect(),
        seed: 9,
        key: KEY,
        decision,
        learn_every: 1,
    })
    .expect("valid");
    let mut shard = Shard::new(plan, 1, HASH_SEED);
    let mut anomalies = 0;
    for (offset, (time, row)) in rows(3).into_iter().enumerate() {
        let mut batch = EventBatch::new();
        let head = EventHead {
            offset: offset as u64,
            key: KEY,
            key_hash: key_hash(HASH_SEED, KEY),
            id_hash: None,
            time: Some(Timestamp(time)),
            label: None,
        };
        batch.push(head, &layout, &row);
        let mut verdicts = Verdicts::default();
        shard.on_batch(&batch, offset as u64 + 1, &mut verdicts);
        let answer = series.take(&row, Some(time)).expect("the width");
        match (verdicts.rows[0].outcome, answer) {
            (Outcome::WarmingUp, Answer::WarmingUp) | (Outcome::Missing, Answer::Missing) => {}
            (Outcome::Scored(shard), Answer::Scored(alone)) => {
                let at = format!("{algorithm}, row {offset}");
                assert_eq!(shard.score.to_bits(), alone.score.to_bits(), "{at}");
                assert_eq!(shard.anomaly_score, alone.anomaly_score, "{at}");
                assert_eq!(shard.threshold, alone.threshold, "{at}");
                assert_eq!(shard.confidence, alone.confidence, "{at}");
                assert_eq!(shard.is_anomaly, alone.reason.is_some(), "{at}");
                if let (Some(detail), Some(reason)) = (verdicts.detail(&shard), alone.reason) {
                    anomalies += 1;
                    assert_eq!(
                        detail.contributions, reason.explanation.contributions,
                        "{at}"
                    );
                    assert_eq!(detail.counterfactual, reason.counterfactual, "{at}");
                    assert_eq!(detail.anomaly_type, reason.anomaly_type, "{at}");
                }
            }
            (shard, alone) => panic!("{algorithm}, row {offset}: {shard:?} and {alone:?}"),
        }
    }
    assert!(anomalies > 0, "{algorithm}: no anomaly was compared");
}

#[test]
fn every_kind_gives_the_verdicts_of_a_shard() {
    for kind in willet_core::detectors::KINDS {
        check(kind.name, &DecisionConfig::default());
    }
}

#[test]
fn every_way_to_decide_gives_the_verdicts_of_a_shard() {
    let decisions = [
        r#"{"contamination": 0.1}"#,
        r#"{"threshold": 0.7, "direction": "up"}"#,
        r#"{"rate": "5 a day"}"#,
        r#"{"contamination": 0.05, "ignore_absolute": 1.5, "consecutive": 2}"#,
        r#"{"data_range": [-4, 4]}"#,
    ];
    for text in decisions {
        check("zscore", &serde_json::from_str(text).expect("a decision"));
    }
}
