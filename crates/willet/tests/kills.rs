//! Real `kill -9`, again and again: afterwards everything is as if nothing had happened.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::tool::{command, folder, run, stdout};

/// Kills of each kind; `WILLET_KILLS` sets another number.
const KILLS: u64 = 4;

/// Waits for a condition, long enough for a slow machine.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "the test waits for another process"
)]
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "it did not happen within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the moments of the kills are moments of a run"
)]
fn a_killed_run_goes_on_where_it_was_and_the_output_is_the_same() {
    let kills = std::env::var("WILLET_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS);
    let seed = std::env::var("WILLET_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let folder = folder();
    let rows = "400000";
    assert!(
        run(
            folder.path(),
            &["generate", "-n", rows, "--keys", "200", "-o", "in.csv"]
        )
        .status
        .success()
    );
    let begun = Instant::now();
    let expected = stdout(
        folder.path(),
        &[
            "detect",
            "in.csv",
            "-q",
            "-a",
            "hst",
            "--set",
            "window_size=64",
        ],
    );
    let whole_run = begun.elapsed();

    let (mut done, mut rounds, mut random) = (0, 0_u32, Lcg(seed));
    while done < kills {
        rounds += 1;
        let data = format!("data-{rounds}");
        let out = format!("out-{rounds}.csv");
        // Kills at random moments of a run, until one run is through between two kills.
        loop {
            let arguments = [
                "detect",
                "in.csv",
                "-q",
                "-a",
                "hst",
                "--set",
                "window_size=64",
                "--data-dir",
                &data,
                "-o",
                &out,
            ];
            let wait = whole_run.mul_f64(0.05 + 0.9 * random.unit());
            if !killed_after(folder.path(), &arguments, wait) {
                break;
            }
            done += 1;
            if done >= kills {
                let last = run(folder.path(), &arguments);
                assert!(
                    last.status.success(),
                    "{}",
                    String::from_utf8_lossy(&last.stderr)
                );
                break;
            }
        }
        let found = std::fs::read_to_string(folder.path().join(&out)).expect("rows");
        assert!(
            found == expected,
            "seed {seed}, round {rounds}: the output differs after kills"
        );

        // A replay that is killed harms nothing either.
        let wait = whole_run.mul_f64(random.unit());
        if killed_after(
            folder.path(),
            &["replay", &data, "-o", "replayed.csv"],
            wait,
        ) {
            done += 1;
        }
        assert!(
            stdout(folder.path(), &["replay", &data]) == expected,
            "seed {seed}, round {rounds}: the replay differs"
        );
        assert!(stdout(folder.path(), &["verify", &data]).contains("all checksums match"));
        std::fs::remove_dir_all(folder.path().join(&data)).expect("removed");
        std::fs::remove_file(folder.path().join(&out)).expect("removed");
    }
    println!(
        "kills: {done} of `detect --data-dir` and `replay`, {rounds} rounds, output the same each time"
    );
}

/// Runs a command and kills it after a while; whether it was killed before it was through.
fn killed_after(folder: &Path, arguments: &[&str], wait: Duration) -> bool {
    let mut child = command(folder, arguments);
    let mut child = child
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    std::thread::sleep(wait);
    let was_running = child.try_wait().expect("it is ours").is_none();
    // SIGKILL: nothing of the process runs after it.
    let _ = child.kill();
    child.wait().expect("ends");
    was_running
}

/// Knuth's linear congruential generator: moments need not be more random than this.
struct Lcg(u64);

impl Lcg {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
