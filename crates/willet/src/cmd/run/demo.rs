use willet_connectors::SourceSpec;
use willet_connectors::synthetic::{
    LiveConfig, NoiseKind, Season, Shape, SyntheticConfig, Trouble, TroubleKind,
};
use willet_engine::config::{DetectorConfig, StreamConfig};
use willet_server::StreamResource;

/// Half an hour of the past: the page has something to show at once, and the detectors are warm.
const BACKFILL_S: f64 = 1_800.0;

const NAMES: [&str; 3] = ["pumps", "web", "payments"];

pub(super) fn is_demo(name: &str) -> bool {
    NAMES.contains(&name)
}

/// A dozen sources in three streams, with seasons, and with labelled trouble about once a minute.
pub(super) fn streams() -> Vec<StreamResource> {
    let pumps = SyntheticConfig {
        sources: names(["pump-1", "pump-2", "pump-3", "pump-4"]),
        values: names(["temperature", "pressure", "vibration"]),
        level: 60.0,
        noise: 0.6,
        seasons: seasons([(600.0, 4.0), (97.0, 1.5)]),
        seed: 11,
        ..usual(3)
    };
    let web = SyntheticConfig {
        sources: names([
            "shop.example",
            "api.example",
            "login.example",
            "search.example",
        ]),
        values: names(["requests", "errors"]),
        shape: Shape::Counts,
        level: 240.0,
        noise: 6.0,
        decimals: 0,
        seasons: seasons([(900.0, 60.0), (120.0, 15.0)]),
        seed: 12,
        ..usual(2)
    };
    let payments = SyntheticConfig {
        sources: names(["cards-eu", "cards-us", "cards-apac", "transfers"]),
        values: names(["amount", "declined_share"]),
        shape: Shape::Walk,
        level: 80.0,
        noise: 1.2,
        noise_kind: NoiseKind::Heavy,
        decimals: 2,
        seasons: seasons([(1_200.0, 9.0)]),
        seed: 13,
        ..usual(2)
    };
    NAMES
        .into_iter()
        .zip([pumps, web, payments])
        .map(|(name, synthetic)| StreamResource {
            stream: StreamConfig {
                name: name.to_owned(),
                detector: DetectorConfig {
                    algorithm: "ewma".to_owned(),
                    ..DetectorConfig::default()
                },
                ..StreamConfig::default()
            },
            source: Some(generated(synthetic)),
        })
        .collect()
}

fn generated(stream: SyntheticConfig) -> SourceSpec {
    let settings = LiveConfig {
        backfill_s: BACKFILL_S,
        stream,
    };
    SourceSpec::new("synthetic", settings).expect("settings of a demonstration fit together")
}

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(ToOwned::to_owned).to_vec()
}

fn seasons<const N: usize>(seasons: [(f64, f64); N]) -> Vec<Season> {
    seasons
        .map(|(period_s, amplitude)| Season {
            period_s,
            amplitude,
        })
        .to_vec()
}

fn usual(width: usize) -> SyntheticConfig {
    let trouble = |kind, share, (length_min, length_max), strength| Trouble {
        kind,
        share,
        length_min,
        length_max,
        strength,
    };
    SyntheticConfig {
        keys: 4,
        width,
        interval_s: 1.0,
        quiet_events: 120,
        // Four keys and three streams: something begins about every half minute.
        troubles: vec![
            trouble(TroubleKind::Spike, 0.002, (1, 2), 14.0),
            trouble(TroubleKind::Dip, 0.001, (1, 2), 14.0),
            trouble(TroubleKind::LevelShift, 0.02, (30, 60), 12.0),
            trouble(TroubleKind::FlatLine, 0.005, (20, 40), 1.0),
        ],
        ..SyntheticConfig::default()
    }
}
