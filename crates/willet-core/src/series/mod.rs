//! One series by itself: a detector, its decisions, and the course of its values.
//!
//! What the engine does for a key of a stream, for callers who hold their series themselves (the Python package): rows go in, verdicts
//! come out, and they are those of the engine for the same rows, key, seed and configuration. Both have them of [`Judge`].

mod judge;
mod reason;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::decision::{Course, DataRange, Decision, DecisionConfig, DecisionV2, Policy};
use crate::detectors::{Detector, Kind, Options};
use crate::error::{ConfigError, RestoreError, WidthError};
use crate::features::Spacing;
use crate::random::series_seed;
use crate::rows::{Raw, Rows};

pub use judge::{Answer, Case, Judge, Reason, Ruling, Scored};
pub use reason::short;

/// Detector, decisions and course of one series.
#[derive(Debug)]
pub struct Series {
    kind: &'static Kind,
    detector: Box<dyn Detector>,
    names: Vec<String>,
    data_range: Option<DataRange>,
    policy: Policy,
    learned: Learned,
    learn_every: usize,
}

/// What a series remembers beside its detector.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Learned<D = Decision> {
    decision: D,
    course: Course,
    spacing: Spacing,
    /// Rows to be learned that wait for others.
    waiting: Vec<f64>,
    /// Rows that came since the waiting ones were last learned.
    since: u32,
}

impl From<Learned<DecisionV2>> for Learned {
    fn from(state: Learned<DecisionV2>) -> Self {
        Self {
            decision: state.decision.into(),
            course: state.course,
            spacing: state.spacing,
            waiting: state.waiting,
            since: state.since,
        }
    }
}

/// How a series is made.
#[derive(Clone, Debug)]
pub struct SeriesConfig<'a> {
    /// Kind of its detector.
    pub kind: &'static Kind,
    /// Settings of the detector.
    pub options: &'a Options,
    /// Names of the features; their number is the width of its rows.
    pub names: Vec<String>,
    /// The configured seed; the series' own is a hash of it, the key and the kind.
    pub seed: u64,
    /// Its key.
    pub key: &'a str,
    /// How it decides.
    pub decision: &'a DecisionConfig,
    /// How many rows are learned together: 1 learns each row as it comes, as the engine does.
    pub learn_every: usize,
}

impl SeriesConfig<'_> {
    fn own_seed(&self) -> u64 {
        series_seed(self.seed, self.key, self.kind.name)
    }
}

/// Version of what [`Series::save`] writes.
const VERSION: u16 = 2;

/// What stands behind the version; before version 2 decisions knew no sizes.
#[derive(Serialize, Deserialize)]
struct State<D = Decision> {
    detector_version: u16,
    detector: Vec<u8>,
    learned: Learned<D>,
}

impl From<State<DecisionV2>> for State {
    fn from(state: State<DecisionV2>) -> Self {
        Self {
            detector_version: state.detector_version,
            detector: state.detector,
            learned: state.learned.into(),
        }
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), postcard::Error> {
    postcard::take_from_bytes(bytes)
}

impl Series {
    /// A series that has learned nothing.
    pub fn new(config: &SeriesConfig<'_>) -> Result<Self, ConfigError> {
        let width = config.names.len();
        let detector = config
            .kind
            .build(config.options, width, config.own_seed())?;
        Self::with(config, detector, Learned::default())
    }

    fn with(
        config: &SeriesConfig<'_>,
        detector: Box<dyn Detector>,
        learned: Learned,
    ) -> Result<Self, ConfigError> {
        if config.learn_every == 0 {
            return Err(ConfigError::Value {
                name: "learn_every".to_owned(),
                found: "0".to_owned(),
                expected: "a whole number of 1 or more".to_owned(),
            });
        }
        let mut series = Self {
            kind: config.kind,
            detector,
            names: config.names.clone(),
            data_range: None,
            policy: Policy::default(),
            learned,
            learn_every: config.learn_every,
        };
        series.decide_by(config.decision)?;
        Ok(series)
    }

    /// Takes up what [`Series::save`] wrote, under the same configuration.
    pub fn restore(config: &SeriesConfig<'_>, bytes: &[u8]) -> Result<Self, RestoreError> {
        let damaged = |reason: &dyn ToString| RestoreError::damaged(config.kind.name, reason);
        let (version, bytes) = read(bytes).map_err(|error| damaged(&error))?;
        let read = match version {
            VERSION => read::<State>(bytes),
            1 => read::<State<DecisionV2>>(bytes).map(|(state, rest)| (state.into(), rest)),
            found => {
                return Err(RestoreError::Version {
                    kind: "series".to_owned(),
                    found,
                    newest: VERSION,
                });
            }
        };
        let (state, rest) = read.map_err(|error| damaged(&error))?;
        let width = config.names.len();
        let learned = &state.learned;
        let fits = rest.is_empty()
            && learned.decision.is_sound()
            && learned.course.is_sound()
            && learned.waiting.len().is_multiple_of(width.max(1));
        if !fits {
            return Err(damaged(&"its parts do not belong together"));
        }
        let detector = config.kind.restore(
            config.options,
            width,
            config.own_seed(),
            state.detector_version,
            &state.detector,
        )?;
        Self::with(config, detector, state.learned).map_err(|error| damaged(&error))
    }

    /// All it has learned; the configuration is not part of it.
    pub fn save(&self) -> Vec<u8> {
        let snapshot = self.detector.snapshot();
        let state = State {
            detector_version: snapshot.version,
            detector: snapshot.bytes,
            learned: self.learned.clone(),
        };
        postcard::to_allocvec(&(VERSION, state)).expect("plain data always serialises into memory")
    }

    /// Decides otherwise from now on; what was learned stays.
    pub fn decide_by(&mut self, decision: &DecisionConfig) -> Result<(), ConfigError> {
        self.policy = Policy::try_from(decision)?;
        self.data_range.clone_from(&decision.data_range);
        Ok(())
    }

    /// Whether it counts over event time, so that rows without a time cannot be judged.
    pub fn needs_time(&self) -> bool {
        self.policy.needs_time()
    }

    /// The detector, for what it can tell.
    pub fn detector(&self) -> &dyn Detector {
        &*self.detector
    }

    /// The detector by itself: what it learns this way the decisions do not know of.
    pub fn detector_mut(&mut self) -> &mut dyn Detector {
        &mut *self.detector
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.detector.memory_bytes()
            + self.learned.decision.heap_bytes()
            + self.learned.course.heap_bytes()
            + self.learned.waiting.capacity() * size_of::<f64>()
    }

    /// Judges a row, then learns it if it may be learned. `time` is event time in microseconds.
    pub fn take(&mut self, row: &[f64], time: Option<i64>) -> Result<Answer, WidthError> {
        let mut raw = [Raw::WarmingUp];
        let rows = Rows::one(row);
        // A row of another width is refused before anything changes.
        self.detector.score(rows, &mut raw[..rows.len()])?;
        if rows.is_empty() {
            return Err(WidthError {
                expected: self.names.len(),
                found: 0,
            });
        }
        let missing = time.map_or(0, |time| self.learned.spacing.push(time));
        if let Some(step) = self.learned.spacing.even_step() {
            self.detector.keep_pace(step);
        }
        if missing > 0 {
            let none = vec![f64::NAN; self.names.len()];
            for _ in 0..missing {
                self.detector.pass(Rows::one(&none))?;
            }
            self.detector.score(rows, &mut raw)?;
        }
        let case = Case {
            row,
            raw: raw[0],
            time,
            is_outside: self
                .data_range
                .as_ref()
                .is_some_and(|range| range.excludes_any(&self.names, row)),
        };
        let mut judge = Judge {
            detector: &*self.detector,
            decision: &mut self.learned.decision,
            course: &mut self.learned.course,
            policy: &self.policy,
            is_categorical: self.kind.categorical,
        };
        let ruling = judge.judge(case)?;
        self.absorb(row, ruling.learn)?;
        Ok(ruling.answer)
    }

    /// Learns now what waits to be learned together.
    pub fn flush(&mut self) {
        self.learned.since = 0;
        let waiting = std::mem::take(&mut self.learned.waiting);
        if let Ok(rows) = Rows::new(&waiting, self.names.len()) {
            self.detector
                .learn(rows)
                .expect("rows that wait have the width they were scored with");
        }
    }

    fn absorb(&mut self, row: &[f64], learn: bool) -> Result<(), WidthError> {
        if self.learn_every == 1 {
            return if learn {
                self.detector.learn(Rows::one(row))
            } else {
                self.detector.pass(Rows::one(row))
            };
        }
        if learn {
            self.learned.waiting.extend_from_slice(row);
        }
        self.learned.since += 1;
        if self.learned.since as usize >= self.learn_every {
            self.flush();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::AnomalyType;
    use crate::detectors::find;
    use crate::random::Random;
    use crate::settings::Value;

    fn config<'a>(
        options: &'a Options,
        decision: &'a DecisionConfig,
        kind: &'static Kind,
    ) -> SeriesConfig<'a> {
        SeriesConfig {
            kind,
            options,
            names: vec!["a".to_owned(), "b".to_owned()],
            seed: 7,
            key: "pump",
            decision,
            learn_every: 1,
        }
    }

    fn rows(n: usize) -> Vec<[f64; 2]> {
        let mut random = Random::new(1);
        (0..n).map(|_| [random.unit(), random.unit()]).collect()
    }

    #[test]
    fn a_spike_is_an_anomaly_that_says_why() {
        let (kind, options) = find("zscore").expect("known");
        let decision = DecisionConfig::default();
        let mut series = Series::new(&config(&options, &decision, kind)).expect("valid");
        for row in rows(500) {
            let _ = series.take(&row, None).expect("the width");
        }
        let Answer::Scored(scored) = series.take(&[0.5, 9.0], None).expect("the width") else {
            panic!("warm after 500 rows");
        };
        let reason = scored.reason.expect("an anomaly");
        assert_eq!(reason.explanation.main_feature(), Some(1));
        assert_eq!(reason.anomaly_type, Some(AnomalyType::Spike));
        assert_eq!(reason.counterfactual[0].0, 1);
        assert!(scored.anomaly_score >= scored.threshold);
    }

    #[test]
    fn a_restored_series_goes_on_as_before_and_a_wrong_width_changes_nothing() {
        for learn_every in [1, 10] {
            let (kind, options) = find("iforest").expect("known");
            let decision = DecisionConfig::default();
            let config = SeriesConfig {
                learn_every,
                ..config(&options, &decision, kind)
            };
            let mut whole = Series::new(&config).expect("valid");
            for (i, row) in rows(403).iter().enumerate() {
                let _ = whole
                    .take(row, Some(i as i64 * 1_000_000))
                    .expect("the width");
            }
            assert!(whole.take(&[1.0], None).is_err() && whole.take(&[], None).is_err());
            let mut restored = Series::restore(&config, &whole.save()).expect("sound");
            for row in rows(100) {
                assert_eq!(whole.take(&row, None), restored.take(&row, None));
            }
            assert!(Series::restore(&config, &whole.save()[1..]).is_err());
        }
    }

    #[test]
    fn given_seasons_are_taken_up_and_go_on_after_a_restore() {
        let (kind, mut options) = find("auto").expect("known");
        options.push(("seasonality".to_owned(), Value::Text("hour, 3h".to_owned())));
        let decision = DecisionConfig::default();
        let config = config(&options, &decision, kind);
        let mut random = Random::new(5);
        let mut row = |minute: usize| {
            let busy = f64::from(u8::from(minute % 60 < 20));
            let time = minute as i64 * 60_000_000;
            (
                [busy + 0.1 * random.unit(), 0.1 * random.unit()],
                Some(time),
            )
        };
        let mut whole = Series::new(&config).expect("valid");
        for minute in 0..700 {
            let (row, time) = row(minute);
            let _ = whole.take(&row, time).expect("the width");
            if minute % 97 == 0 {
                let restored = Series::restore(&config, &whole.save()).expect("sound");
                assert_eq!(restored.save(), whole.save(), "{minute}");
                whole = restored;
            }
        }
        let about = whole.detector().about().expect("seasons");
        assert!(
            about.contains("season of 180 rows in feature 0 (given)"),
            "{about}"
        );
    }

    #[test]
    fn rows_that_are_learned_together_wait_for_each_other() {
        let (kind, options) = find("zscore").expect("known");
        let decision = DecisionConfig::default();
        let config = SeriesConfig {
            learn_every: 50,
            ..config(&options, &decision, kind)
        };
        let mut series = Series::new(&config).expect("valid");
        for row in &rows(49) {
            assert_eq!(series.take(row, None), Ok(Answer::WarmingUp));
        }
        let mut raw = [Raw::WarmingUp];
        let row = [0.1, 0.2];
        series
            .detector()
            .score(Rows::one(&row), &mut raw)
            .expect("the width");
        assert_eq!(raw[0], Raw::WarmingUp);
        let _ = series.take(&row, None).expect("the width");
        series
            .detector()
            .score(Rows::one(&row), &mut raw)
            .expect("the width");
        assert!(raw[0].score().is_some());
    }
}
