//! `broadside backup`: the whole magazine in one file, while it runs.
//!
//! What lies in the file is what any tool for the engine reads: a SQLite database, or what `pg_dump` writes; sealed if a key
//! is given. It is whole or not there: it is written beside its name first, looked at, and renamed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};

use super::{instance, part::Part, sealing::keep, server::Server};
use crate::{
    clock::Clock,
    config::Config,
    db::{Db, Engine, Examined, Migrations, examine},
    private,
};

#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// The file to write, which is not there yet; or a folder, in which it gets a name with its date.
    to: PathBuf,
    /// In a folder: delete the oldest, so that so many stay.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
}

/// What the names of backups in a folder begin with; nothing else there is ever touched.
const NAME: &str = "broadside-";

pub(super) async fn back_up(config: &Config, arguments: Backup) -> anyhow::Result<ExitCode> {
    // Of whatever version: before an update is when a backup is wanted.
    let db = instance::open_as_it_is(config).await?;
    let engine = db.engine();
    let whose = config.base_url.host_str().unwrap_or("magazine");
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
                Clock::System.now().to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
            folder.join(format!("{NAME}{whose}-{at}{ending}"))
        }
        None => arguments.to.clone(),
    };
    ensure!(!to.exists(), "{} is there already; a backup takes nothing's place", to.display());
    let part = Part::new(&to, &format!("{NAME}{whose}"))?;
    write(config, &db, &part.path).await?;
    let schema = Migrations::applied(&db).await?;
    db.close().await;
    let size = part.become_file(&to).with_context(|| format!("{} cannot be written", to.display()))?;
    println!("{}: {size} bytes, {}, schema {schema}, looked through.", to.display(), name(engine));
    println!("Keep apart from it, for it is of no use without them: {}.", secrets(config));
    if let (Some(folder), Some(keep)) = (folder, arguments.keep) {
        for gone in delete_oldest(folder, whose, &to, keep.into())? {
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
        return look_through(&to, applied).await.map(drop);
    };
    // The plain copy stays where the plain database is.
    private::folder(&config.data_dir)?;
    let plain = Part::new(&config.data_dir.join("backup"), "backup")?;
    db.copy_to(&plain.path).await.with_context(|| format!("{} cannot be written", plain.path.display()))?;
    look_through(&plain.path, applied).await?;
    tokio::task::spawn_blocking(move || keep(&mut File::open(&plain.path)?, Some(&key), &to)).await??;
    Ok(())
}

/// Whether a file is a whole database of ours, with so many migrations at least; what it is.
pub(super) async fn look_through(file: &Path, at_least: usize) -> anyhow::Result<Examined> {
    let found = examine(file).await.with_context(|| format!("{} is no database of ours", file.display()))?;
    if let [first, ..] = found.wrong.as_slice() {
        bail!("{} is damaged: {first}", file.display());
    }
    ensure!(found.migrations.len() >= at_least, "{} is not whole", file.display());
    Ok(found)
}

/// Deletes all but the newest of one magazine, and never the one that was just made; those that were deleted.
fn delete_oldest(folder: &Path, whose: &str, made: &Path, keep: usize) -> io::Result<Vec<PathBuf>> {
    let mut ours: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path != made)
        .filter(|path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| is_backup(name, whose))
        })
        .collect();
    // Their names end with their date.
    ours.sort();
    ours.truncate((ours.len() + 1).saturating_sub(keep));
    for old in &ours {
        fs::remove_file(old)?;
    }
    Ok(ours)
}

/// `broadside-news.example.org-20261128T114200Z.db.sealed`, and nothing that a person may have named.
fn is_backup(name: &str, whose: &str) -> bool {
    let of_it = name.strip_prefix(NAME).and_then(|rest| rest.strip_prefix(whose)?.strip_prefix('-'));
    let Some((date, ending)) = of_it.and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    let is_date =
        date.len() == 16 && date.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z'));
    is_date && matches!(ending, "db" | "dump" | "db.sealed" | "dump.sealed")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A person's own copy in the same folder is a person's own.
    #[test]
    fn only_what_was_named_here_is_ever_deleted() {
        for ours in [
            "broadside-a.example.org-20261128T114200Z.db",
            "broadside-a.example.org-20261128T114200Z.dump.sealed",
        ] {
            assert!(is_backup(ours, "a.example.org"), "{ours}");
            assert!(!is_backup(ours, "example.org") && !is_backup(ours, "b.example.org"), "{ours}");
        }
        for theirs in [
            "broadside.db",
            "broadside-before-update.db",
            "broadside-a.example.org-20261128T114200Z.db.gz",
            "broadside-.db",
            "x",
        ] {
            assert!(!is_backup(theirs, "a.example.org"), "{theirs}");
        }
    }

    /// A clock that was ahead left a name of tomorrow.
    #[test]
    fn what_was_just_made_stays() {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/tmp/keep-{}", std::process::id()));
        private::folder(&folder).unwrap();
        let name = |day: &str| folder.join(format!("broadside-h-202611{day}T000000Z.db"));
        for day in ["01", "02", "03", "30"] {
            private::write(&name(day), "").unwrap();
        }
        assert_eq!(delete_oldest(&folder, "h", &name("03"), 2).unwrap(), [name("01"), name("02")]);
        assert_eq!(delete_oldest(&folder, "h", &name("03"), 1).unwrap(), [name("30")]);
        assert!(name("03").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
