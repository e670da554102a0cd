//! `broadside migrate`: brings the database up to date with this program.

use std::process::ExitCode;

use anyhow::Context as _;

use super::instance;
use crate::{config::Config, db::Migrations};

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let _lock = instance::lock(config)?;
    let db = instance::open_database(config).await?;
    let before = Migrations::applied(&db).await?;
    Migrations::apply(&db).await.context("the database cannot be brought up to date")?;
    let after = Migrations::applied(&db).await?;
    db.close().await;
    match after - before {
        0 => println!("The database was up to date ({after} migrations)."),
        1 => println!("1 migration was applied; the database has {after}."),
        new => println!("{new} migrations were applied; the database has {after}."),
    }
    Ok(ExitCode::SUCCESS)
}
