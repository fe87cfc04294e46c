//! Readers see what is durable, check every record again, and say what they had to skip.

use std::sync::Arc;

use willet_engine::records::{PartitionId, Records};

use super::contents::{BLOCK_BYTES, Mark};
use super::error::LogError;
use super::record::Kind;
use super::report::{Damage, DamageKind, LostOffsets};
use super::scan::{Scan, Step};
use super::segment::{Segment, View};

/// Reads one partition in order, while others append.
#[derive(Debug)]
pub struct LogReader {
    view: Arc<View>,
    partition: PartitionId,
    next: u64,
    place: Place,
    /// Marks of the sealed segment read last, and its number: its index is read once.
    sealed: Option<(u64, Vec<Mark>)>,
    damage: Vec<Damage>,
}

/// Where the last batch ended.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    segment: u64,
    at: u64,
    /// Damage before this byte was reported.
    reported: u64,
}

impl LogReader {
    pub(super) fn new(view: Arc<View>, partition: PartitionId, from: u64) -> Self {
        Self {
            view,
            partition,
            next: from,
            place: Place::default(),
            sealed: None,
            damage: Vec::new(),
        }
    }

    /// The next records, payloads up to `max_bytes` together, but at least one record. Empty at the durable end; there may be
    /// more later.
    pub fn next_batch(&mut self, max_bytes: usize) -> Result<Records, LogError> {
        let mut out = Records::new();
        while let Some((segment, behind)) = self.segment() {
            let full = self.read_segment(&segment, max_bytes.min(Records::MAX_BYTES), &mut out)?;
            if full {
                break;
            }
            if self.next < behind {
                self.lose(behind, &segment);
            }
        }
        Ok(out)
    }

    /// The offset that is read next.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Damage met since this was last called.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.damage)
    }

    /// The first segment that has offsets from `next` on, and the offset behind it.
    fn segment(&self) -> Option<(Arc<Segment>, u64)> {
        let state = self.view.state();
        state.segments.iter().find_map(|segment| {
            let behind = segment
                .next_of(self.partition)
                .filter(|behind| *behind > self.next)?;
            Some((Arc::clone(segment), behind))
        })
    }

    /// Reads to the end of a segment; true when `out` is full before.
    fn read_segment(
        &mut self,
        segment: &Segment,
        max_bytes: usize,
        out: &mut Records,
    ) -> Result<bool, LogError> {
        let bounds = segment.bounds();
        let (marks, complete) = self.marks(segment);
        let behind = marks.partition_point(|mark| mark.offset <= self.next);
        let marked = behind.checked_sub(1).and_then(|last| marks.get(last));
        if self.place.segment != segment.number {
            self.place = Place {
                segment: segment.number,
                ..Place::default()
            };
        }
        let at = marked
            .map_or(0, |mark| u64::from(mark.at))
            .max(self.place.at);
        let mut following = marks.get(behind..).unwrap_or_default().iter();
        let mut scan = Scan::new(segment.file.as_ref(), bounds, at);
        let mut block = scan.at() / BLOCK_BYTES;
        let mut damaged = false;
        loop {
            // A block that is done has no more of this partition: go on where it speaks again.
            if !marks.is_empty() && !damaged && scan.at() / BLOCK_BYTES > block {
                let Some(mark) = following.find(|mark| u64::from(mark.at) >= scan.at()) else {
                    break;
                };
                scan.skip_to(u64::from(mark.at));
            }
            block = scan.at() / BLOCK_BYTES;
            let step = scan
                .step()
                .map_err(|error| LogError::io("read", &segment.path, error))?;
            match step {
                Step::Record(head, at) => {
                    let Kind::Record(kind) = head.kind else {
                        continue;
                    };
                    if head.partition != self.partition || head.offset < self.next {
                        continue;
                    }
                    if !out.is_empty() && out.byte_len() + scan.payload().len() > max_bytes {
                        self.place.at = at;
                        self.sealed = complete.then_some((segment.number, marks));
                        return Ok(true);
                    }
                    if head.offset > self.next && damaged {
                        self.lose(head.offset, segment);
                    }
                    damaged = false;
                    out.push(head.offset, kind, head.arrived, scan.payload());
                    self.next = head.offset + 1;
                    self.place.at = at + head.bytes();
                }
                Step::Gap(gap) | Step::Rest(gap) => {
                    // Its block may hide records: read on without marks until one of ours verifies.
                    damaged = true;
                    self.report(segment, gap);
                }
                Step::End => break,
            }
        }
        self.sealed = complete.then_some((segment.number, marks));
        Ok(false)
    }

    /// Marks of the partition, and whether they are all there will ever be.
    fn marks(&mut self, segment: &Segment) -> (Vec<Mark>, bool) {
        // Looked at before the marks are: a segment that is sealed meanwhile may get more.
        let complete = segment.is_indexed();
        match self.sealed.take() {
            Some((number, marks)) if number == segment.number => (marks, true),
            _ => (
                segment
                    .marks_of(self.view.disk.as_ref(), self.partition)
                    .unwrap_or_default(),
                complete,
            ),
        }
    }

    fn report(&mut self, segment: &Segment, gap: std::ops::Range<u64>) {
        if gap.start < self.place.reported {
            return;
        }
        self.place.reported = gap.end;
        self.damage.push(Damage {
            file: segment.path.clone(),
            bytes: gap,
            kind: DamageKind::Records,
            lost: Vec::new(),
        });
    }

    /// Goes on at `next`; the offsets before are lost.
    fn lose(&mut self, next: u64, segment: &Segment) {
        let lost = LostOffsets {
            partition: self.partition,
            offsets: self.next..next,
        };
        self.next = next;
        match self.damage.last_mut() {
            Some(damage) if damage.file == segment.path => damage.lost.push(lost),
            _ => self.damage.push(Damage {
                file: segment.path.clone(),
                bytes: 0..0,
                kind: DamageKind::Records,
                lost: vec![lost],
            }),
        }
    }
}

/// Reads all partitions in the order in which the records were written.
#[derive(Debug)]
pub struct PhysicalReader {
    view: Arc<View>,
    place: Place,
    damage: Vec<Damage>,
}

impl PhysicalReader {
    pub(super) fn new(view: Arc<View>) -> Self {
        Self {
            view,
            place: Place::default(),
            damage: Vec::new(),
        }
    }

    /// The next records that stand next to each other and belong to one partition, payloads up to `max_bytes` together, but
    /// at least one record. `None` at the durable end; there may be more later.
    pub fn next_batch(
        &mut self,
        max_bytes: usize,
    ) -> Result<Option<(PartitionId, Records)>, LogError> {
        while let Some(segment) = self.segment() {
            let mut partition = None;
            let mut out = Records::new();
            let mut scan = Scan::new(segment.file.as_ref(), segment.bounds(), self.place.at);
            loop {
                let step = scan
                    .step()
                    .map_err(|error| LogError::io("read", &segment.path, error))?;
                match step {
                    Step::Record(head, at) => {
                        let Kind::Record(kind) = head.kind else {
                            continue;
                        };
                        let belongs = partition.is_none_or(|partition| partition == head.partition);
                        let fits =
                            out.is_empty() || out.byte_len() + scan.payload().len() <= max_bytes;
                        if !belongs || !fits {
                            self.place.at = at;
                            break;
                        }
                        partition = Some(head.partition);
                        out.push(head.offset, kind, head.arrived, scan.payload());
                    }
                    Step::Gap(gap) | Step::Rest(gap) => self.damage.push(Damage {
                        file: segment.path.clone(),
                        bytes: gap,
                        kind: DamageKind::Records,
                        lost: Vec::new(),
                    }),
                    Step::End => {
                        self.place.at = scan.at();
                        break;
                    }
                }
            }
            if let Some(partition) = partition {
                return Ok(Some((partition, out)));
            }
        }
        Ok(None)
    }

    /// Damage met since this was last called.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        std::mem::take(&mut self.damage)
    }

    /// The segment to go on in.
    fn segment(&mut self) -> Option<Arc<Segment>> {
        let state = self.view.state();
        let segment = state.segments.iter().find(|segment| {
            segment.number > self.place.segment
                || (segment.number == self.place.segment && self.place.at < segment.contents().end)
        })?;
        if segment.number > self.place.segment {
            self.place = Place {
                segment: segment.number,
                ..Place::default()
            };
            // An empty segment is left at once by the `at < end` of the next look.
            self.place.at = segment.start;
        }
        Some(Arc::clone(segment))
    }
}

/// The oldest offset that is kept, or the end when none is.
pub(super) fn start(view: &View, partition: PartitionId) -> Option<u64> {
    let state = view.state();
    let oldest = state.segments.iter().find_map(|segment| {
        segment
            .contents()
            .partitions
            .get(&partition)
            .map(|extent| extent.first)
    });
    oldest.or_else(|| state.next.get(&partition).copied())
}
