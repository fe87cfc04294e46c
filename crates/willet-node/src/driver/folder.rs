//! A driver that has a data folder for itself.

use std::sync::Arc;

use willet_log::{DataFolder, FolderObjects, Log, LogError, LogOptions, OpenReport, OwnedLog};

use super::{Asked, Driver, OpenError, Setup};
use crate::worker::{Home, Trouble, WorkerError};

/// Opens the stream asked for in a data folder: begins it, or takes it up where it was. `setup` says how it runs; the log keeps
/// `retention_bytes` of what is needless. After an error `troubles` holds what was found wrong on the way.
pub fn open_in_folder(
    folder: &DataFolder,
    log: LogOptions,
    retention_bytes: u64,
    asked: Asked,
    setup: impl FnOnce(Home) -> Setup,
    troubles: &mut Vec<Trouble>,
) -> Result<(Driver, OwnedLog, OpenReport), OpenError> {
    let log_error = |error: LogError| WorkerError::Log(error.into());
    let (log, report) = Log::open(folder, log).map_err(log_error)?;
    let stream = &asked.config().name;
    let mut log = OwnedLog::new(log, stream, retention_bytes).map_err(log_error)?;
    let objects = FolderObjects::open(Arc::clone(folder.disk()), &folder.checkpoints_path());
    let home = Home {
        partition: log.partition(),
        objects: Arc::new(objects.map_err(WorkerError::from)?),
    };
    let driver = Driver::open(setup(home), &mut log, asked, troubles)?;
    Ok((driver, log, report))
}
