//! Pages of figures: one HTML file each, without anything from elsewhere.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use crate::problem::user;

/// What pages have in common, each put where its mark is in a template; the data last, for they may hold anything.
const STYLE: (&str, &str) = ("/*willet-style*/", include_str!("style.css"));
const SCRIPT: (&str, &str) = ("/*willet-script*/", include_str!("script.js"));
const DATA: &str = "\"willet-data\"";

/// A template with its data.
pub(super) fn fill(template: &str, data: &Value) -> String {
    // A name may hold `</script>`.
    let data = data.to_string().replace('<', "\\u003c");
    template
        .replacen(STYLE.0, STYLE.1, 1)
        .replacen(SCRIPT.0, SCRIPT.1, 1)
        .replacen(DATA, &data, 1)
}

/// A file that a page goes into.
pub(super) struct PageFile {
    path: PathBuf,
    file: File,
}

impl PageFile {
    /// Made before the work: a page that cannot be written is known at once.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| refused(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    pub(super) fn write(mut self, page: &str) -> Result<()> {
        let written = self.file.write_all(page.as_bytes());
        written.map_err(|error| refused(&self.path, &error))
    }
}

fn refused(path: &Path, error: &std::io::Error) -> anyhow::Error {
    user(format!("cannot write `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_each_mark_once_and_load_nothing() {
        let templates = [
            include_str!("../compare/page.html"),
            include_str!("../tune/page.html"),
        ];
        for template in templates {
            for mark in [STYLE.0, SCRIPT.0, DATA] {
                assert_eq!(template.matches(mark).count(), 1, "{mark}");
            }
            let page = fill(template, &serde_json::json!({ "name": "</script>" }));
            assert_eq!(page.matches("</script>").count(), 1);
            for from_elsewhere in ["http:", "https:", "src=", "href=", "@import", "url("] {
                assert!(!page.contains(from_elsewhere), "{from_elsewhere}");
            }
        }
    }
}
