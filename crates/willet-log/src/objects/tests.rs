use super::*;
use crate::disk::{RealDisk, SimDisk};

fn on_both_disks(check: impl Fn(Arc<dyn Disk>, &Path)) {
    check(Arc::new(SimDisk::new(5)), Path::new("/objects"));
    let folder = tempfile::tempdir().unwrap();
    check(Arc::new(RealDisk), &folder.path().join("objects"));
}

#[test]
fn objects_are_put_replaced_read_listed_and_deleted() {
    on_both_disks(|disk, path| {
        let objects = FolderObjects::open(disk, path).unwrap();
        objects.put("a/chunk-2", b"second").unwrap();
        objects.put("a/chunk-1", b"first").unwrap();
        objects.put("b", b"other").unwrap();
        assert_eq!(objects.list("").unwrap(), ["a/chunk-1", "a/chunk-2", "b"]);
        assert_eq!(objects.list("a/ch").unwrap(), ["a/chunk-1", "a/chunk-2"]);
        assert_eq!(objects.get_range("a/chunk-1", 1..3).unwrap(), b"ir");
        objects.put("a/chunk-1", b"FIRST").unwrap();
        assert_eq!(
            objects.get_range("a/chunk-1", 1..3).unwrap(),
            b"IR",
            "a kept file must not be stale"
        );
        assert_eq!(objects.get("a/chunk-1").unwrap(), b"FIRST");
        objects.delete("a/chunk-1").unwrap();
        objects.delete("a/chunk-1").unwrap();
        assert!(matches!(
            objects.get("a/chunk-1"),
            Err(ObjectError::NotFound { .. })
        ));
        assert!(matches!(
            objects.get_range("a/chunk-1", 0..1),
            Err(ObjectError::NotFound { .. })
        ));
    });
}

#[test]
fn put_if_absent_lets_one_win() {
    on_both_disks(|disk, path| {
        let objects = FolderObjects::open(disk, path).unwrap();
        let wins = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8_u8)
                .map(|who| {
                    let objects = &objects;
                    scope.spawn(move || match objects.put_if_absent("epoch", &[who]) {
                        Ok(()) => Some(who),
                        Err(ObjectError::AlreadyExists { .. }) => None,
                        Err(error) => panic!("{error}"),
                    })
                })
                .collect();
            tries
                .into_iter()
                .filter_map(|handle| handle.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert_eq!(wins.len(), 1);
        assert_eq!(objects.get("epoch").unwrap(), wins);
        assert_eq!(
            objects.list("").unwrap(),
            ["epoch"],
            "losers leave nothing behind"
        );
    });
}

#[test]
fn names_that_are_no_paths_of_ours_are_refused() {
    on_both_disks(|disk, path| {
        let objects = FolderObjects::open(disk, path).unwrap();
        for name in [
            "",
            "/",
            "a//b",
            "../a",
            "a/..",
            ".hidden",
            "a b",
            "x.tmp",
            "a\\b",
            "ä",
            &"x".repeat(201),
        ] {
            assert!(
                matches!(objects.put(name, b""), Err(ObjectError::Name { .. })),
                "{name:?}"
            );
        }
    });
}

#[test]
fn ranges_behind_the_end_are_refused() {
    on_both_disks(|disk, path| {
        let objects = FolderObjects::open(disk, path).unwrap();
        objects.put("o", b"12345").unwrap();
        assert_eq!(objects.get_range("o", 5..5).unwrap(), b"");
        for range in [4..6, 6..7, Range { start: 3, end: 2 }, 0..u64::MAX] {
            assert!(matches!(
                objects.get_range("o", range),
                Err(ObjectError::Range { bytes: 5, .. })
            ));
        }
    });
}

#[test]
fn a_part_without_objects_is_empty_and_a_folder_that_is_gone_is_not() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("objects");
    let objects = FolderObjects::open(Arc::new(RealDisk), &path).unwrap();
    objects.put("a/b/c-1", b"x").unwrap();
    objects.put("ab/c-1", b"x").unwrap();
    assert_eq!(objects.list("a/b/c").unwrap(), ["a/b/c-1"]);
    assert_eq!(objects.list("a").unwrap(), ["a/b/c-1", "ab/c-1"]);
    assert_eq!(objects.list("no/such/part").unwrap(), [""; 0]);
    std::fs::remove_dir_all(&path).unwrap();
    objects.list("a/").unwrap_err();
}

#[test]
fn open_files_are_bounded() {
    let objects = FolderObjects::open(Arc::new(SimDisk::new(1)), Path::new("/o")).unwrap();
    for index in 0..MAX_OPEN_OBJECTS + 10 {
        let name = format!("o{index}");
        objects.put(&name, b"x").unwrap();
        objects.get_range(&name, 0..1).unwrap();
    }
    assert_eq!(objects.open_files().files.len(), MAX_OPEN_OBJECTS);
}

#[test]
fn a_crash_leaves_the_old_object_or_the_new_one() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        let objects = FolderObjects::open(Arc::new(disk.clone()), Path::new("/o")).unwrap();
        objects.put("durable", &[1; 3000]).unwrap();
        if seed % 2 == 0 {
            disk.fail_sync(1);
        } else {
            disk.fail_write(1);
        }
        objects.put("durable", &[2; 3000]).unwrap_err();
        disk.crash(seed);
        let objects = FolderObjects::open(Arc::new(disk.clone()), Path::new("/o")).unwrap();
        assert_eq!(objects.get("durable").unwrap(), [1; 3000], "seed {seed}");
        let path = objects.file_path("durable").unwrap();
        write_temporary(&disk, &path.with_file_name("x.tmp"), &[3; 3000]).unwrap();
        disk.rename(&path.with_file_name("x.tmp"), &path).unwrap();
        disk.crash(seed + 1);
        let objects = FolderObjects::open(Arc::new(disk), Path::new("/o")).unwrap();
        let bytes = objects.get("durable").unwrap();
        assert!(bytes == [1; 3000] || bytes == [3; 3000], "seed {seed}");
        seen.insert(bytes[0]);
        assert_eq!(objects.list("").unwrap(), ["durable"]);
    }
    assert_eq!(
        seen.len(),
        2,
        "both outcomes of an unsynced rename must occur"
    );
}

#[test]
fn a_full_disk_is_told_and_harms_nothing() {
    let disk = SimDisk::new(1);
    let objects = FolderObjects::open(Arc::new(disk.clone()), Path::new("/o")).unwrap();
    objects.put("a", b"old").unwrap();
    disk.set_capacity(10);
    assert!(objects.put("a", &[0; 100]).unwrap_err().is_full());
    assert_eq!(objects.get("a").unwrap(), b"old");
    assert_eq!(disk.used(), 3, "the unfinished file is gone");
}

#[test]
fn the_laws_of_the_port_hold() {
    on_both_disks(|disk, path| {
        let objects = FolderObjects::open(disk, path).unwrap();
        willet_engine::ports::laws::objects(&objects).unwrap();
    });
    willet_engine::ports::laws::objects(&crate::MemoryObjects::default()).unwrap();
}

#[test]
fn of_many_who_replace_one_wins() {
    let check = |objects: &dyn Objects| {
        objects.put("owner", b"nobody").unwrap();
        let attempt = |i: u8| objects.replace("owner", b"nobody", &[i]).is_ok();
        let wins = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|i| scope.spawn(move || attempt(i))).collect();
            let ended = threads.into_iter().map(|thread| thread.join().unwrap());
            ended.filter(|won| *won).count()
        });
        assert_eq!(wins, 1);
    };
    on_both_disks(|disk, path| check(&FolderObjects::open(disk, path).unwrap()));
    check(&crate::MemoryObjects::default());
}
