//! Little-endian fields, read without a panic and written without thought.

use std::ops::Range;

/// Reads fields from the front; `None` when the bytes end too early.
#[derive(Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*front)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// A count of things of at least `size` bytes each, so that a damaged count cannot ask for much memory.
    pub(super) fn count(&mut self, size: usize) -> Option<usize> {
        let count = self.u32()? as usize;
        (count.checked_mul(size)? <= self.0.len()).then_some(count)
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let count = self.u16()?;
        String::from_utf8(self.take(usize::from(count))?.to_vec()).ok()
    }

    pub(super) fn ranges(&mut self) -> Option<Vec<Range<u64>>> {
        let count = self.count(8)?;
        let mut last = 0;
        (0..count)
            .map(|_| {
                let range = u64::from(self.u32()?)..u64::from(self.u32()?);
                let rises = last <= range.start && range.start < range.end;
                last = range.end;
                rises.then_some(range)
            })
            .collect()
    }
}

pub(super) fn put_name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(&(name.len() as u16).to_le_bytes());
    out.extend_from_slice(name.as_bytes());
}

pub(super) fn put_ranges(out: &mut Vec<u8>, ranges: &[Range<u64>]) {
    out.extend_from_slice(&(ranges.len() as u32).to_le_bytes());
    for range in ranges {
        out.extend_from_slice(&(range.start as u32).to_le_bytes());
        out.extend_from_slice(&(range.end as u32).to_le_bytes());
    }
}

/// Appends the checksum of all that stands in `out`.
pub(super) fn seal(out: &mut Vec<u8>) {
    let sum = crc32c::crc32c(out);
    out.extend_from_slice(&sum.to_le_bytes());
}

/// What [`seal`] sealed, if the checksum holds.
pub(super) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let (content, sum) = bytes.split_last_chunk()?;
    (crc32c::crc32c(content) == u32::from_le_bytes(*sum)).then_some(content)
}
