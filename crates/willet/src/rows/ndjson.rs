use willet_node::output::{Answers, RowFormat};
use willet_node::service::VerdictFormat as _;
use willet_server::VerdictJson;

use super::is_gathered;

/// A verdict a line, as at every door.
#[derive(Debug)]
pub(crate) struct NdjsonRows {
    only_anomalies: bool,
}

impl NdjsonRows {
    pub(crate) fn new(only_anomalies: bool) -> Self {
        Self { only_anomalies }
    }
}

impl RowFormat for NdjsonRows {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn rows(&mut self, answers: &Answers<'_>, out: &mut Vec<u8>) {
        for (index, verdict) in answers.indices().zip(answers.rows()) {
            let is_wanted = verdict.is_anomaly() || !self.only_anomalies;
            if !is_wanted || is_gathered(verdict) {
                continue;
            }
            VerdictJson.write(answers, index, out);
            out.push(b'\n');
        }
    }
}
