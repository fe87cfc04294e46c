//! Wrong input, one by one: an answer that says what to do, no panic, the rows around it kept.

use std::io::{BufWriter, Write as _};

use crate::tool::{folder, refused, run, spike, stdout, write};

/// Good rows with one wrong row in the middle: the good ones come out, the wrong one is in the dead letters with its line.
#[track_caller]
fn one_wrong_row(name: &str, wrong: &[u8], reason: &str) {
    let folder = folder();
    let is_json = name.contains("ndjson");
    let good = |row: usize| {
        if is_json {
            format!("{{\"source\":\"a\",\"values\":{{\"x\":{}}}}}\n", row % 9)
        } else {
            format!("a,{}\n", row % 9)
        }
    };
    let mut input = if is_json {
        Vec::new()
    } else {
        b"source,x\n".to_vec()
    };
    (0..150).for_each(|row| input.extend_from_slice(good(row).as_bytes()));
    input.extend_from_slice(wrong);
    input.push(b'\n');
    (0..150).for_each(|row| input.extend_from_slice(good(row).as_bytes()));
    write(folder.path(), name, input);
    let output = run(folder.path(), &["detect", name, "--format", "ndjson"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !said.contains("panicked"),
        "{name}: {said}"
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).lines().count(),
        300,
        "{name}: {said}"
    );
    let letters = std::fs::read_to_string(folder.path().join(format!("{name}.rejected.ndjson")))
        .expect("dead letters");
    let letter: serde_json::Value = serde_json::from_str(&letters).expect("one line of JSON");
    assert!(
        letter["reason"].as_str().expect("text").contains(reason),
        "{name}: {letter}"
    );
    assert_eq!(letter["line"], if is_json { 151 } else { 152 }, "{letter}");
    assert!(said.contains("1 record rejected"), "{said}");
}

#[test]
fn wrong_rows_are_dead_letters_and_the_rows_around_them_are_kept() {
    one_wrong_row(
        "a.ndjson",
        b"{\"source\":\"a\",\"values\":{\"x\":",
        "not valid JSON",
    );
    one_wrong_row(
        "a.ndjson",
        b"{\"source\":\"a\",\"values\":{\"x\":\"hot\"}}",
        "expected a number",
    );
    one_wrong_row("a.ndjson", b"[1,2,3]", "expected one JSON object");
    one_wrong_row("a.ndjson", b"{\"source\":\"a\",\"values\":{}}", "");
    one_wrong_row("a.ndjson", b"{\"source\":\"a\",\"features\":[]}", "");
    one_wrong_row(
        "a.ndjson",
        b"{\"source\":\"a\",\"values\":{\"x\":1e999}}",
        "",
    );
    one_wrong_row(
        "a.ndjson",
        b"{\"source\":\"a\",\"values\":{\"x\":1e308}}",
        "",
    );
    one_wrong_row(
        "a.ndjson",
        b"{\"source\":\"a\",\"values\":{\"x\":\"\xff\xfe\"}}",
        "UTF-8",
    );
    one_wrong_row(
        "a.ndjson",
        b"{\"source\":\"a\",\"timestamp\":\"yesterday\",\"values\":{\"x\":1}}",
        "timestamp",
    );
    one_wrong_row(
        "a.ndjson",
        b"{\"source\":\"a\",\"timestamp\":20000000000,\"values\":{\"x\":1}}",
        "could be",
    );
    let deep = [b"{\"a\":".repeat(5_000), b"1".to_vec(), b"}".repeat(5_000)].concat();
    one_wrong_row("a.ndjson", &deep, "nests deeper");
    let wide: Vec<String> = (0..10_000)
        .map(|column| format!("\"c{column}\":1"))
        .collect();
    one_wrong_row(
        "a.ndjson",
        format!("{{\"source\":\"a\",\"values\":{{{}}}}}", wide.join(",")).as_bytes(),
        "1024",
    );
    one_wrong_row("a.csv", b"a,hot", "expected a number");
    one_wrong_row("a.csv", b"a,1,2", "row has 3 fields");
    one_wrong_row("a.csv", b"a,1e999", "");
    one_wrong_row("a.csv", b"a,1e308", "");
    one_wrong_row("a.csv", b"\xff\xfe,1", "UTF-8");
}

#[test]
fn a_line_of_100_mb_neither_stops_the_run_nor_fills_the_memory() {
    let folder = folder();
    let path = folder.path().join("long.csv");
    let mut file = BufWriter::new(std::fs::File::create(&path).expect("created"));
    file.write_all(b"source,x\na,1\na,2\n").expect("written");
    (0..100).for_each(|_| file.write_all(&vec![b'7'; 1 << 20]).expect("written"));
    file.write_all(b"\na,3\n").expect("written");
    file.flush().expect("written");
    drop(file);
    let output = run(folder.path(), &["detect", "long.csv"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).lines().count(),
        4,
        "{said}"
    );
    assert!(said.contains("longer than 1048576 bytes"), "{said}");
    let letters =
        std::fs::metadata(folder.path().join("long.csv.rejected.ndjson")).expect("dead letters");
    assert!(letters.len() < 20_000, "{}", letters.len());
}

#[test]
fn times_at_the_edge_are_read_and_times_beyond_it_are_not() {
    let folder = folder();
    write(
        folder.path(),
        "t.ndjson",
        "{\"timestamp\":0,\"x\":1}\n{\"timestamp\":\"2286-11-20T17:46:39Z\",\"x\":1}\n{\"x\":1}\n",
    );
    let out = stdout(folder.path(), &["detect", "t.ndjson"]);
    assert!(
        out.contains("1970-01-01T00:00:00Z") && out.contains("2286-11-20T17:46:39Z"),
        "{out}"
    );
    assert_eq!(
        out.lines().count(),
        3,
        "an event without a time is an event"
    );
}

#[test]
fn a_row_of_another_width_is_answered_and_the_series_goes_on() {
    let folder = folder();
    let mut text: String = (0..200)
        .map(|row| {
            format!(
                "{{\"source\":\"a\",\"features\":[{},{}]}}\n",
                row % 5,
                row % 7
            )
        })
        .collect();
    text.push_str(
        "{\"source\":\"a\",\"features\":[1,2,3]}\n{\"source\":\"a\",\"features\":[1,2]}\n",
    );
    write(folder.path(), "w.ndjson", text);
    let out = stdout(folder.path(), &["detect", "w.ndjson"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[200].contains("event has 3 features, its series began with 2"),
        "{}",
        lines[200]
    );
    assert!(
        lines[201].contains("\"score\":") && lines[201].contains("\"sample_count\":201"),
        "{}",
        lines[201]
    );
}

#[test]
fn quotes_line_ends_and_missing_cells_are_understood() {
    let folder = folder();
    write(
        folder.path(),
        "q.csv",
        "\"source\",\"x, y\"\r\n\"a \"\"b\"\"\",1\r\n\"two\nlines\",2\r\nplain,\r\nplain,NA\r\n",
    );
    let out = stdout(folder.path(), &["detect", "q.csv", "--format", "ndjson"]);
    let lines: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 4, "{out}");
    assert_eq!(
        (&lines[0]["source"], &lines[1]["source"]),
        (&"a \"b\"".into(), &"two\nlines".into())
    );
    assert_eq!(
        (&lines[2]["skipped"], &lines[3]["skipped"]),
        (&"missing".into(), &"missing".into())
    );
}

#[test]
fn files_that_are_none_are_refused_with_a_way_out() {
    let folder = folder();
    write(folder.path(), "empty.csv", "");
    write(
        folder.path(),
        "words.csv",
        "name,place\nanna,here\nbert,there\n",
    );
    write(folder.path(), "good.csv", spike(50, 40));
    let check = |arguments: &[&str], words: &str| refused(folder.path(), arguments, 2, words);
    check(&["detect", "nowhere.csv"], "no file `nowhere.csv`");
    check(&["detect", "."], "is a folder, expected a file");
    check(&["detect", "empty.csv"], "is empty");
    check(&["detect", "words.csv"], "no column holds numbers only");
    check(&["detect", "good.csv", "-c", "valeu"], "value");
    check(
        &["detect", "good.csv", "-a", "ifrest"],
        "did you mean `iforest`?",
    );
    check(
        &[
            "detect",
            "good.csv",
            "-a",
            "zscore",
            "--set",
            "window_size=1",
        ],
        "window_size is 1, expected a whole number from 4",
    );
    check(
        &["detect", "good.csv", "--set", "window_size"],
        "expected NAME=VALUE",
    );
    check(
        &["detect", "good.csv", "--contamination", "5"],
        "expected a rate above 0 and below 0.5",
    );
    check(
        &["detect", "good.csv", "-o", "no/such/folder/out.csv"],
        "cannot write `no/such/folder/out.csv`",
    );
    let names: Vec<String> = (0..10_000).map(|column| format!("c{column}")).collect();
    write(
        folder.path(),
        "wide.csv",
        format!("{}\n{}1\n", names.join(","), "1,".repeat(9_999)),
    );
    check(&["detect", "wide.csv"], "name the columns to use");
    check(&["detect", "-", "--data-dir", "d"], "stdin");
    check(&["replay", "nowhere"], "no data folder `nowhere`");
    check(&["evaluate", "words.csv"], "no column holds numbers only");
    check(&["generate", "--keys", "0"], "keys");
    check(&["detectors", "zscoer"], "did you mean `zscore`?");
}

#[test]
fn broken_gzip_gives_the_rows_before_the_damage_and_says_so() {
    let folder = folder();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(spike(5_000, 4_000).as_bytes())
        .expect("into memory");
    let mut bytes = gzip.finish().expect("into memory");
    bytes.truncate(bytes.len() / 2);
    write(folder.path(), "cut.csv.gz", bytes);
    let output = run(folder.path(), &["detect", "cut.csv.gz"]);
    assert_eq!(output.status.code(), Some(2));
    let rows = String::from_utf8_lossy(&output.stdout).lines().count();
    assert!((1_000..4_900).contains(&rows), "{rows}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("damaged gzip"));
}

#[test]
fn ten_thousand_wrong_rows_make_one_summary() {
    let folder = folder();
    let mut text = spike(100, 90);
    (0..10_000).for_each(|_| text.push_str("2026-01-01T00:00:00Z,pump-7,hot,0\n"));
    text.push_str("2026-01-03T00:00:00Z,pump-7,20,0\n");
    write(folder.path(), "many.csv", text);
    let output = run(folder.path(), &["detect", "many.csv"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 102);
    assert!(
        said.contains("10,000 records rejected: 10,000 ×") && said.contains("first at line 102"),
        "{said}"
    );
    assert!(said.lines().count() <= 3, "{said}");
}
