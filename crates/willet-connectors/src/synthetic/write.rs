//! Rows as text.

use willet_engine::codec::timestamp::write_rfc3339;
use willet_engine::event::Timestamp;

use super::config::{RowFormat, SyntheticConfig, TroubleKind};

/// Writes rows of one stream.
#[derive(Debug)]
pub(super) struct Writer {
    format: RowFormat,
    names: Vec<String>,
    decimals: u8,
    power: f64,
}

impl Writer {
    pub(super) fn new(config: &SyntheticConfig) -> Self {
        Self {
            format: config.format,
            names: config.value_names(),
            decimals: config.decimals,
            power: (0..config.decimals).fold(1.0, |power, _| power * 10.0),
        }
    }

    /// The CSV header with its line end; nothing for NDJSON.
    pub(super) fn header(&self) -> String {
        match self.format {
            RowFormat::Csv => format!("timestamp,source,{},label,kind\n", self.names.join(",")),
            RowFormat::Json => String::new(),
        }
    }

    /// Writes a row without a line end.
    pub(super) fn row(
        &self,
        out: &mut Vec<u8>,
        time: Timestamp,
        source: &str,
        values: &[f64],
        trouble: Option<TroubleKind>,
    ) {
        let label = if trouble.is_some() { b'1' } else { b'0' };
        match self.format {
            RowFormat::Csv => {
                write_rfc3339(out, time);
                out.push(b',');
                out.extend_from_slice(source.as_bytes());
                for value in values {
                    out.push(b',');
                    self.number(out, *value, b"");
                }
                out.extend_from_slice(&[b',', label, b',']);
                out.extend_from_slice(trouble.map_or("", TroubleKind::name).as_bytes());
            }
            RowFormat::Json => {
                out.extend_from_slice(b"{\"timestamp\":\"");
                write_rfc3339(out, time);
                out.extend_from_slice(b"\",\"source\":\"");
                out.extend_from_slice(source.as_bytes());
                out.extend_from_slice(b"\",\"values\":{");
                for (index, (name, value)) in self.names.iter().zip(values).enumerate() {
                    out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
                    out.extend_from_slice(name.as_bytes());
                    out.extend_from_slice(b"\":");
                    self.number(out, *value, b"null");
                }
                out.extend_from_slice(b"},\"label\":");
                out.push(label);
                if let Some(trouble) = trouble {
                    out.extend_from_slice(b",\"kind\":\"");
                    out.extend_from_slice(trouble.name().as_bytes());
                    out.push(b'"');
                }
                out.push(b'}');
            }
        }
    }

    /// Writes a number with the digits configured, by way of an integer: printing floats exactly costs ten times as much.
    fn number(&self, out: &mut Vec<u8>, value: f64, missing: &[u8]) {
        /// Digits of the largest u64, and the point.
        const WIDEST: usize = 21;
        if value.is_nan() {
            out.extend_from_slice(missing);
            return;
        }
        let scaled = libm::round(value * self.power) as i64;
        if scaled < 0 {
            out.push(b'-');
        }
        let mut rest = scaled.unsigned_abs();
        let mut digits = [b'0'; WIDEST];
        let mut at = WIDEST;
        let mut written = 0;
        while rest > 0 || written <= self.decimals {
            if written == self.decimals && written > 0 {
                at -= 1;
                digits[at] = b'.';
            }
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            written += 1;
        }
        out.extend_from_slice(&digits[at..]);
    }
}
