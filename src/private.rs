//! Files and folders that nobody but our own user may read, whatever the umask: who reads a magazine is nobody's business.
//!
//! The rule: this is the one place that makes files and folders. A file is 0600 and a folder 0700 from its first moment on.
//! What libraries make beside ours (SQLite's `-wal` and `-shm`) takes its mode from ours, or from the umask that
//! [`from_now_on`] sets.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// Sets the umask of this process, before it makes its first file.
pub fn from_now_on() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// How a file is opened that may have to be made.
#[must_use]
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder with those above it; one that is there stays as it is.
///
/// # Errors
/// When it cannot be made, or a file has its name.
pub fn folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Puts a file in the place of what was there.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    io::Write::write_all(&mut options().write(true).create(true).truncate(true).open(path)?, text.as_bytes())
}

/// A file or folder that others may look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Where it is.
    pub path: PathBuf,
    /// Its permissions, as `chmod` takes them.
    pub mode: u32,
    /// What they should be.
    pub should_be: u32,
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:04o})", self.path.display(), self.mode)
    }
}

/// What others may look into, of these and of what stands in those of them that are folders. What is not there, or may not be
/// looked at, is passed over; links are not followed.
#[must_use]
pub fn open_to_others(paths: &[PathBuf]) -> Vec<Open> {
    let mut open = Vec::new();
    for path in paths {
        look(path, &mut open);
    }
    open
}

#[cfg(unix)]
fn look(path: &Path, open: &mut Vec<Open>) {
    use std::os::unix::fs::PermissionsExt as _;

    let Ok(about) = fs::symlink_metadata(path) else { return };
    let (mode, is_folder) = (about.permissions().mode() & 0o7777, about.is_dir());
    if (is_folder || about.is_file()) && mode & 0o077 != 0 {
        open.push(Open { path: path.to_owned(), mode, should_be: if is_folder { 0o700 } else { 0o600 } });
    }
    let Some(inside) = is_folder.then(|| fs::read_dir(path).ok()).flatten() else { return };
    inside.flatten().for_each(|entry| look(&entry.path(), open));
}

#[cfg(not(unix))]
fn look(_: &Path, _: &mut Vec<Open>) {}

impl Open {
    /// Shuts it.
    ///
    /// # Errors
    /// When it belongs to somebody else.
    pub fn shut(&self) -> io::Result<()> {
        #[cfg(unix)]
        fs::set_permissions(&self.path, std::os::unix::fs::PermissionsExt::from_mode(self.should_be))?;
        Ok(())
    }
}
