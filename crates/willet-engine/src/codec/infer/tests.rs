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
        &[
            "column `timestamp` is the event time: 2014-02-14T14:30:00Z in the first row (no offset: taken for UTC)",
        ],
    );
    check(
        "\u{feff}t;x;y\r\n0;1;2\r\n1;NA;3\r\n",
        &auto,
        "csv';': t timestamp, x value, y value",
        &["column `t` is the event time: 1970-01-01T00:00:00Z in the first row"],
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
            "column `c0` is the event time: 2024-01-01T00:00:00Z in the first row",
            "column `c1` is text (\"a\"): ignored",
        ],
    );
    check(
        "Time,Source,is_anomaly,temp,note,gap,,temp\n5,a,0,1,\"x, y\",,1,2\n6,b,1,2,z,,3,4\n",
        &auto,
        "csv',': time timestamp, source key, is_anomaly ignore, temp value, note ignore, gap value, c6 value, c7 value",
        &[
            "column 7 has no name: called c6",
            "column 8 has a name used before: called c7",
            "column `Time` is the event time: 1970-01-01T00:00:05Z in the first row",
            "column `note` is text (\"x, y\"): ignored",
            "column `gap` is empty in the first rows: judged from its first number on",
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
    check(
        usual,
        &auto,
        "json: ",
        &["column `timestamp` is the event time: 1970-01-01T00:00:05Z in the first row"],
    );
    check(
        "{\"ts\": \"2024-01-01T00:00:00Z\", \"cpu\": 1, \"mem\": 2}\n{\"ts\": \"2024-01-01T00:00:01Z\", \"cp",
        &auto,
        "json: ts timestamp",
        &["column `ts` is the event time: 2024-01-01T00:00:00Z in the first row"],
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

/// A file of `rows` lines under `head`, made of the row's number.
fn file(head: &str, rows: usize, row: impl Fn(usize) -> String) -> String {
    let lines = (0..rows).map(|number| row(number) + "\n");
    head.to_owned() + &lines.collect::<String>()
}

/// A time a minute after the one before.
fn time(row: usize) -> String {
    format!("2025-01-06T{:02}:{:02}:00Z", row / 60 % 24, row % 60)
}

fn auto(sample: &str) -> Inferred {
    infer(sample.as_bytes(), &InferOptions::default()).unwrap()
}

#[track_caller]
fn roles(inferred: &Inferred) -> String {
    let columns = inferred.config.columns.iter();
    let columns: Vec<String> = columns
        .map(|column| format!("{} {:?}", column.name, column.role).to_lowercase())
        .collect();
    columns.join(", ")
}

/// Events of the whole file under what was found out about it: their values; a row that is refused is `None`.
fn read(sample: &str) -> (Inferred, Vec<Option<Vec<f64>>>) {
    use crate::event::EventBatch;
    use crate::records::{RecordKind, Records};
    let inferred = auto(sample);
    let config = &inferred.config;
    let mut records = Records::new();
    let has_header = config.format == Format::Csv && config.header;
    let above = config.skip_lines + usize::from(has_header) + config.skip_rows;
    let sample = sample.trim_start_matches('\u{feff}');
    for (offset, line) in sample.lines().skip(above).enumerate() {
        records.push(offset as u64, RecordKind::Event, 0, line.as_bytes());
    }
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    let mut decoder = Decoder::new(config, 0).unwrap();
    decoder.decode(&records, 0..records.len(), &mut events, &mut rejections);
    let mut values: Vec<Option<Vec<f64>>> = vec![None; records.len()];
    for (index, row) in events.rows().iter().enumerate() {
        values[row.offset as usize] = Some(events.values(index).to_vec());
    }
    (inferred, values)
}

#[test]
fn commas_before_fractions_are_read() {
    let sample = file("Zeit;Druck;Temperatur;Stufe\n", 50, |row| {
        format!(
            "{};12{:02},{}0;20,4{};{}",
            time(row),
            row,
            row % 9,
            row % 7,
            row % 3
        )
    });
    let (inferred, values) = read(&sample);
    assert_eq!(inferred.config.decimal, ',');
    assert_eq!(
        roles(&inferred),
        "zeit timestamp, druck value, temperatur value, stufe value"
    );
    assert_eq!(values[0], Some(vec![1200.0, 20.40, 0.0]));
    assert_eq!(values[8], Some(vec![1208.80, 20.41, 2.0]));
    assert!(
        inferred
            .notes
            .contains(&"numbers have a comma before the fraction".to_owned())
    );
    // In a file of commas they stand in quotes.
    let (_, values) = read(&file("t,x\n", 20, |row| {
        format!("{},\"{row},5\"", time(row))
    }));
    assert_eq!(values[3], Some(vec![3.5]));
    // Without a header the semicolon must be found all the same.
    let (inferred, values) = read(&file("", 20, |row| format!("{};{row},25", time(row))));
    assert_eq!(inferred.config.delimiter, ';');
    assert_eq!(values[3], Some(vec![3.25]));
}

#[test]
fn thousands_are_read_or_asked_about() {
    let (_, values) = read(&file("t;x\n", 30, |row| {
        format!("{};{}.{:03},5", time(row), 1 + row, row)
    }));
    assert_eq!(values[9], Some(vec![10_009.5]));
    let (_, values) = read(&file("t,x\n", 30, |row| {
        format!("{},\"{},{:03}.25\"", time(row), 1 + row, row)
    }));
    assert_eq!(values[9], Some(vec![10_009.25]));
    let unclear = file("t;x\n", 30, |row| {
        format!(
            "{};{}",
            time(row),
            if row % 2 == 0 { "985" } else { "1.012" }
        )
    });
    let error = infer(unclear.as_bytes(), &InferOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `x` holds \"1.012\" beside \"985\", which may be thousands or a fraction (--decimal . or --decimal , says which; in a configuration `decimal`)"
    );
    let said = InferOptions {
        decimal: Some(','),
        ..InferOptions::default()
    };
    let config = infer(unclear.as_bytes(), &said).unwrap().config;
    assert_eq!((config.decimal, config.thousands), (',', Some('.')));
}

#[test]
fn what_is_no_row_is_skipped_and_told() {
    let rows = |row: usize| format!("{};{row}.5;{}", time(row), row % 5);
    let expected = Some(vec![7.5, 2.0]);
    for (head, skip_lines, skip_rows, told) in [
        (
            "sep=;\ntime;a;b\n",
            1,
            0,
            "the first line is not part of the table (\"sep=;\"): skipped",
        ),
        (
            "Station: Nord\nExported 2025-02-01\n\ntime;a;b\n",
            3,
            0,
            "the first 3 lines are not part of the table (\"Station: Nord\"): skipped",
        ),
        (
            "# made by a logger\ntime;a;b\n",
            1,
            0,
            "the first line is not part of the table (\"# made by a logger\"): skipped",
        ),
        (
            "time;a;b\n;hPa;degC\n",
            0,
            1,
            "the line under the header is no row (\"hPa, degC\"): skipped",
        ),
        (
            "TOA5;CR1000\ntime;a;b\nTS;V;C\n;Avg;Smp\n",
            1,
            2,
            "2 lines under the header are no rows (\"TS, V, C\"): skipped",
        ),
    ] {
        for line_end in ["\n", "\r\n"] {
            let sample = file(head, 60, rows).replace('\n', line_end);
            let (inferred, values) = read(&sample);
            let config = &inferred.config;
            assert_eq!(
                (config.skip_lines, config.skip_rows),
                (skip_lines, skip_rows),
                "{head}"
            );
            assert_eq!(
                roles(&inferred),
                "time timestamp, a value, b value",
                "{head}"
            );
            assert!(
                inferred.notes.iter().any(|note| note == told),
                "{:?}",
                inferred.notes
            );
            assert_eq!(values[7], expected, "{head}");
            assert_eq!(values.len(), 60);
        }
    }
}

#[test]
fn a_time_cut_up_into_columns_is_no_value() {
    let (inferred, values) = read(&file("year,month,day,hour,load\n", 40, |row| {
        format!("2026,1,{},{},{row}.5", 1 + row / 24, row % 24)
    }));
    assert_eq!(
        roles(&inferred),
        "year ignore, month ignore, day ignore, hour ignore, load value"
    );
    assert_eq!(values[3], Some(vec![3.5]));
    assert!(
        inferred
            .notes
            .iter()
            .any(|note| note.contains("parts of a time"))
    );
    // A day of a sale is a value like others.
    let (inferred, _) = read(&file("day,load\n", 40, |row| format!("{row},{row}.5")));
    assert_eq!(roles(&inferred), "day value, load value");
}

#[test]
fn pairs_of_words_and_numbers_before_the_names_are_no_part_of_the_table() {
    for head in [
        "Logger;Keller\nSerial;12345\ntime;a\n",
        "Serial;12345\ntime;a\n",
        "Site;Nord\nHeight;12\nSlope;3\ntime;a\n",
    ] {
        let (inferred, values) = read(&file(head, 40, |row| format!("{};{row}.5", time(row))));
        assert_eq!(roles(&inferred), "time timestamp, a value", "{head}");
        assert_eq!(values[3], Some(vec![3.5]), "{head}");
        assert_eq!(values.len(), 40, "{head}");
    }
    // Names and their units, and a row of words among the others.
    let (inferred, values) = read(&file("time;a\nUTC;degrees\n", 40, |row| {
        format!("{};{row}.5", time(row))
    }));
    assert_eq!(roles(&inferred), "time timestamp, a value");
    assert_eq!(values.len(), 40);
    let (inferred, values) = read(&file("key;a\n", 40, |row| match row {
        4 => "pump;broken".to_owned(),
        _ => format!("pump;{row}.5"),
    }));
    assert!(roles(&inferred).contains("a value"), "{}", roles(&inferred));
    assert!(values.len() >= 39, "{}", values.len());
}

#[test]
fn a_header_may_have_one_name_more_or_less_than_rows_have_cells() {
    let (inferred, values) = read(&file("time,a,b,extra\n", 40, |row| {
        format!("{},{row}.5,{row}", time(row))
    }));
    assert_eq!(roles(&inferred), "time timestamp, a value, b value");
    assert_eq!(values[3], Some(vec![3.5, 3.0]));
    assert_eq!(
        inferred.notes[0],
        "the header has one name more than rows have cells: `extra` has no cells"
    );
    let (inferred, values) = read(&file("time,a,\n", 40, |row| {
        format!("{},{row}.5", time(row))
    }));
    assert_eq!(roles(&inferred), "time timestamp, a value");
    assert_eq!(values[3], Some(vec![3.5]));
    assert_eq!(
        inferred.notes[0],
        "the header ends with a delimiter, and rows do not"
    );
    // As R writes it.
    let (inferred, values) = read(&file("\"time\",\"a\"\n", 40, |row| {
        format!("\"{row}\",{},{row}.5", time(row))
    }));
    assert_eq!(roles(&inferred), "c0 ignore, time timestamp, a value");
    assert_eq!(values[3], Some(vec![3.5]));
    // A delimiter behind each row.
    let (inferred, values) = read(&file("time,a,b\n", 40, |row| {
        format!("{},{row}.5,{row},", time(row))
    }));
    assert_eq!(
        roles(&inferred),
        "time timestamp, a value, b value, c3 ignore"
    );
    assert_eq!(values[3], Some(vec![3.5, 3.0]));
    // As pandas writes its index, and NumPy a header.
    let (inferred, _) = read(&file(",time,a\n", 40, |row| {
        format!("{row},{},{row}.5", time(row))
    }));
    assert_eq!(roles(&inferred), "c0 ignore, time timestamp, a value");
    let (inferred, _) = read(&file("# a,b\n", 40, |row| format!("{row}.5,{row}")));
    assert_eq!(roles(&inferred), "a value, b value");
}

#[test]
fn one_cell_does_not_take_a_column_away() {
    let cell = |row: usize| match row {
        12 => "#N/A".to_owned(),
        13 => "None".to_owned(),
        14 => "\\N".to_owned(),
        40 => "sensor off".to_owned(),
        row => format!("21.{row}"),
    };
    let (inferred, values) = read(&file("timestamp,temp,hum\n", 300, |row| {
        format!("{},{},{}", time(row), cell(row), row % 5)
    }));
    assert_eq!(
        roles(&inferred),
        "timestamp timestamp, temp value, hum value"
    );
    assert_eq!(
        inferred.notes[1],
        "column `temp` has 1 cell among the first 97 that are no numbers (\"sensor off\"): taken as missing"
    );
    for row in [12, 13, 14, 40] {
        let values = values[row].as_ref().unwrap();
        assert!(
            values[0].is_nan() && values[1] == (row % 5) as f64,
            "{row}: {values:?}"
        );
    }
    // Empty where the sample ends: a value all the same, and it is seen which cells say nothing.
    let inferred = auto(&file("hum,temp,kind\n", 300, |row| {
        let (temp, kind) = if row < 150 {
            ("", "")
        } else {
            ("21.5", "spike")
        };
        format!("4{row},{temp},{kind}")
    }));
    assert_eq!(roles(&inferred), "hum value, temp value, kind ignore");
    let (inferred, values) = read(&file("timestamp,hum,temp\n", 300, |row| {
        let temp = match row {
            0..150 => "",
            200 => "off",
            _ => "21.5",
        };
        format!("{},40,{temp}", time(row))
    }));
    assert_eq!(
        roles(&inferred),
        "timestamp timestamp, hum value, temp value"
    );
    assert!(values[0].as_ref().unwrap()[1].is_nan());
    assert!(values[200].as_ref().unwrap()[1].is_nan());
    assert_eq!(values[151], Some(vec![40.0, 21.5]));
}

#[test]
fn a_column_is_the_time_only_if_its_cells_are_times() {
    let (inferred, values) = read(&file("h,t,p\n", 100, |row| {
        format!("44.{row},{}.{row},1012.1", 21 - row % 3)
    }));
    assert_eq!(roles(&inferred), "h value, t value, p value");
    assert_eq!(values[0], Some(vec![44.0, 21.0, 1012.1]));
    assert!(
        inferred.notes[0].starts_with("column `t` is not used as the event time: its numbers (19.11, 19.14, 19.17, ...) are no times that follow each other"),
        "{:?}",
        inferred.notes
    );
    let inferred = auto(&file("date,v\n", 28, |row| {
        format!("202201{:02},{row}", row + 1)
    }));
    assert_eq!(inferred.config.timestamp_unit, TimestampUnit::Ymd);
    assert_eq!(
        inferred.notes,
        ["column `date` is the event time: 2022-01-01T00:00:00Z in the first row"]
    );
    // Whatever it is called.
    let inferred = auto(&file("day,v\n", 28, |row| {
        format!("202201{:02},{row}", row + 1)
    }));
    assert_eq!(roles(&inferred), "day timestamp, v value");
    for name in ["ts", "@timestamp", "time", "datetime", "t"] {
        let sample = file("", 20, |row| {
            format!("{{\"{name}\": {}, \"v\": {row}}}", 1_767_323_045 + 60 * row)
        });
        assert_eq!(roles(&auto(&sample)), format!("{name} timestamp"));
    }
    let sample = file("", 20, |row| {
        format!("{{\"t\": {}.5, \"v\": {row}}}", 21 - row % 3)
    });
    assert_eq!(roles(&auto(&sample)), "");
}

#[test]
fn an_id_that_repeats_is_the_key() {
    let sample = file("id,timestamp,value\n", 90, |row| {
        format!("{},{},{row}.5", ["a1", "b2", "c3"][row % 3], time(row / 3))
    });
    let inferred = auto(&sample);
    assert_eq!(roles(&inferred), "id key, timestamp timestamp, value value");
    assert!(inferred.notes.contains(&"column `id` repeats (a1, b2, c3), so it is not the id of an event: taken as the key, each is learned on its own (--id id says otherwise)".to_owned()));
    let sample = file("id,source,value\n", 90, |row| {
        format!("{},s,{row}", row % 3)
    });
    assert_eq!(roles(&auto(&sample)), "id ignore, source key, value value");
    let sample = file("id,value\n", 90, |row| format!("e{row},{row}"));
    assert_eq!(roles(&auto(&sample)), "id id, value value");
    let sample = file("", 90, |row| {
        format!("{{\"id\": \"{}\", \"v\": {row}}}", row % 3)
    });
    assert_eq!(roles(&auto(&sample)), "id key");
}

#[test]
fn newest_rows_first_are_seen() {
    let sample = file("date,size\n", 60, |row| format!("{},{row}", time(59 - row)));
    assert!(auto(&sample).is_newest_first);
    let sample = file("date,size\n", 60, |row| format!("{},{row}", time(row)));
    assert!(!auto(&sample).is_newest_first);
}

#[test]
fn what_python_writes_for_no_number_is_a_missing_value() {
    let sample = file("", 30, |row| {
        let value = ["1.5", "NaN", "Infinity", "-Infinity", "null"][row % 5];
        format!(
            "{{\"timestamp\": \"{}\", \"v\": {value}, \"w\": {row}}}",
            time(row)
        )
    });
    let (_, values) = read(&sample);
    assert_eq!(values[0], Some(vec![1.5, 0.0]));
    // The names that have a number; the series knows which it lacks.
    assert_eq!(values[1], Some(vec![1.0]));
    let (_, values) = read("{\"v\": 1}\n{\"v\": NaN}\n");
    assert!(values[1].as_ref().unwrap()[0].is_nan());
    let (_, values) = read("{\"values\": {\"v\": NaN, \"w\": 2}}\n");
    assert!(values[0].as_ref().unwrap()[0].is_nan());
}

#[test]
fn two_columns_with_decimal_commas_are_read_whatever_the_first_is() {
    for first in ["S1", "03/03/2025 00:00", "03.03.25 00:00"] {
        let sample = file("Sensor;Temp\n", 40, |row| {
            format!("{first};21,{:02}\n", row % 90)
        });
        let inferred = auto(&sample);
        assert_eq!(inferred.config.delimiter, ';', "{first}");
        let (_, values) = read(&sample);
        let first_value = values
            .iter()
            .flatten()
            .next()
            .and_then(|row| row.last().copied());
        assert_eq!(first_value, Some(21.0), "{first}");
    }
}

#[test]
fn days_of_spreadsheets_and_lines_of_old_machines_are_said() {
    let sample = file("time,temp\n", 40, |row| {
        format!("{:.5},{row}\n", 45_719.0 + row as f64 / 1_440.0)
    });
    let inferred = auto(&sample);
    assert!(
        !roles(&inferred).contains("Timestamp"),
        "{}",
        roles(&inferred)
    );
    assert!(
        inferred
            .notes
            .iter()
            .any(|note| note.contains("spreadsheets"))
    );
    let error = infer(b"time,v\r1,2\r2,3\r", &InferOptions::default()).unwrap_err();
    assert_eq!(error, InferError::CarriageReturns);
}

#[test]
fn a_field_that_may_be_a_key_is_named() {
    let sample = file("", 40, |row| {
        format!(
            "{{\"ts\": \"{}\", \"device\": \"d{}\", \"temp\": {row}}}\n",
            time(row),
            row % 2
        )
    });
    let notes = auto(&sample).notes;
    assert!(
        notes.iter().any(|note| note.contains("--key device")),
        "{notes:?}"
    );
}
