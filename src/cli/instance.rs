//! Opens the instance that the settings describe.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::Context as _;

use crate::{
    clock::Clock,
    config::Config,
    db::{Db, Migrations},
    digests,
    site::Site,
};

/// The file of a SQLite database; none for PostgreSQL.
pub(super) fn sqlite_file(config: &Config) -> Option<PathBuf> {
    let path = config.database_url.strip_prefix("sqlite:")?.trim_start_matches("//");
    Some(PathBuf::from(path.split('?').next().unwrap_or_default()))
}

/// Opens the database as it is, with its folder made if it is a file.
pub(super) async fn open_database(config: &Config) -> anyhow::Result<Db> {
    if let Some(folder) = sqlite_file(config).and_then(|file| file.parent().map(PathBuf::from)) {
        fs::create_dir_all(&folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    Db::open(&config.database()).await.context("the database cannot be opened")
}

/// Opens the database, brings it up to date, and puts the instance together.
pub(super) async fn open_site(config: &Config) -> anyhow::Result<Site> {
    let db = open_database(config).await?;
    Migrations::apply(&db).await.context("the database cannot be brought up to date")?;
    let keys = config.keys().context("the secrets in DATA_DIR cannot be read or made")?;
    let site = Site {
        db,
        clock: Clock::System,
        keys: Arc::new(keys),
        base_url: config.base_url.clone(),
        bounce_address: config.bounce_address.clone(),
    };
    digests::ensure_first(&site).await?;
    Ok(site)
}
