//! What to do after a start: where replay begins, where answers go out again, and what does not fit together.

use crate::manifest::Manifest;

/// How far the log of a partition reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogExtent {
    /// Offset of the oldest record kept.
    pub first: u64,
    /// Offset of the next record to be appended.
    pub next: u64,
}

/// The way back to where the shard was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryPlan {
    /// Replay begins with the record at this offset.
    pub replay_from: u64,
    /// Verdicts of records before this offset were delivered and are not sent again.
    pub emit_from: u64,
    /// The log must not give out offsets below this.
    pub floor: u64,
    /// What was lost, for the operator.
    pub losses: Vec<Loss>,
}

/// Something that should be there and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The log begins behind the place where replay should.
    #[error(
        "records {from} to {to} are gone from the log and were not learned from (a checkpoint reaches to {from} only)"
    )]
    Gap {
        /// First record that is gone.
        from: u64,
        /// First record that is there.
        to: u64,
    },
    /// State or answers speak of records that the log does not hold.
    #[error("the log ends at record {log}, but records up to {known} were acknowledged: {} of them are lost", known - log)]
    Tail {
        /// Where the log ends.
        log: u64,
        /// Up to where something else knows of records.
        known: u64,
    },
}

/// Plans the recovery of a shard. `delivered` is the lowest position of the durable outputs.
pub fn plan(manifest: Option<&Manifest>, log: LogExtent, delivered: u64) -> RecoveryPlan {
    let mut losses = Vec::new();
    let low_water = manifest.map_or(0, |manifest| manifest.low_water);
    let known = delivered.max(manifest.map_or(0, |manifest| manifest.upto));
    if log.first > low_water {
        losses.push(Loss::Gap {
            from: low_water,
            to: log.first,
        });
    }
    if log.next < known {
        losses.push(Loss::Tail {
            log: log.next,
            known,
        });
    }
    RecoveryPlan {
        replay_from: low_water.max(log.first),
        emit_from: delivered,
        floor: known.max(log.next),
        losses,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_folder_begins_at_the_beginning() {
        let found = plan(None, LogExtent { first: 0, next: 0 }, 0);
        assert_eq!(
            found,
            RecoveryPlan {
                replay_from: 0,
                emit_from: 0,
                floor: 0,
                losses: vec![]
            }
        );
    }

    #[test]
    fn without_a_checkpoint_all_is_replayed_and_only_the_rest_is_sent() {
        let found = plan(
            None,
            LogExtent {
                first: 0,
                next: 100,
            },
            60,
        );
        assert_eq!(
            (found.replay_from, found.emit_from, found.floor),
            (0, 60, 100)
        );
    }

    #[test]
    fn what_is_lost_is_said_and_its_offsets_are_not_used_again() {
        let found = plan(
            None,
            LogExtent {
                first: 10,
                next: 50,
            },
            60,
        );
        assert_eq!(
            found.losses,
            [
                Loss::Gap { from: 0, to: 10 },
                Loss::Tail { log: 50, known: 60 }
            ]
        );
        assert_eq!((found.replay_from, found.floor), (10, 60));
        assert!(found.losses[1].to_string().contains("10 of them are lost"));
    }
}
