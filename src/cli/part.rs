//! Files that are whole or not there.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use crate::private;

/// A file that is being written, beside the one it will be. Whoever has it locked is at it; what a broken-off run left is used
/// again.
pub(super) struct Part {
    pub(super) path: PathBuf,
    file: File,
}

impl Part {
    /// Beside a file that it is to become, under a name of its own.
    pub(super) fn new(of: &Path, name: &str) -> anyhow::Result<Self> {
        let path = of.with_file_name(format!(".{name}.part"));
        let file = private::take_for_writing(&path)
            .with_context(|| format!("{} cannot be written by {}", path.display(), private::user()))?;
        ensure!(file.try_lock().is_ok(), "somebody else is writing {} just now", path.display());
        file.set_len(0)?;
        // What SQLite left beside it, when it was broken off.
        let mut journal = path.as_os_str().to_owned();
        journal.push("-journal");
        match fs::remove_file(&journal) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(Self { path, file }),
        }
    }

    /// Makes it last, under the name that it has.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    /// Makes it last, and gives it its name; its size.
    pub(super) fn become_file(self, to: &Path) -> io::Result<u64> {
        let written = File::open(&self.path)?;
        written.sync_all()?;
        let size = written.metadata()?.len();
        fs::rename(&self.path, to)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(size)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is gone already when it got its name.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}
