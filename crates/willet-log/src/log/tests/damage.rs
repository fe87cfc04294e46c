use super::*;

/// Six appends of two records, each its own commit, in one segment.
fn six_appends(disk: &SimDisk) -> (Log, PartitionId) {
    let (mut log, _) = open(disk);
    let p = log.partition("s", 0).unwrap();
    for tag in 0..6 {
        append(&mut log, p, batch(tag, 2, 50));
    }
    (log, p)
}

fn lost(partition: PartitionId, offsets: std::ops::Range<u64>) -> Vec<LostOffsets> {
    vec![LostOffsets { partition, offsets }]
}

#[test]
fn damage_in_the_middle_costs_its_record_only_and_is_reported() {
    let disk = SimDisk::new(1);
    let (log, p) = six_appends(&disk);
    drop(log);
    disk.crash(0);
    let at = find(&disk, &segment_file(1), b"2/1/");
    disk.flip_bit(&segment_file(1), at, 0);
    let (log, report) = open(&disk);
    let expected = Damage {
        file: segment_file(1),
        bytes: at - 44..at + 50,
        kind: DamageKind::Records,
        lost: lost(p, 5..6),
    };
    assert_eq!(report.damage, std::slice::from_ref(&expected));
    assert_eq!(report.torn_bytes, 0);
    let (read, damage) = read_all(&log, p, 100);
    assert_eq!(
        read.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    );
    assert_eq!(damage, std::slice::from_ref(&expected));
    assert_eq!(
        expected.to_string(),
        format!(
            "/willet-data/log/000000000001.seg bytes {}..{}: damaged records; partition 0 lost offsets 5..6",
            at - 44,
            at + 50
        )
    );
    let verified = verify(&disk, Path::new(PATH)).unwrap();
    assert_eq!((verified.records, verified.damage), (11, vec![expected]));
}

#[test]
fn damage_while_the_log_is_open_is_never_passed_on() {
    let disk = SimDisk::new(1);
    let (log, p) = six_appends(&disk);
    let at = find(&disk, &segment_file(1), b"5/1/");
    disk.flip_bit(&segment_file(1), at, 0);
    let (read, damage) = read_all(&log, p, 1 << 20);
    assert_eq!(read.len(), 11);
    assert_eq!(damage[0].lost, lost(p, 11..12));
    let mut physical = log.physical_reader();
    assert_eq!(physical.next_batch(1 << 20).unwrap().unwrap().1.len(), 11);
    assert!(physical.next_batch(1 << 20).unwrap().is_none());
    assert_eq!(physical.take_damage()[0].bytes, at - 44..at + 50);
}

#[test]
fn after_a_clean_close_damage_at_the_tail_is_damage_and_not_a_torn_write() {
    for clean in [true, false] {
        let disk = SimDisk::new(1);
        let (log, p) = six_appends(&disk);
        if clean {
            log.close().unwrap();
        } else {
            drop(log);
        }
        disk.crash(0);
        let at = find(&disk, &segment_file(1), b"5/1/");
        disk.flip_bit(&segment_file(1), at, 0);
        let (log, report) = open(&disk);
        if clean {
            assert_eq!((report.clean, report.torn_bytes), (true, 0));
            assert_eq!(report.damage[0].lost, lost(p, 11..12));
            assert_eq!(log.end(p), Some(12), "the offset must not be given again");
            assert_eq!(offsets(&log, p).len(), 11);
        } else {
            assert!(!report.clean && report.damage.is_empty());
            assert_eq!(report.torn_bytes, 2 * 94, "the append is cut whole");
            assert_eq!((log.end(p), offsets(&log, p).len()), (Some(10), 10));
        }
    }
}

#[test]
fn a_torn_commit_keeps_whole_appends_behind_the_gap() {
    let disk = SimDisk::new(1);
    let (mut log, p) = six_appends(&disk);
    for tag in 6..9 {
        log.append(p, &mut batch(tag, 2, 50)).unwrap();
    }
    log.commit().unwrap();
    drop(log);
    disk.crash(0);
    let at = find(&disk, &segment_file(1), b"7/0/");
    disk.flip_bit(&segment_file(1), at, 0);
    for _ in 0..2 {
        let (mut log, report) = open(&disk);
        assert_eq!(report.torn_bytes, 0);
        assert_eq!(
            offsets(&log, p),
            (0..14).chain(16..18).collect::<Vec<_>>(),
            "append 7 is left out whole"
        );
        if !report.clean {
            assert_eq!(report.damage[0].kind, DamageKind::Uncertain);
            assert_eq!(report.damage[0].bytes, at - 44..at - 44 + 2 * 94);
            assert_eq!(report.damage[0].lost, lost(p, 14..16));
        }
        assert_eq!(log.end(p), Some(18));
        log.append(p, &mut Records::new()).unwrap();
        drop(log);
        disk.crash(1);
    }
    // The next head says the same, even without the index.
    let (mut log, _) = open(&disk);
    append(&mut log, p, batch(9, 1, 10));
    disk.remove(&segment::index_path(&segment_file(1))).unwrap();
    disk.sync_folder(&Path::new(PATH).join("log")).unwrap();
    drop(log);
    disk.crash(1);
    let (log, report) = open(&disk);
    assert_eq!(
        report.rebuilt_indexes,
        [segment::index_path(&segment_file(1))]
    );
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    assert_eq!(offsets(&log, p), (0..14).chain(16..19).collect::<Vec<_>>());
}

#[test]
fn a_payload_that_imitates_a_record_is_not_taken_for_one() {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(&disk);
    let p = log.partition("s", 0).unwrap();
    append(&mut log, p, records(&[b"first"]));
    let at = find(&disk, &segment_file(1), b"first") - 44;
    let bytes = crate::disk::read_file(&disk, &segment_file(1), u64::MAX).unwrap();
    let mut imitation = bytes[at as usize..at as usize + 49].to_vec();
    // The right sequence number for the place, and a checksum as another segment would make it.
    let head = record::decode_head(&imitation, record::salt(log.folder.id(), 1)).unwrap();
    let head = record::Head {
        sequence: 2,
        offset: 1,
        ..head
    };
    imitation.clear();
    record::encode(
        &head,
        b"first",
        record::salt(log.folder.id(), 2),
        &mut imitation,
    );
    append(&mut log, p, records(&[&imitation]));
    append(&mut log, p, records(&[b"last"]));
    disk.flip_bit(&segment_file(1), at + 49 + 30, 2);
    let (read, damage) = read_all(&log, p, 1 << 20);
    assert_eq!(read, [(0, b"first".to_vec()), (2, b"last".to_vec())]);
    assert_eq!(damage[0].lost, lost(p, 1..2));
}

#[test]
fn a_damaged_header_costs_no_records() {
    for copies in [1, 2] {
        let disk = SimDisk::new(1);
        let (mut log, p) = six_appends(&disk);
        for tag in 6..60 {
            append(&mut log, p, batch(tag, 3, 100));
        }
        let end = log.end(p).unwrap();
        log.close().unwrap();
        for number in [1, 2] {
            let bytes = crate::disk::read_file(&disk, &segment_file(number), u64::MAX).unwrap();
            let copy = u64::from(u32::from_le_bytes(bytes[12..16].try_into().unwrap()));
            for which in 0..copies {
                disk.flip_bit(&segment_file(number), 20 + which * copy, 1);
            }
            disk.remove(&segment::index_path(&segment_file(number)))
                .unwrap();
        }
        let (log, report) = open(&disk);
        let kinds: Vec<_> = report.damage.iter().map(|damage| damage.kind).collect();
        assert_eq!(kinds, [DamageKind::Header; 2]);
        assert!(report.damage.iter().all(|damage| damage.lost.is_empty()));
        assert_eq!(offsets(&log, p), (0..end).collect::<Vec<_>>());
        assert!(log.partitions().eq([(p, "s", 0)]));
    }
}

#[test]
fn names_survive_a_flipped_bit_anywhere_in_the_only_header() {
    let mut at = 0;
    loop {
        let disk = SimDisk::new(1);
        let (mut log, _) = open(&disk);
        let p = log.partition("only", 3).unwrap();
        log.commit().unwrap();
        drop(log);
        disk.crash(0);
        let bytes = crate::disk::read_file(&disk, &segment_file(1), u64::MAX).unwrap();
        if at > bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 {
            break;
        }
        disk.flip_bit(&segment_file(1), at, (at % 8) as u8);
        let (log, report) = open(&disk);
        assert!(log.partitions().eq([(p, "only", 3)]), "byte {at}");
        assert_eq!(report.damage.len(), 1, "byte {at}");
        drop(log);
        disk.crash(0);
        let (_, report) = open(&disk);
        assert!(report.damage.is_empty(), "byte {at} must have been mended");
        at += 1;
    }
    assert!(at > 100);
}

#[test]
fn a_damaged_or_missing_index_is_made_again() {
    let disk = SimDisk::new(1);
    let (mut log, p) = six_appends(&disk);
    for tag in 6..60 {
        append(&mut log, p, batch(tag, 3, 100));
    }
    let end = log.end(p).unwrap();
    log.close().unwrap();
    let (first, second) = (
        segment::index_path(&segment_file(1)),
        segment::index_path(&segment_file(2)),
    );
    let good = crate::disk::read_file(&disk, &first, u64::MAX).unwrap();
    disk.flip_bit(&first, 60, 1);
    disk.remove(&second).unwrap();
    let verified = verify(&disk, Path::new(PATH)).unwrap();
    assert_eq!((verified.records, verified.damage.len()), (end, 1));
    assert_eq!(verified.damage[0].kind, DamageKind::Index);
    let (log, report) = open(&disk);
    assert_eq!(report.rebuilt_indexes, [first.clone(), second]);
    assert_eq!(
        crate::disk::read_file(&disk, &first, u64::MAX).unwrap(),
        good
    );
    assert_eq!(offsets(&log, p), (0..end).collect::<Vec<_>>());
}

#[test]
fn a_missing_segment_is_reported_with_its_offsets() {
    let disk = SimDisk::new(1);
    let (mut log, p) = six_appends(&disk);
    for tag in 6..60 {
        append(&mut log, p, batch(tag, 3, 100));
    }
    let end = log.end(p).unwrap();
    log.close().unwrap();
    disk.remove(&segment_file(2)).unwrap();
    let (log, report) = open(&disk);
    assert_eq!(
        (report.damage[0].kind, &report.damage[0].file),
        (DamageKind::Missing, &segment_file(2))
    );
    let gone = report.damage[0].lost[0].offsets.clone();
    let expected: Vec<u64> = (0..end).filter(|offset| !gone.contains(offset)).collect();
    assert!(!gone.is_empty());
    assert_eq!(offsets(&log, p), expected);
}

#[test]
fn segments_of_another_folder_or_a_newer_program_are_refused() {
    let disk = SimDisk::new(1);
    let (log, _) = six_appends(&disk);
    log.close().unwrap();
    let path = segment_file(1);
    let mut bytes = crate::disk::read_file(&disk, &path, u64::MAX).unwrap();
    let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let mut change = |at: usize, byte: u8| {
        bytes[at] = byte;
        let mut header = bytes[..length - 4].to_vec();
        bytes::seal(&mut header);
        bytes[..length].copy_from_slice(&header);
        crate::disk::replace_file(&disk, &path, &bytes).unwrap();
        Log::open(&data_folder(&disk), options()).map(|_| ())
    };
    assert!(matches!(
        change(8, 2),
        Err(LogError::TooNew {
            found: 2,
            known: 1,
            ..
        })
    ));
    change(8, 1).unwrap();
    assert!(matches!(change(16, 0xee), Err(LogError::Foreign { .. })));
}

#[test]
fn a_torn_head_is_mended_and_not_taken_for_damage_later() {
    for copy in [0, 1] {
        let disk = SimDisk::new(1);
        let (mut log, _) = open(&disk);
        let partition = log.partition("pumps", 0).unwrap();
        // Begins a segment that has no record yet.
        log.commit().unwrap();
        drop(log);
        let bytes = crate::disk::read_file(&disk, &segment_file(1), u64::MAX).unwrap();
        let mut names =
            (0..bytes.len() as u64).filter(|at| bytes[*at as usize..].starts_with(b"pumps"));
        let name = names.nth(copy).expect("the head stands twice");
        assert!(disk.flip_bit(&segment_file(1), name, 0));
        let (log, report) = open(&disk);
        let kinds: Vec<DamageKind> = report.damage.iter().map(|damage| damage.kind).collect();
        assert_eq!(kinds, [DamageKind::Uncertain], "copy {copy}");
        drop(log);
        let (log, report) = open(&disk);
        assert!(report.damage.is_empty(), "copy {copy}: {report:?}");
        assert_eq!(log.end(partition), Some(0));
    }
}
