//! Letters as they are written, and counted.

use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Sink for Memory {
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn a_letter_has_the_reason_the_place_and_the_record() {
    let memory = Memory::default();
    let mut letters = DeadLetters::to(Box::new(memory.clone()));
    let letter = DeadLetter {
        reason: "value of `a` is \"x\", expected a number",
        code: "not_a_number",
        input: "in.csv",
        place: Some(Place { line: 3, byte: 20 }),
        offset: Some(1),
        record: b"x,\xff\"",
        record_bytes: 4,
    };
    letters.write(&letter).unwrap();
    let long = vec![b'y'; MAX_RECORD_BYTES + 1];
    letters
        .write(&DeadLetter {
            place: None,
            offset: None,
            record: &long,
            record_bytes: long.len() as u64,
            ..letter
        })
        .unwrap();
    let written = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(
        lines[0],
        r#"{"reason":"value of `a` is \"x\", expected a number","input":"in.csv","line":3,"byte":20,"offset":1,"record":"x,�\""}"#
    );
    let expected = format!(
        r#"{{"reason":"value of `a` is \"x\", expected a number","input":"in.csv","record":"{}","truncated":true}}"#,
        "y".repeat(MAX_RECORD_BYTES)
    );
    assert_eq!(lines[1], expected);
    assert_eq!(letters.summary().total(), 2);
    assert!(letters.summary().by_code().eq([("not_a_number", 2)]));
}

#[test]
fn many_become_one_line() {
    let mut summary = Summary::default();
    assert_eq!(summary.to_string(), "0 records rejected");
    summary.add("field_count", "row has 3 fields, the header has 2", Some(5));
    assert_eq!(
        summary.to_string(),
        "1 record rejected: 1 × \"row has 3 fields, the header has 2\", at line 5"
    );
    for line in 17..10_015 {
        summary.add(
            "not_a_number",
            "value of `a` is \"x\", expected a number",
            Some(line),
        );
    }
    summary.add("label", "label is 7", None);
    for index in 0..100 {
        summary.add(&format!("code {index}"), "?", None);
    }
    assert_eq!(
        summary.to_string(),
        "10,100 records rejected: 9,998 × \"value of `a` is \"x\", expected a number\", first at line 17; \
         1 × \"row has 3 fields, the header has 2\", at line 5; 1 × \"label is 7\"; 100 for other reasons"
    );
}
