//! Verdicts that anybody would agree with: what went wrong once, each with its right answer.

use libm::cos;
use willet_core::decision::DecisionConfig;
use willet_core::series::{Answer, Scored};
use willet_testkit::situations::draw::Draw;
use willet_testkit::situations::judge::{Judge as _, Said, Willet};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

fn contamination(share: f64) -> DecisionConfig {
    DecisionConfig {
        contamination: Some(share),
        ..DecisionConfig::default()
    }
}

fn series(kind: &str, width: usize, decision: &DecisionConfig) -> Willet {
    let names: Vec<String> = (0..width).map(|i| format!("v{i}")).collect();
    Willet::new(kind, &names, "one", decision)
}

/// What is said of rows that come every `step` seconds, or without a time.
fn said<const W: usize>(
    kind: &str,
    decision: &DecisionConfig,
    rows: &[[f64; W]],
    step: Option<i64>,
) -> Vec<Said> {
    let mut series = series(kind, W, decision);
    let rows = rows.iter().enumerate();
    rows.map(|(i, row)| series.take(row, step.map(|step| i as i64 * step)))
        .collect()
}

fn flags<const W: usize>(
    kind: &str,
    decision: &DecisionConfig,
    rows: &[[f64; W]],
    step: Option<i64>,
) -> Vec<bool> {
    let said = said(kind, decision, rows, step);
    said.iter().map(|said| said.flag).collect()
}

/// Flags of one value by the default detector with nothing set.
fn default_flags(values: &[f64], step: Option<i64>) -> Vec<bool> {
    flags("auto", &DecisionConfig::default(), &ones(values), step)
}

fn ones(values: &[f64]) -> Vec<[f64; 1]> {
    values.iter().map(|x| [*x]).collect()
}

fn noise(draw: &mut Draw, n: usize) -> Vec<f64> {
    draw.many(n, Draw::normal)
}

fn wide<const W: usize>(draw: &mut Draw, n: usize) -> Vec<[f64; W]> {
    (0..n)
        .map(|_| std::array::from_fn(|_| draw.normal()))
        .collect()
}

fn shift(values: &mut [f64], by: f64) {
    values.iter_mut().for_each(|x| *x += by);
}

fn share(flags: &[bool]) -> f64 {
    count(flags) as f64 / flags.len() as f64
}

fn count(flags: &[bool]) -> usize {
    flags.iter().filter(|flag| **flag).count()
}

/// A verdict on a row that comes after all that was learned; the series is left as it is.
fn verdict(series: &Willet, row: &[f64]) -> Scored {
    match series.restored().answer(row, None) {
        Answer::Scored(scored) => scored,
        other => panic!("{other:?}"),
    }
}

fn probability(series: &Willet, row: &[f64]) -> f64 {
    let said = series.restored().take(row, None);
    said.probability().expect("warm")
}

#[test]
fn a_spike_after_a_shift_is_flagged_whatever_the_sizes_and_however_long_after() {
    let mut missed = Vec::new();
    for (seed, size) in [10.0, 30.0, 100.0].into_iter().enumerate() {
        for beyond in [10.0, 30.0, 200.0] {
            for gap in [300, 1_000, 3_000] {
                let mut values = noise(&mut Draw::new("shift", seed as u64), 1_000 + gap + 1);
                shift(&mut values[1_000..], size);
                values[1_000 + gap] = size + beyond;
                if !default_flags(&values, None)[1_000 + gap] {
                    missed.push((size, beyond, gap));
                }
            }
        }
    }
    assert!(missed.is_empty(), "shift, spike, rows between: {missed:?}");
}

#[test]
fn a_room_that_was_heated_and_then_burns_is_flagged() {
    for seed in 0..3 {
        let mut values = noise(&mut Draw::new("room", seed), 1_501);
        values.iter_mut().for_each(|x| *x = 20.0 + 0.3 * *x);
        shift(&mut values[800..], 3.0);
        values[1_500] = 60.0;
        assert!(default_flags(&values, Some(MINUTE))[1_500], "seed {seed}");
    }
}

#[test]
fn a_second_lasting_shift_is_told_again() {
    let mut missed = Vec::new();
    for kind in ["auto", "zscore", "rcf"] {
        for seed in 0..12 {
            let mut draw = Draw::new("second", seed);
            let mut values = noise(&mut draw, 2_200);
            shift(&mut values[1_000..], 20.0);
            let by = if seed % 2 == 0 { 15.0 } else { -40.0 };
            shift(&mut values[2_000..], by);
            let flags = flags(kind, &DecisionConfig::default(), &ones(&values), None);
            if count(&flags[2_000..2_013]) == 0 {
                missed.push((kind, seed));
            }
        }
    }
    assert!(missed.is_empty(), "kind and seed: {missed:?}");
}

/// A wave of the day in rows of so many seconds, with noise.
fn wave(draw: &mut Draw, days: i64, step: i64, height: f64, sigma: f64) -> Vec<f64> {
    let rows = 0..days * DAY / step;
    rows.map(|row| {
        let phase = std::f64::consts::TAU * (row * step % DAY) as f64 / DAY as f64;
        400.0 - height * cos(phase) + sigma * draw.normal()
    })
    .collect()
}

#[test]
fn two_wild_rows_after_a_stuck_stretch_are_flagged() {
    for seed in 0..10 {
        let mut values = wave(&mut Draw::new("stuck", seed), 14, 300, 200.0, 8.0);
        let stuck = 11 * 288;
        values[stuck..stuck + 36].fill(620.0);
        let wild = stuck + 36 + 144;
        shift(&mut values[wild..wild + 2], 1_000.0);
        let flags = default_flags(&values, Some(300));
        assert!(count(&flags[wild..wild + 2]) > 0, "seed {seed}");
    }
}

#[test]
fn equal_spikes_near_each_other_are_each_flagged_and_no_normal_row_in_their_place() {
    let mut wrong = Vec::new();
    for gap in [2, 20, 90, 99, 150] {
        for seed in 0..5 {
            let mut values = noise(&mut Draw::new("equal", seed), 1_700);
            let spikes = [1_000, 1_000 + gap, 1_000 + 2 * gap];
            spikes.iter().for_each(|row| values[*row] = 25.0);
            let flags = default_flags(&values, None);
            let found = spikes.iter().filter(|row| flags[**row]).count();
            let others = count(&flags[995..]) - found;
            if found < 3 || others > 2 {
                wrong.push((gap, seed, found, others));
            }
        }
    }
    assert!(wrong.is_empty(), "gap, seed, found, others: {wrong:?}");
}

#[test]
fn twenty_equal_spikes_have_no_normal_row_flagged_in_their_place() {
    for gap in [90, 99] {
        let mut values = noise(&mut Draw::new("twenty", gap), 3_200);
        let spikes: Vec<usize> = (0..20).map(|k| 1_000 + k * gap as usize).collect();
        spikes.iter().for_each(|row| values[*row] = 25.0);
        let flags = default_flags(&values, None);
        let found = spikes.iter().filter(|row| flags[**row]).count();
        let others = count(&flags[200..]) - found;
        assert!(
            found >= 3 && others <= 4,
            "gap {gap}: {found} and {others} others"
        );
    }
}

#[test]
fn the_contamination_asked_for_is_not_spent_on_normal_rows_behind_spikes() {
    for share_asked in [0.005, 0.01] {
        for seed in 0..5 {
            let mut values = noise(&mut Draw::new("two spikes", seed), 1_300);
            values.iter_mut().for_each(|x| *x = 100.0 + 2.0 * *x);
            (values[1_100], values[1_102]) = (160.0, 160.0);
            let flags = flags(
                "auto",
                &contamination(share_asked),
                &ones(&values),
                Some(MINUTE),
            );
            assert!(flags[1_100] && flags[1_102], "seed {seed}");
            let behind = count(&flags[1_103..1_203]);
            assert!(behind <= 3, "seed {seed}: {behind} of 100 rows behind");
        }
    }
}

#[test]
fn a_beginning_without_life_does_not_make_what_comes_after_strange() {
    let mut wrong = Vec::new();
    for kind in ["zscore", "auto", "iforest", "hst", "knn", "mahalanobis"] {
        for active in [0.1, 0.3, 0.45] {
            let mut draw = Draw::new("idle", 1);
            let values: Vec<[f64; 1]> = (0..7_100)
                .map(|row| {
                    let value = draw.uniform(1.0..3.0);
                    let is_active = row >= 100 && draw.chance(active);
                    [if is_active { value } else { 0.0 }]
                })
                .collect();
            let flags = flags(kind, &contamination(0.01), &values, None);
            let share = share(&flags[1_100..]);
            if share > 0.02 {
                wrong.push((kind, active, share));
            }
        }
    }
    assert!(wrong.is_empty(), "kind, active, flagged: {wrong:?}");
}

/// Normal rows; from row 2,000 on 30 % of them 10 deviations away.
fn two_ways<const W: usize>(draw: &mut Draw, n: usize) -> Vec<[f64; W]> {
    let mut rows = wide::<W>(draw, n);
    for row in &mut rows[2_000..] {
        if draw.chance(0.3) {
            row.iter_mut().for_each(|x| *x += 10.0);
        }
    }
    rows
}

#[test]
fn a_second_way_of_running_becomes_normal() {
    let mut wrong = Vec::new();
    let kinds = [
        "auto",
        "zscore",
        "iforest",
        "hst",
        "rcf",
        "knn",
        "lof",
        "copod",
        "ecod",
        "hbos",
        "loda",
        "mahalanobis",
        "pca",
        "ensemble",
    ];
    for kind in kinds {
        let rows = two_ways::<2>(&mut Draw::new("two ways", 1), 12_000);
        let flags = flags(kind, &contamination(0.05), &rows, None);
        // In the long run: some thousand rows go by until the other way is as well known as the first.
        let share = share(&flags[6_000..]);
        if !(0.025..=0.1).contains(&share) {
            wrong.push((kind, share));
        }
    }
    assert!(wrong.is_empty(), "kind, flagged: {wrong:?}");
}

#[test]
fn one_early_outlier_does_not_hide_later_ones() {
    let mut wrong = Vec::new();
    // The isolation forest takes the early one into its first window; it is not held to this yet.
    for kind in ["knn", "mahalanobis", "zscore"] {
        for decision in [
            contamination(0.01),
            contamination(0.02),
            DecisionConfig::default(),
        ] {
            let recall = [true, false].map(|early| {
                let mut draw = Draw::new("early", 3);
                let mut rows = wide::<2>(&mut draw, 4_000);
                let mut outliers = Vec::new();
                for (row, values) in rows.iter_mut().enumerate().skip(1_000) {
                    if draw.chance(0.02) {
                        *values = [15.0 + values[0], 15.0 + values[1]];
                        outliers.push(row);
                    }
                }
                if early {
                    rows[40] = [15.0, 15.0];
                }
                let flags = flags(kind, &decision, &rows, None);
                let found = outliers.iter().filter(|row| flags[**row]).count();
                found as f64 / outliers.len() as f64
            });
            let asked = decision.contamination.unwrap_or(0.0) / 0.02;
            if (recall[0] - recall[1]).abs() > 0.1 || recall[0] < 0.8 * asked {
                wrong.push((kind, decision.contamination, recall));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "kind, contamination, recall with and without: {wrong:?}"
    );
}

#[test]
fn counts_and_codes_are_flagged_no_more_often_than_asked() {
    let counts: fn(&mut Draw) -> f64 = |draw| draw.poisson(3.0);
    let dice: fn(&mut Draw) -> f64 = |draw| draw.whole(1..7) as f64;
    let binary: fn(&mut Draw) -> f64 = |draw| f64::from(u8::from(draw.chance(0.5)));
    let mut wrong = Vec::new();
    for kind in ["lof", "ensemble", "hst", "auto"] {
        for (name, value) in [("counts", counts), ("dice", dice), ("binary", binary)] {
            let mut draw = Draw::new(name, 1);
            let rows: Vec<[f64; 2]> = (0..6_000)
                .map(|_| [value(&mut draw), value(&mut draw)])
                .collect();
            let share = share(&flags(kind, &contamination(0.01), &rows, None)[1_000..]);
            if share > 0.02 {
                wrong.push((kind, name, share));
            }
        }
        let mut draw = Draw::new("three", 1);
        let rows: Vec<[f64; 1]> = (0..6_000).map(|_| [draw.whole(0..3) as f64]).collect();
        let share = share(&flags(kind, &contamination(0.01), &rows, None)[1_000..]);
        if share > 0.02 {
            wrong.push((kind, "0, 1, 2", share));
        }
    }
    assert!(wrong.is_empty(), "kind, data, flagged: {wrong:?}");
}

#[test]
fn identical_rows_are_flagged_by_no_kind() {
    let kinds = willet_core::detectors::KINDS.iter();
    for kind in kinds.filter(|kind| kind.name != "loda") {
        let decision = DecisionConfig::default();
        let flags = flags(kind.name, &decision, &vec![[3.0, 4.0]; 2_000], None);
        assert_eq!(count(&flags), 0, "{}", kind.name);
    }
}

#[test]
fn lof_with_more_equal_rows_than_neighbours_ranks_by_true_distance() {
    let mut draw = Draw::new("plateau", 1);
    let mut values: Vec<f64> = draw.many(1_500, |draw| {
        if draw.chance(0.5) {
            0.1
        } else {
            draw.uniform(0.1..0.2)
        }
    });
    let outliers = [(900, 55.8), (1_050, 73.7), (1_200, 59.8), (1_350, 79.9)];
    for (row, value) in outliers {
        values[row] = value;
    }
    let said = said("lof", &DecisionConfig::default(), &ones(&values), None);
    let mut order: Vec<usize> = (200..1_500).collect();
    order.sort_by(|a, b| {
        said[*b]
            .score
            .partial_cmp(&said[*a].score)
            .expect("numbers")
    });
    let mut first = order[..4].to_vec();
    first.sort_unstable();
    assert_eq!(first, outliers.map(|(row, _)| row));
    assert!(outliers.iter().all(|(row, _)| said[*row].flag));
}

#[test]
fn an_absurd_count_is_the_strangest_row() {
    for seed in 0..20 {
        let mut draw = Draw::new("absurd", seed);
        let mut values = draw.many(4_000, |draw| f64::from(u8::from(draw.chance(0.03))));
        values[3_000] = 1e5;
        let said = said("auto", &DecisionConfig::default(), &ones(&values), None);
        let strangest = (0..4_000).max_by(|a, b| {
            said[*a]
                .score
                .partial_cmp(&said[*b].score)
                .expect("numbers")
        });
        assert_eq!(strangest, Some(3_000), "seed {seed}");
        assert!(said[3_000].flag, "seed {seed}");
    }
}

#[test]
fn the_large_error_count_is_flagged_and_zeros_never_are() {
    for seed in 0..5 {
        let mut draw = Draw::new("mostly zero", seed);
        let mut values = draw.many(4_000, |draw| {
            let count = draw.whole(1..5) as f64;
            if draw.chance(0.032) { count } else { 0.0 }
        });
        values[3_000] = 60.0;
        let flags = default_flags(&values, Some(15 * MINUTE));
        assert!(flags[3_000], "seed {seed}");
        let zeros = (0..4_000).filter(|row| values[*row] == 0.0 && flags[*row]);
        assert_eq!(zeros.count(), 0, "seed {seed}");
    }
}

#[test]
fn where_more_rows_are_far_out_than_asked_for_only_those_are_flagged() {
    let mut wrong = Vec::new();
    for kind in ["lof", "auto", "mahalanobis"] {
        for seed in 0..3 {
            let mut draw = Draw::new("three in a hundred", seed);
            let mut rows = wide::<2>(&mut draw, 8_000);
            for row in &mut rows[500..] {
                if draw.chance(0.03) {
                    row[0] += 20.0 * draw.sign();
                }
            }
            let share = share(&flags(kind, &contamination(0.03), &rows, None)[2_000..]);
            if !(0.015..=0.045).contains(&share) {
                wrong.push((kind, seed, share));
            }
        }
    }
    assert!(wrong.is_empty(), "kind, seed, flagged: {wrong:?}");
}

/// Minutes of a day: 20 at night, a hill from 6 to 18 o'clock.
fn minutes(draw: &mut Draw, days: usize) -> Vec<f64> {
    let row = |row| {
        let hour = (row % 1_440) as f64 / 60.0;
        let hill = (std::f64::consts::PI * (hour - 6.0) / 12.0).max(0.0);
        let hill = if hour < 18.0 { libm::sin(hill) } else { 0.0 };
        20.0 + 200.0 * hill + 3.0 * draw.normal()
    };
    (0..days * 1_440).map(row).collect()
}

#[test]
fn a_value_of_day_in_the_night_is_flagged_at_a_row_a_minute() {
    for seed in 0..3 {
        let mut values = minutes(&mut Draw::new("minutes", seed), 6);
        let nights = [4, 5].map(|day| day * 1_440 + 180);
        for first in nights {
            shift(&mut values[first..first + 15], 130.0);
        }
        let flags = default_flags(&values, Some(MINUTE));
        for first in nights {
            assert!(count(&flags[first..first + 15]) > 0, "seed {seed}");
        }
        let others = count(&flags[3 * 1_440..])
            - nights
                .map(|first| count(&flags[first..first + 20]))
                .iter()
                .sum::<usize>();
        assert!(others <= 5, "seed {seed}: {others} others");
    }
}

#[test]
fn noon_is_not_strange_and_half_the_traffic_is() {
    let mut draw = Draw::new("requests", 1);
    let mut values: Vec<f64> = minutes(&mut draw, 21)
        .iter()
        .map(|mean| draw.poisson(2.0 * mean.max(1.0)))
        .collect();
    let first = 18 * 1_440 + 11 * 60;
    for x in &mut values[first..first + 120] {
        *x = (*x / 2.0).round();
    }
    let flags = default_flags(&values, Some(MINUTE));
    assert!(count(&flags[first..first + 120]) > 0);
    let noons: usize = (6..18)
        .map(|day| count(&flags[day * 1_440 + 660..day * 1_440 + 780]))
        .sum();
    assert!(noons <= 3, "{noons} flags at noon");
}

#[test]
fn healthy_sources_of_two_values_with_a_season_are_left_alone() {
    let mut total = 0;
    for shop in 0..30 {
        let mut draw = Draw::new("shop", shop);
        let orders = wave(&mut draw, 7, 15 * MINUTE, 100.0, 10.0);
        let rows: Vec<[f64; 2]> = orders
            .iter()
            .map(|orders| [*orders, 40.0 + 0.05 * orders + 2.0 * draw.normal()])
            .collect();
        let flags = flags("auto", &DecisionConfig::default(), &rows, Some(15 * MINUTE));
        total += count(&flags[2 * 96..]);
    }
    // One in 1,000 rows of noise.
    assert!(total <= 15, "{total} flags over 30 shops in 5 days");
}

#[test]
fn a_counter_may_begin_anew_and_a_jump_of_it_is_found() {
    let mut draw = Draw::new("counter", 1);
    let mut count = 0.0;
    let values: Vec<f64> = (0..2_000)
        .map(|row| {
            if row == 900 || row == 1_500 {
                count = 0.0;
            }
            count += 500.0 + 15.0 * draw.normal() + if row == 1_800 { 2e4 } else { 0.0 };
            count
        })
        .collect();
    let flags = default_flags(&values, Some(MINUTE));
    assert!(flags[1_800..1_803].contains(&true), "the jump");
    let near = |row: usize| {
        [900, 1_500, 1_800]
            .iter()
            .any(|at| (*at..at + 4).contains(&row))
    };
    let others: Vec<usize> = (0..2_000)
        .filter(|row| flags[*row] && !near(*row))
        .collect();
    assert!(others.len() <= 2, "{others:?}");
}

#[test]
fn noise_a_row_a_second_is_about_one_flag_a_day() {
    let total: usize = (0..3)
        .map(|seed| {
            let values = noise(&mut Draw::new("seconds", seed), DAY as usize);
            count(&default_flags(&values, Some(1)))
        })
        .sum();
    assert!(total <= 6, "{total} in three days");
}

#[test]
fn a_row_of_a_thousand_deviations_is_sure_whatever_share_was_asked_for() {
    for asked in [0.001, 0.01, 0.1] {
        let mut series = series("zscore", 2, &contamination(asked));
        for row in wide::<2>(&mut Draw::new("sure", 1), 20_000) {
            let _ = series.take(&row, None);
        }
        let wild = verdict(&series, &[1_000.0, 1_000.0]);
        assert!(wild.reason.is_some());
        assert!(wild.confidence > 0.95, "{asked}: {}", wild.confidence);
        let six = probability(&series, &[6.0, 6.0]);
        assert!(six <= probability(&series, &[1e12, 1e12]));
    }
}

#[test]
fn confidence_rises_with_the_deviation() {
    for kind in ["auto", "zscore", "iforest", "hst"] {
        let mut series = series(kind, 1, &DecisionConfig::default());
        for x in noise(&mut Draw::new("rises", 2), 2_000) {
            let _ = series.take(&[100.0 + 5.0 * x], None);
        }
        let steps = [140.0, 200.0, 1_000.0].map(|x| probability(&series, &[x]));
        assert!(steps[0] >= 0.85, "{kind}: {steps:?}");
        assert!(steps[1] >= 0.95 && steps[2] >= 0.95, "{kind}: {steps:?}");
        assert!(steps.is_sorted(), "{kind}: {steps:?}");
    }
}

#[test]
fn one_broken_sensor_of_ten_is_not_surely_normal() {
    for kind in ["hbos", "ecod", "copod"] {
        let mut series = series(kind, 10, &DecisionConfig::default());
        for row in wide::<10>(&mut Draw::new("ten", 1), 3_000) {
            let _ = series.take(&row, None);
        }
        let mut row = [0.0; 10];
        row[6] = 30.0;
        let broken = verdict(&series, &row);
        assert!(
            broken.reason.is_some(),
            "{kind}: confidence {}",
            broken.confidence
        );
        assert!(broken.confidence >= 0.95, "{kind}: {}", broken.confidence);
    }
}

#[test]
fn a_value_that_stops_to_come_is_told_with_its_name() {
    for (seed, kind) in
        (0..5).flat_map(|seed| ["auto", "zscore", "iforest", "knn"].map(|kind| (seed, kind)))
    {
        let mut draw = Draw::new("gone", seed);
        let mut rows = wide::<2>(&mut draw, 1_500);
        let gone = draw.whole(1_000..1_200);
        rows[gone..gone + 60]
            .iter_mut()
            .for_each(|row| row[1] = f64::NAN);
        let mut series = series(kind, 2, &DecisionConfig::default());
        let mut told = Vec::new();
        for (row, values) in rows.iter().enumerate() {
            let Answer::Scored(scored) = series.answer(values, Some(row as i64 * MINUTE)) else {
                continue;
            };
            if let Some(reason) = scored.reason.filter(|_| (gone..gone + 60).contains(&row)) {
                told.push((row - gone, reason.sentence(&["left", "right"], values)));
            }
        }
        let sentence = "right has no value for 3 rows, at most 0 before".to_owned();
        assert_eq!(told, [(2, sentence)], "{kind} {seed}");
    }
}

#[test]
fn the_value_blamed_for_a_spike_lies_outside_its_band() {
    let mut wrong = 0;
    let mut spikes = 0;
    for seed in 0..10 {
        let mut draw = Draw::new("blame", seed);
        let mut series = series("auto", 3, &DecisionConfig::default());
        for (i, mut row) in wide::<3>(&mut draw, 3_000).into_iter().enumerate() {
            let which = draw.whole(0..3);
            let is_spike = i > 1_000 && draw.chance(0.001);
            if is_spike {
                row[which] += draw.sign() * 15.0;
            }
            let Answer::Scored(Scored {
                reason: Some(reason),
                ..
            }) = series.answer(&row, None)
            else {
                continue;
            };
            if !is_spike {
                continue;
            }
            spikes += 1;
            let main = reason.explanation.main_feature();
            let inside = reason
                .explanation
                .expected
                .get(which)
                .is_some_and(|band| (band.low..=band.high).contains(&row[which]));
            wrong += usize::from(main != Some(which) || inside);
        }
    }
    assert!(spikes >= 10 && wrong == 0, "{wrong} of {spikes}");
}

#[test]
fn the_most_ordinary_row_scores_low_whatever_share_is_asked_for() {
    let rows = wide::<2>(&mut Draw::new("strictly", 1), 3_000);
    for asked in [0.02, 0.1] {
        let mut series = series("hbos", 2, &contamination(asked));
        let mut scores: Vec<(f64, f64)> = Vec::new();
        for row in &rows {
            let _ = series.take(row, None);
        }
        for row in &rows {
            let scored = verdict(&series, row);
            scores.push((scored.score, scored.anomaly_score));
            if scores.len() == 200 {
                break;
            }
        }
        scores.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ordinary = scores[0].1;
        assert!(
            ordinary < 0.5,
            "{asked}: the most ordinary row has {ordinary}"
        );
    }
}

/// Who asks for a share flags values within three deviations; the band shown is the one that the row was judged by.
#[test]
fn a_value_flagged_for_a_share_lies_outside_the_band_that_is_shown() {
    for kind in ["zscore", "auto", "iforest", "hst", "knn", "mahalanobis"] {
        let mut draw = Draw::new("share", 1);
        let mut series = series(kind, 1, &contamination(0.1));
        let (mut within, mut flagged) = (0, 0);
        for x in noise(&mut draw, 4_000) {
            let Answer::Scored(scored) = series.answer(&[x], None) else {
                continue;
            };
            let Some(reason) = scored.reason else {
                continue;
            };
            flagged += 1;
            let band = reason.explanation.expected.first();
            let is_within = band.is_some_and(|band| (band.low..=band.high).contains(&x));
            within +=
                usize::from(is_within && !reason.sentence(&["x"], &[x]).contains("the course"));
        }
        assert!(
            flagged > 200 && within == 0,
            "{kind}: {within} of {flagged}"
        );
    }
}

/// However large a reading is, a larger one is stranger.
#[test]
fn a_score_never_falls_with_the_size() {
    for kind in ["auto", "zscore", "iforest", "knn", "seasonal", "hst"] {
        let mut draw = Draw::new("size", 3);
        let mut series = series(kind, 1, &DecisionConfig::default());
        for x in noise(&mut draw, 1_500) {
            _ = series.take(&[x], None);
        }
        let sizes = (1..=40).map(|step| 8.0 * (1_u64 << step) as f64);
        let scores: Vec<f64> = sizes
            .map(|x| verdict(&series, &[x]).anomaly_score)
            .collect();
        assert!(
            scores.windows(2).all(|pair| pair[1] > pair[0]),
            "{kind}: {scores:?}"
        );
    }
}

/// A few blips of noise must not make a spike one that comes back.
#[test]
fn spikes_after_blips_are_each_found() {
    for kind in ["auto", "zscore", "hbos", "loda", "iforest"] {
        for seed in 0..5 {
            let mut draw = Draw::new("blips", seed);
            let mut values = noise(&mut draw, 1_600);
            for blip in [900, 950, 1_000, 1_050] {
                values[blip] = 6.5;
            }
            let spikes = [1_200, 1_220, 1_240];
            spikes.iter().for_each(|spike| values[*spike] = -54.0);
            let flags = flags(kind, &DecisionConfig::default(), &ones(&values), None);
            assert!(spikes.iter().all(|spike| flags[*spike]), "{kind} {seed}");
        }
    }
}

/// The row and the few behind it hold a flag.
fn is_found(flags: &[bool], row: usize) -> bool {
    flags[row..row + 3].contains(&true)
}

#[test]
fn between_two_ways_of_running_and_beyond_them_is_strange() {
    for kind in ["auto", "zscore", "iforest", "knn", "hst", "mahalanobis"] {
        for seed in 0..3 {
            let mut draw = Draw::new("modes", seed);
            let mut values = noise(&mut draw, 4_000);
            for value in &mut values {
                *value += if draw.chance(0.4) { 100.0 } else { 0.0 };
            }
            let odd = [(3_000, 50.0), (3_300, 200.0), (3_600, -100.0)];
            odd.iter().for_each(|(row, x)| values[*row] = *x);
            let flags = flags(kind, &DecisionConfig::default(), &ones(&values), None);
            for (row, x) in odd {
                assert!(is_found(&flags, row), "{kind} {seed}: {x}");
            }
        }
    }
}

#[test]
fn a_machine_that_switches_on_and_off_is_normal_and_an_overload_is_not() {
    for seed in 0..4 {
        let mut draw = Draw::new("on and off", seed);
        let (mut values, mut is_on) = (Vec::new(), false);
        while values.len() < 6_000 {
            let rows = draw.whole(30..120);
            let (level, spread) = if is_on { (150.0, 4.0) } else { (10.0, 0.5) };
            values.extend(noise(&mut draw, rows).iter().map(|x| level + spread * x));
            is_on = !is_on;
        }
        let on = |from: usize| {
            let rows = from..values.len();
            rows.clone()
                .find(|row| values[row - 3..=row + 3].iter().all(|x| *x > 100.0))
                .expect("it is on")
        };
        let odd = [(on(3_000), 250.0), (on(3_600), 400.0), (on(4_200), 80.0)];
        odd.iter().for_each(|(row, x)| values[*row] = *x);
        let flags = default_flags(&values, None);
        for (row, x) in odd {
            assert!(is_found(&flags, row), "{seed}: {x}");
        }
        let healthy = count(&flags[1_500..]) - odd.len();
        assert!(healthy <= 3, "{seed}: {healthy} flags");
    }
}

#[test]
fn a_code_for_no_value_does_not_hide_a_spike() {
    for code in [-999.0, 65_535.0] {
        let mut values = noise(&mut Draw::new("codes", 1), 5_000);
        shift(&mut values, 50.0);
        for row in [500, 1_200, 2_100, 2_800, 3_500] {
            values[row] = code;
        }
        // On the other side of the codes.
        let spike = if code < 0.0 { 75.0 } else { 25.0 };
        values[4_200] = spike;
        assert!(is_found(&default_flags(&values, None), 4_200), "{code}");
    }
}

#[test]
fn no_normal_row_behind_a_spike_on_a_trend_is_flagged() {
    let mut behind = 0;
    for seed in 0..12 {
        let mut draw = Draw::new("trend", seed);
        let mut values = noise(&mut draw, 3_200);
        for (row, value) in values.iter_mut().enumerate() {
            *value += 0.05 * row as f64;
        }
        let spike = if draw.chance(0.5) { 40.0 } else { -40.0 };
        values[3_000] += spike;
        let flags = default_flags(&values, None);
        assert!(is_found(&flags, 3_000), "{seed}");
        behind += count(&flags[3_003..]);
    }
    assert!(behind <= 2, "{behind} flags behind twelve spikes");
}

/// Hours of work on weekdays, rows every `step` seconds.
fn office(draw: &mut Draw, days: i64, step: i64) -> Vec<f64> {
    let rows = days * DAY / step;
    (0..rows)
        .map(|row| {
            let (day, second) = (row * step / DAY, row * step % DAY);
            let works = day % 7 < 5 && (9 * 3_600..17 * 3_600).contains(&second);
            (if works { 200.0 } else { 20.0 }) + 4.0 * draw.normal()
        })
        .collect()
}

#[test]
fn a_weekday_is_compared_with_weekdays_at_any_step() {
    for step in [5 * MINUTE, 15 * MINUTE, 60 * MINUTE] {
        let mut found = 0;
        for seed in 0..3 {
            let mut values = office(&mut Draw::new("office", seed), 65, step);
            let at = |day: i64, hour: i64| ((day * DAY + hour * 3_600) / step) as usize;
            // A dead noon on a Wednesday, a Thursday's night that works, a Saturday that does.
            let odd = [(at(44, 12), 22.0), (at(52, 3), 198.0), (at(61, 12), 200.0)];
            for (row, x) in odd {
                values[row..row + (3_600 / step) as usize].fill(x);
            }
            let flags = default_flags(&values, Some(step));
            found += odd.iter().filter(|(row, _)| is_found(&flags, *row)).count();
        }
        assert!(found >= 6, "a row in {step} s: {found} of 9");
    }
}

#[test]
fn a_rhythm_is_found_again_where_rows_come_at_another_pace() {
    for (before, after) in [(MINUTE, 5 * MINUTE), (5 * MINUTE, MINUTE)] {
        let mut draw = Draw::new("pace", 1);
        let times = (0..7 * DAY / before).map(|row| row * before);
        let times = times.chain((0..7 * DAY / after).map(|row| 7 * DAY + row * after));
        let mut series = series("auto", 1, &DecisionConfig::default());
        let odd = 12 * DAY + 18 * 3_600..12 * DAY + 19 * 3_600;
        let (mut found, mut false_ones) = (false, 0);
        for time in times {
            let angle = time as f64 / DAY as f64 * std::f64::consts::TAU;
            let mut value =
                100.0 + 50.0 * cos(angle - std::f64::consts::FRAC_PI_2) + 3.0 * draw.normal();
            if odd.contains(&time) {
                value += 60.0;
            }
            let flag = series.take(&[value], Some(time)).flag;
            found |= flag && odd.contains(&time);
            false_ones += u32::from(flag && (7 * DAY..odd.start).contains(&time));
        }
        assert!(found, "{before} s, then {after} s");
        assert!(false_ones <= 5, "{before} s, then {after} s: {false_ones}");
    }
}

#[test]
fn a_sensor_that_stands_still_is_told_at_any_pace() {
    for step in [1, 2, 60] {
        let mut draw = Draw::new("stuck", step as u64);
        let mut rows: Vec<[f64; 2]> = wide(&mut draw, 3_600);
        let held = rows[2_999][1];
        rows[3_000..].iter_mut().for_each(|row| row[1] = held);
        let flags = flags("auto", &DecisionConfig::default(), &rows, Some(step));
        assert!(count(&flags[3_000..3_200]) > 0, "a row each {step} s");
    }
}

#[test]
fn what_was_constant_and_then_lives_is_normal_soon_and_its_spike_is_found() {
    for seed in 0..6 {
        let mut draw = Draw::new("commissioned", seed);
        let (constant, level, sigma) = [(0.0, 50.0, 1.0), (20.0, 21.0, 0.3)][seed as usize % 2];
        let mut values = vec![constant; 500];
        values.extend(noise(&mut draw, 3_500).iter().map(|x| level + sigma * x));
        values[3_000] = level + 30.0 * sigma;
        for kind in ["auto", "zscore", "iforest"] {
            let flags = flags(kind, &DecisionConfig::default(), &ones(&values), None);
            assert!(flags[3_000], "{kind} seed {seed}");
            let others = count(&flags[700..]) - 1;
            assert!(others <= 4, "{kind} seed {seed}: {others} others");
        }
    }
}

#[test]
fn what_lies_elsewhere_soon_after_a_shift_is_told_whatever_was_told_of_the_shift() {
    const SHIFT: usize = 2_000;
    for seed in 0..4 {
        let mut draw = Draw::new("in the shadow of a shift", seed);
        let quiet = noise(&mut draw, 3_000);
        for (by, off) in [(20.0, -36.0), (20.0, 24.0), (-30.0, 60.0), (40.0, 100.0)] {
            for after in [20, 30, 60, 100, 130] {
                let mut values: Vec<f64> = quiet.iter().map(|x| 100.0 + x).collect();
                shift(&mut values[SHIFT..], by);
                let at = SHIFT + after + draw.whole(0..5);
                shift(&mut values[at..at + 3], off);
                for kind in ["auto", "zscore"] {
                    let flags = flags(kind, &DecisionConfig::default(), &ones(&values), None);
                    let what = format!("{kind} seed {seed}: {off} at {after} after {by}");
                    assert!(count(&flags[SHIFT..SHIFT + 10]) > 0, "{what}: no shift");
                    assert!(count(&flags[at..at + 3]) > 0, "{what}: not told");
                    let others = count(&flags[SHIFT..]) - count(&flags[at..at + 3]);
                    assert!(others <= 8, "{what}: {others} others");
                }
            }
        }
    }
}

#[test]
fn one_step_of_a_coarse_sensor_is_never_critical() {
    for seed in 0..4 {
        let mut draw = Draw::new("fridge in tenths", seed);
        let (mut level, mut is_cooling) = (4.0, false);
        let quiet = noise(&mut draw, 40_000);
        let values: Vec<f64> = quiet
            .chunks(2)
            .map(|noise| {
                is_cooling = if is_cooling { level > 3.0 } else { level > 5.0 };
                level += 0.05 + 0.005 * noise[0] - if is_cooling { 0.12 } else { 0.0 };
                ((level + 0.05 * noise[1]) * 10.0).round() / 10.0
            })
            .collect();
        let said = said("auto", &DecisionConfig::default(), &ones(&values), Some(60));
        let above_low = said[7_500..]
            .iter()
            .filter(|said| said.flag && said.score >= Some(0.86))
            .count();
        assert!(
            above_low <= 1,
            "seed {seed}: {above_low} above `low` in nine days"
        );
    }
}

#[test]
fn a_job_of_each_night_is_normal_at_a_row_a_minute() {
    for seed in 0..2 {
        let mut draw = Draw::new("night job", seed);
        let mut values: Vec<f64> = noise(&mut draw, 20 * 1_440)
            .iter()
            .map(|x| 10.0 + x)
            .collect();
        for day in 0..20 {
            let first = day * 1_440 + 120;
            shift(&mut values[first..first + [30, 5][seed as usize]], 60.0);
        }
        let flags = default_flags(&values, Some(MINUTE));
        let later = count(&flags[10 * 1_440..]);
        assert!(later <= 5, "seed {seed}: {later} flags in ten days");
    }
}

#[test]
fn the_night_without_its_job_is_told_at_any_step_and_length() {
    for (step, rows, days) in [
        (3_600, 1, 40),
        (900, 1, 30),
        (900, 4, 30),
        (600, 1, 24),
        (600, 3, 24),
        (300, 1, 24),
        (300, 3, 24),
        (300, 6, 24),
        (120, 3, 20),
        (60, 5, 20),
        (60, 20, 20),
    ] {
        for (seed, height) in [(0, 40.0), (1, -40.0), (2, 200.0)] {
            let mut draw = Draw::new("missing job", seed);
            let day = (DAY / step) as usize;
            let mut values: Vec<f64> = noise(&mut draw, days * day);
            let begin = |night: usize| night * day + day / 12;
            let last = days - 2;
            for night in (0..days).filter(|night| *night != last) {
                let first = begin(night);
                shift(&mut values[first..first + rows], height);
            }
            let flags = default_flags(&values, Some(step));
            // Half an hour after it should be over at the latest.
            let due = begin(last)..begin(last) + rows + (1_800 / step).max(1) as usize;
            let what = format!("{rows} rows of {step} s, {height} high");
            assert!(count(&flags[due.clone()]) > 0, "{what}: not told");
            let usual = count(&flags[begin(last - 6)..begin(last)]);
            assert!(usual <= 3, "{what}: {usual} flags in six usual days");
        }
    }
}

#[test]
fn a_job_that_comes_ten_minutes_early_or_late_is_not_missing() {
    for seed in 0..3 {
        let mut draw = Draw::new("early or late", seed);
        let mut values: Vec<f64> = noise(&mut draw, 30 * 288);
        for night in 0..30 {
            let off = draw.whole(0..3);
            let first = night * 288 + 23 + off;
            shift(&mut values[first..first + 4], 60.0);
        }
        let flags = default_flags(&values, Some(300));
        let later = count(&flags[12 * 288..]);
        assert!(later <= 6, "seed {seed}: {later} flags in eighteen days");
    }
}

#[test]
fn a_row_whose_values_do_not_add_up_is_found() {
    for seed in 0..4 {
        let mut draw = Draw::new("sum", seed);
        let mut rows: Vec<[f64; 4]> = (0..4_000)
            .map(|_| {
                let [a, b, c]: [f64; 3] =
                    std::array::from_fn(|_| 20.0 + 10.0 * draw.normal().abs());
                [a, b, c, a + b + c]
            })
            .collect();
        rows[3_000][3] += if rows[3_000][3] < 84.0 { 25.0 } else { -25.0 };
        let flags = flags("auto", &DecisionConfig::default(), &rows, None);
        assert!(flags[3_000], "seed {seed}");
        assert!(
            count(&flags[500..]) <= 6,
            "seed {seed}: {}",
            count(&flags[500..])
        );
    }
}

#[test]
fn between_ways_of_running_in_any_order_is_strange() {
    let cases: [(&[f64], f64, f64); 4] = [
        (&[0.0, 100.0], 5.0, 50.0),
        (&[10.0, 50.0, 200.0], 1.0, 120.0),
        (&[10.0, 50.0, 200.0], 1.0, 30.0),
        (&[10.0, 50.0, 200.0, 400.0], 1.0, 300.0),
    ];
    for (levels, sigma, between) in cases {
        for seed in 0..3 {
            let mut draw = Draw::new("modes in any order", seed);
            let mut values: Vec<f64> = (0..3_000)
                .map(|_| draw.pick(levels) + sigma * draw.normal())
                .collect();
            values[2_500] = between;
            let flags = default_flags(&values, None);
            assert!(flags[2_500], "{between} between {levels:?}, seed {seed}");
            let others = count(&flags[500..]) - 1;
            assert!(others <= 6, "{levels:?}, seed {seed}: {others} others");
        }
    }
}

#[test]
fn nothing_is_flagged_behind_a_dip_though_a_slope_came_long_before() {
    for seed in 0..4 {
        let mut draw = Draw::new("slope and dip", seed);
        let mut values: Vec<f64> = noise(&mut draw, 6_000)
            .iter()
            .enumerate()
            .map(|(i, x)| (i as f64 / 15.0).min(100.0) + 0.3 * x)
            .collect();
        values[5_000] = 90.0;
        let flags = default_flags(&values, Some(MINUTE));
        assert!(flags[5_000], "seed {seed}");
        assert!(count(&flags[5_001..5_200]) == 0, "seed {seed}");
    }
}
