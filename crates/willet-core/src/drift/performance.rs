//! Drift of a detector's own performance: its share of anomalies, or how well it agrees with labels, some of which come late.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::contract::{Drift, Level};
use crate::detectors::{Options, Snapshot};
use crate::error::{ConfigError, RestoreError};
use crate::settings::{Choice, SettingSpec, Settings};

crate::settings! {
    /// Settings of [`PerformanceDrift`].
    struct PerformanceConfig {
        /// What is watched: the anomaly rate (needs no labels), accuracy, precision, recall or F1.
        metric: Metric = Metric::AnomalyRate, ();
        /// Newest samples (with labels, those that have one) that are compared with as many before them.
        window_size: usize = 500, 8..=100_000;
        /// A smaller change of the metric is no drift.
        threshold: f64 = 0.1, 0.0..=1.0;
        /// Samples that both windows must hold before they are compared.
        min_samples: usize = 100, 2..=100_000;
    }
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Share of samples judged anomalous; a change up or down is a drift.
    AnomalyRate,
    /// Share of samples judged as labelled; a fall is a drift, as it is of those below.
    Accuracy,
    /// Share of labelled anomalies among those judged anomalous.
    Precision,
    /// Share of those judged anomalous among labelled anomalies.
    Recall,
    /// Harmonic mean of both.
    F1,
}

impl Choice for Metric {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("anomaly_rate", Self::AnomalyRate),
        ("accuracy", Self::Accuracy),
        ("precision", Self::Precision),
        ("recall", Self::Recall),
        ("f1", Self::F1),
    ];
}

/// Compares a metric over the newest samples with what it was over the first ones.
///
/// The reference is the first `window_size` samples (since the last drift), the window the newest so many after it. There is a drift
/// where the metric has changed by more than `threshold` and by more than three standard errors, so that small windows do not alarm by
/// chance. After a drift the window is the new reference.
///
/// A verdict is remembered until its label comes, at most `4 · window_size` verdicts: a label for an older one is refused. Memory about
/// `6 · window_size` bytes and `O(1)` a sample.
///
/// ```
/// use willet_core::drift::PerformanceDrift;
/// use willet_core::settings::Value;
///
/// let options = vec![("metric".to_owned(), Value::Text("accuracy".to_owned()))];
/// let mut drift = PerformanceDrift::new(&options)?;
/// let mut found = 0;
/// for sample in 0..3_000_u64 {
///     drift.update(sample % 50 == 0);
///     // From sample 1,500 on every second verdict is wrong; each label comes 10 samples late.
///     if let Some(late) = sample.checked_sub(10) {
///         let truth = (late % 50 == 0) != (late >= 1_500 && late % 2 == 0);
///         found += u32::from(drift.add_label(late, truth)?.is_drift());
///     }
/// }
/// assert!(found >= 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PerformanceDrift {
    config: PerformanceConfig,
    state: State,
}

/// Saved as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    /// Samples so far.
    samples: u64,
    /// Verdicts of the newest samples, oldest first; `None` once labelled.
    waiting: VecDeque<Option<bool>>,
    reference: Counts,
    window: Counts,
    /// What the window counts, oldest first.
    outcomes: VecDeque<Outcome>,
}

/// A verdict beside its label. Without a label all count as labelled normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Outcome {
    judged: bool,
    labelled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    /// Judged anomalous and labelled so; judged only; labelled only; neither.
    both: u64,
    judged: u64,
    labelled: u64,
    neither: u64,
}

impl Counts {
    fn place(&mut self, outcome: Outcome) -> &mut u64 {
        match (outcome.judged, outcome.labelled) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.judged,
            (false, true) => &mut self.labelled,
            (false, false) => &mut self.neither,
        }
    }

    fn total(&self) -> u64 {
        self.both + self.judged + self.labelled + self.neither
    }

    /// The metric as a share: what counts of how many; `None` where there is nothing to count.
    fn share(&self, metric: Metric) -> Option<(f64, f64)> {
        let (part, whole) = match metric {
            Metric::AnomalyRate => (self.both + self.judged, self.total()),
            Metric::Accuracy => (self.both + self.neither, self.total()),
            Metric::Precision => (self.both, self.both + self.judged),
            Metric::Recall => (self.both, self.both + self.labelled),
            Metric::F1 => (2 * self.both, 2 * self.both + self.judged + self.labelled),
        };
        (whole > 0).then(|| (part as f64 / whole as f64, whole as f64))
    }

    fn is_sound(&self) -> bool {
        [self.both, self.judged, self.labelled, self.neither]
            .iter()
            .all(|count| *count <= 1 << 32)
    }
}

/// A label for a sample that is not waiting for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The sample has not come yet.
    #[error("label is for sample {sample}, but only {samples} have come (the first one is 0)")]
    Unknown {
        /// The label's sample.
        sample: u64,
        /// Samples so far.
        samples: u64,
    },
    /// The sample's verdict is forgotten.
    #[error(
        "label is for sample {sample}, verdicts before sample {oldest} are forgotten (a larger window_size remembers more)"
    )]
    Forgotten {
        /// The label's sample.
        sample: u64,
        /// The oldest sample whose verdict is remembered.
        oldest: u64,
    },
    /// The sample has its label.
    #[error("sample {sample} has been labelled before")]
    Repeated {
        /// The label's sample.
        sample: u64,
    },
    /// The metric needs no labels.
    #[error("anomaly_rate uses no labels (metric accuracy, precision, recall or f1 does)")]
    Unused,
}

/// Verdicts that are remembered for their labels, in windows.
const WAITING: usize = 4;
/// Standard errors that a change must exceed.
const ERRORS: f64 = 3.0;
const NAME: &str = "performance";
const STATE_VERSION: u16 = 1;

impl PerformanceDrift {
    /// Its settings: `metric`, `window_size`, `threshold`, `min_samples`.
    pub const SETTINGS: &'static [SettingSpec] = PerformanceConfig::SPECS;

    /// One that has seen nothing.
    pub fn new(options: &Options) -> Result<Self, ConfigError> {
        let options = options.iter().map(|(name, value)| (name.as_str(), value));
        let config = PerformanceConfig::from_values(options)?;
        config.check()?;
        if config.min_samples > config.window_size {
            return Err(ConfigError::Value {
                name: "min_samples".to_owned(),
                found: config.min_samples.to_string(),
                expected: format!("at most window_size, which is {}", config.window_size),
            });
        }
        let state = State {
            samples: 0,
            waiting: VecDeque::new(),
            reference: Counts::default(),
            window: Counts::default(),
            outcomes: VecDeque::new(),
        };
        Ok(Self { config, state })
    }

    /// What is watched.
    pub fn metric(&self) -> Metric {
        self.config.metric
    }

    /// Verdicts that wait for their labels at most.
    pub fn remembers(&self) -> usize {
        WAITING * self.config.window_size
    }

    /// Samples so far: the next one has this number.
    pub fn samples(&self) -> u64 {
        self.state.samples
    }

    /// The metric over the newest samples, in 0..=1; `None` while there is nothing to count.
    pub fn current(&self) -> Option<f64> {
        let (share, _) = self.state.window.share(self.config.metric)?;
        Some(share)
    }

    /// The metric over the reference, in 0..=1; `None` while there is nothing to count.
    pub fn reference(&self) -> Option<f64> {
        let (share, _) = self.state.reference.share(self.config.metric)?;
        Some(share)
    }

    /// Takes in the verdict of the next sample. With a metric that needs labels the answer is always none: it comes with the label.
    pub fn update(&mut self, is_anomaly: bool) -> Drift {
        self.state.samples += 1;
        if self.config.metric == Metric::AnomalyRate {
            return self.count(Outcome {
                judged: is_anomaly,
                labelled: false,
            });
        }
        if self.state.waiting.len() == WAITING * self.config.window_size {
            self.state.waiting.pop_front();
        }
        self.state.waiting.push_back(Some(is_anomaly));
        Drift::NONE
    }

    /// Takes in the label of a sample that came before, in any order; the first sample is 0.
    pub fn add_label(&mut self, sample: u64, is_anomaly: bool) -> Result<Drift, LabelError> {
        if self.config.metric == Metric::AnomalyRate {
            return Err(LabelError::Unused);
        }
        let samples = self.state.samples;
        if sample >= samples {
            return Err(LabelError::Unknown { sample, samples });
        }
        let oldest = samples - self.state.waiting.len() as u64;
        let place = sample.checked_sub(oldest).map(|place| place as usize);
        let Some(waiting) = place.and_then(|place| self.state.waiting.get_mut(place)) else {
            return Err(LabelError::Forgotten { sample, oldest });
        };
        let judged = waiting.take().ok_or(LabelError::Repeated { sample })?;
        Ok(self.count(Outcome {
            judged,
            labelled: is_anomaly,
        }))
    }

    fn count(&mut self, outcome: Outcome) -> Drift {
        let state = &mut self.state;
        let size = self.config.window_size;
        if state.reference.total() < size as u64 {
            *state.reference.place(outcome) += 1;
            return Drift::NONE;
        }
        if state.outcomes.len() == size
            && let Some(oldest) = state.outcomes.pop_front()
        {
            *state.window.place(oldest) -= 1;
        }
        state.outcomes.push_back(outcome);
        *state.window.place(outcome) += 1;
        if state.outcomes.len() < self.config.min_samples {
            return Drift::NONE;
        }
        let metric = self.config.metric;
        let (Some((now, n)), Some((then, m))) =
            (state.window.share(metric), state.reference.share(metric))
        else {
            return Drift::NONE;
        };
        let change = if metric == Metric::AnomalyRate {
            (now - then).abs()
        } else {
            then - now
        };
        // One is added to each side (Agresti, Caffo 2000): a share of 0 or 1 has an error too.
        let error = |share: f64, n: f64| {
            let share = (share * n + 1.0) / (n + 2.0);
            share * (1.0 - share) / (n + 2.0)
        };
        let deviations = change / (error(now, n) + error(then, m)).sqrt();
        let level = if change <= self.config.threshold {
            Level::None
        } else if deviations > ERRORS {
            Level::Drift
        } else {
            Level::Warning
        };
        let age = state.outcomes.len() as u64;
        if level == Level::Drift {
            state.reference = state.window;
            state.window = Counts::default();
            state.outcomes.clear();
        }
        Drift {
            level,
            statistic: deviations,
            p_value: None,
            magnitude: change.clamp(0.0, 1.0),
            began: (level > Level::None && metric == Metric::AnomalyRate)
                .then(|| state.samples.saturating_sub(age)),
        }
    }

    /// Forgets all but the number of samples.
    pub fn reset(&mut self) {
        self.state.waiting.clear();
        self.state.reference = Counts::default();
        self.state.window = Counts::default();
        self.state.outcomes.clear();
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.state.waiting.capacity() * size_of::<Option<bool>>()
            + self.state.outcomes.capacity() * size_of::<Outcome>()
    }

    /// All it has learned, to be taken up by [`PerformanceDrift::restore`].
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            kind: NAME,
            version: STATE_VERSION,
            bytes: postcard::to_allocvec(&self.state)
                .expect("plain data always serialises into memory"),
        }
    }

    /// Takes up a state saved under the same options.
    pub fn restore(options: &Options, version: u16, bytes: &[u8]) -> Result<Self, RestoreError> {
        let damaged = |reason: &dyn ToString| RestoreError::damaged(NAME, reason);
        if version > STATE_VERSION {
            return Err(RestoreError::Version {
                kind: NAME.to_owned(),
                found: version,
                newest: STATE_VERSION,
            });
        }
        if version < STATE_VERSION {
            return Err(damaged(&format!("version {version} was never written")));
        }
        let mut restored = Self::new(options).map_err(|error| damaged(&error))?;
        let (state, rest) =
            postcard::take_from_bytes::<State>(bytes).map_err(|error| damaged(&error))?;
        let size = restored.config.window_size;
        let mut counted = Counts::default();
        for outcome in &state.outcomes {
            *counted.place(*outcome) += 1;
        }
        if !rest.is_empty()
            || counted != state.window
            || !state.reference.is_sound()
            || state.outcomes.len() > size
            || state.waiting.len() > WAITING * size
            || state.samples < state.waiting.len() as u64
        {
            return Err(damaged(&"its windows do not fit together"));
        }
        restored.state = state;
        Ok(restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::settings::Value;

    fn watching(metric: &str) -> PerformanceDrift {
        let options = vec![("metric".to_owned(), Value::Text(metric.to_owned()))];
        PerformanceDrift::new(&options).expect("sound settings")
    }

    /// Sample at which a drift is found, where from 2,000 on `later` of the verdicts are wrong instead of a twentieth; labels come late.
    fn found(metric: &str, later: f64) -> Option<u64> {
        let mut random = Random::new(3);
        let mut drift = watching(metric);
        let mut labels = VecDeque::new();
        for sample in 0..6_000 {
            let truth = random.unit() < 0.3;
            let wrong = random.unit() < if sample < 2_000 { 0.05 } else { later };
            assert_eq!(drift.update(truth != wrong).level, Level::None);
            labels.push_back((sample, truth));
            if labels.len() > 100 {
                let (sample, truth) = labels.pop_front().expect("more than 100");
                let drift = drift.add_label(sample, truth).expect("waiting");
                if drift.is_drift() {
                    return Some(sample);
                }
            }
        }
        None
    }

    #[test]
    fn each_metric_that_falls_is_found_and_one_that_stays_is_not() {
        for metric in ["accuracy", "precision", "recall", "f1"] {
            let at = found(metric, 0.4).unwrap_or_else(|| panic!("{metric} fell unseen"));
            assert!((2_000..2_500).contains(&at), "{metric}: {at}");
            assert_eq!(found(metric, 0.05), None, "{metric}");
        }
    }

    #[test]
    fn the_anomaly_rate_needs_no_labels_and_goes_on_from_a_snapshot() {
        let mut random = Random::new(5);
        let mut drift = watching("anomaly_rate");
        let mut at = None;
        for sample in 0..4_000 {
            let rate = if sample < 2_000 { 0.01 } else { 0.3 };
            let found = drift.update(random.unit() < rate);
            if found.is_drift() && at.is_none() {
                at = Some(sample);
                assert!(found.magnitude > 0.1 && found.began.is_some_and(|row| row <= sample));
            }
            let saved = drift.snapshot();
            let options = vec![("metric".to_owned(), Value::Text("anomaly_rate".to_owned()))];
            drift = PerformanceDrift::restore(&options, saved.version, &saved.bytes)
                .expect("just saved");
        }
        assert!(at.is_some_and(|at| (2_000..2_400).contains(&at)), "{at:?}");
    }

    #[test]
    fn labels_that_cannot_be_used_say_why() {
        let mut drift = watching("f1");
        for _ in 0..3_000 {
            let _ = drift.update(false);
        }
        let error = |drift: &mut PerformanceDrift, sample| {
            drift
                .add_label(sample, true)
                .expect_err("refused")
                .to_string()
        };
        assert!(error(&mut drift, 3_000).contains("only 3000 have come"));
        assert!(error(&mut drift, 10).contains("before sample 1000 are forgotten"));
        let _ = drift.add_label(2_000, true).expect("waiting");
        assert!(error(&mut drift, 2_000).contains("labelled before"));
        assert_eq!(
            watching("anomaly_rate").add_label(0, true),
            Err(LabelError::Unused)
        );
        let typo = vec![("treshold".to_owned(), Value::Number(0.1))];
        let typo = PerformanceDrift::new(&typo)
            .expect_err("a typo")
            .to_string();
        assert!(typo.contains("`threshold`"), "{typo}");
    }
}
