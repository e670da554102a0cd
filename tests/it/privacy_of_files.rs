//! Nobody else on the machine may read who reads the magazine.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use broadside::db::Engine;

use crate::support::{
    Fixture, TestApp, TestDb,
    program::{self, Program},
    scratch, wait,
};

/// Every file and folder of an instance with its permissions, the outermost folder among them.
fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut all =
        vec![(folder.to_owned(), fs::metadata(folder).expect("it is there").permissions().mode() & 0o777)];
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.metadata() {
            Ok(about) if about.is_dir() => all.extend(modes(&entry.path())),
            Ok(about) => all.push((entry.path(), about.permissions().mode() & 0o777)),
            // It went meanwhile.
            Err(_) => {}
        }
    }
    all
}

fn open_to_others(folder: &Path) -> Vec<(PathBuf, u32)> {
    modes(folder).into_iter().filter(|(_, mode)| mode & 0o077 != 0).collect()
}

/// The settings of an instance of its own in a folder.
struct Own {
    folder: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Own {
    fn new() -> Self {
        let folder = scratch::folder().join("data");
        let listen = program::address_of_its_own();
        let settings = vec![
            ("DATA_DIR", folder.display().to_string()),
            ("DATABASE_URL", format!("sqlite:{}/broadside.db", folder.display())),
            ("LISTEN", listen.to_string()),
            ("BASE_URL", format!("http://{listen}")),
            ("SANDBOX_SMTP", "127.0.0.1:0".to_owned()),
            ("SANDBOX_HTTP", "127.0.0.1:0".to_owned()),
            // Both are generated, and kept in files.
            ("SECRET", String::new()),
            ("SUPPRESSION_SECRET", String::new()),
        ];
        Self { folder, settings }
    }

    /// `serve --sandbox` under this umask, once it answers.
    async fn serve(&self, app: &TestApp, umask: &str) -> Program {
        let settings: Vec<_> = self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let line = format!("umask {umask} && exec \"$0\" \"$@\" --sandbox");
        let program = Program::serve_by(app, &line, &settings);
        let page = format!("{}/subscribe", self.settings[3].1);
        wait::until("a page", async || app.visitor().request(reqwest::Method::GET, &page).send().await.ok())
            .await;
        program
    }

    fn run(&self, umask: &str, arguments: &[&str]) -> Output {
        let mut shell = Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(format!("umask {umask} && exec \"$0\" \"$@\""))
            .arg(env!("CARGO_BIN_EXE_broadside"));
        shell.args(arguments).env_clear().current_dir(&self.folder);
        shell.envs(self.settings.iter().map(|(name, value)| (*name, value.as_str())));
        shell.output().expect("the program starts")
    }
}

/// Database, log, lock, position, secrets, sandbox and exports are 0600 in folders 0700, whatever the umask.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_read_what_an_instance_writes() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    for umask in ["022", "000"] {
        let own = Own::new();
        let program = own.serve(&app, umask).await;
        let exported = own.run(umask, &["subscribers", "export", "readers.csv"]);
        assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
        assert_eq!(open_to_others(&own.folder), [], "under umask {umask}");
        let names: Vec<String> =
            modes(&own.folder).iter().map(|(path, _)| path.display().to_string()).collect();
        for name in [
            "broadside.db",
            "broadside.db-wal",
            "broadside.db-shm",
            "broadside.db.lock",
            "/secret",
            "/readers.csv",
        ] {
            assert!(names.iter().any(|path| path.ends_with(name)), "{name} is not among {names:?}");
        }
        for folder in ["/position/", "/sandbox/"] {
            assert!(names.iter().any(|path| path.contains(folder)), "nothing in {folder} of {names:?}");
        }
        assert!(!program.log().contains("others"), "{}", program.log());
    }
    app.finish().await;
}

/// What an older version left for everybody to read, or somebody put in place, is told of by `doctor` with the command that
/// shuts it, and shut by `serve`. What is not ours stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_open_is_told_of_and_shut() {
    let Some(db) = TestDb::migrated(Engine::Sqlite).await else { return };
    let app = TestApp::start(db).await;
    let own = Own::new();
    drop(own.serve(&app, "022").await);
    let open_all = || {
        for (path, mode) in modes(&own.folder) {
            fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o044)).expect("our own");
        }
    };
    open_all();
    let said = own.run("022", &["doctor"]);
    let said = (said.status.code(), String::from_utf8_lossy(&said.stdout).into_owned());
    assert_eq!(said.0, Some(1));
    let (_, commands): (Vec<&str>, Vec<&str>) = said
        .1
        .lines()
        .filter_map(|line| line.split_once("Run: "))
        .filter(|(_, run)| run.starts_with("chmod"))
        .unzip();
    assert!(commands.iter().any(|command| command.contains("broadside.db'")), "{}", said.1);
    for command in commands {
        assert!(
            Command::new("/bin/sh").arg("-c").arg(command).status().expect("a shell").success(),
            "{command}"
        );
    }
    assert_eq!(open_to_others(&own.folder), []);

    open_all();
    let theirs =
        ["Maildir", "demo", "demo/run.sh", "position/notes", "sandbox/project", "sandbox/project/run.sh"]
            .map(|name| own.folder.join(name));
    for path in &theirs {
        let made = if path.extension().is_some() { fs::write(path, "") } else { fs::create_dir(path) };
        made.expect("our own folder");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own");
    }
    let program = own.serve(&app, "022").await;
    // A folder that somebody else needs is not shut around theirs, by whatever name it is called.
    let mut open = theirs.to_vec();
    open.extend(["", "position", "sandbox"].map(|name| own.folder.join(name)));
    let left = open_to_others(&own.folder).into_iter().map(|(path, _)| path);
    assert_eq!(left.collect::<BTreeSet<_>>(), open.into_iter().collect());
    assert!(program.log().contains("others could look into"), "{}", program.log());
    // That it stands open is told, by both.
    let words = "others on this machine can look into the data folder";
    assert!(program.log().contains(words), "{}", program.log());
    drop(program);
    let said = own.run("022", &["doctor"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains(words));
    app.finish().await;
}
