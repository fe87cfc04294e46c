use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use willet_core::drift::{Drift, LabelError, Metric, PerformanceDrift};

use crate::config::PerformancePlan;
use crate::verdict::{Adaptation, DriftFound, Outcome};

/// Watches how well a series is judged: its share of anomalies, or its verdicts against labels, some of which come late.
#[derive(Debug)]
pub(super) struct Performance {
    /// Of the plan that it was made under.
    fingerprint: u64,
    drift: PerformanceDrift,
    /// Events whose labels may still come, with their numbers.
    waiting: VecDeque<(u64, u64)>,
    /// What a late label showed: told with the next event.
    shown: Option<Shown>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Shown {
    statistic: f64,
    magnitude: f64,
    rows_ago: Option<u64>,
}

/// As it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PerformanceState {
    fingerprint: u64,
    version: u16,
    drift: Vec<u8>,
    waiting: VecDeque<(u64, u64)>,
    shown: Option<Shown>,
}

/// Name of a test in output.
fn test_of(metric: Metric) -> &'static str {
    match metric {
        Metric::AnomalyRate => "performance_anomaly_rate",
        Metric::Accuracy => "performance_accuracy",
        Metric::Precision => "performance_precision",
        Metric::Recall => "performance_recall",
        Metric::F1 => "performance_f1",
    }
}

impl Performance {
    /// The one that a plan asks for: the one that is there, or another if it is of another plan.
    pub(super) fn follow(performance: &mut Option<Box<Self>>, plan: Option<&PerformancePlan>) {
        match (plan, performance.as_deref()) {
            (Some(plan), Some(performance)) if performance.is_of(plan) => {}
            (None, None) => {}
            (plan, _) => *performance = plan.map(|plan| Box::new(Self::new(plan))),
        }
    }

    /// Whether it was made under this plan.
    pub(super) fn is_of(&self, plan: &PerformancePlan) -> bool {
        self.fingerprint == plan.fingerprint()
    }

    fn new(plan: &PerformancePlan) -> Self {
        Self {
            fingerprint: plan.fingerprint(),
            drift: plan.build(),
            waiting: VecDeque::new(),
            shown: None,
        }
    }

    /// Takes in the verdict of an event, and its label where it has one; gives what is to be told.
    pub(super) fn see(
        &mut self,
        event: u32,
        offset: Option<u64>,
        outcome: Outcome,
        label: Option<bool>,
    ) -> Option<DriftFound> {
        let mut shown = self.shown.take();
        if let Outcome::Scored(scored) = outcome {
            let sample = self.drift.samples();
            let drift = self.drift.update(scored.is_anomaly);
            shown = shown.or(self.shown_by(drift));
            if let Some(offset) = offset.filter(|_| self.drift.metric() != Metric::AnomalyRate) {
                self.waiting.push_back((offset, sample));
                while self.waiting.len() > self.drift.remembers() {
                    self.waiting.pop_front();
                }
                if let Some(label) = label {
                    shown = shown.or(self.label(offset, label));
                }
            }
        }
        shown.map(|shown| DriftFound {
            event,
            test: test_of(self.drift.metric()),
            statistic: shown.statistic,
            p_value: None,
            magnitude: shown.magnitude,
            rows_ago: shown.rows_ago,
            features: Vec::new(),
            action: Adaptation::Report,
        })
    }

    /// Events are numbered anew: a label names none of those that wait.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Takes in a label that came later; one for an event that is forgotten, unknown or labelled before changes nothing.
    pub(super) fn late_label(&mut self, offset: u64, is_anomaly: bool) {
        let shown = self.label(offset, is_anomaly);
        self.shown = self.shown.take().or(shown);
    }

    fn label(&mut self, offset: u64, is_anomaly: bool) -> Option<Shown> {
        let place = self
            .waiting
            .binary_search_by_key(&offset, |(offset, _)| *offset);
        let (_, sample) = self.waiting[place.ok()?];
        let drift: Result<Drift, LabelError> = self.drift.add_label(sample, is_anomaly);
        self.shown_by(drift.ok()?)
    }

    fn shown_by(&self, drift: Drift) -> Option<Shown> {
        drift.is_drift().then(|| Shown {
            statistic: drift.statistic,
            magnitude: drift.magnitude,
            rows_ago: drift
                .began
                .map(|began| self.drift.samples().saturating_sub(began)),
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>() - size_of::<PerformanceDrift>()
            + self.drift.memory_bytes()
            + self.waiting.capacity() * size_of::<(u64, u64)>()
    }

    pub(super) fn save(&self) -> PerformanceState {
        let snapshot = self.drift.snapshot();
        PerformanceState {
            fingerprint: self.fingerprint,
            version: snapshot.version,
            drift: snapshot.bytes,
            waiting: self.waiting.clone(),
            shown: self.shown,
        }
    }

    /// One of another plan is not taken up.
    pub(super) fn restore(
        state: PerformanceState,
        plan: Option<&PerformancePlan>,
    ) -> Result<Option<Box<Self>>, String> {
        let Some(plan) = plan.filter(|plan| plan.fingerprint() == state.fingerprint) else {
            return Ok(None);
        };
        let drift = PerformanceDrift::restore(plan.options(), state.version, &state.drift);
        let mut waiting = state.waiting;
        // Former versions let windows wait too, as event 0, and saved lists that cannot be searched: labels for those are lost, and
        // nothing else.
        if !waiting.iter().is_sorted() {
            waiting.clear();
        }
        Ok(Some(Box::new(Self {
            fingerprint: state.fingerprint,
            drift: drift.map_err(|error| error.to_string())?,
            waiting,
            shown: state.shown,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DriftConfig, Plan, StreamConfig};
    use crate::verdict::Scored;
    use willet_core::random::Random;
    use willet_core::settings::Value;

    fn plan(metric: &str) -> Plan {
        let settings = [("metric".to_owned(), Value::Text(metric.to_owned()))];
        let config = StreamConfig {
            drift: DriftConfig {
                performance: Some(settings.into_iter().collect()),
                ..DriftConfig::default()
            },
            ..StreamConfig::default()
        };
        Plan::new(config, 1).expect("valid")
    }

    fn judged(is_anomaly: bool) -> Outcome {
        Outcome::Scored(Scored {
            score: 0.0,
            anomaly_score: 0.0,
            threshold: 0.5,
            confidence: 1.0,
            is_anomaly,
            detail: None,
        })
    }

    /// Event at which a fall of the metric is told; verdicts get worse at 2,000, labels come 50 events late or with the event.
    fn told(metric: &str, late: bool, cut: Option<u64>) -> Option<(u64, &'static str)> {
        let plan = plan(metric);
        let plan = plan.drift().performance();
        let mut performance = None;
        let mut random = Random::new(5);
        let mut labels = VecDeque::new();
        for offset in 0..5_000_u64 {
            Performance::follow(&mut performance, plan);
            if cut == Some(offset) {
                let saved = performance.as_ref().expect("made").save();
                performance = Performance::restore(saved, plan).expect("sound");
            }
            let performance = performance.as_mut().expect("made");
            let truth = random.unit() < 0.3;
            let wrong = random.unit() < if offset < 2_000 { 0.05 } else { 0.5 };
            let label = (!late).then_some(truth);
            // Gaps between offsets are events of other keys.
            let at = offset * 3;
            if let Some(found) = performance.see(0, Some(at), judged(truth != wrong), label) {
                return Some((offset, found.test));
            }
            labels.push_back((at, truth));
            if late && labels.len() > 50 {
                let (at, truth) = labels.pop_front().expect("more than 50");
                performance.late_label(at, truth);
                // Said twice, and of an event that is none of this key: nothing comes of it.
                performance.late_label(at, !truth);
                performance.late_label(at + 1, truth);
            }
        }
        None
    }

    /// What is made of it after some events of the log, some windows, and being saved.
    fn watched(offsets: &[Option<u64>]) -> Box<Performance> {
        let plan = plan("accuracy");
        let plan = plan.drift().performance();
        let mut performance = None;
        Performance::follow(&mut performance, plan);
        let mut performance = performance.expect("made");
        for offset in offsets {
            performance.see(0, *offset, judged(false), None);
        }
        let saved = Performance::restore(performance.save(), plan).expect("sound");
        saved.expect("of this plan")
    }

    #[test]
    fn only_events_wait_for_labels() {
        let performance = watched(&[Some(7), None, Some(9), None]);
        let waiting: Vec<u64> = performance.waiting.iter().map(|(at, _)| *at).collect();
        assert_eq!(
            waiting,
            [7, 9],
            "a window is no event, least of all event 0"
        );
    }

    #[test]
    fn nothing_learned_is_lost_by_a_list_that_cannot_be_searched() {
        let plan = plan("accuracy");
        let mut state = watched(&[Some(7), Some(9)]).save();
        state.waiting.push_back((0, 2));
        let restored = Performance::restore(state, plan.drift().performance()).expect("sound");
        let restored = restored.expect("of this plan");
        assert_eq!(restored.drift.samples(), 2);
        assert!(restored.waiting.is_empty());
    }

    #[test]
    fn events_that_are_numbered_anew_wait_in_order() {
        let mut performance = watched(&[Some(7), Some(9)]);
        performance.forget_waiting();
        performance.see(0, Some(0), judged(false), None);
        assert_eq!(performance.waiting, [(0, 2)]);
    }

    #[test]
    fn a_fall_of_what_labels_say_is_told_also_where_they_come_late() {
        for (metric, test) in [
            ("accuracy", "performance_accuracy"),
            ("precision", "performance_precision"),
            ("recall", "performance_recall"),
            ("f1", "performance_f1"),
        ] {
            for late in [false, true] {
                let (offset, name) = told(metric, late, None).expect("found");
                assert!((2_000..2_700).contains(&offset), "{metric} {late} {offset}");
                assert_eq!(name, test);
                assert_eq!(told(metric, late, Some(2_020)), Some((offset, name)));
            }
        }
        let (offset, _) = told("anomaly_rate", false, None).expect("found");
        assert!((2_000..2_700).contains(&offset), "{offset}");
    }
}
