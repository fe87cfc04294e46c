//! Samples and what is made of them.

use super::*;
use crate::codec::Decoder;

fn check(sample: &str, options: &InferOptions, expected: &str, notes: &[&str]) {
    let inferred = infer(sample.as_bytes(), options).unwrap();
    let config = &inferred.config;
    Decoder::new(config, 0).unwrap();
    let columns = config.columns.iter();
    let columns: Vec<String> = columns
        .map(|column| format!("{} {:?}", column.name, column.role).to_lowercase())
        .collect();
    let head = match config.format {
        Format::Json => "json".to_owned(),
        Format::Csv if config.header => format!("csv{:?}", config.delimiter),
        Format::Csv => format!("bare csv{:?}", config.delimiter),
    };
    assert_eq!(
        format!("{head}: {}", columns.join(", ")),
        expected,
        "{sample}"
    );
    assert_eq!(inferred.notes, notes, "{sample}");
}

#[test]
fn csv_columns_get_their_roles() {
    let auto = InferOptions::default();
    check(
        "timestamp,value,label\n2014-02-14 14:30:00,1.5,0\n",
        &auto,
        "csv',': timestamp timestamp, value value, label label",
        &[],
    );
    check(
        "\u{feff}t;x;y\r\n0;1;2\r\n1;NA;3\r\n",
        &auto,
        "csv';': t timestamp, x value, y value",
        &[],
    );
    check(
        "f0\tf1\n1\t2\n3\t4\n",
        &auto,
        "csv'\\t': f0 value, f1 value",
        &[],
    );
    check("value\n1\n2\n", &auto, "csv',': value value", &[]);
    check(
        "1,2.5\n3,4.5\n",
        &auto,
        "bare csv',': c0 value, c1 value",
        &["the first line is data, not names: columns are called c0 to c1"],
    );
    check(
        "2024-01-01T00:00:00Z|a|2.5\n2024-01-01T00:01:00Z|b|4.5\n",
        &auto,
        "bare csv'|': c0 timestamp, c1 ignore, c2 value",
        &[
            "the first line is data, not names: columns are called c0 to c2",
            "column `c0` holds times: used as the event time",
            "column `c1` is text (\"a\"): ignored",
        ],
    );
    check(
        "Time,Source,is_anomaly,temp,note,gap,,temp\n5,a,0,1,\"x, y\",,1,2\n6,b,1,2,z,,3,4\n",
        &auto,
        "csv',': time timestamp, source key, is_anomaly ignore, temp value, note ignore, gap ignore, c6 value, c7 value",
        &[
            "column 7 has no name: called c6",
            "column 8 has a name used before: called c7",
            "column `note` is text (\"x, y\"): ignored",
            "column `gap` is empty: ignored",
        ],
    );
    check(
        "date,v\nMonday,1\n",
        &auto,
        "csv',': date ignore, v value",
        &[
            "column `date` is not used as the event time: timestamp \"Monday\" is not a time, expected RFC 3339 such as 2026-01-02T03:04:05Z or an epoch number",
            "column `date` is text (\"Monday\"): ignored",
        ],
    );
}

#[test]
fn the_caller_decides() {
    let options = InferOptions {
        values: vec!["b".into()],
        key: Some("host".into()),
        timestamp: Some("when".into()),
        label: Some("truth".into()),
        ..InferOptions::default()
    };
    let sample = "when,host,a,b,truth,source\n1,h,2,3,0,s\n";
    check(
        sample,
        &options,
        "csv',': when timestamp, host key, a ignore, b value, truth label, source ignore",
        &["column `source` is text (\"s\"): ignored"],
    );
    let error = |options: InferOptions| infer(sample.as_bytes(), &options).unwrap_err().to_string();
    assert_eq!(
        error(InferOptions {
            key: Some("hots".into()),
            ..InferOptions::default()
        }),
        "no column `hots`, the input has when, host, a, b, truth, source (did you mean host?)"
    );
    assert_eq!(
        error(InferOptions {
            label: Some("elephant".into()),
            ..InferOptions::default()
        }),
        "no column `elephant`, the input has when, host, a, b, truth, source"
    );
    assert_eq!(
        error(InferOptions {
            key: Some("a".into()),
            values: vec!["a".into()],
            ..InferOptions::default()
        }),
        "column `a` is asked to be the key and a value, expected one of them"
    );
}

#[test]
fn json_needs_columns_only_for_other_names() {
    let auto = InferOptions::default();
    let usual = "{\"source\": \"a\", \"timestamp\": 5, \"values\": {\"x\": 1}}\n";
    check(usual, &auto, "json: ", &[]);
    check(
        "{\"ts\": \"2024-01-01T00:00:00Z\", \"cpu\": 1, \"mem\": 2}\n{\"ts\": \"2024-01-01T00:00:01Z\", \"cp",
        &auto,
        "json: ts timestamp",
        &["field `ts` is used as the event time"],
    );
    let chosen = InferOptions {
        values: vec!["cpu".into()],
        key: Some("host".into()),
        ..InferOptions::default()
    };
    check(
        "{\"host\": \"h\", \"values\": {\"cpu\": 1, \"mem\": 2}}",
        &chosen,
        "json: host key, cpu value, mem ignore",
        &[],
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    let error = |sample: &str| {
        infer(sample.as_bytes(), &InferOptions::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(" \n"),
        "input has no records, expected CSV rows or JSON objects, one a line"
    );
    assert_eq!(
        error("[{\"value\": 1}]"),
        "input is a JSON array, expected one JSON object a line (jq -c '.[]' makes them)"
    );
    assert_eq!(
        error("{\"value\": }"),
        "line 1 is not a JSON object: expected value at line 1 column 11"
    );
    assert_eq!(
        error("a,b\nx,y\n"),
        "no column holds numbers only (columns: a, b; name some to use as values)"
    );
}
