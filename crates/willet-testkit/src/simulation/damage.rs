//! Bits that flip.

use std::path::{Path, PathBuf};

use willet_log::disk::{Disk, OpenMode};

use super::player::{Player, folder};

impl Player {
    /// Flips one bit in a file of the log or of the checkpoints.
    pub(super) fn flip_a_bit(&mut self) {
        if self.disk.is_off() {
            return;
        }
        let mut files = files_below(&self.disk, &folder().join("log"));
        files.extend(files_below(&self.disk, &folder().join("checkpoints")));
        if files.is_empty() {
            return;
        }
        let mark = files
            .iter()
            .find(|path| path.ends_with("delivered"))
            .cloned();
        let any = files.swap_remove(self.random.below(files.len()));
        // Nothing can stand in for the mark, so it is hit more often.
        let path = mark.filter(|_| self.chance(4)).unwrap_or(any);
        let bytes = self
            .disk
            .open(&path, OpenMode::Read)
            .and_then(|file| file.len())
            .unwrap_or(0);
        if bytes == 0 {
            return;
        }
        let (offset, bit) = (self.below(bytes as usize), self.below(8) as u8);
        if self.disk.flip_bit(&path, offset, bit) {
            self.totals.flips += 1;
            self.say(|| format!("bit {bit} of byte {offset} of {} flipped", path.display()));
        }
    }
}

fn files_below(disk: &dyn Disk, folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in disk.list(folder).unwrap_or_default() {
        let path = folder.join(&entry.name);
        if entry.is_folder {
            files.extend(files_below(disk, &path));
        } else {
            files.push(path);
        }
    }
    files
}
