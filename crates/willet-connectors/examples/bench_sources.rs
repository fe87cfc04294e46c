//! How fast records are made and read, on one core: `cargo run --release -p willet-connectors --example bench_sources`.

use std::time::Instant;

use willet_connectors::file::{FileConfig, FileSource};
use willet_connectors::synthetic::{RowFormat, SyntheticConfig, SyntheticSource};
use willet_connectors::{Framing, Pull, Source};
use willet_engine::records::Records;

const ROWS: u64 = 2_000_000;
const BATCH_BYTES: usize = 256 << 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("willet-bench-{}.csv", std::process::id()));
    let mut text = Vec::new();
    for (name, width, format) in [
        ("synthetic, csv, a value", 1, RowFormat::Csv),
        ("synthetic, csv, ten values", 10, RowFormat::Csv),
        ("synthetic, json, a value", 1, RowFormat::Json),
    ] {
        let config = SyntheticConfig {
            keys: 10,
            width,
            count: Some(ROWS / width as u64),
            format,
            ..SyntheticConfig::default()
        };
        measure(name, &mut SyntheticSource::new(&config)?, |records| {
            if width == 1 && format == RowFormat::Csv {
                for (_, row) in records.iter() {
                    text.extend_from_slice(row);
                    text.push(b'\n');
                }
            }
        })?;
    }
    std::fs::write(&path, &text)?;
    for (name, framing) in [
        ("file, lines", Framing::lines()),
        ("file, csv", Framing::csv(',')),
    ] {
        let mut source = FileSource::open(&FileConfig::once(&path), framing)?;
        measure(name, &mut source, |_| {})?;
    }
    std::fs::remove_file(&path)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
fn measure(
    name: &str,
    source: &mut dyn Source,
    mut each: impl FnMut(&Records),
) -> Result<(), Box<dyn std::error::Error>> {
    let mut records = Records::new();
    let (mut rows, mut bytes, mut seconds) = (0, 0, 0.0);
    loop {
        records.clear();
        let start = Instant::now();
        let pull = source.read(&mut records, BATCH_BYTES)?;
        seconds += start.elapsed().as_secs_f64();
        if pull != Pull::Records {
            break;
        }
        rows += records.len();
        bytes += records.byte_len();
        each(&records);
    }
    let (rows, bytes) = (rows as f64 / seconds / 1e6, bytes as f64 / seconds / 1e6);
    println!("{name:28} {rows:>6.2} million rows/s  {bytes:>5.0} MB/s");
    Ok(())
}
