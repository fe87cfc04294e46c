//! A process begins: what the last one promised must be there.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use willet_engine::config::StreamConfig;
use willet_engine::journal::Entry;
use willet_engine::records::RecordKind;
use willet_log::disk::{Disk, DiskFile, OpenMode};
use willet_log::log::DamageKind;
use willet_log::{DataFolder, FolderError, OpenReport, Owner};
use willet_node::driver::{Asked, OpenError, Setup, open_in_folder};
use willet_node::output::FileOutput;
use willet_node::worker::{Care, WorkerError};

use super::actions::chain;
use super::ledger::{copy, read_cursor};
use super::player::{Player, Process, Step, Stop, folder};
use crate::check::{Record, Rows};
use crate::streams;

/// Openings that may fail one after the other before it counts as never.
const OPENINGS: usize = 60;

pub(super) fn owner() -> Owner {
    Owner {
        pid: 1,
        since: 0,
        version: "simulation".to_owned(),
    }
}

/// The output file, its name durable.
pub(super) fn output_file(disk: &dyn Disk, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
    let folder = path.parent().unwrap_or(path);
    disk.create_folder(folder)?;
    let file = match disk.open(path, OpenMode::Edit) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk.open(path, OpenMode::Create)?
        }
        other => other?,
    };
    disk.sync_folder(folder)?;
    Ok(file)
}

pub(super) fn output_path() -> &'static Path {
    Path::new("/output/rows")
}

impl Player {
    /// Opens the data folder until it is open; what the log holds is compared with what was acknowledged.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        for _ in 0..OPENINGS {
            if !self.is_calm && self.chance(4) {
                let scale = self.below(8);
                let nth = 1 + self.below(1 << scale);
                self.disk.cut_power_in(nth);
            }
            let opened = self.open();
            if opened.is_ok() {
                self.say(|| "opened".to_owned());
            }
            if !matches!(opened, Ok(())) {
                self.process = None;
            }
            match opened {
                Err(Stop::Wrong(what)) => return Err(what),
                Err(Stop::Dead) => {
                    self.disk.set_capacity(u64::MAX);
                    if self.disk.is_off() {
                        self.power_cut();
                    }
                }
                Ok(()) => {}
            }
            if self.process.is_some() || self.is_refused {
                return Ok(());
            }
        }
        Err(format!(
            "the data folder could not be opened {OPENINGS} times"
        ))
    }

    fn open(&mut self) -> Step {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let data = match DataFolder::open(Arc::clone(&disk), folder(), &owner()) {
            Ok(data) => data,
            Err(FolderError::Io { .. }) => return Err(Stop::Dead),
            Err(error) => return Err(chain(&error).into()),
        };
        let known = self
            .ledger
            .config()
            .unwrap_or_else(|| self.begun_with.clone());
        let mut candidates = vec![known];
        candidates.extend(self.ledger.doubtful_configs());
        let mut refusal = String::new();
        for config in candidates {
            let opened = self.open_as(&disk, &data, config)?;
            match opened {
                Ok(report) => return self.compare(&report),
                Err(error) => refusal = error,
            }
        }
        self.refuse(&refusal)
    }

    /// Opens with a configuration; an inner error is a refusal.
    fn open_as(
        &mut self,
        disk: &Arc<dyn Disk>,
        data: &DataFolder,
        config: StreamConfig,
    ) -> Step<Result<OpenReport, String>> {
        let file = output_file(disk.as_ref(), output_path()).map_err(|_| Stop::Dead)?;
        let output = FileOutput::new("the output", file, Box::new(Rows));
        let options = self.scenario.options(&mut self.random);
        self.limit = options.memory.limit();
        self.clock.set(streams::time_of(self.line));
        let mut heard = Vec::new();
        let is_live = self.chance(2);
        let asked = Asked::Same {
            config,
            takes_input_of_folder: false,
        };
        let opened = open_in_folder(
            data,
            self.scenario.log.clone(),
            self.scenario.retention_bytes,
            asked,
            |home| Setup {
                options,
                home,
                output: Box::new(output),
                care: Care::default(),
                clock: self.clock.clone(),
                saves: true,
                is_live,
            },
            &mut heard,
        );
        match opened {
            Ok((driver, log, report)) => {
                self.process = Some(Process { driver, log });
                Ok(Ok(report))
            }
            Err(error) => {
                self.say(|| format!("opening failed: {}", chain(&error)));
                self.totals.refusals += 1;
                self.hear(heard)?;
                if self.totals.flips > 0 {
                    // What a recovery that was cut short had found wrong and got past, nobody heard of.
                    self.reported.all_from(self.ledger.delivered);
                }
                match &error {
                    _ if self.disk.is_off() => Err(Stop::Dead),
                    OpenError::Worker(WorkerError::Log(log)) if !log.is_user_error() => {
                        Err(Stop::Dead)
                    }
                    OpenError::Worker(WorkerError::Objects(_) | WorkerError::Output(_)) => {
                        Err(Stop::Dead)
                    }
                    _ => Ok(Err(chain(&error))),
                }
            }
        }
    }

    /// Damage may make a data folder useless, as long as it says so.
    fn refuse(&mut self, why: &str) -> Step {
        if self.totals.flips == 0 {
            return Err(format!("a sound data folder was refused: {why}").into());
        }
        self.say(|| format!("refused: {why}"));
        self.totals.reports += 1;
        self.is_refused = true;
        Ok(())
    }

    fn compare(&mut self, report: &OpenReport) -> Step {
        self.say(|| format!("{report:?}"));
        let is_sound = self.totals.flips == 0;
        if is_sound
            && let Some(damage) = report
                .damage
                .iter()
                .find(|d| d.kind != DamageKind::Uncertain)
        {
            return Err(format!("damage reported on a sound disk: {damage}").into());
        }
        let damage = report
            .damage
            .iter()
            .filter(|d| d.kind != DamageKind::Uncertain);
        self.totals.reports += damage.count() as u64;

        let log = self.process()?.log.log();
        let Some((partition, _, _)) = log.partitions().next() else {
            return Err("the log has no partition, expected one".to_owned().into());
        };
        let (first, end) = (
            log.start(partition).unwrap_or(0),
            log.end(partition).unwrap_or(0),
        );
        let mut reader = log.reader(partition, first);
        let mut present = BTreeMap::new();
        loop {
            let records = reader.next_batch(1 << 16).map_err(|_| Stop::Dead)?;
            if records.is_empty() {
                break;
            }
            let offsets: Vec<u64> = records.iter().map(|(head, _)| head.offset).collect();
            present.extend(offsets.into_iter().zip(copy(&records)));
        }
        let read_damage = !reader.take_damage().is_empty();
        // In the last commit before an unclean stop a flipped bit and a torn write look the same: told as bytes cut off.
        let has_troubles = read_damage || !report.damage.is_empty() || report.torn_bytes > 0;
        self.compare_records(first, end, present, has_troubles)?;
        self.compare_positions()?;
        self.troubles()
    }

    fn compare_records(
        &mut self,
        first: u64,
        end: u64,
        mut present: BTreeMap<u64, Record>,
        is_reported: bool,
    ) -> Step {
        let known = self.ledger.records.len() as u64;
        if first > 0 && self.scenario.retention_bytes == u64::MAX && self.totals.flips == 0 {
            return Err(format!("the log begins at {first}, expected 0").into());
        }
        self.totals.retentions += u64::from(first > self.first);
        self.first = self.first.max(first);
        if end < known {
            if self.totals.flips == 0 || !is_reported {
                return Err(format!(
                    "{} acknowledged records are lost: the log ends at {end}, expected {known}",
                    known - end
                )
                .into());
            }
            self.ledger.records.truncate(end as usize);
        }
        let extra = present.split_off(&known);
        for offset in first..known.min(end) {
            match present.get(&offset) {
                Some(found) if *found == self.ledger.records[offset as usize] => {}
                Some(found) => {
                    return Err(format!("record {offset} was never acknowledged: {found:?}").into());
                }
                None => self.lost(offset, is_reported)?,
            }
        }
        if end > known {
            self.adopt(known, end, &extra)?;
        }
        self.ledger.doubtful.clear();
        Ok(())
    }

    /// A record that was acknowledged cannot be read.
    fn lost(&mut self, offset: u64, is_reported: bool) -> Step {
        let was_reported = is_reported || self.reported.lost.contains(&offset);
        if self.totals.flips == 0 || !was_reported {
            return Err(format!("record {offset} is lost and nothing was reported").into());
        }
        if !self.reported.lost.insert(offset) {
            return Ok(());
        }
        let record = &self.ledger.records[offset as usize];
        let text = String::from_utf8_lossy(&record.payload).into_owned();
        match record.kind {
            RecordKind::Event if !text.contains("\"id\":") => {
                let key = text.split('"').nth(3).unwrap_or_default().to_owned();
                self.reported.keys.insert(key);
            }
            // What was a duplicate, and all that a journal record changes.
            RecordKind::Event | RecordKind::Journal => self.reported.all_from(offset),
            RecordKind::Cursor => {}
        }
        Ok(())
    }

    /// Records behind the last acknowledged one are one of the appends whose end nobody saw.
    fn adopt(&mut self, known: u64, end: u64, extra: &BTreeMap<u64, Record>) -> Step {
        let mut attempts = self.ledger.doubtful.clone();
        if known == 0 {
            let config = Box::new(self.begun_with.clone());
            attempts.push(vec![Record {
                kind: RecordKind::Journal,
                arrived: streams::time_of(0),
                payload: Entry::Configure { config }.encode(),
            }]);
        }
        let is_sound = self.totals.flips == 0;
        let fits = |attempt: &Vec<Record>| {
            attempt.len() as u64 == end - known
                && (!is_sound || extra.len() == attempt.len())
                && extra
                    .iter()
                    .all(|(offset, record)| attempt[(offset - known) as usize] == *record)
        };
        match attempts.into_iter().find(fits) {
            Some(attempt) => {
                self.ledger.records.extend(attempt);
                for offset in known..end {
                    if !extra.contains_key(&offset) {
                        self.lost(offset, true)?;
                    }
                }
                Ok(())
            }
            None => Err(format!(
                "the log has records {known} to {end} that are no append of the source: {extra:?}"
            )
            .into()),
        }
    }

    fn compare_positions(&mut self) -> Step {
        let (expected, promised) = (self.ledger.cursor(), self.ledger.delivered);
        let is_sound = self.totals.flips == 0;
        let worker = self.process()?.driver.worker();
        let cursor = worker.cursor().map_or(0, read_cursor);
        let delivered = worker.delivered();
        if cursor > expected || (is_sound && cursor < expected) {
            return Err(format!("the source is at line {cursor}, expected {expected}").into());
        }
        if is_sound && delivered < promised {
            return Err(format!(
                "records before {promised} were delivered, now only before {delivered}"
            )
            .into());
        }
        self.line = cursor as usize;
        Ok(())
    }
}
