//! `broadside backup` and `broadside restore`: the whole magazine in one file, while it runs, and back from it.
//!
//! What lies in the file is what any tool for the engine reads: a SQLite database, or what `pg_dump` writes; sealed if a key
//! is given. It is whole or not there: it is written beside its name first, looked at, and renamed.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use url::Url;

use super::{instance, restored};
use crate::{
    clock::Clock,
    config::Config,
    db::{Db, Engine, Migrations, examine},
    private, sealed_file,
};

#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The file to write, which is not there yet; or a folder, in which it gets a name with its date.
    to: PathBuf,
    /// In a folder: delete the oldest, so that so many stay.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// What `broadside backup` wrote.
    file: PathBuf,
    /// Set a database that is there aside (SQLite), and put the backup in its place.
    #[arg(long)]
    replace: bool,
}

/// What the names of backups in a folder begin with; nothing else there is ever touched.
const NAME: &str = "broadside-";

pub(super) async fn back_up(config: &Config, arguments: Backup) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let engine = site.db.engine();
    let ending = ending(engine, config.backup_key.is_some());
    let folder = arguments.to.is_dir().then_some(arguments.to.as_path());
    ensure!(
        arguments.keep.is_none() || folder.is_some(),
        "--keep is for a folder, and {} is none",
        arguments.to.display()
    );
    let to = match folder {
        Some(folder) => {
            let at: String =
                site.clock.now().to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
            folder.join(format!("{NAME}{at}{ending}"))
        }
        None => arguments.to.clone(),
    };
    ensure!(!to.exists(), "{} is there already; a backup takes nothing's place", to.display());
    let part = Part::new(&to)?;
    write(config, &site.db, &part.path).await?;
    let schema = Migrations::applied(&site.db).await?;
    site.db.close().await;
    let size = part.become_file(&to).with_context(|| format!("{} cannot be written", to.display()))?;
    println!("{}: {size} bytes, {}, schema {schema}, looked through.", to.display(), name(engine));
    println!("Keep apart from it, for it is of no use without them: {}.", secrets(config));
    if let (Some(folder), Some(keep)) = (folder, arguments.keep) {
        for gone in delete_oldest(folder, keep.into())? {
            println!("{} was deleted.", gone.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

fn ending(engine: Engine, is_sealed: bool) -> String {
    let plain = match engine {
        Engine::Sqlite => ".db",
        Engine::Postgres => ".dump",
    };
    format!("{plain}{}", if is_sealed { ".sealed" } else { "" })
}

/// The names of the settings without which a backup is worth little.
fn secrets(config: &Config) -> String {
    let file = |name: &str| format!("the file {}", config.data_dir.join(name).display());
    let mut secrets = vec![
        config.secret.as_ref().map_or_else(|| file("secret"), |root| format!("SECRET (number {})", root.id)),
        config
            .suppression_secret
            .as_ref()
            .map_or_else(|| file("suppression-secret"), |_| "SUPPRESSION_SECRET".to_owned()),
    ];
    secrets.extend((!config.old_secrets.is_empty()).then(|| "OLD_SECRETS".to_owned()));
    secrets.extend(config.backup_key.is_some().then(|| "BACKUP_KEY".to_owned()));
    secrets.join(", ")
}

/// A file that is being written, beside the one it will be. Whoever has it locked is at it; what a broken-off run left is used
/// again.
struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    fn new(of: &Path) -> anyhow::Result<Self> {
        let mut name = OsString::from(".");
        name.push(of.file_name().context("it needs a name")?);
        name.push(".part");
        let path = of.with_file_name(name);
        let cannot = || format!("{} cannot be written by {}", path.display(), private::user());
        let file =
            private::options().create(true).truncate(false).write(true).open(&path).with_context(cannot)?;
        ensure!(file.try_lock().is_ok(), "somebody else is writing {} just now", path.display());
        file.set_len(0).with_context(cannot)?;
        Ok(Self { path, file })
    }

    /// Makes it last, and gives it its name; its size.
    fn become_file(self, to: &Path) -> io::Result<u64> {
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

/// Copies the database into a file that is there and empty, sealed if there is a key, and looks the copy through.
async fn write(config: &Config, db: &Db, to: &Path) -> anyhow::Result<()> {
    let applied = Migrations::applied(db).await?;
    let (key, to) = (config.backup_key.clone(), to.to_owned());
    if db.engine() == Engine::Postgres {
        let server = Server::of(&config.database_url)?;
        return tokio::task::spawn_blocking(move || server.dump(key.as_deref(), &to)).await?;
    }
    let Some(key) = key else {
        db.copy_to(&to).await.with_context(|| format!("{} cannot be written", to.display()))?;
        return look_through(&to, applied).await;
    };
    // The plain copy stays where the plain database is.
    private::folder(&config.data_dir)?;
    let plain = Part::new(&config.data_dir.join("backup"))?;
    db.copy_to(&plain.path).await.with_context(|| format!("{} cannot be written", plain.path.display()))?;
    look_through(&plain.path, applied).await?;
    tokio::task::spawn_blocking(move || keep(&mut File::open(&plain.path)?, Some(&key), &to)).await??;
    Ok(())
}

/// Writes into a file that is there, sealed if there is a key.
fn keep(from: &mut dyn Read, key: Option<&[u8]>, to: &Path) -> io::Result<()> {
    let mut from = from;
    let mut to = io::BufWriter::new(private::options().write(true).truncate(true).open(to)?);
    match key {
        Some(key) => sealed_file::seal(key, &mut from, &mut to)?,
        None => drop(io::copy(&mut from, &mut to)?),
    }
    to.flush()
}

/// Reads what [`keep`] wrote.
fn bring(from: &Path, key: Option<&[u8]>, to: &mut dyn Write) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, to);
    match key {
        Some(key) => sealed_file::open(key, &mut from, &mut to)?,
        None => drop(io::copy(&mut from, &mut to)?),
    }
    to.flush()
}

/// Whether a file is a whole database of ours.
async fn look_through(file: &Path, at_least: usize) -> anyhow::Result<()> {
    let (wrong, applied) =
        examine(file).await.with_context(|| format!("{} is no database of ours", file.display()))?;
    if let [first, ..] = wrong.as_slice() {
        bail!("{} is damaged: {first}", file.display());
    }
    ensure!(
        usize::try_from(applied).is_ok_and(|applied| applied >= at_least),
        "{} is not whole",
        file.display()
    );
    Ok(())
}

/// Deletes all but the newest; those that were deleted.
fn delete_oldest(folder: &Path, keep: usize) -> io::Result<Vec<PathBuf>> {
    let mut ours: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_backup))
        .collect();
    // Their names begin with their date.
    ours.sort();
    ours.truncate(ours.len().saturating_sub(keep));
    for old in &ours {
        fs::remove_file(old)?;
    }
    Ok(ours)
}

/// `broadside-20261128T114200Z.db.sealed`, and nothing that a person may have named.
fn is_backup(name: &str) -> bool {
    let Some((date, ending)) = name.strip_prefix(NAME).and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    let is_date =
        date.len() == 16 && date.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z'));
    is_date && matches!(ending, "db" | "dump" | "db.sealed" | "dump.sealed")
}

/// A server of PostgreSQL, for its own programs: the password goes by the environment, which nobody else can look into.
struct Server {
    url: String,
    password: Option<String>,
}

impl Server {
    fn of(url: &str) -> anyhow::Result<Self> {
        let mut url = Url::parse(url).context("DATABASE_URL is no URL")?;
        let mut password = url.password().and_then(crate::smtp_url::percent_decode);
        if password.is_some() && url.set_password(None).is_err() {
            bail!("DATABASE_URL has a password where none can be");
        }
        let (of_the_password, others): (Vec<_>, Vec<_>) =
            url.query_pairs().into_owned().partition(|(name, _)| name == "password");
        password = password.or(of_the_password.into_iter().next().map(|(_, value)| value));
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        Ok(Self { url: url.into(), password })
    }

    /// Writes everything into a file that is there, and reads it once more to its end.
    fn dump(&self, key: Option<&[u8]>, to: &Path) -> anyhow::Result<()> {
        let arguments = ["--format=custom", "--dbname", &self.url];
        self.run("pg_dump", &arguments, |_| Ok(()), |dump| keep(dump, key, to))?;
        let as_text = ["--file=/dev/null"];
        self.run("pg_restore", &as_text, |backup| bring(to, key, backup), |_| Ok(()))
            .context("what was written cannot be read again")
    }

    /// Fills an empty database from a plain dump, all or nothing.
    fn fill(&self, dump: &Path) -> anyhow::Result<()> {
        let how = [
            "--exit-on-error",
            "--single-transaction",
            "--no-owner",
            "--no-privileges",
            "--dbname",
            &self.url,
        ];
        self.run("pg_restore", &how, |backup| bring(dump, None, backup), |_| Ok(()))
    }

    /// Runs one of PostgreSQL's programs to its end. All goes through us, so that it ends when we are killed.
    fn run(
        &self,
        program: &str,
        arguments: &[&str],
        feed: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send,
        take: impl FnOnce(&mut dyn Read) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                "the program {program} is not here: install PostgreSQL's client programs of the server's version (on Debian: postgresql-client)"
            ),
            Err(error) => return Err(error).context(format!("{program} cannot be run")),
        };
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut input), Some(mut output), Some(mut errors)) = pipes else {
            bail!("{program} has no pipes")
        };
        let (fed, taken, said) = std::thread::scope(|scope| {
            let fed = scope.spawn(move || feed(&mut input));
            let said = scope.spawn(move || io::read_to_string(&mut errors).unwrap_or_default());
            let taken = take(&mut output).and_then(|()| io::copy(&mut output, &mut io::sink()));
            drop(output);
            (fed.join(), taken, said.join().unwrap_or_default())
        });
        let status = child.wait()?;
        // Its own words first: a pipe that broke is only what followed from them.
        ensure!(status.success(), "{}", said.trim());
        taken?;
        fed.map_err(|_| anyhow::anyhow!("{program} could not be fed"))??;
        Ok(())
    }
}

/// What a backup is.
enum Kind {
    Sealed,
    File,
    Dump,
}

impl Kind {
    fn of(file: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("{} cannot be read", file.display());
        let mut head = Vec::new();
        File::open(file).with_context(cannot)?.take(32).read_to_end(&mut head).with_context(cannot)?;
        match head.as_slice() {
            head if head.starts_with(sealed_file::BEGINNING) => Ok(Self::Sealed),
            head if head.starts_with(b"SQLite format 3\0") => Ok(Self::File),
            head if head.starts_with(b"PGDMP") => Ok(Self::Dump),
            _ => bail!("{} is no backup: neither a SQLite database nor a dump of PostgreSQL", file.display()),
        }
    }
}

pub(super) async fn restore(config: &Config, arguments: Restore) -> anyhow::Result<ExitCode> {
    // Nobody else is at work: on SQLite the lock says so, and a server's database has to be empty.
    let lock = instance::lock(config)?;
    let database = instance::sqlite_file(config);
    let beside = database.clone().unwrap_or_else(|| config.data_dir.join("backup"));
    private::folder(beside.parent().unwrap_or(Path::new(".")))?;
    let part = Part::new(&beside.with_extension("restored"))?;
    unpack(config, &arguments.file, &part.path).await?;
    match (Kind::of(&part.path)?, &database) {
        (Kind::File, Some(database)) => {
            look_through(&part.path, 1).await?;
            set_aside(database, arguments.replace)?;
            part.become_file(database)
                .with_context(|| format!("{} cannot be written", database.display()))?;
        }
        (Kind::Dump, None) => into_server(config, part.path.clone()).await?,
        (Kind::Sealed, _) => bail!("{} was sealed twice", arguments.file.display()),
        (Kind::File, None) => bail!(
            "this is a backup of SQLite, and DATABASE_URL names PostgreSQL. Restore it as a file (DATABASE_URL=sqlite:…), and move from there: docs/operations.md, “More than one machine”"
        ),
        (Kind::Dump, Some(_)) => bail!(
            "this is a backup of PostgreSQL: DATABASE_URL has to name an empty database on a server (postgres://…)"
        ),
    }
    println!("The backup is in its place.\n");
    restored::settle(config, lock).await
}

/// The plain backup in a file of its own, which is written first, so that nothing is touched before it is whole.
async fn unpack(config: &Config, from: &Path, to: &Path) -> anyhow::Result<()> {
    let is_sealed = matches!(Kind::of(from)?, Kind::Sealed);
    let key = config.backup_key.clone();
    ensure!(
        !is_sealed || key.is_some(),
        "{} is sealed: set the BACKUP_KEY that it was made with",
        from.display()
    );
    let (from, to) = (from.to_owned(), to.to_owned());
    tokio::task::spawn_blocking(move || {
        let mut plain = private::options().write(true).truncate(true).open(&to)?;
        bring(&from, key.as_deref().filter(|_| is_sealed), &mut plain)
    })
    .await?
    .context("the backup cannot be read")
}

/// What is there already is kept under another name. Its log goes first: beside another database it would be poison.
fn set_aside(database: &Path, may_replace: bool) -> anyhow::Result<()> {
    if !database.exists() {
        return Ok(());
    }
    ensure!(
        may_replace,
        "there is a database at {} already. With --replace it is set aside, and the backup takes its place",
        database.display()
    );
    let at = Clock::System.now().timestamp().as_second();
    for ending in ["-wal", "-shm", "-journal", ""] {
        let mut name = database.as_os_str().to_owned();
        name.push(ending);
        let mut aside = database.as_os_str().to_owned();
        aside.push(format!(".before-{at}{ending}"));
        match fs::rename(&name, &aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("{} cannot be set aside", PathBuf::from(name).display()));
            }
            Ok(()) if ending.is_empty() => {
                println!("What was there is {} now.", PathBuf::from(aside).display());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Into an empty database, all or nothing.
async fn into_server(config: &Config, dump: PathBuf) -> anyhow::Result<()> {
    let db = instance::open_database(config).await?;
    let is_empty = Migrations::applied(&db).await? == 0;
    db.close().await;
    ensure!(
        is_empty,
        "there is a magazine in the database that DATABASE_URL names: make an empty one, and name that"
    );
    let server = Server::of(&config.database_url)?;
    tokio::task::spawn_blocking(move || server.fill(&dump)).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A person's own copy in the same folder is a person's own.
    #[test]
    fn only_what_was_named_here_is_ever_deleted() {
        for ours in ["broadside-20261128T114200Z.db", "broadside-20261128T114200Z.dump.sealed"] {
            assert!(is_backup(ours), "{ours}");
        }
        for theirs in [
            "broadside.db",
            "broadside-before-update.db",
            "broadside-20261128T114200Z.db.gz",
            "broadside-.db",
            "x",
        ] {
            assert!(!is_backup(theirs), "{theirs}");
        }
    }

    /// TRUST A31: no password stands in a list of processes.
    #[test]
    fn the_programs_of_a_server_are_told_the_password_apart() {
        for (url, plain, password) in [
            (
                "postgres://ann:a%2Fb@h:5433/news?sslmode=require",
                "postgres://ann@h:5433/news?sslmode=require",
                Some("a/b"),
            ),
            ("postgres://ann@h/news?password=x&host=/run", "postgres://ann@h/news?host=%2Frun", Some("x")),
            ("postgres:///news?host=/run&user=ann", "postgres:///news?host=%2Frun&user=ann", None),
        ] {
            let server = Server::of(url).expect("a URL");
            assert_eq!((server.url.as_str(), server.password.as_deref()), (plain, password));
        }
    }
}
