//! A running service on a terminal, over its HTTP interface.

mod http;
mod screen;
mod snapshot;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::http::Server;
use self::screen::{Lost, Screen, Wish};
use self::snapshot::Snapshot;
use crate::problem::UserError;

/// Watch a running service in the terminal.
///
/// `q` quits, tab goes to the next list, arrows scroll it. Where stdout is no terminal, the numbers are printed once.
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Where the service is; plain http.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    url: String,
    /// Token of the service, where it asks for one.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WILLET_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// Time between two looks: 500ms, 1s, 1m.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Print the numbers once, as text.
    #[arg(long)]
    once: bool,
}

/// The screen is drawn anew this often, and keys wait this long at most.
const REDRAW: Duration = Duration::from_millis(100);
/// First and longest wait before a lost connection is tried again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// Rows that a page key scrolls.
const PAGE: usize = 10;

/// A time between looks.
fn interval(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is not a time from 100ms to 1h, expected 500ms, 1s, 1m");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let millis = number.checked_mul(unit).ok_or_else(wrong)?;
    (100..=3_600_000)
        .contains(&millis)
        .then_some(Duration::from_millis(millis))
        .ok_or_else(wrong)
}

impl Top {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let server = Server::parse(&self.url, self.token)?;
        if self.once || !std::io::stdout().is_terminal() {
            let text = Snapshot::fetch(&server)?.text(&server.url);
            return Ok(super::print(text.as_bytes()));
        }
        // Signals are heard as long as this is there.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let stopped = stop_signal(&runtime)?;
        let reports = looks(server.clone(), self.interval);
        // Puts the terminal back in a panic too.
        let mut terminal =
            ratatui::try_init().context("the terminal cannot be drawn on (--once prints text)")?;
        let shown = show(&mut terminal, Screen::new(&server.url), &reports, &stopped);
        ratatui::restore();
        shown.map(|()| ExitCode::SUCCESS)
    }
}

enum Report {
    Seen(Box<Snapshot>),
    Lost(Lost),
    /// Trying again cannot help.
    Refused(anyhow::Error),
}

/// Looks again and again beside the screen, so that keys are heard while a service is slow. Ends when nobody listens.
#[expect(
    clippy::disallowed_methods,
    reason = "the rim: one thread that waits for the network, and when it will do so again"
)]
fn looks(server: Server, interval: Duration) -> Receiver<Report> {
    let (sender, reports) = sync_channel(1);
    std::thread::spawn(move || {
        let mut wait = FIRST_WAIT;
        let say = |sender: &SyncSender<Report>, report| sender.send(report).is_ok();
        loop {
            let (report, pause) = match Snapshot::fetch(&server) {
                Ok(snapshot) => {
                    wait = FIRST_WAIT;
                    (Report::Seen(Box::new(snapshot)), interval)
                }
                Err(error) if error.is::<UserError>() => {
                    say(&sender, Report::Refused(error));
                    return;
                }
                Err(error) => {
                    let pause = wait;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    let lost = Lost {
                        reason: error.root_cause().to_string(),
                        retry_at: Instant::now() + pause,
                    };
                    (Report::Lost(lost), pause)
                }
            };
            if !say(&sender, report) {
                return;
            }
            std::thread::sleep(pause);
        }
    });
    reports
}

#[expect(clippy::disallowed_methods, reason = "a countdown is shown")]
fn show(
    terminal: &mut DefaultTerminal,
    mut screen: Screen,
    reports: &Receiver<Report>,
    stopped: &AtomicBool,
) -> Result<()> {
    while !stopped.load(Relaxed) {
        loop {
            match reports.try_recv() {
                Ok(Report::Seen(snapshot)) => screen.take(*snapshot),
                Ok(Report::Lost(lost)) => screen.lose(lost),
                Ok(Report::Refused(error)) => return Err(error),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => bail!("the looks at the service ended"),
            }
        }
        terminal.draw(|frame| screen.draw(frame, Instant::now()))?;
        if event::poll(REDRAW)?
            && let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
        {
            match wish(key) {
                Some(Key::Quit) => return Ok(()),
                Some(Key::Wish(wish)) => screen.wish(wish),
                None => {}
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Key {
    Quit,
    Wish(Wish),
}

fn wish(key: KeyEvent) -> Option<Key> {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        // A raw terminal sends no signal for it.
        KeyCode::Char('c' | 'd') if is_control => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Tab | KeyCode::Right => Key::Wish(Wish::NextList),
        KeyCode::BackTab | KeyCode::Left => Key::Wish(Wish::FormerList),
        KeyCode::Up | KeyCode::Char('k') => Key::Wish(Wish::Up(1)),
        KeyCode::Down | KeyCode::Char('j') => Key::Wish(Wish::Down(1)),
        KeyCode::PageUp => Key::Wish(Wish::Up(PAGE)),
        KeyCode::PageDown => Key::Wish(Wish::Down(PAGE)),
        KeyCode::Home => Key::Wish(Wish::Up(usize::MAX)),
        KeyCode::End => Key::Wish(Wish::Down(usize::MAX)),
        _ => return None,
    })
}

/// Set by SIGTERM, SIGINT and SIGHUP: the terminal must be put back then too.
fn stop_signal(runtime: &tokio::runtime::Runtime) -> Result<Arc<AtomicBool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let stopped = Arc::new(AtomicBool::new(false));
    let _entered = runtime.enter();
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ] {
        let mut signal = signal(kind)?;
        let stopped = Arc::clone(&stopped);
        runtime.spawn(async move {
            signal.recv().await;
            stopped.store(true, Relaxed);
        });
    }
    Ok(stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_units_and_bounds() {
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(interval("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(interval("2m"), Ok(Duration::from_secs(120)));
        for text in [
            "",
            "1",
            "s",
            "50ms",
            "0s",
            "2h",
            "-1s",
            "99999999999999999999h",
            "1 s",
            "ß",
        ] {
            assert!(interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_quit_switch_and_scroll() {
        let key = |code, modifiers| wish(KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        assert_eq!(key(KeyCode::Char('q'), none), Some(Key::Quit));
        assert_eq!(
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Key::Quit)
        );
        assert_eq!(key(KeyCode::Char('c'), none), None);
        assert_eq!(key(KeyCode::Tab, none), Some(Key::Wish(Wish::NextList)));
        assert_eq!(key(KeyCode::Down, none), Some(Key::Wish(Wish::Down(1))));
    }
}
