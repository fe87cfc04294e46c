//! CSV: what stands before the table, delimiter, header, how numbers are written, columns.

use super::{
    Header, InferError, InferOptions, Inferred, Looks, MAX_SAMPLE_RECORDS, Seen, assign, looks,
    numbers,
};
use crate::codec::config::InputConfig;
use crate::codec::header::unique_names;
use crate::codec::number::{Style, is_missing};

/// Delimiters tried, in order of preference.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Lines looked at to tell what stands before the table, and what stands between fields.
const HEAD_LINES: usize = 120;
/// Rows of units and the like under a header at most.
const MOST_UNIT_ROWS: usize = 3;

/// Where the table begins, under one delimiter.
#[derive(Clone, Copy, Debug)]
struct Table {
    delimiter: u8,
    /// Lines before it.
    skip_lines: usize,
    /// Fields of most of its lines.
    width: usize,
    /// Lines in a thousand that have them.
    alike: usize,
}

pub(super) fn infer(sample: &[u8], options: &InferOptions) -> Result<Inferred, InferError> {
    let mut notes = Vec::new();
    let table = find_table(sample, options);
    let body = after_lines(sample, table.skip_lines);
    if table.skip_lines > 0 && options.skip_lines.is_none() {
        let first = sample.split(|byte| *byte == b'\n').next();
        let first = String::from_utf8_lossy(first.unwrap_or_default().trim_ascii());
        let lines = match table.skip_lines {
            1 => "the first line is".to_owned(),
            lines => format!("the first {lines} lines are"),
        };
        notes.push(format!(
            "{lines} not part of the table (\"{}\"): skipped",
            crate::codec::reject::excerpt(&first)
        ));
    }
    let mut rows = rows(body, table.delimiter);
    if rows.is_empty() {
        return Err(InferError::Empty);
    }
    let (style, has_names) = read_numbers(&rows, options)?;
    let header = match options.header {
        Header::Present => true,
        Header::Absent => false,
        Header::Auto => has_names,
    };
    let names = if header {
        let width = rows.get(1).map_or(rows[0].len(), |_| table.width);
        header_names(rows.remove(0), width, &rows, &mut notes)
    } else {
        notes.push(format!(
            "the first line is data, not names: columns are called c0 to c{}",
            rows[0].len() - 1
        ));
        (0..rows[0].len())
            .map(|index| format!("c{index}"))
            .collect()
    };
    let skip_rows = options.skip_rows.unwrap_or_else(|| {
        if header {
            unit_rows(&rows, style, &mut notes)
        } else {
            0
        }
    });
    let data = rows.get(skip_rows..).unwrap_or_default();
    let mut seen: Vec<Seen> = names
        .into_iter()
        .enumerate()
        .map(|(index, name)| see(name, style, data.iter().filter_map(|row| row.get(index))))
        .collect();
    look_on(&mut seen, body, (table.delimiter, rows.len()), style);
    tell_style(style, options, &mut notes);
    let assigned = assign(&seen, options, &mut notes)?;
    let mut config = InputConfig::csv(assigned.columns);
    config.delimiter = char::from(table.delimiter);
    config.header = header;
    config.skip_lines = table.skip_lines;
    config.skip_rows = skip_rows;
    (config.decimal, config.thousands) = (style.decimal, style.thousands);
    config.timestamp_unit = assigned.timestamp_unit;
    Ok(Inferred {
        config,
        notes,
        is_newest_first: assigned.is_newest_first,
    })
}

/// How numbers are written, and whether the first row is names. The names say nothing of numbers, but for a file without any.
fn read_numbers(rows: &[Vec<String>], options: &InferOptions) -> Result<(Style, bool), InferError> {
    let below = numbers::style(&columns(&rows[1..]), options);
    let guess = below.clone().unwrap_or(Style::PLAIN);
    let has_names = has_header(rows, guess);
    let style = if has_names {
        below
    } else {
        numbers::style(&columns(rows), options)
    };
    let style = style.map_err(|unclear| {
        let name = Some(&rows[0]).filter(|_| has_names);
        let name = name.and_then(|names| names.get(unclear.column)).cloned();
        InferError::AmbiguousNumbers {
            column: name.unwrap_or_else(|| format!("c{}", unclear.column)),
            number: unclear.number,
            other: unclear.other,
        }
    });
    Ok((style?, has_names))
}

/// Looks for the first cells of columns that are empty so far, behind the rows that the others are known by.
fn look_on(seen: &mut [Seen], body: &[u8], (delimiter, known): (u8, usize), style: Style) {
    if seen.iter().all(|seen| seen.looks() != Looks::Empty) {
        return;
    }
    let is_empty: Vec<bool> = seen
        .iter()
        .map(|seen| seen.looks() == Looks::Empty)
        .collect();
    for row in read_rows(body, delimiter, usize::MAX).iter().skip(known) {
        for ((seen, cell), is_empty) in seen.iter_mut().zip(row).zip(&is_empty) {
            if *is_empty && seen.filled() < MAX_SAMPLE_RECORDS {
                seen.push(cell, looks(cell, style));
            }
        }
    }
}

fn tell_style(style: Style, options: &InferOptions, notes: &mut Vec<String>) {
    if options.decimal.is_some() || style == Style::PLAIN {
        return;
    }
    let fraction = if style.decimal == ',' {
        "a comma before the fraction"
    } else {
        "a point before the fraction"
    };
    let thousands = match style.thousands {
        None => String::new(),
        Some(' ') => " and a space between thousands".to_owned(),
        Some(character) => format!(" and `{character}` between thousands"),
    };
    notes.push(format!("numbers have {fraction}{thousands}"));
}

/// The cells of each place.
fn columns(rows: &[Vec<String>]) -> Vec<Vec<&str>> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..width)
        .map(|place| {
            let cells = rows.iter().filter_map(|row| row.get(place));
            cells.map(String::as_str).collect()
        })
        .collect()
}

/// What stands between fields, and where the table begins: where lines begin to have the fields that most lines have.
fn find_table(sample: &[u8], options: &InferOptions) -> Table {
    let lines: Vec<&[u8]> = sample
        .split(|byte| *byte == b'\n')
        .take(HEAD_LINES)
        .map(<[u8]>::trim_ascii_end)
        .collect();
    let said = lines.first().and_then(|line| separator_line(line));
    let delimiter = options
        .delimiter
        .and_then(|delimiter| u8::try_from(delimiter).ok());
    let known = delimiter.or(said);
    let tried: &[u8] = match &known {
        Some(known) => std::slice::from_ref(known),
        None => &DELIMITERS,
    };
    let mut best: Option<((usize, usize, usize, usize), Table)> = None;
    for delimiter in tried {
        let table = table(&lines, *delimiter, said.is_some(), options);
        let body = after_lines(sample, table.skip_lines);
        // Lines that agree count first, then how many columns are no text, then how few lines and columns are left whole that another
        // delimiter would cut, then how much they are cut up.
        let merit = if table.width > 1 {
            let (known, uncut) = known_columns(body, *delimiter);
            let whole = usize::MAX - uncut - table.skip_lines;
            (table.alike, known, whole, table.width)
        } else {
            (0, 0, 0, 0)
        };
        if best.as_ref().is_none_or(|(most, _)| merit > *most) {
            best = Some((merit, table));
        }
    }
    best.map_or_else(|| table(&lines, b',', false, options), |(_, table)| table)
}

/// `sep=;`, which spreadsheets write and read as a first line.
fn separator_line(line: &[u8]) -> Option<u8> {
    let (word, rest) = line.split_at_checked(4)?;
    let [delimiter] = rest else {
        // A tab goes with the blanks at the end.
        return (rest.is_empty() && word.eq_ignore_ascii_case(b"sep=")).then_some(b'\t');
    };
    (word.eq_ignore_ascii_case(b"sep=") && delimiter.is_ascii()).then_some(*delimiter)
}

/// Columns of the first rows that hold numbers or times, and those of text that each hold another delimiter.
fn known_columns(body: &[u8], delimiter: u8) -> (usize, usize) {
    const ROWS: usize = 30;
    let rows = rows(body, delimiter);
    let rows = rows.get(1..rows.len().min(ROWS)).unwrap_or_default();
    let style = numbers::style(&columns(rows), &InferOptions::default()).unwrap_or(Style::PLAIN);
    let is_known = |cells: &[&str]| {
        let mut seen = Seen::default();
        cells
            .iter()
            .for_each(|cell| seen.push(cell, looks(cell, style)));
        matches!(seen.looks(), Looks::Number | Looks::Time)
    };
    let others = DELIMITERS.into_iter().filter(|other| *other != delimiter);
    let others: Vec<char> = others.map(char::from).collect();
    let is_uncut = |cells: &[&str]| {
        let holds = |other: &char| cells.iter().all(|cell| cell.contains(*other));
        !cells.is_empty() && others.iter().any(holds)
    };
    let columns = columns(rows);
    let (known, text): (Vec<_>, Vec<_>) = columns.iter().partition(|cells| is_known(cells));
    let uncut = text.iter().filter(|cells| is_uncut(cells)).count();
    (known.len(), uncut)
}

fn table(lines: &[&[u8]], delimiter: u8, has_separator: bool, options: &InferOptions) -> Table {
    let widths: Vec<usize> = lines.iter().map(|line| fields(line, delimiter)).collect();
    let count = |width: usize| widths.iter().filter(|known| **known == width).count();
    let filled = widths.iter().filter(|width| **width > 0).count();
    let width = widths
        .iter()
        .copied()
        .filter(|width| *width > 0)
        // Of equally many the first.
        .rev()
        .max_by_key(|width| count(*width))
        .unwrap_or(0);
    let found = || {
        let least = usize::from(has_separator);
        let is_comment = |place: usize| width == 1 && lines[place].starts_with(b"#");
        let begins = |place: &usize| widths[*place] == width && !is_comment(*place);
        let first = (least..lines.len()).find(begins).unwrap_or(least);
        irregular_header(lines, &widths, (least, first), delimiter)
            .or_else(|| later_header(lines, &widths, first, delimiter))
            .unwrap_or(first)
    };
    let skip_lines = options.skip_lines.unwrap_or_else(found);
    let rest = widths.get(skip_lines..).unwrap_or_default();
    let filled_rest = rest.iter().filter(|width| **width > 0).count();
    let alike = rest.iter().filter(|known| **known == width).count();
    // A table far down is no table: then all lines are.
    let is_most = 2 * filled_rest >= filled || options.skip_lines.is_some();
    if is_most {
        Table {
            delimiter,
            skip_lines,
            width,
            alike: alike * 1_000 / filled_rest.max(1),
        }
    } else {
        Table {
            delimiter,
            skip_lines: 0,
            width,
            alike: count(width) * 1_000 / filled.max(1),
        }
    }
}

/// The line of names that has one cell more or less than the rows under it, where the first whole line is a row.
fn irregular_header(
    lines: &[&[u8]],
    widths: &[usize],
    (least, first): (usize, usize),
    delimiter: u8,
) -> Option<usize> {
    let before = (least..first).rev().find(|place| widths[*place] > 0)?;
    let cells = |place: usize| rows(lines[place], delimiter).into_iter().next();
    let is_word = |cell: &String| looks(cell, Style::PLAIN) == Looks::Text;
    let is_row = cells(first)?
        .iter()
        .any(|cell| !is_word(cell) && !cell.trim().is_empty());
    let names = cells(before)?;
    let is_near = widths[before].abs_diff(widths[first]) == 1 && widths[before] > 1;
    // A delimiter at its end makes a name of nothing.
    let named = match names.split_last() {
        Some((last, others)) if last.trim().is_empty() => others,
        _ => &names[..],
    };
    (is_row && is_near && named.iter().all(is_word)).then_some(before)
}

/// The line of names behind pairs of words and numbers that have as many fields as the table: times stand below it only.
fn later_header(lines: &[&[u8]], widths: &[usize], first: usize, delimiter: u8) -> Option<usize> {
    /// Lines that may stand before it, and rows that show what it is.
    const BEFORE: usize = 10;
    const ROWS: usize = 10;
    let width = *widths.get(first)?;
    let cells = |place: usize| -> Option<Vec<Looks>> {
        let row = rows(lines[place], delimiter).into_iter().next()?;
        Some(row.iter().map(|cell| looks(cell, Style::PLAIN)).collect())
    };
    let is_names = |row: &Vec<Looks>| row.iter().all(|cell| *cell == Looks::Text);
    let places = (first..lines.len()).filter(|place| widths[*place] == width);
    let rows: Vec<(usize, Vec<Looks>)> = places
        .take(1 + BEFORE + ROWS)
        .filter_map(|place| Some((place, cells(place)?)))
        .collect();
    let header = rows.iter().rposition(|(_, row)| is_names(row))?;
    let (before, below) = (&rows[..header], &rows[header + 1..]);
    let is_time =
        |(_, row): &(usize, Vec<Looks>), column: usize| row.get(column) == Some(&Looks::Time);
    let begin_here = (0..width).any(|column| {
        below.iter().all(|row| is_time(row, column))
            && !before.iter().any(|row| is_time(row, column))
    });
    let is_later = header > 0 && header <= BEFORE && below.len() >= 2;
    // Words alone before it are the names, and what seems to be them is units.
    let has_numbers = before.iter().any(|(_, row)| !is_names(row));
    (is_later && has_numbers && begin_here).then(|| rows[header].0)
}

/// Fields of a line; 0 of a blank one.
fn fields(line: &[u8], delimiter: u8) -> usize {
    if line.is_empty() {
        return 0;
    }
    let mut is_quoted = false;
    let mut count = 1;
    for byte in line {
        match byte {
            b'"' => is_quoted = !is_quoted,
            byte if *byte == delimiter && !is_quoted => count += 1,
            _ => {}
        }
    }
    count
}

fn after_lines(sample: &[u8], lines: usize) -> &[u8] {
    let mut rest = sample;
    for _ in 0..lines {
        let end = rest.iter().position(|byte| *byte == b'\n');
        rest = end.map_or(&[][..], |end| &rest[end + 1..]);
    }
    rest
}

fn rows(sample: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    read_rows(sample, delimiter, MAX_SAMPLE_RECORDS)
}

/// The records of the sample, up to one more than `most`. The last one is left out if it is cut off and there are others.
fn read_rows(sample: &[u8], delimiter: u8, most: usize) -> Vec<Vec<String>> {
    use csv_core::ReadRecordResult;
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut bytes, mut ends) = (vec![0; sample.len() + 1], vec![0; sample.len() + 2]);
    let (mut read, mut written, mut ended) = (0, 0, 0);
    let mut whole = true;
    while rows.len() <= most {
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
fn has_header(rows: &[Vec<String>], style: Style) -> bool {
    let (first, rest) = (&rows[0], &rows[1..]);
    let is_word = |cell: &String| looks(cell, style) == Looks::Text;
    if rest.is_empty() {
        return first.iter().all(is_word);
    }
    let below = |index: usize| {
        let cells = rest.iter().filter_map(|row| row.get(index));
        see(String::new(), style, cells).looks()
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

/// Names for rows of `width` cells: the header may have one more, or one less where the first column only counts rows.
fn header_names(
    mut row: Vec<String>,
    width: usize,
    rows: &[Vec<String>],
    notes: &mut Vec<String>,
) -> Vec<String> {
    if let Some(first) = row.first_mut()
        && let Some(name) = first.strip_prefix('#')
    {
        // As NumPy writes a header.
        *first = name.trim_start().to_owned();
    }
    if row.len() == width + 1 {
        if let Some(name) = row.pop() {
            notes.push(if name.trim().is_empty() {
                "the header ends with a delimiter, and rows do not".to_owned()
            } else {
                format!("the header has one name more than rows have cells: `{name}` has no cells")
            });
        }
    } else if row.len() + 1 == width {
        let last = rows.iter().filter_map(|row| row.get(width - 1));
        let is_trailing = { last }.all(|cell| is_missing(cell.trim().as_bytes()));
        let (place, what) = if is_trailing {
            (width - 1, "the last cell of rows is empty and has no name")
        } else {
            (
                0,
                "the first column has no name (it numbers the rows, as R and pandas write them)",
            )
        };
        row.insert(place, String::new());
        notes.push(format!(
            "the header has one name less than rows have cells: {what}"
        ));
    }
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

/// Rows under the header that name units or types: words, or nothing, wherever the rows below hold numbers or times.
fn unit_rows(rows: &[Vec<String>], style: Style, notes: &mut Vec<String>) -> usize {
    let is_one = |place: usize| {
        let (row, below) = (&rows[place], &rows[place + 1..]);
        let is_filled = |cell: &String| looks(cell, style) == Looks::Text;
        let fits = |(index, cell): (usize, &String)| {
            let cells = below.iter().filter_map(|row| row.get(index));
            let is_known = matches!(
                see(String::new(), style, cells).looks(),
                Looks::Number | Looks::Time
            );
            let cell = looks(cell, style);
            !is_known || matches!(cell, Looks::Text | Looks::Empty)
        };
        below.len() > 1 && row.iter().any(is_filled) && row.iter().enumerate().all(fits)
    };
    let is_table = |place: usize| {
        let below = rows.get(place..).unwrap_or_default();
        let width = below.first().map_or(0, Vec::len);
        (0..width).any(|index| {
            let cells = below.iter().filter_map(|row| row.get(index));
            see(String::new(), style, cells).looks() == Looks::Number
        })
    };
    let most = rows.len().saturating_sub(2).min(MOST_UNIT_ROWS);
    let count = (0..most).take_while(|place| is_one(*place)).count();
    if count == 0 || !is_table(count) {
        return 0;
    }
    let first: Vec<&str> = rows[0]
        .iter()
        .map(|cell| cell.trim())
        .filter(|cell| !cell.is_empty())
        .collect();
    notes.push(format!(
        "{} (\"{}\"): skipped",
        match count {
            1 => "the line under the header is no row".to_owned(),
            count => format!("{count} lines under the header are no rows"),
        },
        crate::codec::reject::excerpt(&first.join(", "))
    ));
    count
}

fn see<'a>(name: String, style: Style, cells: impl Iterator<Item = &'a String>) -> Seen {
    let mut seen = Seen::new(name);
    for cell in cells {
        seen.push(cell, looks(cell, style));
    }
    seen
}
