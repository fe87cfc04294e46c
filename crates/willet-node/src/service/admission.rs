//! Admission: what comes in is understood, bounded, made durable, and only then acknowledged.

use std::ops::Range;
use std::sync::Arc;
use std::sync::PoisonError;

use tokio::sync::oneshot;
use willet_engine::codec::{Decoder, Rejection};
use willet_engine::event::EventBatch;
use willet_engine::journal::Entry;
use willet_engine::records::{RecordKind, Records};
use willet_log::LogError;

use super::budget::Reservation;
use super::log_thread::{Append, LogRequest, Then};
use super::requests::{Looked, Past};
use super::shard_task::{ShardMessage, Taken};
use super::{Refusal, Service, StreamFace, StreamState, stopping};
use crate::clock;

/// Records as a door got them.
#[derive(Debug)]
pub struct Intake {
    /// One for each event that came, in order, as [`RecordKind::Event`].
    pub records: Records,
    /// Their part of the budget, reserved before they were read.
    pub reservation: Reservation,
    /// Key under which a repetition is answered and not done again, with a hash of the body.
    pub request: Option<(String, u64)>,
    /// Whether the verdicts are wanted.
    pub wants_verdicts: bool,
}

/// What a door is told.
#[derive(Debug)]
pub struct Admitted {
    /// The records that were not understood, by their index.
    pub rejections: Vec<Rejection>,
    /// What came of the others.
    pub accepted: Accepted,
}

/// What came of records that were understood.
#[derive(Debug)]
pub enum Accepted {
    /// They are durable, under these offsets; with their verdicts, if those were wanted.
    Stored(Range<u64>, Option<Result<Vec<String>, String>>),
    /// They came before under the same key, and this is what was answered.
    Before(Past),
    /// None was understood.
    Nothing,
}

/// A body under a key that had another body before.
pub(crate) fn answer_of(fingerprint: u64, rejections: &[Rejection]) -> String {
    let rejected: Vec<serde_json::Value> = rejections
        .iter()
        .map(|rejection| {
            serde_json::json!({
                "index": rejection.index,
                "byte": rejection.byte,
                "code": rejection.reason.code(),
                "reason": rejection.reason.to_string(),
            })
        })
        .collect();
    serde_json::json!({ "fingerprint": fingerprint.to_string(), "rejected": rejected }).to_string()
}

impl Service {
    /// Takes events into a stream.
    pub async fn take(&self, stream: &str, intake: Intake) -> Result<Admitted, Refusal> {
        let face = self.admissible(stream)?;
        let request = intake
            .request
            .as_ref()
            .map(|(key, hash)| (format!("{stream}\n{key}"), *hash));
        if let Some((key, _)) = &request {
            match self.shared.requests.begin(key) {
                Looked::New => {}
                Looked::Begun => return Err(Refusal::InProgress),
                Looked::Done(past) => {
                    return Ok(Admitted {
                        rejections: Vec::new(),
                        accepted: Accepted::Before(past),
                    });
                }
            }
        }
        let mut guard = GiveUp {
            service: self,
            key: request.as_ref().map(|(key, _)| key.clone()),
        };
        let admitted = self.admit(&face, intake, request).await?;
        guard.key = None;
        Ok(admitted)
    }

    async fn admit(
        &self,
        face: &Arc<StreamFace>,
        intake: Intake,
        request: Option<(String, u64)>,
    ) -> Result<Admitted, Refusal> {
        let Intake {
            mut records,
            reservation,
            wants_verdicts,
            ..
        } = intake;
        let now = clock::now();
        records.stamp(now);
        let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
        let (stored, stored_answer) = oneshot::channel();
        let (judged, judged_answer) = oneshot::channel();
        let count;
        let past = {
            // Until the records are on their way to the log no other configuration may come between.
            let plan = face.read_plan();
            face.decode(&plan.config().input, &records, &mut events, &mut rejections)?;
            let rejected = rejections.len() as u64;
            face.counters
                .rejected
                .fetch_add(rejected, std::sync::atomic::Ordering::Relaxed);
            if !rejections.is_empty() {
                records = without(&records, &rejections);
            }
            count = records.len();
            if count == 0 {
                if let Some((key, _)) = &request {
                    self.shared.requests.give_up(key);
                }
                return Ok(Admitted {
                    rejections,
                    accepted: Accepted::Nothing,
                });
            }
            let past = request.map(|(key, hash)| {
                let answer = answer_of(hash, &rejections);
                let entry = Entry::Request {
                    key: key.clone(),
                    at: now,
                    answer: Past::journalled(count, &answer),
                };
                records.push(u64::MAX, RecordKind::Journal, now, &entry.encode());
                (key, answer)
            });
            let taken = Taken {
                events,
                stored: Some(stored),
                judged: wants_verdicts.then_some(judged),
                reservation: Some(reservation),
            };
            self.log
                .0
                .try_send(LogRequest::Append(Append {
                    partition: face.partition,
                    records,
                    then: Then::Shard(face.shard.clone(), Box::new(taken)),
                }))
                .map_err(|_| self.overloaded())?;
            past
        };
        let offsets = match stored_answer.await {
            Ok(Ok(offsets)) => offsets,
            Ok(Err(error)) if error.is_full() => return Err(Refusal::StorageFull),
            Ok(Err(LogError::Closed)) | Err(_) => return Err(stopping()),
            Ok(Err(error)) => {
                tracing::error!(%error, "the log refused events");
                return Err(Refusal::Unavailable(
                    "the log cannot be written, nothing was taken".to_owned(),
                ));
            }
        };
        let offsets = offsets.start..offsets.start + count as u64;
        if let Some((key, answer)) = past {
            let first = offsets.start;
            self.shared.requests.done(&key, Past { first, answer }, now);
        }
        let verdicts = if wants_verdicts {
            let unknown =
                || Err("the stream is being started again; the events are stored".to_owned());
            Some(judged_answer.await.unwrap_or_else(|_| unknown()))
        } else {
            None
        };
        Ok(Admitted {
            rejections,
            accepted: Accepted::Stored(offsets, verdicts),
        })
    }

    /// Judges events and stores and learns nothing.
    pub async fn peek(
        &self,
        stream: &str,
        mut records: Records,
    ) -> Result<(Vec<Rejection>, Vec<String>), Refusal> {
        let face = self.admissible(stream)?;
        let now = clock::now();
        records.stamp(now);
        let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
        let plan = face.read_plan().clone();
        face.decode(&plan.config().input, &records, &mut events, &mut rejections)?;
        let position = face
            .counters
            .position
            .load(std::sync::atomic::Ordering::Relaxed);
        events.number_from(position);
        let (reply, answer) = oneshot::channel();
        face.ask(ShardMessage::Peek(events, now, reply))?;
        let verdicts = answer
            .await
            .map_err(|_| Refusal::Unavailable("the stream is being started again".to_owned()))?
            .map_err(Refusal::Unavailable)?;
        Ok((rejections, verdicts))
    }

    fn admissible(&self, stream: &str) -> Result<Arc<StreamFace>, Refusal> {
        if self.shared.is_draining() {
            return Err(stopping());
        }
        let face = self.face(stream)?;
        if face.is_paused() {
            return Err(Refusal::Paused(stream.to_owned()));
        }
        if face.state() == StreamState::Starting {
            return Err(Refusal::Unavailable(format!(
                "stream `{stream}` is being started"
            )));
        }
        Ok(face)
    }

    /// The refusal that says how much is on its way.
    pub fn overloaded(&self) -> Refusal {
        Refusal::Overloaded {
            used: self.shared.budget.used(),
            limit: self.shared.budget.limit(),
        }
    }
}

impl StreamFace {
    /// Decodes with one of the stream's decoders: they remember layouts, so they are used again.
    fn decode(
        &self,
        input: &willet_engine::codec::InputConfig,
        records: &Records,
        events: &mut EventBatch,
        rejections: &mut Vec<Rejection>,
    ) -> Result<(), Refusal> {
        let pool = || self.decoders.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out first: the lock must not be held while a decoder is made.
        let pooled = pool().pop();
        let mut decoder = match pooled {
            Some(decoder) => decoder,
            None => Decoder::new(input, self.hash_seed)
                .map_err(|error| Refusal::Unavailable(error.to_string()))?,
        };
        decoder.decode(records, 0..records.len(), events, rejections);
        pool().push(decoder);
        Ok(())
    }
}

/// Frees an idempotency key whose request came to nothing, also when whoever asked has gone.
struct GiveUp<'a> {
    service: &'a Service,
    key: Option<String>,
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            self.service.shared.requests.give_up(key);
        }
    }
}

/// The records that were understood.
fn without(records: &Records, rejections: &[Rejection]) -> Records {
    let mut kept = Records::new();
    let mut rejected = rejections
        .iter()
        .map(|rejection| rejection.index)
        .peekable();
    for (index, (head, payload)) in records.iter().enumerate() {
        if rejected.next_if_eq(&index).is_none() {
            kept.push(head.offset, head.kind, head.arrived, payload);
        }
    }
    kept
}
