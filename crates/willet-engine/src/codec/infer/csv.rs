//! CSV: delimiter, header, columns.

use super::{
    Header, InferError, InferOptions, Inferred, Looks, MAX_SAMPLE_RECORDS, Seen, assign, both,
    looks,
};
use crate::codec::config::InputConfig;
use crate::codec::header::unique_names;

/// Delimiters tried, in order of preference.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(super) fn infer(sample: &[u8], options: &InferOptions) -> Result<Inferred, InferError> {
    let delimiter = match options.delimiter {
        Some(delimiter) => u8::try_from(delimiter).unwrap_or(b','),
        None => find_delimiter(sample),
    };
    let mut rows = rows(sample, delimiter);
    if rows.is_empty() {
        return Err(InferError::Empty);
    }
    let header = match options.header {
        Header::Present => true,
        Header::Absent => false,
        Header::Auto => has_header(&rows),
    };
    let mut notes = Vec::new();
    let names = if header {
        header_names(rows.remove(0), &mut notes)
    } else {
        notes.push(format!(
            "the first line is data, not names: columns are called c0 to c{}",
            rows[0].len() - 1
        ));
        (0..rows[0].len())
            .map(|index| format!("c{index}"))
            .collect()
    };
    let seen: Vec<Seen> = names
        .into_iter()
        .enumerate()
        .map(|(index, name)| see(name, rows.iter().filter_map(|row| row.get(index))))
        .collect();
    let mut config = InputConfig::csv(assign(&seen, options, &mut notes)?);
    config.delimiter = char::from(delimiter);
    config.header = header;
    config.timestamp_unit = options.timestamp_unit;
    Ok(Inferred { config, notes })
}

/// The delimiter under which most rows have the same number of fields, and more than one.
fn find_delimiter(sample: &[u8]) -> u8 {
    let mut best = (0, DELIMITERS[0]);
    for delimiter in DELIMITERS {
        let rows = rows(sample, delimiter);
        let width = rows.first().map_or(0, Vec::len);
        let alike = rows.iter().filter(|row| row.len() == width).count();
        // Rows that agree count first, then how much they are cut up.
        let merit = if width > 1 {
            alike * 1_000 / rows.len() * 1_000 + width.min(999)
        } else {
            0
        };
        if merit > best.0 {
            best = (merit, delimiter);
        }
    }
    best.1
}

/// The records of the sample. The last one is left out if it is cut off and there are others.
fn rows(sample: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    use csv_core::ReadRecordResult;
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut bytes, mut ends) = (vec![0; sample.len() + 1], vec![0; sample.len() + 2]);
    let (mut read, mut written, mut ended) = (0, 0, 0);
    let mut whole = true;
    while rows.len() <= MAX_SAMPLE_RECORDS {
        whole = read < sample.len();
        let (result, took, wrote, fields) =
            reader.read_record(&sample[read..], &mut bytes[written..], &mut ends[ended..]);
        (read, written, ended) = (read + took, written + wrote, ended + fields);
        match result {
            ReadRecordResult::InputEmpty if read == sample.len() => {}
            ReadRecordResult::Record => {
                let mut start = 0;
                let row = ends[..ended].iter().map(|&end| {
                    let cell = String::from_utf8_lossy(&bytes[start..end]).into_owned();
                    start = end;
                    cell
                });
                rows.push(row.collect());
                (written, ended) = (0, 0);
            }
            _ => break,
        }
    }
    if !whole && !sample.ends_with(b"\n") && rows.len() > 2 {
        rows.pop();
    }
    rows
}

/// The first row is names if it is text where the rows below are not. Alone, it is names if nothing in it is a number.
fn has_header(rows: &[Vec<String>]) -> bool {
    let (first, rest) = (&rows[0], &rows[1..]);
    let is_word = |cell: &String| looks(cell) == Looks::Text;
    if rest.is_empty() {
        return first.iter().all(is_word);
    }
    let below = |index: usize| {
        rest.iter()
            .filter_map(|row| row.get(index))
            .fold(Looks::Empty, |seen, cell| both(seen, looks(cell)))
    };
    let mut all_text = true;
    for (index, cell) in first.iter().enumerate() {
        let below = below(index);
        if is_word(cell) && matches!(below, Looks::Number | Looks::Time) {
            return true;
        }
        all_text &= is_word(cell) && below != Looks::Number;
    }
    all_text
}

fn header_names(row: Vec<String>, notes: &mut Vec<String>) -> Vec<String> {
    let names = unique_names(row.into_iter()).enumerate();
    names
        .map(|(index, (name, trouble))| {
            if let Some(trouble) = trouble {
                notes.push(format!("column {} {trouble}: called {name}", index + 1));
            }
            name
        })
        .collect()
}

fn see<'a>(name: String, cells: impl Iterator<Item = &'a String>) -> Seen {
    let mut seen = Seen {
        name,
        looks: Looks::Empty,
        example: String::new(),
    };
    for cell in cells {
        let looks = looks(cell);
        if looks != Looks::Empty && seen.looks == Looks::Empty {
            seen.example.clone_from(cell);
        }
        seen.looks = both(seen.looks, looks);
    }
    seen
}
