//! Bytes in pieces of every size, and the records that come out.

use super::*;

/// Records with their lines, and rejections, when the bytes come in pieces of `piece`.
fn cut(framing: &Framing, bytes: &[u8], piece: usize) -> (Vec<String>, Vec<String>) {
    let mut framer = Framer::new(framing.clone());
    let (mut out, mut places, mut rejected) = (Records::new(), Places::default(), Vec::new());
    let mut to = Handout {
        out: &mut out,
        places: &mut places,
        rejected: &mut rejected,
    };
    for piece in bytes.chunks(piece) {
        framer.space()[..piece.len()].copy_from_slice(piece);
        framer.filled(piece.len());
        while framer.cut(&mut to, 10) {}
    }
    framer.finish(&mut to);
    assert_eq!(framer.place().byte, bytes.len() as u64);
    let records = (0..out.len()).map(|index| {
        let place = places.of(&out, index).unwrap();
        let payload = out.payload(index);
        let at = place.byte as usize;
        assert_eq!(
            &bytes[at..at + payload.len()],
            payload,
            "byte of record {index}"
        );
        assert_eq!(out.head(index).offset, index as u64);
        format!("{}:{}", place.line, String::from_utf8_lossy(payload))
    });
    let records = records.collect();
    let rejected = rejected.iter().map(|rejected| {
        let head = String::from_utf8_lossy(&rejected.head[..rejected.head.len().min(5)]);
        format!(
            "{}@{} {} of {}: {}",
            rejected.place.line,
            rejected.place.byte,
            rejected.problem.code(),
            rejected.bytes,
            head
        )
    });
    (records, rejected.collect())
}

fn check(framing: &Framing, bytes: &[u8], records: &[&str], rejected: &[&str]) {
    for piece in [1, 2, 3, 7, 1000] {
        let got = cut(framing, bytes, piece);
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(got.0, records, "pieces of {piece}: {shown}");
        assert_eq!(got.1, rejected, "pieces of {piece}: {shown}");
    }
}

fn bare_csv() -> Framing {
    Framing {
        header: false,
        ..Framing::csv(',')
    }
}

#[test]
fn lines_become_records() {
    let lines = Framing::lines();
    check(&lines, b"", &[], &[]);
    check(&lines, b"\n\n", &[], &[]);
    check(&lines, b"a", &["1:a"], &[]);
    check(&lines, b"a\nb\n", &["1:a", "2:b"], &[]);
    check(&lines, b"a\r\n\r\n  \nb\r\nc", &["1:a", "4:b", "5:c"], &[]);
    check(&lines, b"\xef\xbb\xbfa\nb", &["1:a", "2:b"], &[]);
    check(
        &lines,
        b"{\"a\": \"x\n\"y\"\n",
        &["1:{\"a\": \"x", "2:\"y\""],
        &[],
    );
    check(
        &lines,
        b"a\nb\r\nc\n\n\nd\n",
        &["1:a", "2:b", "3:c", "6:d"],
        &[],
    );
}

#[test]
fn csv_records_may_have_line_ends_in_quotes_and_a_header() {
    check(&Framing::csv(','), b"h,i\n1,2\n", &["2:1,2"], &[]);
    check(
        &Framing::csv(','),
        b"\xef\xbb\xbf\"h\n1\",i\n1,2",
        &["3:1,2"],
        &[],
    );
    check(
        &bare_csv(),
        b"1,\"a\nb\"\n2,c\n",
        &["1:1,\"a\nb\"", "3:2,c"],
        &[],
    );
    check(
        &bare_csv(),
        b"\"a\"\"\n\",1\n2\n",
        &["1:\"a\"\"\n\",1", "3:2"],
        &[],
    );
    // A quote in the middle of a field is a character like any other.
    check(
        &bare_csv(),
        b"5\" pipe,1\n6\" pipe,2\n",
        &["1:5\" pipe,1", "2:6\" pipe,2"],
        &[],
    );
    check(&bare_csv(), b" ,\n\n,\n", &["1: ,", "3:,"], &[]);
}

#[test]
fn lines_before_the_header_and_rows_after_it_are_passed_over() {
    let framing = Framing {
        skip_lines: 3,
        skip_rows: 1,
        ..Framing::csv(',')
    };
    check(
        &framing,
        b"\xef\xbb\xbfStation \"x\n\nmade, today\nh,i\n\nm,s\n1,2\n3,4",
        &["7:1,2", "8:3,4"],
        &[],
    );
    check(&framing, b"a\nb", &[], &[]);
    let bare = Framing {
        skip_lines: 1,
        ..Framing::lines()
    };
    check(&bare, b"#\r\na\nb\n", &["2:a", "3:b"], &[]);
}

#[test]
fn what_is_too_long_is_passed_over() {
    let short = Framing {
        record_bytes: 5,
        ..Framing::lines()
    };
    check(&short, b"12345\n", &["1:12345"], &[]);
    check(
        &short,
        b"a\n123456789\nb\n1234567",
        &["1:a", "3:b"],
        &["2@2 too_long of 9: 12345", "4@14 too_long of 7: 12345"],
    );
}

#[test]
fn a_quote_that_never_closes_costs_one_line() {
    let short = Framing {
        record_bytes: 12,
        ..bare_csv()
    };
    check(
        &short,
        b"1,2\n3,\"4\n5,6\n7,8\n9,10\n",
        &["1:1,2", "3:5,6", "4:7,8", "5:9,10"],
        &["2@4 open_quote of 4: 3,\"4"],
    );
    check(
        &bare_csv(),
        b"3,\"4\n5,6",
        &["2:5,6"],
        &["1@0 open_quote of 4: 3,\"4"],
    );
    check(
        &bare_csv(),
        b"1\n\"",
        &["1:1"],
        &["2@2 open_quote of 1: \""],
    );
}

#[test]
fn places_cost_nothing_while_lines_follow_each_other() {
    let mut framer = Framer::new(Framing::lines());
    let (mut out, mut places, mut rejected) = (Records::new(), Places::default(), Vec::new());
    let text = "some line\n".repeat(5_000) + "\n" + &"other\r\n".repeat(5_000);
    framer.space()[..text.len()].copy_from_slice(text.as_bytes());
    framer.filled(text.len());
    framer.finish(&mut Handout {
        out: &mut out,
        places: &mut places,
        rejected: &mut rejected,
    });
    assert_eq!(out.len(), 10_000);
    assert_eq!(places.runs(), 2);
    let last = places.of(&out, 9_999).unwrap();
    assert_eq!(
        last,
        Place {
            line: 10_001,
            byte: text.len() as u64 - 7
        }
    );
    assert_eq!(places.of(&out, 10_000), None);
}
