//! What follows from records.

use std::collections::BTreeMap;

use super::series::Incident;
use super::{Alert, IncidentConfigError, Silence};

/// What follows from the records of one batch.
#[derive(Debug, Default)]
pub struct Effects {
    /// Alerts that changed, each once, as it is now.
    pub alerts: Vec<Alert>,
    /// What people are told, in order.
    pub notifications: Vec<Notification>,
    /// Answers to commands, by the offset of the command.
    pub answers: Vec<(u64, Result<Answer, CommandError>)>,
    /// Where an alert stands among the changed ones.
    index: BTreeMap<String, usize>,
}

/// What the command came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The alert as it is now.
    Alert(Box<Alert>),
    /// The silence that was made.
    Silence(Silence),
    /// It was done; there is nothing to show.
    Done,
}

impl Answer {
    pub(super) fn alert(alert: Alert) -> Self {
        Self::Alert(Box::new(alert))
    }
}

/// A command that could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such alert or silence, or it was over long ago.
    #[error("there is none with this id (what ended before the cool-down cannot be changed)")]
    NotFound,
    /// The alert is over.
    #[error("the alert is resolved already")]
    AlreadyResolved,
    /// It ends before it begins.
    #[error("the silence ends before it begins (`until` must lie after `from`)")]
    EmptySilence,
    /// There are too many.
    #[error("there are {most} silences, no more can be made (delete some, or make one with `*`)")]
    TooManySilences {
        /// Silences at a time.
        most: usize,
    },
    /// The configuration is not sound.
    #[error(transparent)]
    Config(#[from] IncidentConfigError),
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It began.
    Opened,
    /// Its severity rose.
    Escalated,
    /// Somebody has seen it.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// One thing that people are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// The alert's id, a dot and a number that rises: the same in every life of the log.
    pub id: String,
    /// What happened.
    pub what: What,
    /// When it became known, microseconds since the epoch.
    pub at: i64,
    /// The alert as it was then.
    pub alert: Alert,
}

impl Effects {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing followed.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.notifications.is_empty() && self.answers.is_empty()
    }

    pub(super) fn answer(&mut self, offset: u64, answer: Result<Answer, CommandError>) {
        self.answers.push((offset, answer));
    }

    pub(super) fn change(&mut self, incident: Option<&Incident>) {
        let Some(alert) = incident.map(Incident::alert) else {
            return;
        };
        if let Some(&at) = self.index.get(&alert.id) {
            self.alerts[at] = alert;
        } else {
            self.index.insert(alert.id.clone(), self.alerts.len());
            self.alerts.push(alert);
        }
    }

    /// Tells of `incident` as it is now.
    pub(super) fn notify(&mut self, (what, at): (What, i64), incident: &Incident) {
        self.notifications.push(Notification {
            id: format!("{}.{}", incident.id, incident.notifications),
            what,
            at,
            alert: incident.alert(),
        });
    }
}
