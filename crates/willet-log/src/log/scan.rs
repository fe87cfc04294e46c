//! Walks a segment record by record and finds the way again behind damage.

use std::io;
use std::ops::Range;

use super::record::{HEAD_BYTES, Head, decode_head, verifies};
use crate::disk::{DiskFile, read_full};

/// Read at once; large enough that a read costs less than checking it.
const WINDOW_BYTES: usize = 256 << 10;
/// Zeros are skipped in steps of this many bytes.
const ZERO_STEP: usize = 4096;

/// What a scan found next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record that verifies; [`Scan::payload`] has its bytes.
    Record(Head, u64),
    /// Bytes that are no record, with a record behind them.
    Gap(Range<u64>),
    /// Bytes up to the end that are no record.
    Rest(Range<u64>),
    /// The end, reached exactly.
    End,
}

/// Where a segment's records lie and what marks them as its own.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) salt: u32,
    /// Sequence number of the first record, 0 when the header that says so is damaged.
    pub(super) base: u64,
    /// First byte after the header, 0 when that is damaged.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) voids: Vec<Range<u64>>,
}

/// A walk over the records of a segment.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    file: &'a dyn DiskFile,
    bounds: Bounds,
    at: u64,
    last_sequence: Option<u64>,
    window: Vec<u8>,
    window_at: u64,
    payload: Range<usize>,
}

impl<'a> Scan<'a> {
    /// Begins at `at`, which is where a record begins, or the start.
    pub(super) fn new(file: &'a dyn DiskFile, bounds: Bounds, at: u64) -> Self {
        Self {
            file,
            at: at.max(bounds.start),
            bounds,
            last_sequence: None,
            window: Vec::new(),
            window_at: 0,
            payload: 0..0,
        }
    }

    /// The byte at which the next step begins.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Goes forward to `at`, where a record begins.
    pub(super) fn skip_to(&mut self, at: u64) {
        self.at = self.at.max(at);
    }

    /// Payload of the record found last.
    pub(super) fn payload(&self) -> &[u8] {
        &self.window[self.payload.clone()]
    }

    /// Finds what comes next.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        self.at = self.behind_void(self.at);
        if self.at >= self.bounds.end {
            return Ok(Step::End);
        }
        if let Some(head) = self.record_at(self.at)? {
            return Ok(self.accept(head));
        }
        let gap = self.at;
        let found = self.resynchronise(gap + 1)?;
        self.at = found.unwrap_or(self.bounds.end);
        Ok(if found.is_some() {
            Step::Gap(gap..self.at)
        } else {
            Step::Rest(gap..self.bounds.end)
        })
    }

    fn accept(&mut self, head: Head) -> Step {
        let at = self.at;
        let start = (at - self.window_at) as usize + HEAD_BYTES;
        self.payload = start..start + head.payload_bytes as usize;
        self.last_sequence = Some(head.sequence);
        self.at += head.bytes();
        Step::Record(head, at)
    }

    fn resynchronise(&mut self, from: u64) -> io::Result<Option<u64>> {
        let mut at = from;
        loop {
            at = self.behind_void(at);
            if at >= self.bounds.end || !self.fill(at, HEAD_BYTES)? {
                return Ok(None);
            }
            if self.record_at(at)?.is_some() {
                return Ok(Some(at));
            }
            // Preallocated space is zeros for tens of megabytes: asked for whole steps, or the rest of each window would be
            // gone through byte by byte.
            let whole = self.fill(at, ZERO_STEP)?;
            let ahead = (at - self.window_at) as usize;
            let zeros = whole
                && self.window[ahead..ahead + ZERO_STEP]
                    .iter()
                    .all(|byte| *byte == 0);
            at += if zeros {
                (ZERO_STEP - HEAD_BYTES) as u64
            } else {
                1
            };
        }
    }

    /// The record at `at`, if one verifies there and its numbers can be right.
    fn record_at(&mut self, at: u64) -> io::Result<Option<Head>> {
        if !self.fill(at, HEAD_BYTES)? {
            return Ok(None);
        }
        let ahead = (at - self.window_at) as usize;
        let Some(head) = decode_head(&self.window[ahead..], self.bounds.salt) else {
            return Ok(None);
        };
        if !self.is_possible(&head, at) || !self.fill(at, head.bytes() as usize)? {
            return Ok(None);
        }
        let ahead = (at - self.window_at) as usize;
        let record = &self.window[ahead..ahead + head.bytes() as usize];
        Ok(verifies(record, self.bounds.salt).then_some(head))
    }

    fn is_possible(&self, head: &Head, at: u64) -> bool {
        let most = match self.bounds.start {
            0 => u64::MAX,
            start => self
                .bounds
                .base
                .saturating_add((at - start) / HEAD_BYTES as u64),
        };
        let least = self
            .last_sequence
            .map_or(self.bounds.base, |last| last.saturating_add(1));
        (least..=most).contains(&head.sequence)
            && u64::from(head.commit) <= at
            && at + head.bytes() <= self.bounds.end
    }

    fn behind_void(&self, at: u64) -> u64 {
        let void = self.bounds.voids.iter().find(|void| void.contains(&at));
        void.map_or(at, |void| void.end)
    }

    /// Makes `count` bytes at `at` stand in the window; false when the file or the segment ends before.
    fn fill(&mut self, at: u64, count: usize) -> io::Result<bool> {
        let within =
            self.window_at <= at && at + count as u64 <= self.window_at + self.window.len() as u64;
        if within {
            return Ok(true);
        }
        if at + count as u64 > self.bounds.end {
            return Ok(false);
        }
        let wanted = (self.bounds.end - at).min(count.max(WINDOW_BYTES) as u64) as usize;
        self.window.resize(wanted, 0);
        self.window_at = at;
        let read = read_full(self.file, &mut self.window, at)?;
        self.window.truncate(read);
        Ok(read >= count)
    }
}
