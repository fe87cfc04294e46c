//! Histories: three grains of time for each series, and how many points of them are drawn.

use std::collections::BTreeMap;

use willet_node::store::{BUCKET_SECONDS, ValueHistory};
use willet_proto::{FeatureColumns, History};

use crate::blobs::{Bucket, BucketValue, Shape};

/// One grain of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLevel {
    /// Its number in the file, finest first.
    pub number: u8,
    /// Seconds of a bucket.
    pub seconds: i64,
    /// How far behind the newest bucket of its series it reaches, in seconds.
    pub kept_seconds: i64,
}

/// All grains, finest first.
pub const LEVELS: [HistoryLevel; 3] = [
    HistoryLevel {
        number: 0,
        seconds: BUCKET_SECONDS,
        kept_seconds: 86_400,
    },
    HistoryLevel {
        number: 1,
        seconds: 300,
        kept_seconds: 31 * 86_400,
    },
    HistoryLevel {
        number: 2,
        seconds: 3600,
        kept_seconds: 400 * 86_400,
    },
];

impl HistoryLevel {
    /// The bucket of this level that a second lies in.
    pub(crate) fn bucket_of(&self, second: i64) -> i64 {
        floor(second, self.seconds)
    }

    /// First bucket that is kept for a series whose newest event is at `newest` seconds.
    pub(crate) fn kept_from(&self, newest: i64) -> i64 {
        self.bucket_of(newest.saturating_sub(self.kept_seconds))
    }
}

/// The largest multiple of `step` that is not above `second`.
fn floor(second: i64, step: i64) -> i64 {
    second.saturating_sub(second.rem_euclid(step))
}

impl Bucket {
    /// Adds what another part of the same time did. Parts may come in any grouping, in the order of arrival.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.events = self.events.saturating_add(other.events);
        self.anomalies = self.anomalies.saturating_add(other.anomalies);
        self.max_score = match (self.max_score, other.max_score) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        self.newest = self.newest.max(other.newest);
        for value in &other.values {
            match self
                .values
                .binary_search_by_key(&value.name, |known| known.name)
            {
                Ok(at) => self.values[at].merge(value),
                Err(at) => self.values.insert(at, *value),
            }
        }
    }
}

impl BucketValue {
    fn merge(&mut self, other: &Self) {
        let value = &mut self.value;
        value.count = value.count.saturating_add(other.value.count);
        value.sum += other.value.sum;
        value.min = value.min.min(other.value.min);
        value.max = value.max.max(other.value.max);
        if other.at >= self.at {
            self.at = other.at;
            value.last = other.value.last;
            value.expected = other.value.expected;
        }
    }
}

/// Which buckets to read and how many to draw as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) level: HistoryLevel,
    /// Seconds of a drawn place, a multiple of the level's.
    pub(crate) step: i64,
}

/// Chooses the level for a span (in seconds) that is drawn with at most `points` places, and how much a place holds.
pub(crate) fn plan(from: i64, until: i64, points: usize, newest: i64) -> Plan {
    let points = points.max(1) as i64;
    let wanted = until.saturating_sub(from).max(1).div_euclid(points);
    let reaching = || {
        LEVELS
            .into_iter()
            .filter(|level| from >= level.kept_from(newest))
    };
    let [.., coarsest] = LEVELS;
    // The coarsest that is fine enough costs least; where none is, the finest is best.
    let level = reaching()
        .rev()
        .find(|level| level.seconds * FINE_ENOUGH <= wanted)
        .or_else(|| reaching().next())
        .unwrap_or(coarsest);
    let mut step = level.seconds * (wanted / level.seconds).max(1);
    // Places begin at multiples of their length, so a span may touch one more than fit into it.
    for _ in 0..MAX_WIDENINGS {
        if places(from, until, step) <= points {
            break;
        }
        step += level.seconds * (step / level.seconds / 8).max(1);
    }
    Plan { level, step }
}

/// A level with so many buckets in a place is as good as a finer one.
const FINE_ENOUGH: i64 = 4;
/// Only one or two places can still straddle a border after so many steps of an eighth.
const MAX_WIDENINGS: usize = 64;

fn places(from: i64, until: i64, step: i64) -> i64 {
    floor(until.saturating_sub(1), step)
        .saturating_sub(floor(from, step))
        .div_euclid(step)
        .saturating_add(1)
}

/// Draws buckets as places of `step` seconds, the newest `points` of them. Those without events are left out.
pub(crate) fn draw(
    stream: &str,
    source: &str,
    step: i64,
    points: usize,
    shape: &Shape,
    buckets: impl Iterator<Item = (i64, Bucket)>,
) -> History {
    let mut merged: BTreeMap<i64, Bucket> = BTreeMap::new();
    for (second, bucket) in buckets {
        merged
            .entry(floor(second, step))
            .or_default()
            .merge(&bucket);
    }
    while merged.len() > points.max(1) {
        merged.pop_first();
    }
    let mut history = History {
        stream: stream.to_owned(),
        source: source.to_owned(),
        bucket_seconds: step,
        times: Vec::with_capacity(merged.len()),
        events: Vec::with_capacity(merged.len()),
        anomalies: Vec::with_capacity(merged.len()),
        max_score: Vec::with_capacity(merged.len()),
        features: shape
            .names
            .iter()
            .map(|name| FeatureColumns {
                name: name.clone(),
                ..FeatureColumns::default()
            })
            .collect(),
    };
    for (second, bucket) in merged {
        history.times.push(second);
        history.events.push(bucket.events);
        history.anomalies.push(bucket.anomalies);
        history
            .max_score
            .push(bucket.max_score.filter(|score| score.is_finite()));
        for (index, columns) in history.features.iter_mut().enumerate() {
            let value = bucket
                .values
                .binary_search_by_key(&(index as u32), |value| value.name)
                .ok()
                .map(|at| bucket.values[at].value);
            push(columns, value.as_ref());
        }
    }
    history
        .features
        .retain(|columns| columns.max.iter().any(Option::is_some));
    history
}

fn push(columns: &mut FeatureColumns, value: Option<&ValueHistory>) {
    let value = value.filter(|value| value.count > 0);
    let known = |number: Option<f64>| number.filter(|number| number.is_finite());
    columns
        .mean
        .push(known(value.map(|value| value.sum / value.count as f64)));
    columns.min.push(known(value.map(|value| value.min)));
    columns.max.push(known(value.map(|value| value.max)));
    let band = value.and_then(|value| value.expected);
    columns.low.push(known(band.map(|band| band[0])));
    columns.middle.push(known(band.map(|band| band[1])));
    columns.high.push(known(band.map(|band| band[2])));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn the_level_fits_the_span_and_reaches_back() {
        let newest = 1_767_323_045;
        let check = |span: i64, points: usize, seconds: i64| {
            let plan = plan(newest - span, newest, points, newest);
            assert_eq!(
                plan.level.seconds, seconds,
                "{span} s, {points} points: {plan:?}"
            );
            assert!(
                places(newest - span, newest, plan.step) <= points as i64,
                "{plan:?}"
            );
            // Not much fewer than asked for either, where there are as many buckets.
            let most = (span / plan.level.seconds).min(points as i64);
            assert!(
                places(newest - span, newest, plan.step) * 3 >= most,
                "{span} s, {points} points: {plan:?}"
            );
        };
        check(600, 600, 10);
        check(3600, 600, 10);
        check(DAY, 600, 10);
        check(DAY, 60, 300);
        check(2 * DAY, 600, 300);
        check(30 * DAY, 600, 300);
        check(30 * DAY, 2000, 300);
        check(30 * DAY, 50, 3600);
        check(60 * DAY, 600, 3600);
        check(390 * DAY, 600, 3600);
        check(390 * DAY, 1, 3600);
    }

    #[test]
    fn places_have_weighted_means_and_the_newest_band() {
        let value = |name, at, count, sum: f64, band| BucketValue {
            name,
            at,
            value: ValueHistory {
                count,
                sum,
                min: sum / count as f64 - 1.0,
                max: sum / count as f64 + 1.0,
                last: sum,
                expected: band,
            },
        };
        let bucket = |at, values| Bucket {
            events: 4,
            anomalies: 1,
            max_score: Some(0.5),
            newest: at,
            values,
        };
        let shape = Shape {
            names: vec!["a".to_owned(), "b".to_owned()],
            ..Shape::default()
        };
        let buckets = [
            (10, bucket(11, vec![value(0, 11, 1, 1.0, None)])),
            (
                20,
                bucket(25, vec![value(0, 25, 3, 27.0, Some([1.0, 2.0, 3.0]))]),
            ),
            (60, bucket(61, Vec::new())),
        ];
        let history = draw("s", "k", 30, 600, &shape, buckets.into_iter());
        assert_eq!(history.times, [0, 60]);
        assert_eq!(history.events, [8, 4]);
        assert_eq!(history.anomalies, [2, 1]);
        let [only] = &history.features[..] else {
            panic!("a value that never came is not drawn: {history:?}");
        };
        assert_eq!(only.name, "a");
        assert_eq!(only.mean, [Some(7.0), None]);
        assert_eq!(only.min, [Some(0.0), None]);
        assert_eq!(only.max, [Some(10.0), None]);
        assert_eq!(only.middle, [Some(2.0), None]);
    }
}
