//! The writing half of [`Log`].

use std::ops::Range;
use std::sync::Arc;

use willet_engine::records::{PartitionId, Records};

use super::catalogue::encode_entry;
use super::contents::{BLOCK_BYTES, Contents, Mark, Run};
use super::header::{Before, Header};
use super::record::{FIRST, HEAD_BYTES, Head, Kind, LAST, encode};
use super::segment::{Segment, segment_path};
use super::{Log, LogError, open};
use crate::disk::OpenMode;

/// The segment that grows.
#[derive(Debug)]
pub(super) struct Active {
    segment: Arc<Segment>,
    /// The durable end: where the next commit is written.
    end: u64,
}

/// What waits for a commit.
#[derive(Debug, Default)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    runs: Vec<Run>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.runs.clear();
        // A burst should not hold its memory for ever.
        self.bytes.shrink_to(8 << 20);
    }
}

impl Log {
    /// Numbers the records and keeps them for the next [`Log::commit`]. All of them become durable, or none.
    ///
    /// Returns their offsets, which are only promised once `commit` succeeded.
    pub fn append(
        &mut self,
        partition: PartitionId,
        records: &mut Records,
    ) -> Result<Range<u64>, LogError> {
        let first = *self
            .next
            .get(&partition)
            .ok_or(LogError::UnknownPartition { partition })?;
        let next = first + records.len() as u64;
        if records.is_empty() {
            return Ok(first..next);
        }
        self.check_limits(records)?;
        self.make_ready()?;
        let Some(active) = &self.active else {
            return Err(LogError::UnknownPartition { partition });
        };
        let (salt, end) = (active.segment.salt, active.end);
        records.number_from(first);
        let mut run = Run {
            partition,
            first,
            next,
            newest_arrived: i64::MIN,
            next_sequence: self.next_sequence + records.len() as u64,
            marks: Vec::new(),
        };
        let mut marked = None;
        for (index, (record, payload)) in records.iter().enumerate() {
            let at = end + self.pending.bytes.len() as u64;
            if marked != Some(at / BLOCK_BYTES) {
                marked = Some(at / BLOCK_BYTES);
                run.marks.push(Mark {
                    at: at as u32,
                    offset: record.offset,
                });
            }
            run.newest_arrived = run.newest_arrived.max(record.arrived);
            let mut flags = 0;
            flags |= if index == 0 { FIRST } else { 0 };
            flags |= if index + 1 == records.len() { LAST } else { 0 };
            let head = Head {
                payload_bytes: payload.len() as u32,
                sequence: self.next_sequence + index as u64,
                offset: record.offset,
                arrived: record.arrived,
                partition,
                commit: end as u32,
                kind: Kind::Record(record.kind),
                flags,
            };
            encode(&head, payload, salt, &mut self.pending.bytes);
        }
        self.next_sequence = run.next_sequence;
        self.pending.runs.push(run);
        self.next.insert(partition, next);
        Ok(first..next)
    }

    /// Writes what waits and makes it durable; then it is readable and may be acknowledged.
    ///
    /// After an error everything that waited is refused, and the log goes on behind the last durable record. If the process
    /// dies right then, refused appends may be there after all, each of them whole.
    pub fn commit(&mut self) -> Result<(), LogError> {
        if self.pending.is_empty() {
            return if self.head_is_stale {
                self.make_ready()
            } else {
                Ok(())
            };
        }
        let Some(active) = &mut self.active else {
            return Ok(());
        };
        let Segment { file, path, .. } = active.segment.as_ref();
        let written = file
            .write_at(&self.pending.bytes, active.end)
            .map_err(|error| LogError::io("write", path, error))
            .and_then(|()| {
                file.sync_data()
                    .map_err(|error| LogError::io("sync", path, error))
            });
        if let Err(error) = written {
            self.refuse_pending();
            return Err(error);
        }
        active.end += self.pending.bytes.len() as u64;
        let mut state = self.view.state();
        let mut contents = active.segment.contents();
        contents.end = active.end;
        contents.next_sequence = self.next_sequence;
        for run in self.pending.runs.drain(..) {
            state.next.insert(run.partition, run.next);
            contents.note_run(run);
        }
        self.pending.clear();
        Ok(())
    }

    /// Keeps a new partition: in the log, or in the head of the segment that will be begun.
    pub(super) fn list_partition(&mut self, id: PartitionId, stream: &str, number: u32) {
        let Some(active) = self.active.as_ref().filter(|_| !self.head_is_stale) else {
            self.head_is_stale = true;
            return;
        };
        let payload = encode_entry(stream, number);
        let head = Head {
            payload_bytes: payload.len() as u32,
            sequence: self.next_sequence,
            offset: 0,
            arrived: 0,
            partition: id,
            commit: active.end as u32,
            kind: Kind::Catalogue,
            flags: FIRST | LAST,
        };
        self.next_sequence += 1;
        encode(
            &head,
            &payload,
            active.segment.salt,
            &mut self.pending.bytes,
        );
    }

    fn check_limits(&self, records: &Records) -> Result<(), LogError> {
        let limit = self.options.max_record_bytes;
        for (index, (_, payload)) in records.iter().enumerate() {
            let bytes = payload.len();
            if bytes > limit {
                return Err(LogError::RecordTooLarge {
                    index,
                    bytes,
                    limit,
                });
            }
        }
        let (bytes, limit) = (log_bytes(records), self.options.max_append_bytes);
        if bytes > limit {
            return Err(LogError::AppendTooLarge { bytes, limit });
        }
        let (bytes, limit) = (
            self.pending.bytes.len() + bytes,
            self.options.max_pending_bytes,
        );
        if bytes > limit && !self.pending.is_empty() {
            return Err(LogError::PendingTooLarge { bytes, limit });
        }
        Ok(())
    }

    /// Makes sure that there is a segment to write to. A segment changes between commits only.
    fn make_ready(&mut self) -> Result<(), LogError> {
        let may_stay = self.active.as_ref().is_some_and(|active| {
            !self.head_is_stale && active.end < self.options.segment_bytes as u64
        });
        if may_stay || !self.pending.is_empty() {
            return Ok(());
        }
        let _ = self.seal_active();
        self.begin_segment()
    }

    fn begin_segment(&mut self) -> Result<(), LogError> {
        let number = self.next_number;
        self.next_number += 1;
        let path = segment_path(&self.path, number);
        let header = Header {
            folder_id: self.folder.id(),
            segment: number,
            base: self.next_sequence,
            before: before(&self.view.state().segments),
            catalogue: open::list(&self.catalogue, &self.next),
        }
        .encode();
        let disk = self.folder.disk();
        let made = disk.open(&path, OpenMode::Create).and_then(|file| {
            // Only a hint: a disk without room for it may have room for what is written.
            let _ = file.preallocate(self.options.segment_bytes as u64);
            file.write_at(&header, 0)?;
            file.sync_data()?;
            disk.sync_folder(&self.path)?;
            Ok(file)
        });
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                // Nobody was promised anything in it; if it cannot be removed, the next opening does.
                let _ = disk.remove(&path);
                return Err(LogError::io("begin segment", &path, error));
            }
        };
        let start = header.len() as u64;
        let contents = Contents::empty(self.next_sequence, start);
        let name = (number, path);
        let segment = Arc::new(Segment::new(name, file, self.folder.id(), start, contents));
        let passed_over = {
            let mut state = self.view.state();
            let kept = state.segments.iter().rposition(|other| !other.is_empty());
            let passed_over = state.segments.split_off(kept.map_or(0, |last| last + 1));
            state.segments.push(Arc::clone(&segment));
            state.next.clone_from(&self.next);
            passed_over
        };
        for empty in passed_over {
            // The new head says what theirs said; what stays is removed at the next opening.
            let _ = open::remove(disk.as_ref(), &empty.path);
        }
        self.active = Some(Active {
            segment,
            end: start,
        });
        self.head_is_stale = false;
        Ok(())
    }

    /// Drops what waits and leaves the segment: nobody knows what of the failed write is on the disk.
    fn refuse_pending(&mut self) {
        self.pending.clear();
        let durable = self.view.state().next.clone();
        self.next = durable;
        self.next_sequence = self.active.as_ref().map_or(self.next_sequence, |active| {
            active.segment.contents().next_sequence
        });
        // Partitions that were listed among the refused bytes stay known through the next head.
        self.head_is_stale = true;
        let _ = self.seal_active();
    }

    /// Ends the active segment at its durable end and writes its index. Without the index nothing is lost: the next head says
    /// where the segment ends, or the next opening takes it for one that a crash left.
    pub(super) fn seal_active(&mut self) -> Result<(), LogError> {
        let Some(Active { segment, end }) = self.active.take() else {
            return Ok(());
        };
        let disk = self.folder.disk();
        // Only gives back what was preallocated.
        let _ = segment.file.set_len(end);
        segment.write_index(disk.as_ref(), &self.catalogue)
    }
}

/// Where the log ends before a new segment. Segments without records do not count: a new head says all that theirs said.
fn before(segments: &[Arc<Segment>]) -> Option<Before> {
    let last = segments.iter().rfind(|segment| !segment.is_empty())?;
    let contents = last.contents();
    Some(Before {
        segment: last.number,
        end: contents.end,
        voids: contents.voids.clone(),
    })
}

/// Bytes of an append in the log.
pub(super) fn log_bytes(records: &Records) -> usize {
    records.byte_len() + records.len() * HEAD_BYTES
}
