//! The rules: what belongs together, when an alert opens, and when it is over.

use serde::{Deserialize, Serialize};

use super::config::{IncidentConfig, NotifyFrom};
use super::effects::What;
use super::record::Anomaly;
use super::title::title;
use super::{Alert, AlertState, Severity};

/// Whose anomalies they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesKey {
    pub(super) stream: String,
    pub(super) source: String,
}

/// What is remembered of a series.
///
/// An anomaly first joins the evidence; the evidence joins an alert as soon as there is one, or enough for one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Series {
    /// Anomalies in a row up to the last one.
    row: u32,
    /// Sample count of the last one.
    last_sample: u64,
    last_arrived: i64,
    /// What is not part of an alert yet.
    evidence: Option<Evidence>,
    /// The alert, until its cool-down is over.
    pub(super) incident: Option<Incident>,
}

/// What happens to a series next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Its alert falls quiet; by last arrival.
    Open,
    /// Its cool-down ends; by the arrival that resolved it.
    Resolved,
    /// It waits for more anomalies in a row; by last arrival.
    Waiting,
}

impl Place {
    pub(super) const COUNT: usize = 3;
}

/// Anomalies, added up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Evidence {
    first_verdict: String,
    first_at: i64,
    last_at: i64,
    last_arrived: i64,
    anomalies: u64,
    severity: Severity,
    /// Any of them was of the present.
    is_live: bool,
    strangest: Strangest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Strangest {
    score: Option<f64>,
    anomaly_type: Option<String>,
    json: String,
}

/// An alert with what the rules need beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Incident {
    pub(super) id: String,
    stream: String,
    source: String,
    pub(super) state: AlertState,
    evidence: Evidence,
    title: String,
    opened_at: i64,
    updated_at: i64,
    resolved_at: Option<i64>,
    /// The same by the clock of arrivals, which the cool-down runs on.
    resolved_arrived: i64,
    acknowledged_at: Option<i64>,
    acknowledged_by: Option<String>,
    pub(super) note: Option<String>,
    silenced: bool,
    told: Told,
    /// Notifications so far.
    pub(super) notifications: u64,
}

/// What the receivers believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Told {
    /// They do not know of it.
    Nothing,
    /// That it is open.
    Open,
    /// That it is over.
    Over,
}

impl Series {
    pub(super) fn place(&self) -> (Place, i64) {
        match &self.incident {
            Some(incident) if incident.state == AlertState::Resolved => {
                (Place::Resolved, incident.resolved_arrived)
            }
            Some(incident) => (Place::Open, incident.evidence.last_arrived),
            None => (Place::Waiting, self.last_arrived),
        }
    }

    pub(super) fn alert_id(&self) -> Option<&str> {
        self.incident.as_ref().map(|incident| incident.id.as_str())
    }

    pub(super) fn open_incident(&self) -> Option<&Incident> {
        self.incident
            .as_ref()
            .filter(|incident| incident.state != AlertState::Resolved)
    }

    /// Whether the open alert was over before this anomaly came, and does not go on with it either.
    pub(super) fn ends_before(&self, anomaly: &Anomaly<'_>, config: &IncidentConfig) -> bool {
        self.open_incident().is_some_and(|incident| {
            incident.is_past_gap(anomaly.at, config)
                && !(self.is_enough(anomaly, config) && incident.is_cooling(anomaly, config))
        })
    }

    /// Takes the next anomaly. Afterwards it belongs to the open incident, or waits.
    pub(super) fn observe(
        &mut self,
        key: &SeriesKey,
        anomaly: Anomaly<'_>,
        is_silenced: bool,
        config: &IncidentConfig,
    ) -> Option<(What, i64)> {
        let is_enough = self.is_enough(&anomaly, config);
        if let Some(count) = anomaly.sample_count {
            self.row = self.row_with(count);
            self.last_sample = count;
            if self.row == 1 {
                self.evidence = None;
            }
        }
        self.last_arrived = self.last_arrived.max(anomaly.arrived);
        let arrived = anomaly.arrived;
        let goes_on = self.incident.as_ref().is_some_and(|incident| {
            incident.state != AlertState::Resolved
                || (is_enough && incident.is_cooling(&anomaly, config))
        });
        let evidence = Evidence::of(anomaly, self.evidence.take());
        if goes_on && let Some(incident) = &mut self.incident {
            return incident.go_on(evidence, arrived, config);
        }
        if !is_enough {
            self.evidence = Some(evidence);
            return None;
        }
        let mut incident = Incident::open(key, evidence, is_silenced);
        let notification = incident.tell_of_rise(None, arrived, config);
        self.incident = Some(incident);
        notification
    }

    fn row_with(&self, sample_count: u64) -> u32 {
        if self.row > 0 && sample_count == self.last_sample.saturating_add(1) {
            self.row.saturating_add(1)
        } else {
            1
        }
    }

    /// Whether an alert may open with this anomaly.
    fn is_enough(&self, anomaly: &Anomaly<'_>, config: &IncidentConfig) -> bool {
        match anomaly.sample_count {
            Some(count) => self.row_with(count) >= config.consecutive,
            None => true,
        }
    }
}

impl Evidence {
    fn of(anomaly: Anomaly<'_>, before: Option<Self>) -> Self {
        let new = Self {
            first_verdict: anomaly.verdict_id,
            first_at: anomaly.at,
            last_at: anomaly.at,
            last_arrived: anomaly.arrived,
            anomalies: 1,
            severity: anomaly.severity,
            is_live: anomaly.is_live,
            strangest: Strangest {
                score: anomaly.score,
                anomaly_type: anomaly.type_name.map(str::to_owned),
                json: anomaly.json,
            },
        };
        match before {
            Some(mut evidence) => {
                evidence.add(new);
                evidence
            }
            None => new,
        }
    }

    /// Returns whether it holds the strangest so far.
    fn add(&mut self, new: Self) -> bool {
        self.first_at = self.first_at.min(new.first_at);
        self.last_at = self.last_at.max(new.last_at);
        self.last_arrived = self.last_arrived.max(new.last_arrived);
        self.anomalies += new.anomalies;
        self.severity = self.severity.max(new.severity);
        self.is_live |= new.is_live;
        let is_stranger = new.strangest.score > self.strangest.score;
        if is_stranger {
            self.strangest = new.strangest;
        }
        is_stranger
    }

    fn title(&self, stream: &str, source: &str) -> String {
        let name = if source.is_empty() { stream } else { source };
        title(
            name,
            self.strangest.anomaly_type.as_deref(),
            self.strangest.score,
            &self.strangest.json,
        )
    }
}

impl Incident {
    fn open(key: &SeriesKey, evidence: Evidence, silenced: bool) -> Self {
        Self {
            id: evidence.first_verdict.replace('/', "~"),
            stream: key.stream.clone(),
            source: key.source.clone(),
            state: AlertState::Open,
            title: evidence.title(&key.stream, &key.source),
            opened_at: evidence.first_at,
            updated_at: evidence.last_at,
            resolved_at: None,
            resolved_arrived: 0,
            acknowledged_at: None,
            acknowledged_by: None,
            note: None,
            silenced,
            told: Told::Nothing,
            notifications: 0,
            evidence,
        }
    }

    /// Whether an anomaly at `at` is too far behind the last one. One that comes late never is: it tells of a time when the
    /// alert was not over, and ending an alert for it would make the two take turns.
    fn is_past_gap(&self, at: i64, config: &IncidentConfig) -> bool {
        at.saturating_sub(self.evidence.last_at) > config.gap()
    }

    /// Whether an anomaly opens this alert again instead of a new one.
    fn is_cooling(&self, anomaly: &Anomaly<'_>, config: &IncidentConfig) -> bool {
        let span = config.cool_down();
        let from = self.evidence.first_at.saturating_sub(span);
        let until = self.evidence.last_at.saturating_add(span);
        let resolved = match self.state {
            AlertState::Resolved => self.resolved_arrived,
            _ => self.quiet_since(config),
        };
        (from..=until).contains(&anomaly.at)
            || (anomaly.is_live && anomaly.arrived.saturating_sub(resolved) <= span)
    }

    /// When it fell quiet, by the clock of arrivals.
    fn quiet_since(&self, config: &IncidentConfig) -> i64 {
        self.evidence.last_arrived.saturating_add(config.gap())
    }

    /// More of the same, also after it was over.
    fn go_on(
        &mut self,
        evidence: Evidence,
        arrived: i64,
        config: &IncidentConfig,
    ) -> Option<(What, i64)> {
        if self.state == AlertState::Resolved {
            self.resolved_at = None;
            self.state = match self.acknowledged_at {
                Some(_) => AlertState::Acknowledged,
                None => AlertState::Open,
            };
        }
        let before = self.evidence.severity;
        self.updated_at = self.updated_at.max(evidence.last_at);
        if self.evidence.add(evidence) {
            self.title = self.evidence.title(&self.stream, &self.source);
        }
        self.tell_of_rise(Some(before), arrived, config)
    }

    /// Tells those who do not know of it, or not how bad it is by now.
    fn tell_of_rise(
        &mut self,
        before: Option<Severity>,
        at: i64,
        config: &IncidentConfig,
    ) -> Option<(What, i64)> {
        let is_wanted = !self.silenced
            && (self.evidence.is_live || config.notify_from == NotifyFrom::Always)
            && self.evidence.severity >= config.min_severity;
        let what = match self.told {
            Told::Nothing => What::Opened,
            _ if before.is_some_and(|before| self.evidence.severity > before) => What::Escalated,
            _ => return None,
        };
        is_wanted.then(|| self.tell(what, at))
    }

    fn tell(&mut self, what: What, at: i64) -> (What, i64) {
        self.told = match what {
            What::Resolved => Told::Over,
            _ => Told::Open,
        };
        self.notifications += 1;
        (what, at)
    }

    pub(super) fn acknowledge(
        &mut self,
        by: Option<&str>,
        note: Option<&str>,
        at: i64,
    ) -> Option<(What, i64)> {
        self.updated_at = self.updated_at.max(at);
        if let Some(note) = note {
            self.note = Some(note.to_owned());
        }
        if self.state == AlertState::Acknowledged {
            return None;
        }
        self.state = AlertState::Acknowledged;
        self.acknowledged_at = Some(at);
        self.acknowledged_by = by.map(str::to_owned);
        (self.told != Told::Nothing).then(|| self.tell(What::Acknowledged, at))
    }

    /// Over because nothing more came: it ended a gap after its last anomaly, whenever that was noticed.
    pub(super) fn fall_quiet(
        &mut self,
        tick: Option<i64>,
        now: i64,
        config: &IncidentConfig,
    ) -> Option<(What, i64)> {
        let ended = self.evidence.last_at.saturating_add(config.gap());
        match tick {
            // A source whose clock is ahead does not end in the future.
            Some(tick) => self.resolve(ended.min(tick), tick, now),
            None => self.resolve(ended, self.quiet_since(config), now),
        }
    }

    /// Over at `ended`, by the clock of arrivals at `arrived`; noticed at `now`.
    pub(super) fn resolve(&mut self, ended: i64, arrived: i64, now: i64) -> Option<(What, i64)> {
        self.state = AlertState::Resolved;
        self.resolved_at = Some(ended);
        self.resolved_arrived = arrived;
        self.updated_at = self.updated_at.max(ended);
        // Opened again in silence, it also ends in silence: they were told that it was over.
        (self.told == Told::Open).then(|| self.tell(What::Resolved, now))
    }

    /// What people see of it.
    pub(super) fn alert(&self) -> Alert {
        Alert {
            id: self.id.clone(),
            stream: self.stream.clone(),
            source: self.source.clone(),
            state: self.state,
            severity: self.evidence.severity,
            title: self.title.clone(),
            opened_at: self.opened_at,
            updated_at: self.updated_at,
            last_anomaly_at: self.evidence.last_at,
            resolved_at: self.resolved_at,
            acknowledged_at: self.acknowledged_at,
            acknowledged_by: self.acknowledged_by.clone(),
            note: self.note.clone(),
            anomalies: self.evidence.anomalies,
            max_anomaly_score: self.evidence.strangest.score,
            silenced: self.silenced,
            first_verdict: self.evidence.first_verdict.clone(),
            verdict: self.evidence.strangest.json.clone(),
        }
    }
}
