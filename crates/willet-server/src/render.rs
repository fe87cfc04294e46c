//! A verdict as it stands at every door.

use willet_engine::codec::timestamp::rfc3339;
use willet_engine::incidents::Severity;
use willet_engine::verdict::{Outcome, Taken, Verdict, Window};
use willet_node::output::Answers;
use willet_node::service::VerdictFormat;
use willet_proto::Named;

/// Writes verdicts as JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerdictJson;

impl VerdictFormat for VerdictJson {
    fn write(&self, answers: &Answers<'_>, index: usize, out: &mut Vec<u8>) {
        let verdict = &answers.verdicts.rows[index];
        let event = verdict.event as usize;
        let stream = &answers.plan.config().name;
        let key = answers.events.key(event);
        let id = answers.id(index);
        let window = answers.verdicts.windows.get(index).map(shape);
        let time = answers.time_of(event).map(rfc3339);
        let skipped = skipped(verdict);
        let layout = answers.events.layout(event);
        let values = answers.events.values(event).iter();
        let values = values.map(|value| Some(*value).filter(|value| !value.is_nan()));
        let mut wire = willet_proto::Verdict {
            id: id.into(),
            stream: stream.into(),
            source: Some(key).filter(|key| !key.is_empty()).map(Into::into),
            timestamp: time.map(Into::into),
            is_anomaly: verdict.is_anomaly(),
            warming_up: verdict.outcome == Outcome::WarmingUp,
            values: Named::new(layout.names(), values),
            late: verdict.is_late,
            drift_detected: (verdict.is_drift || verdict.drift_magnitude.is_some())
                .then_some(verdict.is_drift),
            drift_magnitude: verdict.drift_magnitude,
            skipped: skipped.map(Into::into),
            window,
            algorithm: answers.plan.algorithm_of(verdict.model_version).into(),
            model_version: Some(verdict.model_version),
            engine_version: Some(env!("CARGO_PKG_VERSION").into()),
            sample_count: Some(verdict.sample_count),
            ..Default::default()
        };
        if let Outcome::Scored(scored) = &verdict.outcome {
            wire.score = Some(scored.score);
            wire.anomaly_score = Some(scored.anomaly_score);
            wire.threshold = Some(scored.threshold);
            wire.confidence = Some(scored.confidence);
            wire.severity = scored
                .is_anomaly
                .then(|| Severity::of(scored.anomaly_score));
            if let Some(detail) = answers.verdicts.detail(scored) {
                let expected = detail
                    .expected
                    .iter()
                    .map(|band| [band.low, band.middle, band.high]);
                wire.anomaly_type = detail.anomaly_type.map(|kind| kind.as_str().into());
                wire.reason = Some(detail.reason.as_str().into());
                wire.expected = Named::new(&detail.names, expected);
                wire.contributions =
                    Named::new(&detail.names, detail.contributions.iter().copied());
                let moved = detail.counterfactual.iter();
                let moved = moved.map(|(feature, value)| (&*detail.names[*feature], *value));
                wire.counterfactual = moved.collect();
            }
        }
        serde_json::to_writer(out, &wire).expect("plain data always serialises into memory");
    }

    fn write_drift(&self, answers: &Answers<'_>, index: usize, out: &mut Vec<u8>) {
        let verdict = &answers.verdicts.rows[index];
        let Some(drift) = answers.verdicts.drift(verdict) else {
            return;
        };
        let event = verdict.event as usize;
        let stream = &answers.plan.config().name;
        let key = answers.events.key(event);
        let time = answers.time_of(event).map(rfc3339);
        let features = drift.features.iter();
        let wire = willet_proto::Drift {
            id: answers.id(index).into(),
            stream: stream.into(),
            source: Some(key).filter(|key| !key.is_empty()).map(Into::into),
            timestamp: time.map(Into::into),
            test: drift.test.into(),
            statistic: drift.statistic,
            p_value: drift.p_value,
            magnitude: drift.magnitude,
            rows_ago: drift.rows_ago,
            features: features.map(|(name, size)| (&**name, *size)).collect(),
            action: drift.action.as_str().into(),
            sample_count: verdict.sample_count,
        };
        serde_json::to_writer(out, &wire).expect("plain data always serialises into memory");
    }
}

/// A window as it stands in JSON.
fn shape(window: &Window) -> willet_proto::Window {
    willet_proto::Window {
        begin: window.begin.map(rfc3339),
        end: window.end.map(rfc3339),
        events: window.events,
        left_out: window.left_out,
        is_cut: window.is_cut,
        revision: window.revision,
    }
}

/// What became of an event that was put to others.
fn gathered(taken: Taken) -> &'static str {
    match taken {
        Taken::InTime | Taken::Late => "gathered",
        Taken::BeforeFirst => {
            "left out: nothing is known of what came before the first whole window"
        }
        Taken::TooLate => {
            "left out: too late for its window (allowed_lateness_ms takes late events)"
        }
        Taken::NoRoom => "left out: its window holds as many events as it may (max_rows)",
    }
}

/// Why an event has no score; `None` where it has one.
pub fn skipped(verdict: &Verdict) -> Option<String> {
    match verdict.outcome {
        Outcome::Scored(_) | Outcome::WarmingUp => None,
        Outcome::Missing => Some("missing".to_owned()),
        Outcome::Duplicate => Some("duplicate".to_owned()),
        Outcome::Poisoned => Some("poisoned".to_owned()),
        Outcome::AlreadyLearned => Some("learned before".to_owned()),
        Outcome::Gathered(taken) => Some(gathered(taken).to_owned()),
        Outcome::Withdrawn => Some("withdrawn: it became a part of another session".to_owned()),
        Outcome::Rejected(misfit) => Some(misfit.to_string()),
    }
}
