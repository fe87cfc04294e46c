//! Real files.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use willet_engine::records::Records;

use super::*;
use crate::{Cursor, Framing, Pull, Sink, Source, SourceError};

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    (folder, path)
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn open(config: &FileConfig) -> FileSource {
    FileSource::open(config, Framing::lines()).unwrap()
}

fn lines(count: usize) -> String {
    let mut text = String::new();
    for line in 0..count {
        writeln!(text, "line {line}").unwrap();
    }
    text
}

/// All records until there are none now; an error is the last entry.
fn drain(source: &mut FileSource) -> Vec<String> {
    let mut lines = Vec::new();
    let mut records = Records::new();
    loop {
        records.clear();
        let pull = source.read(&mut records, 1 << 16);
        lines.extend(
            records
                .iter()
                .map(|(_, line)| String::from_utf8_lossy(line).into_owned()),
        );
        match pull {
            Ok(Pull::Records) => {}
            Ok(Pull::Idle | Pull::End) => return lines,
            Err(error) => {
                lines.push(format!("error: {error}"));
                return lines;
            }
        }
    }
}

#[test]
fn read_once_with_progress_plain_and_gzip() {
    let (_folder, path) = folder();
    let text = lines(50_000).replace('\n', "\r\n");
    let (one, two) = text.as_bytes().split_at(200_001);
    for bytes in [
        text.clone().into_bytes(),
        gzip(text.as_bytes()),
        [gzip(one), gzip(two)].concat(),
    ] {
        fs::write(&path, &bytes).unwrap();
        let mut source = open(&FileConfig::once(&path));
        assert_eq!(source.progress().unwrap().bytes_done, 0);
        let lines = drain(&mut source);
        assert_eq!(lines.len(), 50_000);
        assert_eq!(lines[49_999], "line 49999");
        let progress = source.progress().unwrap();
        assert_eq!(progress.bytes_done, bytes.len() as u64);
        assert_eq!(progress.bytes_total, bytes.len() as u64);
        assert_eq!(source.read(&mut Records::new(), 1).unwrap(), Pull::End);
    }
}

#[test]
fn rows_before_the_damage_of_a_gzip_file_are_kept() {
    let (_folder, path) = folder();
    let text = lines(20_000);
    let whole = gzip(text.as_bytes());
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0xff;
    for (damaged, is_cut) in [(whole[..whole.len() / 2].to_vec(), true), (flipped, false)] {
        fs::write(&path, damaged).unwrap();
        let mut source = open(&FileConfig::once(&path));
        let mut lines = drain(&mut source);
        let error = lines.pop().unwrap();
        assert!(lines.len() > 5_000, "{}", lines.len());
        assert!(text.starts_with(&(lines[..4_000].join("\n") + "\n")));
        let begins = format!("error: `{}` is damaged gzip, ", path.display());
        assert!(error.starts_with(&begins), "{error}");
        if is_cut {
            // A flipped bit may unpack to blank lines, which are counted and not handed out.
            let ends = format!("{} whole lines were read before the damage", lines.len());
            assert!(error.ends_with(&ends), "{error}, not {ends}");
        }
        assert_eq!(drain(&mut source), Vec::<String>::new());
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let (folder, path) = folder();
    let error = |path: &Path, follow| {
        let config = FileConfig {
            path: path.to_owned(),
            follow,
        };
        let error = FileSource::open(&config, Framing::lines()).unwrap_err();
        assert!(error.is_user_error() && !error.is_retryable());
        error
            .to_string()
            .replace(&folder.path().display().to_string(), "")
    };
    for follow in [false, true] {
        assert_eq!(
            error(&path, follow),
            "no file `/app.log`, expected the path of a file to read (- reads stdin)"
        );
        assert_eq!(
            error(folder.path(), follow),
            "`` is a folder, expected a file"
        );
    }
    fs::write(&path, "").unwrap();
    assert_eq!(
        error(&path, false),
        "file `/app.log` is empty, expected records"
    );

    fs::write(&path, b"\xff\xfea\0\n\0").unwrap();
    let said = drain(&mut open(&FileConfig::once(&path)));
    assert!(
        said[0].ends_with("is UTF-16, expected UTF-8 (iconv -f UTF-16 -t UTF-8 makes it so)"),
        "{said:?}"
    );
    fs::write(&path, gzip(b"a\n")).unwrap();
    let said = drain(&mut open(&FileConfig::follow(&path)));
    assert!(
        said[0].ends_with("is gzip, which cannot be followed (read it without follow)"),
        "{said:?}"
    );
}

#[test]
fn a_line_of_a_hundred_megabytes_stops_nothing() {
    let (_folder, path) = folder();
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"before\n").unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        file.write_all(&megabyte).unwrap();
    }
    file.write_all(b"\nafter\n").unwrap();
    let mut source = open(&FileConfig::once(&path));
    assert_eq!(drain(&mut source), ["before", "after"]);
    let rejected = source.take_rejected();
    assert_eq!(rejected.len(), 1);
    assert_eq!((rejected[0].place.line, rejected[0].place.byte), (2, 7));
    assert_eq!(rejected[0].bytes, 100 << 20);
    assert_eq!(
        rejected[0].problem.to_string(),
        "record is longer than 1048576 bytes"
    );
    assert!(rejected[0].head.len() < 2_000);
}

#[test]
fn reading_goes_on_after_a_cursor() {
    let (_folder, path) = folder();
    let text = lines(1_000);
    for bytes in [text.clone().into_bytes(), gzip(text.as_bytes())] {
        fs::write(&path, bytes).unwrap();
        let mut source = open(&FileConfig::once(&path));
        let mut records = Records::new();
        source.read(&mut records, 500).unwrap();
        let read = records.len();
        assert!(read > 10 && read < 900, "{read}");
        let saved = source.cursor().as_bytes().to_vec();

        let cursor = Cursor::from_bytes(saved);
        let mut again = open(&FileConfig::once(&path));
        again.seek(&cursor).unwrap();
        records.clear();
        again.read(&mut records, 1).unwrap();
        assert_eq!(records.payload(0), format!("line {read}").as_bytes());
        assert_eq!(records.head(0).offset, read as u64);
        assert_eq!(
            again.places().of(&records, 0).unwrap().line,
            read as u64 + 1
        );
        assert_eq!(drain(&mut again).len(), 1_000 - read - 1);

        fs::write(&path, "something else\n").unwrap();
        let error = again.seek(&cursor).unwrap_err();
        assert!(matches!(error, SourceError::CursorLost { .. }), "{error}");
    }
}

#[test]
fn the_sample_is_read_again_and_decides_the_framing() {
    let (_folder, path) = folder();
    fs::write(&path, "time,value\n1,2\n3,\"4\n\"\n").unwrap();
    for follow in [false, true] {
        let config = FileConfig {
            path: path.clone(),
            follow,
        };
        let mut source = open(&config);
        assert_eq!(source.sample(15, usize::MAX).unwrap(), b"time,value\n1,2\n");
        source.set_framing(Framing::csv(','));
        assert_eq!(drain(&mut source), ["1,2", "3,\"4\n\""]);
        assert_eq!(source.header(), Some(&b"time,value"[..]));
    }
}

#[test]
fn a_followed_file_waits_for_whole_lines() {
    let (_folder, path) = folder();
    append(&path, "");
    let mut source = open(&FileConfig::follow(&path));
    assert_eq!(drain(&mut source), Vec::<String>::new());
    append(&path, "one\ntw");
    assert_eq!(drain(&mut source), ["one"]);
    append(&path, "o\n");
    assert_eq!(drain(&mut source), ["two"]);
    assert_eq!(source.read(&mut Records::new(), 1).unwrap(), Pull::Idle);
}

#[test]
fn no_line_is_lost_or_repeated_through_rotation() {
    let (folder, path) = folder();
    let rotated = folder.path().join("app.log.1");
    append(&path, "1\n");
    let mut source = open(&FileConfig::follow(&path));
    assert_eq!(drain(&mut source), ["1"]);
    append(&path, "2\n");
    fs::rename(&path, &rotated).unwrap();
    // The writer still has the old file, also once an empty new one is there.
    assert_eq!(drain(&mut source), ["2"]);
    append(&rotated, "3\n");
    append(&path, "");
    assert_eq!(drain(&mut source), ["3"]);
    append(&rotated, "4\n5");
    append(&path, "6\n");
    assert_eq!(drain(&mut source), ["4", "5", "6"]);
    append(&path, "7\n");
    assert_eq!(drain(&mut source), ["7"]);
}

#[test]
fn truncation_starts_over() {
    let (_folder, path) = folder();
    append(&path, "1\n2\n");
    let mut source = open(&FileConfig::follow(&path));
    assert_eq!(drain(&mut source), ["1", "2"]);
    fs::write(&path, "3\n").unwrap();
    assert_eq!(drain(&mut source), ["3"]);
    // Cut and already longer than before: only its beginning shows it.
    fs::write(&path, "4\n5\n6\n").unwrap();
    assert_eq!(drain(&mut source), ["4", "5", "6"]);
    append(&path, "7\n");
    assert_eq!(drain(&mut source), ["7"]);
}

#[test]
fn a_cursor_finds_its_file_after_rotation() {
    let (folder, path) = folder();
    append(&path, "1\n2\n");
    let mut source = open(&FileConfig::follow(&path));
    assert_eq!(drain(&mut source), ["1", "2"]);
    let cursor = source.cursor();
    append(&path, "3\n");
    fs::rename(&path, folder.path().join("app.log.1")).unwrap();
    append(&path, "4\n");

    let mut again = open(&FileConfig::follow(&path));
    again.seek(&cursor).unwrap();
    assert_eq!(drain(&mut again), ["3", "4"]);

    fs::remove_file(folder.path().join("app.log.1")).unwrap();
    let mut again = open(&FileConfig::follow(&path));
    let error = again.seek(&cursor).unwrap_err();
    assert!(
        matches!(error, SourceError::CursorLost { byte: 4, .. }),
        "{error}"
    );
    assert_eq!(drain(&mut again), ["4"]);
}

#[test]
fn each_rotated_csv_file_has_a_header_of_its_own() {
    let (folder, path) = folder();
    append(&path, "h\n1\n");
    let mut source = FileSource::open(&FileConfig::follow(&path), Framing::csv(',')).unwrap();
    assert_eq!(drain(&mut source), ["1"]);
    fs::rename(&path, folder.path().join("app.log.1")).unwrap();
    append(&path, "h\n2\n");
    assert_eq!(drain(&mut source), ["2"]);
}

#[test]
fn a_replaced_file_appears_whole_or_not_at_all() {
    let (folder, path) = folder();
    fs::write(&path, "old").unwrap();
    let config = FileSinkConfig {
        path: path.clone(),
        mode: WriteMode::Replace,
    };
    let mut sink = FileSink::open(&config).unwrap();
    sink.write(b"half").unwrap();
    sink.flush().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    drop(sink);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let mut sink = FileSink::open(&config).unwrap();
    sink.write(b"new").unwrap();
    sink.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");

    let config = FileSinkConfig {
        mode: WriteMode::Append,
        ..config
    };
    let mut sink = FileSink::open(&config).unwrap();
    sink.write(b"er").unwrap();
    sink.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"newer");

    let config = FileSinkConfig {
        path: folder.path().join("no/app.log"),
        ..config
    };
    let error = FileSink::open(&config).unwrap_err();
    assert!(
        error.to_string().ends_with("its folder does not exist"),
        "{error}"
    );
    assert!(error.is_user_error());
}

/// Appends, rotations, truncations, polls and restarts in a thousand orders: every line comes once, in order.
#[test]
fn any_order_of_writing_and_reading_loses_nothing() {
    const ROUNDS: u64 = 40;
    const STEPS: u64 = 60;
    for round in 0..ROUNDS {
        let (folder, path) = folder();
        append(&path, "");
        let mut source = open(&FileConfig::follow(&path));
        let (mut written, mut seen) = (Vec::new(), Vec::new());
        let (mut rotations, mut at_rest) = (0, true);
        // A linear congruential generator (Knuth, MMIX) is random enough to shuffle steps.
        let mut word = round;
        for _ in 0..STEPS {
            word = word
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            match (word >> 33) % 10 {
                0..=3 => {
                    for _ in 0..=(word >> 40) % 5 {
                        let line = format!("round {round} line {}", written.len());
                        append(&path, &line[..5]);
                        if (word >> 50) % 3 == 0 {
                            seen.extend(drain(&mut source));
                        }
                        append(&path, &format!("{}\n", &line[5..]));
                        written.push(line);
                    }
                    at_rest = false;
                }
                // One rotation between two polls is what is promised.
                4 if at_rest && !written.is_empty() => {
                    rotations += 1;
                    fs::rename(&path, folder.path().join(format!("app.log.{rotations}"))).unwrap();
                    append(&path, &format!("first {rotations}\n"));
                    written.push(format!("first {rotations}"));
                    at_rest = false;
                }
                5 if at_rest => fs::write(&path, "").unwrap(),
                6 => {
                    let saved = source.cursor().as_bytes().to_vec();
                    source = open(&FileConfig::follow(&path));
                    source
                        .seek(&Cursor::from_bytes(saved))
                        .or_else(|error| {
                            // Truncated since: the start of what is there is the right place.
                            matches!(error, SourceError::CursorLost { .. })
                                .then_some(())
                                .ok_or(error)
                        })
                        .unwrap();
                }
                _ => {
                    seen.extend(drain(&mut source));
                    at_rest = true;
                }
            }
        }
        seen.extend(drain(&mut source));
        assert_eq!(seen, written, "round {round}");
    }
}
