//! Where the next page begins: opaque to whoever holds it, stable while rows come and go.

use std::fmt::Write as _;

use crate::query::QueryError;

/// Behind the row of this time and number, in a list that is newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) at: i64,
    pub(crate) number: i64,
}

/// Behind the row of this key, in a list by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByName {
    pub(crate) source: String,
    pub(crate) stream: String,
}

/// First byte: which list it is of, and in which version.
const NEWEST: u8 = 1;
const BY_NAME: u8 = 2;

impl Newest {
    pub(crate) fn encode(self) -> String {
        let mut bytes = vec![NEWEST];
        bytes.extend_from_slice(&self.at.to_be_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        to_hex(&bytes)
    }

    pub(crate) fn decode(text: &str) -> Result<Self, QueryError> {
        let bytes = from_hex(text).ok_or(QueryError::Cursor)?;
        let bytes: [u8; 17] = bytes.try_into().map_err(|_| QueryError::Cursor)?;
        let [NEWEST, rest @ ..] = bytes else {
            return Err(QueryError::Cursor);
        };
        let both = u128::from_be_bytes(rest);
        Ok(Self {
            at: (both >> 64) as i64,
            number: both as i64,
        })
    }
}

impl ByName {
    pub(crate) fn encode(&self) -> String {
        let mut bytes = vec![BY_NAME];
        bytes.extend_from_slice(&(self.source.len() as u32).to_be_bytes());
        bytes.extend_from_slice(self.source.as_bytes());
        bytes.extend_from_slice(self.stream.as_bytes());
        to_hex(&bytes)
    }

    pub(crate) fn decode(text: &str) -> Result<Self, QueryError> {
        let parts = || {
            let bytes = from_hex(text)?;
            let rest = bytes.strip_prefix(&[BY_NAME])?;
            let (len, rest) = rest.split_first_chunk()?;
            let len = u32::from_be_bytes(*len) as usize;
            let (source, stream) = rest.split_at_checked(len)?;
            Some(Self {
                source: String::from_utf8(source.to_vec()).ok()?,
                stream: String::from_utf8(stream.to_vec()).ok()?,
            })
        };
        parts().ok_or(QueryError::Cursor)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| Some(digit.to_digit(16)? as u8))
        .collect();
    let digits = digits?;
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_nonsense_is_refused() {
        for newest in [
            Newest {
                at: i64::MIN,
                number: 7,
            },
            Newest {
                at: -1,
                number: i64::MAX,
            },
        ] {
            assert_eq!(Newest::decode(&newest.encode()).unwrap(), newest);
            assert!(ByName::decode(&newest.encode()).is_err());
        }
        let name = ByName {
            source: "pumpe-ü/\0".to_owned(),
            stream: String::new(),
        };
        assert_eq!(ByName::decode(&name.encode()).unwrap(), name);
        for text in ["", "0", "zz", "01ff", "02ffffffff", "ü1"] {
            assert!(Newest::decode(text).is_err(), "{text}");
            assert!(ByName::decode(text).is_err(), "{text}");
        }
    }
}
