//! Whole records through the decoder.

mod json;
mod nonsense;

use super::*;
use crate::event::EventBatch;
use crate::records::{RecordKind, Records};

fn records(payloads: &[&[u8]]) -> Records {
    let mut records = Records::new();
    for (offset, payload) in payloads.iter().enumerate() {
        records.push(offset as u64, RecordKind::Event, 0, payload);
    }
    records
}

fn decode(config: &InputConfig, payloads: &[&[u8]]) -> (EventBatch, Vec<Rejection>) {
    let records = records(payloads);
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    Decoder::new(config, 7).unwrap().decode(
        &records,
        0..records.len(),
        &mut events,
        &mut rejections,
    );
    assert_eq!(events.len() + rejections.len(), payloads.len());
    (events, rejections)
}

/// One event as text: key, names with values, time, label.
fn show(events: &EventBatch, index: usize) -> String {
    let layout = events.layout(index);
    let values = events.values(index).iter().zip(layout.names());
    let values: Vec<String> = values
        .map(|(value, name)| format!("{name}={value}"))
        .collect();
    let row = events.rows()[index];
    let mut text = format!("{}: {}", events.key(index), values.join(" "));
    if layout.is_positional() {
        text.push_str(" (by place)");
    }
    if let Some(time) = row.time {
        let mut out = Vec::new();
        timestamp::write_rfc3339(&mut out, time);
        text.push_str(" at ");
        text.push_str(std::str::from_utf8(&out).unwrap());
    }
    if let Some(label) = row.label {
        text.push_str(if label { " anomaly" } else { " normal" });
    }
    text
}

fn accepts(config: &InputConfig, payload: &str, expected: &str) {
    let (events, rejections) = decode(config, &[payload.as_bytes()]);
    assert_eq!(rejections, [], "{payload}");
    assert_eq!(show(&events, 0), expected, "{payload}");
}

fn rejects(config: &InputConfig, payload: &[u8], expected: &str) {
    let (_, rejections) = decode(config, &[payload]);
    let shown = String::from_utf8_lossy(payload);
    let got = rejections
        .first()
        .map(|rejection| rejection.reason.to_string());
    assert_eq!(got.as_deref(), Some(expected), "{shown}");
}

#[test]
fn a_rejection_says_where() {
    let (_, rejections) = decode(
        &InputConfig::json(),
        &[
            b"{\"value\": 1}",
            b"{\"value\": 1,\n \"b\": x}",
            b"{\"value\": \"\xff\"}",
        ],
    );
    let places: Vec<_> = rejections
        .iter()
        .map(|rejection| (rejection.offset, rejection.index, rejection.byte))
        .collect();
    assert_eq!(places, [(1, 1, Some(19)), (2, 2, Some(11))]);

    let csv = InputConfig::csv([
        Column::new("a", Role::Ignore),
        Column::new("b", Role::Value),
    ]);
    let (_, rejections) = decode(&csv, &[b"text,x"]);
    assert_eq!(rejections[0].byte, Some(5));
}

fn csv() -> InputConfig {
    let mut config = InputConfig::csv([
        Column::new("time", Role::Timestamp),
        Column::new("source", Role::Key),
        Column::new("a", Role::Value),
        Column::new("b", Role::Value),
        Column::new("label", Role::Label),
    ]);
    config.columns[3].max = Some(100.0);
    config
}

#[test]
fn csv_rows() {
    for (row, expected) in [
        (
            "2014-02-14 14:30:00,s,1.5,2,0",
            "s: a=1.5 b=2 at 2014-02-14T14:30:00Z normal",
        ),
        (
            "2014-02-14,s,1.5,2,1\r\n",
            "s: a=1.5 b=2 at 2014-02-14T00:00:00Z anomaly",
        ),
        (",,+1e3, 2 ,", ": a=1000 b=2"),
        ("NA,s,NA,N/A,nan", "s: a=NaN b=NaN"),
        (",s,-,null,True", "s: a=NaN b=NaN anomaly"),
        (",s,-inf,#N/A,", "s: a=NaN b=NaN"),
        (
            "\"2014-02-14\",\"a \"\"b\"\", c\nd\",\"1\",2,\"0\"",
            "a \"b\", c\nd: a=1 b=2 at 2014-02-14T00:00:00Z normal",
        ),
        (",5\" pipe,1,2,0", "5\" pipe: a=1 b=2 normal"),
        (",\"\",\"\",2,0", ": a=NaN b=2 normal"),
    ] {
        accepts(&csv(), row, expected);
    }
    for (row, expected) in [
        (",s,abc,2,0", "value of `a` is \"abc\", expected a number"),
        (
            ",s,\"a,b\",2,0",
            "value of `a` is \"a,b\", expected a number",
        ),
        (",s,1,2", "row has 4 fields, the header has 5"),
        (",s,1,2,0,", "row has 6 fields, the header has 5"),
        ("\"\",s,1,2", "row has 4 fields, the header has 5"),
        ("\"\",s,1,2,0,6", "row has 6 fields, the header has 5"),
        ("", "timestamp"),
        ("x", "timestamp"),
        (
            ",s,1e999,2,0",
            "value of `a` is inf, expected a size of at most 1e100",
        ),
        (
            ",s,1,-1e101,0",
            "value of `b` is -1e101, expected a size of at most 1e100",
        ),
        (",s,1,101,0", "value of `b` is 101, expected -inf to 100"),
        (
            ",s,1,2,maybe",
            "label is \"maybe\", expected 0, 1, true or false",
        ),
        (
            "soon,s,1,2,0",
            "timestamp \"soon\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
        ),
        (
            ",\"a\nb\"\n,1,2,0\n,s,1,2,0",
            "row is not one CSV record (check its quotes)",
        ),
    ] {
        if expected == "timestamp" {
            assert_eq!(decode(&csv(), &[row.as_bytes()]).1.len(), 1);
        } else {
            rejects(&csv(), row.as_bytes(), expected);
        }
    }
    rejects(&csv(), b",\xff,1,2,0", "record is not valid UTF-8");
}

#[test]
fn csv_in_long_form_has_a_series_for_each_metric() {
    let mut config = InputConfig::csv([
        Column::new("host", Role::Value),
        Column::new("name", Role::Metric),
        Column::new("v", Role::Value),
    ]);
    config.columns[0].role = Role::Ignore;
    config.key_by = Some("host".into());
    let (events, rejections) = decode(&config, &[b"h1,cpu,1", b"h1,mem,2", b"h1,cpu,3", b"h2,,4"]);
    assert_eq!(rejections, []);
    let shown: Vec<_> = events.indices().map(|index| show(&events, index)).collect();
    assert_eq!(
        shown,
        ["h1/cpu: cpu=1", "h1/mem: mem=2", "h1/cpu: cpu=3", "h2: v=4"]
    );
}

#[test]
fn both_formats_give_the_same_bits() {
    let csv = InputConfig::csv([Column::new("value", Role::Value)]);
    for text in [
        "0.1",
        "71.2",
        "1e-320",
        "123456789.123456789",
        "9007199254740993",
        "2.2250738585072011e-308",
        "-0",
        "1e22",
        "0.30000000000000004",
    ] {
        let (one, _) = decode(&csv, &[text.as_bytes()]);
        let (other, _) = decode(
            &InputConfig::json(),
            &[format!("{{\"value\": {text}}}").as_bytes()],
        );
        assert_eq!(
            one.values(0)[0].to_bits(),
            other.values(0)[0].to_bits(),
            "{text}"
        );
    }
}

#[test]
fn only_events_are_decoded_and_ids_are_hashed() {
    let mut records = Records::new();
    records.push(4, RecordKind::Event, 0, br#"{"value": 1, "id": "7"}"#);
    records.push(5, RecordKind::Journal, 0, b"not json");
    records.push(9, RecordKind::Event, 0, br#"{"value": 1, "id": 7}"#);
    records.push(
        10,
        RecordKind::Event,
        0,
        br#"{"value": 1, "id": 8, "source": "8"}"#,
    );
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    let mut decoder = Decoder::new(&InputConfig::json(), 1).unwrap();
    decoder.decode(&records, 0..4, &mut events, &mut rejections);
    assert_eq!((events.len(), rejections.len()), (3, 0));
    let rows = events.rows();
    assert_eq!([rows[0].offset, rows[1].offset], [4, 9]);
    assert_eq!(rows[0].id_hash, rows[1].id_hash);
    assert_ne!(rows[0].id_hash, rows[2].id_hash);
    assert_ne!(rows[2].id_hash, Some(rows[2].key_hash));
}

#[test]
fn equal_shapes_share_a_layout_across_batches_and_other_shapes() {
    let payloads: [&[u8]; 4] = [
        br#"{"values": {"a": 1, "b": 2}}"#,
        br#"{"values": {"a": 1}}"#,
        br#"{"features": [1]}"#,
        br#"{"values": {"a": 3, "b": 4}}"#,
    ];
    let (events, _) = decode(&InputConfig::json(), &payloads);
    assert!(std::sync::Arc::ptr_eq(events.layout(0), events.layout(3)));
    assert_eq!(events.layout(1).names().len(), 1);
}

#[test]
fn how_records_are_cut_into_batches_changes_nothing() {
    let payloads: Vec<Vec<u8>> = (0..50u32)
        .map(|index| match index % 5 {
            0 => format!(r#"{{"source": "s{index}", "a": {index}, "b": 1}}"#).into_bytes(),
            1 => br#"{"features": [1, 2], "payload": {"x": [1]}}"#.to_vec(),
            2 => br#"{"values": {"b": 1, "a": "x"}}"#.to_vec(),
            3 => format!(r#"{{"values": {{"b": {index}}}}}"#).into_bytes(),
            _ => br#"{"metric": "m", "value": 2}"#.to_vec(),
        })
        .collect();
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let (whole, rejected) = decode(&InputConfig::json(), &payloads);
    let whole: Vec<_> = whole.indices().map(|index| show(&whole, index)).collect();
    let mut single = Vec::new();
    let mut rejected_alone = Vec::new();
    for payload in payloads {
        let (events, rejections) = decode(&InputConfig::json(), &[payload]);
        single.extend(events.indices().map(|index| show(&events, index)));
        rejected_alone.extend(rejections.into_iter().map(|rejection| rejection.reason));
    }
    assert_eq!(whole, single);
    assert!(
        rejected
            .iter()
            .map(|rejection| &rejection.reason)
            .eq(&rejected_alone)
    );
}
