//! A detector with its decisions, for Python.

use std::sync::Mutex;

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use serde::{Deserialize, Serialize};
use willet_core::decision::{AnomalyType, DecisionConfig};
use willet_core::detectors::find;
use willet_core::error::{ConfigError, WidthError};
use willet_core::rows::{Expected, Raw, Rows};
use willet_core::series::{Answer, Reason, Series as Core, SeriesConfig};
use willet_core::settings::Value;

use crate::fork::{self, Held, Slices};
use crate::{arrays, errors, values};

/// A detector, its decisions and the course of its values: what is learned of one series.
///
/// Threads may share it; calls take turns. Batches run without the interpreter's lock.
#[pyclass(frozen, module = "willet._willet")]
#[derive(Debug)]
pub(crate) struct Series {
    width: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    core: Core,
    row: Vec<f64>,
}

/// What a series is made from; saved as JSON in front of what it has learned.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Config {
    algorithm: String,
    options: Vec<(String, Value)>,
    names: Vec<String>,
    seed: u64,
    key: String,
    decision: DecisionConfig,
    learn_every: usize,
}

impl Config {
    fn with<T>(&self, make: impl FnOnce(&SeriesConfig<'_>) -> T) -> Result<T, ConfigError> {
        let (kind, mut options) = find(&self.algorithm)?;
        options.extend(self.options.iter().cloned());
        Ok(make(&SeriesConfig {
            kind,
            options: &options,
            names: self.names.clone(),
            seed: self.seed,
            key: &self.key,
            decision: &self.decision,
            learn_every: self.learn_every,
        }))
    }
}

/// First bytes of a saved series, and the version of what is around its state.
const MAGIC: [u8; 8] = *b"WLTSER\x00\x01";

impl Series {
    fn lock(&self, py: Python<'_>) -> Held<'_, Inner> {
        Held::attached(&self.inner, py)
    }

    fn of(config: Config, core: Core) -> Self {
        Self {
            width: config.names.len(),
            inner: Mutex::new(Inner {
                config,
                core,
                row: Vec::new(),
            }),
        }
    }

    /// Computes over rows without the interpreter's lock, a slice at a time: between them signals are looked at, so that a long call
    /// can be interrupted (then the slices before have been computed), and forks let by.
    fn over<T: Send + Default>(
        &self,
        rows: &Bound<'_, PyAny>,
        mut work: impl FnMut(&mut Inner, Rows<'_>, usize, &mut T) -> Result<(), WidthError> + Send,
    ) -> PyResult<T> {
        let py = rows.py();
        let batch = arrays::rows(rows, self.width)?;
        let (values, width) = (batch.values(), self.width);
        let count = batch.len();
        py.detach(|| {
            let mut out = T::default();
            let mut slices = Slices::new(count);
            let mut inner = Held::detached(&self.inner);
            while let Some(slice) = slices.next() {
                let at = slice.start;
                let rows = Rows::new(&values[slice.start * width..slice.end * width], width)?;
                work(&mut inner, rows, at, &mut out)?;
                if slice.end < count && slices.is_time() {
                    fork::signals()?;
                    if fork::is_wanted() {
                        drop(inner);
                        inner = Held::detached(&self.inner);
                    }
                }
            }
            Ok(out)
        })
        .map_err(|stopped| match stopped {
            Stopped::Width(error) => errors::width(py, error),
            Stopped::Signal(error) => error,
        })
    }
}

/// Why rows were not computed to their end.
enum Stopped {
    Width(WidthError),
    Signal(PyErr),
}

impl From<WidthError> for Stopped {
    fn from(error: WidthError) -> Self {
        Self::Width(error)
    }
}

impl From<PyErr> for Stopped {
    fn from(error: PyErr) -> Self {
        Self::Signal(error)
    }
}

fn number(raw: Raw) -> f64 {
    raw.score().unwrap_or(f64::NAN)
}

fn bands(expected: &[Expected]) -> Vec<(f64, f64, f64)> {
    expected
        .iter()
        .map(|band| (band.low, band.middle, band.high))
        .collect()
}

fn reason<'py>(
    py: Python<'py>,
    names: &[String],
    reason: &Reason,
    sentence: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("sentence", sentence)?;
    all.set_item("anomaly_type", reason.anomaly_type.map(AnomalyType::as_str))?;
    let contributions = PyDict::new(py);
    for (name, share) in names.iter().zip(&reason.explanation.contributions) {
        contributions.set_item(name, share)?;
    }
    all.set_item("contributions", contributions)?;
    let expected = PyDict::new(py);
    for (name, band) in names.iter().zip(bands(&reason.explanation.expected)) {
        expected.set_item(name, band)?;
    }
    all.set_item("expected", expected)?;
    let moved = PyDict::new(py);
    for (feature, value) in &reason.counterfactual {
        if let Some(name) = names.get(*feature) {
            moved.set_item(name, value)?;
        }
    }
    all.set_item("counterfactual", moved)?;
    Ok(all)
}

const WARMING_UP: u8 = 0;
const MISSING: u8 = 1;
const SCORED: u8 = 2;

/// Verdicts in columns.
#[derive(Default)]
struct Columns {
    status: Vec<u8>,
    score: Vec<f64>,
    anomaly_score: Vec<f64>,
    threshold: Vec<f64>,
    is_anomaly: Vec<bool>,
    confidence: Vec<f64>,
    reasons: Vec<(usize, Box<Reason>, String)>,
}

impl Columns {
    fn push(&mut self, answer: Answer, names: &[String], values: &[f64]) {
        let row = self.status.len();
        let scored = match answer {
            Answer::Scored(scored) => scored,
            Answer::WarmingUp | Answer::Missing => {
                let is_missing = answer == Answer::Missing;
                self.status
                    .push(if is_missing { MISSING } else { WARMING_UP });
                for column in [
                    &mut self.score,
                    &mut self.anomaly_score,
                    &mut self.threshold,
                    &mut self.confidence,
                ] {
                    column.push(f64::NAN);
                }
                self.is_anomaly.push(false);
                return;
            }
        };
        self.status.push(SCORED);
        self.score.push(scored.score);
        self.anomaly_score.push(scored.anomaly_score);
        self.threshold.push(scored.threshold);
        self.confidence.push(scored.confidence);
        self.is_anomaly.push(scored.reason.is_some());
        if let Some(reason) = scored.reason {
            let sentence = reason.sentence(names, values);
            self.reasons.push((row, reason, sentence));
        }
    }
}

/// Status, score, `anomaly_score`, threshold, `is_anomaly`, confidence and reason of one row.
type One<'py> = (u8, f64, f64, f64, bool, f64, Option<Bound<'py, PyDict>>);

#[pymethods]
impl Series {
    #[new]
    #[pyo3(signature = (algorithm, width, settings=None, *, names=None, seed=0, key="", decision=None, learn_every=1))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        algorithm: String,
        width: usize,
        settings: Option<&Bound<'_, PyDict>>,
        names: Option<Vec<String>>,
        seed: u64,
        key: &str,
        decision: Option<&Bound<'_, PyDict>>,
        learn_every: usize,
    ) -> PyResult<Self> {
        let names = names.unwrap_or_else(|| (0..width).map(|i| format!("f{i}")).collect());
        if names.len() != width {
            return Err(errors::config(
                py,
                &ConfigError::Value {
                    name: "names".to_owned(),
                    found: format!("{} names", names.len()),
                    expected: format!("one for each of {width} features"),
                },
            ));
        }
        let config = Config {
            algorithm,
            options: values::options(settings)?,
            names,
            seed,
            key: key.to_owned(),
            decision: read_decision(py, decision)?,
            learn_every,
        };
        let made = config.with(Core::new).and_then(|made| made);
        let core = made.map_err(|error| errors::config(py, &error))?;
        Ok(Self::of(config, core))
    }

    /// Number of features.
    #[getter]
    fn width(&self) -> usize {
        self.width
    }

    /// Name or alias it was made with.
    #[getter]
    fn algorithm(&self, py: Python<'_>) -> String {
        self.lock(py).config.algorithm.clone()
    }

    /// Whether rows must have times, for the decision keeps a rate in time.
    #[getter]
    fn needs_time(&self, py: Python<'_>) -> bool {
        self.lock(py).core.needs_time()
    }

    /// Names of the features.
    #[getter]
    fn names(&self, py: Python<'_>) -> Vec<String> {
        self.lock(py).config.names.clone()
    }

    /// Scores each row, then learns it; nan while warming up and where nothing could be scored.
    fn score_learn<'py>(&self, rows: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let scores = self.over(rows, |inner, rows, _, scores: &mut Vec<f64>| {
            let mut out = vec![Raw::WarmingUp; rows.len()];
            inner.core.detector_mut().score_learn(rows, &mut out)?;
            scores.extend(out.into_iter().map(number));
            Ok(())
        })?;
        Ok(scores.into_pyarray(rows.py()))
    }

    /// Scores rows without learning them.
    fn score<'py>(&self, rows: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let scores = self.over(rows, |inner, rows, _, scores: &mut Vec<f64>| {
            let mut out = vec![Raw::WarmingUp; rows.len()];
            inner.core.detector().score(rows, &mut out)?;
            scores.extend(out.into_iter().map(number));
            Ok(())
        })?;
        Ok(scores.into_pyarray(rows.py()))
    }

    /// Learns rows without scoring them.
    fn learn(&self, rows: &Bound<'_, PyAny>) -> PyResult<()> {
        self.over(rows, |inner, rows, _, (): &mut ()| {
            inner.core.detector_mut().learn(rows)
        })
    }

    /// Scores one row, then learns it.
    fn score_learn_one(&self, row: &Bound<'_, PyAny>) -> PyResult<f64> {
        let mut inner = self.lock(row.py());
        let Inner {
            core, row: space, ..
        } = &mut *inner;
        arrays::row(row, self.width, space)?;
        let mut out = [Raw::WarmingUp];
        let done = core.detector_mut().score_learn(Rows::one(space), &mut out);
        done.map_err(|error| errors::width(row.py(), error))?;
        Ok(number(out[0]))
    }

    /// Scores one row without learning it.
    fn score_one(&self, row: &Bound<'_, PyAny>) -> PyResult<f64> {
        let mut inner = self.lock(row.py());
        let Inner {
            core, row: space, ..
        } = &mut *inner;
        arrays::row(row, self.width, space)?;
        let mut out = [Raw::WarmingUp];
        let done = core.detector().score(Rows::one(space), &mut out);
        done.map_err(|error| errors::width(row.py(), error))?;
        Ok(number(out[0]))
    }

    /// Learns one row.
    fn learn_one(&self, row: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut inner = self.lock(row.py());
        let Inner {
            core, row: space, ..
        } = &mut *inner;
        arrays::row(row, self.width, space)?;
        let done = core.detector_mut().learn(Rows::one(space));
        done.map_err(|error| errors::width(row.py(), error))
    }

    /// Judges one row, then learns it if it may be learned. `time` is event time in microseconds.
    #[pyo3(signature = (row, time=None))]
    fn judge_one<'py>(&self, row: &Bound<'py, PyAny>, time: Option<i64>) -> PyResult<One<'py>> {
        let py = row.py();
        let mut inner = self.lock(py);
        let Inner {
            core,
            row: space,
            config,
        } = &mut *inner;
        arrays::row(row, self.width, space)?;
        if time.is_none() && core.needs_time() {
            return Err(without_time(py));
        }
        let answer = core.take(space, time);
        let nan = f64::NAN;
        Ok(match answer.map_err(|error| errors::width(py, error))? {
            Answer::WarmingUp => (WARMING_UP, nan, nan, nan, false, nan, None),
            Answer::Missing => (MISSING, nan, nan, nan, false, nan, None),
            Answer::Scored(scored) => {
                let why = scored.reason.as_deref();
                let why = why.map(|why| {
                    let sentence = why.sentence(&config.names, space);
                    reason(py, &config.names, why, &sentence)
                });
                let why = why.transpose()?;
                (
                    SCORED,
                    scored.score,
                    scored.anomaly_score,
                    scored.threshold,
                    why.is_some(),
                    scored.confidence,
                    why,
                )
            }
        })
    }

    /// Judges and learns rows one after the other; gives the columns of the verdicts, and the reasons of anomalies by row.
    #[pyo3(signature = (rows, times=None))]
    fn judge<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        times: Option<Vec<i64>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let py = rows.py();
        let expected = arrays::rows(rows, self.width)?.len();
        if let Some(times) = &times
            && times.len() != expected
        {
            let message = format!(
                "{} times came for {expected} rows, expected one for each",
                times.len()
            );
            return Err(errors::input(py, message));
        }
        if times.is_none() && self.lock(py).core.needs_time() {
            return Err(without_time(py));
        }
        let columns = self.over(rows, |inner, rows, at, columns: &mut Columns| {
            for (i, row) in rows.iter().enumerate() {
                let time = times.as_ref().map(|times| times[at + i]);
                columns.push(inner.core.take(row, time)?, &inner.config.names, row);
            }
            Ok(())
        })?;
        let reasons = PyDict::new(py);
        if !columns.reasons.is_empty() {
            let names = self.lock(py).config.names.clone();
            for (row, why, sentence) in &columns.reasons {
                reasons.set_item(row, reason(py, &names, why, sentence)?)?;
            }
        }
        (
            columns.status.into_pyarray(py),
            columns.score.into_pyarray(py),
            columns.anomaly_score.into_pyarray(py),
            columns.threshold.into_pyarray(py),
            columns.is_anomaly.into_pyarray(py),
            columns.confidence.into_pyarray(py),
            reasons,
        )
            .into_pyobject(py)
    }

    /// Judges and learns rows as history, without telling the verdicts; says whether the last one had one.
    #[pyo3(signature = (rows, times=None))]
    fn learn_history(&self, rows: &Bound<'_, PyAny>, times: Option<Vec<i64>>) -> PyResult<bool> {
        let is_warm = self.over(rows, |inner, rows, at, is_warm: &mut bool| {
            for (i, row) in rows.iter().enumerate() {
                let time = times.as_ref().and_then(|times| times.get(at + i)).copied();
                *is_warm = matches!(inner.core.take(row, time)?, Answer::Scored(_));
            }
            Ok(())
        })?;
        self.flush(rows.py());
        Ok(is_warm)
    }

    /// Learns now what waits to be learned together (`learn_every`).
    fn flush(&self, py: Python<'_>) {
        self.lock(py).core.flush();
    }

    /// Decides otherwise from now on; what was learned stays.
    fn decide_by(&self, py: Python<'_>, decision: &Bound<'_, PyDict>) -> PyResult<()> {
        let decision = read_decision(py, Some(decision))?;
        let mut inner = self.lock(py);
        let done = inner.core.decide_by(&decision);
        done.map_err(|error| errors::config(py, &error))?;
        inner.config.decision = decision;
        Ok(())
    }

    /// Shares of the features in a row's score, and what was expected of them as (low, middle, high).
    fn explain<'py>(&self, row: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let py = row.py();
        let mut inner = self.lock(py);
        let Inner {
            core, row: space, ..
        } = &mut *inner;
        arrays::row(row, self.width, space)?;
        let explanation = core.detector().explain(space);
        let explanation = explanation.map_err(|error| errors::width(py, error))?;
        let all = PyDict::new(py);
        all.set_item("contributions", explanation.contributions)?;
        all.set_item("expected", bands(&explanation.expected))?;
        Ok(all)
    }

    /// What is taken for normal of each feature now, as (low, middle, high); empty while nobody knows.
    fn expected(&self, py: Python<'_>) -> Vec<(f64, f64, f64)> {
        bands(&self.lock(py).core.detector().expected())
    }

    /// What the detector found out or chose, in words.
    fn about(&self, py: Python<'_>) -> Option<String> {
        self.lock(py).core.detector().about()
    }

    /// Bytes held.
    fn memory_bytes(&self, py: Python<'_>) -> usize {
        let inner = self.lock(py);
        size_of::<Self>() + inner.core.memory_bytes()
    }

    /// Everything: configuration and what was learned, checksummed.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let inner = self.lock(py);
        let config = serde_json::to_vec(&inner.config)
            .map_err(|error| errors::state(py, format!("settings cannot be saved: {error}")))?;
        let bytes = postcard::to_allocvec(&(config, inner.core.save()))
            .map_err(|error| errors::state(py, format!("state cannot be saved: {error}")))?;
        Ok(PyBytes::new(py, &seal(MAGIC, &bytes)))
    }

    /// A series from what `state` gave. The bytes may come from anywhere: they are checked, and nothing in them is run.
    #[staticmethod]
    fn from_state(py: Python<'_>, state: &[u8]) -> PyResult<Self> {
        let damaged = |reason: String| {
            errors::state(
                py,
                format!("saved series is damaged: {reason} (take another copy)"),
            )
        };
        let body = unseal(MAGIC, state).map_err(&damaged)?;
        let ((config, core), rest): ((Vec<u8>, Vec<u8>), _) =
            postcard::take_from_bytes(body).map_err(|error| damaged(error.to_string()))?;
        if !rest.is_empty() {
            return Err(damaged("bytes are left over".to_owned()));
        }
        let config: Config =
            serde_json::from_slice(&config).map_err(|error| damaged(error.to_string()))?;
        let made = config.with(|config| Core::restore(config, &core));
        let core = made.map_err(|error| damaged(error.to_string()))?;
        let core = core.map_err(|error| errors::restore(py, &error))?;
        Ok(Self::of(config, core))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let make = py.get_type::<Self>().getattr("from_state")?;
        (make, (slf.get().state(py)?,)).into_pyobject(py)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("Series({:?}, {})", self.algorithm(py), self.width)
    }
}

fn without_time(py: Python<'_>) -> PyErr {
    let message = "timestamp is missing, but the decision keeps a rate in time (give each row its time, or the decision a rate such as 0.1 %)";
    errors::input(py, message.to_owned())
}

/// Magic bytes, checksum, body.
pub(crate) fn seal(magic: [u8; 8], body: &[u8]) -> Vec<u8> {
    let mut out = magic.to_vec();
    out.extend(crc32c::crc32c(body).to_le_bytes());
    out.extend_from_slice(body);
    out
}

/// The body, if magic and checksum are right.
pub(crate) fn unseal(magic: [u8; 8], state: &[u8]) -> Result<&[u8], String> {
    let body = state.strip_prefix(magic.as_slice());
    let body = body.ok_or("it does not begin as one of this version of willet does")?;
    let (checksum, body) = body.split_first_chunk::<4>().ok_or("it is cut short")?;
    if crc32c::crc32c(body) == u32::from_le_bytes(*checksum) {
        Ok(body)
    } else {
        Err("its checksum does not match its bytes".to_owned())
    }
}

const DECISION_NAMES: [&str; 8] = [
    "contamination",
    "threshold",
    "rate",
    "direction",
    "ignore_absolute",
    "ignore_relative",
    "consecutive",
    "data_range",
];

fn read_decision(py: Python<'_>, decision: Option<&Bound<'_, PyDict>>) -> PyResult<DecisionConfig> {
    let Some(decision) = decision else {
        return Ok(DecisionConfig::default());
    };
    let mut all = serde_json::Map::new();
    for (name, value) in decision {
        let name: String = name.extract()?;
        if !DECISION_NAMES.contains(&name.as_str()) {
            let error = ConfigError::unknown("decision setting", &name, DECISION_NAMES);
            return Err(errors::config(py, &error));
        }
        if !value.is_none() {
            let value = json(&name, &value)?;
            all.insert(name, value);
        }
    }
    serde_json::from_value(all.into()).map_err(|error| {
        errors::config(
            py,
            &ConfigError::Value {
                name: "decision".to_owned(),
                found: decision
                    .repr()
                    .map_or_else(|_| String::new(), |it| it.to_string()),
                expected: format!("other values in it: {error}"),
            },
        )
    })
}

/// A value as JSON, `None` inside a list kept: it leaves an end of a range open.
fn json(name: &str, value: &Bound<'_, PyAny>) -> PyResult<serde_json::Value> {
    if value.is_none() {
        return Ok(serde_json::Value::Null);
    }
    if let Ok(map) = value.cast::<PyDict>() {
        let entries = map.iter().map(|(key, value)| {
            let key: String = key.extract()?;
            let value = json(&key, &value)?;
            Ok((key, value))
        });
        return Ok(serde_json::Value::Object(entries.collect::<PyResult<_>>()?));
    }
    let is_list = value.cast::<pyo3::types::PyList>().is_ok() || value.cast::<PyTuple>().is_ok();
    if is_list {
        let values = value.try_iter()?.map(|value| json(name, &value?));
        return Ok(serde_json::Value::Array(values.collect::<PyResult<_>>()?));
    }
    Ok(match values::read(name, value)? {
        Value::Bool(flag) => flag.into(),
        Value::Text(text) => text.into(),
        Value::Number(number)
            if number.fract() == 0.0 && number.abs() < 1e15 && name == "consecutive" =>
        {
            (number as i64).into()
        }
        Value::Number(number) => number.into(),
        Value::List(_) | Value::Map(_) => serde_json::Value::Null,
    })
}
