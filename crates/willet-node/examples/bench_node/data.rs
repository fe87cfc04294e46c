//! The same rows for every measurement and every peer: normal noise around a level of its own for each feature.

use std::io::Write as _;
use std::sync::Arc;

use willet_core::random::Random;
use willet_engine::codec::{Column, InputConfig, Role};
use willet_engine::event::{EventBatch, EventHead, Layout, Timestamp, key_hash};
use willet_engine::records::{RecordKind, Records};

use crate::Result;

pub(crate) const HASH_SEED: u64 = 0;
/// Time of the first row, in seconds; one second a row.
const FIRST: i64 = 1_767_225_600;

/// Normal noise, twelve uniforms at a time (their sum has variance 1): cheap and the same everywhere.
pub(crate) struct Noise(Random);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    pub(crate) fn normal(&mut self) -> f64 {
        // Four 16-bit lanes of three draws.
        let mut sum = 0;
        for _ in 0..3 {
            let bits = self.0.bits();
            sum += (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        }
        sum as f64 / 65_536.0 - 6.0
    }

    /// As a sensor would say it: three decimals.
    pub(crate) fn reading(&mut self, feature: usize) -> f64 {
        let value = 20.0 + 5.0 * feature as f64 + 2.0 * self.normal();
        (value * 1e3).round() / 1e3
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }
}

pub(crate) fn key_name(key: usize) -> String {
    format!("sensor-{key:07}")
}

/// What rows look like.
pub(crate) struct Load {
    pub(crate) width: usize,
    pub(crate) keys: usize,
}

impl Load {
    pub(crate) fn new(width: usize, keys: usize) -> Self {
        Self { width, keys }
    }

    /// Rows of keys in random order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, Vec<f64>)> {
        let (width, keys) = (self.width, self.keys);
        let mut noise = Noise::new(1);
        std::iter::repeat_with(move || {
            let key = noise.below(keys);
            let values = (0..width).map(|feature| noise.reading(feature)).collect();
            (key, values)
        })
    }

    /// Decoded batches, without end: no row comes twice, or a digest would hold few values and a branch be known by heart.
    pub(crate) fn batches(&self, events: usize) -> impl Iterator<Item = EventBatch> {
        let layout = Arc::new(Layout::positional(self.width));
        let mut rows = self.rows();
        let mut second = FIRST;
        std::iter::repeat_with(move || {
            let mut batch = EventBatch::new();
            for (key, values) in rows.by_ref().take(events) {
                let key = key_name(key);
                second += 1;
                let head = EventHead {
                    offset: 0,
                    key: &key,
                    key_hash: key_hash(HASH_SEED, &key),
                    id_hash: None,
                    time: Some(Timestamp(second * 1_000_000)),
                    label: None,
                };
                batch.push(head, &layout, &values);
            }
            batch
        })
    }

    pub(crate) fn csv(&self) -> InputConfig {
        let fixed = [
            Column::new("timestamp", Role::Timestamp),
            Column::new("source", Role::Key),
        ];
        let values = (0..self.width).map(|index| Column::new(format!("v{index}"), Role::Value));
        InputConfig::csv(fixed.into_iter().chain(values))
    }

    /// The same rows as records of a form.
    pub(crate) fn records(&self, form: &str, events: usize) -> impl Iterator<Item = Records> {
        let mut rows = self.rows();
        let mut second = FIRST;
        let is_csv = form == "csv";
        std::iter::repeat_with(move || {
            let mut records = Records::new();
            for (index, (key, values)) in rows.by_ref().take(events).enumerate() {
                second += 1;
                let key = key_name(key);
                let text = if is_csv {
                    let values: Vec<String> = values.iter().map(f64::to_string).collect();
                    format!("{second},{key},{}", values.join(","))
                } else {
                    format!(
                        r#"{{"source": "{key}", "timestamp": {second}, "features": {values:?}}}"#
                    )
                };
                records.push(index as u64, RecordKind::Event, 0, text.as_bytes());
            }
            records
        })
    }
}

/// Prints rows as CSV: `key,v0,v1,...`, or without keys only values.
pub(crate) fn write_rows(width: usize, keys: usize, count: usize) -> Result<()> {
    let mut out = std::io::BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let key = if keys > 0 { "key," } else { "" };
    let names: Vec<String> = (0..width).map(|index| format!("v{index}")).collect();
    writeln!(out, "{key}{}", names.join(","))?;
    for (key, values) in Load::new(width, keys.max(1)).rows().take(count) {
        if keys > 0 {
            write!(out, "{},", key_name(key))?;
        }
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                out.write_all(b",")?;
            }
            write!(out, "{value}")?;
        }
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
