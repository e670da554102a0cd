//! Folders and servers that vanish with the test process, even when it is killed.
//!
//! A guard process holds the far end of a pipe: when the test process is gone, for whatever reason, the pipe closes and the
//! guard cleans up.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use broadside::token;

/// A user to run a program as.
#[derive(Clone, Copy, Debug)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

/// A new folder directly under the system's temporary one, readable by its owner alone.
pub fn new_folder(what: &str, owner: Option<User>) -> PathBuf {
    new_folder_in(&std::env::temp_dir(), what, owner)
}

/// As [`new_folder`], in memory where there is room: a database of a thousand small files is copied there in a tenth of a second,
/// and on a disk that others write to in some seconds.
pub fn new_folder_in_memory(what: &str, owner: Option<User>) -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    const ROOM: u64 = 3 << 30;
    let room = rustix::fs::statvfs(MEMORY).map_or(0, |about| about.f_bavail.saturating_mul(about.f_frsize));
    let base = if room < ROOM { std::env::temp_dir() } else { MEMORY.into() };
    new_folder_in(&base, what, owner)
}

fn new_folder_in(base: &Path, what: &str, owner: Option<User>) -> PathBuf {
    let folder = base.join(format!("broadside-{what}-{}", &token::public_id()[..10]));
    fs::create_dir(&folder).expect("the temporary folder takes another folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("our own folder");
    if let Some(User { uid, gid }) = owner {
        std::os::unix::fs::chown(&folder, Some(uid), Some(gid)).expect("root may give a folder away");
    }
    folder
}

/// A process that cleans up once this process is gone.
#[derive(Debug)]
pub struct Guard {
    /// What it says, such as that it is ready.
    pub output: ChildStdout,
    _until_closed: ChildStdin,
}

/// Runs a shell script with `$1` = `folder` that must wait for the end of its standard input before it cleans up.
pub fn guard(script: &str, folder: &Path, arguments: &[&Path], user: Option<User>) -> Guard {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).arg("guard").arg(folder).args(arguments);
    // A group of its own: the interrupt of a terminal is not for it.
    command.current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(User { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    let mut child = command.spawn().expect("a shell starts");
    let (input, output) = (child.stdin.take(), child.stdout.take());
    std::thread::spawn(move || child.wait());
    Guard { output: output.expect("a pipe"), _until_closed: input.expect("a pipe") }
}

/// A new folder for one test, inside the one that vanishes with the process.
pub fn folder() -> PathBuf {
    static ROOT: OnceLock<(PathBuf, Guard)> = OnceLock::new();
    let (root, _) = ROOT.get_or_init(|| {
        let root = new_folder("it", None);
        let guard = guard("cat >/dev/null; rm -rf \"$1\"", &root, &[], None);
        (root, guard)
    });
    let folder = root.join(&token::public_id()[..10]);
    fs::create_dir(&folder).expect("our own folder takes another folder");
    folder
}
