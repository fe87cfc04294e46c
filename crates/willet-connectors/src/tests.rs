//! What every connector of the table must do.

use std::path::Path;

use serde_json::{Value, json};
use willet_engine::codec::InferOptions;
use willet_engine::records::Records;

use super::*;

const NOW: i64 = 1_800_000_000_000_000;

/// Settings of a source that has something to read, of each kind that a stream can read from.
fn settings_of(name: &str, folder: &Path) -> Value {
    match name {
        "file" => {
            let path = folder.join("rows.csv");
            let rows = (0..500).map(|row| format!("{row},{}\n", row * 7 % 31));
            let text: String = std::iter::once("time,value\n".to_owned())
                .chain(rows)
                .collect();
            std::fs::write(&path, text).unwrap();
            json!({"path": path})
        }
        "synthetic" => json!({"backfill_s": 300.0, "keys": 2, "interval_s": 1.0}),
        other => panic!("say here how the conformance tests open `{other}`"),
    }
}

fn sources() -> impl Iterator<Item = (&'static str, SourceKind)> {
    CONNECTORS
        .iter()
        .filter_map(|it| Some((it.name, it.source?)))
}

/// What is left, a payload each, with the cursor behind each read.
fn drain(source: &mut dyn Source) -> Vec<(Vec<Vec<u8>>, Cursor)> {
    let mut read = Vec::new();
    loop {
        let mut records = Records::new();
        let pulled = source.read(&mut records, 400).unwrap();
        if pulled != Pull::Records {
            return read;
        }
        let payloads = records.iter().map(|(_, payload)| payload.to_vec());
        read.push((payloads.collect(), source.cursor()));
    }
}

#[test]
fn connectors_have_names_of_their_own() {
    for (index, connector) in CONNECTORS.iter().enumerate() {
        assert!(!connector.summary.is_empty());
        assert!(
            CONNECTORS[..index]
                .iter()
                .all(|other| other.name != connector.name)
        );
    }
}

#[test]
fn a_source_goes_on_behind_every_cursor_with_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in sources() {
        let spec = SourceSpec::new(name, settings_of(name, folder.path())).unwrap();
        let open = || {
            let mut source = spec.open(|| NOW).unwrap();
            if kind.format.is_none() {
                look(&mut *source, None, &InferOptions::default()).unwrap();
            }
            source
        };
        let all = drain(&mut *open());
        assert!(all.len() > 3, "{name}: a test with several reads");
        for (place, (_, cursor)) in all.iter().enumerate() {
            let mut again = open();
            let kept = Cursor::from_bytes(cursor.as_bytes());
            assert_eq!(again.seek(&kept).map_err(|error| error.to_string()), Ok(()));
            let rest: Vec<Vec<u8>> = drain(&mut *again)
                .into_iter()
                .flat_map(|read| read.0)
                .collect();
            let expected = all[place + 1..].iter().flat_map(|read| read.0.clone());
            if kind.replays {
                assert_eq!(rest, expected.collect::<Vec<_>>(), "{name} behind {cursor}");
            }
        }
        assert!(
            kind.replays || drain(&mut *open()) == all,
            "{name}: what is not read again is at least the same from the start"
        );
    }
}

#[test]
fn a_cursor_of_something_else_is_an_error_that_names_the_source() {
    let folder = tempfile::tempdir().unwrap();
    for (name, _) in sources().filter(|(_, kind)| kind.replays) {
        let spec = SourceSpec::new(name, settings_of(name, folder.path())).unwrap();
        let mut source = spec.open(|| NOW).unwrap();
        let shown = source.name().to_owned();
        for bytes in [&b"nonsense"[..], b"[1, 2]", b"\xff\xfe"] {
            let error = source.seek(&Cursor::from_bytes(bytes)).unwrap_err();
            assert!(error.is_user_error() && !error.is_retryable(), "{error}");
            assert!(error.to_string().contains(&shown), "{error}");
        }
    }
}

#[test]
fn settings_that_are_not_understood_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in sources() {
        let schema = (kind.schema)().to_value();
        let known = schema["properties"].as_object().unwrap();
        let good = settings_of(name, folder.path());
        let named = good.as_object().unwrap();
        assert!(
            named.keys().all(|key| known.contains_key(key)),
            "{name}: its schema knows its settings"
        );
        let mut unknown = good.clone();
        unknown["of_no_meaning"] = json!(1);
        let error = SourceSpec::new(name, unknown).unwrap_err().to_string();
        assert!(error.contains("of_no_meaning"), "{name}: {error}");
        for key in named.keys() {
            let mut wrong = good.clone();
            wrong[key] = json!({"of": "another type"});
            let error = SourceSpec::new(name, wrong).unwrap_err();
            assert!(error.is_user_error(), "{name}.{key}: {error}");
        }
    }
    let error = SourceSpec::new("telepathy", json!({})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kind is `telepathy`, expected file or synthetic"
    );
}
