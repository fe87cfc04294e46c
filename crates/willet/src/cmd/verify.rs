use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use willet_log::{FolderObjects, RealDisk};
use willet_store::StoreCheck;

use super::detect::open_folder;
use crate::problem::user;

/// Check every byte of a data folder: records, checkpoints, marks, the store. Exit code 1 where something is damaged.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The data folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Verify {
    pub(crate) fn run(self) -> Result<ExitCode> {
        if !self.folder.is_dir() {
            return Err(user(format!("no data folder `{}`", self.folder.display())));
        }
        let folder = open_folder(&self.folder)?;
        let log = willet_log::verify(&RealDisk, folder.path())?;
        let objects = FolderObjects::open(folder.disk().clone(), &folder.checkpoints_path())?;
        let checkpoints = willet_node::verify::verify_checkpoints(&objects)?;
        let mut text = format!(
            "log          {} segments, {} records\ncheckpoints  {} manifests, {} chunks, {} keys\n",
            log.segments,
            log.records,
            checkpoints.manifests,
            checkpoints.chunks,
            checkpoints.entries
        );
        let store = store(&folder.path().join("store.sqlite"))?;
        if let Some(store) = &store {
            let _ = writeln!(
                text,
                "store        {} verdicts, {} alerts",
                store.verdicts, store.alerts
            );
        }
        for damage in &log.damage {
            let _ = writeln!(text, "damaged      {damage}");
        }
        for damage in &checkpoints.damage {
            let _ = writeln!(text, "damaged      {damage}");
        }
        let of_store = store.map_or(Vec::new(), |store| store.damage);
        for damage in &of_store {
            let _ = writeln!(text, "damaged      the store: {damage}");
        }
        let is_sound =
            log.damage.is_empty() && checkpoints.damage.is_empty() && of_store.is_empty();
        text.push_str(if is_sound {
            "all checksums match\n"
        } else {
            "damage was found; what stands around it is kept\n"
        });
        super::print(text.as_bytes());
        Ok(if is_sound {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// What the store is like; `None` where there is none. One that cannot even be opened is damaged.
fn store(path: &Path) -> Result<Option<StoreCheck>> {
    if !path.try_exists()? {
        return Ok(None);
    }
    let checked = willet_store::verify(path).unwrap_or_else(|error| StoreCheck {
        damage: vec![error.to_string()],
        ..StoreCheck::default()
    });
    Ok(Some(checked))
}
