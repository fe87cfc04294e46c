//! Backups: taken, checked, gone on from.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::kills::eventually;
use crate::tool::{command, folder, refused, run, spike, stdout, write};

fn detect(folder: &Path, data: &str, output: &str) {
    let arguments = ["detect", "pump.csv", "-q", "--data-dir", data, "-o", output];
    let done = run(folder, &arguments);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("the file is there")
}

#[test]
fn a_restored_folder_goes_on_as_the_other_would() {
    let folder = folder();
    let folder = folder.path();
    let all = spike(3_000, 2_500);
    write(folder, "pump.csv", &all);
    let expected = stdout(folder, &["detect", "pump.csv", "-q"]);
    let cut = all.match_indices('\n').nth(1_200).expect("rows").0 + 1;
    let path = write(folder, "pump.csv", &all[..cut]);
    detect(folder, "data", "out.csv");
    stdout(folder, &["backup", "--data-dir", "data", "copy"]);
    assert!(text(folder, "copy/BACKUP.json").contains("sha256"));
    stdout(folder, &["restore", "copy", "--data-dir", "again"]);
    assert!(stdout(folder, &["verify", "again"]).contains("all checksums match"));
    assert!(stdout(folder, &["replay", "again"]) == text(folder, "out.csv"));

    std::fs::write(&path, &all).expect("it grows");
    std::fs::copy(folder.join("out.csv"), folder.join("other.csv")).expect("copied");
    detect(folder, "data", "out.csv");
    detect(folder, "again", "other.csv");
    assert!(text(folder, "out.csv") == expected);
    assert!(text(folder, "other.csv") == expected);
}

#[test]
fn a_folder_in_use_can_be_copied() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "pump.csv", spike(200, 100));
    let mut running = command(
        folder,
        &[
            "detect",
            "pump.csv",
            "-q",
            "--follow",
            "--data-dir",
            "data",
            "-o",
            "out.csv",
        ],
    )
    .stderr(Stdio::null())
    .spawn()
    .expect("it starts");
    let rows = || std::fs::read_to_string(folder.join("out.csv")).unwrap_or_default();
    eventually(|| rows().lines().count() > 200);
    let all = spike(200 * 7, 100);
    for round in 0..5 {
        let from = all
            .match_indices('\n')
            .nth(200 * (round + 1))
            .expect("rows")
            .0
            + 1;
        let until = all
            .match_indices('\n')
            .nth(200 * (round + 2))
            .expect("rows")
            .0
            + 1;
        let mut file = std::fs::File::options()
            .append(true)
            .open(folder.join("pump.csv"))
            .expect("the file");
        file.write_all(&all.as_bytes()[from..until])
            .expect("it grows");
        let copy = format!("copy-{round}");
        stdout(folder, &["backup", "--data-dir", "data", &copy]);
        stdout(
            folder,
            &["restore", &copy, "--data-dir", &format!("data-{round}")],
        );
        let data = format!("data-{round}");
        assert!(stdout(folder, &["verify", &data]).contains("all checksums match"));
    }
    running.kill().expect("it ends");
    running.wait().expect("it ended");
}

#[test]
fn what_is_no_backup_is_refused() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "pump.csv", spike(300, 200));
    detect(folder, "data", "out.csv");
    refused(
        folder,
        &["backup", "--data-dir", "nowhere", "copy"],
        2,
        "is not a data folder",
    );
    refused(
        folder,
        &["backup", "--data-dir", "data", "data"],
        2,
        "is not empty",
    );
    stdout(folder, &["backup", "--data-dir", "data", "copy"]);
    refused(
        folder,
        &["backup", "--data-dir", "data", "copy"],
        2,
        "is not empty",
    );
    refused(
        folder,
        &["restore", "copy", "--data-dir", "data"],
        2,
        "is not empty",
    );
    refused(
        folder,
        &["restore", "data", "--data-dir", "new"],
        2,
        "not a whole backup",
    );

    // One byte of any file.
    let manifest = text(folder, "copy/BACKUP.json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let files = manifest["files"].as_object().expect("files");
    for name in files.keys() {
        let path = folder.join("copy").join(name);
        let sound = std::fs::read(&path).expect("the file");
        let mut damaged = sound.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        std::fs::write(&path, &damaged).expect("written");
        refused(
            folder,
            &["restore", "copy", "--data-dir", "new"],
            1,
            "checksum does not match",
        );
        assert!(
            !folder.join("new").exists(),
            "nothing is written before all is checked"
        );
        std::fs::write(&path, &sound).expect("written");
    }
    std::fs::remove_file(folder.join("copy/FORMAT")).expect("removed");
    refused(
        folder,
        &["restore", "copy", "--data-dir", "new"],
        1,
        "lacks `FORMAT`",
    );

    let evil =
        r#"{"format":1,"willet":"0","made_at":0,"files":{"../evil":{"bytes":0,"sha256":""}}}"#;
    write(folder, "copy/BACKUP.json", evil);
    refused(
        folder,
        &["restore", "copy", "--data-dir", "new"],
        2,
        "lies elsewhere",
    );
    write(
        folder,
        "copy/BACKUP.json",
        r#"{"format":2,"willet":"9","made_at":0,"files":{}}"#,
    );
    refused(
        folder,
        &["restore", "copy", "--data-dir", "new"],
        2,
        "has format 2",
    );
}

#[test]
fn damage_of_the_folder_is_told_and_does_not_stop_the_copy() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "pump.csv", spike(3_000, 200));
    detect(folder, "data", "out.csv");
    let segments = std::fs::read_dir(folder.join("data/log")).expect("a log");
    let segment = segments
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .min()
        .expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("bytes");
    bytes[2_000] ^= 1;
    std::fs::write(&segment, &bytes).expect("written");
    refused(
        folder,
        &["backup", "--data-dir", "data", "copy"],
        1,
        "damaged, as in the data folder",
    );
    let restored = run(folder, &["restore", "copy", "--data-dir", "again"]);
    let said = String::from_utf8_lossy(&restored.stderr);
    assert!(
        restored.status.success() && said.contains("damaged since before"),
        "{said}"
    );
}
