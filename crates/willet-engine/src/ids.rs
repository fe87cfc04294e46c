//! How things are named outside: the one place that spells and reads these names.

use std::fmt::{self, Display};
use std::str::FromStr;

/// The partition of a stream that has one.
pub const ONLY_PARTITION: u32 = 0;

/// Id of a verdict: the record that caused it, `stream/partition/offset`; `.part` where a record caused several, `@revision` where late
/// events corrected it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VerdictId<S = Box<str>> {
    /// The stream's name, which has no slash.
    pub stream: S,
    /// Its partition.
    pub partition: u32,
    /// Number of the record in it.
    pub offset: u64,
    /// Number of the verdict among what the record caused, from 1 on; 0 for its own.
    pub part: u32,
    /// 0 at first; 1, 2, ... for corrections.
    pub revision: u32,
}

impl<S> VerdictId<S> {
    /// The verdict of an event.
    pub fn of_event(stream: S, offset: u64) -> Self {
        Self {
            stream,
            partition: ONLY_PARTITION,
            offset,
            part: 0,
            revision: 0,
        }
    }

    /// Whether it is that of an event, and no window's.
    pub fn is_of_event(&self) -> bool {
        self.part == 0 && self.revision == 0
    }
}

impl<S: Display> Display for VerdictId<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stream,
            partition,
            offset,
            part,
            revision,
        } = self;
        write!(f, "{stream}/{partition}/{offset}")?;
        if *part > 0 {
            write!(f, ".{part}")?;
        }
        if *revision > 0 {
            write!(f, "@{revision}")?;
        }
        Ok(())
    }
}

/// A text that is no id of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no id of a verdict, expected stream/partition/offset, as in pumps/0/17")]
pub struct NoVerdictId(pub String);

impl FromStr for VerdictId {
    type Err = NoVerdictId;

    fn from_str(text: &str) -> Result<Self, NoVerdictId> {
        read(text).ok_or_else(|| NoVerdictId(text.to_owned()))
    }
}

fn read(text: &str) -> Option<VerdictId> {
    let mut pieces = text.split('/');
    let (stream, partition, place) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let (place, revision) = split_number(place, '@')?;
    let (offset, part) = split_number(place, '.')?;
    let id = VerdictId {
        stream: stream.into(),
        partition: number(partition)?,
        offset: number(offset)?,
        part,
        revision,
    };
    let is_whole = pieces.next().is_none() && !stream.is_empty();
    is_whole.then_some(id)
}

/// A text and the number behind a mark; 0 where the mark is not there.
fn split_number(text: &str, mark: char) -> Option<(&str, u32)> {
    match text.split_once(mark) {
        None => Some((text, 0)),
        Some((text, after)) => number(after).filter(|n| *n > 0).map(|n| (text, n)),
    }
}

/// Digits only, as they are written: no sign, no zeros before.
fn number<N: FromStr + Display>(text: &str) -> Option<N> {
    let number: N = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_read_as_it_is_written(
            stream in "[a-z][a-z0-9._-]{0,12}",
            partition: u32,
            offset: u64,
            part: u32,
            revision: u32,
        ) {
            let id = VerdictId { stream: stream.into_boxed_str(), partition, offset, part, revision };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn a_text_that_is_read_is_written_as_it_was(text in "[a-z/0-9.@+-]{0,16}") {
            if let Ok(id) = text.parse::<VerdictId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn other_texts_are_refused_by_name() {
        for text in [
            "",
            "17",
            "pumps/0/",
            "pumps/0/+1",
            "pumps/0/01",
            "/0/1",
            "a/0/1/2",
            "a/0/1.0",
            "a/0/1@0",
        ] {
            let error = text.parse::<VerdictId>().unwrap_err();
            assert_eq!(error, NoVerdictId(text.to_owned()));
        }
        let shown = NoVerdictId("17".to_owned()).to_string();
        assert!(shown.starts_with("\"17\" is no id of a verdict"), "{shown}");
    }
}
