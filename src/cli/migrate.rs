//! `broadside migrate`: brings the database up to date with this program, and fills it from a SQLite file.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};

use super::instance;
use crate::{
    config::Config,
    db::{self, Db, Migrations},
    delivery::workers,
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
        copy(&file, after, &db).await?;
    }
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Carries a whole magazine over.
async fn copy(file: &Path, migrations: usize, to: &Db) -> anyhow::Result<()> {
    if !file.is_file() {
        bail!("there is no file {}", file.display());
    }
    // Whoever works on either would not be copied, or would be in the way.
    let _lock = instance::lock_file(file)?;
    if workers::is_anybody_alive(to).await? {
        bail!("processes of Broadside work on the database on the server: stop them all first");
    }
    for one in db::carry(file, migrations, to).await?.into_iter().filter(|one| one.rows > 0) {
        println!("{:<28} {:>10} rows", one.table, one.rows);
    }
    println!(
        "Everything is copied; {} is as it was. Now `broadside audit` must say the same of both.",
        file.display()
    );
    Ok(())
}
