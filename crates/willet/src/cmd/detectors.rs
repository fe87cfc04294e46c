use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use willet_core::detectors::{KINDS, Kind, find};
use willet_core::drift;
use willet_core::settings::SettingSpec;

use crate::problem::user;

/// List detectors, or show one with its settings.
#[derive(Debug, clap::Args)]
pub(crate) struct Detectors {
    /// A name or an alias.
    name: Option<String>,
    /// Drift tests instead.
    #[arg(long)]
    drift: bool,
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
        if self.drift {
            return self.run_drift();
        }
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

impl Detectors {
    fn run_drift(&self) -> Result<ExitCode> {
        let kinds: Vec<&drift::Kind> = match &self.name {
            Some(name) => vec![drift::find(name).map_err(user)?],
            None => drift::KINDS.iter().collect(),
        };
        let text: String = match self.format {
            Form::Text if self.name.is_some() => {
                kinds.iter().map(|kind| describe_test(kind)).collect()
            }
            Form::Text => {
                let mut out = String::new();
                for kind in &kinds {
                    let _ = writeln!(out, "{:<14}{}", kind.name, kind.summary);
                }
                out.push_str("\nwillet detectors --drift NAME shows the settings of one.\n");
                out
            }
            Form::Markdown => kinds.iter().map(|kind| markdown_test(kind)).collect(),
            Form::Json => format!(
                "{:#}\n",
                kinds
                    .iter()
                    .map(|kind| json_test(kind))
                    .collect::<serde_json::Value>()
            ),
        };
        Ok(super::print(text.as_bytes()))
    }
}

fn reads(kind: &drift::Kind) -> &'static str {
    match kind.input {
        drift::Input::Values => "the features of a row",
        drift::Input::Errors => "whether rows are anomalies",
    }
}

fn describe_test(kind: &drift::Kind) -> String {
    let mut out = format!("{}: {}\n", kind.name, kind.summary);
    if !kind.aliases.is_empty() {
        let _ = writeln!(out, "also called: {}", kind.aliases.join(", "));
    }
    let _ = writeln!(
        out,
        "published: {}\nlooks at: {}\n\nsettings:",
        kind.paper,
        reads(kind)
    );
    settings(&mut out, kind.settings.iter());
    out
}

fn markdown_test(kind: &drift::Kind) -> String {
    let mut out = format!(
        "## `{}`\n\n{}.\n\nPublished: {}. Looks at {}.\n\n",
        kind.name,
        kind.summary,
        kind.paper,
        reads(kind)
    );
    table(&mut out, kind.settings.iter());
    out.push('\n');
    out
}

fn json_test(kind: &drift::Kind) -> serde_json::Value {
    serde_json::json!({
        "name": kind.name,
        "aliases": kind.aliases,
        "summary": kind.summary,
        "paper": kind.paper,
        "looks_at": reads(kind),
        "settings": json_settings(kind.settings.iter()),
    })
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
    settings(&mut out, kind.all_settings());
    out
}

fn settings<'a>(out: &mut String, settings: impl Iterator<Item = &'a SettingSpec>) {
    for setting in settings {
        let _ = writeln!(out, "  {} = {}", setting.name, (setting.default)());
        let _ = writeln!(
            out,
            "      {} ({})",
            setting.doc.trim(),
            (setting.allowed)()
        );
    }
}

fn table<'a>(out: &mut String, settings: impl Iterator<Item = &'a SettingSpec>) {
    out.push_str("| setting | default | allowed | what it does |\n|---|---|---|---|\n");
    for setting in settings {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            setting.name,
            (setting.default)(),
            (setting.allowed)(),
            setting.doc.trim()
        );
    }
}

fn json_settings<'a>(settings: impl Iterator<Item = &'a SettingSpec>) -> Vec<serde_json::Value> {
    let json = |setting: &SettingSpec| {
        serde_json::json!({
            "name": setting.name,
            "default": (setting.default)(),
            "allowed": (setting.allowed)(),
            "doc": setting.doc.trim(),
        })
    };
    settings.map(json).collect()
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
    let _ = writeln!(out, "Scores {saturates}.\n");
    table(&mut out, kind.all_settings());
    out.push('\n');
    out
}

fn json(kind: &Kind) -> serde_json::Value {
    serde_json::json!({
        "name": kind.name,
        "aliases": kind.aliases.iter().map(|alias| alias.name).collect::<Vec<_>>(),
        "summary": kind.summary,
        "paper": kind.paper,
        "takes_missing": kind.takes_missing,
        "saturates": kind.saturates,
        "is_ordered": kind.is_ordered,
        "settings": json_settings(kind.all_settings()),
    })
}
