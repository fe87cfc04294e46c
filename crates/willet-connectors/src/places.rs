//! Where records stood in their input.

use willet_engine::records::Records;

/// Where a record begins in its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u64,
    /// Byte, from 0, in the uncompressed input.
    pub byte: u64,
}

/// Places of the records of one batch. Records on lines that follow each other share an entry, so it stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    runs: Vec<Run>,
}

/// Records of a line each, without anything between them but line ends of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    index: usize,
    start: usize,
    place: Place,
    line_end: u64,
}

impl Run {
    fn place(&self, index: usize, start: usize) -> Place {
        let records = (index - self.index) as u64;
        Place {
            line: self.place.line + records,
            byte: self.place.byte + (start - self.start) as u64 + records * self.line_end,
        }
    }
}

impl Places {
    /// The place of record `index` of the batch; `None` if it did not come from the source that noted these.
    pub fn of(&self, records: &Records, index: usize) -> Option<Place> {
        if index >= records.len() {
            return None;
        }
        let after = self.runs.partition_point(|run| run.index <= index);
        let run = self.runs[..after].last()?;
        Some(run.place(index, records.span(index).start))
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }

    /// Notes record `index`, whose payload begins at `start` of the batch and has `line_end` bytes of line end after it.
    pub(crate) fn note(&mut self, index: usize, start: usize, place: Place, line_end: usize) {
        let expected = self.runs.last().map(|run| run.place(index, start));
        if expected != Some(place) {
            self.runs.push(Run {
                index,
                start,
                place,
                line_end: line_end as u64,
            });
        }
    }

    #[cfg(test)]
    pub(crate) fn runs(&self) -> usize {
        self.runs.len()
    }
}
