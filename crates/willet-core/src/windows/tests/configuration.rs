//! What configuration may say, and what it is told when it may not.

use serde::Deserialize;
use serde::de::value::{Error, MapDeserializer};

use super::super::*;
use super::names;

fn refused(config: &WindowConfig, expected: &str) {
    let error = WindowPlan::new(config, &names(1)).expect_err(expected);
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn windows_that_cannot_be_name_the_field_and_what_it_could_be() {
    let seconds = WindowConfig {
        window_unit: Unit::Seconds,
        window_size: Some(10.0),
        ..WindowConfig::default()
    };
    let samples = WindowConfig {
        window_size: Some(10.0),
        ..WindowConfig::default()
    };
    let session = WindowConfig {
        window_type: WindowType::Session,
        gap: Some(5.0),
        ..WindowConfig::default()
    };
    let statistics = WindowConfig {
        aggregation: Aggregation::Statistics,
        ..samples.clone()
    };
    for sound in [&seconds, &samples, &session, &statistics] {
        assert!(WindowPlan::new(sound, &names(3)).is_ok(), "{sound:?}");
    }
    let change = |config: &WindowConfig, with: fn(&mut WindowConfig)| {
        let mut config = config.clone();
        with(&mut config);
        config
    };
    let cases: [(WindowConfig, &str); 14] = [
        (
            WindowConfig::default(),
            "window_size is not given, expected a number of rows",
        ),
        (
            change(&samples, |c| c.window_size = Some(2.5)),
            "window_size is 2.5, expected a whole number",
        ),
        (
            change(&samples, |c| c.window_size = Some(1e9)),
            "window_size is 1000000000, expected a whole number",
        ),
        (
            change(&samples, |c| c.slide_interval = Some(11.0)),
            "slide_interval is 11, expected at most window_size 10",
        ),
        (
            change(&samples, |c| c.slide_interval = Some(0.0)),
            "slide_interval is 0, expected a whole number",
        ),
        (
            change(&samples, |c| c.allowed_lateness = 1.0),
            "allowed_lateness is 1, expected 0 with window_unit samples",
        ),
        (
            change(&samples, |c| c.gap = Some(1.0)),
            "gap is 1, expected nothing",
        ),
        (
            change(&seconds, |c| c.window_size = Some(f64::NAN)),
            "window_size is NaN, expected 0.001 to",
        ),
        (
            change(&seconds, |c| c.allowed_lateness = -1.0),
            "allowed_lateness is -1, expected 0 to",
        ),
        (
            change(&seconds, |c| c.window_size = Some(1e6)),
            "slide_interval is 1, expected at least 10 seconds",
        ),
        (
            change(&session, |c| c.gap = None),
            "gap is not given, expected seconds",
        ),
        (
            change(&session, |c| c.window_size = Some(1.0)),
            "window_size is 1, expected nothing",
        ),
        (
            change(&statistics, |c| {
                c.statistics = vec![StatisticName::Quantiles];
                c.quantiles = vec![95.0];
            }),
            "quantiles is 95, expected 0 to 1",
        ),
        (
            change(&statistics, |c| c.statistics = vec![StatisticName::Mean; 2]),
            "statistics is mean, expected each one once",
        ),
    ];
    for (config, expected) in cases {
        refused(&config, expected);
    }
    let tumbling = change(&samples, |c| {
        c.window_type = WindowType::Tumbling;
        c.slide_interval = Some(3.0);
    });
    refused(&tumbling, "slide_interval is 3, expected window_size 10");
    refused(
        &change(&samples, |c| c.statistics = vec![StatisticName::Mean]),
        "statistics is Mean, expected none with aggregation features",
    );
}

#[test]
fn quantiles_are_named_by_their_percent() {
    let config = WindowConfig {
        window_size: Some(10.0),
        aggregation: Aggregation::Statistics,
        statistics: vec![StatisticName::Quantiles],
        quantiles: vec![0.0, 0.07, 0.5, 0.999, 1.0],
        ..WindowConfig::default()
    };
    let plan = WindowPlan::new(&config, &["a".into()]).expect("sound");
    let names: Vec<&str> = plan.names().iter().map(|name| &**name).collect();
    assert_eq!(names, ["a_q00", "a_q07", "a_q50", "a_q99_9", "a_q100"]);
}

fn bucket(fields: &[(&'static str, &'static str)]) -> Result<BucketPlan, String> {
    // This deserializer has no options in it.
    let of = fields.iter().find(|(name, _)| *name == "of");
    let others = fields.iter().copied().filter(|(name, _)| *name != "of");
    let config = BucketConfig::deserialize(MapDeserializer::<_, Error>::new(others));
    let config = BucketConfig {
        of: of.map(|(_, of)| (*of).to_owned()),
        ..config.map_err(|error| error.to_string())?
    };
    BucketPlan::new(&config, &["x".into()]).map_err(|error| error.to_string())
}

#[test]
fn buckets_are_read_as_they_are_written() {
    for (every, seconds) in [
        ("second", 1.0),
        ("minute", 60.0),
        ("hour", 3_600.0),
        ("30s", 30.0),
        ("5 m", 300.0),
        ("2h", 7_200.0),
        ("0.5", 0.5),
    ] {
        let plan = bucket(&[("every", every), ("what", "count")]).expect(every);
        assert_eq!(plan.every() as f64, seconds * 1e6, "{every}");
    }
    let plan = bucket(&[("every", "minute"), ("what", "mean"), ("of", "x")]);
    assert_eq!(plan.expect("sound").name(), "x_mean");
    let cases: [(&[(&str, &str)], &str); 6] = [
        (
            &[("every", "fortnight"), ("what", "count")],
            "every is \"fortnight\", expected second, minute",
        ),
        (&[("every", "ms"), ("what", "count")], "every is \"ms\""),
        (
            &[("every", "0.0001s"), ("what", "count")],
            "every is 0.0001, expected 0.001 to",
        ),
        (
            &[("every", "minute"), ("what", "sum")],
            "of is not given, expected the value whose sum it is",
        ),
        (
            &[("every", "minute"), ("what", "sum"), ("of", "y")],
            "unknown value `y`",
        ),
        (
            &[("every", "minute"), ("what", "count"), ("off", "x")],
            "unknown field `off`",
        ),
    ];
    for (fields, expected) in cases {
        let error = bucket(fields).expect_err(expected);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn windows_are_read_as_they_are_written() {
    let read = |fields: &[(&'static str, &'static str)]| {
        let fields = MapDeserializer::<_, Error>::new(fields.iter().copied());
        WindowConfig::deserialize(fields).map_err(|error| error.to_string())
    };
    let config = read(&[("window_type", "session"), ("aggregation", "statistics")]);
    let config = config.expect("sound");
    assert_eq!(config.window_type, WindowType::Session);
    assert_eq!(config.aggregation, Aggregation::Statistics);
    let error = read(&[("window_length", "5")]).expect_err("no such field");
    assert!(
        error.starts_with("unknown field `window_length`"),
        "{error}"
    );
    let error = read(&[("window_type", "hopping")]).expect_err("no such type");
    assert!(
        error.contains("`sliding`, `tumbling`, `session`"),
        "{error}"
    );
}
