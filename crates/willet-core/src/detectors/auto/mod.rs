//! The detector of who does not choose: several views of a series at once, each on the scale of how rare it is.

mod alone;
mod former;
mod several;
mod view;

use serde::{Deserialize, Serialize};

use super::contract::{Algorithm, Alias, Detector, Epochs, Kind, Options};
use super::find;
use super::seasons::Seasonality;
use crate::error::ConfigError;
use crate::rows::{Band, Expected, Explanation, Raw, Rows, Swing};
use crate::settings::Setting;
use former::StateV1;
use several::{Several, SeveralState};

crate::settings! {
    /// Settings of [`Auto`].
    pub(super) struct AutoConfig {
        /// Seasons: looked for (auto), none, or given as lengths of time (day, week), which needs rows with times at an even pace.
        seasonality: Seasonality = Seasonality::Found, ();
    }
}

#[doc = include_str!("../pages/auto.md")]
#[derive(Debug)]
pub(super) struct Auto {
    look: Look,
}

/// What is looked at.
#[derive(Debug)]
enum Look {
    /// One value: its seasons, short means and shape.
    One(Box<dyn Detector>),
    /// Several values, alone and together.
    Several(Box<Several>),
}

#[derive(Serialize, Deserialize)]
pub(super) enum State {
    One(u16, Vec<u8>),
    Several(Box<SeveralState>),
    /// Of a former version that saw less: nothing is taken over.
    Anew,
}

const FITS: &str = "built for this width";

fn seasonal(config: &AutoConfig) -> (&'static Kind, Options) {
    let (kind, mut options) = find("seasonal").expect("a kind of the table");
    options.push(("seasonality".to_owned(), config.seasonality.show()));
    (kind, options)
}

impl Algorithm for Auto {
    const NAME: &'static str = "auto";
    const ALIASES: &'static [Alias] = &[];
    const SUMMARY: &'static str =
        "several views of a series at once: trend and seasons, values alone and together";
    const PAPER: &'static str = "Willet's own";
    const PAGE: &'static str = include_str!("../pages/auto.md");
    const TAKES_MISSING: bool = true;
    const SATURATES: bool = false;
    const IS_ORDERED: bool = true;
    const STATE_VERSION: u16 = 2;

    type Config = AutoConfig;
    type State = State;

    fn new(config: &AutoConfig, width: usize, seed: u64) -> Result<Self, ConfigError> {
        let look = if width == 1 {
            let (kind, options) = seasonal(config);
            Look::One(kind.build(&options, width, seed)?)
        } else {
            Look::Several(Box::new(Several::new(width, seed, &config.seasonality)?))
        };
        Ok(Self { look })
    }

    fn score_row(&self, row: &[f64]) -> Raw {
        match &self.look {
            Look::One(detector) => {
                let mut out = [Raw::WarmingUp];
                detector.score(Rows::one(row), &mut out).expect(FITS);
                out[0]
            }
            Look::Several(several) => several.score(row),
        }
    }

    fn learn_row(&mut self, row: &[f64]) {
        match &mut self.look {
            Look::One(detector) => detector.learn(Rows::one(row)).expect(FITS),
            Look::Several(several) => _ = several.score_learn(row),
        }
    }

    fn score_learn_row(&mut self, row: &[f64]) -> Raw {
        match &mut self.look {
            Look::One(detector) => {
                let mut out = [Raw::WarmingUp];
                detector.score_learn(Rows::one(row), &mut out).expect(FITS);
                out[0]
            }
            Look::Several(several) => several.score_learn(row),
        }
    }

    fn pass_row(&mut self, row: &[f64]) {
        match &mut self.look {
            Look::One(detector) => detector.pass(Rows::one(row)).expect(FITS),
            Look::Several(several) => several.pass(row),
        }
    }

    fn explain_row(&self, row: &[f64]) -> Explanation {
        match &self.look {
            Look::One(detector) => detector.explain(row).expect(FITS),
            Look::Several(several) => several.explain(row),
        }
    }

    fn expected(&self) -> Vec<Expected> {
        match &self.look {
            Look::One(detector) => detector.expected(),
            Look::Several(several) => several.expected(),
        }
    }

    fn bands(&self, out: &mut Vec<Band>) {
        match &self.look {
            Look::One(detector) => detector.bands(out),
            Look::Several(several) => several.seasons().bands(out),
        }
    }

    fn swings(&self, row: &[f64], out: &mut Vec<Swing>) {
        match &self.look {
            Look::One(detector) => detector.swings(row, out),
            Look::Several(several) => several.seasons().swings(row, out),
        }
    }

    fn epochs(&self, out: &mut Epochs) {
        match &self.look {
            Look::One(detector) => detector.epochs(out),
            Look::Several(several) => several.seasons().epochs(out),
        }
    }

    fn off_before(&self, feature: usize) -> Vec<f64> {
        match &self.look {
            Look::One(detector) => detector.off_before(feature),
            Look::Several(several) => several.seasons().off_before(feature),
        }
    }

    fn keep_pace(&mut self, step: i64) {
        match &mut self.look {
            Look::One(detector) => detector.keep_pace(step),
            Look::Several(several) => several.keep_pace(step),
        }
    }

    fn turn_back(&mut self, rows: usize) {
        match &mut self.look {
            Look::One(detector) => detector.turn_back(rows),
            Look::Several(several) => several.turn_back(rows),
        }
    }

    fn about(&self) -> Option<String> {
        Some(match &self.look {
            Look::One(detector) => {
                let found = detector.about().unwrap_or_default();
                format!("seasonal: one value a row, {found}")
            }
            Look::Several(several) => format!(
                "several values a row, each alone and all together, {}",
                several.seasons().about()
            ),
        })
    }

    fn heap_bytes(&self) -> usize {
        match &self.look {
            Look::One(detector) => detector.memory_bytes(),
            Look::Several(several) => size_of::<Several>() + several.heap_bytes(),
        }
    }

    fn save(&self) -> State {
        match &self.look {
            Look::One(detector) => {
                let snapshot = detector.snapshot();
                State::One(snapshot.version, snapshot.bytes)
            }
            Look::Several(several) => State::Several(Box::new(several.save())),
        }
    }

    fn restore(config: &AutoConfig, width: usize, seed: u64, state: State) -> Result<Self, String> {
        let look = match state {
            State::One(version, bytes) if width == 1 => {
                let (kind, options) = seasonal(config);
                let detector = kind.restore(&options, width, seed, version, &bytes);
                Look::One(detector.map_err(|error| error.to_string())?)
            }
            State::Several(state) if width > 1 => Look::Several(Box::new(Several::restore(
                *state,
                width,
                seed,
                &config.seasonality,
            )?)),
            State::Anew => {
                return Self::new(config, width, seed).map_err(|error| error.to_string());
            }
            State::One(..) | State::Several(_) => {
                return Err("it is of rows of another width".to_owned());
            }
        };
        Ok(Self { look })
    }

    fn read_former(version: u16, bytes: &[u8]) -> Result<(State, &[u8]), String> {
        if version != 1 {
            return Err(format!("version {version} was never released"));
        }
        let read = postcard::take_from_bytes::<StateV1>(bytes);
        let (state, rest) = read.map_err(|error| error.to_string())?;
        Ok((state.into(), rest))
    }
}
