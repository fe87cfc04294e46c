//! Runs over a data folder: damage, locks, full disks.

use std::path::Path;
use std::process::Stdio;

use crate::kills::eventually;
use crate::tool::{binary, command, folder, refused, run, spike, stdout, write};

fn detect(folder: &Path, output: &str) -> std::process::Output {
    run(
        folder,
        &[
            "detect",
            "pump.csv",
            "-q",
            "--data-dir",
            "data",
            "-o",
            output,
        ],
    )
}

#[test]
fn a_durable_run_gives_the_same_rows_and_goes_on_with_a_file_that_grew() {
    let folder = folder();
    let all = spike(3_000, 2_500);
    write(folder.path(), "pump.csv", &all);
    let expected = stdout(folder.path(), &["detect", "pump.csv", "-q"]);
    let cut = all.match_indices('\n').nth(1_200).expect("rows").0 + 1;
    let path = write(folder.path(), "pump.csv", &all[..cut]);
    assert!(detect(folder.path(), "out.csv").status.success());
    std::fs::write(&path, &all).expect("it grows");
    assert!(detect(folder.path(), "out.csv").status.success());
    let found = std::fs::read_to_string(folder.path().join("out.csv")).expect("rows");
    assert!(found == expected);
    assert!(stdout(folder.path(), &["replay", "data"]) == expected);
    // A new output is given all of it, as long as the log reaches back.
    assert!(detect(folder.path(), "other.csv").status.success());
    assert!(std::fs::read_to_string(folder.path().join("other.csv")).expect("rows") == expected);
    assert!(stdout(folder.path(), &["verify", "data"]).contains("all checksums match"));
}

#[test]
fn lanes_change_nothing() {
    let folder = folder();
    assert!(
        run(
            folder.path(),
            &["generate", "-n", "20000", "--keys", "40", "-o", "g.csv"]
        )
        .status
        .success()
    );
    let expected = stdout(folder.path(), &["detect", "g.csv", "-q", "-a", "hst"]);
    for lanes in ["1", "2", "16"] {
        let data = format!("data-{lanes}");
        let arguments = [
            "detect",
            "g.csv",
            "-q",
            "-a",
            "hst",
            "--lanes",
            lanes,
            "--data-dir",
            &data,
            "-o",
            "out.csv",
        ];
        assert!(run(folder.path(), &arguments).status.success());
        assert!(
            std::fs::read_to_string(folder.path().join("out.csv")).expect("rows") == expected,
            "{lanes} lanes"
        );
        std::fs::remove_file(folder.path().join("out.csv")).expect("removed");
    }
}

#[test]
fn other_settings_are_refused() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(300, 200));
    assert!(detect(folder.path(), "out.csv").status.success());
    let arguments = [
        "detect",
        "pump.csv",
        "--data-dir",
        "data",
        "-o",
        "out.csv",
        "-a",
        "hst",
    ];
    refused(
        folder.path(),
        &arguments,
        2,
        "begun with other settings of the detector",
    );
}

#[test]
fn a_folder_in_use_says_by_whom() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(300, 200));
    let mut child = command(
        folder.path(),
        &[
            "detect",
            "pump.csv",
            "--follow",
            "-q",
            "--data-dir",
            "data",
            "-o",
            "out.csv",
        ],
    );
    let mut child = child.stderr(Stdio::null()).spawn().expect("starts");
    eventually(|| {
        folder
            .path()
            .join("out.csv")
            .metadata()
            .is_ok_and(|file| file.len() > 1_000)
    });
    let said = format!("in use by process {}", child.id());
    refused(
        folder.path(),
        &[
            "detect",
            "pump.csv",
            "--data-dir",
            "data",
            "-o",
            "other.csv",
        ],
        2,
        &said,
    );
    refused(folder.path(), &["replay", "data"], 2, &said);
    child.kill().expect("it was running");
    child.wait().expect("ends");
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(300, 200));
    let arguments = ["detect", "pump.csv", "--data-dir", ".", "-o", "out.csv"];
    let output = run(folder.path(), &arguments);
    assert_eq!(
        output.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!folder.path().join("FORMAT").exists());
}

/// Files of the data folder whose name holds `part`.
fn files(folder: &Path, part: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains(part) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn damage_is_found_named_and_lived_with() {
    for part in [".seg", "chunk-", "manifest-", "delivered", ".idx"] {
        let folder = folder();
        write(folder.path(), "pump.csv", spike(3_000, 2_500));
        assert!(detect(folder.path(), "out.csv").status.success());
        let victim = files(folder.path(), part)
            .pop()
            .unwrap_or_else(|| panic!("no {part}"));
        let mut bytes = std::fs::read(&victim).expect("readable");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(&victim, bytes).expect("written");

        if part != "delivered" {
            let verify = run(folder.path(), &["verify", "data"]);
            let text = String::from_utf8_lossy(&verify.stdout);
            assert_eq!(verify.status.code(), Some(1), "{part}: {text}");
            assert!(text.contains("damaged"), "{part}: {text}");
        }
        let again = run(
            folder.path(),
            &["detect", "pump.csv", "--data-dir", "data", "-o", "out.csv"],
        );
        let said = String::from_utf8_lossy(&again.stderr);
        assert!(
            again.status.success() && !said.contains("panicked"),
            "{part}: {said}"
        );
        let rows = std::fs::read_to_string(folder.path().join("out.csv"))
            .expect("rows")
            .lines()
            .count();
        assert!(rows > 2_900, "{part}: {rows} rows, {said}");
    }
}

#[test]
fn a_full_disk_is_waited_for_and_nothing_is_lost() {
    let folder = folder();
    assert!(
        run(
            folder.path(),
            &["generate", "-n", "30000", "-o", "pump.csv"]
        )
        .status
        .success()
    );
    let expected = stdout(folder.path(), &["detect", "pump.csv", "-q"]);
    // A small file system of its own: the limit is the real one.
    let mounted = folder.path().join("small");
    std::fs::create_dir(&mounted).expect("created");
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=70m", "none"])
        .arg(&mounted)
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        println!("SKIPPED a_full_disk_is_waited_for: mounting a small file system needs root");
        return;
    }
    let unmount = Unmount(mounted.clone());
    let filler = mounted.join("filler");
    std::fs::write(&filler, vec![7_u8; 69 << 20]).expect("fits");
    let mut child = std::process::Command::new(binary());
    child
        .args([
            "detect",
            "../pump.csv",
            "--data-dir",
            "data",
            "-o",
            "../out.csv",
        ])
        .current_dir(&mounted);
    let mut child = child
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .expect("starts");
    let said = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let (reader, mut stderr) = (
        std::sync::Arc::clone(&said),
        child.stderr.take().expect("piped"),
    );
    #[expect(
        clippy::disallowed_methods,
        reason = "a test that listens while the process runs"
    )]
    let listener = std::thread::spawn(move || {
        let mut buffer = [0; 1 << 12];
        while let Ok(read @ 1..) = std::io::Read::read(&mut stderr, &mut buffer) {
            reader
                .lock()
                .expect("not poisoned")
                .push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    });
    let heard = |words: &str| said.lock().expect("not poisoned").contains(words);
    eventually(|| heard("waiting for space") || heard("error"));
    assert!(
        heard("waiting for space"),
        "{}",
        said.lock().expect("not poisoned")
    );
    std::fs::remove_file(&filler).expect("space is made");
    let status = child.wait().expect("ends");
    listener.join().expect("ends");
    assert!(
        status.success() && heard("space is back"),
        "{}",
        said.lock().expect("not poisoned")
    );
    assert!(std::fs::read_to_string(folder.path().join("out.csv")).expect("rows") == expected);
    drop(unmount);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

/// The trees of half-space trees were others once: what was in their window is taken up, and scores go on.
#[test]
fn trees_of_state_version_1_go_on() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/folder-hst-1");
    let folder = folder();
    copy(&fixture.join("data"), &folder.path().join("data"));
    let all = std::fs::read(fixture.join("all.csv")).expect("the fixture is whole");
    std::fs::write(folder.path().join("all.csv"), all).expect("written");
    let mut arguments = vec!["detect", "all.csv", "--algorithm", "hst"];
    arguments.extend(["--set", "n_estimators=3", "--set", "depth=4"]);
    arguments.extend(["--data-dir", "data", "--format", "ndjson"]);
    let rows = stdout(folder.path(), &arguments);
    assert_eq!(rows.lines().count(), 40, "{rows}");
    assert!(
        rows.lines().all(|row| row.contains("anomaly_score")),
        "{rows}"
    );
}

/// A folder of the first released format: it must stay readable for ever.
#[test]
fn a_folder_of_format_1_is_read_replayed_and_taken_up() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/folder-v1");
    let folder = folder();
    copy(&fixture.join("data"), &folder.path().join("data"));
    let expected =
        std::fs::read_to_string(fixture.join("expected.csv")).expect("the fixture is whole");
    assert!(stdout(folder.path(), &["verify", "data"]).contains("all checksums match"));
    assert!(stdout(folder.path(), &["replay", "data"]) == expected);

    // And from its checkpoint, without the log's help.
    let owner = willet_log::Owner {
        pid: 1,
        since: 0,
        version: "test".to_owned(),
    };
    let disk = std::sync::Arc::new(willet_log::RealDisk);
    let opened = willet_log::DataFolder::open(disk, &folder.path().join("data"), &owner)
        .expect("a data folder");
    let (log, _) =
        willet_log::Log::open(&opened, willet_log::LogOptions::default()).expect("a log");
    let stream = log.partitions().next().map(|(_, name, _)| name.to_owned());
    let stream = stream.expect("a partition");
    let mut log = willet_log::OwnedLog::new(log, &stream, u64::MAX).expect("it is there");
    let partition = log.partition();
    let end = log.log().end(partition);
    let objects =
        willet_log::FolderObjects::open(opened.disk().clone(), &opened.checkpoints_path())
            .expect("objects");
    let plan = willet_engine::config::Plan::new(willet_engine::config::StreamConfig::default(), 1)
        .expect("valid");
    let out =
        willet_node::output::StreamOutput::new("none", Box::new(std::io::sink()), Box::new(NoRows));
    let options = willet_node::worker::WorkerOptions::default();
    let worker = willet_node::worker::Worker::recover(
        plan,
        options,
        &mut log,
        willet_node::worker::Home {
            partition,
            objects: std::sync::Arc::new(objects),
        },
        Box::new(out),
        willet_node::worker::Care::default(),
        &mut Vec::new(),
    );
    let mut worker = worker.expect("it recovers");
    assert_eq!(worker.take_troubles().len(), 0);
    assert_eq!(worker.shard().occupancy().keys, 3);
    assert_eq!(Some(worker.shard().next_offset()), end);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copied");
        }
    }
}

#[derive(Debug)]
struct NoRows;

impl willet_node::output::RowFormat for NoRows {
    fn begin(&mut self, _out: &mut Vec<u8>) {}
    fn rows(&mut self, _answers: &willet_node::output::Answers<'_>, _out: &mut Vec<u8>) {}
}
