//! Whole records through the decoder, in tables; and bytes that mean nothing.

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
fn json_forms_of_values() {
    let json = InputConfig::json();
    for (payload, expected) in [
        (
            r#"{"source": "pump-7", "timestamp": "2026-01-02T03:04:05.678Z", "values": {"temperature": 71.2, "vibration": 0.31}}"#,
            "pump-7: temperature=71.2 vibration=0.31 at 2026-01-02T03:04:05.678Z",
        ),
        (
            r#"{"source": "pump-7", "timestamp": 1767323045.678, "features": [71.2, 0.31]}"#,
            "pump-7: f0=71.2 f1=0.31 (by place) at 2026-01-02T03:04:05.678Z",
        ),
        (
            r#"{"source": "pump-7", "metric": "temperature", "value": 71.2, "timestamp": "2026-01-02T03:04:05Z"}"#,
            "pump-7/temperature: temperature=71.2 at 2026-01-02T03:04:05Z",
        ),
        (
            r#"{"site": "dock-3", "event_type": "location", "timestamp": "2026-01-02 03:04:05", "lat": 1.1, "lon": 2.2}"#,
            "dock-3: lat=1.1 lon=2.2 at 2026-01-02T03:04:05Z",
        ),
        (r#"{"value": 3}"#, ": value=3"),
        (r#"{"metric": "cpu", "value": 3}"#, "cpu: cpu=3"),
        (r#"{"metric": "", "value": 3}"#, ": value=3"),
        (r#"{"metric": "cpu", "values": {"a": 1}}"#, ": a=1"),
        (
            r#"{"source": "s", "value": 3, "other": 4}"#,
            "s: value=3 other=4",
        ),
        (
            r#"{"key": "k", "source": "s", "site": "t", "value": 1}"#,
            "k: value=1",
        ),
        (r#"{"site": "t", "source": "s", "value": 1}"#, "s: value=1"),
        (r#"{"key": null, "site": "t", "value": 1}"#, "t: value=1"),
        (r#"{"key": 17, "value": 1}"#, "17: value=1"),
        (
            r#"{"key": "caf\u00e9", "va\u006cues": {"\u0061": 1}}"#,
            "café: a=1",
        ),
        (
            r#"{"values": {"a": null, "b": "NaN", "c": "n/a", "d": ""}}"#,
            ": a=NaN b=NaN c=NaN d=NaN",
        ),
        (
            r#"{"features": [null, 1, "nan"]}"#,
            ": f0=NaN f1=1 f2=NaN (by place)",
        ),
        (r#"{"value": null}"#, ": value=NaN"),
        (
            r#"{"value": 1, "values": null, "features": null}"#,
            ": value=1",
        ),
        (
            r#"{"value": 1, "label": 1, "is_anomaly": false}"#,
            ": value=1 anomaly",
        ),
        (r#"{"value": 1, "label": false}"#, ": value=1 normal"),
        (r#"{"value": 1, "label": "True"}"#, ": value=1 anomaly"),
        (
            r#"{"value": 1, "label": null, "timestamp": null}"#,
            ": value=1",
        ),
        (
            r#"{"value": 1, "text": "3", "flag": true, "tags": [1, {"x": [2]}], "none": null}"#,
            ": value=1",
        ),
        (r#"{"values": {"a": 1}, "sequence": 12}"#, ": a=1"),
        (
            r#"{"values": {"a": -0.0, "b": 1e-7, "c": 18446744073709551616}}"#,
            ": a=-0 b=0.0000001 c=18446744073709552000",
        ),
        (" {\"value\": 1}\r", ": value=1"),
    ] {
        accepts(&json, payload, expected);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn json_that_is_refused() {
    let mut json = InputConfig::json();
    json.limits.depth = 4;
    json.limits.values = 3;
    json.limits.key_bytes = 8;
    json.limits.record_bytes = 400;
    for (payload, expected) in [
        (
            r#"{"values": {"temperature": "abc"}}"#,
            r#"value of `temperature` is "abc", expected a number"#,
        ),
        (
            r#"{"values": {"a": true}}"#,
            "value of `a` is true, expected a number",
        ),
        (
            r#"{"values": {"a": {"b": 1}}}"#,
            "value of `a` is an object, expected a number",
        ),
        (
            r#"{"features": [1, [2]]}"#,
            "value of `f1` is an array, expected a number",
        ),
        (
            r#"{"value": "1"}"#,
            r#"value of `value` is "1", expected a number"#,
        ),
        (
            r#"{"values": [1]}"#,
            "field `values` is an array, expected an object of numbers (an array goes in `features`)",
        ),
        (
            r#"{"features": {"a": 1}}"#,
            "field `features` is an object, expected an array of numbers (an object goes in `values`)",
        ),
        (
            r#"{"features": 3}"#,
            "field `features` is 3, expected an array of numbers (an object goes in `values`)",
        ),
        (
            r#"{"values": {"a": 1}, "features": [1]}"#,
            "event has both `values` and `features`, expected one of them",
        ),
        (
            r#"{"values": {}}"#,
            "event has no values (expected `values`, `features`, `metric` with `value`, or numeric fields)",
        ),
        (
            r#"{"source": "x", "metric": "y"}"#,
            "event has no values (expected `values`, `features`, `metric` with `value`, or numeric fields)",
        ),
        (
            "{}",
            "event has no values (expected `values`, `features`, `metric` with `value`, or numeric fields)",
        ),
        (
            r#"{"features": []}"#,
            "event has no values (expected `values`, `features`, `metric` with `value`, or numeric fields)",
        ),
        (
            r#"{"values": {"a": 1, "a": 2}}"#,
            "field `a` stands twice in the record",
        ),
        (
            r#"{"lat": 1, "lat": 2}"#,
            "field `lat` stands twice in the record",
        ),
        (
            r#"{"value": 1, "source": "a", "source": "a"}"#,
            "field `source` stands twice in the record",
        ),
        (
            r#"{"value": 1, "note": "a", "note": "b"}"#,
            "field `note` stands twice in the record",
        ),
        (
            r#"{"values": {"a": 1, "b": 2, "c": 3, "d": 4}}"#,
            "event has more than 3 values",
        ),
        (
            r#"{"features": [1, 2, 3, 4]}"#,
            "event has more than 3 values",
        ),
        (
            r#"{"a": 1, "b": 2, "c": 3, "d": 4}"#,
            "event has more than 3 values",
        ),
        (
            r#"{"values": {"a": 1e101}}"#,
            "value of `a` is 1e101, expected a size of at most 1e100",
        ),
        (
            r#"{"features": [-1e101]}"#,
            "value of `f0` is -1e101, expected a size of at most 1e100",
        ),
        (
            r#"{"lat": 1, "lon": 2e300}"#,
            "value of `lon` is 2e300, expected a size of at most 1e100",
        ),
        (
            r#"{"metric": "m", "value": 2e300}"#,
            "value of `value` is 2e300, expected a size of at most 1e100",
        ),
        (
            r#"{"value": 1e999}"#,
            "record is not valid JSON: number out of range",
        ),
        (
            r#"{"value": NaN}"#,
            "record is not valid JSON: expected value",
        ),
        (
            r#"{"value": 1, "x": [[[[1]]]]}"#,
            "record nests deeper than 4 levels",
        ),
        (
            r#"{"value": 1, "key": "123456789"}"#,
            "key has 9 bytes, at most 8 are allowed",
        ),
        (
            r#"{"value": 1, "source": "1234", "metric": "5678"}"#,
            "key has 9 bytes, at most 8 are allowed",
        ),
        (
            r#"{"value": 1, "key": true}"#,
            "field `key` is true, expected a text or a number",
        ),
        (
            r#"{"value": 1, "source": ["a"]}"#,
            "field `source` is an array, expected a text or a number",
        ),
        (
            r#"{"value": 1, "label": 2}"#,
            "label is 2, expected 0, 1, true or false",
        ),
        (
            r#"{"value": 1, "label": "yes"}"#,
            r#"label is "yes", expected 0, 1, true or false"#,
        ),
        (
            r#"{"value": 1, "timestamp": true}"#,
            "field `timestamp` is true, expected RFC 3339 text or an epoch number",
        ),
        (
            r#"{"value": 1, "timestamp": 20000000000}"#,
            r#"timestamp "20000000000" could be seconds or milliseconds (set timestamp_unit)"#,
        ),
        (
            r#"{"value": 1} x"#,
            "record is not valid JSON: trailing characters",
        ),
        (
            r#"{"value": 1"#,
            "record is not valid JSON: EOF while parsing an object",
        ),
        ("", "record is not valid JSON: EOF while parsing a value"),
        ("[1, 2]", "record is an array, expected one JSON object"),
        ("\"x\"", "record is \"x\", expected one JSON object"),
        ("3", "record is 3, expected one JSON object"),
        ("null", "record is null, expected one JSON object"),
    ] {
        rejects(&json, payload.as_bytes(), expected);
    }
    rejects(
        &json,
        b"{\"value\": 1, \"a\": \"\xff\"}",
        "record is not valid UTF-8",
    );
    rejects(
        &json,
        &[b' '; 401],
        "record has 401 bytes, at most 400 are allowed",
    );
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

#[test]
fn a_schema_holds_for_json() {
    let config: InputConfig = serde_json::from_str(
        r#"{"columns": [
            {"name": "temperature", "min": -40, "max": 150, "required": true},
            {"name": "starts", "type": "integer", "min": 0},
            {"name": "on", "type": "flag"},
            {"name": "when", "role": "timestamp"},
            {"name": "device", "role": "key"},
            {"name": "firmware", "role": "ignore"}],
          "key_by": "room"}"#,
    )
    .unwrap();
    for (payload, expected) in [
        (
            r#"{"device": "d", "when": 5, "temperature": 20, "starts": 3, "on": 1, "firmware": 7, "user": 9}"#,
            "d: temperature=20 starts=3 on=1 at 1970-01-01T00:00:05Z",
        ),
        (
            r#"{"room": 4, "values": {"temperature": 150, "humidity": 4, "firmware": 7}}"#,
            "4: temperature=150 humidity=4",
        ),
        (
            r#"{"source": "s", "features": [1, 2, 0]}"#,
            ": temperature=1 starts=2 on=0",
        ),
    ] {
        accepts(&config, payload, expected);
    }
    for (payload, expected) in [
        (
            r#"{"temperature": 151}"#,
            "value of `temperature` is 151, expected -40 to 150",
        ),
        (
            r#"{"values": {"temperature": -41}}"#,
            "value of `temperature` is -41, expected -40 to 150",
        ),
        (
            r#"{"values": {"starts": 1}}"#,
            "value of `temperature` is missing, the schema requires it",
        ),
        (
            r#"{"values": {"temperature": null}}"#,
            "value of `temperature` is missing, the schema requires it",
        ),
        (
            r#"{"values": {"temperature": 1, "starts": 1.5}}"#,
            "value of `starts` is 1.5, expected a whole number",
        ),
        (
            r#"{"values": {"temperature": 1, "starts": -1}}"#,
            "value of `starts` is -1, expected 0 to inf",
        ),
        (
            r#"{"temperature": 1, "on": 2}"#,
            "value of `on` is 2, expected 0 or 1",
        ),
        (
            r#"{"features": [1, 2]}"#,
            "`features` has 2 values, the schema has 3",
        ),
        (
            r#"{"features": [200, 2, 0]}"#,
            "value of `temperature` is 200, expected -40 to 150",
        ),
        (
            r#"{"metric": "temperature", "value": 200}"#,
            "value of `temperature` is 200, expected -40 to 150",
        ),
    ] {
        rejects(&config, payload.as_bytes(), expected);
    }
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
            ",s,inf,2,0",
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

/// `SplitMix64` (Steele, Lea, Flood 2014): enough to make nonsense the same way every time.
struct Nonsense(u64);

impl Nonsense {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[test]
fn no_bytes_make_it_panic() {
    const ROUNDS: usize = 12_000;
    const PIECES: &[u8] = b"{}[]\",:\\u0e+-.19nulltrefasNA \n\r;\xff\xc3\xa9";
    let seeds: [&[u8]; 6] = [
        br#"{"source": "pump-7", "timestamp": "2026-01-02T03:04:05.678Z", "values": {"t": 71.2, "v": 0.31}}"#,
        br#"{"key": 1, "timestamp": 1767323045.678, "features": [71.2, null, "NaN"], "label": 1}"#,
        br#"{"source": "p", "metric": "t", "value": 71.2, "id": "x", "a": {"b": [1, 2, {"c": 1}]}}"#,
        b"2014-02-14 14:30:00,s,1.5,2,0",
        b"\"2014-02-14T14:30:00+01:00\",\"a,\"\"b\",1e5,NA,1",
        b"1392388200000,key,-1,+2.5e-3,false\r\n",
    ];
    let mut json = InputConfig::json();
    json.columns = csv().columns;
    let mut decoders =
        [InputConfig::json(), csv(), json].map(|config| Decoder::new(&config, 3).unwrap());
    let mut nonsense = Nonsense(42);
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    let (mut understood, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let mut bytes = if round % 4 == 0 {
            (0..nonsense.below(60))
                .map(|_| PIECES[nonsense.below(PIECES.len())])
                .collect()
        } else {
            seeds[nonsense.below(seeds.len())].to_vec()
        };
        for _ in 0..nonsense.below(4) {
            let at = nonsense.below(bytes.len() + 1);
            match nonsense.below(4) {
                0 if at < bytes.len() => drop(bytes.remove(at)),
                1 => bytes.truncate(at),
                2 if at < bytes.len() => bytes[at] = nonsense.next() as u8,
                _ => bytes.insert(at, PIECES[nonsense.below(PIECES.len())]),
            }
        }
        let batch = records(&[&bytes]);
        for decoder in &mut decoders {
            events.clear();
            rejections.clear();
            decoder.decode(&batch, 0..1, &mut events, &mut rejections);
            assert_eq!(
                events.len() + rejections.len(),
                1,
                "{}",
                String::from_utf8_lossy(&bytes)
            );
            understood += events.len();
            refused += rejections.len();
            for rejection in &rejections {
                assert!(
                    rejection
                        .byte
                        .is_none_or(|byte| byte as usize <= bytes.len())
                );
                assert!(rejection.reason.to_string().len() < 600);
            }
            for index in events.indices() {
                assert!(
                    events
                        .values(index)
                        .iter()
                        .all(|value| value.is_nan() || value.abs() <= 1e100)
                );
            }
        }
        let _ = infer(&bytes, &InferOptions::default());
    }
    // Both ways are walked often, or the test says nothing.
    assert!(
        understood > ROUNDS / 4 && refused > ROUNDS / 4,
        "{understood} {refused}"
    );
}
