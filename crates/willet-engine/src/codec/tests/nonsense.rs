//! Bytes that mean nothing, and records with a byte or two changed: a rejection each, never a panic.

use super::{csv, records};
use crate::codec::*;
use crate::event::EventBatch;

/// `SplitMix64` (Steele, Lea, Flood 2014): enough to make nonsense the same way every time.
struct Nonsense(u64);

impl Nonsense {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[test]
fn no_bytes_make_it_panic() {
    const ROUNDS: usize = 12_000;
    const PIECES: &[u8] = b"{}[]\",:\\u0e+-.19nulltrefasNA \n\r;\xff\xc3\xa9";
    let seeds: [&[u8]; 6] = [
        br#"{"source": "pump-7", "timestamp": "2026-01-02T03:04:05.678Z", "values": {"t": 71.2, "v": 0.31}}"#,
        br#"{"key": 1, "timestamp": 1767323045.678, "features": [71.2, null, "NaN"], "label": 1}"#,
        br#"{"source": "p", "metric": "t", "value": 71.2, "id": "x", "a": {"b": [1, 2, {"c": 1}]}}"#,
        b"2014-02-14 14:30:00,s,1.5,2,0",
        b"\"2014-02-14T14:30:00+01:00\",\"a,\"\"b\",1e5,NA,1",
        b"1392388200000,key,-1,+2.5e-3,false\r\n",
    ];
    let mut json = InputConfig::json();
    json.columns = csv().columns;
    let mut decoders =
        [InputConfig::json(), csv(), json].map(|config| Decoder::new(&config, 3).unwrap());
    let mut nonsense = Nonsense(42);
    let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
    let (mut understood, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let mut bytes = if round % 4 == 0 {
            (0..nonsense.below(60))
                .map(|_| PIECES[nonsense.below(PIECES.len())])
                .collect()
        } else {
            seeds[nonsense.below(seeds.len())].to_vec()
        };
        for _ in 0..nonsense.below(4) {
            let at = nonsense.below(bytes.len() + 1);
            match nonsense.below(4) {
                0 if at < bytes.len() => drop(bytes.remove(at)),
                1 => bytes.truncate(at),
                2 if at < bytes.len() => bytes[at] = nonsense.next() as u8,
                _ => bytes.insert(at, PIECES[nonsense.below(PIECES.len())]),
            }
        }
        let batch = records(&[&bytes]);
        for decoder in &mut decoders {
            events.clear();
            rejections.clear();
            decoder.decode(&batch, 0..1, &mut events, &mut rejections);
            assert_eq!(
                events.len() + rejections.len(),
                1,
                "{}",
                String::from_utf8_lossy(&bytes)
            );
            understood += events.len();
            refused += rejections.len();
            for rejection in &rejections {
                assert!(
                    rejection
                        .byte
                        .is_none_or(|byte| byte as usize <= bytes.len())
                );
                assert!(rejection.reason.to_string().len() < 600);
            }
            for index in events.indices() {
                assert!(
                    events
                        .values(index)
                        .iter()
                        .all(|value| value.is_nan() || value.abs() <= 1e100)
                );
            }
        }
        let _ = infer(&bytes, &InferOptions::default());
    }
    // Both ways are walked often, or the test says nothing.
    assert!(
        understood > ROUNDS / 4 && refused > ROUNDS / 4,
        "{understood} {refused}"
    );
}
