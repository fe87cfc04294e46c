//! The header line of a CSV file against the columns configured.

use super::config::{Column, ConfigError, Format, InputConfig, Role, one_of};

impl InputConfig {
    /// This configuration for a CSV file with the header line `line`: columns in the order of the file, those that are
    /// not configured ignored. A configured column that the file lacks is an error, unless it is ignored anyway.
    ///
    /// Rows are read by position, so without this a file with its columns in another order would be read wrongly.
    pub fn for_header(&self, line: &[u8]) -> Result<Self, ConfigError> {
        let names = header_names(line, self.delimiter);
        for column in &self.columns {
            if column.role != Role::Ignore && !names.contains(&column.name) {
                let known = names.iter().map(String::as_str);
                return Err(ConfigError {
                    field: format!("column `{}`", column.name),
                    got: "not in the header of the file".to_owned(),
                    allowed: one_of(&column.name, known),
                });
            }
        }
        let mut config = self.clone();
        config.columns = names
            .into_iter()
            .map(|name| {
                let known = self.columns.iter().find(|column| column.name == name);
                known
                    .cloned()
                    .unwrap_or_else(|| Column::new(name, Role::Ignore))
            })
            .collect();
        config.validate()?;
        Ok(config)
    }
}

impl InputConfig {
    /// [`InputConfig::for_header`] with the header line of a file that begins with `sample`; itself where there is none.
    pub fn for_sample(&self, sample: &[u8]) -> Result<Self, ConfigError> {
        if self.format != Format::Csv || !self.header {
            return Ok(self.clone());
        }
        let sample = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample);
        let mut lines = sample.split(|byte| *byte == b'\n').skip(self.skip_lines);
        let header = lines.find(|line| !line.trim_ascii().is_empty());
        self.for_header(header.unwrap_or_default().trim_ascii_end())
    }
}

/// The names in a header line. A column without a name, or with one used before, is called `c` and its place from 0.
pub fn header_names(line: &[u8], delimiter: char) -> Vec<String> {
    let mut reader = csv_core::ReaderBuilder::new()
        .delimiter(delimiter as u8)
        .build();
    let (mut bytes, mut ends) = (vec![0; line.len() + 1], vec![0; line.len() + 2]);
    let (mut read, mut written, mut ended) = (0, 0, 0);
    loop {
        let (result, took, wrote, fields) =
            reader.read_record(&line[read..], &mut bytes[written..], &mut ends[ended..]);
        (read, written, ended) = (read + took, written + wrote, ended + fields);
        if result != csv_core::ReadRecordResult::InputEmpty {
            break;
        }
    }
    let mut start = 0;
    let cells = ends[..ended].iter().map(|&end| {
        let cell = String::from_utf8_lossy(&bytes[start..end]).into_owned();
        start = end;
        cell
    });
    unique_names(cells).map(|(name, _)| name).collect()
}

/// Names as columns are called, each with what was wrong with it.
pub(super) fn unique_names(
    cells: impl Iterator<Item = String>,
) -> impl Iterator<Item = (String, Option<&'static str>)> {
    let mut seen: Vec<String> = Vec::new();
    cells.enumerate().map(move |(index, cell)| {
        let cell = cell.trim();
        let trouble = if cell.is_empty() {
            Some("has no name")
        } else if seen.iter().any(|known| known == cell) {
            Some("has a name used before")
        } else {
            None
        };
        let name = trouble.map_or_else(|| cell.to_owned(), |_| format!("c{index}"));
        seen.push(name.clone());
        (name, trouble)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> InputConfig {
        InputConfig::csv([
            Column::new("time", Role::Timestamp),
            Column::new("temperature", Role::Value),
            Column::new("note", Role::Ignore),
        ])
    }

    #[test]
    fn columns_take_the_order_of_the_file() {
        let arranged = config()
            .for_header(b"extra,\"temperature\",,time,extra")
            .unwrap();
        let columns: Vec<_> = arranged
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.role))
            .collect();
        assert_eq!(
            columns,
            [
                ("extra", Role::Ignore),
                ("temperature", Role::Value),
                ("c2", Role::Ignore),
                ("time", Role::Timestamp),
                ("c4", Role::Ignore),
            ]
        );
    }

    #[test]
    fn the_header_stands_behind_a_mark_and_lines_that_are_skipped() {
        let config = InputConfig {
            skip_lines: 2,
            ..config()
        };
        let arranged = config
            .for_sample("\u{feff}Station\n\ntemperature,time\r\n1,2\r\n".as_bytes())
            .unwrap();
        let names: Vec<_> = arranged
            .columns
            .iter()
            .map(|column| &*column.name)
            .collect();
        assert_eq!(names, ["temperature", "time"]);
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let error = config().for_header(b"time,temprature").unwrap_err();
        assert_eq!(
            error.to_string(),
            "column `temperature` is not in the header of the file, expected one of time, temprature (did you mean temprature?)"
        );
    }
}
