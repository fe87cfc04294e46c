use std::sync::Arc;

use willet_engine::records::PartitionId;

use super::report::Retained;
use super::segment::Segment;
use super::{Log, LogError, open};

/// What may be removed from the old end of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Remove the oldest segments while the log has more bytes than this.
    pub max_bytes: Option<u64>,
    /// Remove segments whose newest record arrived more than this many microseconds before `now`.
    pub max_age_us: Option<i64>,
    /// The time, in microseconds since the epoch.
    pub now: i64,
    /// From which offset on each partition is still needed. A partition that is not named is needed whole.
    pub low_water: Vec<(PartitionId, u64)>,
}

impl Log {
    /// Removes whole segments, oldest first, as far as the policy asks and low water allows. The newest segment always stays.
    pub fn retain(&mut self, policy: &Retention) -> Result<Retained, LogError> {
        let mut retained = Retained {
            kept_bytes: self.bytes(),
            ..Retained::default()
        };
        loop {
            let oldest = {
                let state = self.view.state();
                match state.segments.as_slice() {
                    [oldest, _, ..] => Arc::clone(oldest),
                    _ => break,
                }
            };
            let bytes = oldest.contents().end;
            if !policy.asks(&oldest, retained.kept_bytes) || !policy.allows(&oldest) {
                break;
            }
            open::remove(self.folder.disk().as_ref(), &oldest.path)?;
            self.view
                .state()
                .segments
                .retain(|segment| segment.number != oldest.number);
            retained.kept_bytes -= bytes;
            retained.removed_bytes += bytes;
            retained.removed.push(oldest.path.clone());
        }
        if !retained.removed.is_empty() {
            self.folder
                .disk()
                .sync_folder(&self.path)
                .map_err(|error| LogError::io("sync", &self.path, error))?;
        }
        Ok(retained)
    }
}

impl Retention {
    fn asks(&self, segment: &Segment, log_bytes: u64) -> bool {
        let too_many = self.max_bytes.is_some_and(|max| log_bytes > max);
        let newest = segment.contents().newest_arrived;
        // Files give no arrival time (0): age says nothing of them.
        let too_old = newest > 0
            && self
                .max_age_us
                .is_some_and(|max| self.now.saturating_sub(newest) > max);
        too_many || too_old
    }

    fn allows(&self, segment: &Segment) -> bool {
        segment.contents().partitions.iter().all(|(id, extent)| {
            self.low_water
                .iter()
                .any(|(partition, needed)| partition == id && extent.next <= *needed)
        })
    }
}
