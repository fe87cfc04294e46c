//! The slow, obvious way: all rows that were ever taken are kept and looked at one by one.

use super::{BTreeMap, Bucket, MICROS, Taken, Told, What};

/// A row as it is compared.
pub(super) fn shown(row: &[f64]) -> Vec<f64> {
    row.iter()
        .map(|x| if x.is_nan() { -1e9 } else { *x })
        .collect()
}

pub(super) struct NaiveTime {
    size: i64,
    slide: i64,
    allowed: i64,
    clock: Option<i64>,
    origin: i64,
    rows: Vec<(i64, Vec<f64>)>,
    reports: BTreeMap<i64, u32>,
}

impl NaiveTime {
    pub(super) fn new(size: i64, slide: i64, allowed: i64) -> Self {
        Self {
            size,
            slide,
            allowed,
            clock: None,
            origin: 0,
            rows: Vec::new(),
            reports: BTreeMap::new(),
        }
    }

    fn windows_of(&self, time: i64) -> Vec<i64> {
        let near = time / self.slide;
        let reach = self.size / self.slide + 2;
        (near - reach..=near + 2)
            .filter(|id| (id * self.slide..id * self.slide + self.size).contains(&time))
            .collect()
    }

    fn end(&self, id: i64) -> i64 {
        id * self.slide + self.size
    }

    fn report(&mut self, id: i64, out: &mut Vec<Told>) {
        let span = (id * self.slide, self.end(id));
        let inside = |row: &&(i64, Vec<f64>)| (span.0..span.1).contains(&row.0);
        let reports = self.reports.entry(id).or_default();
        out.push(Told {
            id,
            revision: *reports,
            span: Some(span),
            merged_into: None,
            rows: self.rows.iter().filter(inside).cloned().collect(),
        });
        *reports += 1;
    }

    pub(super) fn step(
        &mut self,
        row: Option<[f64; 2]>,
        time: i64,
        out: &mut Vec<Told>,
    ) -> Option<Taken> {
        if self.clock.is_none() && row.is_some() {
            (self.clock, self.origin) = (Some(time), time);
        }
        let clock = self.clock?;
        if time > clock {
            let mut due: Vec<i64> = self
                .rows
                .iter()
                .flat_map(|row| self.windows_of(row.0))
                .filter(|id| id * self.slide >= self.origin)
                .filter(|id| (clock + 1..=time).contains(&self.end(*id)))
                .collect();
            due.sort_unstable();
            due.dedup();
            due.into_iter().for_each(|id| self.report(id, out));
            self.clock = Some(time);
        }
        let row = row?;
        let mut whole = self.windows_of(time);
        whole.retain(|id| id * self.slide >= self.origin);
        if whole.is_empty() {
            return Some(Taken::BeforeFirst);
        }
        let clock = clock.max(time);
        whole.retain(|id| self.end(*id) + self.allowed > clock);
        if whole.is_empty() {
            return Some(Taken::TooLate);
        }
        self.rows.push((time, shown(&row)));
        self.rows.sort_by_key(|row| row.0);
        for id in whole {
            if self.end(id) <= clock {
                self.report(id, out);
            }
        }
        Some(if time < clock {
            Taken::Late
        } else {
            Taken::InTime
        })
    }
}

struct NaiveSession {
    id: i64,
    rows: Vec<(i64, Vec<f64>)>,
    reports: u32,
    is_told: bool,
}

impl NaiveSession {
    fn last(&self) -> i64 {
        self.rows.iter().map(|row| row.0).max().expect("has rows")
    }

    fn told(&mut self) -> Told {
        self.rows.sort_by_key(|row| row.0);
        self.is_told = true;
        self.reports += 1;
        Told {
            id: self.id,
            revision: self.reports - 1,
            span: Some((self.rows[0].0, self.last())),
            merged_into: None,
            rows: self.rows.clone(),
        }
    }
}

pub(super) struct NaiveSessions {
    gap: i64,
    allowed: i64,
    clock: Option<i64>,
    began: i64,
    sessions: Vec<NaiveSession>,
}

impl NaiveSessions {
    pub(super) fn new(gap: i64, allowed: i64) -> Self {
        Self {
            gap,
            allowed,
            clock: None,
            began: 0,
            sessions: Vec::new(),
        }
    }

    fn close(&mut self, out: &mut Vec<Told>) {
        let (gap, clock) = (self.gap, self.clock.expect("set"));
        for session in &mut self.sessions {
            if !session.is_told && session.last() + gap <= clock {
                out.push(session.told());
            }
        }
    }

    pub(super) fn step(
        &mut self,
        row: Option<[f64; 2]>,
        time: i64,
        out: &mut Vec<Told>,
    ) -> Option<Taken> {
        if self.clock.is_none() {
            row?;
        }
        let is_late = self.clock.is_some_and(|clock| time < clock);
        let clock = self.clock.max(Some(time)).expect("a time");
        self.clock = Some(clock);
        self.close(out);
        let (gap, allowed) = (self.gap, self.allowed);
        self.sessions
            .retain(|session| session.last() + gap + allowed > clock);
        let row = row?;
        let near = |s: &NaiveSession| s.rows.iter().any(|row| (row.0 - time).abs() < gap);
        let (mut touched, others): (Vec<_>, Vec<_>) = self.sessions.drain(..).partition(near);
        self.sessions = others;
        if touched.is_empty() && time + gap + allowed <= clock {
            return Some(Taken::TooLate);
        }
        touched.sort_by_key(NaiveSession::last);
        let mut touched = touched.into_iter();
        let mut session = touched.next().unwrap_or_else(|| {
            self.began += 1;
            NaiveSession {
                id: self.began - 1,
                rows: Vec::new(),
                reports: 0,
                is_told: false,
            }
        });
        for mut later in touched {
            if later.reports > 0 {
                out.push(Told {
                    merged_into: Some(session.id),
                    rows: Vec::new(),
                    ..later.told()
                });
            }
            session.rows.extend(later.rows);
        }
        session.rows.push((time, shown(&row)));
        session.is_told = false;
        self.sessions.push(session);
        self.close(out);
        Some(if is_late { Taken::Late } else { Taken::InTime })
    }
}

pub(super) struct NaiveBuckets {
    every: i64,
    allowed: i64,
    max_silent: u64,
    what: What,
    clock: Option<i64>,
    first: i64,
    closed: i64,
    events: Vec<(i64, f64)>,
    reports: BTreeMap<i64, u32>,
    silent: u64,
    left_out: u64,
}

impl NaiveBuckets {
    pub(super) fn new(every: i64, allowed: i64, max_silent: u64, what: What) -> Self {
        Self {
            every,
            allowed,
            max_silent,
            what,
            clock: None,
            first: 0,
            closed: 0,
            events: Vec::new(),
            reports: BTreeMap::new(),
            silent: 0,
            left_out: 0,
        }
    }

    fn bucket(&mut self, id: i64, left_out: u64) -> Bucket {
        let (begin, end) = (id * self.every, (id + 1) * self.every);
        let inside: Vec<f64> = self
            .events
            .iter()
            .filter(|event| (begin..end).contains(&event.0))
            .map(|event| event.1)
            .collect();
        let values: Vec<f64> = inside.iter().copied().filter(|x| !x.is_nan()).collect();
        let (count, sum) = (values.len() as f64, values.iter().sum::<f64>() + 0.0);
        let ends = |f: fn(f64, f64) -> f64| values.iter().copied().fold(f64::NAN, f);
        let value = match self.what {
            What::Count => inside.len() as f64,
            What::Rate => count * MICROS as f64 / self.every as f64,
            What::Sum => sum,
            What::Mean if values.is_empty() => f64::NAN,
            What::Mean => sum / count,
            What::Min => ends(f64::min),
            What::Max => ends(f64::max),
        };
        let reports = self.reports.entry(id).or_default();
        *reports += 1;
        Bucket {
            id,
            revision: *reports - 1,
            begin,
            end,
            value,
            events: inside.len() as u64,
            left_out,
        }
    }

    pub(super) fn step(
        &mut self,
        value: Option<f64>,
        time: i64,
        out: &mut Vec<Bucket>,
    ) -> Option<Taken> {
        if self.clock.is_none() {
            value?;
            let is_whole = time % self.every == 0;
            self.first = time / self.every + i64::from(!is_whole);
            self.closed = self.first;
        }
        let is_late = self.clock.is_some_and(|clock| time < clock);
        let clock = self.clock.max(Some(time)).expect("a time");
        self.clock = Some(clock);
        while (self.closed + 1) * self.every <= clock {
            let id = self.closed;
            self.closed += 1;
            if self.events.iter().any(|event| event.0 / self.every == id) {
                self.silent = 0;
            } else if self.silent == self.max_silent {
                self.left_out += 1;
                continue;
            } else {
                self.silent += 1;
            }
            let left_out = std::mem::take(&mut self.left_out);
            let bucket = self.bucket(id, left_out);
            out.push(bucket);
        }
        let value = value?;
        let id = time / self.every;
        if id < self.first {
            return Some(Taken::BeforeFirst);
        }
        if (id + 1) * self.every + self.allowed <= clock {
            return Some(Taken::TooLate);
        }
        self.events.push((time, value));
        if id < self.closed {
            let bucket = self.bucket(id, 0);
            out.push(bucket);
        }
        Some(if is_late { Taken::Late } else { Taken::InTime })
    }
}
