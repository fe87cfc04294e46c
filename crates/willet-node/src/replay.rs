//! A log run again from its first record, with nothing learned and nothing saved.

use willet_engine::codec::Decoder;
use willet_engine::config::{Plan, StreamConfig};
use willet_engine::event::EventBatch;
use willet_engine::journal::Entry;
use willet_engine::records::{PartitionId, RecordKind};
use willet_engine::shard::Shard;
use willet_engine::verdict::Verdicts;
use willet_log::Log;

use crate::output::{Answers, Output};
use crate::worker::{RecoveryLog, Trouble, WorkerError};

/// Payload bytes read at once.
const BATCH: usize = 4 << 20;
const HASH_SEED: u64 = 0;

/// Replays a partition; `open` makes the output once its configuration is known.
pub fn replay(
    log: &Log,
    partition: PartitionId,
    open: impl FnOnce(&Plan) -> Box<dyn Output>,
) -> Result<Vec<Trouble>, WorkerError> {
    let mut shard = Shard::new(Plan::new(StreamConfig::default(), 1)?, 1, HASH_SEED);
    for offset in poison_marks(log, partition, 0, BATCH)? {
        shard.poison(offset);
    }
    let mut open = Some(open);
    let mut output: Option<Box<dyn Output>> = None;
    let mut decoder = Decoder::new(&shard.plan().config().input, HASH_SEED)?;
    let (mut events, mut rejections, mut verdicts) =
        (EventBatch::new(), Vec::new(), Verdicts::default());
    let mut reader = log.reader(partition, 0);
    loop {
        let records = reader.next_batch(BATCH)?;
        if records.is_empty() {
            break;
        }
        let mut at = 0;
        while at < records.len() {
            let head = records.head(at);
            let end = records.run_end(at);
            match head.kind {
                RecordKind::Event => {
                    events.clear();
                    rejections.clear();
                    decoder.decode(&records, at..end, &mut events, &mut rejections);
                    shard.on_batch(&events, records.head(end - 1).offset + 1, &mut verdicts);
                    if let Some(open) = open.take() {
                        output = Some(open(shard.plan()));
                    }
                    if let Some(output) = &mut output {
                        Answers::new(&records, &events, &verdicts, shard.plan())
                            .write_to(&mut **output, 0);
                        output.flush()?;
                    }
                }
                RecordKind::Journal => {
                    for index in at..end {
                        let offset = records.head(index).offset;
                        let entry = Entry::decode(offset, records.payload(index))?;
                        match entry {
                            // The first entry of a log says what the stream is; it changes nothing.
                            Entry::Configure { config } if offset == 0 => {
                                let poisoned = shard.poisoned();
                                shard = Shard::new(Plan::new(*config, 1)?, 1, HASH_SEED);
                                poisoned.into_iter().for_each(|offset| shard.poison(offset));
                                shard.advance(1);
                            }
                            entry => {
                                shard.on_journal(offset, entry, &mut verdicts)?;
                                if let Some(output) = &mut output {
                                    let none = EventBatch::new();
                                    Answers::new(&records, &none, &verdicts, shard.plan())
                                        .write_to(&mut **output, 0);
                                    output.flush()?;
                                }
                            }
                        }
                    }
                    decoder = Decoder::new(&shard.plan().config().input, HASH_SEED)?;
                }
                RecordKind::Cursor => {}
            }
            at = end;
        }
    }
    Ok(reader
        .take_damage()
        .into_iter()
        .map(|damage| Trouble::Log(damage.to_string()))
        .collect())
}

/// Offsets of all records marked as poison from `from` on: a mark stands behind the record that it speaks of.
pub(crate) fn poison_marks(
    log: &dyn RecoveryLog,
    partition: PartitionId,
    from: u64,
    batch: usize,
) -> Result<Vec<u64>, WorkerError> {
    let mut marked = Vec::new();
    let mut reader = log.reader(partition, from)?;
    loop {
        let records = reader.next_batch(batch)?;
        if records.is_empty() {
            return Ok(marked);
        }
        for (head, payload) in records
            .iter()
            .filter(|(head, _)| head.kind == RecordKind::Journal)
        {
            if let Entry::Poison { offset } = Entry::decode(head.offset, payload)? {
                marked.push(offset);
            }
        }
    }
}
