//! The library in a few lines: `cargo run -p willet-core --example detect`.

use willet_core::decision::{Decision, Moment, Policy, anomaly_score};
use willet_core::detectors::find;
use willet_core::rows::{Raw, Rows};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two features that move in circles, and one row that does not.
    let mut rows: Vec<[f64; 2]> = (0..1_000)
        .map(|i| [f64::from(i % 17), f64::from(i * 5 % 17)])
        .collect();
    rows[900] = [40.0, -20.0];

    let (kind, options) = find("hst")?;
    let mut detector = kind.build(&options, 2, 42)?;
    let (mut decision, policy) = (Decision::default(), Policy::default());
    for row in rows {
        let mut raw = [Raw::WarmingUp];
        detector.score(Rows::one(&row), &mut raw)?;
        if let Some(score) = raw[0].score() {
            if let Some(judgement) = decision.judge(score, Moment::default(), &policy)
                && judgement.is_over
            {
                println!("{row:?} is strange: {:.3}", anomaly_score(judgement.depth));
            }
            decision.learn(score, &policy);
        }
        detector.learn(Rows::one(&row))?;
    }
    Ok(())
}
