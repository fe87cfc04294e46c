//! Laws of verdicts, tried on every kind: what must hold whatever the data, the width and the settings are.
//!
//! - **V1** A row clearly farther off than anything before is flagged: after a shift, near another anomaly, among ties, after a restart.
//! - **V2** What lasts becomes normal: where a share is asked for, that share is flagged in the long run, of any stationary input.
//! - **V3** Three equal spikes are each found, however near, and no normal row in their place.
//! - **V4** Confidence rises with the deviation, and is 0.95 at 20 deviations beyond all before.
//! - **V8** Where nobody chose, of plain noise one row in 1,000 is flagged at most.

use std::fmt::{self, Display};
use std::ops::Range;

use willet_core::decision::DecisionConfig;
use willet_core::detectors::KINDS;

use crate::situations::draw::Draw;
use crate::situations::judge::{Judge as _, Said, Willet};

/// A law.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    /// Its name in the output.
    pub name: &'static str,
    /// What must hold.
    pub what: &'static str,
    hold: fn(&mut Trial) -> Result<(), String>,
    settings: &'static [Setting],
}

/// All laws.
pub const LAWS: &[Law] = &[
    Law {
        name: "V1",
        what: "size is never lost",
        hold: size_is_never_lost,
        settings: &ALL_SETTINGS,
    },
    Law {
        name: "V2",
        what: "what lasts becomes normal",
        hold: what_lasts_becomes_normal,
        settings: &[Setting::Contamination(0.01), Setting::Contamination(0.1)],
    },
    Law {
        name: "V3",
        what: "the right row",
        hold: the_right_row,
        settings: &[
            Setting::Default,
            Setting::Contamination(0.01),
            Setting::Contamination(0.1),
        ],
    },
    Law {
        name: "V4",
        what: "confidence rises",
        hold: confidence_rises,
        settings: &ALL_SETTINGS,
    },
    Law {
        name: "V8",
        what: "few false alarms where nobody chose",
        hold: few_false_alarms,
        settings: &[Setting::Default],
    },
];

/// Kinds that a law cannot hold for, and why.
pub const EXCEPTIONS: &[(&str, &str)] = &[(
    "rare",
    "its values are names: none is farther off than another, and of measured values each is new",
)];

/// What the user has set.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    Default,
    Contamination(f64),
    Threshold(f64),
    Rate(&'static str),
}

const ALL_SETTINGS: [Setting; 5] = [
    Setting::Default,
    Setting::Contamination(0.01),
    Setting::Contamination(0.1),
    Setting::Threshold(0.9),
    Setting::Rate("1 per 1000 rows"),
];

impl Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Contamination(share) => write!(f, "contamination {share}"),
            Self::Threshold(score) => write!(f, "threshold {score}"),
            Self::Rate(rate) => write!(f, "rate {rate}"),
        }
    }
}

impl Setting {
    fn decision(self) -> DecisionConfig {
        let mut decision = DecisionConfig::default();
        match self {
            Self::Default => {}
            Self::Contamination(share) => decision.contamination = Some(share),
            Self::Threshold(score) => decision.threshold = Some(score),
            Self::Rate(rate) => decision.rate = Some(rate.to_owned()),
        }
        decision
    }

    fn contamination(self) -> f64 {
        if let Self::Contamination(share) = self {
            share
        } else {
            0.0
        }
    }
}

/// One series of one kind.
#[derive(Debug)]
struct Trial {
    draw: Draw,
    width: usize,
    setting: Setting,
    series: Willet,
    place: Vec<f64>,
    scale: Vec<f64>,
}

/// Kinds that laws are tried on.
pub fn kinds() -> Vec<&'static str> {
    let names = KINDS.iter().map(|kind| kind.name);
    names
        .filter(|name| EXCEPTIONS.iter().all(|(kind, _)| kind != name))
        .collect()
}

/// Tries a law on a kind with the data, width and settings of a seed; says what went wrong.
pub fn hold(law: &Law, kind: &str, seed: u64) -> Result<(), String> {
    let settings = law.settings;
    let width = [1, 3][(seed % 2) as usize];
    let setting = settings[(seed / 2) as usize % settings.len()];
    let mut draw = Draw::new(law.name, seed);
    let names: Vec<String> = (0..width).map(|i| format!("v{i}")).collect();
    let mut trial = Trial {
        width,
        setting,
        series: Willet::new(kind, &names, "one", &setting.decision()),
        scale: draw.many(width, |draw| draw.scale(0.01..1e3)),
        place: draw.many(width, |draw| draw.uniform(-50.0..50.0)),
        draw,
    };
    (law.hold)(&mut trial).map_err(|wrong| {
        format!(
            "{} ({}): {kind}, width {width}, {setting}, seed {seed}: {wrong}",
            law.name, law.what
        )
    })
}

impl Trial {
    /// Normal noise, in deviations.
    fn noise(&mut self) -> Vec<f64> {
        self.draw.many(self.width, Draw::normal)
    }

    /// Judges a row given in deviations.
    fn take(&mut self, row: &[f64]) -> Said {
        let row = self.measured(row);
        self.series.take(&row, None)
    }

    fn measured(&self, row: &[f64]) -> Vec<f64> {
        let parts = self.place.iter().zip(&self.scale);
        let measured = row
            .iter()
            .zip(parts)
            .map(|(x, (place, scale))| scale * (place + x));
        measured.collect()
    }

    /// Rows between two things to be told; many where a rate of the user's own is spent on the first.
    fn gap(&mut self, usual: Range<usize>) -> usize {
        let is_spent = matches!(self.setting, Setting::Rate(_));
        self.draw.whole(if is_spent { 2_000..3_000 } else { usual })
    }

    /// Noise around a level, so many rows.
    fn learn(&mut self, rows: usize, level: f64) {
        for _ in 0..rows {
            let row: Vec<f64> = self.noise().iter().map(|x| x + level).collect();
            let _ = self.take(&row);
        }
    }
}

fn size_is_never_lost(trial: &mut Trial) -> Result<(), String> {
    let way = trial.draw.sign();
    let which = trial.draw.whole(0..trial.width);
    let size = trial.draw.scale(30.0..300.0);
    let story = trial.draw.pick(&[
        "plain noise",
        "after a shift",
        "near another anomaly",
        "among counts",
        "after a restart",
    ]);
    let rows = trial.draw.whole(600..1_500);
    let mut level = 0.0;
    match story {
        "among counts" => {
            (trial.place, trial.scale) = (vec![0.0; trial.width], vec![1.0; trial.width]);
            for _ in 0..rows {
                let row = trial.draw.many(trial.width, |draw| draw.poisson(3.0));
                let _ = trial.take(&row);
            }
            level = 3.0;
        }
        "after a shift" => {
            trial.learn(rows, 0.0);
            level = way * trial.draw.scale(10.0..50.0);
            let gap = trial.gap(300..1_500);
            trial.learn(gap, level);
        }
        _ => trial.learn(rows, 0.0),
    }
    if story == "near another anomaly" {
        let mut row = trial.noise();
        row[which] += way * 20.0;
        let _ = trial.take(&row);
        let gap = trial.gap(1..100);
        trial.learn(gap, 0.0);
    }
    if story == "after a restart" {
        trial.series = trial.series.restored();
    }
    let mut row: Vec<f64> = trial.noise().iter().map(|x| x + level).collect();
    let mut unit = 1.0;
    if story == "among counts" {
        row.fill(3.0);
        unit = 3f64.sqrt();
    }
    row[which] += way * size * unit;
    let said = trial.take(&row);
    let stands = match trial.setting {
        // What a user's own rate was spent on may leave no room for one more.
        Setting::Rate(_) => true,
        // So does a user's own threshold; the score must come near to it.
        Setting::Threshold(threshold) => said.score >= Some(threshold - 0.05),
        Setting::Default | Setting::Contamination(_) => false,
    };
    if said.flag || stands {
        Ok(())
    } else {
        Err(format!("{story}, {size:.0} deviations off: {said:?}"))
    }
}

fn what_lasts_becomes_normal(trial: &mut Trial) -> Result<(), String> {
    const ROWS: usize = 12_000;
    const FROM: usize = 2_000;
    /// Share of the outliers.
    const OUT: f64 = 0.03;
    let story = trial
        .draw
        .pick(&["clean", "two modes", "3 % outliers", "ties"]);
    let asked = trial.setting.contamination();
    let active = trial.draw.uniform(0.1..0.5);
    if story == "ties" {
        (trial.place, trial.scale) = (vec![0.0; trial.width], vec![1.0; trial.width]);
    }
    let (mut flags, mut outliers, mut right) = (0, 0, 0);
    for i in 0..ROWS {
        let mut row = trial.noise();
        let mut is_out = false;
        match story {
            "ties" => row = trial.draw.many(trial.width, |draw| draw.poisson(3.0)),
            "two modes" if trial.draw.chance(active) => row.iter_mut().for_each(|x| *x += 10.0),
            "3 % outliers" if trial.draw.chance(OUT) => {
                is_out = true;
                row.iter_mut().for_each(|x| *x += 20.0);
            }
            _ => {}
        }
        let flag = trial.take(&row).flag;
        if i >= FROM {
            flags += usize::from(flag);
            outliers += usize::from(is_out);
            right += usize::from(flag && is_out);
        }
    }
    let share = flags as f64 / (ROWS - FROM) as f64;
    let precision = right as f64 / flags.max(1) as f64;
    let recall = right as f64 / outliers.max(1) as f64;
    let holds = match story {
        "ties" => share <= 2.0 * asked,
        "3 % outliers" if asked < OUT => precision >= 0.9 && recall >= 0.8 * asked / OUT,
        "3 % outliers" => recall >= 0.95 && share <= 1.5 * asked,
        _ => (0.5 * asked..=1.5 * asked).contains(&share),
    };
    if holds {
        Ok(())
    } else {
        Err(format!(
            "{story}: flagged {share:.4}, precision {precision:.2}, recall {recall:.2}"
        ))
    }
}

fn the_right_row(trial: &mut Trial) -> Result<(), String> {
    let gap = trial.draw.pick(&[2, 20, 90, 150]);
    let rows = trial.draw.whole(600..1_200);
    let size = trial.draw.sign() * trial.draw.scale(15.0..60.0);
    let which = trial.draw.whole(0..trial.width);
    trial.learn(rows, 0.0);
    let (mut found, mut others) = (Vec::new(), 0);
    for i in 0..=2 * gap + 100 {
        let mut row = trial.noise();
        let is_spike = i % gap == 0 && i <= 2 * gap;
        if is_spike {
            row[which] = size;
        }
        let flag = trial.take(&row).flag;
        if is_spike {
            found.push(flag);
        } else {
            others += usize::from(flag);
        }
    }
    // A share that was asked for may have to be filled.
    let allowed = 1.0 + 3.0 * trial.setting.contamination() * f64::from(2 * gap + 100);
    if found.iter().all(|found| *found) && others as f64 <= allowed {
        Ok(())
    } else {
        Err(format!(
            "{size:.0} deviations every {gap} rows: found {found:?}, {others} other rows"
        ))
    }
}

fn confidence_rises(trial: &mut Trial) -> Result<(), String> {
    const STEPS: [f64; 8] = [4.0, 8.0, 12.0, 24.0, 40.0, 100.0, 1e3, 1e6];
    let rows = trial.draw.whole(250..2_000);
    let which = trial.draw.whole(0..trial.width);
    let way = trial.draw.sign();
    trial.learn(rows, 0.0);
    let base = trial.noise();
    let mut probabilities = Vec::new();
    for size in STEPS {
        let mut row = base.clone();
        row[which] = way * size;
        let row = trial.measured(&row);
        let said = trial.series.restored().take(&row, None);
        probabilities.push(said.probability().ok_or("not warm")?);
    }
    let falls = probabilities
        .windows(2)
        .any(|pair| pair[1] < pair[0] - 0.002);
    // 24 from the level is 20 beyond the farthest of so many rows.
    if falls || probabilities[3] < 0.95 {
        return Err(format!(
            "after {rows} rows, at {STEPS:?}: {probabilities:.3?}"
        ));
    }
    Ok(())
}

fn few_false_alarms(trial: &mut Trial) -> Result<(), String> {
    const ROWS: usize = 12_000;
    let mut flags = Vec::new();
    for i in 0..ROWS {
        let row = trial.noise();
        if trial.take(&row).flag {
            flags.push(i);
        }
    }
    if flags.len() <= ROWS / 1_000 {
        Ok(())
    } else {
        Err(format!("{} flags in {ROWS} rows", flags.len()))
    }
}
