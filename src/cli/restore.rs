//! `broadside restore`: a backup takes its place, held until somebody has looked.
//!
//! Nothing that is there is touched before the backup is whole, known to fit, and on the disk.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};

use super::{backup, instance, part::Part, restored, sealing::bring, server::Server};
use crate::{
    clock::Clock,
    config::Config,
    db::{Examined, Migrations},
    delivery, private, sealed_file,
};

#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// What `broadside backup` wrote.
    file: PathBuf,
    /// Set a database that is there aside (SQLite), and put the backup in its place.
    #[arg(long)]
    replace: bool,
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
    let part = Part::new(&beside, "restored")?;
    unpack(config, &arguments.file, &part.path).await?;
    match (Kind::of(&part.path)?, &database) {
        (Kind::File, Some(database)) => {
            fits(config, &backup::look_through(&part.path, 1).await?)?;
            part.sync()?;
            let aside = SetAside::new(database, arguments.replace)?;
            match part.become_file(database) {
                Ok(_) => aside.say(),
                Err(error) => {
                    aside.put_back();
                    return Err(error).with_context(|| format!("{} cannot be written", database.display()));
                }
            }
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
    restored::settle(config, lock).await.context(
        "nothing in it was held back yet, and nothing may be started from it; once this is mended, run `broadside restored`",
    )
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

/// Whether this program, with these secrets, can open it: what cannot be used takes nothing's place.
pub(super) fn fits(config: &Config, found: &Examined) -> anyhow::Result<()> {
    let known = Migrations::numbers();
    if let Some(newer) = found.migrations.iter().find(|number| !known.contains(number)) {
        bail!("it was made by a newer program (migration {newer}): install that one, and use it");
    }
    let keys = config.keys().context("the secrets in DATA_DIR cannot be read or made")?;
    let is_another = found.proof.as_ref().is_some_and(|proof| *proof != delivery::suppression_proof(&keys));
    if is_another && found.suppressed > 0 {
        return Err(instance::another_secret(found.suppressed));
    }
    Ok(())
}

/// What was there, under other names.
struct SetAside(Vec<(PathBuf, PathBuf)>);

impl SetAside {
    /// The database, and what SQLite has beside it, also where that alone is there: beside another database it would be poison.
    fn new(database: &Path, may_replace: bool) -> anyhow::Result<Self> {
        let named = |ending: &str| {
            let mut name = database.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let there: Vec<&str> =
            ["-wal", "-shm", "-journal", ""].into_iter().filter(|ending| named(ending).exists()).collect();
        let Some(first) = there.last() else { return Ok(Self(Vec::new())) };
        ensure!(
            may_replace,
            "{} is there already. With --replace it is set aside, and the backup takes its place",
            named(first).display()
        );
        let at = Clock::System.now().timestamp().as_second();
        let mut aside = Self(Vec::new());
        for ending in there {
            let (from, to) = (named(ending), named(&format!(".before-{at}{ending}")));
            if let Err(error) = fs::rename(&from, &to) {
                aside.put_back();
                return Err(error).with_context(|| format!("{} cannot be set aside", from.display()));
            }
            aside.0.push((from, to));
        }
        Ok(aside)
    }

    fn say(&self) {
        if let Some((_, to)) = self.0.last() {
            println!("What was there is {} now.", to.display());
        }
    }

    fn put_back(&self) {
        for (from, to) in &self.0 {
            if let Err(error) = fs::rename(to, from) {
                tracing::error!(%error, "{} could not get its name back: it is {}", from.display(), to.display());
            }
        }
    }
}

/// In so many tenths of a second `pg_restore` notices that whoever ran it is gone.
const ENDS_WITHIN: usize = 300;

/// Into an empty database, all or nothing.
async fn into_server(config: &Config, dump: PathBuf) -> anyhow::Result<()> {
    let db = instance::open_database(config).await?;
    // One that was killed in the middle may still have it in hand.
    for _ in 0..ENDS_WITHIN {
        if !db.is_being_filled().await? {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ensure!(
        !db.is_being_filled().await?,
        "a backup is being restored into this database just now: wait for it"
    );
    let is_empty = Migrations::applied(&db).await? == 0;
    db.close().await;
    ensure!(
        is_empty,
        "there is a magazine in the database that DATABASE_URL names: make an empty one, and name that"
    );
    let server = Server::of(&config.database_url)?;
    tokio::task::spawn_blocking(move || server.fill(&dump)).await?
}
