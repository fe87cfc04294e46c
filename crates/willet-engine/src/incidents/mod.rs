//! The incidents shard: anomalies that belong together, and the alerts that people are told of them.
//!
//! One for each tenant, over a log of its own that holds flagged verdicts and commands in the order in which they were
//! appended. It is a function of that log and of nothing else: the same alerts and the same notifications, however the
//! records are batched and wherever it was restored. Time is what the records say.
//!
//! Reading order: [`IncidentRecord`] goes in, [`Effects`] come out, `series` has the rules between, `saved` is what is kept.

mod alert;
mod config;
mod effects;
mod record;
mod saved;
mod series;
mod silence;
mod title;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use alert::Alert;
pub use config::{IncidentConfig, IncidentConfigError, NotifyFrom};
pub use effects::{Answer, CommandError, Effects, Notification, What};
pub use record::{FlaggedVerdict, IncidentRecord, IncidentRecordError, external_verdict};
pub use saved::IncidentStateError;
pub use silence::Silence;
pub use willet_proto::{AlertState, Severity};

use record::Anomaly;
use saved::{Counters, Name};
use series::{Place, Series, SeriesKey};

/// Stream name of the incidents log.
pub const INCIDENTS_STREAM: &str = "_incidents";

/// How much is remembered.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Alerts that are not resolved. Past it the one that was quiet longest is resolved.
    open: usize,
    /// Series that are remembered at all. Past it the one without an open alert that was quiet longest is forgotten.
    series: usize,
    /// Silences at a time.
    silences: usize,
}

/// About 2 KB a series, so at most 200 MB.
const LIMITS: Limits = Limits {
    open: 10_000,
    series: 100_000,
    silences: 1_000,
};

/// The state machine. See the head of this module.
#[derive(Debug)]
pub struct Incidents {
    limits: Limits,
    config: IncidentConfig,
    series: BTreeMap<Arc<SeriesKey>, Series>,
    /// Series by what will happen to them next, in the order in which it will.
    places: [BTreeSet<(i64, Arc<SeriesKey>)>; Place::COUNT],
    /// Whose alert it is.
    alerts: BTreeMap<String, Arc<SeriesKey>>,
    silences: BTreeMap<u64, Silence>,
    /// Highest offset seen of each partition: records that come twice change nothing.
    seen: BTreeMap<(String, u32), u64>,
    counters: Counters,
    changed: BTreeSet<Name>,
}

impl Default for Incidents {
    fn default() -> Self {
        Self::new()
    }
}

impl Incidents {
    /// A shard that has seen nothing.
    pub fn new() -> Self {
        Self::with_limits(LIMITS)
    }

    fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            config: IncidentConfig::default(),
            series: BTreeMap::new(),
            places: Default::default(),
            alerts: BTreeMap::new(),
            silences: BTreeMap::new(),
            seen: BTreeMap::new(),
            counters: Counters::default(),
            changed: BTreeSet::new(),
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> &IncidentConfig {
        &self.config
    }

    /// Alerts that are not resolved.
    pub fn open_alerts(&self) -> usize {
        self.place(Place::Open).len()
    }

    /// Silences that have not ended, oldest first.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.values()
    }

    /// Alerts resolved because too many were open, and series forgotten because too many were remembered; of all time.
    pub fn dropped(&self) -> (u64, u64) {
        (self.counters.resolved_early, self.counters.forgotten_early)
    }

    /// When time alone would change something: an alert falls quiet, a cool-down or a silence ends. In microseconds since
    /// the epoch; a tick is due when this has passed.
    pub fn next_deadline(&self) -> Option<i64> {
        let first = |place| self.place(place).first().map(|(at, _)| *at);
        let quiet = first(Place::Open).map(|at| at.saturating_add(self.config.gap() + 1));
        let forgotten =
            first(Place::Resolved).map(|at| at.saturating_add(self.config.cool_down() + 1));
        let silences = self.silences.values().map(|silence| silence.until).min();
        [quiet, forgotten, silences].into_iter().flatten().min()
    }

    /// Takes the record at `offset` of the incidents log; what follows from it is added to `out`.
    pub fn on_record(&mut self, offset: u64, record: &IncidentRecord, out: &mut Effects) {
        match record {
            IncidentRecord::Configure { config } => {
                let answer = self.configure(config).map(|()| Answer::Done);
                out.answer(offset, answer);
            }
            IncidentRecord::Verdict(verdict) => {
                if self.is_new(verdict) {
                    self.on_anomaly(verdict.into(), out);
                }
            }
            IncidentRecord::External { .. } => {
                if let Some(anomaly) = Anomaly::external(offset, record) {
                    let alert = self.on_anomaly(anomaly, out);
                    out.answer(
                        offset,
                        alert.ok_or(CommandError::NotFound).map(Answer::alert),
                    );
                }
            }
            IncidentRecord::Acknowledge {
                alert_id,
                by,
                note,
                at,
            } => {
                let answer = self.command(alert_id, out, |incident| {
                    incident.acknowledge(by.as_deref(), note.as_deref(), *at)
                });
                out.answer(offset, answer);
            }
            IncidentRecord::Resolve {
                alert_id, note, at, ..
            } => {
                let answer = self.command(alert_id, out, |incident| {
                    if note.is_some() {
                        incident.note.clone_from(note);
                    }
                    incident.resolve(*at, *at, *at)
                });
                out.answer(offset, answer);
            }
            IncidentRecord::Silence {
                source,
                stream,
                from,
                until,
                reason,
                by,
                at,
            } => {
                let silence = Silence {
                    id: Silence::id_at(offset),
                    source: source.clone(),
                    stream: stream.clone(),
                    from: *from,
                    until: *until,
                    reason: reason.clone(),
                    by: by.clone(),
                    created_at: *at,
                };
                let answer = self.silence(offset, silence).map(Answer::Silence);
                out.answer(offset, answer);
            }
            IncidentRecord::Unsilence { id, .. } => {
                let answer = self.unsilence(id).map(|()| Answer::Done);
                out.answer(offset, answer);
            }
            IncidentRecord::Tick { at } => self.tick(*at, out),
            IncidentRecord::Forget { stream, source, at } => {
                self.forget(stream, source.as_deref(), *at, out);
                out.answer(offset, Ok(Answer::Done));
            }
        }
    }

    fn configure(&mut self, config: &IncidentConfig) -> Result<(), CommandError> {
        config.check()?;
        self.config = config.clone();
        self.changed.insert(Name::Config);
        Ok(())
    }

    /// Whether a verdict was not taken before. A log that was cut and filled again may hold it twice.
    fn is_new(&mut self, verdict: &FlaggedVerdict) -> bool {
        let partition = (verdict.stream.clone(), verdict.partition);
        let seen = self.seen.get(&partition);
        if seen.is_some_and(|&seen| verdict.offset <= seen) {
            return false;
        }
        self.changed.insert(Name::Seen(partition.clone()));
        self.seen.insert(partition, verdict.offset);
        true
    }

    /// Puts an anomaly where it belongs and hands back the alert it is part of, if there is one already.
    fn on_anomaly(&mut self, anomaly: Anomaly<'_>, out: &mut Effects) -> Option<Alert> {
        let key = Arc::new(SeriesKey {
            stream: anomaly.stream.to_owned(),
            source: anomaly.source.to_owned(),
        });
        let arrived = anomaly.arrived;
        let mut series = self.lift(&key);
        if series.ends_before(&anomaly, &self.config) {
            let incident = series.incident.as_mut();
            let over = incident.map(|incident| incident.fall_quiet(None, arrived, &self.config));
            if let (Some(Some(notification)), Some(incident)) = (over, &series.incident) {
                out.notify(notification, incident);
            }
            out.change(series.incident.as_ref());
        }
        let before = series.alert_id().map(str::to_owned);
        let is_silenced = self
            .silences
            .values()
            .any(|silence| silence.matches(anomaly.stream, anomaly.source, anomaly.at));
        let notification = series.observe(&key, anomaly, is_silenced, &self.config);
        let open = series.open_incident();
        if let (Some(notification), Some(incident)) = (notification, open) {
            out.notify(notification, incident);
        }
        out.change(open);
        let alert = open.map(series::Incident::alert);
        if let Some(before) = before
            && series.alert_id() != Some(&before)
        {
            self.alerts.remove(&before);
        }
        self.put(key, series);
        self.keep_limits(arrived, out);
        alert
    }

    /// Changes an alert by a command.
    fn command(
        &mut self,
        alert_id: &str,
        out: &mut Effects,
        change: impl FnOnce(&mut series::Incident) -> Option<(What, i64)>,
    ) -> Result<Answer, CommandError> {
        let key = self.alerts.get(alert_id).ok_or(CommandError::NotFound)?;
        let key = Arc::clone(key);
        let mut series = self.lift(&key);
        let answer = match series.incident.as_mut() {
            Some(incident) if incident.state == AlertState::Resolved => {
                Err(CommandError::AlreadyResolved)
            }
            Some(incident) => {
                if let Some(notification) = change(incident) {
                    out.notify(notification, incident);
                }
                out.change(Some(incident));
                Ok(Answer::alert(incident.alert()))
            }
            None => Err(CommandError::NotFound),
        };
        self.put(key, series);
        answer
    }

    fn silence(&mut self, offset: u64, silence: Silence) -> Result<Silence, CommandError> {
        if silence.until <= silence.from {
            return Err(CommandError::EmptySilence);
        }
        if self.silences.len() >= self.limits.silences {
            return Err(CommandError::TooManySilences {
                most: self.limits.silences,
            });
        }
        self.silences.insert(offset, silence.clone());
        self.changed.insert(Name::Silence(offset));
        Ok(silence)
    }

    fn unsilence(&mut self, id: &str) -> Result<(), CommandError> {
        let offset = Silence::offset_of(id).ok_or(CommandError::NotFound)?;
        if self.silences.remove(&offset).is_none() {
            return Err(CommandError::NotFound);
        }
        self.changed.insert(Name::Silence(offset));
        Ok(())
    }

    fn tick(&mut self, at: i64, out: &mut Effects) {
        let is_past = |since: i64, span: i64| at.saturating_sub(since) > span;
        while let Some((arrived, key)) = self.place(Place::Open).first().cloned()
            && is_past(arrived, self.config.gap())
        {
            let mut series = self.lift(&key);
            if let Some(incident) = &mut series.incident {
                if let Some(told) = incident.fall_quiet(Some(at), at, &self.config) {
                    out.notify(told, incident);
                }
                out.change(Some(incident));
            }
            self.put(key, series);
        }
        while let Some((resolved, key)) = self.place(Place::Resolved).first().cloned()
            && is_past(resolved, self.config.cool_down())
        {
            let mut series = self.lift(&key);
            if let Some(incident) = series.incident.take() {
                self.alerts.remove(&incident.id);
            }
            // Where one anomaly is enough there is nothing more to know of a quiet series.
            if self.config.consecutive > 1 {
                self.put(key, series);
            }
        }
        let over: Vec<u64> = self
            .silences
            .iter()
            .filter(|(_, silence)| silence.until <= at)
            .map(|(offset, _)| *offset)
            .collect();
        for offset in over {
            self.silences.remove(&offset);
            self.changed.insert(Name::Silence(offset));
        }
    }

    fn forget(&mut self, stream: &str, source: Option<&str>, at: i64, out: &mut Effects) {
        let is_meant = |key: &SeriesKey| {
            key.stream == stream && source.is_none_or(|source| key.source == source)
        };
        let keys: Vec<_> = self
            .series
            .keys()
            .filter(|key| is_meant(key))
            .cloned()
            .collect();
        for key in keys {
            let Some(mut incident) = self.lift(&key).incident else {
                continue;
            };
            if incident.state != AlertState::Resolved {
                if let Some(notification) = incident.resolve(at, at, at) {
                    out.notify(notification, &incident);
                }
                out.change(Some(&incident));
            }
            self.alerts.remove(&incident.id);
        }
        if source.is_none() {
            // A stream made anew under this name counts from 0 again.
            let partitions: Vec<_> = self
                .seen
                .range((stream.to_owned(), 0)..=(stream.to_owned(), u32::MAX))
                .map(|(partition, _)| partition.clone())
                .collect();
            for partition in partitions {
                self.seen.remove(&partition);
                self.changed.insert(Name::Seen(partition));
            }
        }
    }

    fn keep_limits(&mut self, now: i64, out: &mut Effects) {
        while self.place(Place::Open).len() > self.limits.open {
            let Some((_, key)) = self.place(Place::Open).first().cloned() else {
                return;
            };
            let mut series = self.lift(&key);
            if let Some(incident) = &mut series.incident {
                if let Some(told) = incident.fall_quiet(Some(now), now, &self.config) {
                    out.notify(told, incident);
                }
                out.change(Some(incident));
            }
            self.put(key, series);
            self.counters.resolved_early += 1;
            self.changed.insert(Name::Counters);
        }
        while self.series.len() > self.limits.series {
            let quiet = [Place::Resolved, Place::Waiting];
            let oldest = quiet.iter().filter_map(|place| self.place(*place).first());
            let Some((_, key)) = oldest.min().cloned() else {
                return;
            };
            if let Some(incident) = self.lift(&key).incident {
                self.alerts.remove(&incident.id);
            }
            self.counters.forgotten_early += 1;
            self.changed.insert(Name::Counters);
        }
    }

    fn place(&self, place: Place) -> &BTreeSet<(i64, Arc<SeriesKey>)> {
        &self.places[place as usize]
    }

    /// Takes a series out, to be changed and [put](Self::put) back, or not.
    fn lift(&mut self, key: &Arc<SeriesKey>) -> Series {
        self.changed.insert(Name::Series(Arc::clone(key)));
        let Some(series) = self.series.remove(key) else {
            return Series::default();
        };
        let (place, at) = series.place();
        self.places[place as usize].remove(&(at, Arc::clone(key)));
        series
    }

    fn put(&mut self, key: Arc<SeriesKey>, series: Series) {
        let (place, at) = series.place();
        self.places[place as usize].insert((at, Arc::clone(&key)));
        if let Some(id) = series.alert_id() {
            self.alerts.insert(id.to_owned(), Arc::clone(&key));
        }
        self.series.insert(key, series);
    }
}

#[cfg(test)]
mod tests;
