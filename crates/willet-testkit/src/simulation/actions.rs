//! What may happen while the process lives.

use willet_engine::codec::Decoder;
use willet_engine::config::StreamConfig;
use willet_engine::event::{EventBatch, Timestamp};
use willet_engine::journal::Entry;
use willet_engine::ports::{Clock as _, PartitionLog as _, PortError};
use willet_engine::records::{RecordKind, Records};
use willet_node::driver::{Input, Observer};
use willet_node::worker::{Trouble, Worker, WorkerError};

use super::player::{Player, Process, Step, Stop};
use super::scenario::changed;
use crate::streams;

/// How often a call is made again before the process gives up.
const TRIES: usize = 6;

impl Player {
    pub(super) fn process(&mut self) -> Step<&mut Process> {
        self.process.as_mut().ok_or(Stop::Dead)
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
            65 | 66 => self.pass_time(),
            67..=85 => self.step(&Input::Nothing),
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
        mut call: impl FnMut(&mut Worker) -> Result<(), WorkerError>,
    ) -> Step {
        let mut tries = 0;
        loop {
            match call(self.process()?.driver.worker()) {
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
            match self.process()?.log.append(records) {
                Ok(_) => break,
                Err(error) => {
                    self.ledger.doubt(records);
                    self.failed("append", &error.into(), tries)?;
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
            .process()?
            .driver
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
        // Where time was let pass before, the clock is put back with this.
        self.clock.set(streams::time_of(lines.end));
        self.totals.events += count as u64;
        if self.chance(25) {
            return self.poison_one(&records);
        }
        if holds_back {
            events.number_from(records.head(0).offset);
            self.step(&Input::Decoded(&records, &events))
        } else {
            self.step(&Input::Records(&records))
        }
    }

    /// A step of the driver, made again while the disk fails, and what it wants done with the log.
    fn step(&mut self, input: &Input<'_>) -> Step {
        let limit = self.limit;
        let mut tries = 0;
        let effects = loop {
            let process = self.process()?;
            let before = process.driver.worker().shard().occupancy().resident_bytes;
            let mut heard = Hearing::default();
            let stepped = process.driver.step(input, &mut heard);
            let after = process.driver.worker().shard().occupancy().resident_bytes;
            self.totals.evictions += u64::from(after < before);
            // Before any of the verdicts leaves: a report that dies with the process was none.
            self.hear(heard.0)?;
            match stepped {
                Ok(effects) if effects.missed_space.is_none() && after > limit => {
                    let text =
                        format!("{after} bytes of series in memory, expected {limit} at most");
                    return Err(text.into());
                }
                Ok(effects) => break effects,
                Err(error) => self.failed("a step", &error, tries)?,
            }
            tries += 1;
        };
        self.totals.refusals += u64::from(effects.missed_space.is_some());
        self.note_delivered()?;
        self.troubles()?;
        if effects.has_checkpointed {
            self.totals.checkpoints += 1;
            self.say(|| "checkpoint finished".to_owned());
        }
        match self.process()?.log.needless(effects.needless) {
            Err(error) if error.is_full() => self.totals.refusals += 1,
            Err(error) => self.failed("letting go of the log", &error.into(), 0)?,
            Ok(()) => {}
        }
        match effects.append {
            Some(entry) => self.write_entry(&entry),
            None => Ok(()),
        }
    }

    /// Enough for a checkpoint to be due, and for windows to close.
    fn pass_time(&mut self) -> Step {
        let seconds = 5 + self.below(10) as i64;
        let now = self.clock.now().0;
        self.clock.set(now + seconds * 1_000_000);
        self.step(&Input::Nothing)
    }

    /// A record of these made processing panic twice: it is marked in the log, and the shard comes back from that.
    fn poison_one(&mut self, records: &Records) -> Step {
        let offset = records.head(self.random.below(records.len())).offset;
        let mut mark = Records::new();
        let entry = Entry::Poison { offset }.encode();
        mark.push(0, RecordKind::Journal, 0, &entry);
        self.append(&mut mark)?;
        self.kill();
        Ok(())
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
                let worker = self.process()?.driver.worker();
                let config = worker.shard().plan().config().clone();
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
        self.append(&mut records)?;
        self.step(&Input::Decoded(&records, &EventBatch::new()))
    }

    pub(super) fn deliver(&mut self) -> Step {
        self.patiently("deliver", Worker::deliver)?;
        self.note_delivered()
    }

    fn note_delivered(&mut self) -> Step {
        let delivered = self.process()?.driver.worker().delivered();
        self.ledger.delivered = self.ledger.delivered.max(delivered);
        Ok(())
    }

    /// Ends the process in good order.
    fn close(&mut self) -> Step {
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        self.say(|| "close".to_owned());
        let Process {
            mut driver,
            mut log,
        } = process;
        let closed = driver.save().and_then(|needless| {
            log.needless(Some(needless))?;
            Ok(log.close().map_err(PortError::from)?)
        });
        match closed {
            Ok(()) => {
                let delivered = driver.worker().delivered();
                self.ledger.delivered = self.ledger.delivered.max(delivered);
                self.totals.checkpoints += 1;
                Ok(())
            }
            Err(error) => self.failed("close", &error, TRIES),
        }
    }

    /// What the worker found wrong must have a cause.
    pub(super) fn troubles(&mut self) -> Step {
        let troubles = self.process()?.driver.worker().take_troubles();
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

/// Takes down what a step finds wrong.
#[derive(Default)]
struct Hearing(Vec<Trouble>);

impl Observer for Hearing {
    fn answered(&mut self, worker: &mut Worker, _: &Input<'_>, _: i64) {
        self.0.extend(worker.take_troubles());
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
