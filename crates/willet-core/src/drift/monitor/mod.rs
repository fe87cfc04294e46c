mod history;
mod movement;

use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, FeatureDrift, Input, Level, Reading};
use crate::error::ConfigError;
use history::{BLOCK, Cut, History, Scale, View, Workspace};

crate::settings! {
    /// Settings of [`Monitor`].
    pub(super) struct MonitorConfig {
        /// How much evidence it asks for, as a multiple of what keeps false alarms below about one in 10,000 rows of series whose neighbours are alike.
        strictness: f64 = 1.0, 0.25..=10.0;
        /// Magnitude from which on a drift is told: a smaller change is watched until it has grown so large, and is a warning until then.
        least: f64 = 0.0, 0.0..=1.0;
    }
}

/// The default: sees changes of middle, spread and shape of values, of the rate of a 0/1 series, and of how features go together; knows
/// that neighbours in a series are alike.
///
/// Of every 4th of the first 256 rows the values of each feature are kept as its reference. Each later value becomes its rank among these, and
/// the rank four channels: Legendre's polynomials of it, which move with middle, spread, skew and tails (Neyman's smooth test); of two
/// features the product of their first channels moves with their correlation. Ranks are bounded: heavy tails do no harm. The means of the
/// channels before and after every cut of the past are compared, at cuts 16 values old, 24, 32, 48, ..., after every 8th row. How much such means
/// may move is their long-run variance, estimated from the series itself (see [`movement::Movement`]); the bound is for all cuts,
/// channels and looks. A series of two values has the rate of one of them as its channel, compared by the likelihood ratio with a bound
/// for each scale; so has a constant.
///
/// The magnitude is how far apart what came before and after the cut lie, as shares: of the middle, how much more often a new value is
/// above an old one than below (2·AUC − 1; a shift of 1σ is 0.5, of 2σ 0.8); of spread and shape, the share of what the channel can
/// reach; of a pair, how much its rank correlation moved; of a rate, the difference.
///
/// After a drift it begins anew with the next row: 256 rows of reference, then 272 before the first look. What it knows of the likeness of neighbours
/// stays.
///
/// # References
/// Neyman, "Smooth Test for Goodness of Fit", Skandinavisk Aktuarietidskrift 1937; Bifet, Gavaldà, "Learning from Time-Changing Data with
/// Adaptive Windowing", SDM 2007 (the buckets); Flegal, Jones, "Batch Means and Spectral Variance Estimators in Markov Chain Monte Carlo",
/// Annals of Statistics 2010 (the variance).
#[derive(Debug)]
pub(super) struct Monitor {
    config: MonitorConfig,
    width: usize,
    /// Features whose products are looked at.
    pairs: Vec<(u16, u16)>,
    /// Largest value that each channel can have.
    extremes: Vec<f32>,
    state: State,
    channels: Vec<f32>,
    space: Workspace,
}

/// Saved as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    phase: Phase,
    /// While learning the rows so far; then of each feature the sorted values.
    reference: Vec<f64>,
    /// What has been since the last drift; while learning only what is known of likeness.
    history: Option<History>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Phase {
    /// Gathering the reference; so many rows came.
    Learning(u16),
    /// Comparing ranks.
    Ranks,
    /// Comparing rates: there are these two values, or one.
    Rates(f64, f64),
}

/// Values of each feature that ranks are taken among.
const REFERENCE: usize = 64;
/// Of so many rows one goes into the reference: neighbours that are alike make a poor one.
const EVERY: usize = 4;
/// Pairs of features that are looked at: all up to 11 features, then neighbours and those a few apart, about two for each feature.
const PAIRS: usize = 64;
/// Channels of a feature.
const EACH: usize = 4;
/// Share of the bound at which a warning is given.
const WARNING: f64 = 0.7;

/// Legendre's polynomials of a rank in -1..=1, each of variance 1 over all ranks.
fn polynomials(t: f32) -> [f32; EACH] {
    let s = t * t;
    [
        1.732_050_8 * t,
        1.118_034 * (3.0 * s - 1.0),
        1.322_875_7 * t * (5.0 * s - 3.0),
        0.375 * (35.0 * s * s - 30.0 * s + 3.0),
    ]
}

/// Their largest values, at rank 1.
const EXTREMES: [f32; EACH] = [1.732_050_8, 2.236_068, 2.645_751_3, 3.0];
/// How far below 0 they can be: of the second at rank 0, of the fourth at √(3/7).
const LOWEST: [f32; EACH] = [1.732_050_8, 1.118_034, 2.645_751_3, 1.285_714_3];

impl State {
    const NEW: Self = Self {
        phase: Phase::Learning(0),
        reference: Vec::new(),
        history: None,
    };
}

fn pairs(width: usize) -> Vec<(u16, u16)> {
    let steps = (1..width).flat_map(|step| (0..width - step).map(move |at| (at, at + step)));
    steps
        .map(|(a, b)| (a as u16, b as u16))
        .take(PAIRS.max(2 * width))
        .collect()
}

impl Monitor {
    fn learn(&mut self, row: &[f64], place: u16) {
        let place = usize::from(place) + 1;
        let reference = &mut self.state.reference;
        if place.is_multiple_of(EVERY) {
            reference.extend_from_slice(row);
        }
        if place < REFERENCE * EVERY {
            self.state.phase = Phase::Learning(place as u16);
            return;
        }
        let rows = std::mem::take(reference);
        reference.reserve_exact(rows.len());
        for feature in 0..self.width {
            let from = reference.len();
            reference.extend(rows.iter().skip(feature).step_by(self.width));
            reference[from..].sort_unstable_by(f64::total_cmp);
        }
        let (low, high) = (reference[0], reference[REFERENCE - 1]);
        let is_binary = self.width == 1 && reference.iter().all(|x| *x == low || *x == high);
        let channels = if is_binary {
            self.state.phase = Phase::Rates(low, high);
            2
        } else {
            self.state.phase = Phase::Ranks;
            self.extremes.len()
        };
        match &mut self.state.history {
            Some(history) if history.channels() == channels => history.begin_anew(),
            history => *history = Some(History::new(channels)),
        }
    }

    /// Makes the row's channels and says how many there are.
    fn fill_channels(&mut self, row: &[f64]) -> usize {
        let one_if = |holds: bool| if holds { 1.0 } else { 0.0 };
        if let Phase::Rates(low, high) = self.state.phase {
            let x = row[0];
            self.channels[0] = one_if(if low == high {
                x != low
            } else {
                x > f64::midpoint(low, high)
            });
            // Values that were not there before are a change even where the rate stays.
            self.channels[1] = one_if(x != low && x != high);
            return 2;
        }
        let references = self.state.reference.chunks_exact(REFERENCE);
        let features = self.channels.chunks_exact_mut(EACH);
        for ((sorted, x), out) in references.zip(row).zip(features) {
            let below = sorted.partition_point(|y| y < x);
            let equal = sorted[below..].iter().take_while(|y| *y == x).count();
            let place = (2 * below + equal) as f32;
            let rank = (place - REFERENCE as f32) * (1.0 / (REFERENCE as f32 + 1.0));
            out.copy_from_slice(&polynomials(rank));
        }
        let (features, products) = self.channels.split_at_mut(EACH * self.width);
        for ((a, b), out) in self.pairs.iter().zip(products) {
            *out = features[EACH * usize::from(*a)] * features[EACH * usize::from(*b)];
        }
        self.channels.len()
    }

    fn magnitude(&self, scale: Scale, cut: &Cut) -> f64 {
        let reach = match scale {
            Scale::Ranks if cut.channel < EACH * self.width => {
                let reach = if cut.apart > 0.0 { EXTREMES } else { LOWEST };
                f64::from(reach[cut.channel % EACH])
            }
            // A rate; and three times the mean product of ranks is their correlation, which is what the product of two channels is.
            Scale::Rates | Scale::Ranks => 1.0,
        };
        (cut.apart.abs() / reach).min(1.0)
    }

    /// The channels of what reaches the bound at the strongest cut, and of the strongest itself, each with the change as it is now.
    ///
    /// A cut is dated to about a third of its age, so of what came after it the newest two thirds are surely new: the means of these are
    /// compared with those from before the cut. All of it would make a large change that was seen at once look small.
    fn changed(&mut self, scale: Scale, best: &Cut, bound: f64) -> Vec<Cut> {
        let view = View {
            scale,
            ranks: EACH * self.width,
            extremes: &self.extremes,
        };
        let Some(history) = &self.state.history else {
            return vec![*best];
        };
        let mut cuts = Vec::new();
        history.at_cut(view, best.after, &mut self.space, |cut| cuts.push(cut));
        let surely = history.cut_within(best.after * 2 / 3);
        history.at_cut(view, surely, &mut self.space, |newest| {
            let cut = &mut cuts[newest.channel];
            cut.apart += newest.new - cut.new;
        });
        // A feature's four are one: what shows in their sum need not reach the bound in any.
        let part = |channel: usize| match scale {
            Scale::Ranks if channel < view.ranks => channel / EACH,
            _ => channel + view.ranks,
        };
        let guilty: Vec<usize> = cuts
            .iter()
            .filter(|cut| cut.ratio >= bound || cut.channel == best.channel)
            .map(|cut| part(cut.channel))
            .collect();
        cuts.retain(|cut| guilty.contains(&part(cut.channel)));
        cuts
    }

    /// The largest change: of the values themselves where one of them shows it, else of how they go together.
    fn size(&self, scale: Scale, cuts: &[Cut]) -> f64 {
        let largest = |of_values: bool| {
            cuts.iter()
                .filter(|cut| {
                    scale == Scale::Rates || (cut.channel < EACH * self.width) == of_values
                })
                .map(|cut| self.magnitude(scale, cut))
                .reduce(f64::max)
        };
        largest(true).or_else(|| largest(false)).unwrap_or(0.0)
    }

    /// Names the features whose channels changed.
    fn blame(&self, scale: Scale, cuts: &[Cut], guilty: &mut Vec<FeatureDrift>) {
        for cut in cuts {
            let of_features = match scale {
                Scale::Rates => [0, 0],
                Scale::Ranks if cut.channel < EACH * self.width => [cut.channel / EACH; 2],
                Scale::Ranks => {
                    let (a, b) = self.pairs[cut.channel - EACH * self.width];
                    [usize::from(a), usize::from(b)]
                }
            };
            let magnitude = self.magnitude(scale, cut);
            for feature in of_features {
                let statistic = cut.squares.sqrt();
                match guilty.iter_mut().find(|known| known.feature == feature) {
                    Some(known) if known.magnitude >= magnitude => {}
                    Some(known) => (known.statistic, known.magnitude) = (statistic, magnitude),
                    None => guilty.push(FeatureDrift {
                        feature,
                        statistic,
                        p_value: None,
                        magnitude,
                    }),
                }
            }
        }
    }
}

impl Algorithm for Monitor {
    const NAME: &'static str = "monitor";
    const ALIASES: &'static [&'static str] = &["auto"];
    const SUMMARY: &'static str = "the default: middle, spread, shape, rates and correlations; knows that neighbours are alike";
    const PAPER: &'static str =
        "Neyman 1937; Bifet, Gavaldà, SDM 2007; Flegal, Jones, Ann. Stat. 2010";
    const INPUT: Input = Input::Values;
    const STATE_VERSION: u16 = 1;
    type Config = MonitorConfig;
    type State = State;

    fn new(config: &MonitorConfig, width: usize, _seed: u64) -> Result<Self, ConfigError> {
        let pairs = pairs(width);
        let mut extremes: Vec<f32> = (0..width).flat_map(|_| EXTREMES).collect();
        extremes.extend(pairs.iter().map(|_| EXTREMES[0] * EXTREMES[0]));
        Ok(Self {
            config: config.clone(),
            width,
            channels: vec![0.0; extremes.len()],
            pairs,
            extremes,
            state: State::NEW,
            space: Workspace::default(),
        })
    }

    fn update_row(&mut self, row: &[f64], guilty: &mut Vec<FeatureDrift>) -> Reading {
        let scale = match self.state.phase {
            Phase::Learning(place) => {
                self.learn(row, place);
                return Reading::NONE;
            }
            Phase::Ranks => Scale::Ranks,
            Phase::Rates(..) => Scale::Rates,
        };
        let used = self.fill_channels(row);
        let Some(history) = &mut self.state.history else {
            return Reading::NONE;
        };
        if !history.push(&self.channels[..used], &mut self.space) {
            return Reading::NONE;
        }
        let view = View {
            scale,
            ranks: EACH * self.width,
            extremes: &self.extremes,
        };
        let Some(cut) = history.strongest_cut(view, &mut self.space) else {
            return Reading::NONE;
        };
        let ratio = cut.ratio / self.config.strictness;
        let statistic = cut.squares.sqrt();
        if ratio <= WARNING {
            return Reading::quiet(statistic, self.magnitude(scale, &cut));
        }
        let bound = if ratio > 1.0 { 1.0 } else { WARNING };
        let cuts = self.changed(scale, &cut, bound * self.config.strictness);
        let magnitude = self.size(scale, &cuts);
        let level = if ratio > 1.0 && magnitude >= self.config.least {
            Level::Drift
        } else {
            Level::Warning
        };
        self.blame(scale, &cuts, guilty);
        if level == Level::Drift {
            self.state.phase = Phase::Learning(0);
            self.state.reference.clear();
        }
        Reading {
            level,
            statistic,
            p_value: None,
            magnitude,
            age: Some(cut.after * BLOCK as u64),
        }
    }

    fn reset(&mut self) {
        self.state = State::NEW;
    }

    fn heap_bytes(&self) -> usize {
        self.pairs.capacity() * size_of::<(u16, u16)>()
            + (self.extremes.capacity() + self.channels.capacity()) * size_of::<f32>()
            + self.state.reference.capacity() * size_of::<f64>()
            + self.state.history.as_ref().map_or(0, History::heap_bytes)
            + self.space.heap_bytes()
    }

    fn save(&self) -> State {
        self.state.clone()
    }

    fn restore(
        config: &MonitorConfig,
        width: usize,
        seed: u64,
        state: State,
    ) -> Result<Self, String> {
        let mut restored = Self::new(config, width, seed).map_err(|error| error.to_string())?;
        let all = restored.extremes.len();
        let (rows, channels) = match state.phase {
            Phase::Learning(place) if usize::from(place) >= REFERENCE * EVERY => {
                return Err("it learned more rows than there are".to_owned());
            }
            Phase::Learning(place) => (usize::from(place) / EVERY, None),
            Phase::Ranks => (REFERENCE, Some(all)),
            Phase::Rates(low, high) if width == 1 && low.is_finite() && high.is_finite() => {
                (REFERENCE, Some(2))
            }
            Phase::Rates(..) => return Err("rates are of one value".to_owned()),
        };
        let reference = &state.reference;
        let sorted = |sorted: &[f64]| sorted.is_sorted_by(|a, b| a <= b);
        if reference.len() != rows * width
            || !reference.iter().all(|x| x.is_finite())
            || (channels.is_some() && !reference.chunks_exact(REFERENCE).all(sorted))
        {
            return Err("its reference has another size or order".to_owned());
        }
        let is_sound = match (&state.history, channels) {
            (Some(history), Some(channels)) => history.is_sound(channels),
            (Some(history), None) => history.is_sound(all) || (width == 1 && history.is_sound(2)),
            (None, None) => true,
            (None, Some(_)) => false,
        };
        if !is_sound {
            return Err("its history does not fit together".to_owned());
        }
        restored.state = state;
        Ok(restored)
    }
}

#[cfg(test)]
mod tests {
    use crate::drift::{Drift, Level, find};
    use crate::random::Random;
    use crate::settings::Value;

    /// The first answer that is a drift, of three values that rise by `step` from row 1,500 on, or little by little from there.
    fn told(seed: u64, step: f64, over: u32, least: f64) -> Option<Drift> {
        let options = vec![("least".to_owned(), Value::Number(least))];
        let kind = find("monitor").expect("it is known");
        let mut monitor = kind.build(&options, 3, seed).expect("valid");
        let mut random = Random::new(seed);
        (0..6_000_u32).find_map(|row| {
            let share = f64::from(row.saturating_sub(1_500)) / f64::from(over);
            let shift = step * share.min(1.0);
            let values = [(); 3].map(|()| {
                let normal = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
                normal + shift
            });
            let drift = monitor.update(&values).expect("three values");
            drift.is_drift().then_some(drift)
        })
    }

    #[test]
    fn magnitude_grows_with_the_change() {
        let mean = |step: f64| {
            let each = (0..20).map(|seed| told(seed, step, 1, 0.0).expect("seen").magnitude);
            each.sum::<f64>() / 20.0
        };
        let means = [0.3, 0.5, 1.0, 2.0, 4.0].map(mean);
        assert!(means.is_sorted(), "{means:?}");
        assert!(means[0] < 0.35 && means[4] > 0.9, "{means:?}");
    }

    #[test]
    fn a_threshold_loses_no_drift() {
        for seed in 0..20 {
            for (step, over) in [(1.0, 1), (1.0, 2_000), (3.0, 1)] {
                let drift = told(seed, step, over, 0.1);
                let drift = drift.unwrap_or_else(|| panic!("{seed}: {step} over {over}"));
                assert!(drift.magnitude >= 0.1);
            }
            // Told once it is known to be as large.
            let slow = told(seed, 3.0, 2_000, 0.5).expect("it grows to 3σ");
            assert!(slow.level == Level::Drift && slow.magnitude >= 0.5);
        }
    }
}
