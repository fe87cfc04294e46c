//! The end of a scenario: the output must be that of a run in which nothing happened.

use std::path::Path;
use std::sync::Arc;

use willet_engine::config::Plan;
use willet_log::disk::{Disk, OpenMode};
use willet_log::log::DamageKind;
use willet_log::{DataFolder, FolderObjects, Log, OwnedLog, verify};
use willet_node::output::{FileOutput, Output};
use willet_node::worker::{Care, Home, Worker};

use super::actions::chain;
use super::player::{Player, folder};
use super::restart::{output_file, output_path, owner};
use crate::check::{Rows, first_difference, first_unreported, undisturbed};

impl Player {
    /// A last crash, and then all checks.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.is_calm = true;
        self.power_cut();
        self.restart()?;
        if self.is_refused {
            return Ok(());
        }
        let delivered = self.deliver();
        self.survive(delivered)?;
        let found = self.read(output_path())?;
        let expected = undisturbed(&self.begun_with, &self.ledger.records)?;
        let late = String::from_utf8_lossy(&expected);
        self.totals.late = late.lines().filter(|row| row.contains("\tlate\t")).count() as u64;
        if self.totals.flips > 0 {
            return match first_unreported(&found, &expected, &self.reported) {
                Some(what) => Err(what),
                None => Ok(()),
            };
        }
        if let Some(what) = first_difference(&found, &expected) {
            return Err(format!(
                "the output differs from an undisturbed run: {what}"
            ));
        }
        self.process = None;
        let verified = verify(&self.disk, folder()).map_err(|error| chain(&error))?;
        if let Some(damage) = verified
            .damage
            .iter()
            .find(|d| d.kind != DamageKind::Uncertain)
        {
            return Err(format!("verify reports damage on a sound disk: {damage}"));
        }
        self.replay(&expected)
    }

    /// The log alone gives the same output once more.
    fn replay(&mut self, expected: &[u8]) -> Result<(), String> {
        if self.first > 0 {
            return Ok(());
        }
        self.totals.replays += 1;
        let path = Path::new("/output/again");
        let replayed = self
            .replay_into(path)
            .map_err(|error| chain(error.as_ref()))?;
        drop(replayed);
        let found = self.read(path)?;
        match first_difference(&found, expected) {
            Some(what) => Err(format!(
                "a replay of the log differs from the live run: {what}"
            )),
            None => Ok(()),
        }
    }

    fn replay_into(&mut self, path: &Path) -> Result<Worker, Box<dyn std::error::Error>> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let data = DataFolder::open(Arc::clone(&disk), folder(), &owner())?;
        let (log, _) = Log::open(&data, self.scenario.log.clone())?;
        let mut log = OwnedLog::new(log, &self.begun_with.name, u64::MAX)?;
        let partition = log.partition();
        let objects = FolderObjects::open(Arc::clone(&disk), Path::new("/empty"))?;
        let file = output_file(disk.as_ref(), path)?;
        let output: Box<dyn Output> = Box::new(FileOutput::new("replay", file, Box::new(Rows)));
        // Whoever replays has the newest configuration at hand.
        let config = self
            .ledger
            .config()
            .unwrap_or_else(|| self.begun_with.clone());
        let options = self.scenario.options(&mut self.random);
        let mut worker = Worker::recover(
            Plan::new(config, 1)?,
            options,
            &mut log,
            Home {
                partition,
                objects: Arc::new(objects),
            },
            output,
            Care::default(),
            &mut Vec::new(),
        )?;
        worker.flush()?;
        Ok(worker)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let read = || {
            let file = self.disk.open(path, OpenMode::Read)?;
            let mut bytes = vec![0; file.len()? as usize];
            let read = file.read_at(&mut bytes, 0)?;
            bytes.truncate(read);
            Ok(bytes)
        };
        read().map_err(|error: std::io::Error| format!("cannot read {}: {error}", path.display()))
    }
}
