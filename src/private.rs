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

/// Who we are, for an error about permissions.
#[must_use]
pub fn user() -> String {
    #[cfg(unix)]
    {
        let number = rustix::process::geteuid().as_raw();
        user_called(number).map_or_else(|| format!("user number {number}"), |name| format!("user {name}"))
    }
    #[cfg(not(unix))]
    "this user".to_owned()
}

/// The name of the user with that number, if it has one on this machine.
#[cfg(unix)]
#[must_use]
pub fn user_called(number: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let is_theirs = |line: &&str| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(number);
    users.lines().find(is_theirs).and_then(|line| line.split(':').next()).map(str::to_owned)
}

/// Why a file cannot be read and written, or made where it is not there, with others beside it; none if it can.
#[must_use]
pub fn why_not_ours(file: &Path) -> Option<String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    #[cfg(unix)]
    {
        use rustix::{
            fs::{Access, access},
            io::Errno,
        };

        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let is_not = |path: &Path, error: Errno| match error {
            Errno::ROFS => format!("{} is on a file system that is read-only", whole(path).display()),
            Errno::ACCESS | Errno::PERM => format!("{} is not writable by {}", whole(path).display(), user()),
            error => format!("{}: {}", whole(path).display(), io::Error::from(error)),
        };
        if let Err(error) = access(folder, Access::WRITE_OK | Access::EXEC_OK) {
            return Some(format!("the folder {}", is_not(folder, error)));
        }
        match access(file, Access::READ_OK | Access::WRITE_OK) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Some(is_not(file, error)),
        }
    }
    file.is_dir().then(|| format!("{} is a folder", file.display()))
}

/// Opens a file to be written from its beginning, made if it is not there: one of ours alone, which nobody else may look into,
/// whoever else may write in its folder. What stands in it stays for now.
///
/// # Errors
/// When something of somebody else's has its name, or it cannot be opened.
pub fn take_for_writing(path: &Path) -> io::Result<fs::File> {
    let mut options = options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NOFOLLOW.bits().cast_signed(),
    );
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

        let about = file.metadata()?;
        let is_ours =
            about.is_file() && about.uid() == rustix::process::geteuid().as_raw() && about.nlink() == 1;
        if !is_ours {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "something of somebody else's has its name",
            ));
        }
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Makes a file with this text, whole, unless there is one of that name: then that stays.
///
/// # Errors
/// When it cannot be written.
pub fn write_once(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let part = PathBuf::from(name);
    let mut file = options().write(true).create(true).truncate(true).open(&part)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&part, path);
    fs::remove_file(&part)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A file or folder that others may look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Where it is.
    pub path: PathBuf,
    /// Its permissions, as `chmod` takes them.
    pub mode: u32,
    pub should_be: u32,
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:04o})", self.path.display(), self.mode)
    }
}

/// What others may look into, of these; a folder stands for itself alone. What is not there, or may not be looked at, is
/// passed over; links are not followed.
#[must_use]
pub fn open_to_others(paths: &[PathBuf]) -> Vec<Open> {
    paths.iter().filter_map(|path| look(path)).collect()
}

#[cfg(unix)]
fn look(path: &Path) -> Option<Open> {
    use std::os::unix::fs::PermissionsExt as _;

    let about = fs::symlink_metadata(path).ok()?;
    let mode = about.permissions().mode() & 0o7777;
    let should_be = if about.is_dir() { 0o700 } else { 0o600 };
    ((about.is_dir() || about.is_file()) && mode & 0o077 != 0).then(|| Open {
        path: path.to_owned(),
        mode,
        should_be,
    })
}

#[cfg(not(unix))]
fn look(_: &Path) -> Option<Open> {
    None
}

impl Open {
    /// Shuts it, if it is still what it was: somebody who may write in the folder can have put a link in its place.
    ///
    /// # Errors
    /// When it belongs to somebody else, or has another name, too, which may stand elsewhere.
    pub fn shut(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use rustix::{fs::OFlags, process::geteuid};
            use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};

            let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK;
            let it =
                OpenOptions::new().read(true).custom_flags(careful.bits().cast_signed()).open(&self.path)?;
            let about = it.metadata()?;
            let is_as_it_was =
                about.is_dir() == (self.should_be == 0o700) && (about.is_dir() || about.is_file());
            if !is_as_it_was || about.uid() != geteuid().as_raw() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else"));
            }
            if about.is_file() && about.nlink() > 1 {
                return Err(io::Error::other("it has another name, too"));
            }
            it.set_permissions(fs::Permissions::from_mode(self.should_be))?;
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// Somebody who may write in a folder of ours puts another file in the place of one that was looked at.
    #[test]
    fn what_was_put_in_the_place_of_ours_is_not_touched() {
        let name = format!("target/tmp/private-{}", std::process::id());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        self::folder(&folder).unwrap();
        let (theirs, ours) = (folder.join("theirs"), folder.join("ours"));
        write(&theirs, "").unwrap();
        let mode = |mode| fs::set_permissions(&theirs, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o755);
        let open = Open { path: ours.clone(), mode: 0o644, should_be: 0o600 };
        let places: [fn(&Path, &Path) -> io::Result<()>; 3] = [
            |theirs, ours| symlink(theirs, ours),
            |theirs, ours| fs::hard_link(theirs, ours),
            |_, ours| fs::create_dir(ours),
        ];
        for put in places {
            put(&theirs, &ours).unwrap();
            assert!(open.shut().is_err());
            assert_eq!(fs::metadata(&theirs).unwrap().permissions().mode() & 0o777, 0o755);
            fs::remove_file(&ours).or_else(|_| fs::remove_dir(&ours)).unwrap();
        }
        fs::rename(&theirs, &ours).unwrap();
        open.shut().unwrap();
        assert_eq!(look(&ours), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
