//! Where verdicts go.

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use willet_engine::config::Plan;
use willet_engine::event::{EventBatch, Timestamp};
use willet_engine::journal::Entry;
use willet_engine::records::Records;
use willet_engine::verdict::{Verdict, Verdicts};
use willet_log::disk::DiskFile;

/// Verdicts of one batch, with what they speak of.
#[derive(Clone, Copy, Debug)]
pub struct Answers<'a> {
    /// The records that the events came from; their offsets are those of the events.
    pub records: &'a Records,
    /// The events.
    pub events: &'a EventBatch,
    /// One for each event, in order.
    pub verdicts: &'a Verdicts,
    /// What the shard was told to do.
    pub plan: &'a Plan,
    /// Those whose verdicts are to be written.
    from: usize,
    to: usize,
}

impl<'a> Answers<'a> {
    /// Verdicts of a batch, all to be written.
    pub fn new(
        records: &'a Records,
        events: &'a EventBatch,
        verdicts: &'a Verdicts,
        plan: &'a Plan,
    ) -> Self {
        Self {
            records,
            events,
            verdicts,
            plan,
            from: 0,
            to: verdicts.rows.len(),
        }
    }

    /// The same batch, other rows of it to be written.
    fn between(self, from: usize, to: usize) -> Self {
        Self { from, to, ..self }
    }

    /// Places in the batch of the verdicts to be written.
    pub fn indices(&self) -> Range<usize> {
        self.from..self.to
    }

    /// The verdicts to be written.
    pub fn rows(&self) -> &'a [Verdict] {
        &self.verdicts.rows[self.from..self.to]
    }

    /// Whether they are of windows and buckets, not of events.
    pub fn are_of_windows(&self) -> bool {
        !self.verdicts.windows.is_empty()
    }

    /// The verdicts of windows and buckets that these events closed.
    pub fn closed(&self) -> Option<Self> {
        let closed = self.verdicts.closed.as_deref()?;
        Some(Self::new(
            self.records,
            &closed.events,
            &closed.verdicts,
            self.plan,
        ))
    }

    /// Writes what comes from records at `from` or behind it: the verdict of each event, then those of the windows that it closed. So
    /// the order does not depend on how events were put into batches.
    pub fn write_to(&self, output: &mut dyn Output, from: u64) {
        let before = |events: &EventBatch, offset: u64| {
            events.rows().partition_point(|row| row.offset < offset)
        };
        let mut at = before(self.events, from);
        if let Some(closed) = self.closed() {
            let rows = closed.events.rows();
            let mut first = before(closed.events, from);
            while let Some(row) = rows.get(first) {
                let behind = before(self.events, row.offset + 1);
                if at < behind {
                    output.write(&self.between(at, behind));
                    at = behind;
                }
                let next = before(closed.events, row.offset + 1);
                output.write(&closed.between(first, next));
                first = next;
            }
        }
        if at < self.to {
            output.write(&self.between(at, self.to));
        }
    }

    /// Index of the record at `offset`.
    pub fn record_of(&self, offset: u64) -> Option<usize> {
        // Offsets mostly rise by one; gaps are records lost to damage.
        let records = self.records;
        if records.is_empty() {
            return None;
        }
        let guess = offset.checked_sub(records.head(0).offset)? as usize;
        if guess < records.len() && records.head(guess).offset == offset {
            return Some(guess);
        }
        (0..records.len()).find(|index| records.head(*index).offset == offset)
    }

    /// When the record at `offset` arrived, microseconds since the epoch; 0 where nobody knows.
    pub fn arrived(&self, offset: u64) -> i64 {
        self.record_of(offset)
            .map_or(0, |index| self.records.head(index).arrived)
    }

    /// Id of the verdict in row `index`.
    pub fn id(&self, index: usize) -> String {
        let event = self.verdicts.rows[index].event as usize;
        let offset = self.events.rows()[event].offset;
        let stream = &self.plan.config().name;
        self.verdicts.id(stream, index, offset).to_string()
    }

    /// Event time, or time of arrival where the event has none; `None` where nobody knows.
    pub fn time_of(&self, event: usize) -> Option<Timestamp> {
        let row = self.events.rows()[event];
        let arrived = Timestamp(self.arrived(row.offset));
        row.time.or_else(|| Some(arrived).filter(|time| time.0 > 0))
    }
}

/// Takes verdicts. Writing only gathers; flushing and syncing can fail and can be tried again.
///
/// As it stands, an output keeps nothing; one that does says so by the methods it brings.
pub trait Output: Send + Debug {
    /// Gathers the verdicts.
    fn write(&mut self, answers: &Answers<'_>);
    /// Hands on what was gathered. After an error what was not handed on is still there.
    fn flush(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
    /// Flushes and makes everything durable; returns how many bytes there are.
    fn sync(&mut self) -> Result<u64, OutputError> {
        self.flush()?;
        Ok(0)
    }
    /// A journal entry that was taken, behind the verdicts of the records before it.
    fn journal(&mut self, _offset: u64, _entry: &Entry) {}
    /// Offset behind the last record whose verdict is here for certain, where the output itself remembers it.
    fn delivered(&mut self) -> Result<Option<u64>, OutputError> {
        Ok(None)
    }
    /// How many bytes are there from former runs; `None` where it cannot be told (a pipe).
    fn held(&self) -> Result<Option<u64>, OutputError> {
        Ok(None)
    }
    /// Goes on after the first `bytes` bytes: the rest is cut off.
    fn resume(&mut self, _bytes: u64) -> Result<(), OutputError> {
        Ok(())
    }
}

/// Verdicts that go nowhere.
#[derive(Debug)]
pub struct Discard;

impl Output for Discard {
    fn write(&mut self, _: &Answers<'_>) {}
}

/// An output that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {output}")]
pub struct OutputError {
    /// Its name for people.
    pub output: String,
    /// Why.
    pub source: io::Error,
}

impl OutputError {
    /// Whether space is missing: the same call may succeed later.
    pub fn is_full(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }

    /// Whether whoever reads the output has gone.
    pub fn is_closed(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Puts verdicts into bytes.
pub trait RowFormat: Send + Debug {
    /// What stands before the first row.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// Rows of these answers.
    fn rows(&mut self, answers: &Answers<'_>, out: &mut Vec<u8>);
}

/// Verdicts in a file that survives crashes: it is cut back to what was synced and goes on from there.
#[derive(Debug)]
pub struct FileOutput {
    name: String,
    file: Arc<dyn DiskFile>,
    format: Box<dyn RowFormat>,
    gathered: Vec<u8>,
    written: u64,
    /// How much of it was synced.
    synced: u64,
    /// A sync failed: what was written since the one before may never reach the disk, and no later sync says so.
    is_in_doubt: bool,
}

impl FileOutput {
    /// Writes rows of this format to `file`.
    pub fn new(
        name: impl Into<String>,
        file: Arc<dyn DiskFile>,
        format: Box<dyn RowFormat>,
    ) -> Self {
        Self {
            name: name.into(),
            file,
            format,
            gathered: Vec::new(),
            written: 0,
            synced: 0,
            is_in_doubt: false,
        }
    }

    fn error(&self, source: io::Error) -> OutputError {
        OutputError {
            output: self.name.clone(),
            source,
        }
    }

    fn sync_written(&mut self) -> Result<(), OutputError> {
        if self.is_in_doubt {
            let reason = "a sync failed before and its bytes may be lost, expected a restart, which writes them again";
            return Err(self.error(io::Error::other(reason)));
        }
        if let Err(error) = self.file.sync_data() {
            self.is_in_doubt = true;
            // Of no kind that asks for the same call again, not even for want of space.
            return Err(self.error(io::Error::other(error)));
        }
        self.synced = self.written;
        Ok(())
    }
}

/// Bytes written before they are synced unasked: a checkpoint, which asks, must not find seconds' worth of them.
const SYNC_AFTER: u64 = 8 << 20;

impl Output for FileOutput {
    fn write(&mut self, answers: &Answers<'_>) {
        if self.written == 0 && self.gathered.is_empty() {
            self.format.begin(&mut self.gathered);
        }
        self.format.rows(answers, &mut self.gathered);
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.file
            .write_at(&self.gathered, self.written)
            .map_err(|error| self.error(error))?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        if self.written - self.synced >= SYNC_AFTER {
            self.sync_written()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<u64, OutputError> {
        self.flush()?;
        self.sync_written()?;
        Ok(self.written)
    }

    fn held(&self) -> Result<Option<u64>, OutputError> {
        self.file.len().map(Some).map_err(|error| self.error(error))
    }

    fn resume(&mut self, bytes: u64) -> Result<(), OutputError> {
        self.file
            .set_len(bytes)
            .map_err(|error| self.error(error))?;
        self.gathered.clear();
        self.written = bytes;
        self.synced = bytes;
        self.is_in_doubt = false;
        Ok(())
    }
}

/// Verdicts into a pipe or a terminal: what was written stays written, so that after a crash rows may come twice.
pub struct StreamOutput {
    name: String,
    stream: Box<dyn io::Write + Send>,
    format: Box<dyn RowFormat>,
    gathered: Vec<u8>,
    has_begun: bool,
    written: u64,
}

impl Debug for StreamOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamOutput")
            .field("name", &self.name)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl StreamOutput {
    /// Writes rows of this format to `stream`.
    pub fn new(
        name: impl Into<String>,
        stream: Box<dyn io::Write + Send>,
        format: Box<dyn RowFormat>,
    ) -> Self {
        Self {
            name: name.into(),
            stream,
            format,
            gathered: Vec::new(),
            has_begun: false,
            written: 0,
        }
    }
}

impl Output for StreamOutput {
    fn write(&mut self, answers: &Answers<'_>) {
        if !self.has_begun {
            self.has_begun = true;
            self.format.begin(&mut self.gathered);
        }
        self.format.rows(answers, &mut self.gathered);
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        // A stream may take a part: what it took must not be sent again.
        let mut sent = 0;
        let result = loop {
            if sent == self.gathered.len() {
                break self.stream.flush();
            }
            match self.stream.write(&self.gathered[sent..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => sent += taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.gathered.drain(..sent);
        self.written += sent as u64;
        result.map_err(|source| OutputError {
            output: self.name.clone(),
            source,
        })
    }

    fn sync(&mut self) -> Result<u64, OutputError> {
        self.flush()?;
        Ok(self.written)
    }

    fn held(&self) -> Result<Option<u64>, OutputError> {
        Ok(None)
    }

    fn resume(&mut self, bytes: u64) -> Result<(), OutputError> {
        self.has_begun = bytes > 0;
        self.written = bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use willet_log::SimDisk;
    use willet_log::disk::{Disk, OpenMode};

    use super::*;

    #[derive(Debug)]
    struct NoRows;

    impl RowFormat for NoRows {
        fn begin(&mut self, _: &mut Vec<u8>) {}
        fn rows(&mut self, _: &Answers<'_>, _: &mut Vec<u8>) {}
    }

    #[test]
    fn after_a_failed_sync_nothing_counts_as_durable_until_the_output_is_resumed() {
        let disk = SimDisk::new(1);
        disk.create_folder(Path::new("/d")).expect("sound disk");
        let file = disk
            .open(Path::new("/d/rows"), OpenMode::Create)
            .expect("sound disk");
        let mut output = FileOutput::new("rows", file, Box::new(NoRows));
        output.gathered.extend_from_slice(b"row");
        disk.fail_sync(1);
        assert!(!output.sync().expect_err("injected").is_full());
        assert!(output.sync().is_err(), "the bytes may be lost all the same");
        output.resume(0).expect("sound disk");
        assert_eq!(output.sync().expect("sound disk"), 0);
    }
}
