//! The library in a few lines: `cargo run -p willet-core --example detect`.

use willet_core::decision::DecisionConfig;
use willet_core::detectors::find;
use willet_core::series::{Answer, Series, SeriesConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two features that move in circles, and one row that does not.
    let mut rows: Vec<[f64; 2]> = (0..1_000)
        .map(|i| [f64::from(i % 17), f64::from(i * 5 % 17)])
        .collect();
    rows[900] = [40.0, -20.0];

    let (kind, options) = find("hst")?;
    let mut series = Series::new(&SeriesConfig {
        kind,
        options: &options,
        names: vec!["x".to_owned(), "y".to_owned()],
        seed: 0,
        key: "circle",
        decision: &DecisionConfig::default(),
        learn_every: 1,
    })?;
    for row in rows {
        if let Answer::Scored(verdict) = series.take(&row, None)?
            && verdict.reason.is_some()
        {
            let (score, sure) = (verdict.anomaly_score, verdict.confidence);
            println!("{row:?} is strange: {score:.3}, {:.0} % sure", 100.0 * sure);
        }
    }
    Ok(())
}
