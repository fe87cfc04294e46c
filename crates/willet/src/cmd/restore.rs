//! Makes a data folder of a backup.

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::backup::{
    FORMAT, MANIFEST, Manifest, entry_of, require_empty, sync_folders, write_copy,
};
use crate::problem::{note, user, warn};

/// Make a data folder of a backup. Every sum is checked before anything is written.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// The data folder to make: empty, or not there.
    #[arg(long, value_name = "DIR", default_value = "willet-data")]
    data_dir: PathBuf,
}

/// Written last: without it a folder is not a data folder.
const LAST: &str = "FORMAT";

impl Restore {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let manifest = read_manifest(&self.backup)?;
        require_empty(&self.data_dir)?;
        for (name, entry) in &manifest.files {
            let found = entry_of(&self.backup.join(name))
                .with_context(|| format!("the backup lacks `{name}`"))?;
            if found != *entry {
                bail!(
                    "`{name}` of the backup is not what was copied: its checksum does not match (use another backup)"
                );
            }
        }
        let target = &self.data_dir;
        fs::create_dir_all(target)
            .with_context(|| format!("cannot create {}", target.display()))?;
        let names = manifest.files.keys().map(String::as_str);
        for name in names.filter(|name| *name != LAST).chain([LAST]) {
            let path = self.backup.join(name);
            let file =
                File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
            let written = write_copy(file, &target.join(name))?;
            if manifest.files.get(name) != Some(&written) {
                bail!(
                    "`{name}` of the backup changed while it was read (remove {} and try again)",
                    target.display()
                );
            }
            // What was written must be there before the file that makes it count.
            if name != LAST {
                continue;
            }
            sync_folders(target, &manifest.files)?;
        }
        for damage in &manifest.damage {
            warn(format!("damaged since before the backup: {damage}"));
        }
        note(format!(
            "{} files of willet {} in {}",
            manifest.files.len(),
            manifest.willet,
            target.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

fn read_manifest(backup: &Path) -> Result<Manifest> {
    let path = backup.join(MANIFEST);
    let text = fs::read(&path).map_err(|error| {
        user(format!(
            "{} is not a whole backup: {MANIFEST} cannot be read: {error}",
            backup.display()
        ))
    })?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| user(format!("{} is damaged: {error}", path.display())))?;
    if manifest.format != FORMAT {
        return Err(user(format!(
            "{} has format {}, this build reads {FORMAT} (use the willet that made it: {})",
            path.display(),
            manifest.format,
            manifest.willet
        )));
    }
    let is_inside = |name: &str| {
        !name.is_empty()
            && Path::new(name)
                .components()
                .all(|part| matches!(part, Component::Normal(_)))
    };
    if let Some(name) = manifest.files.keys().find(|name| !is_inside(name)) {
        return Err(user(format!(
            "{} names `{name}`, which lies elsewhere",
            path.display()
        )));
    }
    if !manifest.files.contains_key(LAST) {
        return Err(user(format!("{} names no `{LAST}`", path.display())));
    }
    Ok(manifest)
}
