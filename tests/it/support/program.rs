//! The real program as processes of their own, which tests stop, kill and starve.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use broadside::token;

use super::{
    TestApp,
    app::{SECRET, SUPPRESSION_SECRET},
    scratch::{self, Guard},
    wait,
};

/// A running `broadside`, on the database and with the outside world of a [`TestApp`]. It is killed when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    folder: PathBuf,
    /// Kills it should the test process die first.
    _guard: Guard,
}

/// A setting as the environment holds it.
pub type Setting<'a> = (&'a str, &'a str);

impl Program {
    /// Starts `broadside serve`: the web server too, on an address of its own.
    pub fn serve(app: &TestApp, settings: &[Setting<'_>]) -> Self {
        Self::start(app, "serve", settings)
    }

    /// Starts `broadside worker`, which needs PostgreSQL.
    pub fn worker(app: &TestApp, settings: &[Setting<'_>]) -> Self {
        Self::start(app, "worker", settings)
    }

    /// As [`Program::serve`], begun by a line of the shell, such as `ulimit -n 64 && exec "$0" "$@"`.
    pub fn serve_by(app: &TestApp, line: &str, settings: &[Setting<'_>]) -> Self {
        let program = command(app, "serve", settings);
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(line).arg(program.get_program());
        shell.args(program.get_args()).env_clear();
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::spawn(shell.current_dir(scratch::folder()))
    }

    fn start(app: &TestApp, command: &str, settings: &[Setting<'_>]) -> Self {
        Self::spawn(&mut self::command(app, command, settings))
    }

    fn spawn(command: &mut Command) -> Self {
        let folder = scratch::folder();
        let log = File::create(folder.join("log")).expect("our own folder");
        let child = command.stdout(Stdio::null()).stderr(log).spawn();
        let child = child.expect("the program starts");
        fs::write(folder.join("pid"), child.id().to_string()).expect("our own folder");
        // The file goes once the process is reaped: its number may be somebody else's from then on.
        let guard = scratch::guard(
            "cat >/dev/null; [ -e \"$1/pid\" ] && kill -9 \"$(cat \"$1/pid\")\"",
            &folder,
            &[],
            None,
        );
        Self { child, folder, _guard: guard }
    }

    /// Runs a command of the program to its end.
    pub fn run(app: &TestApp, arguments: &[&str]) -> Output {
        let (first, rest) = arguments.split_first().expect("a command");
        command(app, first, &[]).args(rest).output().expect("the program starts")
    }

    /// The same with other settings, begun by a line of the shell, such as `exec "$0" "$@"`.
    pub fn run_by(app: &TestApp, line: &str, arguments: &[&str], settings: &[Setting<'_>]) -> Output {
        let (first, rest) = arguments.split_first().expect("a command");
        let program = command(app, first, settings);
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(line).arg(program.get_program()).args(program.get_args()).args(rest).env_clear();
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(scratch::folder()).output().expect("the program starts")
    }

    /// `kill -9`, at once.
    pub fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.reaped();
    }

    /// Sends a signal by its name, such as TERM.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success(), "{name} was not sent");
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self, patience: Duration) -> ExitStatus {
        let ended = wait::at_most(patience, async || self.child.try_wait().expect("our own child")).await;
        let status = ended.unwrap_or_else(|| panic!("it did not end within {patience:?}: {}", self.log()));
        self.forget_pid();
        status
    }

    /// Whether it has ended by itself.
    pub fn is_over(&mut self) -> bool {
        let over = self.child.try_wait().expect("our own child").is_some();
        if over {
            self.forget_pid();
        }
        over
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn reaped(&mut self) {
        self.child.wait().expect("our own child");
        self.forget_pid();
    }

    fn forget_pid(&self) {
        // It is gone already when the process was reaped before.
        let _ = fs::remove_file(self.folder.join("pid"));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the log of process {}:\n{}", self.child.id(), self.log());
        }
        // An error means that it ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.forget_pid();
    }
}

fn command(app: &TestApp, command: &str, settings: &[Setting<'_>]) -> Command {
    let smtp = app.sandbox.smtp_addr();
    let mut program = Command::new(env!("CARGO_BIN_EXE_broadside"));
    program.arg(command).current_dir(scratch::folder()).env_clear();
    program
        .env("DATABASE_URL", &app.database_url)
        .env("BASE_URL", app.site.base_url.as_str())
        .env("LISTEN", address_of_its_own().to_string())
        .env("SECRET", SECRET)
        .env("SUPPRESSION_SECRET", SUPPRESSION_SECRET)
        .env("SMTP_URL", format!("smtp://{smtp}?tls=none"))
        .env("SMTP_TIMEOUT_FACTOR", "0.05")
        .env("SANDBOX_SMTP", smtp.to_string())
        .env("DATA_DIR", data_folder(app))
        .envs(settings.iter().copied());
    program
}

/// Where every process of the instance keeps what is its own: beside the file, or anywhere for a server.
fn data_folder(app: &TestApp) -> PathBuf {
    match app.database_url.strip_prefix("sqlite:").map(Path::new).and_then(Path::parent) {
        Some(folder) => folder.join("data"),
        None => scratch::folder(),
    }
}

/// Starts a command of the program, to be killed on the way.
pub fn begin(app: &TestApp, arguments: &[&str]) -> Program {
    begin_with(app, arguments, &[])
}

/// The same with other settings.
pub fn begin_with(app: &TestApp, arguments: &[&str], settings: &[Setting<'_>]) -> Program {
    let (first, rest) = arguments.split_first().expect("a command");
    Program::spawn(command(app, first, settings).args(rest))
}

/// All of 127/8 is this machine; an address that nobody else uses has every port free.
pub fn address_of_its_own() -> SocketAddr {
    let [a, b, c] = token::random::<3>();
    SocketAddr::from(([127, a.max(1), b, c.clamp(1, 254)], 3000))
}
