use std::path::Path;

use super::error::LogError;
use super::open::{Walk, survey};
use super::report::VerifyReport;
use crate::disk::{Disk, OpenMode};
use crate::folder::{FolderError, read_id};

/// Why a log could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The folder is not a data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Reads every segment and index of a data folder and changes nothing. The folder may be in use; what is being written just
/// then counts as torn bytes.
pub fn verify(disk: &dyn Disk, folder: &Path) -> Result<VerifyReport, VerifyError> {
    let folder_id = read_id(disk, folder)?;
    let path = folder.join(crate::folder::LOG);
    let mut report = VerifyReport::default();
    let (candidates, _) = survey(disk, &path, folder_id, OpenMode::Read)?;
    let mut walk = Walk::default();
    for (index, candidate) in candidates.iter().enumerate() {
        let known = walk.enter(disk, folder_id, candidate, candidates.get(index + 1))?;
        report.records += walk.read(candidate, &known)?.records;
        report.segments += 1;
    }
    report.torn_bytes = walk.torn_bytes;
    report.damage = walk.damage;
    Ok(report)
}
