use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use willet_core::detectors::{KINDS, Kind, find};

use crate::problem::user;

/// List detectors, or show one with its settings.
#[derive(Debug, clap::Args)]
pub(crate) struct Detectors {
    /// A name or an alias.
    name: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Text,
    Markdown,
    Json,
}

impl Detectors {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let kinds: Vec<&Kind> = match &self.name {
            Some(name) => vec![find(name).map_err(user)?.0],
            None => KINDS.iter().collect(),
        };
        let text = match self.format {
            Form::Text if self.name.is_some() => kinds.iter().map(|kind| describe(kind)).collect(),
            Form::Text => list(&kinds),
            Form::Markdown => kinds.iter().map(|kind| markdown(kind)).collect(),
            Form::Json => format!(
                "{:#}\n",
                kinds
                    .iter()
                    .map(|kind| json(kind))
                    .collect::<serde_json::Value>()
            ),
        };
        Ok(super::print(text.as_bytes()))
    }
}

fn list(kinds: &[&Kind]) -> String {
    let mut out = String::new();
    for kind in kinds {
        let _ = writeln!(out, "{:<14}{}", kind.name, kind.summary);
        if !kind.aliases.is_empty() {
            let _ = writeln!(out, "{:<14}also called {}", "", aliases(kind));
        }
    }
    out.push_str("\nwillet detectors NAME shows the settings of one.\n");
    out
}

fn aliases(kind: &Kind) -> String {
    kind.aliases
        .iter()
        .map(|alias| alias.name)
        .collect::<Vec<_>>()
        .join(", ")
}

fn describe(kind: &Kind) -> String {
    let mut out = format!("{}: {}\n", kind.name, kind.summary);
    if !kind.aliases.is_empty() {
        let _ = writeln!(out, "also called: {}", aliases(kind));
    }
    let _ = writeln!(out, "published: {}", kind.paper);
    let _ = writeln!(out, "\n{}\n", about(kind));
    let _ = writeln!(out, "missing values: {}", missing(kind));
    let _ = writeln!(out, "\nsettings:");
    for setting in kind.all_settings() {
        let _ = writeln!(out, "  {} = {}", setting.name, (setting.default)());
        let _ = writeln!(
            out,
            "      {} ({})",
            setting.doc.trim(),
            (setting.allowed)()
        );
    }
    out
}

/// What its page says, without the papers and the example.
fn about(kind: &Kind) -> &'static str {
    let end = kind.page.find("\n# ").unwrap_or(kind.page.len());
    kind.page[..end].trim()
}

fn missing(kind: &Kind) -> &'static str {
    if kind.takes_missing {
        "left out of the score"
    } else if kind.is_ordered {
        "replaced by what is expected in their place"
    } else {
        "replaced by the last value of the feature"
    }
}

fn markdown(kind: &Kind) -> String {
    let mut out = format!("## `{}`\n\n{}.\n\n", kind.name, kind.summary);
    if !kind.aliases.is_empty() {
        let _ = writeln!(out, "Also called: {}.", aliases(kind));
    }
    let _ = writeln!(
        out,
        "Published: {}. Missing values: {}. ",
        kind.paper,
        missing(kind)
    );
    let _ = writeln!(out, "{}\n", about(kind));
    let saturates = if kind.saturates {
        "may stop rising far from the data"
    } else {
        "rise with every deviation"
    };
    let _ = writeln!(
        out,
        "Scores {saturates}.\n\n| setting | default | allowed | what it does |\n|---|---|---|---|"
    );
    for setting in kind.all_settings() {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            setting.name,
            (setting.default)(),
            (setting.allowed)(),
            setting.doc.trim()
        );
    }
    out.push('\n');
    out
}

fn json(kind: &Kind) -> serde_json::Value {
    let settings = kind.all_settings().map(|setting| {
        serde_json::json!({
            "name": setting.name,
            "default": (setting.default)(),
            "allowed": (setting.allowed)(),
            "doc": setting.doc.trim(),
        })
    });
    serde_json::json!({
        "name": kind.name,
        "aliases": kind.aliases.iter().map(|alias| alias.name).collect::<Vec<_>>(),
        "summary": kind.summary,
        "paper": kind.paper,
        "takes_missing": kind.takes_missing,
        "saturates": kind.saturates,
        "is_ordered": kind.is_ordered,
        "scores_depth": kind.scores_depth,
        "settings": settings.collect::<Vec<_>>(),
    })
}
