//! A copy of a data folder that can be gone on from, taken while it is in use or not.
//!
//! Order matters. What learned state knows must be in the store, and what the store knows must be in the log: so checkpoints
//! are copied first, then the store, then the log, which only grows. The log's retention may pass what the copied
//! checkpoints need while all that goes on; then, and when a file vanishes, the copy is made anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use willet_log::{FolderObjects, RealDisk};

use crate::problem::{note, user, warn};

/// Copy a data folder, also while the service runs. Exit code 1 where the copy has damage (the source has it then too).
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "willet-data")]
    data_dir: PathBuf,
    /// Folder for the copy: empty, or not there.
    #[arg(value_name = "OUT")]
    output: PathBuf,
}

/// What stands in a backup beside the files; written last, so that a backup without it is not whole.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Version of this file.
    pub(crate) format: u32,
    /// Version of the program that made it.
    pub(crate) willet: String,
    /// Seconds since the epoch.
    pub(crate) made_at: u64,
    /// By path inside the backup, joined by `/`.
    pub(crate) files: BTreeMap<String, Entry>,
    /// Damage that the data folder had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) damage: Vec<String>,
}

/// One file of a backup.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) bytes: u64,
    /// Hexadecimal.
    pub(crate) sha256: String,
}

/// Name of the [`Manifest`].
pub(crate) const MANIFEST: &str = "BACKUP.json";
/// The newest [`Manifest::format`].
pub(crate) const FORMAT: u32 = 1;
/// Name of the store in a data folder.
const STORE: &str = "store.sqlite";
const CHECKPOINTS: &str = "checkpoints";
const LOG: &str = "log";
/// What unfinished writes of the service are called.
const TEMPORARY: &str = ".tmp";
/// A service that drops files faster than so often cannot be copied.
const TRIES: u32 = 5;
const CHUNK: usize = 1 << 20;

impl Backup {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let (source, output) = (&self.data_dir, &self.output);
        if !source.join("FORMAT").is_file() {
            let source = source.display();
            return Err(user(format!("{source} is not a data folder")));
        }
        require_empty(output)?;
        fs::create_dir_all(output)
            .with_context(|| format!("cannot create {}", output.display()))?;
        let (files, damage) = copy_whole(source, output)?;
        let manifest = Manifest {
            format: FORMAT,
            willet: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: now(),
            files,
            damage,
        };
        write_manifest(output, &manifest)?;
        let bytes: u64 = manifest.files.values().map(|entry| entry.bytes).sum();
        note(format!(
            "{} files, {bytes} bytes in {}",
            manifest.files.len(),
            output.display()
        ));
        for damage in &manifest.damage {
            warn(format!("damaged, as in the data folder: {damage}"));
        }
        Ok(if manifest.damage.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Copies until a copy is whole. What looks damaged twice is damaged in the source too.
fn copy_whole(source: &Path, output: &Path) -> Result<(Files, Vec<String>)> {
    let mut before = None;
    for _ in 0..TRIES {
        match copy(source, output) {
            Ok(files) => {
                let damage = check(output)?;
                if damage.is_empty() || before.as_ref() == Some(&damage) {
                    return Ok((files, damage));
                }
                before = Some(damage);
            }
            Err(Interruption::Changed(path)) => {
                note(format!("{} went away meanwhile; again", path.display()));
            }
            Err(Interruption::Failed(error)) => return Err(error),
        }
        clear(output)?;
    }
    bail!("files changed during each of {TRIES} copies (try again when less is written)")
}

/// Refuses a folder with anything in it.
pub(crate) fn require_empty(path: &Path) -> Result<()> {
    match fs::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(user(format!(
                "{} is not empty (name another folder, or empty it)",
                path.display()
            ))),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(user(format!(
            "cannot look into {}: {error}",
            path.display()
        ))),
    }
}

/// Why a copy ended early.
enum Interruption {
    /// A file was there and is not: the service removed it. Worth another try.
    Changed(PathBuf),
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Interruption {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

type Files = BTreeMap<String, Entry>;

fn copy(source: &Path, output: &Path) -> Result<Files, Interruption> {
    let mut files = Files::new();
    let manifests = copy_checkpoints(source, output, &mut files)?;
    if source.join(STORE).is_file() {
        willet_store::copy(&source.join(STORE), &output.join(STORE))?;
        File::open(output.join(STORE))?.sync_all()?;
        files.insert(STORE.to_owned(), entry_of(&output.join(STORE))?);
    }
    for name in list(&source.join(LOG))? {
        copy_segment(source, output, &format!("{LOG}/{name}"), &mut files)?;
    }
    copy_file(source, output, "FORMAT", &mut files)?;
    // As long as a checkpoint is there, the log reaches back to it.
    if let Some(path) = manifests.into_iter().find(|path| !path.is_file()) {
        return Err(Interruption::Changed(path));
    }
    sync_folders(output, &files)?;
    Ok(files)
}

/// Copies, of each partition, manifests before the chunks that they name and the mark of what was delivered last. Returns
/// the newest manifests.
fn copy_checkpoints(
    source: &Path,
    output: &Path,
    files: &mut Files,
) -> Result<Vec<PathBuf>, Interruption> {
    let mut newest = Vec::new();
    for partition in list(&source.join(CHECKPOINTS))? {
        let folder = format!("{CHECKPOINTS}/{partition}");
        if source.join(&folder).is_file() {
            copy_file(source, output, &folder, files)?;
            continue;
        }
        let is_of = |name: &String, kind: &str| name.starts_with(kind);
        let mut names = list(&source.join(&folder))?;
        names.retain(|name| is_of(name, "manifest-"));
        for name in &names {
            copy_file(source, output, &format!("{folder}/{name}"), files)?;
        }
        if let Some(name) = names.last() {
            newest.push(source.join(&folder).join(name));
        }
        let mut others = list(&source.join(&folder))?;
        others.retain(|name| !is_of(name, "manifest-"));
        others.sort_by_key(|name| !is_of(name, "chunk-"));
        for name in &others {
            copy_file(source, output, &format!("{folder}/{name}"), files)?;
        }
    }
    Ok(newest)
}

/// Names in a folder, sorted; none where it is not there.
fn list(folder: &Path) -> Result<Vec<String>, Interruption> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("cannot look into {}", folder.display()))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let name = name
            .into_string()
            .map_err(|name| user(format!("{} is not a name of ours", name.display())))?;
        if !name.ends_with(TEMPORARY) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn copy_file(
    source: &Path,
    output: &Path,
    name: &str,
    files: &mut Files,
) -> Result<(), Interruption> {
    let entry = write_copy(open(&source.join(name))?, &output.join(name))?;
    files.insert(name.to_owned(), entry);
    Ok(())
}

fn open(path: &Path) -> Result<File, Interruption> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Interruption::Changed(path.to_path_buf()))
        }
        other => Ok(other.with_context(|| format!("cannot open {}", path.display()))?),
    }
}

/// Copies a file of the log from its end to its beginning: the service appends meanwhile, and what is read later must not be
/// older than what stands behind it, or the copy had a hole.
fn copy_segment(
    source: &Path,
    output: &Path,
    name: &str,
    files: &mut Files,
) -> Result<(), Interruption> {
    let mut from = open(&source.join(name))?;
    let path = output.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut to = File::create_new(&path)?;
    let mut end = from.metadata()?.len();
    to.set_len(end)?;
    let mut chunk = vec![0; CHUNK];
    while end > 0 {
        let begin = end.saturating_sub(CHUNK as u64);
        let chunk = &mut chunk[..(end - begin) as usize];
        from.seek(SeekFrom::Start(begin))?;
        // Shorter since it was opened: its end was cut, as after a failed write.
        match from.read_exact(chunk) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Interruption::Changed(source.join(name)));
            }
            other => other?,
        }
        to.seek(SeekFrom::Start(begin))?;
        to.write_all(chunk)?;
        end = begin;
    }
    to.sync_all()?;
    files.insert(name.to_owned(), entry_of(&path)?);
    Ok(())
}

/// Writes what `from` holds to a new file, durably, and says what it was.
pub(crate) fn write_copy(mut from: File, to: &Path) -> Result<Entry> {
    let failed = || format!("cannot write {}", to.display());
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    let mut file = File::create_new(to).with_context(failed)?;
    let entry = digest(&mut from, |bytes| file.write_all(bytes)).with_context(failed)?;
    file.sync_all().with_context(failed)?;
    Ok(entry)
}

/// What a file is.
pub(crate) fn entry_of(path: &Path) -> Result<Entry> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    digest(&mut file, |_| Ok(())).with_context(|| format!("cannot read {}", path.display()))
}

fn digest(file: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Entry> {
    let mut sha256 = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        sha256.update(&chunk[..read]);
        each(&chunk[..read])?;
        bytes += read as u64;
    }
    let digits = sha256.finalize();
    Ok(Entry {
        bytes,
        sha256: digits.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// What is wrong in the copy, a sentence each.
fn check(output: &Path) -> Result<Vec<String>> {
    let log = willet_log::verify(&RealDisk, output)?;
    let mut damage: Vec<String> = log.damage.iter().map(ToString::to_string).collect();
    let checkpoints = output.join(CHECKPOINTS);
    if checkpoints.is_dir() {
        let objects = FolderObjects::open(Arc::new(RealDisk), &checkpoints)?;
        let report = willet_node::verify::verify_checkpoints(&objects)?;
        damage.extend(report.damage);
    }
    if output.join(STORE).is_file() {
        damage.extend(willet_store::verify(&output.join(STORE))?.damage);
        // Left by the look; they are not part of the copy.
        for name in ["-wal", "-shm"] {
            let _ = fs::remove_file(output.join(format!("{STORE}{name}")));
        }
    }
    Ok(damage)
}

/// Removes what a try has written.
fn clear(output: &Path) -> Result<()> {
    for name in [CHECKPOINTS, LOG] {
        match fs::remove_dir_all(output.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    for name in [STORE, "FORMAT"] {
        match fs::remove_file(output.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Makes the names of files durable too.
pub(crate) fn sync_folders(root: &Path, files: &Files) -> io::Result<()> {
    let mut folders: Vec<PathBuf> = files
        .keys()
        .flat_map(|name| {
            Path::new(name)
                .ancestors()
                .skip(1)
                .map(|path| root.join(path))
        })
        .collect();
    folders.sort();
    folders.dedup();
    folders
        .iter()
        .try_for_each(|folder| File::open(folder)?.sync_all())
}

fn write_manifest(output: &Path, manifest: &Manifest) -> Result<()> {
    let text = serde_json::to_vec_pretty(manifest)?;
    let temporary = output.join(format!("{MANIFEST}{TEMPORARY}"));
    let mut file = File::create(&temporary)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&temporary, output.join(MANIFEST))?;
    Ok(File::open(output)?.sync_all()?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the manifest says when it was made"
)]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
