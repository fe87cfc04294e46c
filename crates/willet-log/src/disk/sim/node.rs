use super::SplitMix64;

/// What a disk writes as one: a torn write loses whole sectors.
const SECTOR: usize = 512;

/// Content of a file: as programs see it, as the medium has it, and what lies between.
#[derive(Debug, Default)]
pub(super) struct Node {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

impl Node {
    pub(super) fn len(&self) -> u64 {
        self.live.len() as u64
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let from = (offset as usize).min(self.live.len());
        let count = buffer.len().min(self.live.len() - from);
        buffer[..count].copy_from_slice(&self.live[from..from + count]);
        count
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        write(&mut self.live, offset as usize, bytes);
        self.unsynced
            .push(Change::Write(offset as usize, bytes.to_vec()));
    }

    pub(super) fn set_len(&mut self, bytes: u64) {
        self.live.resize(bytes as usize, 0);
        self.unsynced.push(Change::SetLen(bytes as usize));
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write(offset, bytes) => write(&mut self.durable, offset, &bytes),
                Change::SetLen(bytes) => self.durable.resize(bytes, 0),
            }
        }
    }

    /// Of what was not synced some reaches the medium now and the rest never will, whatever is synced later.
    pub(super) fn fail_sync(&mut self, random: &mut SplitMix64) {
        for change in std::mem::take(&mut self.unsynced) {
            self.keep_some(change, random);
        }
    }

    pub(super) fn flip(&mut self, offset: u64, bit: u8) -> bool {
        let mask = 1 << (bit & 7);
        for content in [&mut self.live, &mut self.durable] {
            if let Some(byte) = content.get_mut(offset as usize) {
                *byte ^= mask;
            }
        }
        (offset as usize) < self.live.len()
    }

    pub(super) fn crash(&mut self, random: &mut SplitMix64) {
        self.fail_sync(random);
        self.live.clone_from(&self.durable);
    }

    fn keep_some(&mut self, change: Change, random: &mut SplitMix64) {
        match change {
            Change::Write(offset, bytes) => crash_write(&mut self.durable, offset, &bytes, random),
            Change::SetLen(bytes) if random.below(2) == 0 => self.durable.resize(bytes, 0),
            Change::SetLen(_) => {}
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

fn crash_write(content: &mut Vec<u8>, offset: usize, bytes: &[u8], random: &mut SplitMix64) {
    match random.below(4) {
        0 => {}
        1 => write(content, offset, bytes),
        2 => {
            let torn = random.below(bytes.len() as u64 + 1) as usize;
            write(content, offset, &bytes[..torn]);
        }
        _ => {
            let mut start = 0;
            while start < bytes.len() {
                let end = (start + SECTOR - (offset + start) % SECTOR).min(bytes.len());
                if random.below(2) == 0 {
                    write(content, offset + start, &bytes[start..end]);
                }
                start = end;
            }
        }
    }
}
