//! Load for a running service, and what it made of it. Used by `bench/run.sh`.
//!
//! ```text
//! load ingest   PORT STREAM SECONDS CONNECTIONS   batches of 1,000 events as fast as they are acknowledged
//! load latency  PORT STREAM SECONDS RATE          the same at RATE events a second, and single events whose verdicts are waited for on /ws
//! load overload PORT STREAM SECONDS CONNECTIONS   far more than can be taken, with what came back and how memory stood
//! load streams  PORT NAME   SECONDS COUNT         so many streams (z-score), each with 100 events of ten keys a second; 0 seconds: idle ones
//! ```
//!
//! An event has ten values and about 150 bytes; there are 1,000 keys. Prints lines of `name value unit`.
#![expect(
    clippy::disallowed_methods,
    reason = "a load generator is made of clocks and threads"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tungstenite::Message;

const BATCH: usize = 1_000;
const KEYS: usize = 1_000;
/// Bodies made beforehand; sent again and again.
const BODIES: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, port, stream, seconds, last] = arguments.as_slice() else {
        eprintln!("load MODE PORT STREAM SECONDS CONNECTIONS|RATE");
        std::process::exit(2);
    };
    let number = |text: &String| text.parse::<u16>().expect("a number");
    let target = Target {
        port: number(port),
        stream: stream.clone(),
    };
    let time = Duration::from_secs(u64::from(number(seconds)));
    match mode.as_str() {
        "ingest" => ingest(&target, time, usize::from(number(last))),
        "latency" => latency(&target, time, last.parse().expect("a rate")),
        "overload" => overload(&target, time, usize::from(number(last))),
        "streams" => streams(&target, time, usize::from(number(last))),
        other => panic!("no mode `{other}`"),
    }
}

struct Target {
    port: u16,
    stream: String,
}

fn number_line(name: &str, value: f64, unit: &str) {
    println!("{name} {value:.3} {unit}");
}

/// A small generator: the values need no more than to differ.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn body(seed: u64) -> Vec<u8> {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15 ^ (seed + 1));
    let mut body = Vec::with_capacity(BATCH * 160);
    for event in 0..BATCH {
        let key = (noise.next() as usize + event) % KEYS;
        let time = 1_767_323_045_000 + seed * 1_000 + event as u64;
        write!(
            body,
            "{{\"source\":\"sensor-{key:04}\",\"timestamp\":{time},\"features\":["
        )
        .expect("memory");
        for value in 0..10 {
            // The sum of some dice: values with a middle.
            let sum: u64 = (0..4).map(|_| noise.next() % 1_000).sum();
            let comma = if value == 0 { "" } else { "," };
            write!(body, "{comma}{:.4}", 20.0 + sum as f64 / 400.0).expect("memory");
        }
        body.extend_from_slice(b"]}\n");
    }
    body
}

fn request(target: &Target, body: &[u8]) -> Vec<u8> {
    let path = format!("/api/v1/events?stream={}", target.stream);
    post(&path, "application/x-ndjson", body)
}

fn post(path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

struct Connection {
    reader: BufReader<TcpStream>,
    line: String,
    answer: Vec<u8>,
}

impl Connection {
    fn open(target: &Target) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", target.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self {
            reader: BufReader::with_capacity(64 << 10, stream),
            line: String::new(),
            answer: Vec::new(),
        })
    }

    /// Sends a request and reads its answer; gives the status and whether the connection stays.
    fn exchange(&mut self, request: &[u8]) -> std::io::Result<(u16, bool)> {
        self.reader.get_mut().write_all(request)?;
        self.line.clear();
        self.reader.read_line(&mut self.line)?;
        let status = self
            .line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other("no status line"))?;
        let (mut length, mut stays) = (0, true);
        loop {
            self.line.clear();
            self.reader.read_line(&mut self.line)?;
            let line = self.line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            }
            stays &= line != "connection: close";
        }
        self.answer.resize(length, 0);
        self.reader.read_exact(&mut self.answer)?;
        Ok((status, stays))
    }
}

fn requests(target: &Target) -> Arc<Vec<Vec<u8>>> {
    let made: Vec<Vec<u8>> = (0..BODIES as u64)
        .map(|seed| request(target, &body(seed)))
        .collect();
    let bytes: usize = made.iter().map(Vec::len).sum();
    number_line(
        "event_bytes",
        bytes as f64 / (BODIES * BATCH) as f64,
        "bytes",
    );
    Arc::new(made)
}

fn ingest(target: &Target, time: Duration, connections: usize) {
    let requests = requests(target);
    let (taken, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for index in 0..connections {
            let (requests, taken, refused, over) = (&requests, &taken, &refused, &over);
            scope.spawn(move || {
                let mut connection = Connection::open(target).expect("it listens");
                for turn in index.. {
                    if over.load(Relaxed) {
                        return;
                    }
                    match connection.exchange(&requests[turn % BODIES]) {
                        Ok((200, true)) => taken.fetch_add(BATCH as u64, Relaxed),
                        Ok((200, false)) => {
                            connection = Connection::open(target).expect("it listens");
                            taken.fetch_add(BATCH as u64, Relaxed)
                        }
                        _ => {
                            connection = Connection::open(target).expect("it listens");
                            refused.fetch_add(1, Relaxed)
                        }
                    };
                }
            });
        }
        std::thread::sleep(time);
        over.store(true, Relaxed);
    });
    let seconds = begun.elapsed().as_secs_f64();
    number_line(
        "acknowledged",
        taken.load(Relaxed) as f64 / seconds,
        "events/s",
    );
    number_line("refused", refused.load(Relaxed) as f64, "requests");
}

fn latency(target: &Target, time: Duration, rate: f64) {
    let requests = requests(target);
    let over = AtomicBool::new(false);
    let taken = AtomicU64::new(0);
    let mut waits: Vec<f64> = Vec::new();
    std::thread::scope(|scope| {
        for index in 0..2 {
            let (requests, over, taken) = (&requests, &over, &taken);
            scope.spawn(move || {
                let mut connection = Connection::open(target).expect("it listens");
                let pause = Duration::from_secs_f64(2.0 * BATCH as f64 / rate);
                let mut due = Instant::now();
                for turn in index.. {
                    if over.load(Relaxed) {
                        return;
                    }
                    due += pause;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let (status, _) = connection
                        .exchange(&requests[turn % BODIES])
                        .expect("an answer");
                    assert_eq!(status, 200);
                    taken.fetch_add(BATCH as u64, Relaxed);
                }
            });
        }
        let url = format!(
            "ws://127.0.0.1:{}/ws?topics=predictions&source=probe",
            target.port
        );
        let (mut socket, _) = tungstenite::connect(url).expect("it opens");
        socket.read().expect("a welcome");
        let mut connection = Connection::open(target).expect("it listens");
        std::thread::sleep(Duration::from_secs(2));
        let begun = Instant::now();
        while begun.elapsed() < time {
            let event = b"{\"source\":\"probe\",\"features\":[1,2,3,4,5,6,7,8,9,10]}\n";
            let asked = Instant::now();
            let (status, _) = connection
                .exchange(&request(target, event))
                .expect("an answer");
            assert_eq!(status, 200);
            loop {
                if let Message::Text(_) = socket.read().expect("a message") {
                    break;
                }
            }
            waits.push(asked.elapsed().as_secs_f64() * 1e3);
            std::thread::sleep(Duration::from_millis(7));
        }
        over.store(true, Relaxed);
        number_line(
            "offered",
            taken.load(Relaxed) as f64 / (begun.elapsed().as_secs_f64() + 2.0),
            "events/s",
        );
    });
    waits.sort_by(f64::total_cmp);
    for (name, q) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
        number_line(name, waits[((waits.len() - 1) as f64 * q) as usize], "ms");
    }
    number_line("probes", waits.len() as f64, "events");
}

fn overload(target: &Target, time: Duration, connections: usize) {
    let requests = requests(target);
    let (taken, refused, broken) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    number_line("memory_before", resident(target), "MiB");
    let mut most: f64 = 0.0;
    std::thread::scope(|scope| {
        for index in 0..connections {
            let (requests, taken, refused, broken, over) =
                (&requests, &taken, &refused, &broken, &over);
            scope.spawn(move || {
                let mut connection = None;
                for turn in index.. {
                    if over.load(Relaxed) {
                        return;
                    }
                    if connection.is_none() {
                        connection = Connection::open(target).ok();
                    }
                    let Some(open) = &mut connection else {
                        continue;
                    };
                    if let Ok((status, stays)) = open.exchange(&requests[turn % BODIES]) {
                        let count = if status == 200 { taken } else { refused };
                        count.fetch_add(1, Relaxed);
                        connection = connection.filter(|_| stays);
                    } else {
                        broken.fetch_add(1, Relaxed);
                        connection = None;
                    }
                }
            });
        }
        let begun = Instant::now();
        while begun.elapsed() < time {
            std::thread::sleep(Duration::from_millis(500));
            most = most.max(resident(target));
        }
        over.store(true, Relaxed);
    });
    let ended = Instant::now();
    // Normal again: an event is answered and judged at once, several times in a row.
    let mut good = 0;
    while good < 5 {
        let asked = Instant::now();
        let mut connection = Connection::open(target).expect("it listens");
        let event = b"{\"source\":\"probe\",\"features\":[1,2,3,4,5,6,7,8,9,10]}\n";
        let answered = connection.exchange(&request(target, event));
        let is_good = answered.is_ok_and(|(status, _)| status == 200)
            && asked.elapsed() < Duration::from_millis(100);
        good = if is_good { good + 1 } else { 0 };
        std::thread::sleep(Duration::from_millis(20));
    }
    number_line("taken", taken.load(Relaxed) as f64, "requests");
    number_line("refused_and_told", refused.load(Relaxed) as f64, "requests");
    number_line("broken", broken.load(Relaxed) as f64, "requests");
    number_line("memory_most", most, "MiB");
    number_line("normal_after", ended.elapsed().as_secs_f64(), "s");
    number_line("memory_after", resident(target), "MiB");
}

/// Makes streams, sends to all of them once a second, and waits for the verdict of every hundredth batch.
fn streams(target: &Target, time: Duration, count: usize) {
    const CONNECTIONS: usize = 8;
    let of = |index: usize| Target {
        port: target.port,
        stream: format!("{}-{index}", target.stream),
    };
    let begun = Instant::now();
    let mut connection = Connection::open(target).expect("it listens");
    for index in 0..count {
        let body = format!(
            r#"{{"name":"{}","detector":{{"algorithm":"zscore"}}}}"#,
            of(index).stream
        );
        let request = post("/api/v1/streams", "application/json", body.as_bytes());
        let (status, _) = connection.exchange(&request).expect("an answer");
        assert_eq!(status, 201);
    }
    number_line(
        "made",
        count as f64 / begun.elapsed().as_secs_f64(),
        "streams/s",
    );
    if time.is_zero() {
        return;
    }
    let mut noise = Noise(7);
    let mut batch = String::new();
    for event in 0..100 {
        let value = noise.next() % 1_000;
        batch += &format!(
            "{{\"source\":\"key-{}\",\"values\":{{\"value\":{value}}}}}\n",
            event % 10
        );
    }
    let sent = AtomicU64::new(0);
    let begun = Instant::now();
    let send = |first: usize| {
        let mut connection = Connection::open(target).expect("it listens");
        let mut waits = Vec::new();
        let mut due = Instant::now();
        while begun.elapsed() < time {
            due += Duration::from_secs(1);
            for index in (first..count).step_by(CONNECTIONS) {
                let is_probe = (index / CONNECTIONS).is_multiple_of(100);
                let call = if is_probe { "detect" } else { "events" };
                let path = format!("/api/v1/{call}?stream={}", of(index).stream);
                let request = post(&path, "application/x-ndjson", batch.as_bytes());
                let asked = Instant::now();
                let (status, _) = connection.exchange(&request).expect("an answer");
                assert_eq!(status, 200);
                sent.fetch_add(100, Relaxed);
                if is_probe {
                    waits.push(asked.elapsed().as_secs_f64() * 1e3);
                }
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        waits
    };
    let mut waits: Vec<f64> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|first| scope.spawn(move || send(first)))
            .collect();
        let waits = senders
            .into_iter()
            .map(|sender| sender.join().expect("no panic"));
        waits.flatten().collect()
    });
    number_line(
        "sent",
        sent.load(Relaxed) as f64 / begun.elapsed().as_secs_f64(),
        "events/s",
    );
    waits.sort_by(f64::total_cmp);
    for (name, q) in [("p50", 0.5), ("p95", 0.95)] {
        number_line(name, waits[((waits.len() - 1) as f64 * q) as usize], "ms");
    }
}

/// Memory of the service, as it says itself.
fn resident(target: &Target) -> f64 {
    let stream = TcpStream::connect(("127.0.0.1", target.port));
    let Ok(mut stream) = stream else { return 0.0 };
    let mut text = String::new();
    let asked =
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    if asked.is_err() || stream.read_to_string(&mut text).is_err() {
        return 0.0;
    }
    text.lines()
        .find_map(|line| line.strip_prefix("process_resident_memory_bytes "))
        .and_then(|bytes| bytes.parse::<f64>().ok())
        .map_or(0.0, |bytes| bytes / f64::from(1 << 20))
}
