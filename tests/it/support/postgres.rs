//! A throwaway PostgreSQL cluster, one a test process, from the server programs it finds.
//!
//! It listens on a Unix socket in its own folder, so it needs no port and nobody else reaches it. A guard stops it and
//! deletes it when the test process is gone (see [`super::scratch`]).

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::{
    environment,
    scratch::{self, Guard, User},
};

/// The running cluster.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<User>,
    _guard: Guard,
}

impl Cluster {
    /// A cluster that one test has for itself, to stop and start; `None` where there are no server programs.
    pub fn of_its_own() -> Option<Self> {
        Self::get()?;
        Some(Self::start().expect("what could be started once can be started twice"))
    }

    /// The cluster of this process, started at the first call; `None`, said once, where there are no server programs.
    pub fn get() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(|| match Self::start() {
            Ok(cluster) => Some(cluster),
            Err(because) => {
                environment::skip("the PostgreSQL halves", &because);
                None
            }
        });
        cluster.as_ref()
    }

    /// The address of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=broadside", self.folder.display())
    }

    /// The socket it listens on.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Copies a database into a new one by way of a file, as `docs/operations.md` backs one up and restores it.
    pub fn back_up(&self, from: &str, to: &str) {
        let file = scratch::folder().join("broadside.dump");
        let run = |program: &str, arguments: &[&str]| {
            let done = Command::new(self.programs.join(program)).args(arguments).output();
            let done = done.unwrap_or_else(|error| panic!("{program}: {error}"));
            assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
        };
        let file = file.to_str().expect("our own name");
        run("pg_dump", &["--format=custom", "--file", file, from]);
        run("pg_restore", &["--exit-on-error", "--no-owner", "--dbname", to, file]);
    }

    /// Stops it, `fast` or `immediate`, and starts it again.
    pub fn restart(&self, mode: &str) {
        self.pg_ctl(&["-m", mode, "restart"]);
    }

    /// Stops it, `fast` or `immediate`.
    pub fn stop(&self, mode: &str) {
        self.pg_ctl(&["-m", mode, "stop"]);
    }

    /// Starts it after [`Cluster::stop`].
    pub fn start_again(&self) {
        self.pg_ctl(&["start"]);
    }

    fn pg_ctl(&self, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join("pg_ctl"));
        command.arg("-D").arg(self.folder.join("data")).arg("-l").arg(self.folder.join("log"));
        command.args(["-w", "-s"]).args(arguments).current_dir("/");
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        // The server would hold the pipes open, and nobody would see the end of its starter.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().expect("pg_ctl runs").success(), "pg_ctl {arguments:?} failed");
    }

    fn start() -> Result<Self, String> {
        let programs = programs().ok_or("no server programs of PostgreSQL were found")?;
        let user = if is_root() { Some(unprivileged()?) } else { None };
        let folder = scratch::new_folder_in_memory("pg", user);
        let mut guard = scratch::guard(SCRIPT, &folder, &[&programs], user);
        let mut said = String::new();
        BufReader::new(&mut guard.output).read_line(&mut said).map_err(|error| error.to_string())?;
        if said.trim() == "ready" {
            return Ok(Self { folder, programs, user, _guard: guard });
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        Err(format!("the server of {} did not start: {log}", programs.display()))
    }
}

/// `$1` is the folder, `$2` where the programs are.
const SCRIPT: &str = r#"
    dir=$1 bin=$2
    # Nothing of this cluster has to survive anything.
    "$bin/initdb" -D "$dir/data" -U broadside -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 </dev/null &&
    cat >>"$dir/data/postgresql.conf" <<END &&
listen_addresses = ''
unix_socket_directories = '$dir'
max_connections = 200
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
shared_buffers = 32MB
min_wal_size = 32MB
max_wal_size = 128MB
END
    "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -s start >/dev/null 2>&1 </dev/null && echo ready
    cat >/dev/null
    "$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1
    rm -rf "$dir"
"#;

fn programs() -> Option<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let asked = asked.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim().to_owned()));
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    installed.sort();
    let on_path = environment::program("initdb").and_then(|file| Some(file.parent()?.to_owned()));
    let newest_first = installed.into_iter().rev().map(|(_, folder)| folder);
    let is_complete = |folder: &PathBuf| {
        ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
    };
    asked.into_iter().chain(newest_first).chain(on_path).find(is_complete)
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The server refuses to run as root.
fn unprivileged() -> Result<User, String> {
    let users = fs::read_to_string(Path::new("/etc/passwd")).map_err(|error| error.to_string())?;
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| {
            let mut fields =
                users.lines().map(|line| line.split(':')).find(|line| line.clone().next() == Some(name))?;
            Some(User { uid: fields.nth(2)?.parse().ok()?, gid: fields.next()?.parse().ok()? })
        })
        .ok_or_else(|| "this is root, and there is no user to run the server as".to_owned())
}
