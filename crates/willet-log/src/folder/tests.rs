use super::*;
use crate::disk::{RealDisk, SimDisk};

const PATH: &str = "/willet-data";

fn owner(pid: u32) -> Owner {
    Owner {
        pid,
        since: 1_700_000_000_000_000,
        version: "0.1.0".into(),
    }
}

fn open(disk: &SimDisk) -> Result<DataFolder, FolderError> {
    DataFolder::open(Arc::new(disk.clone()), Path::new(PATH), &owner(7))
}

fn write(disk: &SimDisk, name: &str, bytes: &[u8]) {
    disk.create_folder(Path::new(PATH)).unwrap();
    replace_file(disk, &Path::new(PATH).join(name), bytes).unwrap();
}

#[test]
fn a_new_folder_gets_an_id_and_keeps_it() {
    let disk = SimDisk::new(1);
    let id = open(&disk).unwrap().id();
    disk.crash(1);
    assert_eq!(open(&disk).unwrap().id(), id);
    assert_ne!(open(&SimDisk::new(2)).unwrap().id(), id);
}

#[test]
fn a_second_opening_is_told_who_has_it() {
    let disk = SimDisk::new(1);
    let held = open(&disk).unwrap();
    let message = open(&disk).unwrap_err().to_string();
    assert_eq!(
        message,
        "data folder /willet-data is in use by process 7 (stop it, or use another --data-dir)"
    );
    let clone = held.clone();
    drop(held);
    open(&disk).unwrap_err();
    drop(clone);
    open(&disk).unwrap();
}

#[test]
fn a_folder_of_something_else_is_refused_and_untouched() {
    let disk = SimDisk::new(1);
    write(&disk, "holiday.jpg", b"x");
    let message = open(&disk).unwrap_err().to_string();
    assert!(
        message.contains("not a data folder") && message.contains("holiday.jpg"),
        "{message}"
    );
    assert_eq!(disk.list(Path::new(PATH)).unwrap().len(), 1);
}

#[test]
fn a_newer_format_is_refused() {
    let disk = SimDisk::new(1);
    write(
        &disk,
        FORMAT,
        br#"{"format": 2, "folder_id": "00000000000000ff"}"#,
    );
    let message = open(&disk).unwrap_err().to_string();
    assert_eq!(
        message,
        "data folder /willet-data has format 2, expected at most 1 (install a newer version)"
    );
}

#[test]
fn a_damaged_format_file_is_told() {
    for text in [
        "",
        "{}",
        r#"{"format": 1, "folder_id": "xyz"}"#,
        r#"{"format": 0, "folder_id": "ff"}"#,
    ] {
        let disk = SimDisk::new(1);
        write(&disk, FORMAT, text.as_bytes());
        assert!(
            matches!(open(&disk), Err(FolderError::Format { .. })),
            "{text}"
        );
    }
}

fn note_step(disk: &dyn Disk, path: &Path, name: &str) -> io::Result<()> {
    disk.open(&path.join(name), OpenMode::Create).map(|_| ())
}

#[test]
fn an_old_format_is_upgraded_step_by_step_and_goes_on_after_a_failure() {
    let steps: &[Step] = &[
        |disk, path| note_step(disk, path, "to-2"),
        |disk, path| note_step(disk, path, "to-3"),
    ];
    let disk = SimDisk::new(1);
    drop(open(&disk).unwrap());
    write(&disk, "to-3", b"in the way");
    let upgrade = || {
        DataFolder::open_with_steps(Arc::new(disk.clone()), Path::new(PATH), &owner(1), steps)
            .map(|_| ())
    };
    assert!(matches!(
        upgrade(),
        Err(FolderError::Io {
            action: "upgrade",
            ..
        })
    ));
    disk.remove(&Path::new(PATH).join("to-3")).unwrap();
    upgrade().expect("the first step must not run again: its file is there");
    assert_eq!(
        read_format(&disk, Path::new(PATH)).unwrap().unwrap().format,
        3
    );
    upgrade().unwrap();
    assert!(matches!(
        open(&disk),
        Err(FolderError::TooNew {
            found: 3,
            known: 1,
            ..
        })
    ));
}

/// Set in the child of [`two_processes_cannot_share_a_folder`].
const CHILD_FOLDER: &str = "WILLET_LOG_TEST_CHILD_FOLDER";

#[test]
fn two_processes_cannot_share_a_folder() {
    if let Some(path) = std::env::var_os(CHILD_FOLDER) {
        let error = DataFolder::open(Arc::new(RealDisk), Path::new(&path), &owner(2)).unwrap_err();
        println!("child: {error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let pid = std::process::id();
    let _held = DataFolder::open(Arc::new(RealDisk), &path, &owner(pid)).unwrap();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "folder::tests::two_processes_cannot_share_a_folder",
            "--nocapture",
        ])
        .env(CHILD_FOLDER, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}");
    assert!(
        said.contains(&format!("is in use by process {pid} (stop it")),
        "{said}"
    );
}
