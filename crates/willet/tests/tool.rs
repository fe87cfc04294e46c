//! Runs the command and looks at what came out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The binary under test: the one cargo built, or another named by `WILLET_BIN` (a release build is faster).
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("WILLET_BIN").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_willet")),
        PathBuf::from,
    )
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A command that runs in `folder` with no configuration from outside.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    for (name, _) in std::env::vars()
        .filter(|(name, _)| name.starts_with("WILLET_") || name.starts_with("STREAMING_"))
    {
        command.env_remove(name);
    }
    command
}

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments)
        .output()
        .expect("the command starts")
}

/// Runs a command that must succeed; gives its stdout.
pub(crate) fn stdout(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a command that must fail with this exit code and these words on stderr.
#[track_caller]
pub(crate) fn refused(folder: &Path, arguments: &[&str], code: i32, words: &str) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(
        said.contains(words),
        "{arguments:?} said {said:?}, expected {words:?}"
    );
}

pub(crate) fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("the file is written");
    path
}

/// A steady series with one spike, as CSV.
pub(crate) fn spike(rows: usize, at: usize) -> String {
    let mut text = String::from("timestamp,source,value,label\n");
    for row in 0..rows {
        let value = if row == at {
            60.0
        } else {
            20.0 + (row * 37 % 11) as f64 / 10.0
        };
        let (hour, minute) = (row / 60 % 24, row % 60);
        let day = 1 + row / 1_440;
        text.push_str(&format!(
            "2026-01-{day:02}T{hour:02}:{minute:02}:00Z,pump-7,{value},{}\n",
            u8::from(row == at)
        ));
    }
    text
}
