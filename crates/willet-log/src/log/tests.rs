mod damage;
mod fixture;
mod fuzz;
mod model;
mod retention;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use willet_engine::records::{PartitionId, RecordKind, Records};

use super::*;
use crate::disk::{Disk, SimDisk};
use crate::folder::Owner;

const PATH: &str = "/willet-data";

fn data_folder(disk: &SimDisk) -> DataFolder {
    let owner = Owner {
        pid: 1,
        since: 0,
        version: "test".into(),
    };
    DataFolder::open(Arc::new(disk.clone()), Path::new(PATH), &owner).unwrap()
}

/// Small segments, so that few records make several.
fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 8 << 10,
        ..LogOptions::default()
    }
}

fn open(disk: &SimDisk) -> (Log, OpenReport) {
    Log::open(&data_folder(disk), options()).unwrap()
}

fn records(payloads: &[&[u8]]) -> Records {
    let mut records = Records::new();
    for (index, payload) in payloads.iter().enumerate() {
        records.push(
            index as u64,
            RecordKind::Event,
            1_000 + index as i64,
            payload,
        );
    }
    records
}

/// `count` records of `bytes` bytes, each unlike the others.
fn batch(tag: u64, count: u64, bytes: usize) -> Records {
    let mut records = Records::new();
    for index in 0..count {
        let mut payload = format!("{tag}/{index}/").into_bytes();
        payload.resize(bytes.max(payload.len()), b'x');
        records.push(index, RecordKind::Event, tag as i64, &payload);
    }
    records
}

fn append(log: &mut Log, partition: PartitionId, mut records: Records) -> std::ops::Range<u64> {
    let offsets = log.append(partition, &mut records).unwrap();
    log.commit().unwrap();
    offsets
}

/// All records of a partition with their offsets, and the damage met.
fn read_all(
    log: &Log,
    partition: PartitionId,
    batch_bytes: usize,
) -> (Vec<(u64, Vec<u8>)>, Vec<Damage>) {
    let mut reader = log.reader(partition, 0);
    let mut all = Vec::new();
    loop {
        let records = reader.next_batch(batch_bytes).unwrap();
        if records.is_empty() {
            return (all, reader.take_damage());
        }
        all.extend(
            records
                .iter()
                .map(|(head, payload)| (head.offset, payload.to_vec())),
        );
    }
}

fn offsets(log: &Log, partition: PartitionId) -> Vec<u64> {
    read_all(log, partition, 1 << 20)
        .0
        .into_iter()
        .map(|(offset, _)| offset)
        .collect()
}

fn segment_file(number: u64) -> PathBuf {
    segment::segment_path(&Path::new(PATH).join("log"), number)
}

/// Where `needle` stands in a file.
fn find(disk: &SimDisk, path: &Path, needle: &[u8]) -> u64 {
    let bytes = crate::disk::read_file(disk, path, u64::MAX).unwrap();
    let found = bytes
        .windows(needle.len())
        .position(|window| window == needle);
    found.expect("the needle is there") as u64
}

fn file_names(disk: &SimDisk) -> Vec<String> {
    let entries = disk.list(&Path::new(PATH).join("log")).unwrap();
    entries.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn the_laws_of_the_port_hold() {
    let disk = SimDisk::new(3);
    let mut log = OwnedLog::new(open(&disk).0, "pumps", 0).unwrap();
    willet_engine::ports::laws::partition_log(&mut log).unwrap();
    log.close().unwrap();
}
