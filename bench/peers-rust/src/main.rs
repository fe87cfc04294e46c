//! Detectors of other crates on the rows of `willet-core`'s example `speed`: `peers-rust [NAME]` prints one line for each whose
//! name begins so, `name rows-a-core-second bytes` (the most that it held at once); `peers-rust rows` prints the rows as CSV.
//!
//! Each is set as the line of ours that stands beside it in `docs/speed.md`, scores a row and then learns it.

use extended_isolation_forest::{Forest as IsolationForest, ForestOptions};
use irithyll::anomaly::hst::{HSTConfig, HalfSpaceTree};
use rcf3::{Forest as RandomCutForest, OnlineIForest};
use willet_core::random::Random;

const WIDTH: usize = 10;
const ROWS: usize = 10_000;
/// Rows after which a forest that cannot learn is grown anew, and the rows it is grown from.
const WINDOW: usize = 1_000;
/// Core seconds of measuring each.
const SECONDS: f64 = 1.5;

type Row = [f64; WIDTH];

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let rows = rows();
    if wanted == "rows" {
        for row in rows {
            println!("{}", row.map(|x| x.to_string()).join(","));
        }
        return;
    }
    let narrow: Vec<[f32; WIDTH]> = rows.iter().map(|row| row.map(|x| x as f32)).collect();
    let measure = |name: &str, run: &dyn Fn(&dyn Fn() -> bool) -> usize| {
        if name.starts_with(&wanted) {
            let mut rate = 0.0;
            let held = allocation_counter::measure(|| rate = rate_of(run));
            println!("{name} {rate:.0} {}", held.bytes_max);
        }
    };

    for depth in [15, 8] {
        measure(&format!("irithyll-hst-25x{depth}"), &|goes_on| {
            let config = HSTConfig::new(WIDTH).n_trees(25).max_depth(depth);
            // Told where its features lie, as ours finds out by itself.
            let mut trees = HalfSpaceTree::with_ranges(config, &[(-2.0, 2.0); WIDTH]);
            until(goes_on, &rows, |row| trees.score_and_update(row).score)
        });
    }
    measure("rcf3-50x256", &|goes_on| {
        let mut forest = RandomCutForest::builder(WIDTH)
            .num_trees(50)
            .capacity(256)
            .seed(1)
            .build()
            .expect("sound settings");
        until(goes_on, &narrow, |row| {
            let score = forest.score(row).expect("the width");
            forest.update(row).expect("the width");
            score
        })
    });
    measure("rcf3-online-iforest-100", &|goes_on| {
        let mut forest = OnlineIForest::builder(WIDTH)
            .num_trees(100)
            .window_size(WINDOW)
            .seed(1)
            .build()
            .expect("sound settings");
        until(goes_on, &narrow, |row| {
            let score = forest.score(row).expect("the width");
            forest.update(row).expect("the width");
            score
        })
    });
    let grow = |rows: &[Row]| {
        let options = ForestOptions {
            n_trees: 100,
            sample_size: 256,
            max_tree_depth: None,
            extension_level: 0,
        };
        IsolationForest::from_slice(rows, &options).expect("enough rows")
    };
    measure("extended-isolation-forest-100x256", &|goes_on| {
        let mut forest = grow(&rows[..WINDOW]);
        let mut seen = 0;
        until(goes_on, &rows, |row| {
            let score = forest.score(row);
            seen += 1;
            if seen % WINDOW == 0 {
                let last = (seen - 1) % ROWS + 1;
                forest = grow(&rows[last - WINDOW..last]);
            }
            score
        })
    });
    measure("extended-isolation-forest-100x256-score", &|goes_on| {
        let forest = grow(&rows[..WINDOW]);
        until(goes_on, &rows, |row| forest.score(row))
    });
}

/// The rows of the example `speed`.
fn rows() -> Vec<Row> {
    let mut random = Random::new(1);
    let mut normal = || (0..4).map(|_| random.unit()).sum::<f64>() - 2.0;
    (0..ROWS)
        .map(|_| std::array::from_fn(|_| normal()))
        .collect()
}

/// Passes over the rows while it may go on; the rows done.
fn until<R>(goes_on: &dyn Fn() -> bool, rows: &[R], mut score: impl FnMut(&R) -> f64) -> usize {
    let mut done = 0;
    while goes_on() {
        for row in rows {
            std::hint::black_box(score(row));
        }
        done += rows.len();
    }
    done
}

/// Rows a core second, the first pass (its warm-up) left out.
fn rate_of(run: &dyn Fn(&dyn Fn() -> bool) -> usize) -> f64 {
    let (passes, begun) = (std::cell::Cell::new(0), std::cell::Cell::new(0.0));
    let done = run(&|| {
        passes.set(passes.get() + 1);
        if passes.get() == 2 {
            begun.set(core_seconds());
        }
        passes.get() <= 2 || core_seconds() - begun.get() < SECONDS
    });
    (done - ROWS) as f64 / (core_seconds() - begun.get())
}

/// Seconds that this process had a core, as Linux counts them.
fn core_seconds() -> f64 {
    let counted = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = counted
        .split(' ')
        .next()
        .and_then(|n| n.parse::<f64>().ok());
    nanos.unwrap_or_default() / 1e9
}
