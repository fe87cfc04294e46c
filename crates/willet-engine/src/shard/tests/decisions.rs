use super::*;
use crate::verdict::Scored;
use willet_core::decision::{CalendarRule, DataRange};

/// Answers to the values of one key, one a minute from 2026-01-02 (a Friday) on.
fn answers(config: &StreamConfig, values: &[f64]) -> (Verdicts, Vec<Verdict>) {
    const FRIDAY: i64 = 1_767_312_000_000_000;
    let layout = Arc::new(Layout::named(["value"]));
    let mut batch = EventBatch::new();
    for (minute, value) in values.iter().enumerate() {
        let head = EventHead {
            offset: minute as u64,
            key: "k",
            key_hash: key_hash(HASH_SEED, "k"),
            id_hash: None,
            time: Some(Timestamp(FRIDAY + minute as i64 * 60_000_000)),
            label: None,
        };
        batch.push(head, &layout, &[*value]);
    }
    let mut out = Verdicts::default();
    shard(config, 1).on_batch(&batch, values.len() as u64, &mut out);
    let rows = out.rows.clone();
    (out, rows)
}

fn decided(algorithm: &str, decision: DecisionConfig) -> StreamConfig {
    StreamConfig {
        decision,
        ..config(algorithm)
    }
}

/// Rows that are anomalies, with their types.
fn said(config: &StreamConfig, values: &[f64]) -> Vec<(usize, Option<AnomalyType>)> {
    let (out, rows) = answers(config, values);
    let flagged = rows.iter().enumerate().filter_map(|(i, verdict)| {
        let Outcome::Scored(scored) = verdict.outcome else {
            return None;
        };
        let detail = out.detail(&scored)?;
        Some((i, detail.anomaly_type))
    });
    flagged.collect()
}

fn scored(verdict: &Verdict) -> Scored {
    let Outcome::Scored(scored) = verdict.outcome else {
        panic!("{verdict:?}")
    };
    scored
}

/// Around 50, with a season of 24 rows where asked.
fn normal(n: usize, season: f64) -> Vec<f64> {
    let mut random = Random::new(11);
    let wave = |i: usize| ((i % 24) as f64 - 12.0).abs() / 6.0 - 1.0;
    (0..n)
        .map(|i| 50.0 + season * wave(i) + random.unit() + random.unit() - random.unit())
        .collect()
}

#[test]
fn a_spike_is_not_learned_and_a_lasting_level_is_one_event_and_then_normal() {
    for (algorithm, season) in [
        ("zscore", 0.0),
        ("knn", 0.0),
        ("auto", 0.0),
        ("auto", 10.0),
        ("seasonal", 10.0),
    ] {
        let name = format!("{algorithm} with a season of {season}");
        let mut values = normal(2_400, season);
        values[1_000] += 60.0;
        values[1_500..].iter_mut().for_each(|value| *value += 60.0);
        let said = said(&config(algorithm), &values);
        let at =
            |range: std::ops::Range<usize>| said.iter().filter(|(i, _)| range.contains(i)).count();
        assert_eq!(at(1_000..1_001), 1, "{name}: {said:?}");
        assert!(at(1_001..1_050) <= 2, "{name}: {said:?}");
        // The rows that the guard holds back are the event, and those until knn's neighbours are of the new level.
        assert!((1..=50).contains(&at(1_500..1_600)), "{name}: {said:?}");
        let shifts = said[..].iter().filter(|(i, kind)| {
            (1_500..1_600).contains(i) && *kind == Some(AnomalyType::LevelShift)
        });
        assert_eq!(shifts.count(), 1, "{name}: {said:?}");
        assert!(at(1_700..2_400) <= 12, "{name}: {said:?}");
        // A spike that was learned would widen the band, a level that was not would stay strange.
        let (_, rows) = answers(&config(algorithm), &values);
        let late = &rows[2_300..];
        let calm = late.iter().filter(|row| scored(row).anomaly_score < 0.67);
        assert!(calm.count() >= 85, "{name}");
    }
}

#[test]
fn a_flat_line_and_missing_data_are_seen_once() {
    let mut values = normal(1_500, 0.0);
    let still = values[800];
    values[800..860].fill(still);
    values[1_200..1_220].fill(f64::NAN);
    let said = said(&config("zscore"), &values);
    let of = |kind| said.iter().filter(move |(_, said)| *said == Some(kind));
    assert_eq!(
        of(AnomalyType::FlatLine).collect::<Vec<_>>(),
        [&(819, Some(AnomalyType::FlatLine))]
    );
    assert_eq!(
        of(AnomalyType::MissingData).collect::<Vec<_>>(),
        [&(1_202, Some(AnomalyType::MissingData))]
    );
}

#[test]
fn names_that_are_new_are_rare() {
    let mut values: Vec<f64> = (0..800).map(|i| f64::from(i % 4)).collect();
    values[700] = 77.0;
    let said = said(&config("rare"), &values);
    assert!(said.contains(&(700, Some(AnomalyType::Rare))), "{said:?}");
    assert!(
        said.iter()
            .all(|(_, kind)| *kind == Some(AnomalyType::Rare))
    );
}

#[test]
fn a_value_outside_the_data_range_is_an_anomaly_and_never_learned() {
    let range = DecisionConfig {
        data_range: Some(DataRange::All([Some(0.0), None])),
        contamination: Some(0.000_1),
        consecutive: 3,
        ..Default::default()
    };
    let mut values = normal(1_000, 0.0);
    // While the series warms up as well: there it is only not learned.
    values[3] = -1e6;
    values[500..600].fill(-1.0);
    let config = decided("zscore", range);
    let flagged: Vec<usize> = said(&config, &values).iter().map(|(i, _)| *i).collect();
    assert_eq!(flagged, (500..600).collect::<Vec<_>>());
    let (out, rows) = answers(&config, &values);
    let last = scored(&rows[599]);
    assert!(last.anomaly_score >= last.threshold && last.confidence == 1.0);
    let expected = out.detail(&last).expect("an anomaly").expected[0];
    assert!(expected.low > 40.0, "{expected:?}");
}

#[test]
fn calendars_mute_stop_learning_and_set_other_thresholds() {
    let mut values = normal(1_440, 0.0);
    // 10:00 and 22:00.
    values[600] += 100.0;
    values[1_320] += 100.0;
    let flagged = |rule: CalendarRule| {
        let decision = DecisionConfig {
            calendars: vec![rule],
            ..Default::default()
        };
        let said = said(&decided("zscore", decision), &values);
        [600, 1_320].map(|i| said.iter().any(|(row, _)| *row == i))
    };
    let night = |rule| CalendarRule {
        hours: vec!["22:00-06:00".to_owned()],
        ..rule
    };
    let mute = CalendarRule {
        mute: true,
        ..Default::default()
    };
    assert_eq!(flagged(night(mute.clone())), [true, false]);
    let berlin = CalendarRule {
        time_zone: "Europe/Berlin".to_owned(),
        hours: vec!["11:00-11:01".to_owned()],
        ..mute
    };
    assert_eq!(flagged(berlin), [false, true]);
    let stricter = CalendarRule {
        threshold: Some(0.999),
        ..Default::default()
    };
    assert_eq!(flagged(night(stricter)), [true, false]);
    let unlearned = DecisionConfig {
        calendars: vec![CalendarRule {
            learn: false,
            ..Default::default()
        }],
        ..Default::default()
    };
    let (_, rows) = answers(&decided("zscore", unlearned), &values);
    assert!(rows.iter().all(|row| row.outcome == Outcome::WarmingUp));
}

#[test]
fn a_rate_in_time_is_kept_by_event_time_and_needs_one() {
    let rate = |text: &str| DecisionConfig {
        rate: Some(text.to_owned()),
        ..Default::default()
    };
    // Two weeks of minutes.
    let values = normal(20_160, 0.0);
    for (text, expected) in [
        ("20 a week", 40),
        ("1 per 1000 rows", 20),
        ("2 per day", 28),
    ] {
        let flags = said(&decided("zscore", rate(text)), &values).len();
        assert!(
            (expected * 2 / 3..=expected * 3 / 2).contains(&flags),
            "{text}: {flags}"
        );
    }
    let mut driver = Driver::new(shard(&decided("zscore", rate("20 a week")), 1));
    driver.run(&[event("k", 1.0)], 0, 1, 1);
    assert_eq!(driver.said[&0].outcome, Outcome::Rejected(Misfit::Time));
    let mut driver = Driver::new(shard(&decided("zscore", rate("1 %")), 1));
    driver.run(&[event("k", 1.0)], 0, 1, 1);
    assert_eq!(driver.said[&0].outcome, Outcome::WarmingUp);
}

#[test]
fn a_deviation_the_wrong_way_costs_a_rate_nothing() {
    let decision = DecisionConfig {
        rate: Some("0.5 %".to_owned()),
        direction: Direction::Up,
        ..Default::default()
    };
    let flags = said(&decided("zscore", decision), &normal(20_000, 0.0)).len();
    assert!((67..=150).contains(&flags), "{flags}");
}

/// Hourly rows of a shop that opens at eight on its own clock, from Monday, 2026-03-09 on.
fn shop(days: i64, zone: &str) -> Vec<(i64, f64)> {
    const MONDAY: i64 = 1_773_014_400;
    let zone = jiff::tz::TimeZoneDatabase::bundled()
        .get(zone)
        .expect("known");
    let mut random = Random::new(3);
    (0..days * 24)
        .map(|hour| {
            let time = MONDAY + hour * 3_600;
            let local = zone.to_datetime(jiff::Timestamp::from_second(time).expect("in range"));
            let open = (8..20).contains(&local.hour());
            (time, if open { 400.0 } else { 20.0 } + 4.0 * random.unit())
        })
        .collect()
}

/// Times of the flags, in hours of the series.
fn flagged_hours(config: &StreamConfig, rows: &[(i64, f64)]) -> Vec<usize> {
    let layout = Arc::new(Layout::named(["value"]));
    let mut batch = EventBatch::new();
    for (offset, (time, value)) in rows.iter().enumerate() {
        let head = EventHead {
            offset: offset as u64,
            key: "shop",
            key_hash: key_hash(HASH_SEED, "shop"),
            id_hash: None,
            time: Some(Timestamp(time * 1_000_000)),
            label: None,
        };
        batch.push(head, &layout, &[*value]);
    }
    let mut out = Verdicts::default();
    shard(config, 1).on_batch(&batch, rows.len() as u64, &mut out);
    let is_flag =
        |verdict: &Verdict| matches!(verdict.outcome, Outcome::Scored(scored) if scored.is_anomaly);
    (0..rows.len())
        .filter(|row| is_flag(&out.rows[*row]))
        .collect()
}

/// A shop that opens by its own clock is not strange when that is put forward or back, where the stream says whose clock it is.
#[test]
fn summer_time_is_no_anomaly_where_the_time_zone_is_known() {
    // Forward on March 29th, back on October 25th.
    for (zone, days, turned) in [("Europe/Berlin", 30, 20), ("Europe/Berlin", 240, 230)] {
        for seasonality in ["auto", "day", "day,week"] {
            let mut config = config("auto");
            let value = willet_core::settings::Value::Text(seasonality.to_owned());
            config
                .detector
                .settings
                .insert("seasonality".to_owned(), value);
            config.time_zone = zone.to_owned();
            let mut rows = shop(days, zone);
            let around = (turned - 1) * 24..(turned + 6) * 24;
            let known = flagged_hours(&config, &rows);
            let known: Vec<usize> = known
                .into_iter()
                .filter(|hour| around.contains(hour))
                .collect();
            assert!(known.is_empty(), "{seasonality}: {known:?}");
            config.time_zone = "UTC".to_owned();
            let unknown = flagged_hours(&config, &rows);
            assert!(
                unknown.iter().any(|hour| around.contains(hour)),
                "{seasonality}"
            );
            // And the night is still the night: open at three, two days later.
            config.time_zone = zone.to_owned();
            let night = (turned + 2) * 24 + 1;
            rows[night].1 = 400.0;
            assert!(
                flagged_hours(&config, &rows).contains(&night),
                "{seasonality}"
            );
        }
    }
    let mut config = config("auto");
    config.time_zone = "Europe/Atlantis".to_owned();
    let refused = Plan::new(config, 1).expect_err("unknown").to_string();
    assert!(
        refused.contains("Europe/Atlantis") && refused.contains("IANA"),
        "{refused}"
    );
}

/// A season that was given is known after one time and a quarter; given as none, none is ever found.
#[test]
fn a_given_season_is_known_at_once() {
    let zone = "UTC";
    let mut rows = shop(10, zone);
    // The fourth night is busy, the fifth day is not.
    rows[3 * 24 + 26].1 = 400.0;
    rows[5 * 24 + 12].1 = 20.0;
    let with = |text: &str| {
        let mut config = config("auto");
        let value = willet_core::settings::Value::Text(text.to_owned());
        config
            .detector
            .settings
            .insert("seasonality".to_owned(), value);
        flagged_hours(&config, &rows)
    };
    let given = with("day");
    assert!(
        given.contains(&(3 * 24 + 26)) && given.contains(&(5 * 24 + 12)),
        "{given:?}"
    );
    assert!(given.len() <= 4, "{given:?}");
    assert!(!with("none").contains(&(5 * 24 + 12)));
}
