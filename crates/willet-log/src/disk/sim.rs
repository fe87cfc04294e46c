//! A disk in memory that fails as disks fail, the same way for the same seed.

mod node;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskEntry, DiskFile, DiskLock, OpenMode};
use node::Node;

/// A simulated disk. Clones share it, so that a "restarted" process opens the same one.
#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: SplitMix64,
    /// Rises at each crash; handles of an earlier life fail.
    life: u64,
    nodes: Vec<Node>,
    live: BTreeMap<PathBuf, Entry>,
    durable: BTreeMap<PathBuf, Entry>,
    /// Changes of names, in order, by folder, since the folder was last synced.
    unsynced: BTreeMap<PathBuf, Vec<NameChange>>,
    locks: BTreeSet<PathBuf>,
    capacity: u64,
    write_fails_in: Option<u64>,
    sync_fails_in: Option<u64>,
    power_fails_in: Option<u64>,
    /// The power is cut: nothing works until [`SimDisk::crash`].
    is_off: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    File(usize),
    Folder,
}

#[derive(Debug)]
enum NameChange {
    Add(PathBuf, Entry),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl SimDisk {
    /// An empty disk without limit.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: SplitMix64(seed),
            life: 0,
            nodes: Vec::new(),
            live: BTreeMap::new(),
            durable: BTreeMap::new(),
            unsynced: BTreeMap::new(),
            locks: BTreeSet::new(),
            capacity: u64::MAX,
            write_fails_in: None,
            sync_fails_in: None,
            power_fails_in: None,
            is_off: false,
        })))
    }

    /// Cuts the power. Writes that were not synced are dropped, kept, torn at a byte or kept in some sectors only, each for
    /// itself; of the unsynced changes of a folder the first few are kept. Open files and locks of before are dead.
    pub fn crash(&self, seed: u64) {
        let mut state = self.state();
        let mut random = SplitMix64(seed);
        state.life += 1;
        state.locks.clear();
        (state.write_fails_in, state.sync_fails_in) = (None, None);
        (state.power_fails_in, state.is_off) = (None, false);
        let unsynced = std::mem::take(&mut state.unsynced);
        for changes in unsynced.into_values() {
            let kept = random.below(changes.len() as u64 + 1) as usize;
            for change in changes.into_iter().take(kept) {
                apply(&mut state.durable, change);
            }
        }
        let reachable: BTreeMap<PathBuf, Entry> = state
            .durable
            .iter()
            .filter(|(path, _)| has_folders(&state.durable, path))
            .map(|(path, entry)| (path.clone(), *entry))
            .collect();
        state.durable.clone_from(&reachable);
        state.live = reachable;
        for node in &mut state.nodes {
            node.crash(&mut random);
        }
    }

    /// Flips one bit of a file, as a failing medium does. False when the file has no such byte.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) -> bool {
        let mut state = self.state();
        match state.live.get(path) {
            Some(&Entry::File(node)) => state.nodes[node].flip(offset, bit),
            _ => false,
        }
    }

    /// Writes that would use more bytes than this fail with `StorageFull`.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Makes the `nth` write from now fail after a part of it (1 is the next).
    pub fn fail_write(&self, nth: u64) {
        self.state().write_fails_in = Some(nth);
    }

    /// Makes the `nth` sync of a file from now fail (1 is the next). What it should have made durable is there in part
    /// or not, and stays so when a later sync succeeds.
    pub fn fail_sync(&self, nth: u64) {
        self.state().sync_fails_in = Some(nth);
    }

    /// Cuts the power inside the `nth` operation from now (1 is the next): it is done or not, fails in any case, and so does
    /// every one after it until [`SimDisk::crash`] is called.
    pub fn cut_power_in(&self, nth: u64) {
        self.state().power_fails_in = Some(nth);
    }

    /// Whether the power was cut by [`SimDisk::cut_power_in`].
    pub fn is_off(&self) -> bool {
        self.state().is_off
    }

    /// Takes back injected failures that did not happen yet.
    pub fn clear_failures(&self) {
        let mut state = self.state();
        (state.write_fails_in, state.sync_fails_in) = (None, None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    On,
    /// It is the last one, and still gets done.
    Going,
}

impl Power {
    fn end<T>(self, value: T) -> io::Result<T> {
        match self {
            Self::On => Ok(value),
            Self::Going => Err(power_cut()),
        }
    }
}

fn power_cut() -> io::Error {
    io::Error::other("the power was cut, expected a crash and an opening before the next operation")
}

impl State {
    fn begin(&mut self) -> io::Result<Power> {
        if self.is_off {
            return Err(power_cut());
        }
        if !due(&mut self.power_fails_in) {
            return Ok(Power::On);
        }
        self.is_off = true;
        if self.random.below(2) == 0 {
            Ok(Power::Going)
        } else {
            Err(power_cut())
        }
    }

    fn used(&self) -> u64 {
        self.live
            .values()
            .map(|entry| match entry {
                Entry::File(node) => self.nodes[*node].len(),
                Entry::Folder => 0,
            })
            .sum()
    }

    fn change(&mut self, change: NameChange) {
        let (NameChange::Add(path, _) | NameChange::Rename(_, path) | NameChange::Remove(path)) =
            &change;
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        match &change {
            NameChange::Add(path, entry) => {
                apply(&mut self.live, NameChange::Add(path.clone(), *entry));
            }
            NameChange::Rename(from, to) => {
                apply(&mut self.live, NameChange::Rename(from.clone(), to.clone()));
            }
            NameChange::Remove(path) => apply(&mut self.live, NameChange::Remove(path.clone())),
        }
        self.unsynced.entry(folder).or_default().push(change);
    }

    fn needs_file(&self, path: &Path) -> io::Result<()> {
        match self.live.get(path) {
            Some(Entry::File(_)) => Ok(()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Entry>, change: NameChange) {
    match change {
        NameChange::Add(path, entry) => {
            names.insert(path, entry);
        }
        NameChange::Rename(from, to) => {
            if let Some(entry) = names.remove(&from) {
                names.insert(to, entry);
            }
        }
        NameChange::Remove(path) => {
            names.remove(&path);
        }
    }
}

fn has_folders(names: &BTreeMap<PathBuf, Entry>, path: &Path) -> bool {
    path.ancestors()
        .skip(1)
        .filter(|above| above.file_name().is_some())
        .all(|above| names.get(above) == Some(&Entry::Folder))
}

/// Counts down to an injected failure; true when it is due.
fn due(counter: &mut Option<u64>) -> bool {
    match counter {
        Some(0 | 1) => {
            *counter = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let power = state.begin()?;
        let node = match (state.live.get(path), mode) {
            (Some(Entry::File(_) | Entry::Folder), OpenMode::Create) => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            (Some(Entry::File(node)), _) => *node,
            (Some(Entry::Folder), _) => return Err(io::ErrorKind::IsADirectory.into()),
            (None, OpenMode::Create) if has_folders(&state.live, path) => {
                let node = state.nodes.len();
                state.nodes.push(Node::default());
                state.change(NameChange::Add(path.to_path_buf(), Entry::File(node)));
                node
            }
            (None, _) => return Err(io::ErrorKind::NotFound.into()),
        };
        let life = state.life;
        power.end(Arc::new(SimFile {
            disk: self.clone(),
            node,
            life,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let power = state.begin()?;
        state.needs_file(from)?;
        state.change(NameChange::Rename(from.to_path_buf(), to.to_path_buf()));
        power.end(())
    }

    fn rename_if_absent(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let power = state.begin()?;
        state.needs_file(from)?;
        if state.live.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(NameChange::Rename(from.to_path_buf(), to.to_path_buf()));
        power.end(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let power = state.begin()?;
        state.needs_file(path)?;
        state.change(NameChange::Remove(path.to_path_buf()));
        power.end(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<DiskEntry>> {
        let mut state = self.state();
        let power = state.begin()?;
        if state.live.get(folder) != Some(&Entry::Folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        power.end(
            state
                .live
                .iter()
                .filter(|(path, _)| path.parent() == Some(folder))
                .filter_map(|(path, entry)| {
                    Some(DiskEntry {
                        name: path.file_name()?.to_string_lossy().into_owned(),
                        is_folder: *entry == Entry::Folder,
                    })
                })
                .collect(),
        )
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let power = state.begin()?;
        let above: Vec<PathBuf> = folder.ancestors().map(Path::to_path_buf).collect();
        for path in above
            .into_iter()
            .rev()
            .filter(|path| path.file_name().is_some())
        {
            match state.live.get(&path) {
                Some(Entry::Folder) => {}
                Some(Entry::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                None => {
                    state.live.insert(path.clone(), Entry::Folder);
                    state.durable.insert(path, Entry::Folder);
                }
            }
        }
        power.end(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let power = state.begin()?;
        for change in state.unsynced.remove(folder).unwrap_or_default() {
            apply(&mut state.durable, change);
        }
        power.end(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut state = self.state();
        // A lock that nobody gets would be held for ever.
        state.begin()?.end(())?;
        if !state.locks.insert(path.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if !state.live.contains_key(path) {
            let node = state.nodes.len();
            state.nodes.push(Node::default());
            state.change(NameChange::Add(path.to_path_buf(), Entry::File(node)));
        }
        let life = state.life;
        Ok(Box::new(SimLock {
            disk: self.clone(),
            path: path.to_path_buf(),
            life,
        }))
    }

    fn random_u64(&self) -> io::Result<u64> {
        let mut state = self.state();
        state.begin()?.end(())?;
        Ok(state.random.next())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    node: usize,
    life: u64,
}

impl SimFile {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.life == self.life {
            Ok(state)
        } else {
            Err(io::Error::other(
                "the disk crashed since this file was opened",
            ))
        }
    }

    fn grow(&self, state: &State, end: u64) -> io::Result<()> {
        let more = end.saturating_sub(state.nodes[self.node].len());
        if more > state.capacity.saturating_sub(state.used()) && more > 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state()?;
        state.begin()?.end(())?;
        Ok(state.nodes[self.node].read(buffer, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state()?;
        let power = state.begin()?;
        if due(&mut state.write_fails_in) {
            let part = state.random.below(bytes.len() as u64 + 1) as usize;
            state.nodes[self.node].write(&bytes[..part], offset);
            return Err(io::Error::other("injected write error"));
        }
        if let Err(error) = self.grow(&state, offset + bytes.len() as u64) {
            let room = state.capacity.saturating_sub(state.used());
            let part = (state.nodes[self.node].len() + room).saturating_sub(offset);
            let part = (part as usize).min(bytes.len());
            state.nodes[self.node].write(&bytes[..part], offset);
            return Err(error);
        }
        state.nodes[self.node].write(bytes, offset);
        power.end(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state()?;
        let power = state.begin()?;
        if due(&mut state.sync_fails_in) {
            let State { nodes, random, .. } = &mut *state;
            nodes[self.node].fail_sync(random);
            return Err(io::Error::other("injected sync error"));
        }
        state.nodes[self.node].sync();
        power.end(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.state()?;
        let power = state.begin()?;
        self.grow(&state, bytes)?;
        state.nodes[self.node].set_len(bytes);
        power.end(())
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.state()?;
        state.begin()?.end(())?;
        Ok(state.nodes[self.node].len())
    }

    fn preallocate(&self, bytes: u64) -> io::Result<()> {
        let grows = self.state()?.nodes[self.node].len() < bytes;
        if grows { self.set_len(bytes) } else { Ok(()) }
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}

/// Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0. The bias is below 2⁻³² for the bounds of a simulation.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

#[cfg(test)]
mod tests;
