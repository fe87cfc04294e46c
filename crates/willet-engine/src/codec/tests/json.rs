//! JSON events in every form, and what is refused.

use super::{accepts, rejects};
use crate::codec::InputConfig;

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
        (r#"{"value": NaN}"#, ": value=NaN"),
        (r#"{"a": NaN, "b": -Infinity}"#, ": a=NaN b=NaN"),
        (r#"{"a": NaN, "b": 2, "t": "NaN"}"#, ": b=2"),
        (
            r#"{"value": 1, "ts": 1392388200, "date": "2020-01-01"}"#,
            ": value=1 at 2014-02-14T14:30:00Z",
        ),
        (
            r#"{"value": 1, "time": "14 ms", "@timestamp": "2014-02-14T14:30:00Z"}"#,
            ": value=1 at 2014-02-14T14:30:00Z",
        ),
        (r#"{"t": 21.5, "ts": 7}"#, ": t=21.5 ts=7"),
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
            r#"{"value": NaN, "x": Nan}"#,
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
