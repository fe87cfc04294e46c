//! What the ports promise, as functions that a test of an implementation calls. Each says what does not hold.

use std::fmt::Debug;

use super::{ObjectError, Objects, PartitionLog, RecordReader};
use crate::records::{RecordKind, Records};

/// A law that does not hold.
pub type Broken = Box<dyn std::error::Error>;

#[expect(
    clippy::needless_pass_by_value,
    reason = "what is compared is mostly made for it"
)]
fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), Broken> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}").into())
}

fn records(payloads: &[&str]) -> Records {
    let mut records = Records::new();
    for (place, payload) in payloads.iter().enumerate() {
        let kind = if place % 2 == 0 {
            RecordKind::Event
        } else {
            RecordKind::Journal
        };
        records.push(place as u64, kind, place as i64, payload.as_bytes());
    }
    records
}

/// Offsets and payloads up to the end, `max_bytes` at once.
fn read(reader: &mut dyn RecordReader, max_bytes: usize) -> Result<Vec<(u64, String)>, Broken> {
    let mut all = Vec::new();
    loop {
        let batch = reader.next_batch(max_bytes)?;
        if batch.is_empty() {
            return Ok(all);
        }
        for (head, payload) in batch.iter() {
            all.push((head.offset, String::from_utf8(payload.to_vec())?));
        }
    }
}

/// The laws of a partition that nobody has written to.
pub fn partition_log(log: &mut dyn PartitionLog) -> Result<(), Broken> {
    let first = log.extent()?.next;
    let mut group = records(&["a", "b", "c"]);
    equal("offsets", log.append(&mut group)?, first..first + 3)?;
    let numbered: Vec<u64> = group.iter().map(|(head, _)| head.offset).collect();
    equal(
        "offsets of the records",
        numbered,
        (first..first + 3).collect(),
    )?;
    equal("the end", log.extent()?.next, first + 3)?;

    let mut reader = log.reader(first)?;
    let expected: Vec<(u64, String)> = (first..).zip(["a", "b", "c"].map(String::from)).collect();
    equal(
        "one record at a time",
        read(&mut *reader, 1)?,
        expected.clone(),
    )?;
    equal("the end of a reader", reader.next_batch(1 << 20)?.len(), 0)?;
    log.append(&mut records(&["d"]))?;
    let more = vec![(first + 3, "d".to_owned())];
    equal("a reader goes on", read(&mut *reader, 1 << 20)?, more)?;
    let from_middle = read(&mut *log.reader(first + 1)?, 1 << 20)?;
    equal("from a place on", &from_middle[..2], &expected[1..])?;
    let kinds: Vec<RecordKind> = log
        .reader(first)?
        .next_batch(1 << 20)?
        .iter()
        .map(|(head, _)| head.kind)
        .take(2)
        .collect();
    equal("kinds", kinds, vec![RecordKind::Event, RecordKind::Journal])?;

    log.raise_floor(first + 100)?;
    log.raise_floor(first + 50)?;
    let behind = log.append(&mut records(&["e"]))?;
    if behind.start < first + 100 {
        return Err(format!(
            "offset {} lies below the floor {}",
            behind.start,
            first + 100
        )
        .into());
    }
    let last = vec![(behind.start, "e".to_owned())];
    equal(
        "over a gap",
        read(&mut *log.reader(first + 4)?, 1 << 20)?,
        last.clone(),
    )?;

    log.needless(Some(behind.start))?;
    log.needless(None)?;
    equal(
        "what is needed stays",
        read(&mut *log.reader(behind.start)?, 1 << 20)?,
        last,
    )?;
    let next = log.append(&mut records(&["f"]))?;
    equal("offsets rise", next.start, behind.end)?;
    equal("damage", reader.take_damage(), Vec::new())
}

/// The laws of objects, under names that begin with `laws/`, of which there are none yet.
pub fn objects(objects: &dyn Objects) -> Result<(), Broken> {
    let name = |last: &str| format!("laws/{last}");
    let (a, b) = (name("a"), name("b"));
    let is_missing = |error: &ObjectError| matches!(error, ObjectError::NotFound { .. });
    equal("none yet", objects.list("laws/")?, Vec::new())?;
    equal(
        "get of none",
        objects.get(&a).err().as_ref().is_some_and(is_missing),
        true,
    )?;
    objects.delete(&a)?;

    objects.put(&b, b"second")?;
    objects.put(&a, b"first")?;
    objects.put(&a, b"first, again")?;
    equal("get", objects.get(&a)?, b"first, again".to_vec())?;
    equal("a range", objects.get_range(&a, 7..12)?, b"again".to_vec())?;
    let beyond = objects.get_range(&a, 7..13);
    equal(
        "beyond the end",
        matches!(beyond, Err(ObjectError::Range { .. })),
        true,
    )?;
    equal("list", objects.list("laws/")?, vec![a.clone(), b.clone()])?;
    equal("list of a prefix", objects.list(&b)?, vec![b.clone()])?;

    let exists = objects.put_if_absent(&a, b"other");
    equal(
        "put of one that is there",
        matches!(exists, Err(ObjectError::AlreadyExists { .. })),
        true,
    )?;
    let changed = objects.replace(&a, b"first", b"other");
    equal(
        "replace of another",
        matches!(changed, Err(ObjectError::Changed { .. })),
        true,
    )?;
    equal(
        "what was not replaced",
        objects.get(&a)?,
        b"first, again".to_vec(),
    )?;
    objects.replace(&a, b"first, again", b"replaced")?;
    equal("what was replaced", objects.get(&a)?, b"replaced".to_vec())?;
    objects.delete(&a)?;
    let gone = objects.replace(&a, b"replaced", b"other");
    equal(
        "replace of none",
        gone.err().as_ref().is_some_and(is_missing),
        true,
    )?;
    objects.put_if_absent(&a, b"new")?;

    for name in [a, b] {
        objects.delete(&name)?;
    }
    equal("all are gone", objects.list("laws/")?, Vec::new())
}
