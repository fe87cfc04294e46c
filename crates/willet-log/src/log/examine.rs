//! Reads a whole segment and judges what it finds: records, damage, a torn tail.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use willet_engine::records::PartitionId;

use super::catalogue::decode_entry;
use super::contents::Contents;
use super::header::Listed;
use super::record::{FIRST, Head, Kind, LAST};
use super::report::{Damage, DamageKind, LostOffsets};
use super::scan::{Bounds, Scan, Step};
use crate::disk::DiskFile;

/// Whether it is known where the segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Yes: every byte before the end was durable.
    Known,
    /// No: the program died while it wrote.
    Open,
}

/// What a segment holds, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) contents: Contents,
    pub(super) names: Vec<Listed>,
    pub(super) damage: Vec<Damage>,
    pub(super) torn_bytes: u64,
}

/// Reads all of a segment. `next` are the next offsets before it, and after it on return.
pub(super) fn examine(
    file: &dyn DiskFile,
    path: &Path,
    bounds: &Bounds,
    ending: Ending,
    next: &mut BTreeMap<PartitionId, u64>,
) -> io::Result<Findings> {
    let mut contents = Contents::empty(bounds.base, bounds.start);
    contents.voids.clone_from(&bounds.voids);
    let mut judge = Judge {
        path: path.to_path_buf(),
        next,
        findings: Findings {
            contents,
            names: Vec::new(),
            damage: Vec::new(),
            torn_bytes: 0,
        },
        newest_commit: 0,
        unsettled: Vec::new(),
    };
    let mut scan = Scan::new(file, bounds.clone(), bounds.start);
    loop {
        match scan.step()? {
            Step::Record(head, at) => judge.record(head, at, scan.payload()),
            Step::Gap(gap) => judge.unsettled.push(Item::Gap(gap)),
            Step::Rest(rest) if ending == Ending::Known => {
                judge.settle_before(u64::MAX);
                judge.settle_gap(rest, DamageKind::Records);
                break;
            }
            Step::Rest(rest) => {
                judge.findings.torn_bytes = used_bytes(file, &rest)?;
                break;
            }
            Step::End => break,
        }
    }
    match ending {
        Ending::Known => {
            judge.settle_before(u64::MAX);
            judge.findings.contents.end = bounds.end;
        }
        Ending::Open => judge.settle_newest_commit(),
    }
    Ok(judge.findings)
}

/// Bytes of a range up to the last that is not zero: what was written there.
fn used_bytes(file: &dyn DiskFile, range: &Range<u64>) -> io::Result<u64> {
    let mut buffer = vec![0; 64 << 10];
    let (mut at, mut used) = (range.start, 0);
    while at < range.end {
        let count = buffer.len().min((range.end - at) as usize);
        let read = crate::disk::read_full(file, &mut buffer[..count], at)?;
        if let Some(last) = buffer[..read].iter().rposition(|byte| *byte != 0) {
            used = at + last as u64 + 1 - range.start;
        }
        if read < count {
            break;
        }
        at += read as u64;
    }
    Ok(used)
}

#[derive(Debug)]
enum Item {
    Record(Head, u64, Option<Listed>),
    Gap(Range<u64>),
}

impl Item {
    fn start(&self) -> u64 {
        match self {
            Self::Record(_, at, _) => *at,
            Self::Gap(gap) => gap.start,
        }
    }

    fn end(&self) -> u64 {
        match self {
            Self::Record(head, at, _) => at + head.bytes(),
            Self::Gap(gap) => gap.end,
        }
    }
}

struct Judge<'a> {
    path: PathBuf,
    next: &'a mut BTreeMap<PartitionId, u64>,
    findings: Findings,
    /// Where the newest commit begins of which a record verified: all before it was durable.
    newest_commit: u64,
    /// What was found since.
    unsettled: Vec<Item>,
}

impl Judge<'_> {
    fn record(&mut self, head: Head, at: u64, payload: &[u8]) {
        let commit = u64::from(head.commit);
        if commit > self.newest_commit {
            self.settle_before(commit);
            self.newest_commit = commit;
        }
        let listed = (head.kind == Kind::Catalogue)
            .then(|| decode_entry(payload))
            .flatten();
        let listed = listed.map(|(stream, number)| Listed {
            id: head.partition,
            next: 0,
            number,
            stream: stream.to_owned(),
        });
        self.unsettled.push(Item::Record(head, at, listed));
    }

    /// Takes for good what lies before `commit`, where a commit began.
    fn settle_before(&mut self, commit: u64) {
        for item in std::mem::take(&mut self.unsettled) {
            match item {
                Item::Gap(gap) if gap.start >= commit => self.unsettled.push(Item::Gap(gap)),
                Item::Gap(gap) if gap.end > commit => {
                    self.settle_gap(gap.start..commit, DamageKind::Records);
                    self.unsettled.push(Item::Gap(commit..gap.end));
                }
                Item::Gap(gap) => self.settle_gap(gap, DamageKind::Records),
                Item::Record(head, at, listed) => self.settle_record(head, at, listed),
            }
        }
    }

    /// Keeps the appends of the newest commit that are there whole, and makes voids of the rest.
    fn settle_newest_commit(&mut self) {
        let items = std::mem::take(&mut self.unsettled);
        let mut voids: Vec<Range<u64>> = Vec::new();
        let mut kept_end = self.findings.contents.end.max(self.newest_commit);
        let mut index = 0;
        while index < items.len() {
            let length = whole_append(&items[index..]);
            if length == 0 {
                let bytes = items[index].start()..items[index].end();
                match voids.last_mut() {
                    Some(last) if last.end == bytes.start => last.end = bytes.end,
                    _ => voids.push(bytes),
                }
                index += 1;
                continue;
            }
            for void in voids.drain(..) {
                self.findings.contents.voids.push(void.clone());
                self.settle_gap(void, DamageKind::Uncertain);
            }
            for item in &items[index..index + length] {
                kept_end = item.end();
                if let Item::Record(head, at, listed) = item {
                    self.settle_record(*head, *at, listed.clone());
                }
            }
            index += length;
        }
        self.findings.torn_bytes += voids.iter().map(|void| void.end - void.start).sum::<u64>();
        self.findings.contents.end = kept_end;
    }

    fn settle_gap(&mut self, bytes: Range<u64>, kind: DamageKind) {
        let kind = if bytes.start == 0 {
            DamageKind::Header
        } else {
            kind
        };
        self.findings.damage.push(Damage {
            file: self.path.clone(),
            bytes,
            kind,
            lost: Vec::new(),
        });
    }

    fn settle_record(&mut self, head: Head, at: u64, listed: Option<Listed>) {
        let contents = &mut self.findings.contents;
        contents.end = at + head.bytes();
        if head.kind == Kind::Catalogue {
            contents.next_sequence = contents.next_sequence.max(head.sequence + 1);
            self.findings.names.extend(listed);
            return;
        }
        contents.note(&head, at);
        let expected = self.next.entry(head.partition).or_insert(0);
        if head.offset > *expected
            && let Some(damage) = self.findings.damage.last_mut()
        {
            damage.lost.push(LostOffsets {
                partition: head.partition,
                offsets: *expected..head.offset,
            });
        }
        *expected = (*expected).max(head.offset.saturating_add(1));
    }
}

/// Items of the append that begins here, 0 when it is not there whole.
fn whole_append(items: &[Item]) -> usize {
    let mut end = None;
    for (index, item) in items.iter().enumerate() {
        let Item::Record(head, at, _) = item else {
            return 0;
        };
        let fits = end.map_or(head.flags & FIRST != 0, |end| {
            end == *at && head.flags & FIRST == 0
        });
        if !fits {
            return 0;
        }
        if head.flags & LAST != 0 {
            return index + 1;
        }
        end = Some(item.end());
    }
    0
}
