//! A full disk, a damaged store, two services over one folder.

use std::path::PathBuf;

use crate::kills::eventually;
use crate::service::client::{Service, series};
use crate::tool::{command, folder, refused, write};

#[test]
fn the_bound_of_memory_holds_over_all_streams_together() {
    const BOUND: f64 = 6e6;
    let folder = folder();
    let config = format!(
        "checkpoints: {{max_memory_bytes: {BOUND}}}\nstreams:\n  - name: a\n  - name: b\n  - name: c\n"
    );
    write(folder.path(), "willet.yaml", &config);
    let service = Service::start(folder.path(), &["--config", "willet.yaml"]);
    for stream in ["a", "b", "c"] {
        let path = format!("/api/v1/events?stream={stream}");
        for key in 0..40 {
            let events = series(&format!("k{key}"), 0, 300, &[]);
            service.lines(&path, &events).ok(200);
        }
    }
    let held = || -> f64 {
        let metrics = service.get("/metrics").body;
        let lines = metrics.lines();
        let of = lines.filter(|line| line.starts_with("willet_series_resident_bytes{"));
        of.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    };
    let are_all_judged = || {
        ["a", "b", "c"].iter().all(|stream| {
            let stream = service.get(&format!("/api/v1/streams/{stream}")).ok(200);
            stream["status"]["events"] == 12_000 && stream["status"]["keys"] == 40
        })
    };
    eventually(are_all_judged);
    // The index of all keys stays in memory, and is counted with it.
    eventually(|| held() > BOUND / 4.0 && held() <= BOUND * 1.05);
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_space() {
    let folder = folder();
    let mounted = folder.path().join("small");
    std::fs::create_dir(&mounted).expect("created");
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=220m", "none"])
        .arg(&mounted)
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        println!("SKIPPED a_full_disk_refuses: mounting a small file system needs root");
        return;
    }
    let unmount = Unmount(mounted.clone());
    let service = Service::start(&mounted, &[]);
    service
        .lines("/api/v1/events", &series("a", 0, 100, &[]))
        .ok(200);
    let filler = mounted.join("filler");
    let mut bytes = 220 << 20;
    while bytes > 4_096 {
        // As much as fits, to the last page.
        let written = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&filler)
            .and_then(|mut file| std::io::Write::write_all(&mut file, &vec![7_u8; bytes]));
        if written.is_err() {
            bytes /= 2;
        }
    }
    let mut accepted = 100;
    let mut from = 100;
    eventually(|| {
        let reply = service.lines("/api/v1/events", &long_lines(from, from + 2_000));
        if reply.status == 200 {
            accepted += 2_000;
            from += 2_000;
            return false;
        }
        assert!(
            reply.head.to_lowercase().contains("retry-after"),
            "{reply:?}"
        );
        if reply.json()["code"] == "overloaded" {
            // The log still had room and processing is behind: a slow machine.
            return false;
        }
        reply.problem(503, "storage_full", "full");
        true
    });
    assert_eq!(service.get("/livez").status, 200);
    std::fs::remove_file(&filler).expect("space is made");
    eventually(|| {
        service
            .lines("/api/v1/events", &series("a", from, from + 10, &[]))
            .status
            == 200
    });
    eventually(|| service.get("/health").json()["status"] == "healthy");
    let known = service.get("/api/v1/keys/a?stream=default").ok(200)["sample_count"].as_u64();
    assert!(
        known >= Some(accepted + 10),
        "{known:?}, acknowledged {}",
        accepted + 10
    );
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(&mounted, &[]);
    assert_eq!(
        service.get("/api/v1/keys/a?stream=default").ok(200)["sample_count"].as_u64(),
        known
    );
    drop(service);
    drop(unmount);
}

/// The room that the log has left is full after fewer events when each is long.
fn long_lines(from: usize, to: usize) -> String {
    let note = format!("{{\"note\":\"{}\",", "x".repeat(1_000));
    let lines = series("a", from, to, &[]);
    lines.lines().fold(String::new(), |text, line| {
        text + &line.replacen('{', &note, 1) + "\n"
    })
}

#[test]
fn a_damaged_store_is_named_with_the_way_out() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    service
        .lines("/api/v1/events", &series("a", 0, 300, &[290]))
        .ok(200);
    eventually(|| service.get("/api/anomalies").json()["count"] == 1);
    assert_eq!(service.stop(), Some(0));
    let verify = || {
        let output = command(folder.path(), &["verify", "data"]).output();
        let output = output.expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text)
    };
    let (code, text) = verify();
    assert!(
        code == Some(0) && text.contains("store        1 verdicts, 1 alerts"),
        "{text}"
    );
    let store = folder.path().join("data/store.sqlite");
    std::fs::write(&store, b"this was a database once, and is not one any more").expect("written");
    let (code, text) = verify();
    assert!(
        code == Some(1) && text.contains("damaged      the store"),
        "{text}"
    );
    refused(
        folder.path(),
        &["run", "--port", "0", "--data-dir", "data"],
        2,
        "store.sqlite",
    );
    // Moved away as told, the service runs, and has what it had learned.
    std::fs::remove_file(&store).expect("moved");
    let service = Service::start(folder.path(), &[]);
    assert_eq!(
        service.get("/api/v1/keys/a?stream=default").ok(200)["sample_count"],
        300
    );
}

#[test]
fn a_folder_belongs_to_one_service() {
    let folder = folder();
    let service = Service::start(folder.path(), &[]);
    refused(
        folder.path(),
        &["run", "--port", "0", "--data-dir", "data"],
        2,
        "in use",
    );
    assert_eq!(service.get("/readyz").status, 200);
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}
