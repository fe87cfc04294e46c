//! Finds drifts in rows of numbers: CSV in, alarms out.
//!
//! ```text
//! drift [--test NAME] [--set NAME=VALUE]... [--label NAME] [FILE]...     standard input where no file is given
//! ```
//!
//! With `--label` the column of that name is a class, a Gaussian naive Bayes predicts it from the others before it learns it, and the test
//! sees the model's errors (1 wrong, 0 right); at an alarm the model is begun anew.
//!
//! A file's first line is its head if it is not of numbers. Each line gives `FILE,ROW,LEVEL,STATISTIC,MAGNITUDE,BEGAN,FEATURES`; rows are
//! counted from 0, the head not counted.

use std::io::{BufRead, BufReader, Read};

use willet_core::drift::{Level, find};
use willet_core::settings::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut test = "monitor".to_owned();
    let mut options = Vec::new();
    let mut files = Vec::new();
    let mut label = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--test" => test = arguments.next().ok_or("--test needs a name")?,
            "--label" => label = Some(arguments.next().ok_or("--label needs a name")?),
            "--set" => {
                let setting = arguments.next().ok_or("--set needs NAME=VALUE")?;
                let (name, value) = setting.split_once('=').ok_or("--set needs NAME=VALUE")?;
                let number = value.parse().map(Value::Number);
                let value = number.unwrap_or_else(|_| Value::Text(value.to_owned()));
                options.push((name.to_owned(), value));
            }
            _ => files.push(argument),
        }
    }
    let kind = find(&test)?;
    println!("file,row,level,statistic,magnitude,began,features");
    if files.is_empty() {
        files.push("-".to_owned());
    }
    for file in files {
        let input: Box<dyn Read> = match file.as_str() {
            "-" => Box::new(std::io::stdin()),
            path => {
                Box::new(std::fs::File::open(path).map_err(|error| format!("{path}: {error}"))?)
            }
        };
        let mut detector = None;
        let mut class_at = None;
        let mut model = NaiveBayes::default();
        let mut row = 0_u64;
        for (number, line) in BufReader::new(input).lines().enumerate() {
            let line = line?;
            let values: Result<Vec<f64>, _> =
                line.split(',').map(|field| field.trim().parse()).collect();
            let values = match values {
                Ok(values) => values,
                Err(_) if number == 0 => {
                    class_at = line
                        .split(',')
                        .position(|name| Some(name.trim()) == label.as_deref());
                    continue;
                }
                Err(error) => return Err(format!("{file}, line {}: {error}", number + 1).into()),
            };
            let values = match class_at {
                Some(at) => vec![f64::from(u8::from(model.is_wrong(values, at)))],
                None if label.is_some() => return Err(format!("{file} has no such label").into()),
                None => values,
            };
            let detector = match &mut detector {
                Some(detector) => detector,
                None => detector.insert(kind.build(&options, values.len(), 0)?),
            };
            let drift = detector.update(&values)?;
            if drift.level == Level::Drift {
                model = NaiveBayes::default();
                let features = detector.features().iter();
                let features: Vec<String> = features.map(|f| f.feature.to_string()).collect();
                println!(
                    "{file},{row},drift,{},{},{},{}",
                    drift.statistic,
                    drift.magnitude,
                    drift.began.map_or(String::new(), |row| row.to_string()),
                    features.join(" ")
                );
            }
            row += 1;
        }
    }
    Ok(())
}

/// Gaussian naive Bayes, learned a row at a time.
#[derive(Default)]
struct NaiveBayes {
    classes: Vec<Class>,
}

struct Class {
    label: f64,
    rows: f64,
    /// Mean and sum of squared deviations of each feature.
    features: Vec<(f64, f64)>,
}

impl Class {
    fn log_likelihood(&self, row: &[f64], total: f64) -> f64 {
        let features = self.features.iter().zip(row).map(|((mean, squares), x)| {
            let variance = (squares / self.rows).max(1e-9);
            -0.5 * libm::log(variance) - (x - mean) * (x - mean) / (2.0 * variance)
        });
        libm::log(self.rows / total) + features.sum::<f64>()
    }

    fn learn(&mut self, row: &[f64]) {
        self.rows += 1.0;
        for ((mean, squares), x) in self.features.iter_mut().zip(row) {
            let apart = x - *mean;
            *mean += apart / self.rows;
            *squares += apart * (x - *mean);
        }
    }
}

impl NaiveBayes {
    /// Whether the class was predicted wrongly; the row is learned after.
    fn is_wrong(&mut self, mut row: Vec<f64>, class_at: usize) -> bool {
        let label = row.remove(class_at);
        let total: f64 = self.classes.iter().map(|class| class.rows).sum();
        let likely = |class: &Class| (class.log_likelihood(&row, total), class.label);
        let predicted = self.classes.iter().map(likely);
        let predicted = predicted.reduce(|best, next| if next.0 > best.0 { next } else { best });
        let known = self.classes.iter().position(|class| class.label == label);
        let at = known.unwrap_or_else(|| {
            self.classes.push(Class {
                label,
                rows: 0.0,
                features: vec![(0.0, 0.0); row.len()],
            });
            self.classes.len() - 1
        });
        self.classes[at].learn(&row);
        predicted.is_none_or(|(_, predicted)| predicted != label)
    }
}
