//! `broadside migrate`: brings the database up to date with this program, and fills it from a SQLite file.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};

use super::{backup::look_through, instance, restore::fits};
use crate::{
    config::Config,
    db::{self, Db, DbOptions, Migrations},
    delivery::Lock,
    origin,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Copy everything from this SQLite file into the empty PostgreSQL database that DATABASE_URL names.
    #[arg(long, value_name = "FILE")]
    copy_from: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, Arguments { copy_from }: Arguments) -> anyhow::Result<ExitCode> {
    let from = match &copy_from {
        Some(file) => Some(Source::look_through(config, file).await?),
        None => None,
    };
    let _lock = instance::lock(config)?;
    let db = instance::open_database(config).await?;
    let before = Migrations::applied(&db).await?;
    Migrations::apply(&db).await.context("the database cannot be brought up to date")?;
    let after = Migrations::applied(&db).await?;
    match after - before {
        0 => println!("The database was up to date ({after} migrations)."),
        1 => println!("1 migration was applied; the database has {after}."),
        new => println!("{new} migrations were applied; the database has {after}."),
    }
    if let Some(from) = from {
        from.copy_into(&db).await?;
    }
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// A file with a whole magazine, which nobody works on.
struct Source<'a> {
    file: &'a Path,
    /// It may be a copy, or a backup.
    is_copy: bool,
    _lock: Lock,
}

impl<'a> Source<'a> {
    /// Before anything is done: whether it can be copied to where the settings lead.
    async fn look_through(config: &Config, file: &'a Path) -> anyhow::Result<Self> {
        ensure!(
            instance::sqlite_file(config).is_none(),
            "DATABASE_URL has to name the database on PostgreSQL into which the file is copied: postgres://…"
        );
        let name = file.display();
        ensure!(file.is_file(), "there is no file {name}");
        let lock = instance::lock_file(file)?;
        fits(config, &look_through(file, 1).await?)?;
        // This sees what a process that was killed left beside it, too.
        let db = Db::open(&DbOptions::new(format!("sqlite:{name}"))).await?;
        let migrations = Migrations::applied(&db).await?;
        let is_copy = origin::may_be_a_copy(&db, &*instance::positions(config)?).await?;
        db.close().await;
        ensure!(
            migrations >= Migrations::numbers().len(),
            "{name} is of an older version. Bring it up to date first, with DATABASE_URL=sqlite:{name}: broadside migrate"
        );
        Ok(Self { file, is_copy, _lock: lock })
    }

    async fn copy_into(self, to: &Db) -> anyhow::Result<()> {
        for one in db::carry(self.file, !self.is_copy, to).await?.into_iter().filter(|one| one.rows > 0) {
            println!("{:<28} {:>10} rows", one.table, one.rows);
        }
        println!("Everything is copied. Now `broadside audit` must say the same of both.");
        let name = self.file.display();
        if self.is_copy {
            println!(
                "{name} is a copy, or a backup, and so is what was made of it: nothing goes out from there until an owner says at the desk what it is."
            );
        } else {
            println!(
                "The magazine is there from now on. Should {name} be started again, nothing goes out from it before an owner says so."
            );
        }
        Ok(())
    }
}
