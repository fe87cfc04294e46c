//! Ordinary situations, on a few seeds: `make situations` plays more of them, `make soak` new ones without end.

use willet_testkit::situations::check::{Outcome, check};
use willet_testkit::situations::judge::Player;
use willet_testkit::situations::report::{Tally, failures, families};
use willet_testkit::situations::{Situation, TABLE};

fn play(name: &str, seeds: u64, of: impl Fn(&Situation) -> bool) -> Vec<Outcome> {
    let player = Player::Kind(name.to_owned());
    let table = TABLE.iter().filter(|situation| of(situation));
    table
        .flat_map(|situation| (0..seeds).map(|seed| check(situation, seed, &player)))
        .collect()
}

#[test]
fn the_default_detector_passes_ordinary_situations() {
    let outcomes = play("auto", 2, |_| true);
    let failures = failures(&outcomes);
    let all = Tally::of(&outcomes);
    assert!(all.share() >= 0.9, "{:.2}\n{failures}", all.share());
    for family in families() {
        let of = Tally::of(outcomes.iter().filter(|outcome| outcome.family == family));
        // Of several values two in ten are not found yet: a fourth place among three, a valve that closes slowly.
        let least = if family == "multi" { 0.6 } else { 0.8 };
        assert!(
            of.share() >= least,
            "{family}: {:.2}\n{failures}",
            of.share()
        );
    }
    let sure = all.sure[0] as f64 / all.sure[1] as f64;
    assert!(sure >= 0.95, "{:?} sure\n{failures}", all.sure);
    assert_eq!(all.rises[0], all.rises[1], "{failures}");
}

#[test]
fn other_kinds_pass_situations_that_are_not_of_time() {
    let kinds = [
        "zscore",
        "iforest",
        "rcf",
        "hst",
        "knn",
        "mahalanobis",
        "ensemble",
    ];
    for name in kinds {
        let outcomes = play(name, 1, |situation| !situation.is_of_time());
        let share = Tally::of(&outcomes).share();
        assert!(share >= 0.8, "{name}: {share:.2}\n{}", failures(&outcomes));
    }
}
