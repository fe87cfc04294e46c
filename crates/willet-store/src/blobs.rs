//! Bytes of what stands in blobs: a version, then postcard. A version's struct is frozen once released.

use serde::{Deserialize, Serialize};
use willet_node::store::ValueHistory;

use crate::levels::LEVELS;

/// A blob that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BlobError {
    #[error("it has version {0}, this build reads version {VERSION} (use a newer willet)")]
    Version(u8),
    #[error("it is damaged: {0}")]
    Damaged(String),
}

const VERSION: u8 = 1;

/// What a series did within one bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) events: u64,
    pub(crate) anomalies: u64,
    pub(crate) max_score: Option<f64>,
    /// Time of the newest event, microseconds since the epoch.
    pub(crate) newest: i64,
    /// By index of their name, rising.
    pub(crate) values: Vec<BucketValue>,
}

/// What one value did within a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BucketValue {
    /// Index of its name in the [`Shape`] of the series.
    pub(crate) name: u32,
    /// When it was last told: whose `last` and `expected` count. A bucket's own newest would not do, for a value may
    /// be missing in the newest part, and then the order of merging would show.
    pub(crate) at: i64,
    pub(crate) value: ValueHistory,
}

#[derive(Serialize, Deserialize)]
struct BucketV1 {
    events: u64,
    anomalies: u64,
    max_score: Option<f64>,
    newest: i64,
    values: Vec<BucketValueV1>,
}

#[derive(Serialize, Deserialize)]
struct BucketValueV1 {
    name: u32,
    /// Microseconds before the bucket's newest: mostly none, and so one byte.
    age: u64,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    last: f64,
    expected: Option<[f64; 3]>,
}

impl Bucket {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let value = |value: &BucketValue| BucketValueV1 {
            name: value.name,
            age: self.newest.abs_diff(value.at),
            count: value.value.count,
            sum: value.value.sum,
            min: value.value.min,
            max: value.value.max,
            last: value.value.last,
            expected: value.value.expected,
        };
        seal(&BucketV1 {
            events: self.events,
            anomalies: self.anomalies,
            max_score: self.max_score,
            newest: self.newest,
            values: self.values.iter().map(value).collect(),
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BlobError> {
        let bucket: BucketV1 = open(bytes)?;
        let value = |value: BucketValueV1| BucketValue {
            name: value.name,
            at: bucket.newest.saturating_sub_unsigned(value.age),
            value: ValueHistory {
                count: value.count,
                sum: value.sum,
                min: value.min,
                max: value.max,
                last: value.last,
                expected: value.expected,
            },
        };
        Ok(Self {
            events: bucket.events,
            anomalies: bucket.anomalies,
            max_score: bucket.max_score,
            newest: bucket.newest,
            values: bucket.values.into_iter().map(value).collect(),
        })
    }
}

/// What is rewritten with each commit that a series is part of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shape {
    /// Names of its values, in the order in which they were first seen.
    pub(crate) names: Vec<String>,
    /// The last of each, beside the names.
    pub(crate) last: Vec<LastValue>,
    /// The newest bucket of each level, with its begin. It is here, and no row of the history, until the next one begins:
    /// rows of many series share a page, the ends of their histories do not.
    pub(crate) open: [Option<(i64, Bucket)>; LEVELS.len()],
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastValue {
    pub(crate) at: i64,
    pub(crate) value: f64,
}

#[derive(Serialize, Deserialize)]
struct ShapeV1 {
    names: Vec<String>,
    last: Vec<LastValue>,
    open: Vec<OpenV1>,
}

#[derive(Serialize, Deserialize)]
struct OpenV1 {
    level: u8,
    at: i64,
    bucket: Vec<u8>,
}

impl Shape {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let open = self.open.iter().enumerate().filter_map(|(level, open)| {
            let (at, bucket) = open.as_ref()?;
            Some(OpenV1 {
                level: level as u8,
                at: *at,
                bucket: bucket.encode(),
            })
        });
        seal(&ShapeV1 {
            names: self.names.clone(),
            last: self.last.clone(),
            open: open.collect(),
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BlobError> {
        let shape: ShapeV1 = open(bytes)?;
        if shape.names.len() != shape.last.len() {
            return Err(BlobError::Damaged("names without values".to_owned()));
        }
        let mut open = [const { None }; LEVELS.len()];
        for saved in shape.open {
            let place = open
                .get_mut(usize::from(saved.level))
                .ok_or_else(|| BlobError::Damaged("a level that is none".to_owned()))?;
            *place = Some((saved.at, Bucket::decode(&saved.bucket)?));
        }
        Ok(Self {
            names: shape.names,
            last: shape.last,
            open,
        })
    }
}

fn seal(content: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(content, vec![VERSION]).expect("plain data always serialises into memory")
}

fn open<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, BlobError> {
    let (version, content) = bytes
        .split_first()
        .ok_or_else(|| BlobError::Damaged("it is empty".to_owned()))?;
    if *version != VERSION {
        return Err(BlobError::Version(*version));
    }
    match postcard::take_from_bytes(content) {
        Ok((content, [])) => Ok(content),
        Ok(_) => Err(BlobError::Damaged("bytes are left over".to_owned())),
        Err(error) => Err(BlobError::Damaged(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_come_back_and_damage_is_an_error() {
        let bucket = Bucket {
            events: 7,
            anomalies: 1,
            max_score: Some(0.75),
            newest: -5,
            values: vec![BucketValue {
                name: 3,
                at: -9,
                value: ValueHistory {
                    count: 7,
                    sum: 1.5,
                    min: f64::NEG_INFINITY,
                    max: 2.0,
                    last: 0.25,
                    expected: Some([0.0, 1.0, 2.0]),
                },
            }],
        };
        let bytes = bucket.encode();
        assert_eq!(Bucket::decode(&bytes), Ok(bucket));
        for len in 0..bytes.len() {
            assert!(Bucket::decode(&bytes[..len]).is_err(), "cut to {len}");
        }
        let mut newer = bytes.clone();
        newer[0] = 2;
        assert_eq!(Bucket::decode(&newer), Err(BlobError::Version(2)));

        let shape = Shape {
            names: vec!["a\0\u{1f9a4}".to_owned()],
            last: vec![LastValue { at: 1, value: 2.0 }],
            open: [None, Some((-3, Bucket::default())), None],
        };
        assert_eq!(Shape::decode(&shape.encode()), Ok(shape));
    }
}
