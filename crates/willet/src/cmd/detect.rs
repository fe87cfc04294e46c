use std::fs::OpenOptions;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use willet_connectors::feed::{AtomicProgress, DeadLetterPlace, SourceFeed};
use willet_engine::codec::Format;
use willet_engine::config::Plan;
use willet_engine::ports::PartitionLog as _;
use willet_log::disk::{Disk as _, OpenMode, RealDisk};
use willet_log::{DataFolder, LogOptions, Owner};
use willet_node::clock::SystemClock;
use willet_node::driver::{Asked, Driver, Setup, open_in_folder};
use willet_node::output::{
    Answers, Discard, FileOutput, Output, OutputError, RowFormat, StreamOutput,
};
use willet_node::pipeline::{News, RunError, run, run_durable};
use willet_node::worker::{Care, MemoryBound, WorkerOptions};

use super::charts::Picture;
use super::stream_flags::{Prepared, Reading, StreamFlags};
use crate::input::is_stdin;
use crate::problem::{note, user, warn};
use crate::rows::{CsvRows, NdjsonRows};

/// Score the rows of a file or of stdin.
///
/// Reads CSV or NDJSON, plain or gzip, and writes each row with its verdict. Messages go to stderr.
#[derive(Debug, Args)]
pub(crate) struct Detect {
    /// A file, or - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    stream: StreamFlags,

    /// Learn this file first and write nothing of it, so that there is no warming up.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// What to write. [default: a chart on a terminal, else the format of the input]
    #[arg(long, short, value_enum, help_heading = "Output")]
    format: Option<OutputFormat>,
    /// Write to a file instead of stdout.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Write only rows that are anomalies.
    #[arg(long, help_heading = "Output")]
    only_anomalies: bool,
    /// Where rows that cannot be understood go, as NDJSON with the reason; `none` only counts them.
    /// [default: NAME.rejected.ndjson here, or in the data folder]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    dead_letters: Option<PathBuf>,
    /// No progress bar, notes or summary.
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,

    /// Go on with what is appended to the file, through rotation, until stopped.
    #[arg(long, help_heading = "Running")]
    follow: bool,
    /// Make the run durable: killed and started again, it goes on where it was.
    #[arg(long, value_name = "DIR", help_heading = "Running")]
    data_dir: Option<PathBuf>,
    /// Threads that score, each some of the keys; with --data-dir. The verdicts are the same.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64), help_heading = "Running")]
    lanes: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// The rows as they came, with the verdict behind them.
    Csv,
    /// A verdict as JSON a line.
    #[value(alias = "json")]
    Ndjson,
    /// A chart with the anomalies, for people.
    Chart,
}

impl Detect {
    pub(crate) fn run(self) -> Result<ExitCode> {
        if self.data_dir.is_some() && is_stdin(&self.file) {
            return Err(user(
                "--data-dir needs a file to go on in after a restart, stdin can be read only once",
            ));
        }
        if self.history.is_some() && self.data_dir.is_some() {
            return Err(user(
                "--history with --data-dir: a durable run keeps what it learned, so run `willet detect HISTORY --data-dir DIR` once, then go on in that folder",
            ));
        }
        if self.history.as_deref().is_some_and(is_stdin) && is_stdin(&self.file) {
            return Err(user("--history - and FILE -: stdin can be read only once"));
        }
        let Prepared {
            config,
            plan,
            input,
        } = self.stream.prepare(&self.file, self.reading())?;
        let shows_chart =
            self.format.is_none() && self.output.is_none() && std::io::stdout().is_terminal();
        let format = self
            .format
            .unwrap_or(match (shows_chart, plan.config().input.format) {
                (true, _) => OutputFormat::Chart,
                (false, Format::Csv) => OutputFormat::Csv,
                (false, Format::Json) => OutputFormat::Ndjson,
            });
        let output = Shown {
            picture: Arc::new(Mutex::new(Picture::new(&plan))),
            output: self.open_output(format, &plan)?,
        };
        match &self.data_dir {
            None => self.run_once(plan, input, output, format),
            Some(folder) => self.run_durable(&config, folder, &plan, input, output, format),
        }
    }

    fn reading(&self) -> Reading {
        Reading {
            follow: self.follow,
            quiet: self.quiet,
            // A run that goes on after a restart needs a place in the file.
            turns: self.data_dir.is_none(),
        }
    }

    fn open_output(&self, format: OutputFormat, plan: &Plan) -> Result<Box<dyn Output>> {
        let Some(rows) = rows(format, plan, self.only_anomalies) else {
            return Ok(Box::new(Discard));
        };
        if self.data_dir.is_some()
            && let Some(path) = self.output.clone().or_else(stdout_file)
        {
            // Made first, so that the disk below can edit it in place: a former run's rows stay.
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .with_context(|| format!("cannot write `{}`", path.display()))
                .map_err(|error| user(format!("{error:#}")))?;
            // The name of the file must outlive a power cut, as its rows do.
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            RealDisk.sync_folder(parent.unwrap_or(Path::new(".")))?;
            let file = RealDisk.open(&path, OpenMode::Edit)?;
            return Ok(Box::new(FileOutput::new(
                path.display().to_string(),
                file,
                rows,
            )));
        }
        Ok(match &self.output {
            Some(path) => {
                let file = std::fs::File::create(path)
                    .map_err(|error| user(format!("cannot write `{}`: {error}", path.display())))?;
                Box::new(StreamOutput::new(
                    path.display().to_string(),
                    Box::new(file),
                    rows,
                ))
            }
            None => Box::new(StreamOutput::new(
                "stdout",
                Box::new(std::io::stdout()),
                rows,
            )),
        })
    }

    fn run_once(
        &self,
        plan: Plan,
        input: crate::input::Input,
        mut output: Shown,
        format: OutputFormat,
    ) -> Result<ExitCode> {
        const HASH_SEED: u64 = 0;
        let mut feed = input.feed(HASH_SEED, self.dead_letter_place(None))?;
        let mut driver = Driver::fresh(plan)?;
        if let Some(history) = &self.history {
            self.learn(history, &mut driver, HASH_SEED)?;
        }
        let bar = self.progress_bar(feed.progress(), format);
        let result = run(&mut feed, &mut driver, &mut output);
        bar.finish_and_clear();
        let result = match result {
            // `| head` has seen enough.
            Err(RunError::Output(error)) if error.is_closed() => return Ok(ExitCode::SUCCESS),
            Err(RunError::Output(error)) => Err(anyhow::Error::new(error)),
            Err(RunError::Feed(error)) => Err(error.into()),
            Err(RunError::Worker(error)) => Err(error.into()),
            Ok(()) => Ok(()),
        };
        self.finish(&output.picture, feed, format)?;
        result.map(|()| ExitCode::SUCCESS)
    }

    /// Learns a file whose verdicts nobody wants.
    fn learn(&self, history: &Path, driver: &mut Driver, hash_seed: u64) -> Result<()> {
        let Prepared { input, .. } = self.stream.prepare(
            history,
            Reading {
                follow: false,
                ..self.reading()
            },
        )?;
        let mut feed = input.feed(hash_seed, DeadLetterPlace::Nowhere)?;
        let bar = self.progress_bar(feed.progress(), OutputFormat::Chart);
        let result = run(&mut feed, driver, &mut Discard);
        bar.finish_and_clear();
        match result {
            Ok(()) => {}
            Err(RunError::Feed(error)) => return Err(error.into()),
            Err(RunError::Output(error)) => return Err(error.into()),
            Err(RunError::Worker(error)) => return Err(error.into()),
        }
        let rows = driver.worker().shard().next_offset();
        driver.renumber();
        if rows == 0 {
            return Err(user(format!(
                "--history {}: no row of it could be learned, expected rows of the same columns as FILE",
                history.display()
            )));
        }
        if !self.quiet {
            note(format!("learned {rows} rows of {}", history.display()));
        }
        summarise(feed).map(|_| ())
    }

    fn run_durable(
        &self,
        config: &crate::config::Config,
        folder: &Path,
        plan: &Plan,
        mut input: crate::input::Input,
        output: Shown,
        format: OutputFormat,
    ) -> Result<ExitCode> {
        let folder = open_folder(folder)?;
        let options = WorkerOptions {
            lanes: usize::from(self.lanes),
            hash_seed: 0,
            memory: MemoryBound::new(config.checkpoints.max_memory_bytes),
            slice_bytes: config.checkpoints.slice_bytes,
            ..WorkerOptions::default()
        };
        let picture = Arc::clone(&output.picture);
        let log_bytes = config.store.log_bytes;
        let mut troubles = Vec::new();
        let asked = Asked::Same {
            config: plan.config().clone(),
            takes_input_of_folder: input.is_found_out,
        };
        let hash_seed = options.hash_seed;
        let opened = open_in_folder(
            &folder,
            LogOptions::default(),
            log_bytes,
            asked,
            |home| Setup {
                options,
                home,
                output: Box::new(output),
                care: Care::default(),
                clock: Arc::new(SystemClock),
                saves: true,
                is_live: false,
            },
            &mut troubles,
        );
        troubles.iter().for_each(warn);
        let (mut driver, mut log, report) = opened?;
        report.damage.iter().for_each(warn);
        if report.torn_bytes > 0 && !self.quiet {
            note(format!(
                "cut {} bytes off the end of the log: an unfinished write, or damage in the last one",
                report.torn_bytes
            ));
        }
        let worker = driver.worker();
        worker.take_troubles().iter().for_each(warn);
        // What was found out when the folder was begun holds.
        input.read_as(worker.shard().plan().config().input.clone());
        if let Some(cursor) = worker.cursor() {
            input.seek(cursor)?;
        }
        let mut feed = input.feed(hash_seed, self.dead_letter_place(Some(folder.path())))?;
        let bar = self.progress_bar(feed.progress(), format);
        let result = run_durable(&mut feed, &mut driver, &mut log, |news| match news {
            News::Full(error) => warn(format!("{error}: waiting for space")),
            News::SpaceIsBack => note("space is back, going on"),
            News::Trouble(trouble) => warn(trouble),
        });
        bar.finish_and_clear();
        let result = match result {
            Err(RunError::Worker(willet_node::worker::WorkerError::Output(error)))
                if error.is_closed() =>
            {
                return Ok(ExitCode::SUCCESS);
            }
            Err(RunError::Worker(error)) => return Err(error.into()),
            Err(RunError::Output(error)) => return Err(error.into()),
            // What was read before the input failed is kept, and the run can go on there.
            Err(RunError::Feed(error)) => Err(error.into()),
            Ok(()) => Ok(()),
        };
        let needless = driver.save()?;
        driver.worker().take_troubles().iter().for_each(warn);
        log.needless(Some(needless))?;
        log.close()?;
        self.finish(&picture, feed, format)?;
        result.map(|()| ExitCode::SUCCESS)
    }

    fn dead_letter_place(&self, folder: Option<&Path>) -> DeadLetterPlace {
        match (&self.dead_letters, folder) {
            (Some(path), _) if path == Path::new("none") => DeadLetterPlace::Nowhere,
            (Some(path), None) => DeadLetterPlace::New(path.clone()),
            (Some(path), Some(_)) => DeadLetterPlace::Behind(path.clone()),
            (None, Some(folder)) => DeadLetterPlace::Behind(folder.join("rejected.ndjson")),
            (None, None) => {
                let name = if is_stdin(&self.file) {
                    None
                } else {
                    self.file.file_name()
                };
                let name = name.map_or("stdin".into(), std::ffi::OsStr::to_string_lossy);
                DeadLetterPlace::New(PathBuf::from(format!("{name}.rejected.ndjson")))
            }
        }
    }

    fn progress_bar(&self, progress: &Arc<AtomicProgress>, format: OutputFormat) -> ProgressBar {
        // Rows that scroll by show progress enough.
        let rows_on_terminal = format != OutputFormat::Chart
            && self.output.is_none()
            && std::io::stdout().is_terminal();
        if self.quiet || rows_on_terminal || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{bar:40} {percent:>3} %  {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let (shown, progress) = (bar.downgrade(), Arc::clone(progress));
        // Ends with the bar; reads two numbers ten times a second.
        #[expect(
            clippy::disallowed_methods,
            reason = "a progress bar moves by itself; no channel, nothing to join"
        )]
        std::thread::spawn(move || {
            while let Some(bar) = shown.upgrade().filter(|bar| !bar.is_finished()) {
                bar.set_length(progress.bytes_total.load(Ordering::Relaxed).max(1));
                bar.set_position(progress.bytes_done.load(Ordering::Relaxed));
                drop(bar);
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        });
        bar
    }

    /// Shows the run at a glance. A run in which nothing was judged although there was something is a failure.
    fn finish(
        &self,
        picture: &Mutex<Picture>,
        feed: SourceFeed,
        format: OutputFormat,
    ) -> Result<()> {
        let picture = picture.lock().unwrap_or_else(PoisonError::into_inner);
        if format == OutputFormat::Chart {
            super::print(picture.render().as_bytes());
        } else if !self.quiet {
            note(picture.summary());
        }
        let odd = feed.odd_cells().to_vec();
        let rejected = summarise(feed)?;
        for odd in odd.iter().filter(|_| !self.quiet) {
            let cells = match odd.count {
                1 => "1 cell is no number".to_owned(),
                count => format!("{} cells are no numbers", super::charts::grouped(count)),
            };
            note(format!(
                "column `{}`: {cells} (the first \"{}\"): taken as missing",
                odd.column, odd.first
            ));
        }
        if let Some(warning) = picture.warning() {
            warn(warning);
        }
        match (picture.judged(), picture.rows(), rejected) {
            (0, 0, 1..) => Err(user(format!(
                "nothing was judged: all {} records were rejected, expected rows as the first lines promise (the reasons are above)",
                super::charts::grouped(rejected)
            ))),
            (0, rows @ 1.., _) if picture.skipped() == rows => Err(user(format!(
                "nothing was judged: {}",
                picture.why_skipped()
            ))),
            _ => Ok(()),
        }
    }
}

/// Says how many records were rejected, why, and where they are; returns how many.
fn summarise(feed: SourceFeed) -> Result<u64> {
    let (summary, path) = feed.finish()?;
    if summary.total() > 0 {
        let place = path
            .map(|path| format!(" (see {})", path.display()))
            .unwrap_or_default();
        warn(format!("{summary}{place}"));
    }
    Ok(summary.total())
}

/// Rows of a format; none for a chart.
pub(crate) fn rows(
    format: OutputFormat,
    plan: &Plan,
    only_anomalies: bool,
) -> Option<Box<dyn RowFormat>> {
    match format {
        OutputFormat::Csv => Some(Box::new(CsvRows::new(plan, only_anomalies))),
        OutputFormat::Ndjson => Some(Box::new(NdjsonRows::new(only_anomalies))),
        OutputFormat::Chart => None,
    }
}

/// Opens a data folder for this process.
#[expect(
    clippy::disallowed_methods,
    reason = "the lock says since when it is held"
)]
pub(crate) fn open_folder(path: &Path) -> Result<DataFolder> {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let owner = Owner {
        pid: std::process::id(),
        since: since.as_micros() as i64,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(DataFolder::open(Arc::new(RealDisk), path, &owner)?)
}

/// The file behind stdout, where it is one: it can be cut back and gone on with like any other.
fn stdout_file() -> Option<PathBuf> {
    let path = std::fs::read_link("/proc/self/fd/1").ok()?;
    std::fs::metadata(&path)
        .ok()
        .filter(std::fs::Metadata::is_file)
        .map(|_| path)
}

/// An output that also draws.
#[derive(Debug)]
struct Shown {
    picture: Arc<Mutex<Picture>>,
    output: Box<dyn Output>,
}

impl Output for Shown {
    fn write(&mut self, answers: &Answers<'_>) {
        let mut picture = self.picture.lock().unwrap_or_else(PoisonError::into_inner);
        picture.take(answers);
        drop(picture);
        self.output.write(answers);
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.output.flush()
    }

    fn sync(&mut self) -> Result<u64, OutputError> {
        self.output.sync()
    }

    fn held(&self) -> Result<Option<u64>, OutputError> {
        self.output.held()
    }

    fn resume(&mut self, bytes: u64) -> Result<(), OutputError> {
        self.output.resume(bytes)
    }
}
