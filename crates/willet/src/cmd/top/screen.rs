//! The overview on a terminal: numbers and their curve on top, three lists below.

use std::collections::VecDeque;
use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row, Sparkline, Table};

use super::snapshot::{Align, Column, List, Snapshot, span};

/// Rates that are remembered for the curve: wider than terminals are.
const REMEMBERED: usize = 512;
/// Below so many lines there is room for one list only.
const LOW: u16 = 22;
/// From so many columns on, anomalies and alerts stand side by side.
const WIDE: u16 = 130;

/// What is shown.
#[derive(Debug)]
pub(super) struct Screen {
    url: String,
    snapshot: Option<Snapshot>,
    rates: VecDeque<u64>,
    lost: Option<Lost>,
    list: usize,
    scrolled: [usize; List::ALL.len()],
}

/// A connection that is not there.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) reason: String,
    pub(super) retry_at: Instant,
}

/// What somebody wants by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    NextList,
    FormerList,
    Up(usize),
    Down(usize),
}

impl Screen {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            snapshot: None,
            rates: VecDeque::new(),
            lost: None,
            list: 0,
            scrolled: [0; List::ALL.len()],
        }
    }

    pub(super) fn take(&mut self, snapshot: Snapshot) {
        if self.rates.len() == REMEMBERED {
            self.rates.pop_front();
        }
        self.rates
            .push_back(snapshot.statistics.events_per_second as u64);
        self.snapshot = Some(snapshot);
        self.lost = None;
    }

    pub(super) fn lose(&mut self, lost: Lost) {
        self.lost = Some(lost);
    }

    pub(super) fn wish(&mut self, wish: Wish) {
        let count = List::ALL.len();
        let scrolled = &mut self.scrolled[self.list];
        match wish {
            Wish::NextList => self.list = (self.list + 1) % count,
            Wish::FormerList => self.list = (self.list + count - 1) % count,
            Wish::Up(rows) => *scrolled = scrolled.saturating_sub(rows),
            // How far it goes is known when it is drawn.
            Wish::Down(rows) => *scrolled = scrolled.saturating_add(rows),
        }
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, now: Instant) {
        let [head, numbers, lists, foot] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(4),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        frame.render_widget(self.head(now), head);
        self.draw_numbers(frame, numbers);
        self.draw_lists(frame, lists);
        let keys = "q quits   tab next list   ↑ ↓ PgUp PgDn scroll";
        frame.render_widget(Line::from(keys).dim(), foot);
    }

    fn head(&self, now: Instant) -> Line<'static> {
        let mut parts = vec![Span::from("willet ").bold(), Span::from(self.url.clone())];
        match (&self.lost, &self.snapshot) {
            (Some(lost), _) => {
                let wait = lost
                    .retry_at
                    .saturating_duration_since(now)
                    .as_secs_f64()
                    .ceil();
                let text = format!("  LOST, again in {wait} s: {}", lost.reason);
                parts.push(Span::from(text).red().bold());
            }
            (None, Some(snapshot)) => {
                let text = format!("  up {}", span(snapshot.statistics.uptime_seconds));
                parts.push(Span::from(text).dim());
            }
            (None, None) => parts.push(Span::from("  connecting").dim()),
        }
        Line::from(parts)
    }

    fn draw_numbers(&self, frame: &mut Frame<'_>, area: Rect) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let [left, right] =
            Layout::horizontal([Constraint::Length(52), Constraint::Min(0)]).areas(area);
        let line = |(name, value): (&'static str, String)| {
            Line::from(vec![
                Span::from(format!("{name:<9}")).dim(),
                Span::from(value),
            ])
        };
        let lines: Vec<Line<'_>> = snapshot.statistics.lines().into_iter().map(line).collect();
        frame.render_widget(Paragraph::new(lines), left);
        let newest = self.rates.len().saturating_sub(usize::from(right.width));
        let rates: Vec<u64> = self.rates.iter().skip(newest).copied().collect();
        frame.render_widget(Sparkline::default().data(rates).cyan(), right);
    }

    fn draw_lists(&mut self, frame: &mut Frame<'_>, area: Rect) {
        if area.height < LOW - 6 {
            self.draw_list(frame, area, self.list);
            return;
        }
        let streams = self
            .snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.rows(List::Streams).len());
        // Borders and heads, and a third at most.
        let height = (streams as u16).saturating_add(3).clamp(4, area.height / 3);
        let [above, below] =
            Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area);
        let halves = [Constraint::Fill(1), Constraint::Fill(1)];
        let [first, second] = if area.width >= WIDE {
            Layout::horizontal(halves).areas(below)
        } else {
            Layout::vertical(halves).areas(below)
        };
        for (index, area) in [above, first, second].into_iter().enumerate() {
            self.draw_list(frame, area, index);
        }
    }

    fn draw_list(&mut self, frame: &mut Frame<'_>, area: Rect, index: usize) {
        let list = List::ALL[index];
        let rows = self
            .snapshot
            .as_ref()
            .map_or(Vec::new(), |snapshot| snapshot.rows(list));
        let room = usize::from(area.height.saturating_sub(3));
        let scrolled = &mut self.scrolled[index];
        *scrolled = (*scrolled).min(rows.len().saturating_sub(room));
        let shown = room.min(rows.len());
        let place = if shown < rows.len() {
            format!(
                " {}–{} of {} ",
                *scrolled + 1,
                *scrolled + shown,
                rows.len()
            )
        } else {
            format!(" {} ", rows.len())
        };
        let mut block = Block::bordered()
            .title(Line::from(format!(" {} ", list.title())))
            .title(Line::from(place).right_aligned());
        if index == self.list {
            block = block.border_style(Style::new().cyan().bold());
        } else {
            block = block.border_style(Style::new().dim());
        }
        let columns = list.columns();
        let heads = columns.iter().map(|column| aligned(column, column.head));
        let table = Table::new(
            rows.iter().skip(*scrolled).take(room).map(|row| {
                Row::new(
                    row.iter()
                        .zip(columns)
                        .map(|(cell, column)| aligned(column, cell)),
                )
            }),
            columns
                .iter()
                .map(|column| column.width.map_or(Constraint::Fill(1), Constraint::Length)),
        )
        .header(Row::new(heads).dim())
        .column_spacing(2)
        .block(block);
        frame.render_widget(table, area);
    }
}

fn aligned<'a>(column: &Column, text: &'a str) -> Line<'a> {
    match column.align {
        Align::Left => Line::from(text),
        Align::Right => Line::from(text).right_aligned(),
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a countdown needs a moment to count from"
)]
mod tests {
    use std::time::Duration;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::snapshot::tests::example;
    use super::*;

    fn drawn(screen: &mut Screen, width: u16, height: u16, now: Instant) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory");
        terminal
            .draw(|frame| screen.draw(frame, now))
            .expect("memory");
        let buffer = terminal.backend().buffer();
        let line = |y| {
            let line: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
            line.trim_end().to_owned() + "\n"
        };
        (0..height).map(line).collect()
    }

    #[test]
    fn the_overview_has_numbers_a_curve_and_three_lists() {
        let mut screen = Screen::new("http://127.0.0.1:8000");
        for _ in 0..3 {
            screen.take(example());
        }
        let text = drawn(&mut screen, 80, 24, Instant::now());
        let expected = "\
willet http://127.0.0.1:8000  up 1 d 2 h
rate     24.1 events a second                       ███
latency  p50 0.8 ms, p95 -                          ███
sources  8, open alerts 1                           ███
events   1,234,567, anomalies 2,469, rejected 6     ███
┌ streams ────────────────────────────────────────────────────────────────── 2 ┐
│stream   state        rate/s         events    anomalies   rejected    sources│
│pumps    running        12.0      1,200,000        2,400          3          4│
│web      paused         12.0         34,567           69          3          4│
└──────────────────────────────────────────────────────────────────────────────┘
┌ newest anomalies ───────────────────────────────────────────────── 1–4 of 12 ┐
│time (UTC)           source                       severity  score  type       │
│2026-01-05 00:04:59  pump-7                       high       0.81  spike      │
│2026-01-05 00:04:58  pump-7                       high       0.81  spike      │
│2026-01-05 00:04:57  pump-7                       high       0.81  spike      │
│2026-01-05 00:04:56  pump-7                       high       0.81  spike      │
└──────────────────────────────────────────────────────────────────────────────┘
┌ open alerts ────────────────────────────────────────────────────────────── 1 ┐
│since (UTC)          source                  severity  state         anomalies│
│2026-01-05 00:03:00  bad�[2J                 critical  open                 31│
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
q quits   tab next list   ↑ ↓ PgUp PgDn scroll
";
        assert_eq!(text, expected, "{text}");
    }

    #[test]
    fn a_lost_connection_is_said_with_the_time_until_the_next_try_and_what_was_known_stays() {
        let now = Instant::now();
        let mut screen = Screen::new("http://127.0.0.1:8000");
        screen.take(example());
        screen.lose(Lost {
            reason: "connection refused".to_owned(),
            retry_at: now + Duration::from_millis(3_400),
        });
        let text = drawn(&mut screen, 100, 24, now);
        assert!(
            text.contains("LOST, again in 4 s: connection refused"),
            "{text}"
        );
        assert!(text.contains("pumps"), "{text}");
        screen.take(example());
        assert!(!drawn(&mut screen, 100, 24, now).contains("LOST"));
    }

    #[test]
    fn arrows_scroll_the_chosen_list_up_to_its_end_and_back() {
        let now = Instant::now();
        let mut screen = Screen::new("http://127.0.0.1:8000");
        screen.take(example());
        screen.wish(Wish::NextList);
        screen.wish(Wish::Down(1));
        let text = drawn(&mut screen, 80, 14, now);
        assert!(text.contains("2–6 of 12"), "{text}");
        screen.wish(Wish::Down(1_000));
        let text = drawn(&mut screen, 80, 14, now);
        assert!(
            text.contains("8–12 of 12") && text.contains("00:04:48"),
            "{text}"
        );
        screen.wish(Wish::Up(1_000));
        assert!(drawn(&mut screen, 80, 14, now).contains("1–5 of 12"));
        screen.wish(Wish::FormerList);
        assert!(drawn(&mut screen, 80, 14, now).contains("streams"));
        // No terminal is too small.
        for (width, height) in [(1, 1), (5, 3), (20, 7), (300, 90)] {
            drawn(&mut screen, width, height, now);
        }
    }
}
