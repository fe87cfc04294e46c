use super::*;

#[test]
fn nothing_is_readable_before_its_commit() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let p = log.partition("s", 0).unwrap();
    log.append(p, &mut records(&[b"a", b"b"])).unwrap();
    assert_eq!((offsets(&log, p), log.end(p)), (vec![], Some(0)));
    log.commit().unwrap();
    assert_eq!((offsets(&log, p), log.end(p)), (vec![0, 1], Some(2)));
}

#[test]
fn kind_arrival_and_payload_come_back() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let p = log.partition("s", 0).unwrap();
    let mut written = Records::new();
    written.push(0, RecordKind::Event, 5, b"event");
    written.push(1, RecordKind::Journal, i64::MIN, b"");
    written.push(2, RecordKind::Cursor, i64::MAX, &[0; 5000]);
    append(&mut log, p, written.clone());
    assert_eq!(log.reader(p, 0).next_batch(1 << 20).unwrap(), written);
    let last = log.reader(p, 2).next_batch(1).unwrap();
    assert_eq!(
        (last.len(), last.head(0).arrived, last.payload(0)),
        (1, i64::MAX, &[0; 5000][..])
    );
}

#[test]
fn partitions_keep_their_names_and_ends_over_segments_and_openings() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let a = log.partition("a", 0).unwrap();
    for tag in 0..30 {
        append(&mut log, a, batch(tag, 5, 200));
    }
    let b = log.partition("b", 3).unwrap();
    append(&mut log, b, batch(99, 1, 10));
    assert!(log.partitions().eq([(a, "a", 0), (b, "b", 3)]));
    for crash in [true, false] {
        if crash {
            drop(log);
            disk.crash(1);
        } else {
            log.close().unwrap();
        }
        let report;
        (log, report) = open(&disk);
        assert_eq!((report.clean, report.torn_bytes), (!crash, 0));
        assert!(report.segments > 3);
        assert_eq!(log.partition("a", 0).unwrap(), a);
        assert_eq!(log.partition("b", 3).unwrap(), b);
        assert_eq!((log.end(a), log.end(b)), (Some(150), Some(1)));
        assert_eq!(offsets(&log, a), (0..150).collect::<Vec<_>>());
    }
    assert_eq!(append(&mut log, a, batch(1, 1, 1)), 150..151);
}

#[test]
fn a_partition_without_records_survives_close_and_crash() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let id = log.partition("quiet", 4).unwrap();
    log.close().unwrap();
    let (mut log, _) = open(&disk);
    let other = log.partition("loud", 0).unwrap();
    assert_ne!(id, other);
    log.commit().unwrap();
    drop(log);
    disk.crash(0);
    let (log, _) = open(&disk);
    assert!(log.partitions().eq([(id, "quiet", 4), (other, "loud", 0)]));
}

#[test]
fn limits_are_told() {
    let disk = SimDisk::new(1);
    let small = LogOptions {
        max_record_bytes: 10,
        max_append_bytes: 200,
        max_pending_bytes: 300,
        ..LogOptions::default()
    };
    let (mut log, _) = Log::open(&data_folder(&disk), small.clone()).unwrap();
    let p = log.partition("s", 0).unwrap();
    let error = log.append(p, &mut records(&[b"ok", &[0; 11]])).unwrap_err();
    assert!(matches!(
        error,
        LogError::RecordTooLarge {
            index: 1,
            bytes: 11,
            limit: 10
        }
    ));
    let error = log.append(p, &mut batch(1, 5, 10)).unwrap_err();
    assert!(matches!(
        error,
        LogError::AppendTooLarge {
            bytes: 270,
            limit: 200
        }
    ));
    log.append(p, &mut batch(1, 3, 10)).unwrap();
    let error = log.append(p, &mut batch(1, 3, 10)).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::PendingTooLarge {
                bytes: 324,
                limit: 300
            }
        ),
        "{error}"
    );
    let error = log
        .append(PartitionId(9), &mut records(&[b"x"]))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the log has no partition 9, expected one that `partition` returned"
    );
    assert!(matches!(
        log.partition("", 0),
        Err(LogError::StreamName { bytes: 0, .. })
    ));
    log.commit().unwrap();
    assert_eq!(offsets(&log, p), [0, 1, 2]);
    drop(log);
    disk.crash(0);
    let wrong = LogOptions {
        segment_bytes: 2 << 30,
        ..small
    };
    assert!(matches!(
        Log::open(&data_folder(&disk), wrong),
        Err(LogError::Option { .. })
    ));
}

#[test]
fn a_full_disk_refuses_and_the_log_goes_on_when_space_returns() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let p = log.partition("s", 0).unwrap();
    append(&mut log, p, batch(1, 3, 100));
    disk.set_capacity(disk.used());
    let refused = (0..100).find_map(|tag| {
        let appended = log.append(p, &mut batch(tag, 3, 500)).map(|_| ());
        appended.and_then(|()| log.commit()).err()
    });
    assert!(refused.expect("the disk is full").is_full());
    let end = log.end(p).unwrap();
    assert!(
        log.append(p, &mut batch(7, 100, 500))
            .and_then(|_| log.commit())
            .unwrap_err()
            .is_full()
    );
    assert_eq!(log.end(p), Some(end));
    disk.set_capacity(u64::MAX);
    assert_eq!(append(&mut log, p, batch(2, 2, 100)), end..end + 2);
    assert_eq!(offsets(&log, p), (0..end + 2).collect::<Vec<_>>());
    drop(log);
    disk.crash(1);
    assert_eq!(offsets(&open(&disk).0, p), (0..end + 2).collect::<Vec<_>>());
}

#[test]
fn after_a_failed_sync_the_log_goes_on_in_a_new_segment_and_the_refused_stays_away() {
    for seed in 0..50 {
        let disk = SimDisk::new(1);
        let (mut log, _) = open(&disk);
        let p = log.partition("s", 0).unwrap();
        append(&mut log, p, records(&[b"kept"]));
        log.append(p, &mut records(&[b"refused", b"refused"]))
            .unwrap();
        disk.fail_sync(1);
        let error = log.commit().unwrap_err();
        assert!(matches!(error, LogError::Io { action: "sync", .. }) && !error.is_full());
        assert_eq!(offsets(&log, p), [0]);
        append(&mut log, p, records(&[b"after"]));
        assert!(file_names(&disk).contains(&"000000000002.seg".to_owned()));
        drop(log);
        disk.crash(seed);
        let (log, report) = open(&disk);
        assert!(report.damage.is_empty(), "{report:?}");
        let (read, _) = read_all(&log, p, 1);
        assert_eq!(
            read,
            [(0, b"kept".to_vec()), (1, b"after".to_vec())],
            "seed {seed}"
        );
    }
}

#[test]
fn floors_keep_offsets_from_being_given_again() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let p = log.partition("s", 0).unwrap();
    append(&mut log, p, records(&[b"a"]));
    log.raise_floor(p, 10).unwrap();
    log.raise_floor(p, 5).unwrap();
    assert_eq!(append(&mut log, p, records(&[b"b"])), 10..11);
    drop(log);
    disk.crash(1);
    let (log, report) = open(&disk);
    assert!(report.damage.is_empty());
    assert_eq!(offsets(&log, p), [0, 10]);
    assert_eq!(
        offsets(&log, p),
        read_all(&log, p, 1)
            .0
            .iter()
            .map(|(offset, _)| *offset)
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_reader_follows_the_log_and_can_begin_anywhere() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let (p, q) = (
        log.partition("s", 0).unwrap(),
        log.partition("s", 1).unwrap(),
    );
    let mut follower = log.reader(p, 0);
    let mut followed = Vec::new();
    for tag in 0..200 {
        append(&mut log, p, batch(tag, 3, 100));
        append(&mut log, q, batch(tag, 1 + tag % 7, 900));
        let records = follower.next_batch(1 << 20).unwrap();
        followed.extend(records.iter().map(|(head, _)| head.offset));
    }
    assert_eq!(followed, (0..600).collect::<Vec<_>>());
    assert!(follower.next_batch(1).unwrap().is_empty());
    for from in (0..600).step_by(37) {
        assert_eq!(
            log.reader(p, from).next_batch(1).unwrap().head(0).offset,
            from
        );
    }
    assert_eq!(offsets(&log, q).len() as u64, log.end(q).unwrap());
}

#[test]
fn an_append_without_records_is_no_append() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let p = log.partition("s", 0).unwrap();
    assert_eq!(log.append(p, &mut Records::new()).unwrap(), 0..0);
    log.commit().unwrap();
    assert_eq!(log.end(p), Some(0));
}
