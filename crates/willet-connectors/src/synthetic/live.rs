//! A generated stream in real time: each row comes when its time has come.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use willet_engine::codec::timestamp::write_rfc3339;
use willet_engine::event::Timestamp;
use willet_engine::records::{RecordKind, Records};

use super::config::{RowFormat, SyntheticConfig};
use super::source::Generator;
use crate::framing::Rejected;
use crate::places::Places;
use crate::settings;
use crate::source::{Cursor, Progress, Pull, Source, SourceError};

/// Rows whose times are those of the wall. A new one begins in the past, so that there is something to learn from at once;
/// one that goes on after a restart begins now.
#[derive(Debug)]
pub struct LiveSource {
    config: SyntheticConfig,
    clock: fn() -> i64,
    generator: Generator,
    start: i64,
    row: Vec<u8>,
    due: i64,
    places: Places,
}

/// Generated events in real time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(default)]
pub struct LiveConfig {
    /// Seconds of the past that the first start begins with.
    pub backfill_s: f64,
    /// What is generated.
    #[serde(flatten)]
    pub stream: SyntheticConfig,
}

impl LiveConfig {
    /// Reads it; a setting that is not one of these is refused, which serde cannot do of a flattened part.
    pub(crate) fn read(given: &Value) -> Result<Self, SourceError> {
        let mut stream = given.clone();
        let backfill = stream
            .as_object_mut()
            .and_then(|it| it.remove("backfill_s"));
        Ok(Self {
            backfill_s: backfill.map_or(Ok(0.0), |backfill| settings(&backfill))?,
            stream: settings(&stream)?,
        })
    }

    /// Whether everything fits together.
    pub fn validate(&self) -> Result<(), SourceError> {
        if !(0.0..=1e8).contains(&self.backfill_s) {
            return Err(SourceError::Config {
                field: "backfill_s".to_owned(),
                got: self.backfill_s.to_string(),
                allowed: "0 to 100,000,000".to_owned(),
            });
        }
        self.stream.validate().map(|_| ())
    }
}

impl LiveSource {
    /// A source of what `config` says; `start`, `count` and `format` of its stream are not used. `clock` gives microseconds since
    /// the epoch.
    pub fn new(config: &LiveConfig, clock: fn() -> i64) -> Result<Self, SourceError> {
        config.validate()?;
        let LiveConfig { backfill_s, stream } = config;
        let start = clock() - (backfill_s * 1e6) as i64;
        let mut live = Self {
            generator: Generator::new(&starting(stream, start))?,
            config: stream.clone(),
            clock,
            start,
            row: Vec::new(),
            due: i64::MIN,
            places: Places::default(),
        };
        live.advance();
        Ok(live)
    }

    fn advance(&mut self) {
        self.due = self.start + (self.generator.next_seconds() * 1e6) as i64;
        self.row.clear();
        self.generator.next_row(&mut self.row);
    }
}

fn starting(config: &SyntheticConfig, start: i64) -> SyntheticConfig {
    let mut text = Vec::new();
    write_rfc3339(&mut text, Timestamp(start));
    SyntheticConfig {
        start: String::from_utf8_lossy(&text).into_owned(),
        count: None,
        format: RowFormat::Json,
        ..config.clone()
    }
}

impl Source for LiveSource {
    fn name(&self) -> &'static str {
        "synthetic"
    }

    fn read(&mut self, out: &mut Records, max_bytes: usize) -> Result<Pull, SourceError> {
        let now = (self.clock)();
        let limit = out.byte_len() + max_bytes.max(1);
        let first = out.len();
        while out.byte_len() < limit && self.due <= now {
            out.push(self.generator.made(), RecordKind::Event, 0, &self.row);
            self.advance();
        }
        Ok(if out.len() > first {
            Pull::Records
        } else {
            Pull::Idle
        })
    }

    fn cursor(&self) -> Cursor {
        // That there is one says that it has begun.
        Cursor::of(&"begun")
    }

    /// Goes on now: what would have come meanwhile never was.
    fn seek(&mut self, _cursor: &Cursor) -> Result<(), SourceError> {
        let now = (self.clock)();
        // Another seed than before, and than at any other restart: the same troubles at the same distance from each start
        // would be a season.
        let config = SyntheticConfig {
            seed: self.config.seed ^ now as u64,
            quiet_events: 0,
            ..self.config.clone()
        };
        self.start = now;
        self.generator = Generator::new(&starting(&config, now))?;
        self.advance();
        Ok(())
    }

    fn progress(&self) -> Option<Progress> {
        None
    }

    fn places(&self) -> &Places {
        &self.places
    }

    fn take_rejected(&mut self) -> Vec<Rejected> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000_000);

    fn clock() -> i64 {
        NOW.load(Ordering::SeqCst)
    }

    #[test]
    fn rows_come_when_their_time_has_come_and_a_restart_does_not_repeat_them() {
        let config = LiveConfig {
            backfill_s: 60.0,
            stream: SyntheticConfig {
                interval_s: 1.0,
                keys: 2,
                ..SyntheticConfig::default()
            },
        };
        let mut live = LiveSource::new(&config, clock).expect("valid");
        let mut records = Records::new();
        assert_eq!(
            live.read(&mut records, 1 << 20).expect("made"),
            Pull::Records
        );
        assert_eq!(records.len(), 2 * 61, "a minute back, and now");
        assert_eq!(live.read(&mut records, 1 << 20).expect("made"), Pull::Idle);
        NOW.fetch_add(1_000_000, Ordering::SeqCst);
        records.clear();
        live.read(&mut records, 1 << 20).expect("made");
        assert_eq!(records.len(), 2);

        let mut again = LiveSource::new(&config, clock).expect("valid");
        again.seek(&live.cursor()).expect("always");
        records.clear();
        again.read(&mut records, 1 << 20).expect("made");
        assert_eq!(records.len(), 2, "from now on only");
    }
}
