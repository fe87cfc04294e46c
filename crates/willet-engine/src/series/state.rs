use std::sync::Arc;

use serde::{Deserialize, Serialize};
use willet_core::decision::{Course, Decision, DecisionV1, DecisionV2};
use willet_core::features::{Memory, Spacing};
use willet_core::random::series_seed;

use super::adapt::{Adapt, AdaptState};
use super::beside::MOST_BESIDE;
use super::gather::{Gather, GatherState};
use super::performance::{Performance, PerformanceState};
use super::watch::{Watch, WatchState};
use super::{Model, Series};
use crate::config::Plan;
use crate::event::{Layout, Timestamp};

impl Series {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let beyond = Box::new(BeyondV4 {
            gather: self.gather.as_ref().map(|gather| gather.save()),
            before: self.before.as_deref().map(Model::save),
            adapt: self.adapt.as_ref().map(|adapt| adapt.save()),
            performance: self
                .performance
                .as_ref()
                .map(|performance| performance.save()),
            shares: [
                self.model.as_ref(),
                self.former.as_deref(),
                self.before.as_deref(),
            ]
            .map(|model| model?.share),
        });
        let state = Box::new(SeriesStateV3 {
            learned_upto: self.learned_upto,
            newest: self.newest,
            spacing: self.spacing,
            sample_count: self.sample_count,
            model: self.model.as_ref().map(Model::save),
            former: self.former.as_deref().map(Model::save),
            watch: self.watch.as_ref().map(Watch::save),
        });
        let beside = self.beside.iter().map(Model::save).collect();
        let state = SeriesState::V5(state, beyond, beside);
        postcard::to_allocvec(&state).expect("plain data always serialises into memory")
    }

    /// Takes up a saved state. A model of a version that the plan does not know any more is not built: it would be replaced.
    pub(crate) fn decode(
        plan: &Plan,
        key: &str,
        bytes: &[u8],
        layouts: &mut Layouts,
    ) -> Result<Self, String> {
        let (state, rest): (SeriesState, _) = postcard::take_from_bytes(bytes)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        if !rest.is_empty() {
            return Err("bytes are left over".to_owned());
        }
        let mut beside = Vec::new();
        let (state, beyond) = match state {
            SeriesState::V1(state) => (SeriesStateV3::from_v1(state, None), BeyondV4::default()),
            SeriesState::V2(state, former) => {
                let state = SeriesStateV3::from_v1(state, Some(*former));
                (state, BeyondV4::default())
            }
            SeriesState::V3(state) => (state.into_present(), BeyondV4::default()),
            SeriesState::V4(state, beyond) => (state.into_present(), beyond.into_present()),
            SeriesState::V5(state, beyond, models) => {
                beside = models;
                (*state, *beyond)
            }
        };
        if beside.len() > MOST_BESIDE {
            return Err("it has more models beside it than there may be".to_owned());
        }
        let mut restore = |model: Option<ModelStateV3>| {
            let known = model.and_then(|model| Some((plan.of_version(model.version)?, model)));
            known
                .map(|(plan, model)| Model::restore(plan, key, model, layouts))
                .transpose()
        };
        let mut model = restore(state.model)?;
        let mut former = restore(state.former)?.map(Box::new);
        let mut before = restore(beyond.before)?.map(Box::new);
        let beside = beside.into_iter().map(|model| restore(Some(model)));
        let beside: Vec<Option<Model>> = beside.collect::<Result<_, _>>()?;
        let beside = beside.into_iter().flatten().collect();
        let models = [model.as_mut(), former.as_deref_mut(), before.as_deref_mut()];
        for (model, share) in models.into_iter().zip(beyond.shares) {
            if let Some(model) = model {
                model.share = share.filter(|share| *share > 0.0 && *share < 0.5);
            }
        }
        let performance = beyond
            .performance
            .map(|state| Performance::restore(state, plan.drift().performance()))
            .transpose()?
            .flatten();
        let adapt = beyond.adapt.map(Adapt::restore).transpose()?.map(Box::new);
        let seed = series_seed(plan.config().seed, key, "drift");
        let watch = state
            .watch
            .map(|watch| Watch::restore(&watch, plan.drift(), seed))
            .transpose()?
            .flatten();
        let gather = beyond
            .gather
            .map(|gather| Gather::restore(gather, plan.gather()))
            .transpose()?
            .flatten();
        Ok(Self {
            key: key.into(),
            learned_upto: state.learned_upto,
            newest: state.newest,
            spacing: state.spacing,
            sample_count: state.sample_count,
            model,
            former,
            beside,
            watch,
            gather,
            before,
            adapt,
            performance,
        })
    }
}

/// Saved states by version; a variant is frozen once released.
#[derive(Serialize, Deserialize)]
enum SeriesState {
    V1(SeriesStateV1),
    /// With the former model, which answers until the other is warm.
    V2(SeriesStateV1, Box<ModelStateV1>),
    /// With decisions that keep a rate and count depths, the course of the values, their spacing, and the drift test.
    V3(Box<SeriesStateV3<DecisionV2>>),
    /// With what events are put to, and what it takes to be trained anew.
    V4(Box<SeriesStateV3<DecisionV2>>, Box<BeyondV4<DecisionV2>>),
    /// With decisions that know sizes, and the models of names that came later.
    V5(Box<SeriesStateV3>, Box<BeyondV4>, Vec<ModelStateV3>),
}

/// What version 4 has beside version 3.
#[derive(Serialize, Deserialize)]
struct BeyondV4<D = Decision> {
    gather: Option<GatherState<D>>,
    before: Option<ModelStateV3<D>>,
    adapt: Option<AdaptState>,
    performance: Option<PerformanceState>,
    /// Of the model, the former one, the one before: the share of anomalies that an incremental update set.
    shares: [Option<f64>; 3],
}

#[derive(Serialize, Deserialize)]
struct SeriesStateV1 {
    learned_upto: u64,
    newest: Option<Timestamp>,
    sample_count: u64,
    model: Option<ModelStateV1>,
}

#[derive(Serialize, Deserialize)]
struct ModelStateV1 {
    version: u32,
    names: Vec<String>,
    is_positional: bool,
    features: Option<Memory>,
    kind: String,
    detector_version: u16,
    detector: Vec<u8>,
    decision: DecisionV1,
}

#[derive(Serialize, Deserialize)]
struct SeriesStateV3<D = Decision> {
    learned_upto: u64,
    newest: Option<Timestamp>,
    spacing: Spacing,
    sample_count: u64,
    model: Option<ModelStateV3<D>>,
    former: Option<ModelStateV3<D>>,
    watch: Option<WatchState>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ModelStateV3<D = Decision> {
    pub(super) version: u32,
    pub(super) names: Vec<String>,
    pub(super) is_positional: bool,
    pub(super) features: Option<Memory>,
    pub(super) kind: String,
    pub(super) detector_version: u16,
    pub(super) detector: Vec<u8>,
    pub(super) decision: D,
    pub(super) course: Course,
}

impl SeriesStateV3 {
    fn from_v1(state: SeriesStateV1, former: Option<ModelStateV1>) -> Self {
        Self {
            learned_upto: state.learned_upto,
            newest: state.newest,
            spacing: Spacing::default(),
            sample_count: state.sample_count,
            model: state.model.map(ModelStateV3::from),
            former: former.map(ModelStateV3::from),
            watch: None,
        }
    }
}

impl Default for BeyondV4 {
    fn default() -> Self {
        Self {
            gather: None,
            before: None,
            adapt: None,
            performance: None,
            shares: [None; 3],
        }
    }
}

impl BeyondV4<DecisionV2> {
    fn into_present(self) -> BeyondV4 {
        BeyondV4 {
            gather: self.gather.map(GatherState::into_present),
            before: self.before.map(ModelStateV3::into_present),
            adapt: self.adapt,
            performance: self.performance,
            shares: self.shares,
        }
    }
}

impl SeriesStateV3<DecisionV2> {
    fn into_present(self) -> SeriesStateV3 {
        SeriesStateV3 {
            learned_upto: self.learned_upto,
            newest: self.newest,
            spacing: self.spacing,
            sample_count: self.sample_count,
            model: self.model.map(ModelStateV3::into_present),
            former: self.former.map(ModelStateV3::into_present),
            watch: self.watch,
        }
    }
}

impl ModelStateV3<DecisionV2> {
    fn into_present(self) -> ModelStateV3 {
        ModelStateV3 {
            version: self.version,
            names: self.names,
            is_positional: self.is_positional,
            features: self.features,
            kind: self.kind,
            detector_version: self.detector_version,
            detector: self.detector,
            decision: self.decision.into(),
            course: self.course,
        }
    }
}

impl From<ModelStateV1> for ModelStateV3 {
    fn from(state: ModelStateV1) -> Self {
        Self {
            version: state.version,
            names: state.names,
            is_positional: state.is_positional,
            features: state.features,
            kind: state.kind,
            detector_version: state.detector_version,
            detector: state.detector,
            decision: state.decision.into(),
            course: Course::default(),
        }
    }
}

/// Layouts that series were restored with: equal ones share one.
#[derive(Debug, Default)]
pub(crate) struct Layouts {
    known: Vec<Arc<Layout>>,
}

impl Layouts {
    pub(super) fn share(&mut self, layout: Layout) -> Arc<Layout> {
        /// Beyond this many layouts sharing is not worth the search.
        const KNOWN: usize = 64;
        if let Some(known) = self
            .known
            .iter()
            .find(|known| known.fingerprint() == layout.fingerprint())
        {
            return Arc::clone(known);
        }
        let layout = Arc::new(layout);
        if self.known.len() < KNOWN {
            self.known.push(Arc::clone(&layout));
        }
        layout
    }
}

#[cfg(test)]
mod tests {
    use willet_core::decision::Calibrator;

    use super::*;
    use crate::config::StreamConfig;
    use crate::series::{Arrival, Space};
    use crate::verdict::{Found, Outcome, Verdict};

    fn feed(series: &mut Series, plan: &Plan, range: std::ops::Range<u64>) -> Vec<Verdict> {
        let layout = Arc::new(Layout::positional(1));
        let mut found = Found::default();
        range
            .map(|offset| {
                let value = [(offset * 7 % 31) as f64 + if offset == 700 { 500.0 } else { 0.0 }];
                let arrival = Arrival {
                    event: 0,
                    offset,
                    time: Some(Timestamp(offset as i64 * 1_000_000)),
                    arrived: 0,
                    key_hash: 0,
                    label: None,
                    layout: &layout,
                    values: &value,
                };
                series.take(plan, None, arrival, &mut Space::default(), &mut found)
            })
            .collect()
    }

    /// What a decision knows of the scores, which it had in every version.
    fn calibrator(decision: &Decision) -> Calibrator {
        let bytes = postcard::to_allocvec(decision).expect("plain data");
        let read = postcard::take_from_bytes(&bytes);
        read.expect("begins with it").0
    }

    /// Fields as a former version laid them out.
    fn as_before<D: serde::de::DeserializeOwned>(fields: &impl Serialize) -> D {
        let bytes = postcard::to_allocvec(fields).expect("plain data");
        postcard::from_bytes(&bytes).expect("the same fields")
    }

    #[test]
    fn states_of_earlier_versions_are_read() {
        let config = StreamConfig {
            detector: crate::config::DetectorConfig {
                algorithm: "zscore".to_owned(),
                ..Default::default()
            },
            ..Default::default()
        };
        let plan = Plan::new(config, 1).expect("valid");
        let mut series = Series::new("k");
        let _ = feed(&mut series, &plan, 0..500);
        // The fields that version 1 has, as it lays them out.
        let former = || {
            let state = series.model.as_ref().expect("fed").save();
            let decision = as_before(&(calibrator(&state.decision), 0_u32, 0_u32, 0.0_f64));
            ModelStateV1 {
                version: state.version,
                names: state.names,
                is_positional: state.is_positional,
                features: state.features,
                kind: state.kind,
                detector_version: state.detector_version,
                detector: state.detector,
                decision,
            }
        };
        let state = || SeriesStateV1 {
            learned_upto: series.learned_upto,
            newest: series.newest,
            sample_count: series.sample_count,
            model: Some(former()),
        };
        let budget = (0.0_f64, None::<i64>, 0.0_f64, 0_u32, 0_u32);
        let third = |state: ModelStateV3| ModelStateV3::<DecisionV2> {
            version: state.version,
            names: state.names,
            is_positional: state.is_positional,
            features: state.features,
            kind: state.kind,
            detector_version: state.detector_version,
            detector: state.detector,
            decision: as_before(&(
                (calibrator(&state.decision), 0_u32, 0_u32),
                (budget, 0_u16, [0_u16; 8]),
            )),
            course: state.course,
        };
        let third = SeriesStateV3 {
            learned_upto: series.learned_upto,
            newest: series.newest,
            spacing: series.spacing,
            sample_count: series.sample_count,
            model: series.model.as_ref().map(Model::save).map(third),
            former: None,
            watch: None,
        };
        for old in [
            SeriesState::V1(state()),
            SeriesState::V2(state(), Box::new(former())),
            SeriesState::V3(Box::new(third)),
        ] {
            let bytes = postcard::to_allocvec(&old).expect("plain data");
            let mut layouts = Layouts::default();
            let mut read = Series::decode(&plan, "k", &bytes, &mut layouts).expect("readable");
            assert_eq!(read.former.is_some(), matches!(old, SeriesState::V2(..)));
            let answers = feed(&mut read, &plan, 500..800);
            assert!(
                answers
                    .iter()
                    .all(|answer| matches!(answer.outcome, Outcome::Scored(_)))
            );
            assert!(answers[200].is_anomaly());
            // What is written from now on is the newest version, and goes on alike.
            let mut again =
                Series::decode(&plan, "k", &read.encode(), &mut layouts).expect("readable");
            assert_eq!(
                feed(&mut again, &plan, 800..900),
                feed(&mut read, &plan, 800..900)
            );
        }
    }

    /// A day's rhythm of five minutes with noise.
    fn wave(row: i64) -> f64 {
        let side = (row % 288 - 144).abs() as f64 / 144.0;
        50.0 + 40.0 * side * side + (row * 7_919 % 101) as f64 / 50.0
    }

    #[test]
    fn rows_that_did_not_come_do_not_shift_the_season() {
        let plan = Plan::new(StreamConfig::default(), 1).expect("valid");
        let layout = Arc::new(Layout::positional(1));
        let mut series = Series::new("k");
        let mut found = Found::default();
        for row in (0..1_420).filter(|row| !(1_300..1_390).contains(row)) {
            let value = [wave(row)];
            let arrival = Arrival {
                event: 0,
                offset: row as u64,
                time: Some(Timestamp(row * 300_000_000)),
                arrived: 0,
                key_hash: 0,
                label: None,
                layout: &layout,
                values: &value,
            };
            let _ = series.take(&plan, None, arrival, &mut Space::default(), &mut found);
        }
        let description = series.describe(&plan);
        let expected = description.expected[0].middle;
        // 90 rows before, it was below 55.
        assert!((expected - wave(1_420)).abs() < 5.0, "{expected}");
        let about = description.about.expect("auto says what it chose");
        assert!(about.contains("season of 288 rows"), "{about}");
        assert!(about.ends_with("a row every 300 s"), "{about}");
    }

    #[test]
    fn a_step_is_told_once_with_its_feature_and_goes_on_after_a_restart() {
        let names = ["speed".to_owned(), "load".to_owned()];
        let layout = Arc::new(Layout::named(&names));
        let noise = |row: u64, salt: u64| ((row * 7_919 + salt) % 1_009) as f64 / 1_009.0;
        let told = |detection: bool, cut: Option<u64>| {
            let mut config = StreamConfig::default();
            config.drift.detection = Some(detection);
            let plan = Plan::new(config, 1).expect("valid");
            let mut series = Series::new("k");
            let mut found = Found::default();
            for row in 0..1_500 {
                if cut == Some(row) {
                    let bytes = series.encode();
                    series = Series::decode(&plan, "k", &bytes, &mut Layouts::default())
                        .expect("readable");
                }
                let step = if row < 900 { 0.0 } else { 0.5 };
                let values = [noise(row, 1) + step, noise(row * row, 5)];
                let arrival = Arrival {
                    event: row as u32,
                    offset: row,
                    time: None,
                    arrived: 0,
                    key_hash: 0,
                    label: None,
                    layout: &layout,
                    values: &values,
                };
                let verdict = series.take(&plan, None, arrival, &mut Space::default(), &mut found);
                let shown = found
                    .drifts
                    .last()
                    .is_some_and(|drift| drift.event == row as u32);
                assert_eq!(verdict.is_drift, shown);
                assert_eq!(verdict.drift_magnitude.is_some(), detection);
            }
            found.drifts
        };
        let drifts = told(true, None);
        assert_eq!(drifts.len(), 1, "{drifts:?}");
        assert!((900..1_100).contains(&drifts[0].event), "{drifts:?}");
        assert_eq!(&*drifts[0].features[0].0, "speed");
        assert_eq!(told(true, Some(950)), drifts);
        assert_eq!(told(false, None), []);
    }
}
