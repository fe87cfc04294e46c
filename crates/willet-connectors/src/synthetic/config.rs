//! What a generated stream is like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use willet_engine::codec::TimestampUnit;
use willet_engine::codec::timestamp;
use willet_engine::event::Timestamp;

use crate::source::SourceError;

/// A generated stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SyntheticConfig {
    /// Series in the stream; their events take turns.
    pub keys: usize,
    /// Their names; `machine-1` and so on where there are too few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Values of an event.
    pub width: usize,
    /// Their names; chosen where there are too few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Events in all; without end if absent.
    pub count: Option<u64>,
    /// Seconds of event time between two events of a key.
    pub interval_s: f64,
    /// Events of all keys together in a second of event time, instead of `interval_s`.
    pub rate: Option<f64>,
    /// Decides everything random.
    pub seed: u64,
    /// Time of the first event.
    pub start: String,
    /// What the values do when nothing is wrong.
    pub shape: Shape,
    /// About where the values lie; each key differs.
    pub level: f64,
    /// What comes again and again.
    pub seasons: Vec<Season>,
    /// Rise in a day.
    pub trend_per_day: f64,
    /// Standard deviation of the noise.
    pub noise: f64,
    /// Its distribution.
    pub noise_kind: NoiseKind,
    /// Digits after the point.
    pub decimals: u8,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// First events of each key in which nothing goes wrong.
    pub quiet_events: u64,
    /// CSV or NDJSON.
    pub format: RowFormat,
}

/// What values do when nothing is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Smooth seasons and noise: a temperature, a load.
    #[default]
    Seasonal,
    /// Seasonal whole numbers from 0 whose noise grows with them: requests, errors.
    Counts,
    /// Seasons and a random walk that returns: a level, a price.
    Walk,
    /// On and off, 24 times in the first season: a compressor, a batch job.
    Cycles,
}

/// Something that comes again and again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// Seconds from one to the next.
    pub period_s: f64,
    /// Half of its height.
    pub amplitude: f64,
}

/// Distribution of the noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseKind {
    /// Normal.
    #[default]
    Normal,
    /// Student's t with 3 degrees of freedom, scaled to the same deviation: far values that are not trouble.
    Heavy,
}

/// Trouble of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// What happens.
    pub kind: TroubleKind,
    /// Share of a key's events that are inside it.
    pub share: f64,
    /// Events of the key it lasts, at least.
    pub length_min: u64,
    /// And at most.
    pub length_max: u64,
    /// How strong it is, in standard deviations of the noise.
    pub strength: f64,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// Values jump up.
    Spike,
    /// Values drop.
    Dip,
    /// Values stand higher or lower.
    LevelShift,
    /// Values are missing.
    Dropout,
    /// Values do not move.
    FlatLine,
    /// The noise is larger.
    Variance,
    /// Values leave slowly.
    Drift,
}

impl TroubleKind {
    /// Its name in the rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spike => "spike",
            Self::Dip => "dip",
            Self::LevelShift => "level_shift",
            Self::Dropout => "dropout",
            Self::FlatLine => "flat_line",
            Self::Variance => "variance",
            Self::Drift => "drift",
        }
    }
}

/// Form of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RowFormat {
    /// `timestamp,source,<values>,label,kind`.
    #[default]
    Csv,
    /// The same names, values under `values`.
    Json,
}

impl Default for SyntheticConfig {
    fn default() -> Self {
        const DAY: f64 = 86_400.0;
        let trouble = |kind, share, (length_min, length_max), strength| Trouble {
            kind,
            share,
            length_min,
            length_max,
            strength,
        };
        Self {
            keys: 1,
            sources: Vec::new(),
            width: 1,
            values: Vec::new(),
            count: Some(10_000),
            interval_s: 60.0,
            rate: None,
            seed: 0,
            start: "2026-01-05T00:00:00Z".to_owned(),
            shape: Shape::default(),
            level: 50.0,
            seasons: vec![
                Season {
                    period_s: DAY,
                    amplitude: 8.0,
                },
                Season {
                    period_s: 7.0 * DAY,
                    amplitude: 3.0,
                },
            ],
            trend_per_day: 0.0,
            noise: 1.0,
            noise_kind: NoiseKind::default(),
            decimals: 3,
            troubles: vec![
                trouble(TroubleKind::Spike, 0.001, (1, 3), 10.0),
                trouble(TroubleKind::Dip, 0.001, (1, 3), 10.0),
                trouble(TroubleKind::LevelShift, 0.003, (30, 120), 7.0),
                trouble(TroubleKind::Dropout, 0.001, (5, 30), 1.0),
                trouble(TroubleKind::FlatLine, 0.002, (30, 90), 1.0),
                trouble(TroubleKind::Variance, 0.003, (40, 120), 4.0),
                trouble(TroubleKind::Drift, 0.003, (100, 300), 9.0),
            ],
            quiet_events: 500,
            format: RowFormat::default(),
        }
    }
}

impl SyntheticConfig {
    /// Names of the values.
    pub fn value_names(&self) -> Vec<String> {
        const NAMES: [&str; 8] = [
            "temperature",
            "pressure",
            "vibration",
            "current",
            "speed",
            "flow",
            "humidity",
            "voltage",
        ];
        let name = |index: usize| match self.values.get(index) {
            Some(name) => name.clone(),
            None if self.width == 1 => "value".to_owned(),
            None => NAMES
                .get(index)
                .map_or_else(|| format!("v{index}"), |name| (*name).to_owned()),
        };
        (0..self.width).map(name).collect()
    }

    /// Whether everything fits together; gives the time of the first event.
    pub fn validate(&self) -> Result<Timestamp, SourceError> {
        /// Series are held in memory.
        const MAX_KEYS: usize = 10_000_000;
        const MAX_WIDTH: usize = 1_024;
        /// More digits than this do not fit the integer they are written by.
        const MAX_DECIMALS: u8 = 9;
        let positive = |number: f64| number > 0.0 && number.is_finite();
        check(
            (1..=MAX_KEYS).contains(&self.keys),
            "keys",
            self.keys,
            "1 to 10,000,000",
        )?;
        check(
            (1..=MAX_WIDTH).contains(&self.width),
            "width",
            self.width,
            "1 to 1,024",
        )?;
        // Rows are written by hand, fast: a name must need no quoting in CSV and no escape in JSON.
        let is_plain = |name: &&String| {
            !name.is_empty() && !name.contains(['"', '\\', ',']) && !name.contains(char::is_control)
        };
        let odd = self
            .sources
            .iter()
            .chain(&self.values)
            .find(|name| !is_plain(name));
        check(
            odd.is_none(),
            "sources, values",
            format!("{:?}", odd.map_or("", |name| name)),
            "names without quotes, commas, backslashes and control characters",
        )?;
        check(
            positive(self.interval_s),
            "interval_s",
            self.interval_s,
            "a number above 0",
        )?;
        let rate = self.rate.unwrap_or(1.0);
        check(positive(rate), "rate", rate, "a number above 0")?;
        check(
            self.decimals <= MAX_DECIMALS,
            "decimals",
            self.decimals,
            "0 to 9",
        )?;
        let sizes = [
            ("level", self.level),
            ("trend_per_day", self.trend_per_day),
            ("noise", self.noise),
        ];
        for (name, size) in sizes {
            check(size.abs() <= 1e9, name, size, "-1e9 to 1e9")?;
        }
        check(self.noise >= 0.0, "noise", self.noise, "0 or more")?;
        for (index, season) in self.seasons.iter().enumerate() {
            let field = format!("seasons[{index}].period_s");
            check(
                positive(season.period_s),
                &field,
                season.period_s,
                "a number above 0",
            )?;
            let field = format!("seasons[{index}].amplitude");
            check(
                season.amplitude.abs() <= 1e9,
                &field,
                season.amplitude,
                "-1e9 to 1e9",
            )?;
        }
        self.validate_troubles()?;
        timestamp::parse(&self.start, TimestampUnit::Auto).map_err(|_| SourceError::Config {
            field: "start".to_owned(),
            got: format!("\"{}\"", self.start),
            allowed: "a time such as 2026-01-05T00:00:00Z".to_owned(),
        })
    }

    fn validate_troubles(&self) -> Result<(), SourceError> {
        /// Beyond this the trouble is what is normal.
        const MAX_SHARE: f64 = 0.5;
        for (index, trouble) in self.troubles.iter().enumerate() {
            let field = |name: &str| format!("troubles[{index}].{name}");
            let share = trouble.share;
            check(
                (0.0..=MAX_SHARE).contains(&share),
                &field("share"),
                share,
                "0 to 0.5",
            )?;
            check(
                trouble.length_min > 0,
                &field("length_min"),
                trouble.length_min,
                "1 or more",
            )?;
            check(
                (trouble.length_min..=1 << 32).contains(&trouble.length_max),
                &field("length_max"),
                trouble.length_max,
                "at least length_min",
            )?;
            check(
                trouble.strength.abs() <= 1e9,
                &field("strength"),
                trouble.strength,
                "-1e9 to 1e9",
            )?;
        }
        let total: f64 = self.troubles.iter().map(|trouble| trouble.share).sum();
        check(
            total <= MAX_SHARE,
            "troubles",
            format!("{total} of all events"),
            "shares of 0.5 together",
        )
    }
}

fn check(
    holds: bool,
    field: &str,
    got: impl std::fmt::Display,
    allowed: &str,
) -> Result<(), SourceError> {
    if holds {
        return Ok(());
    }
    Err(SourceError::Config {
        field: field.to_owned(),
        got: got.to_string(),
        allowed: allowed.to_owned(),
    })
}
