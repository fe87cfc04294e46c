use super::*;

/// About ten segments; the arrival time of a record is the number of its append.
fn long_log(disk: &SimDisk) -> (Log, PartitionId) {
    let (mut log, _) = open(disk);
    let p = log.partition("s", 0).unwrap();
    for tag in 1..=80 {
        append(&mut log, p, batch(tag, 5, 150));
    }
    (log, p)
}

#[test]
fn the_oldest_segments_go_until_the_log_fits() {
    let disk = SimDisk::new(1);
    let (mut log, p) = long_log(&disk);
    let before = log.bytes();
    let low_water = vec![(p, u64::MAX)];
    let policy = Retention {
        max_bytes: Some(30_000),
        low_water,
        ..Retention::default()
    };
    let retained = log.retain(&policy).unwrap();
    assert!(
        retained.kept_bytes <= 30_000 && retained.kept_bytes > 15_000,
        "{retained:?}"
    );
    assert_eq!(retained.kept_bytes + retained.removed_bytes, before);
    assert_eq!(retained.removed[0], segment_file(1));
    let start = log.start(p).unwrap();
    assert_eq!(offsets(&log, p), (start..400).collect::<Vec<_>>());
    drop(log);
    disk.crash(0);
    let (log, report) = open(&disk);
    assert!(report.damage.is_empty(), "{report:?}");
    assert_eq!((log.start(p), log.end(p)), (Some(start), Some(400)));
}

#[test]
fn low_water_is_never_passed() {
    let disk = SimDisk::new(1);
    let (mut log, p) = long_log(&disk);
    let other = log.partition("s", 1).unwrap();
    let policy = |low_water| Retention {
        max_bytes: Some(0),
        low_water,
        ..Retention::default()
    };
    assert!(
        log.retain(&policy(vec![])).unwrap().removed.is_empty(),
        "an unnamed partition is needed whole"
    );
    log.retain(&policy(vec![(p, 200), (other, 0)])).unwrap();
    let start = log.start(p).unwrap();
    assert!((100..=200).contains(&start), "{start}");
    log.retain(&policy(vec![(p, u64::MAX)])).unwrap();
    assert!(log.start(p).unwrap() < 400, "the newest segment stays");
}

#[test]
fn old_segments_go_by_the_arrival_of_their_newest_record() {
    let disk = SimDisk::new(1);
    let (mut log, p) = long_log(&disk);
    let low_water = vec![(p, u64::MAX)];
    let policy = Retention {
        max_age_us: Some(40),
        now: 100,
        low_water,
        ..Retention::default()
    };
    log.retain(&policy).unwrap();
    let oldest = log.reader(p, 0).next_batch(1).unwrap().head(0).arrived;
    assert!((50..=60).contains(&oldest), "{oldest}");
}

#[test]
fn a_reader_in_a_removed_segment_goes_on() {
    let disk = SimDisk::new(1);
    let (mut log, p) = long_log(&disk);
    let mut reader = log.reader(p, 0);
    reader.next_batch(1).unwrap();
    let low_water = vec![(p, u64::MAX)];
    log.retain(&Retention {
        max_bytes: Some(0),
        low_water,
        ..Retention::default()
    })
    .unwrap();
    assert_eq!(
        reader.next_batch(1).unwrap().head(0).offset,
        log.start(p).unwrap()
    );
    assert!(reader.take_damage().is_empty());
}
