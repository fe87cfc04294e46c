//! The loop of a scenario: it plays the source, the operator and bad luck.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use willet_core::random::Random;
use willet_engine::config::StreamConfig;
use willet_engine::event::Timestamp;
use willet_engine::ports::Clock;
use willet_log::{OwnedLog, SimDisk};
use willet_node::driver::Driver;

use super::Totals;
use super::ledger::Ledger;
use super::scenario::Scenario;
use crate::check::Reported;

/// What ends with a process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) driver: Driver,
    pub(super) log: OwnedLog,
}

/// A clock that stands still until somebody moves it.
#[derive(Debug, Default)]
pub(super) struct VirtualClock(AtomicI64);

impl VirtualClock {
    pub(super) fn set(&self, now: i64) {
        self.0.store(now, Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Relaxed))
    }
}

/// Why a step did not go through.
#[derive(Debug)]
pub(super) enum Stop {
    /// The process cannot go on: the power is cut, or the disk fails.
    Dead,
    /// Something is as it must not be.
    Wrong(String),
}

impl From<String> for Stop {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

pub(super) type Step<T = ()> = Result<T, Stop>;

#[derive(Debug)]
pub(super) struct Player {
    pub(super) scenario: Scenario,
    pub(super) random: Random,
    pub(super) disk: SimDisk,
    pub(super) process: Option<Process>,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) ledger: Ledger,
    /// The first configuration.
    pub(super) begun_with: StreamConfig,
    /// Lines that the source has handed out.
    pub(super) line: usize,
    /// Power cuts still to come, by line, the next one last.
    pub(super) crashes: Vec<usize>,
    pub(super) limit: usize,
    /// First record of the log as last seen.
    pub(super) first: u64,
    /// No more misfortune.
    pub(super) is_calm: bool,
    pub(super) reported: Reported,
    /// The data folder cannot be opened any more, and says why; only after bits flipped.
    pub(super) is_refused: bool,
    pub(super) totals: Totals,
    traced: bool,
    trace: Vec<String>,
}

pub(super) fn folder() -> &'static Path {
    Path::new("/data")
}

impl Player {
    pub(super) fn new(seed: u64, traced: bool) -> Self {
        let mut random = Random::new(seed);
        let scenario = Scenario::draw(&mut random);
        let mut crashes = scenario.crashes.clone();
        crashes.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            disk: SimDisk::new(random.bits()),
            process: None,
            clock: Arc::default(),
            ledger: Ledger::default(),
            begun_with: scenario.config.clone(),
            line: 0,
            crashes,
            limit: 0,
            first: 0,
            is_calm: false,
            reported: Reported::default(),
            is_refused: false,
            totals: Totals {
                seeds: 1,
                ..Totals::default()
            },
            traced,
            trace: Vec::new(),
            scenario,
            random,
        }
    }

    pub(super) fn end(self) -> (Totals, Vec<String>) {
        (self.totals, self.trace)
    }

    pub(super) fn say(&mut self, what: impl FnOnce() -> String) {
        if self.traced {
            let text = format!(
                "[line {}, record {}] {}",
                self.line,
                self.ledger.records.len(),
                what()
            );
            self.trace.push(text);
        }
    }

    pub(super) fn below(&mut self, bound: usize) -> u64 {
        self.random.below(bound) as u64
    }

    /// One in `share`.
    pub(super) fn chance(&mut self, share: usize) -> bool {
        self.random.below(share) == 0
    }

    /// Plays the whole scenario.
    pub(super) fn play(&mut self) -> Result<(), String> {
        let text = format!(
            "{:?} {:?} {} lines, {} keys, flips {}",
            self.scenario.config,
            self.scenario.log,
            self.scenario.lines.len(),
            self.scenario.keys,
            self.scenario.flips
        );
        self.say(|| text);
        while !self.is_refused && self.line < self.scenario.lines.len() {
            if self.process.is_none() {
                self.restart()?;
                continue;
            }
            let step = self.act();
            self.survive(step)?;
        }
        while !self.is_refused && self.totals.crashes < 3 {
            self.power_cut();
            self.restart()?;
        }
        if self.is_refused {
            return Ok(());
        }
        self.finish()
    }

    /// Lets a step that ended the process end it.
    pub(super) fn survive(&mut self, step: Step) -> Result<(), String> {
        match step {
            Ok(()) if self.disk.is_off() => self.power_cut(),
            Ok(()) => {}
            Err(Stop::Wrong(what)) => return Err(what),
            Err(Stop::Dead) if self.disk.is_off() || self.chance(2) => self.power_cut(),
            Err(Stop::Dead) => self.kill(),
        }
        Ok(())
    }

    pub(super) fn power_cut(&mut self) {
        let seed = self.random.bits();
        self.disk.crash(seed);
        self.disk.set_capacity(u64::MAX);
        self.process = None;
        self.totals.crashes += 1;
        self.say(|| "power cut".to_owned());
    }

    pub(super) fn kill(&mut self) {
        self.process = None;
        self.totals.kills += 1;
        self.say(|| "the process died".to_owned());
    }
}
