//! A page that shows how each figure goes with the size of the window.

use std::path::Path;

use serde_json::{Value, json};

use super::cells::Found;
use super::print;
use crate::cmd::page;
use crate::cmd::recorded::Recorded;

const TEMPLATE: &str = include_str!("page.html");

pub(super) fn render(found: &Found, recorded: &Recorded, file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    let cells: Vec<Value> = found.cells.iter().map(print::json).collect();
    page::fill(
        TEMPLATE,
        &json!({
            "file": name.to_string_lossy(),
            "summary": recorded.summary(),
            "advice": found.advice,
            "cells": cells,
        }),
    )
}
