use std::fmt::Write as _;
use std::net::{TcpListener, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use owo_colors::OwoColorize as _;
use willet_node::service::now;

use crate::config::{self, Config};

/// Check whether the service can run here: configuration, data folder, disk, port, clock.
///
/// Changes nothing. Exits with 2 when something would keep the service from running.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Configuration file (YAML).
    #[arg(long, value_name = "FILE", env = "WILLET_CONFIG")]
    config: Option<PathBuf>,
    /// Data folder, instead of the configured one.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What came of a check.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Good,
    Doubtful,
    Bad,
}

/// Less free space than this is said.
const LITTLE_SPACE: u64 = 2 << 30;
/// A sync that takes longer than this is said: every acknowledgement waits for one.
const SLOW_SYNC: Duration = Duration::from_millis(20);
/// Fewer file handles than this are said.
const FEW_FILES: u64 = 4_096;

#[derive(Default)]
struct Report {
    text: String,
    is_bad: bool,
}

impl Report {
    fn say(&mut self, found: Found, what: &str, detail: &str) {
        let mark = match found {
            Found::Good => "ok   ".green().to_string(),
            Found::Doubtful => "note ".yellow().to_string(),
            Found::Bad => "wrong".red().to_string(),
        };
        self.is_bad |= found == Found::Bad;
        // Writing into a string cannot fail.
        let _ = writeln!(self.text, "{mark}  {what:<14} {detail}");
    }
}

impl Doctor {
    pub(crate) fn run(self) -> ExitCode {
        let mut report = Report::default();
        match config::load(self.config.as_deref(), std::env::vars()) {
            Err(error) => report.say(Found::Bad, "configuration", &format!("{error:#}")),
            Ok((config, warnings)) => {
                let from = self
                    .config
                    .as_deref()
                    .map_or("defaults".to_owned(), |path| path.display().to_string());
                let streams = config.streams.len();
                report.say(
                    Found::Good,
                    "configuration",
                    &format!("{from}, {streams} streams"),
                );
                for warning in warnings {
                    report.say(Found::Doubtful, "configuration", &warning);
                }
                if config.kafka.is_some() {
                    report.say(Found::Bad, "kafka", "is configured and not in this build");
                }
                self.check(&config, &mut report);
            }
        }
        anstream::print!("{}", report.text);
        ExitCode::from(if report.is_bad { 2 } else { 0 })
    }

    fn check(&self, config: &Config, report: &mut Report) {
        let folder = self.data_dir.as_ref().unwrap_or(&config.store.data_dir);
        let is_running = check_folder(folder, report);
        check_port(config, is_running, report);
        check_clock(folder, report);
        let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let files = limits.current.unwrap_or(u64::MAX);
        let found = if files < FEW_FILES {
            Found::Doubtful
        } else {
            Found::Good
        };
        let detail = format!("{files} at once (each connection is one; `ulimit -n` raises it)");
        report.say(found, "open files", &detail);
    }
}

/// Whether the folder can be used, how much space there is and how long a sync takes. Returns whether a service holds it.
fn check_folder(folder: &Path, report: &mut Report) -> bool {
    let shown = folder.display();
    // Before the first start the folder is not there: then what it will be made in counts.
    let there = folder
        .ancestors()
        .map(|path| {
            if path.as_os_str().is_empty() {
                Path::new(".")
            } else {
                path
            }
        })
        .find(|path| path.exists());
    let Some(there) = there.filter(|there| there.is_dir()) else {
        report.say(
            Found::Bad,
            "data folder",
            &format!("{shown} is not a folder, and cannot be made"),
        );
        return false;
    };
    let is_new = there != folder;
    let mut is_running = false;
    if !is_new && folder.join("store.sqlite").exists() {
        match super::detect::open_folder(folder) {
            Ok(_) => report.say(Found::Good, "data folder", &format!("{shown}")),
            Err(error) if format!("{error:#}").contains("in use") => {
                is_running = true;
                report.say(Found::Good, "data folder", &format!("{shown}: {error:#}"));
            }
            Err(error) => report.say(Found::Bad, "data folder", &format!("{error:#}")),
        }
    } else {
        report.say(Found::Good, "data folder", &format!("{shown} will be made"));
    }
    match rustix::fs::statvfs(there) {
        Ok(space) => {
            let free = space.f_bavail * space.f_frsize;
            let found = if free < LITTLE_SPACE {
                Found::Doubtful
            } else {
                Found::Good
            };
            report.say(
                found,
                "free space",
                &format!("{:.1} GiB", free as f64 / f64::from(1 << 30)),
            );
        }
        Err(error) => report.say(Found::Doubtful, "free space", &error.to_string()),
    }
    match slowest_sync(there) {
        Ok(took) => {
            let found = if took > SLOW_SYNC {
                Found::Doubtful
            } else {
                Found::Good
            };
            let detail = format!(
                "{:.1} ms at most (every acknowledgement waits for one)",
                took.as_secs_f64() * 1e3
            );
            report.say(found, "sync", &detail);
        }
        Err(error) => report.say(
            Found::Bad,
            "data folder",
            &format!("cannot be written: {error}"),
        ),
    }
    is_running
}

/// The longest of some syncs of a file that is removed again.
#[expect(
    clippy::disallowed_methods,
    reason = "how long the disk takes is what is asked"
)]
fn slowest_sync(folder: &Path) -> std::io::Result<Duration> {
    use std::io::Write as _;
    let path = folder.join(format!(".willet-doctor-{}", std::process::id()));
    let mut file = std::fs::File::create(&path)?;
    let mut measure = || {
        let mut longest = Duration::ZERO;
        for _ in 0..10 {
            let begun = std::time::Instant::now();
            file.write_all(&[0; 4_096])?;
            file.sync_data()?;
            longest = longest.max(begun.elapsed());
        }
        Ok(longest)
    };
    let measured = measure();
    std::fs::remove_file(&path)?;
    measured
}

fn check_port(config: &Config, is_running: bool, report: &mut Report) {
    let (host, port) = (config.dashboard.host.as_str(), config.dashboard.port);
    let Some(address) = (host, port)
        .to_socket_addrs()
        .ok()
        .and_then(|mut all| all.next())
    else {
        report.say(
            Found::Bad,
            "address",
            &format!("`{host}` is no address of this machine"),
        );
        return;
    };
    match TcpListener::bind(address) {
        Ok(_) => report.say(Found::Good, "port", &format!("{address} is free")),
        Err(_) if is_running => report.say(
            Found::Good,
            "port",
            &format!("{address} is taken, by the running service it seems"),
        ),
        Err(error) => report.say(
            Found::Bad,
            "port",
            &format!("{address}: {error} (dashboard.port, or --port, chooses another)"),
        ),
    }
    if !address.ip().is_loopback() {
        report.say(
            Found::Doubtful,
            "access",
            "others reach this address: tokens are asked for unless auth.mode is none",
        );
    }
}

/// A clock that stands before the newest thing it stamped is wrong now, or was then.
fn check_clock(folder: &Path, report: &mut Report) {
    const BUILT: i64 = 1_767_225_600_000_000;
    let newest = std::fs::metadata(folder.join("store.sqlite"))
        .and_then(|data| data.modified())
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |at| at.as_micros() as i64);
    let now = now();
    if now < BUILT {
        report.say(
            Found::Bad,
            "clock",
            "stands before 2026: set it, every arrival is stamped with it",
        );
    } else if newest > now + 2_000_000 {
        report.say(
            Found::Doubtful,
            "clock",
            "stands before the newest file of the data folder: it was set back",
        );
    } else {
        report.say(Found::Good, "clock", "runs behind everything it stamped");
    }
}
