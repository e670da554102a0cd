//! `broadside migrate`: brings the database up to date with this program, and fills it from a SQLite file.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};

use super::{backup::look_through, instance, restore::fits};
use crate::{
    config::Config,
    db::{self, Db, DbOptions, Migrations},
    delivery::origin,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Copy everything from this SQLite file into the empty PostgreSQL database that DATABASE_URL names.
    #[arg(long, value_name = "FILE")]
    copy_from: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, Arguments { copy_from }: Arguments) -> anyhow::Result<ExitCode> {
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
    if let Some(file) = copy_from {
        copy(config, &file, &db).await?;
    }
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Carries a whole magazine over.
async fn copy(config: &Config, file: &Path, to: &Db) -> anyhow::Result<()> {
    if !file.is_file() {
        bail!("there is no file {}", file.display());
    }
    let _lock = instance::lock_file(file)?;
    let url = format!("sqlite:{}", file.display());
    let from = Db::open(&DbOptions::new(url)).await?;
    let positions = instance::positions(config)?;
    let migrations = Migrations::applied(&from).await?;
    let is_copy = migrations > 0 && origin::may_be_a_copy(&from, &positions).await?;
    from.close().await;
    fits(config, &look_through(file, 1).await?)?;
    if migrations < Migrations::numbers().len() {
        bail!(
            "{} is of an older version. Bring it up to date first, with DATABASE_URL=sqlite:{}: broadside migrate",
            file.display(),
            file.display()
        );
    }
    for one in db::carry(file, !is_copy, to).await?.into_iter().filter(|one| one.rows > 0) {
        println!("{:<28} {:>10} rows", one.table, one.rows);
    }
    println!("Everything is copied. Now `broadside audit` must say the same of both.");
    if is_copy {
        println!(
            "{} is a copy, or a backup, and so is what was made of it: nothing goes out from there until an owner says at the desk what it is.",
            file.display()
        );
    } else {
        println!(
            "The magazine is there from now on. Should {} be started again, nothing goes out from it before an owner says so.",
            file.display()
        );
    }
    Ok(())
}
