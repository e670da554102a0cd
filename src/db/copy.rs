//! Copies of a SQLite database: made while it is written to, and looked at before anybody trusts one.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::{Db, Result, other_engine, sql};

impl Db {
    /// Copies the database as it is at this moment into a file that is empty or not there yet. Nobody waits meanwhile: it is
    /// read like any page. Only for SQLite.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn copy_to(&self, file: &Path) -> Result<()> {
        let Self::Sqlite { read, .. } = self else { return Err(other_engine()) };
        // A reader of the pool may not write, and may not be kept for so long.
        let mut connection =
            read.connect_options().as_ref().clone().pragma("query_only", "off").connect().await?;
        let copied =
            sqlx::query(sql::COPY).bind(file.to_string_lossy().into_owned()).execute(&mut connection).await;
        connection.close().await?;
        copied.map(drop)
    }
}

/// What is wrong with a file that should be a SQLite database, and how many migrations it has; nothing is changed in it.
///
/// # Errors
/// When it is no database at all.
pub async fn examine(file: &Path) -> Result<(Vec<String>, i64)> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    let mut connection = options.connect().await?;
    let mut wrong: Vec<String> = sqlx::query_scalar(sql::INTEGRITY).fetch_all(&mut connection).await?;
    wrong.retain(|line| line != "ok");
    let strangers: Vec<String> = sqlx::query_scalar(sql::FOREIGN_KEYS).fetch_all(&mut connection).await?;
    wrong
        .extend(strangers.into_iter().map(|table| format!("a row of {table} belongs to none that is there")));
    let migrations = sqlx::query_scalar(sql::MIGRATIONS).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok((wrong, migrations))
}
