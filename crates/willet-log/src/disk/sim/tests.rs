use super::*;

const FILE: &str = "/d/file";

fn disk_with_file(bytes: &[u8]) -> (SimDisk, Arc<dyn DiskFile>) {
    seeded_disk_with_file(1, bytes)
}

fn seeded_disk_with_file(seed: u64, bytes: &[u8]) -> (SimDisk, Arc<dyn DiskFile>) {
    let disk = SimDisk::new(seed);
    disk.create_folder(Path::new("/d")).unwrap();
    let file = disk.open(Path::new(FILE), OpenMode::Create).unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_folder(Path::new("/d")).unwrap();
    (disk, file)
}

fn content(disk: &SimDisk) -> Vec<u8> {
    crate::disk::read_file(disk, Path::new(FILE), u64::MAX).unwrap()
}

#[test]
fn synced_bytes_survive_every_crash_and_unsynced_ones_only_some() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..200 {
        let (disk, file) = disk_with_file(&[1; 2000]);
        file.write_at(&[2; 2000], 2000).unwrap();
        file.write_at(&[3; 10], 4000).unwrap();
        disk.crash(seed);
        let bytes = content(&disk);
        assert_eq!(&bytes[..2000], [1; 2000], "seed {seed}");
        assert!(
            bytes[2000..].iter().all(|byte| [0, 2, 3].contains(byte)),
            "seed {seed}"
        );
        let later_without_earlier =
            bytes.len() == 4010 && bytes[2000..4000].iter().all(|byte| *byte == 0);
        outcomes.insert((
            bytes.len().min(2001),
            bytes.len() == 4010,
            later_without_earlier,
        ));
    }
    assert!(
        outcomes.contains(&(2000, false, false)),
        "dropped: {outcomes:?}"
    );
    assert!(
        outcomes.contains(&(2001, true, false)),
        "kept: {outcomes:?}"
    );
    assert!(
        outcomes.contains(&(2001, true, true)),
        "reordered: {outcomes:?}"
    );
}

#[test]
fn names_are_lost_until_the_folder_is_synced() {
    let lost = (0..50).filter(|&seed| {
        let (disk, _) = disk_with_file(b"x");
        disk.rename(Path::new(FILE), Path::new("/d/other")).unwrap();
        disk.crash(seed);
        disk.list(Path::new("/d")).unwrap()[0].name == "file"
    });
    let lost = lost.count();
    assert!(0 < lost && lost < 50, "{lost}");
    let (disk, _) = disk_with_file(b"x");
    disk.rename(Path::new(FILE), Path::new("/d/other")).unwrap();
    disk.sync_folder(Path::new("/d")).unwrap();
    disk.crash(0);
    assert_eq!(disk.list(Path::new("/d")).unwrap()[0].name, "other");
}

#[test]
fn the_same_seed_crashes_the_same_way() {
    let after = |seed| {
        let (disk, file) = disk_with_file(b"a");
        file.write_at(&[7; 5000], 1).unwrap();
        disk.crash(seed);
        content(&disk)
    };
    for seed in 0..20 {
        assert_eq!(after(seed), after(seed));
    }
}

#[test]
fn a_full_disk_takes_what_fits_and_goes_on_when_space_returns() {
    let (disk, file) = disk_with_file(&[1; 10]);
    disk.set_capacity(15);
    let error = file.write_at(&[2; 10], 10).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.used(), 15);
    disk.set_capacity(20);
    file.write_at(&[2; 10], 10).unwrap();
    assert_eq!(disk.used(), 20);
}

#[test]
fn what_a_failed_sync_left_is_not_saved_by_the_next() {
    let lost = (0..50).filter(|&seed| {
        let (disk, file) = seeded_disk_with_file(seed, b"");
        file.write_at(b"doubtful", 0).unwrap();
        disk.fail_sync(1);
        file.sync_data().unwrap_err();
        file.sync_data().unwrap();
        disk.crash(seed);
        content(&disk) != b"doubtful"
    });
    assert!(lost.count() > 5);
}

#[test]
fn handles_and_locks_die_in_a_crash() {
    let (disk, file) = disk_with_file(b"x");
    let held = disk.lock(Path::new("/d/LOCK")).unwrap();
    assert_eq!(
        disk.lock(Path::new("/d/LOCK")).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    disk.crash(3);
    file.write_at(b"y", 0).unwrap_err();
    let again = disk.lock(Path::new("/d/LOCK")).unwrap();
    drop(held);
    assert!(
        disk.lock(Path::new("/d/LOCK")).is_err(),
        "a dead lock must not free a live one"
    );
    drop(again);
}

#[test]
fn a_flipped_bit_stays() {
    let (disk, _) = disk_with_file(&[0; 4]);
    assert!(disk.flip_bit(Path::new(FILE), 2, 3));
    assert!(!disk.flip_bit(Path::new(FILE), 4, 3));
    disk.crash(0);
    assert_eq!(content(&disk), [0, 0, 8, 0]);
}

#[test]
fn the_nth_write_fails() {
    let (disk, file) = disk_with_file(b"");
    disk.fail_write(2);
    file.write_at(b"a", 0).unwrap();
    file.write_at(b"b", 1).unwrap_err();
    file.write_at(b"b", 1).unwrap();
}

#[test]
fn a_power_cut_ends_everything_until_the_crash() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..40 {
        let disk = SimDisk::new(seed);
        disk.create_folder(Path::new("/d")).unwrap();
        let file = disk.open(Path::new(FILE), OpenMode::Create).unwrap();
        disk.sync_folder(Path::new("/d")).unwrap();
        file.write_at(b"x", 0).unwrap();
        disk.cut_power_in(1);
        assert!(file.sync_data().is_err() && disk.is_off());
        assert!(file.write_at(b"y", 0).is_err() && disk.list(Path::new("/d")).is_err());
        disk.crash(seed);
        assert!(!disk.is_off());
        outcomes.insert(content(&disk));
    }
    assert!(
        outcomes.contains(b"x".as_slice()) && outcomes.contains(&Vec::new()),
        "{outcomes:?}"
    );
}
