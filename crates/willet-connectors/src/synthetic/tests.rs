//! What comes out of the generator: the same bytes, the trouble that was asked for, and events that the codec reads.

use willet_engine::codec::{Decoder, InferOptions, InputConfig, infer};
use willet_engine::event::EventBatch;
use willet_engine::records::Records;

use super::*;
use crate::{Pull, Source, SourceError};

fn text(config: &SyntheticConfig) -> String {
    let mut generator = Generator::new(config).unwrap();
    let mut out = generator.header().into_bytes();
    while generator.next_row(&mut out) {
        out.push(b'\n');
    }
    String::from_utf8(out).unwrap()
}

fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn only(kind: TroubleKind) -> SyntheticConfig {
    SyntheticConfig {
        count: Some(20_000),
        troubles: vec![Trouble {
            kind,
            share: 0.05,
            length_min: 20,
            length_max: 40,
            strength: 8.0,
        }],
        ..SyntheticConfig::default()
    }
}

#[test]
fn the_same_bytes_on_every_machine() {
    let wide = SyntheticConfig {
        keys: 7,
        width: 3,
        rate: Some(10.0),
        format: RowFormat::Json,
        noise_kind: NoiseKind::Heavy,
        ..SyntheticConfig::default()
    };
    let shaped = |shape| SyntheticConfig {
        shape,
        decimals: 1,
        seed: 3,
        ..SyntheticConfig::default()
    };
    let configs = [
        SyntheticConfig::default(),
        wide,
        shaped(Shape::Counts),
        shaped(Shape::Walk),
        shaped(Shape::Cycles),
    ];
    let hashes = configs.map(|config| format!("{:016x}", fnv(&text(&config))));
    assert_eq!(
        hashes,
        [
            "0ea12823278e1d4f",
            "65612be4c2585a43",
            "bb57484fe506778c",
            "1fa83dcd18314170",
            "ea192ae78220bf9c"
        ]
    );
}

#[test]
fn keys_and_seeds_differ() {
    let config = SyntheticConfig {
        keys: 2,
        count: Some(4),
        ..SyntheticConfig::default()
    };
    let rows = text(&config);
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows[0], "timestamp,source,value,label,kind");
    assert!(
        rows[1].starts_with("2026-01-05T00:00:00Z,machine-1,"),
        "{}",
        rows[1]
    );
    assert!(
        rows[2].starts_with("2026-01-05T00:00:00Z,machine-2,"),
        "{}",
        rows[2]
    );
    assert!(
        rows[3].starts_with("2026-01-05T00:01:00Z,machine-1,"),
        "{}",
        rows[3]
    );
    assert_ne!(rows[1].split(',').nth(2), rows[2].split(',').nth(2));
    let other = text(&SyntheticConfig { seed: 1, ..config });
    assert_ne!(other.lines().nth(1), Some(rows[1]));
}

#[test]
fn trouble_takes_its_share_and_shows() {
    use TroubleKind::{Dip, Drift, Dropout, FlatLine, LevelShift, Spike, Variance};
    let calm = SyntheticConfig {
        troubles: Vec::new(),
        ..only(Spike)
    };
    for kind in [Spike, Dip, LevelShift, Dropout, FlatLine, Variance, Drift] {
        let text = text(&only(kind));
        let rows: Vec<Vec<&str>> = text
            .lines()
            .skip(1)
            .map(|row| row.split(',').collect())
            .collect();
        let troubled: Vec<usize> = (0..rows.len())
            .filter(|&index| rows[index][3] == "1")
            .collect();
        let share = troubled.len() as f64 / rows.len() as f64;
        assert!((0.03..0.07).contains(&share), "{kind:?}: {share}");
        assert!(troubled[0] >= 500);
        assert!(
            rows.iter()
                .all(|row| row[4] == if row[3] == "1" { kind.name() } else { "" })
        );
        for &index in &troubled {
            let value: f64 = rows[index][2].parse().unwrap_or(f64::NAN);
            match kind {
                Dropout => assert!(value.is_nan()),
                FlatLine if rows[index - 1][3] == "1" => {
                    assert_eq!(rows[index][2], rows[index - 1][2]);
                }
                Variance => assert!((0.0..100.0).contains(&value), "{value}"),
                // Visible, and not absurd: around the level with its seasons.
                _ => assert!((20.0..85.0).contains(&value), "{kind:?}: {value}"),
            }
        }
    }
    assert!(!text(&calm).lines().skip(1).any(|row| row.contains(",1,")));
}

#[test]
fn the_codec_reads_both_forms() {
    for (format, width) in [
        (RowFormat::Csv, 1),
        (RowFormat::Csv, 9),
        (RowFormat::Json, 1),
        (RowFormat::Json, 9),
    ] {
        let config = SyntheticConfig {
            format,
            width,
            keys: 3,
            count: Some(10_000),
            ..only(TroubleKind::Dropout)
        };
        let input = match format {
            RowFormat::Json => InputConfig::json(),
            RowFormat::Csv => {
                infer(text(&config).as_bytes(), &InferOptions::default())
                    .unwrap()
                    .config
            }
        };
        let mut source = SyntheticSource::new(&config).unwrap();
        let mut records = Records::new();
        while source.read(&mut records, 1 << 16).unwrap() == Pull::Records {}
        assert_eq!(records.len(), 10_000);
        let (mut events, mut rejections) = (EventBatch::new(), Vec::new());
        let mut decoder = Decoder::new(&input, 0).unwrap();
        decoder.decode(&records, 0..10_000, &mut events, &mut rejections);
        assert_eq!(rejections, []);
        assert_eq!(events.key(1), "machine-2");
        assert_eq!(events.values(0).len(), width);
        assert!(
            events
                .rows()
                .iter()
                .all(|row| row.label.is_some() && row.time.is_some())
        );
        assert!(events.rows().iter().any(|row| row.label == Some(true)));
        assert!(
            events
                .indices()
                .any(|index| events.values(index).iter().any(|value| value.is_nan()))
        );
    }
}

#[test]
fn reading_goes_on_after_a_cursor() {
    let config = SyntheticConfig {
        keys: 3,
        ..SyntheticConfig::default()
    };
    let (mut whole, mut rest) = (Records::new(), Records::new());
    let mut source = SyntheticSource::new(&config).unwrap();
    source.read(&mut whole, 10_000).unwrap();
    let (read, cursor) = (whole.len(), source.cursor());
    source.read(&mut whole, 10_000).unwrap();
    for mut again in [source, SyntheticSource::new(&config).unwrap()] {
        rest.clear();
        again.seek(&cursor).unwrap();
        again.read(&mut rest, 1_000).unwrap();
        assert_eq!(rest.head(0).offset, read as u64);
        assert_eq!(rest.payload(0), whole.payload(read));
    }
}

#[test]
fn what_cannot_be_is_named() {
    let error = |change: fn(&mut SyntheticConfig)| {
        let mut config = SyntheticConfig::default();
        change(&mut config);
        let error = Generator::new(&config).unwrap_err();
        assert!(matches!(error, SourceError::Config { .. }) && error.is_user_error());
        error.to_string()
    };
    assert_eq!(
        error(|config| config.keys = 0),
        "keys is 0, expected 1 to 10,000,000"
    );
    assert_eq!(
        error(|config| config.interval_s = f64::NAN),
        "interval_s is NaN, expected a number above 0"
    );
    assert_eq!(
        error(|config| config.start = "soon".into()),
        "start is \"soon\", expected a time such as 2026-01-05T00:00:00Z"
    );
    assert_eq!(
        error(|config| config.troubles[0].share = 0.9),
        "troubles[0].share is 0.9, expected 0 to 0.5"
    );
    assert_eq!(
        error(|config| config.troubles[1].length_max = 0),
        "troubles[1].length_max is 0, expected at least length_min"
    );
}
