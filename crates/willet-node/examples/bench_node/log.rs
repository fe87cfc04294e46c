//! How many records a second are appended, synced and acknowledged by the log as the service shares it, and what the disk alone allows.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use willet_engine::ports::PartitionLog;
use willet_engine::records::{RecordKind, Records};
use willet_log::disk::OpenMode;
use willet_log::{DataFolder, Disk, Log, LogOptions, Owner, RealDisk};
use willet_node::service::{Keeping, SharedLog};

use super::Result;

const WRITERS: u64 = 64;
const BATCH: u64 = 100;
const RECORD_BYTES: usize = 150;
const RUN: Duration = Duration::from_secs(5);
/// Bytes of a batch in the log: payloads and heads of 44 bytes.
const BATCH_LOG_BYTES: u64 = BATCH * (RECORD_BYTES as u64 + 44);

pub(crate) fn run(folder: &Path) -> Result<()> {
    let path = folder.join(format!("bench-log-{}", std::process::id()));
    let measured = measure(&path);
    std::fs::remove_dir_all(&path)?;
    measured
}

fn measure(path: &Path) -> Result<()> {
    let owner = Owner {
        pid: std::process::id(),
        since: 0,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let folder = DataFolder::open(Arc::new(RealDisk), path, &owner)?;
    // Before the load: after it the disk still writes back what the log left in memory.
    sync_alone(path, "small", 4 << 10)?;
    sync_alone(
        path,
        "half_of_writers",
        (WRITERS / 2 * BATCH_LOG_BYTES) as usize,
    )?;
    let keeping = Keeping {
        max_bytes: u64::MAX,
        max_age_us: i64::MAX,
    };
    let log = SharedLog::start(Log::open(&folder, LogOptions::default())?.0, keeping)?;
    let partition = log.partition("bench")?;
    let batch = batch();
    let acknowledged = AtomicU64::new(0);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            let (mut partition, batch, acknowledged) = (partition.clone(), &batch, &acknowledged);
            scope.spawn(move || {
                while begin.elapsed() < RUN {
                    let offsets = partition
                        .append(&mut batch.clone())
                        .expect("a disk that works");
                    acknowledged.fetch_add(offsets.end - offsets.start, Ordering::Relaxed);
                }
            });
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    let records = acknowledged.into_inner();
    let commits = log.commits().max(1);
    let mean_group = records as f64 / commits as f64;
    println!(
        "records_per_second {:.0} records/s",
        records as f64 / seconds
    );
    println!(
        "commits_per_second {:.0} commits/s",
        commits as f64 / seconds
    );
    println!("mean_group {mean_group:.0} records");
    println!(
        "payload_bytes_per_second {:.0} bytes/s",
        records as f64 * RECORD_BYTES as f64 / seconds
    );

    let begin = Instant::now();
    let mut reader = partition.reader(0)?;
    let mut read = 0;
    loop {
        let records = reader.next_batch(1 << 20)?;
        if records.is_empty() {
            break;
        }
        read += records.len() as u64;
    }
    println!(
        "read_records_per_second {:.0} records/s",
        read as f64 / begin.elapsed().as_secs_f64()
    );
    log.close();
    let begin = Instant::now();
    let report = willet_log::verify(&RealDisk, path)?;
    println!(
        "verify_records_per_second {:.0} records/s",
        report.records as f64 / begin.elapsed().as_secs_f64()
    );
    if report.records != records || read != records || !report.damage.is_empty() {
        return Err(format!("acknowledged {records}, read {read}, verified {report:?}").into());
    }
    let begin = Instant::now();
    Log::open(&folder, LogOptions::default())?;
    println!(
        "open_after_close {:.1} ms",
        begin.elapsed().as_secs_f64() * 1e3
    );
    println!(
        "commit_mean_bytes {:.0} bytes",
        mean_group / BATCH as f64 * BATCH_LOG_BYTES as f64
    );
    Ok(())
}

fn batch() -> Records {
    let mut records = Records::new();
    for index in 0..BATCH {
        let payload: Vec<u8> = (0..RECORD_BYTES as u64)
            .map(|at| (at * 31 + index * 7) as u8)
            .collect();
        records.push(index, RecordKind::Event, 1_700_000_000_000_000, &payload);
    }
    records
}

/// Writes and syncs so many bytes at a time into preallocated space, as a commit does, and nothing else.
fn sync_alone(path: &Path, name: &str, bytes: usize) -> Result<()> {
    /// Space that is written once, as a segment is; most rounds are over before it is full.
    const SPACE: u64 = 2 << 30;
    let place = path.join("sync-alone");
    let file = RealDisk.open(&place, OpenMode::Create)?;
    file.preallocate(SPACE)?;
    file.sync_data()?;
    let data = vec![7; bytes];
    let (begin, mut at) = (Instant::now(), 0);
    let mut syncs = Vec::new();
    while begin.elapsed() < RUN / 2 && at + bytes as u64 <= SPACE {
        file.write_at(&data, at)?;
        let sync = Instant::now();
        file.sync_data()?;
        syncs.push(sync.elapsed().as_secs_f64() * 1e3);
        at += bytes as u64;
    }
    let seconds = begin.elapsed().as_secs_f64();
    syncs.sort_by(f64::total_cmp);
    let mean = syncs.iter().sum::<f64>() / syncs.len() as f64;
    println!("fdatasync_alone_{name}_bytes {bytes} bytes");
    println!("fdatasync_alone_{name}_samples {} syncs", syncs.len());
    println!("fdatasync_alone_{name}_mean {mean:.3} ms");
    println!(
        "fdatasync_alone_{name}_p50 {:.3} ms",
        syncs[syncs.len() / 2]
    );
    println!(
        "fdatasync_alone_{name}_p99 {:.3} ms",
        syncs[syncs.len() * 99 / 100]
    );
    println!(
        "fdatasync_alone_{name}_per_second {:.0} writes and syncs/s",
        syncs.len() as f64 / seconds
    );
    drop(file);
    Ok(std::fs::remove_file(place)?)
}
