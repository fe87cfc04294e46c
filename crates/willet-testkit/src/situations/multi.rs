//! Several values a row.

use super::case::{Case, Event, MINUTE};
use super::draw::Draw;
use super::noise::Noise;
use super::rhythm::Rhythm;

/// Independent sensors of any level and scale.
struct Sensors(Vec<Noise>);

impl Sensors {
    fn new(draw: &mut Draw, n: usize, width: usize) -> Self {
        Self((0..width).map(|_| Noise::white(draw, n)).collect())
    }

    fn case(self) -> Case {
        let columns = self.0.into_iter().enumerate();
        Case::wide(
            columns
                .map(|(i, noise)| (format!("s{}", i + 1), noise.values, noise.sigma))
                .collect(),
        )
        .every(10)
    }
}

/// Eight sensors; one of them is 12 to 200 of its deviations off for one row.
pub(super) fn one_of_eight(draw: &mut Draw) -> Case {
    let mut sensors = Sensors::new(draw, 2_000, 8);
    let (row, which) = (draw.whole(1_000..1_900), draw.whole(0..8));
    sensors.0[which].put(row, draw.sign() * draw.scale(12.0..200.0));
    let sigma = sensors.0[which].sigma;
    sensors
        .case()
        .find(Event::at(row))
        .ladder_of(which, row, sigma)
}

/// Five sensors in units from thousandths to millions; the smallest is 15 to 200 of its deviations off for one row.
pub(super) fn mixed_scales(draw: &mut Draw) -> Case {
    let row = draw.whole(1_000..1_900);
    let size = draw.sign() * draw.scale(15.0..200.0);
    let columns = [1e-3, 0.1, 10.0, 1e3, 1e6].into_iter().enumerate();
    let columns = columns.map(|(i, scale)| {
        let mut values = draw.many(2_000, |draw| scale * (10.0 + draw.normal()));
        if i == 0 {
            values[row] += size * scale;
        }
        (format!("s{}", i + 1), values, scale)
    });
    Case::wide(columns.collect()).every(10).find(Event::at(row))
}

/// Four sensors that always go up and down together; for three rows one goes against the others, each within its usual range.
pub(super) fn one_against_the_others(draw: &mut Draw) -> Case {
    let mut common = draw.wandering(2_500, 0.7);
    let (first, odd) = (draw.whole(1_500..2_400), draw.whole(0..4));
    common[first..first + 3].fill(draw.sign() * draw.uniform(1.2..1.8));
    let noise = draw.uniform(0.04..0.08);
    let columns = (0..4).map(|which| {
        let gain = draw.uniform(1.0..5.0);
        let value = |(row, x): (usize, &f64)| {
            let is_against = which == odd && (first..first + 3).contains(&row);
            let x = if is_against { -x } else { *x };
            50.0 + gain * (x + noise * draw.normal())
        };
        let values = common.iter().enumerate().map(value).collect();
        (format!("s{}", which + 1), values, 1.0)
    });
    Case::wide(columns.collect())
        .every(10)
        .find(Event::over(first, first + 2))
}

/// Six sensors that slowly warm up together, by 10 to 30 deviations in 4,000 rows, with nothing wrong.
pub(super) fn warming_together(draw: &mut Draw) -> Case {
    let n = 4_000;
    let by = draw.uniform(10.0..30.0) / n as f64;
    let mut sensors = Sensors::new(draw, n, 6);
    for noise in &mut sensors.0 {
        let slope = by * draw.uniform(0.7..1.3) * noise.sigma;
        for (row, x) in noise.values.iter_mut().enumerate() {
            *x += slope * row as f64;
        }
    }
    sensors.case()
}

/// Points in three known places of a plane; some rows, one in ten, come from a fourth that is empty otherwise.
pub(super) fn new_place(draw: &mut Draw) -> Case {
    let n = 3_000;
    let mut places = [[0.0, 0.0], [40.0, 0.0], [0.0, 40.0]];
    for x in places.iter_mut().flatten() {
        *x += draw.uniform(-5.0..5.0);
    }
    let first = draw.whole(2_000..2_800);
    let is_new = |row: usize| row >= first && row < first + 60 && (row - first).is_multiple_of(10);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for row in 0..n {
        let place = if is_new(row) {
            [38.0, 38.0]
        } else {
            draw.pick(&places)
        };
        x.push(100.0 + place[0] + draw.normal());
        y.push(100.0 + place[1] + draw.normal());
    }
    let case = Case::wide(vec![("x".to_owned(), x, 1.0), ("y".to_owned(), y, 1.0)]);
    let mut case = case.find(Event::at(first));
    for row in (first + 1..n).filter(|row| is_new(*row)) {
        case.strange[row] = true;
        case = case.ignore(row, row + 2);
    }
    case
}

/// Six sensors, three of which never change. A changing one is 15 to 100 deviations off; later a constant one changes for a row.
pub(super) fn some_constant(draw: &mut Draw) -> Case {
    let mut sensors = Sensors::new(draw, 2_500, 6);
    for noise in sensors.0.iter_mut().skip(1).step_by(2) {
        noise.level = noise.level.round();
        noise.values.fill(noise.level);
    }
    let (first, second) = (draw.whole(1_000..1_500), draw.whole(1_800..2_400));
    sensors.0[0].put(first, draw.sign() * draw.scale(15.0..100.0));
    let level = sensors.0[3].level;
    sensors.0[3].values[second] += 10.0 * level.abs().max(1.0);
    sensors
        .case()
        .find(Event::at(first))
        .find(Event::at(second))
}

/// Four sensors with one daily rhythm, rows of fifteen minutes; at night one of them alone has the value of midday for an hour.
pub(super) fn season(draw: &mut Draw) -> Case {
    let rhythm = Rhythm::new(draw, 28, 15 * MINUTE);
    let (day, odd) = (draw.whole(18..26), draw.whole(0..4));
    let first = rhythm.at_night(draw, day);
    let course = rhythm.course(|_, bell| bell);
    let columns = (0..4).map(|which| {
        let gain = draw.uniform(0.5..2.0);
        let mut values: Vec<f64> = course
            .iter()
            .map(|x| gain * (x + rhythm.sigma * draw.normal()))
            .collect();
        if which == odd {
            let by = gain * rhythm.tall * draw.uniform(0.7..0.9);
            values[first..first + 4].iter_mut().for_each(|x| *x += by);
        }
        (format!("s{}", which + 1), values, rhythm.sigma)
    });
    let case = Case::wide(columns.collect());
    rhythm.timed(draw, case, 7).find(Event {
        settle: 4,
        ..Event::over(first, first + 3)
    })
}

/// What follows `x` with a delay of so many rows (first order).
fn follows(x: &[f64], rows: f64) -> Vec<f64> {
    let mut at = x[0];
    x.iter()
        .map(|x| {
            at += (x - at) / rows;
            at
        })
        .collect()
}

/// Eight sensors of a pump, a valve and a tank, once a second; `open` is how far the valve is.
fn pump(draw: &mut Draw, open: &[f64]) -> Case {
    let load: Vec<f64> = draw
        .wandering(open.len(), 0.98)
        .iter()
        .map(|x| 1.0 + 0.02 * x)
        .collect();
    let of = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
        load.iter().zip(open).map(|(l, o)| f(*l, *o)).collect()
    };
    let current = follows(&of(&|load, open| 1.5 * load * (0.6 + 0.4 * open)), 3.0);
    let shake = of(&|load, open| 0.2 * (1.0 + 1.2 * (1.0 - open)) * load);
    let heat: Vec<f64> = current
        .iter()
        .zip(open)
        .map(|(current, open)| 60.0 + 12.0 * (current / 1.5 - 1.0) + 8.0 * (1.0 - open))
        .collect();
    let motor = follows(&heat, 120.0);
    let half: Vec<f64> = motor.iter().map(|x| 0.5 * x).collect();
    let water = follows(&half, 200.0).iter().map(|x| x + 5.0).collect();
    let clean = [
        (
            "flow",
            follows(&of(&|load, open| 30.0 * load * libm::pow(open, 0.7)), 5.0),
            0.4,
        ),
        (
            "pressure",
            follows(&of(&|load, open| 2.0 * load * (1.8 - 0.8 * open)), 4.0),
            0.03,
        ),
        ("current", current, 0.03),
        ("vibration_1", shake.clone(), 0.015),
        (
            "vibration_2",
            shake.iter().map(|x| 0.8 * x).collect(),
            0.015,
        ),
        ("motor_temperature", motor, 0.1),
        ("water_temperature", water, 0.1),
        ("voltage", vec![230.0; open.len()], 1.5),
    ];
    let columns = clean.into_iter().map(|(name, values, noise)| {
        let values = values.iter().map(|x| x + noise * draw.normal()).collect();
        (name.to_owned(), values, noise)
    });
    Case::wide(columns.collect()).every(1)
}

/// A pump and a valve with eight sensors at 1 Hz; in the second half the valve closes to a half or a third for 400 rows. Told within
/// 30 rows, and the rows of the fault score above the others (ROC AUC 0.8 over the file).
pub(super) fn valve_closes(draw: &mut Draw) -> Case {
    let (n, first, long) = (1_200, draw.whole(620..760), 400);
    let (closed, slow) = (draw.uniform(0.3..0.5), draw.whole(3..12) as f64);
    let open: Vec<f64> = (0..n)
        .map(|row| {
            let shut = (f64::from(row) - first as f64) / slow;
            let reopened = (first as f64 + f64::from(long) - f64::from(row)) / slow;
            1.0 - (1.0 - closed) * shut.clamp(0.0, 1.0) * reopened.clamp(0.0, 1.0)
        })
        .collect();
    let case = pump(draw, &open).find(Event {
        late: 30,
        until: first + long as usize - 1,
        settle: 60,
        ..Event::at(first)
    });
    Case {
        least_roc: Some(0.8),
        ..case
    }
}
