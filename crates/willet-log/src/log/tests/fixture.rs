//! Bytes of every released format version stay readable.

use super::*;
use crate::disk::replace_file;

/// A closed segment of version 1: folder id 0x0123456789abcdef, number 1, partitions `pumps`/0 and `doors`/2.
const VERSION_1: &[u8] = include_bytes!("../../../tests/fixtures/segment-v1.seg");
const VERSION_1_INDEX: &[u8] = include_bytes!("../../../tests/fixtures/segment-v1.idx");
const FORMAT: &[u8] = br#"{"format":1,"folder_id":"0123456789abcdef"}"#;

fn disk_with(files: &[(&str, &[u8])]) -> SimDisk {
    let disk = SimDisk::new(1);
    let folder = Path::new(PATH);
    disk.create_folder(&folder.join("log")).unwrap();
    replace_file(&disk, &folder.join("FORMAT"), FORMAT).unwrap();
    for (name, bytes) in files {
        replace_file(&disk, &folder.join("log").join(name), bytes).unwrap();
    }
    disk
}

/// Writes what the fixture holds.
fn write(disk: &SimDisk) {
    let (mut log, _) = open(disk);
    let pumps = log.partition("pumps", 0).unwrap();
    append(&mut log, pumps, records(&[b"71.2", b"71.3"]));
    let doors = log.partition("doors", 2).unwrap();
    let mut mixed = Records::new();
    mixed.push(0, RecordKind::Journal, -1, b"tick");
    mixed.push(1, RecordKind::Cursor, i64::MAX, b"");
    log.append(doors, &mut mixed).unwrap();
    append(&mut log, pumps, records(&[b"71.4"]));
    log.close().unwrap();
}

#[test]
fn version_1_is_read_with_its_index_and_without() {
    let files = [
        ("000000000001.seg", VERSION_1),
        ("000000000001.idx", VERSION_1_INDEX),
    ];
    for count in [2, 1] {
        let disk = disk_with(&files[..count]);
        let (log, report) = open(&disk);
        assert_eq!(
            (report.clean, report.torn_bytes, report.damage),
            (count == 2, 0, vec![])
        );
        let (pumps, doors) = (PartitionId(0), PartitionId(1));
        assert!(
            log.partitions()
                .eq([(pumps, "pumps", 0), (doors, "doors", 2)])
        );
        let texts = |partition| {
            let all = read_all(&log, partition, 1 << 20).0;
            all.into_iter()
                .map(|(_, payload)| String::from_utf8(payload).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(pumps), ["71.2", "71.3", "71.4"]);
        assert_eq!(texts(doors), ["tick", ""]);
        let journal = log.reader(doors, 0).next_batch(1 << 20).unwrap();
        assert_eq!(
            (journal.head(0).kind, journal.head(0).arrived),
            (RecordKind::Journal, -1)
        );
        assert_eq!(
            (journal.head(1).kind, journal.head(1).arrived),
            (RecordKind::Cursor, i64::MAX)
        );
    }
}

#[test]
fn version_1_is_written_byte_for_byte() {
    let disk = disk_with(&[]);
    write(&disk);
    let read = |path: &Path| crate::disk::read_file(&disk, path, u64::MAX).unwrap();
    let (segment, index) = (
        read(&segment_file(1)),
        read(&segment::index_path(&segment_file(1))),
    );
    if let Some(folder) = std::env::var_os("WILLET_LOG_WRITE_FIXTURE") {
        std::fs::write(Path::new(&folder).join("segment-v1.seg"), &segment).unwrap();
        std::fs::write(Path::new(&folder).join("segment-v1.idx"), &index).unwrap();
    }
    assert_eq!(segment, VERSION_1, "a changed format needs a new version");
    assert_eq!(
        index, VERSION_1_INDEX,
        "a changed format needs a new version"
    );
}
