use willet_engine::journal::Entry;
use willet_engine::ports::PartitionLog;
use willet_engine::records::RecordKind;

use super::WorkerError;

/// Offsets of all records marked as poison from `from` on: a mark stands behind the record that it speaks of.
pub(super) fn poison_marks(
    log: &dyn PartitionLog,
    from: u64,
    batch: usize,
) -> Result<Vec<u64>, WorkerError> {
    let mut marked = Vec::new();
    let mut reader = log.reader(from)?;
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
