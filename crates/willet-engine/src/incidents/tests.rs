use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
/// Where the clock of the tests begins: 2026-01-02T03:04:05Z.
const START: i64 = 1_767_323_045 * SECOND;

/// A log in the making, and what its records come to.
struct Play {
    incidents: Incidents,
    effects: Effects,
    next: u64,
}

impl Play {
    fn new(config: &IncidentConfig) -> Self {
        let mut play = Self {
            incidents: Incidents::new(),
            effects: Effects::new(),
            next: 0,
        };
        play.append(&IncidentRecord::Configure {
            config: config.clone(),
        });
        play
    }

    fn append(&mut self, record: &IncidentRecord) -> u64 {
        let offset = self.next;
        self.next += 1;
        self.incidents.on_record(offset, record, &mut self.effects);
        offset
    }

    /// A verdict of `pump-7` at a second, which is also its offset and its sample count.
    fn anomaly(&mut self, second: i64) {
        self.append(&IncidentRecord::Verdict(verdict(second, 0.87)));
    }

    fn tick(&mut self, second: i64) {
        self.append(&IncidentRecord::Tick {
            at: START + second * SECOND,
        });
    }

    fn acknowledge(&mut self, alert_id: &str, note: Option<&str>) -> Result<Answer, CommandError> {
        self.append(&IncidentRecord::Acknowledge {
            alert_id: alert_id.to_owned(),
            by: Some("ada".to_owned()),
            note: note.map(str::to_owned),
            at: START + 30 * SECOND,
        });
        self.last_answer()
    }

    fn resolve(&mut self, alert_id: &str, second: i64) -> Result<Answer, CommandError> {
        self.append(&IncidentRecord::Resolve {
            alert_id: alert_id.to_owned(),
            by: None,
            note: None,
            at: START + second * SECOND,
        });
        self.last_answer()
    }

    fn last_answer(&self) -> Result<Answer, CommandError> {
        let (offset, answer) = self.effects.answers.last().cloned().unwrap();
        assert_eq!(offset, self.next - 1);
        answer
    }

    /// `alert: state anomalies severity` of all alerts that ever changed.
    fn alerts(&self) -> Vec<String> {
        let line = |alert: &Alert| {
            format!(
                "{}: {} {} {}",
                alert.id,
                alert.state.as_str(),
                alert.anomalies,
                alert.severity.as_str()
            )
        };
        self.effects.alerts.iter().map(line).collect()
    }

    fn told(&self) -> Vec<String> {
        let line = |told: &Notification| format!("{} {:?}", told.id, told.what).to_lowercase();
        self.effects.notifications.iter().map(line).collect()
    }
}

fn verdict(second: i64, score: f64) -> FlaggedVerdict {
    let at = START + second * SECOND;
    FlaggedVerdict {
        stream: "default".to_owned(),
        partition: 0,
        offset: second as u64,
        source: "pump-7".to_owned(),
        at,
        arrived: at,
        sample_count: second as u64,
        anomaly_score: score,
        severity: Severity::of(score),
        anomaly_type: Some("spike".to_owned()),
        live: true,
        json: format!(r#"{{"id":"default/0/{second}","anomaly_score":{score}}}"#),
    }
}

fn defaults() -> IncidentConfig {
    IncidentConfig::default()
}

#[test]
fn anomalies_within_the_gap_are_one_alert_that_ends_when_nothing_more_comes() {
    let mut play = Play::new(&defaults());
    for second in [10, 20, 300] {
        play.anomaly(second);
    }
    assert_eq!(play.alerts(), ["default~0~10: open 3 medium"]);
    assert_eq!(
        play.incidents.next_deadline(),
        Some(START + 600 * SECOND + 1)
    );
    play.tick(600);
    assert_eq!(play.incidents.open_alerts(), 1);
    play.tick(601);
    assert_eq!(play.alerts(), ["default~0~10: resolved 3 medium"]);
    assert_eq!(
        play.told(),
        ["default~0~10.1 opened", "default~0~10.2 resolved"]
    );
    let alert = &play.effects.alerts[0];
    assert_eq!(alert.resolved_at, Some(START + 600 * SECOND));
    assert_eq!(alert.opened_at, START + 10 * SECOND);
    assert_eq!(alert.last_anomaly_at, START + 300 * SECOND);
}

#[test]
fn a_late_anomaly_joins_the_alert() {
    let mut play = Play::new(&defaults());
    play.anomaly(1000);
    let mut late = verdict(800, 0.9);
    late.offset = 1001;
    late.arrived = START + 1001 * SECOND;
    play.append(&IncidentRecord::Verdict(late));
    assert_eq!(play.alerts(), ["default~0~1000: open 2 critical"]);
    let alert = &play.effects.alerts[0];
    assert_eq!(alert.last_anomaly_at, START + 1000 * SECOND);
    assert_eq!(alert.max_anomaly_score, Some(0.9));
    assert_eq!(alert.title, "pump-7: spike, score 0.90");
}

#[test]
fn beyond_gap_and_cool_down_a_new_alert_opens() {
    let mut play = Play::new(&defaults());
    play.anomaly(10);
    // No tick came between: the anomaly itself says that the first was over.
    play.anomaly(1000);
    assert_eq!(
        play.alerts(),
        [
            "default~0~10: resolved 1 medium",
            "default~0~1000: open 1 medium"
        ]
    );
    assert_eq!(
        play.told(),
        [
            "default~0~10.1 opened",
            "default~0~10.2 resolved",
            "default~0~1000.1 opened"
        ]
    );
}

#[test]
fn within_the_cool_down_the_same_alert_goes_on_and_nobody_is_told() {
    for tick in [None, Some(350)] {
        let mut play = Play::new(&defaults());
        play.anomaly(10);
        if let Some(second) = tick {
            play.tick(second);
        }
        play.anomaly(500);
        assert_eq!(play.alerts(), ["default~0~10: open 2 medium"], "{tick:?}");
        assert_eq!(play.effects.alerts[0].resolved_at, None);
        play.tick(1000);
        assert_eq!(play.alerts(), ["default~0~10: resolved 2 medium"]);
        // With the tick it was told as over before it went on; either way nobody hears the same twice.
        let resolved = ["default~0~10.1 opened", "default~0~10.2 resolved"];
        assert_eq!(play.told(), resolved, "{tick:?}");
    }
}

#[test]
fn the_cool_down_of_a_live_series_counts_from_its_end() {
    let mut play = Play::new(&defaults());
    play.anomaly(10);
    play.tick(311);
    // 900 s after the last anomaly, 599 s after the end.
    play.anomaly(910);
    assert_eq!(play.alerts(), ["default~0~10: open 2 medium"]);

    let mut play = Play::new(&defaults());
    play.anomaly(10);
    play.tick(311);
    let mut of_the_past = verdict(910, 0.87);
    of_the_past.live = false;
    play.append(&IncidentRecord::Verdict(of_the_past));
    assert_eq!(
        play.alerts(),
        [
            "default~0~10: resolved 1 medium",
            "default~0~910: open 1 medium"
        ]
    );
    assert_eq!(
        play.told().len(),
        2,
        "nobody is told of the past: {:?}",
        play.told()
    );
}

#[test]
fn an_alert_needs_so_many_in_a_row() {
    let config = IncidentConfig {
        consecutive: 3,
        ..defaults()
    };
    let mut play = Play::new(&config);
    for second in [10, 11, 13, 14] {
        play.anomaly(second);
    }
    assert_eq!(play.incidents.open_alerts(), 0);
    play.anomaly(15);
    // The row's first is the alert's first, and all of the row are in it.
    assert_eq!(play.alerts(), ["default~0~13: open 3 medium"]);
    // Once open, any anomaly belongs to it.
    play.anomaly(50);
    assert_eq!(play.alerts(), ["default~0~13: open 4 medium"]);
}

#[test]
fn severity_only_rises_and_its_rise_is_told() {
    let mut play = Play::new(&defaults());
    for (second, score) in [(1, 0.86), (2, 0.89), (3, 0.8), (4, 0.891)] {
        play.append(&IncidentRecord::Verdict(verdict(second, score)));
    }
    assert_eq!(play.alerts(), ["default~0~1: open 4 critical"]);
    assert_eq!(
        play.told(),
        ["default~0~1.1 opened", "default~0~1.2 escalated"]
    );
    let alert = &play.effects.alerts[0];
    assert!(alert.verdict.contains("default/0/4"), "{}", alert.verdict);
    assert_eq!(alert.first_verdict, "default/0/1");
}

#[test]
fn below_the_least_severity_nobody_is_told_until_it_rises() {
    let config = IncidentConfig {
        min_severity: Severity::High,
        ..defaults()
    };
    let mut play = Play::new(&config);
    play.append(&IncidentRecord::Verdict(verdict(1, 0.86)));
    assert_eq!(play.told(), [""; 0]);
    play.append(&IncidentRecord::Verdict(verdict(2, 0.88)));
    assert_eq!(play.told(), ["default~0~1.1 opened"]);
}

#[test]
fn the_past_wakes_nobody_unless_asked_for() {
    let old = || {
        let mut old = verdict(1, 0.86);
        old.live = false;
        IncidentRecord::Verdict(old)
    };
    let mut play = Play::new(&defaults());
    play.append(&old());
    assert_eq!(play.incidents.open_alerts(), 1);
    assert_eq!(play.told(), [""; 0]);
    // It goes on in the present.
    play.anomaly(2);
    assert_eq!(play.told(), ["default~0~1.1 opened"]);

    let mut play = Play::new(&IncidentConfig {
        notify_from: NotifyFrom::Always,
        ..defaults()
    });
    play.append(&old());
    assert_eq!(play.told(), ["default~0~1.1 opened"]);
}

#[test]
fn acknowledged_stays_acknowledged() {
    let mut play = Play::new(&defaults());
    play.anomaly(10);
    assert!(
        play.acknowledge("default~0~10", Some("looking"))
            .is_ok_and(|answer| {
                matches!(answer, Answer::Alert(alert) if alert.state == AlertState::Acknowledged
                    && alert.acknowledged_by.as_deref() == Some("ada"))
            })
    );
    play.anomaly(20);
    assert_eq!(play.alerts(), ["default~0~10: acknowledged 2 medium"]);

    // Twice changes the note and nothing else.
    let first = play.effects.alerts[0].clone();
    play.acknowledge("default~0~10", Some("a valve")).unwrap();
    let second = play.effects.alerts[0].clone();
    assert_eq!(second.note.as_deref(), Some("a valve"));
    assert_eq!(
        Alert {
            note: first.note.clone(),
            ..second
        },
        Alert {
            updated_at: START + 30 * SECOND,
            ..first
        }
    );
    assert_eq!(
        play.told(),
        ["default~0~10.1 opened", "default~0~10.2 acknowledged"]
    );

    // Back within the cool-down it is still known to somebody.
    play.tick(400);
    play.anomaly(410);
    assert_eq!(play.alerts(), ["default~0~10: acknowledged 3 medium"]);
}

#[test]
fn what_is_over_or_unknown_cannot_be_changed() {
    let mut play = Play::new(&defaults());
    play.anomaly(10);
    assert_eq!(
        play.acknowledge("default~0~11", None),
        Err(CommandError::NotFound)
    );
    assert!(play.resolve("default~0~10", 20).is_ok());
    assert_eq!(
        play.effects.alerts[0].resolved_at,
        Some(START + 20 * SECOND)
    );
    assert_eq!(
        play.acknowledge("default~0~10", None),
        Err(CommandError::AlreadyResolved)
    );
    assert_eq!(
        play.resolve("default~0~10", 21),
        Err(CommandError::AlreadyResolved)
    );
    // After the cool-down it is out of memory.
    assert_eq!(
        play.incidents.next_deadline(),
        Some(START + 620 * SECOND + 1)
    );
    play.tick(621);
    assert_eq!(
        play.resolve("default~0~10", 622),
        Err(CommandError::NotFound)
    );
    assert_eq!(play.incidents.next_deadline(), None);
    assert!(play.incidents.series.is_empty());
}

fn silence(source: &str, stream: Option<&str>, from: i64, until: i64) -> IncidentRecord {
    IncidentRecord::Silence {
        source: source.to_owned(),
        stream: stream.map(str::to_owned),
        from: START + from * SECOND,
        until: START + until * SECOND,
        reason: Some("maintenance".to_owned()),
        by: None,
        at: START,
    }
}

#[test]
fn a_silenced_alert_is_kept_and_not_told() {
    let check = |record: &IncidentRecord, is_silenced: bool| {
        let mut play = Play::new(&defaults());
        play.append(record);
        play.anomaly(50);
        assert_eq!(play.effects.alerts[0].silenced, is_silenced, "{record:?}");
        assert_eq!(play.told().is_empty(), is_silenced, "{record:?}");
    };
    check(&silence("pump-7", None, 0, 100), true);
    check(&silence("pump-*", None, 0, 100), true);
    check(&silence("*", Some("default"), 0, 100), true);
    check(&silence("*", Some("other"), 0, 100), false);
    check(&silence("pump", None, 0, 100), false);
    check(&silence("pump-7", None, 51, 100), false);
    check(&silence("pump-7", None, 0, 50), false);
}

#[test]
fn silences_are_listed_until_they_end_or_are_deleted() {
    let mut play = Play::new(&defaults());
    let offset = play.append(&silence("a", None, 0, 100));
    let Ok(Answer::Silence(made)) = play.last_answer() else {
        panic!("no silence");
    };
    assert_eq!(made.id, format!("s{offset}"));
    assert_eq!(
        serde_json::to_string(&willet_proto::Silence::from(&made)).unwrap(),
        format!(
            r#"{{"id":"s{offset}","source":"a","from":"2026-01-02T03:04:05Z","until":"2026-01-02T03:05:45Z","reason":"maintenance","created_at":"2026-01-02T03:04:05Z"}}"#
        )
    );
    play.append(&silence("b", None, 0, 200));
    let ids = |play: &Play| -> Vec<String> {
        play.incidents
            .silences()
            .map(|silence| silence.source.clone())
            .collect()
    };
    assert_eq!(ids(&play), ["a", "b"]);
    assert_eq!(play.incidents.next_deadline(), Some(START + 100 * SECOND));
    play.tick(100);
    assert_eq!(ids(&play), ["b"]);
    for expected in [Ok(Answer::Done), Err(CommandError::NotFound)] {
        play.append(&IncidentRecord::Unsilence {
            id: "s2".to_owned(),
            at: START,
        });
        assert_eq!(play.last_answer(), expected);
    }
    assert_eq!(ids(&play), [""; 0]);
    play.append(&silence("c", None, 10, 10));
    assert_eq!(play.last_answer(), Err(CommandError::EmptySilence));
}

#[test]
fn what_another_system_found_is_enough_by_itself() {
    let config = IncidentConfig {
        consecutive: 5,
        ..defaults()
    };
    let mut play = Play::new(&config);
    let external = |second: i64, anomaly_score| IncidentRecord::External {
        stream: "default".to_owned(),
        source: "gate".to_owned(),
        at: START + second * SECOND,
        arrived: START + second * SECOND,
        anomaly_score,
        anomaly_type: None,
        json: r#"{"stream":"default","source":"gate"}"#.to_owned(),
    };
    let offset = play.append(&external(1, None));
    let id = format!("_incidents~0~{offset}");
    let Ok(Answer::Alert(alert)) = play.last_answer() else {
        panic!("no alert");
    };
    assert_eq!(alert.id, id);
    assert_eq!(alert.first_verdict, format!("_incidents/0/{offset}"));
    assert_eq!(alert.title, "gate: anomaly");
    assert_eq!(
        alert.verdict,
        format!(r#"{{"id":"_incidents/0/{offset}","stream":"default","source":"gate"}}"#)
    );
    play.append(&external(2, Some(0.9)));
    assert_eq!(play.alerts(), [format!("{id}: open 2 critical")]);
    assert_eq!(
        play.told(),
        [format!("{id}.1 opened"), format!("{id}.2 escalated")]
    );
}

#[test]
fn a_verdict_that_comes_twice_changes_nothing() {
    let mut play = Play::new(&defaults());
    play.anomaly(10);
    play.anomaly(11);
    let _ = play.incidents.take_changes();
    for second in [11, 10] {
        play.anomaly(second);
    }
    assert_eq!(play.alerts(), ["default~0~10: open 2 medium"]);
    assert_eq!(play.incidents.take_changes(), []);
}

#[test]
fn a_deleted_key_or_stream_leaves_nothing_behind() {
    for source in [Some("pump-7"), None] {
        let mut play = Play::new(&defaults());
        play.anomaly(10);
        play.append(&IncidentRecord::Forget {
            stream: "default".to_owned(),
            source: source.map(str::to_owned),
            at: START + 20 * SECOND,
        });
        assert_eq!(play.alerts(), ["default~0~10: resolved 1 medium"]);
        assert_eq!(play.incidents.series.len(), 0);
        assert_eq!(play.incidents.next_deadline(), None);
        // A stream made anew counts from 0 again; one that stands goes on.
        play.anomaly(5);
        assert_eq!(play.incidents.open_alerts(), usize::from(source.is_none()));
    }
}

#[test]
fn a_configuration_out_of_range_is_refused() {
    let mut play = Play::new(&defaults());
    for config in [
        IncidentConfig {
            gap_seconds: 0,
            ..defaults()
        },
        IncidentConfig {
            consecutive: 1001,
            ..defaults()
        },
    ] {
        play.append(&IncidentRecord::Configure { config });
        assert!(matches!(play.last_answer(), Err(CommandError::Config(_))));
    }
    assert_eq!(play.incidents.config(), &defaults());
    let unknown = serde_json::from_str::<IncidentConfig>(r#"{"gap": 3}"#);
    assert!(unknown.is_err());
    let partial: IncidentConfig =
        serde_json::from_str(r#"{"min_severity": "high", "notify_from": "always"}"#).unwrap();
    assert_eq!(partial.min_severity, Severity::High);
    assert_eq!(partial.gap_seconds, 300);
}

#[test]
fn memory_has_bounds() {
    let limits = Limits {
        open: 3,
        series: 5,
        silences: 2,
    };
    let mut incidents = Incidents::with_limits(limits);
    let mut effects = Effects::new();
    for second in 0..20 {
        let mut next = verdict(second, 0.87);
        next.source = format!("pump-{second}");
        incidents.on_record(second as u64, &IncidentRecord::Verdict(next), &mut effects);
        assert!(incidents.open_alerts() <= 3);
        assert!(incidents.series.len() <= 5);
    }
    assert_eq!(incidents.dropped(), (17, 15));
    let open: Vec<&str> = incidents
        .place(Place::Open)
        .iter()
        .map(|(_, key)| key.source.as_str())
        .collect();
    assert_eq!(open, ["pump-17", "pump-18", "pump-19"]);
    // Everyone who was told of one is told of its end.
    assert_eq!(effects.notifications.len(), 20 + 17);
    for record in [silence("a", None, 0, 1), silence("b", None, 0, 1)] {
        incidents.on_record(90, &record, &mut effects);
        incidents.on_record(91, &record, &mut effects);
    }
    let refused = effects.answers.iter().filter(|(_, answer)| answer.is_err());
    assert_eq!(refused.count(), 2);
}

#[test]
fn an_alert_has_the_documented_shape() {
    let mut play = Play::new(&defaults());
    play.anomaly(0);
    play.acknowledge("default~0~0", Some("\"quoted\"")).unwrap();
    let json = play.effects.alerts[0].to_json();
    assert_eq!(
        json,
        concat!(
            r#"{"id":"default~0~0","stream":"default","source":"pump-7","state":"acknowledged","severity":"medium","#,
            r#""title":"pump-7: spike, score 0.87","opened_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:35Z","#,
            r#""last_anomaly_at":"2026-01-02T03:04:05Z","acknowledged_at":"2026-01-02T03:04:35Z","acknowledged_by":"ada","#,
            r#""note":"\"quoted\"","anomalies":1,"max_anomaly_score":0.87,"silenced":false,"first_verdict":"default/0/0","#,
            r#""verdict":{"id":"default/0/0","anomaly_score":0.87}}"#
        )
    );
    let told = play.effects.notifications[0].to_json();
    assert!(
        told.starts_with(
            r#"{"type":"alert.opened","timestamp":"2026-01-02T03:04:05Z","data":{"id":"default~0~0","#
        ),
        "{told}"
    );
}

#[test]
fn records_come_back_as_they_were_written() {
    let records = [
        IncidentRecord::Verdict(verdict(3, 0.812_345_678_901_234_5)),
        silence("ünïcode \" \\ \n*", None, 0, 1),
        IncidentRecord::Tick { at: i64::MIN },
        IncidentRecord::Configure { config: defaults() },
    ];
    for record in records {
        let payload = record.encode();
        assert_eq!(IncidentRecord::decode(0, &payload).unwrap(), record);
    }
    let error = IncidentRecord::decode(7, br#"{"type":"unheard of"}"#).unwrap_err();
    assert!(error.to_string().contains("offset 7"), "{error}");
}

fn any_record() -> impl Strategy<Value = IncidentRecord> {
    let second = 0..4000_i64;
    let source = prop::sample::select(vec!["a", "b/1", "pump-7"]);
    let stream = prop::sample::select(vec!["one", "two"]);
    let alert = (0..60_u64, prop::sample::select(vec!["one", "two"]));
    let verdict = (
        second.clone(),
        0..200_u64,
        source.clone(),
        stream.clone(),
        0.5..0.9_f64,
        any::<bool>(),
    )
        .prop_map(|(second, offset, source, stream, score, live)| {
            IncidentRecord::Verdict(FlaggedVerdict {
                stream: stream.to_owned(),
                source: source.to_owned(),
                offset,
                sample_count: offset,
                live,
                ..verdict(second, score)
            })
        });
    let external =
        (second.clone(), source.clone()).prop_map(|(second, source)| IncidentRecord::External {
            stream: "one".to_owned(),
            source: source.to_owned(),
            at: START + second * SECOND,
            arrived: START + second * SECOND,
            anomaly_score: None,
            anomaly_type: None,
            json: "{}".to_owned(),
        });
    let tick = second.clone().prop_map(|second| IncidentRecord::Tick {
        at: START + second * SECOND,
    });
    let acknowledge = alert
        .clone()
        .prop_map(|(offset, stream)| IncidentRecord::Acknowledge {
            alert_id: format!("{stream}~0~{offset}"),
            by: None,
            note: None,
            at: START,
        });
    let resolve =
        (alert, second.clone()).prop_map(|((offset, stream), second)| IncidentRecord::Resolve {
            alert_id: format!("{stream}~0~{offset}"),
            by: None,
            note: Some("over".to_owned()),
            at: START + second * SECOND,
        });
    let silence = (source.clone(), second.clone())
        .prop_map(|(source, second)| silence(source, None, second, second + 500));
    let unsilence = (0..100_u64).prop_map(|offset| IncidentRecord::Unsilence {
        id: format!("s{offset}"),
        at: START,
    });
    let forget =
        (stream, prop::option::of(source)).prop_map(|(stream, source)| IncidentRecord::Forget {
            stream: stream.to_owned(),
            source: source.map(str::to_owned),
            at: START,
        });
    let configure = (1..4_u32, 1..900_u64, any::<bool>()).prop_map(|(consecutive, gap, always)| {
        IncidentRecord::Configure {
            config: IncidentConfig {
                consecutive,
                gap_seconds: gap,
                notify_from: if always {
                    NotifyFrom::Always
                } else {
                    NotifyFrom::Live
                },
                ..defaults()
            },
        }
    });
    prop_oneof![
        12 => verdict,
        1 => external,
        3 => tick,
        2 => acknowledge,
        2 => resolve,
        1 => silence,
        1 => unsilence,
        1 => forget,
        1 => configure,
    ]
}

proptest! {
    #[test]
    fn the_same_log_gives_the_same_alerts_wherever_it_was_cut(
        records in prop::collection::vec(any_record(), 1..120),
        cuts in prop::collection::vec(0..120_usize, 0..6),
    ) {
        let mut whole = Incidents::new();
        let mut expected = Effects::new();
        for (offset, record) in records.iter().enumerate() {
            whole.on_record(offset as u64, record, &mut expected);
        }

        let mut kept: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
        let mut notifications = Vec::new();
        let mut answers = Vec::new();
        let mut part = Incidents::new();
        let mut effects = Effects::new();
        for (offset, record) in records.iter().enumerate() {
            part.on_record(offset as u64, record, &mut effects);
            if cuts.contains(&offset) || offset + 1 == records.len() {
                for (name, state) in part.take_changes() {
                    match state {
                        Some(state) => kept.insert(name, state),
                        None => kept.remove(&name),
                    };
                }
                let done = std::mem::take(&mut effects);
                alerts.extend(done.alerts.into_iter().map(|alert| (alert.id.clone(), alert)));
                notifications.extend(done.notifications);
                answers.extend(done.answers);
                let deadline = part.next_deadline();
                part = Incidents::restore(kept.clone().into_iter()).unwrap();
                prop_assert_eq!(part.next_deadline(), deadline);
            }
        }

        let expected_alerts: BTreeMap<String, Alert> = expected
            .alerts
            .iter()
            .map(|alert| (alert.id.clone(), alert.clone()))
            .collect();
        prop_assert_eq!(alerts, expected_alerts);
        prop_assert_eq!(&notifications, &expected.notifications);
        prop_assert_eq!(answers, expected.answers);
        let mut state: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        state.extend(whole.take_changes().into_iter().filter_map(|(name, state)| Some((name, state?))));
        prop_assert_eq!(state, kept);
        let mut ids: Vec<&str> = notifications.iter().map(|told| told.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        // A stream that was forgotten may use its offsets, and so its ids, again.
        if !records.iter().any(|record| matches!(record, IncidentRecord::Forget { .. })) {
            prop_assert_eq!(ids.len(), notifications.len());
        }
    }
}

#[test]
fn a_damaged_state_is_an_error() {
    let mut play = Play::new(&defaults());
    play.anomaly(10);
    for (name, state) in play.incidents.take_changes() {
        let mut state = state.unwrap();
        state.push(0);
        let error = Incidents::restore(std::iter::once((name.clone(), state))).unwrap_err();
        assert_eq!(error.name, name);
    }
}
