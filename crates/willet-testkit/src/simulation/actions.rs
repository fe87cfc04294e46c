//! What may happen while the process lives.

use willet_engine::codec::Decoder;
use willet_engine::config::StreamConfig;
use willet_engine::event::{EventBatch, Timestamp};
use willet_engine::journal::Entry;
use willet_engine::records::{RecordKind, Records};
use willet_node::durable::Durable;
use willet_node::worker::{Trouble, WorkerError};

use super::player::{Player, Step, Stop};
use super::scenario::changed;
use crate::streams;

/// How often a call is made again before the process gives up.
const TRIES: usize = 6;

impl Player {
    pub(super) fn durable(&mut self) -> Step<&mut Durable> {
        self.durable.as_mut().ok_or(Stop::Dead)
    }

    /// One action drawn at random.
    pub(super) fn act(&mut self) -> Step {
        if self.crashes.last().is_some_and(|line| *line <= self.line) {
            self.crashes.pop();
            if self.chance(5) {
                self.power_cut();
                return Ok(());
            }
            // Most crashes fall inside something.
            let scale = self.below(9);
            let nth = 1 + self.below(1 << scale);
            self.disk.cut_power_in(nth);
            self.say(|| format!("the power will be cut in disk operation {nth}"));
        }
        if self.scenario.flips && self.chance(20) {
            self.flip_a_bit();
        }
        match self.below(100) {
            0..=59 => self.events(),
            60..=64 => self.journal(),
            65 | 66 => self.begin_checkpoint(),
            67..=85 => self.checkpoint_step(),
            86..=90 => self.deliver(),
            91..=96 => {
                self.misfortune();
                Ok(())
            }
            97 => {
                self.disk.set_capacity(u64::MAX);
                Ok(())
            }
            98 if self.chance(4) => {
                self.kill();
                Ok(())
            }
            99 if self.chance(4) => self.close(),
            _ => Ok(()),
        }
    }

    /// Something goes wrong soon.
    fn misfortune(&mut self) {
        let nth = 1 + self.below(8);
        match self.below(3) {
            0 => self.disk.fail_write(nth),
            1 => self.disk.fail_sync(nth),
            _ => {
                let room = self.below(20_000);
                self.disk.set_capacity(self.disk.used() + room);
                self.say(|| format!("the disk has {room} bytes left"));
            }
        }
    }

    /// Judges an error: whether to try again, die, or that it must not be.
    fn failed(&mut self, what: &str, error: &WorkerError, tries: usize) -> Step {
        self.totals.refusals += 1;
        self.say(|| format!("{what} failed: {}", chain(error)));
        if self.disk.is_off() {
            return Err(Stop::Dead);
        }
        let by_the_disk = match error {
            WorkerError::Log(error) => !error.is_user_error(),
            WorkerError::Objects(_) | WorkerError::Output(_) => true,
            _ => false,
        };
        if !by_the_disk {
            return Err(format!("{what}: {}", chain(error)).into());
        }
        if tries > TRIES / 2 {
            self.disk.set_capacity(u64::MAX);
        }
        if tries >= TRIES || (!error.is_full() && self.chance(2)) {
            return Err(Stop::Dead);
        }
        Ok(())
    }

    /// Calls until it succeeds, the disk's failures borne as a pipeline does.
    fn patiently(
        &mut self,
        what: &str,
        mut call: impl FnMut(&mut Durable) -> Result<(), WorkerError>,
    ) -> Step {
        let mut tries = 0;
        loop {
            match call(self.durable()?) {
                Ok(()) => return Ok(()),
                Err(error) => self.failed(what, &error, tries)?,
            }
            tries += 1;
        }
    }

    /// Appends records until they are acknowledged.
    fn append(&mut self, records: &mut Records) -> Step {
        let mut tries = 0;
        loop {
            match self.durable()?.append(records) {
                Ok(()) => break,
                Err(error) => {
                    self.ledger.doubt(records);
                    self.failed("append", &error, tries)?;
                }
            }
            tries += 1;
        }
        let expected = self.ledger.records.len() as u64;
        let first = records.head(0).offset;
        if first != expected {
            return Err(format!("append gave offset {first}, expected {expected}").into());
        }
        self.ledger.acknowledge(records);
        Ok(())
    }

    /// A batch of the source: log, shard, output, memory.
    fn events(&mut self) -> Step {
        let most = self.scenario.batch;
        let count = (1 + self.random.below(most)).min(self.scenario.lines.len() - self.line);
        let lines = self.line..self.line + count;
        let input = self
            .durable()?
            .worker()
            .shard()
            .plan()
            .config()
            .input
            .clone();
        let hash_seed = self.scenario.hash_seed;
        let mut decoder =
            Decoder::new(&input, hash_seed).map_err(|error| Stop::Wrong(error.to_string()))?;
        let mut all = Records::new();
        for (place, line) in lines.clone().enumerate() {
            let arrived = streams::time_of(line);
            all.push(
                place as u64,
                RecordKind::Event,
                arrived,
                &self.scenario.lines[line],
            );
        }
        let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
        decoder.decode(&all, 0..all.len(), &mut events, &mut rejections);
        let rejected: Vec<usize> = rejections.iter().map(|rejection| rejection.index).collect();
        let holds_back = !self.scenario.logs_bad_lines;
        let mut records = Records::new();
        for (place, (head, payload)) in all.iter().enumerate() {
            if !holds_back || !rejected.contains(&place) {
                records.push(head.offset, head.kind, head.arrived, payload);
            }
        }
        records.push(
            u64::MAX,
            RecordKind::Cursor,
            0,
            &(lines.end as u64).to_le_bytes(),
        );

        self.append(&mut records)?;
        self.line = lines.end;
        self.totals.events += count as u64;
        if self.chance(25) {
            self.poison_one(&records)?;
        }
        let taken = if holds_back {
            self.durable()?.take_decoded(&records, &mut events)
        } else {
            self.durable()?.worker().take(&records)
        };
        if let Err(error) = taken {
            self.failed("taking events", &error, TRIES)?;
        }
        // Before any of the verdicts leaves: a report that dies with the process was none.
        self.troubles()?;
        self.patiently("flush", |durable| durable.worker().flush())?;
        self.hold_memory()?;
        self.troubles()
    }

    /// A record of these made processing panic twice: it is marked before it is taken.
    fn poison_one(&mut self, records: &Records) -> Step {
        let offset = records.head(self.random.below(records.len())).offset;
        self.write_entry(&Entry::Poison { offset })
    }

    /// Series beyond the bound leave memory; without room on the disk they stay.
    fn hold_memory(&mut self) -> Step {
        let limit = self.limit;
        let worker = self.durable()?.worker();
        let before = worker.shard().occupancy().resident_bytes;
        let held = worker.hold_memory();
        let after = worker.shard().occupancy().resident_bytes;
        self.totals.evictions += u64::from(after < before);
        match held {
            Ok(()) if after > limit => {
                Err(format!("{after} bytes of series in memory, expected at most {limit}").into())
            }
            Ok(()) => Ok(()),
            Err(error) if error.is_full() => {
                self.totals.refusals += 1;
                Ok(())
            }
            Err(error) => self.failed("holding memory", &error, 0),
        }
    }

    fn journal(&mut self) -> Step {
        let key = self.random.below(self.scenario.keys);
        let entry = match self.below(13) {
            11 | 12 => Entry::Label {
                key: streams::key(key),
                offset: self.below(1 + self.ledger.records.len()),
                is_anomaly: self.chance(2),
            },
            8 | 9 => Entry::Retrain {
                key: streams::key(key),
            },
            10 => Entry::BackToBefore {
                key: streams::key(key),
            },
            0..=2 => Entry::Tick {
                at: Timestamp(streams::time_of(self.line)),
            },
            3 | 4 => Entry::Reset {
                key: Some(streams::key(key)),
            },
            5 => Entry::Reset { key: None },
            6 => {
                let ahead = self.ledger.records.len() as u64 + 1 + self.below(20);
                Entry::Poison { offset: ahead }
            }
            _ => {
                let config = self.durable()?.worker().shard().plan().config().clone();
                let config: StreamConfig = changed(&mut self.random, &config);
                self.totals.configurations += 1;
                Entry::Configure {
                    config: Box::new(config),
                }
            }
        };
        self.write_entry(&entry)
    }

    fn write_entry(&mut self, entry: &Entry) -> Step {
        let text = format!("journal: {}", String::from_utf8_lossy(&entry.encode()));
        self.say(|| text);
        let mut records = Records::new();
        records.push(0, RecordKind::Journal, 0, &entry.encode());
        let mut tries = 0;
        loop {
            let written = match entry {
                Entry::Configure { config } => self.durable()?.configure((**config).clone()),
                _ => self.durable()?.journal(entry),
            };
            match written {
                Ok(()) => break,
                Err(error) => {
                    self.ledger.doubt(&records);
                    self.failed("journal", &error, tries)?;
                }
            }
            tries += 1;
        }
        self.ledger.acknowledge(&records);
        Ok(())
    }

    fn begin_checkpoint(&mut self) -> Step {
        match self.durable()?.worker().begin_checkpoint() {
            Ok(()) => Ok(()),
            Err(error) => self.failed("beginning a checkpoint", &error, 0),
        }
    }

    fn checkpoint_step(&mut self) -> Step {
        let result = self.durable()?.checkpoint_step();
        self.note_delivered()?;
        match result {
            Ok(is_done) => {
                if is_done {
                    self.totals.checkpoints += 1;
                    self.say(|| "checkpoint finished".to_owned());
                }
                Ok(())
            }
            Err(error) if error.is_full() => {
                self.totals.refusals += 1;
                Ok(())
            }
            Err(error) => self.failed("checkpoint", &error, 0),
        }
    }

    pub(super) fn deliver(&mut self) -> Step {
        self.patiently("deliver", |durable| durable.worker().deliver())?;
        self.note_delivered()
    }

    fn note_delivered(&mut self) -> Step {
        let delivered = self.durable()?.worker().delivered();
        self.ledger.delivered = self.ledger.delivered.max(delivered);
        Ok(())
    }

    /// Ends the process in good order.
    fn close(&mut self) -> Step {
        let Some(durable) = self.durable.take() else {
            return Ok(());
        };
        self.say(|| "close".to_owned());
        match durable.close() {
            Ok(worker) => {
                self.ledger.delivered = self.ledger.delivered.max(worker.delivered());
                self.totals.checkpoints += 1;
                Ok(())
            }
            Err(error) => self.failed("close", &error, TRIES),
        }
    }

    /// What the worker found wrong must have a cause.
    pub(super) fn troubles(&mut self) -> Step {
        let troubles = self.durable()?.worker().take_troubles();
        self.hear(troubles)
    }

    /// Takes down what was reported: it excuses what it speaks of.
    pub(super) fn hear(&mut self, troubles: Vec<Trouble>) -> Step {
        // An opening may have delivered since: what it gave out began here, or earlier where it did not know.
        let is_mark_lost = troubles
            .iter()
            .any(|trouble| matches!(trouble, Trouble::Mark(_)));
        let delivered = if is_mark_lost {
            0
        } else {
            self.ledger.delivered
        };
        for trouble in troubles {
            self.totals.reports += 1;
            self.say(|| format!("reported: {trouble}"));
            if self.totals.flips == 0 {
                return Err(format!("reported on a sound disk: {trouble}").into());
            }
            match trouble {
                Trouble::Key { key, .. } => {
                    self.reported.keys.insert(key);
                }
                Trouble::Manifest { .. } | Trouble::Log(_) => {}
                // From the beginning of the log the output is written anew, and right.
                Trouble::Mark(_) => self.reported.has_repeats |= self.first > 0,
                _ => self.reported.all_from(delivered),
            }
        }
        Ok(())
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let cause = source.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        next = source.source();
    }
    text
}
